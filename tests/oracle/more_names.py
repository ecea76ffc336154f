"""FeatureSpace, distillation and drawing (python tests/oracle/ask.py more_names)."""
from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(0)
TABLE = {"age": np.float32([20, 30, 40, 55]), "sex": np.array(["m", "f", "f", "m"]), "n": np.array([3, 4, 3, 9]),
         "w": np.float32([0.1, 0.7, 0.3, 0.9]), "h": np.array(["a", "b", "c", "d"]), "z": np.float32([1, 2, 3, 5])}
X, Y = (RNG.uniform(-1, 1, (8, n)).astype("float32") for n in (5, 3))
IMAGES = RNG.integers(0, 256, (2, 9, 11, 3)).astype("float32")
MASKS = RNG.integers(-1, 4, (2, 9, 11, 1))


def space(K, mode="concat"):
    made = K.utils.FeatureSpace
    found = made({"age": made.float_discretized(3), "sex": "string_categorical",
                  "n": made.integer_categorical(num_oov_indices=2), "w": "float", "h": made.string_hashed(4),
                  "z": "float_normalized"}, output_mode=mode, crossing_dim=6,
                 crosses=[("sex", "n"), made.cross(("sex", "age"), 8)])
    found.adapt(TABLE)
    return found


def features(K, mode):
    found = space(K, mode)(TABLE)
    parts = [found] if mode == "concat" else [found[name] for name in sorted(found)]
    return np.concatenate([K.ops.convert_to_numpy(x) for x in parts], axis=-1).astype("float32")


def networks(K):
    def network(seed, width):
        model = K.Sequential([K.Input((5,)), K.layers.Dense(width, activation="tanh", name="hidden"),
                              K.layers.Dense(3)])
        rng = np.random.default_rng(seed)
        model.set_weights([rng.uniform(-1, 1, w.shape).astype("float32") for w in model.get_weights()])
        return model
    return network(1, 4), network(2, 4)


def distilled(K, losses, weight, loss_weights=None, student_loss="mse"):
    """Losses of three epochs, and a prediction."""
    D = K.distillation
    made = {"logits": lambda: D.LogitsDistillation(2.0), "kl": lambda: D.LogitsDistillation(
                2.0, K.losses.KLDivergence()), "mse": lambda: D.LogitsDistillation(3.0, "mse"),
            "features": lambda: D.FeatureDistillation("mse", "hidden", "hidden"),
            "outputs": lambda: D.FeatureDistillation("mae")}
    teacher, student = networks(K)
    model = D.Distiller(teacher, student, [made[name]() for name in losses], loss_weights, weight)
    model.compile(K.optimizers.SGD(0.1), loss=student_loss)
    history = model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    told = [history[name] for name in ("student_loss", "distillation_loss", "total_loss")]
    return np.concatenate([np.ravel(told), np.ravel(model.predict(X, verbose=0))]).astype("float32")


def masked(K, first=False, **arguments):
    swap = (lambda x: np.moveaxis(x, -1, 1)) if first else lambda x: x
    return K.visualization.draw_segmentation_masks(swap(IMAGES), swap(MASKS), **arguments,
                                                   data_format="channels_first" if first else "channels_last")


def all_cases() -> dict:
    cases = {f"features {mode}": lambda K, m=mode: features(K, m) for mode in ("concat", "dict")}
    for losses, weight, others in ((["logits"], 0.5, None), (["kl"], 0.5, None),
                                   (["mse"], 0.0, None), (["features"], 0.3, None),
                                   (["logits", "features"], 0.5, [0.7, 0.2]), (["outputs"], 0.9, None)):
        cases[f"distiller {losses} {weight}"] = lambda K, a=(losses, weight, others): distilled(K, *a)
    for i, arguments in enumerate(({}, {"num_classes": 4}, {"alpha": 0.3, "num_classes": 2}, {"blend": False},
                                   {"color_mapping": {0: (1, 2, 3), 1: (255, 0, 9), 2: (7, 7, 7)}},
                                   {"ignore_index": 1}, {"first": True})):
        cases[f"masks {i}"] = lambda K, a=arguments: masked(K, **a)
    return cases
