"""Small models of every sort for the tests of export, each with a function that makes its inputs for so many rows."""
import numpy as np

from kgraph import Input, Model, Sequential, ops
from kgraph import layers as L


def mlp():
    return Sequential([Input((64,)), L.Dense(48, "relu"), L.Dropout(0.5), L.Dense(10, "softmax")])


def wide():
    """Products of enough terms and rows for the packing ways of the native product, in float64 as well."""
    x = Input((300,), name="x")
    y = L.Dense(520, "tanh")(x)
    return Model(x, [L.Dense(3, dtype="float64")(ops.cast(y, "float64")), L.Dense(7, "gelu")(y)])


def convolutions():
    x = Input((12, 10, 3), name="image")
    y = L.Conv2D(16, 3, padding="same", activation="relu")(L.Rescaling(1 / 255)(x))
    y = L.BatchNormalization()(L.Conv2D(16, 3, padding="same")(y))
    y = L.DepthwiseConv2D(3, strides=2)(L.MaxPooling2D()(y))
    return Model(x, L.Dense(5, "softmax")(L.GlobalAveragePooling2D()(y)))


def recurrent():
    """Any number of steps, with a mask."""
    x = Input((None,), dtype="int32", name="words")
    y = L.Bidirectional(L.LSTM(9, return_sequences=True))(L.Embedding(20, 8, mask_zero=True)(x))
    return Model(x, {"each": L.Dense(4)(y), "all": L.GRU(6)(y)})


def transformer():
    x = Input((7, 16), name="steps")
    y = L.LayerNormalization()(x + L.MultiHeadAttention(2, 8)(x, x))
    return Model(x, L.Flatten()(L.Dense(16, "gelu")(y)))


def stateful():
    return Sequential([Input(batch_shape=(3, 4, 5)), L.LSTM(6, stateful=True), L.Dense(2)])


def two_inputs():
    """Outputs that are an input, a part of one, and a constant."""
    a, b = Input((4,), name="a"), Input((4, 3), name="b", dtype="int32")
    return Model({"a": a, "b": b}, [L.Add()([a, ops.cast(b[:, :, 0], "float32")]), a, b[:, 1], a * 0 + 2.0])


def narrow(dtype):
    """Weights, inputs or outputs of 16 bits."""
    def make():
        x = Input((6,), dtype=dtype)
        return Model(x, [L.Dense(5, dtype=dtype)(x), L.Dense(3)(L.Dense(20, "relu", dtype=f"mixed_{dtype}")(x))])
    return make


def words(rng, rows):
    return rng.integers(0, 20, (rows, 1 + rows % 6)).astype("int32")


def floats(*shape):
    return lambda rng, rows: rng.standard_normal((rows, *shape)).astype("float32")


MODELS = {  # name -> (the model, its inputs for so many rows)
    "mlp": (mlp, floats(64)),
    "wide": (wide, floats(300)),
    "convolutions": (convolutions, floats(12, 10, 3)),
    "recurrent": (recurrent, words),
    "transformer": (transformer, floats(7, 16)),
    "stateful": (stateful, lambda rng, rows: rng.standard_normal((3, 4, 5)).astype("float32")),
    "two_inputs": (two_inputs, lambda rng, rows: {"a": rng.standard_normal((rows, 4)).astype("float32"),
                                                  "b": rng.integers(-9, 9, (rows, 4, 3)).astype("int32")}),
}


def with_random_weights(model, seed=3):
    """No weight is 0 or 1: biases and statistics count, too."""
    rng = np.random.default_rng(seed)
    model.set_weights([(rng.uniform(0.1, 0.9, w.shape) if "variance" in v.path else rng.standard_normal(w.shape) / 4)
                       .astype(w.dtype) if w.dtype.kind == "f" else w
                       for v, w in zip(model.weights, model.get_weights())])
    return model
