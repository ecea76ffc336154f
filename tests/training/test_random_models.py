"""Random functional models of one to three outputs, compiled against run_eagerly: losses, metrics, weights.

Their layers are shared, outputs branch off anywhere; losses, loss weights, metrics, weighted metrics and sample weights
are drawn for each output; the last batch is short. By default kernels are run as Python; nightly as machine code.
"""
import os

import numpy as np
import pytest

import kgraph
from kgraph import Input, Model, Sequential, layers, losses, metrics, optimizers

NIGHTLY = os.environ.get("KGRAPH_NIGHTLY") == "1"
ROWS, BATCH, WIDTH = 14, 4, 6

BODIES = {
    "vector": ((5,), "float32", lambda x: layers.Dense(WIDTH, activation="tanh")(x)),
    "image": ((4, 4, 1), "float32", lambda x: layers.GlobalAveragePooling2D()(layers.Conv2D(WIDTH, 3)(x))),
    "flat": ((2, 3, 1), "float32", lambda x: layers.Flatten()(x)),
    "masked": ((3,), "int32", lambda x: layers.GlobalAveragePooling1D()(layers.Embedding(4, WIDTH, mask_zero=True)(x))),
}
STEPS = [lambda: layers.Dense(WIDTH, activation="relu"), lambda: layers.BatchNormalization(),
         lambda: layers.Dropout(0.3), lambda: layers.LayerNormalization(), lambda: layers.Dense(WIDTH, "sigmoid"),
         lambda: Sequential([Input((WIDTH,)), layers.Dense(3, "relu"), layers.BatchNormalization(),
                             layers.Dense(WIDTH, kernel_regularizer="l2")]),
         lambda: layers.Dense(WIDTH, activity_regularizer="l1")]


def ids(rng, n, *shape):
    return rng.integers(0, n, (ROWS, *shape))

# An epsilon above rounding: a bias before a normalisation has gradients that are nothing but rounding.
OPTIMIZERS = [lambda: optimizers.SGD(0.01, momentum=0.5), lambda: optimizers.Adam(epsilon=0.1),
              lambda: optimizers.RMSprop(epsilon=0.1)]

# of an output: units, activation, target, losses, metrics
OUTPUTS = [
    (1, "sigmoid", lambda rng: ids(rng, 2, 1), ["binary_crossentropy", "mse", "hinge", losses.BinaryFocalCrossentropy],
     ["accuracy", "AUC", metrics.Precision, metrics.BinaryAccuracy, metrics.Recall]),
    (3, "softmax", lambda rng: ids(rng, 3), ["sparse_categorical_crossentropy"],
     ["accuracy", lambda: metrics.SparseTopKCategoricalAccuracy(2), metrics.SparseCategoricalCrossentropy]),
    (3, None, lambda rng: ids(rng, 3, 1), [lambda: losses.SparseCategoricalCrossentropy(from_logits=True)],
     ["accuracy", "sparse_categorical_accuracy"]),
    (3, "softmax", lambda rng: np.eye(3, dtype="float32")[ids(rng, 3)],
     ["categorical_crossentropy", lambda: losses.CategoricalCrossentropy(label_smoothing=0.1), "kl_divergence"],
     ["accuracy", metrics.F1Score, metrics.CategoricalAccuracy]),
    (2, None, lambda rng: rng.normal(size=(ROWS, 2)), ["mse", "mae", losses.Huber, "log_cosh", losses.CosineSimilarity],
     ["mae", metrics.RootMeanSquaredError, metrics.R2Score, metrics.CosineSimilarity]),
]


def draw(rng, choices):
    """One of them; what can be called is called."""
    chosen = choices[rng.integers(len(choices))]
    return chosen if isinstance(chosen, (str, tuple)) or chosen is None else chosen()


def some(rng, choices):
    return [draw(rng, choices) for _ in range(rng.integers(3))]


def data(rng, shape, dtype):
    if dtype == "int32":  # tokens, of which the first is no padding
        return np.maximum(rng.integers(0, 4, shape), np.arange(shape[1]) == 0).astype(dtype)
    return rng.random(shape, dtype)


