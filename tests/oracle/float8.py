"""Makes tests/data/float8.npz and float8.keras with Keras 3.15.1:

    KERAS_BACKEND=tensorflow python tests/oracle/float8.py tests/data
"""
import sys
from pathlib import Path

import numpy as np

STEPS = 5


def model(K):
    """A model with weights, one layer of which has scales by a history of 4 steps."""
    layers, policy = K.layers, K.dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32", amax_history_length=4)
    x = K.Input((5, 6))
    y = layers.EinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="de", name="heads")(x)
    y = layers.Dense(3, "tanh", dtype=policy, name="inner")(y)
    y = layers.Reshape((30,))(y)
    m = K.Model(x, layers.Dense(2, name="outer")(y))
    for name in ("heads", "inner", "outer"):
        layer = m.get_layer(name)
        for i, w in enumerate((layer.kernel, layer.bias)):
            w.assign(np.random.default_rng(i + len(name)).normal(size=tuple(w.shape)) * 0.5)
    m.get_layer("heads").quantize("float8")
    m.get_layer("outer").quantize("float8")
    return m


def batch(i):
    rng = np.random.default_rng(i)
    return rng.normal(size=(8, 5, 6)).astype("float32") * (i + 1), rng.normal(size=(8, 2)).astype("float32")


def stored(m) -> dict:
    """What files hold; the histories are cut."""
    found = {}
    for layer in m.layers:
        if getattr(layer, "quantization_mode", None) == "float8":
            store = {}
            layer.save_own_variables(store)
            found |= {f"{layer.name}{k}": np.roll(np.asarray(v), 6)[:8] if np.shape(v) == (1024,) else np.asarray(v)
                      for k, v in store.items()}
    return found


if __name__ == "__main__":
    import keras
    folder, found = Path(sys.argv[1]), {}
    for name, kind in (("sgd", keras.optimizers.SGD(0.05, momentum=0.5)), ("adam", keras.optimizers.Adam(0.02))):
        m = model(keras)
        m.compile(kind, "mse")
        found[f"{name}_before"] = m.predict(batch(9)[0], verbose=0)
        found[f"{name}_losses"] = [m.train_on_batch(*batch(i)) for i in range(STEPS)]
        found |= {f"{name}_{k}": v for k, v in stored(m).items()}
        found[f"{name}_after"] = m.predict(batch(9)[0], verbose=0)
    m.save(folder / "float8.keras")
    np.savez_compressed(folder / "float8.npz", **found)
