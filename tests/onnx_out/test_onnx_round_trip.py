"""Models out as ONNX files and in again: load_onnx predicts what the model does."""
import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import equal

import kgraph
from kgraph import layers, tree
from kgraph.onnx import load_onnx


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def attention(x):
    return layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))


STACKS = {
    "dense": ((7,), lambda x: layers.Dense(3, activation="softmax")(layers.Dense(5, activation="relu")(x))),
    "images": ((8, 8, 3), lambda x: layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(layers.ReLU(max_value=6.0)(
        layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, padding="same")(x)))))),
    "upwards": ((4, 4, 3), lambda x: layers.AveragePooling2D(padding="same")(layers.Conv2DTranspose(2, 3, 2)(x))),
    "lstm": ((6, 3), lambda x: layers.LSTM(4)(layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x))),
    "gru": ((6, 3), lambda x: layers.SimpleRNN(3)(layers.GRU(4, return_sequences=True)(x))),
    "masked": ((6, 3), lambda x: layers.LSTM(4)(layers.Masking()(x))),
    "attention": ((6, 8), lambda x: layers.Dense(2, activation="gelu")(attention(x))),
}


@pytest.mark.parametrize("name", STACKS)
def test_round_trip(name, tmp_path):
    shape, stack = STACKS[name]
    x = kgraph.Input(shape, name="x")
    model = kgraph.Model(x, stack(x))
    model.export(tmp_path / "m.onnx")
    again = load_onnx(tmp_path / "m.onnx")
    given = rows(4, *shape)
    given[0, 2:] = 0
    equal(np.asarray(tree.flatten(again(given))[0]), model(given).numpy())