def random_model(seed, eager):
    """A compiled model and the arguments of its fit."""
    rng = np.random.default_rng(seed)
    kgraph.utils.clear_session()  # names count from 1
    kgraph.set_random_seed(seed)
    bodies = [BODIES[name] for name in rng.choice(sorted(BODIES), rng.integers(1, 3))]
    inputs = [Input(shape, dtype=dtype) for shape, dtype, _ in bodies]
    xs = [data(rng, (ROWS, *shape), dtype) for shape, dtype, _ in bodies]
    values = [body(x) for x, (_, _, body) in zip(inputs, bodies)]
    known = [draw(rng, STEPS) for _ in range(3)]
    for _ in range(rng.integers(1, 6)):  # a layer out of three, so that some are shared
        values.append(known[rng.integers(3)](values[rng.integers(len(values))]))
        if rng.integers(3) == 0:
            merged = draw(rng, [layers.Add, layers.Concatenate, layers.Maximum])(values[-2:])
            values.append(layers.Dense(WIDTH)(merged))
    model, ys = compiled(rng, inputs, values, eager)
    arguments = {"x": xs if len(xs) > 1 else xs[0], "y": ys if len(ys) > 1 else ys[0], "sample_weight": None}
    if rng.integers(2):
        weights = [rng.uniform(0.2, 2, ROWS).astype("float32") for _ in ys]
        arguments["sample_weight"] = weights if len(ys) > 1 else weights[0]
    return model, arguments


def compiled(rng, inputs, values, eager):
    """The model with its outputs and what each is trained for, and the targets."""
    kinds = [OUTPUTS[rng.integers(len(OUTPUTS))] for _ in range(rng.integers(1, 4))]
    outputs = [layers.Dense(units, activation, name=f"out{i}")(values[-1 - rng.integers(min(3, len(values)))])
               for i, (units, activation, *_) in enumerate(kinds)]
    model = Model(inputs, outputs if len(outputs) > 1 else outputs[0])
    asked = {"loss": [draw(rng, kind[3]) for kind in kinds], "metrics": [some(rng, kind[4]) for kind in kinds],
             "weighted_metrics": [some(rng, kind[4]) for kind in kinds]}
    if rng.integers(2):
        asked["loss_weights"] = rng.uniform(0.3, 2, len(kinds)).tolist()
    if len(kinds) == 1:
        asked = {name: value[0] for name, value in asked.items() if name != "loss_weights"}
    elif rng.integers(2):
        asked = {name: {f"out{i}": v for i, v in enumerate(value)} for name, value in asked.items()}
    model.compile(draw(rng, OPTIMIZERS), run_eagerly=eager, **asked)
    return model, [kind[2](rng) for kind in kinds]


def trained(seed, eager):
    model, arguments = random_model(seed, eager)
    history = model.fit(**arguments, batch_size=BATCH, epochs=2, verbose=0)
    return history.history, model.evaluate(**arguments, batch_size=5, verbose=0, return_dict=True), model.get_weights()


@pytest.mark.parametrize("seed", range(300 if NIGHTLY else 6))
def test_compiled_as_eagerly(seed, monkeypatch):
    if not NIGHTLY:
        monkeypatch.setenv("KGRAPH_EMIT", "python")
    got, want = trained(seed, False), trained(seed, True)
    for a, b in zip(got[:2], want[:2]):
        assert list(a) == list(b)
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-4, atol=1e-5, err_msg=name)
    for i, (a, b) in enumerate(zip(got[2], want[2], strict=True)):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4, err_msg=f"weight {i}")


def three_outputs(eager):
    """A model with an inner model and a layer called twice, whose metrics of three outputs share their loops."""
    rng = np.random.default_rng(0)
    kgraph.utils.clear_session()
    kgraph.set_random_seed(0)
    image = Input((3, 3, 1))
    inner = Sequential([Input((9,)), layers.Dense(4, "relu"), layers.BatchNormalization(), layers.Dense(9)])
    shared = layers.Dense(9, "tanh")
    a = shared(inner(layers.Flatten()(image)))
    b = shared(a)
    c = layers.BatchNormalization()(b)
    model = Model(image, [layers.Dense(1, "sigmoid")(c), layers.Dense(3)(c), layers.Dense(3, "softmax")(b)])
    model.compile("rmsprop", ["binary_crossentropy", losses.SparseCategoricalCrossentropy(from_logits=True),
                              "sparse_categorical_crossentropy"], loss_weights=[2.0, 2.0, 2.0],
                  metrics=["accuracy"] * 3, weighted_metrics=["accuracy"] * 3, run_eagerly=eager)
    x = rng.random((ROWS, 3, 3, 1), "float32")
    return model.fit(x, [ids(rng, 2, 1), ids(rng, 3), ids(rng, 3)], batch_size=BATCH, epochs=2, verbose=0).history


def test_three_outputs_with_weighted_metrics():
    got, want = three_outputs(False), three_outputs(True)
    assert list(got) == list(want)
    for name in got:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-4, atol=1e-5, err_msg=name)
