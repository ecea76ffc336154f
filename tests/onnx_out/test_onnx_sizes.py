"""Sizes that a model leaves open stay open in its ONNX file; loops and branches of kgraph.ops."""
import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import check

import kgraph
from kgraph import layers, ops


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


IMAGES = [
    layers.Conv2D(3, 3, strides=2, padding="same"), layers.Conv2D(3, 2), layers.MaxPooling2D(3, 2, padding="same"),
    layers.AveragePooling2D(3, 2, padding="same"), layers.AveragePooling2D(2), layers.DepthwiseConv2D(3, strides=3),
    layers.Conv2DTranspose(3, 3, strides=2, padding="same"), layers.Conv2DTranspose(3, 2, strides=3),
    layers.UpSampling2D(3, interpolation="bilinear"), layers.Resizing(5, 7), layers.GlobalMaxPooling2D(keepdims=True),
    layers.ZeroPadding2D(((1, 0), (2, 3))), layers.Cropping2D(1), layers.GroupNormalization(1),
]


@pytest.mark.parametrize("layer", IMAGES, ids=lambda layer: layer.name)
def test_images_of_any_size(layer, tmp_path):
    x = kgraph.Input((None, None, 2))
    model = kgraph.Model(x, type(layer).from_config(layer.get_config())(x))
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, [rows(2, 9, 8, 2)], [rows(1, 4, 5, 2)], [rows(3, 3, 37, 2)])


SEQUENCES = [
    layers.Bidirectional(layers.LSTM(3, return_sequences=True)), layers.TimeDistributed(layers.Dense(2)),
    layers.Conv1D(4, 3, dilation_rate=2, padding="causal"), layers.Conv1DTranspose(3, 3, dilation_rate=2),
    layers.Lambda(lambda x: ops.cumsum(ops.flip(x, 1), axis=1)), layers.Lambda(lambda x: ops.argsort(x, axis=1)),
    layers.Lambda(lambda x: x[:, ::-2] * ops.cast(ops.shape(x)[1], "float32")), layers.GlobalAveragePooling1D(),
    layers.Lambda(lambda x: ops.concatenate([x, ops.zeros_like(x[:, :1])], axis=1)), layers.UpSampling1D(3),
    layers.Lambda(lambda x: ops.einsum("btc,bsc->tsb", x, x)), layers.Lambda(ops.mean),
]


@pytest.mark.parametrize("layer", SEQUENCES, ids=lambda layer: layer.name)
def test_sequences_of_any_length(layer, tmp_path):
    x = kgraph.Input((None, 3))
    model = kgraph.Model(x, layer(x))
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, [rows(2, 7, 3)], [rows(1, 1, 3)], [rows(5, 37, 3)])


LOOPS = {
    "scan": lambda x: ops.scan(lambda c, v: (c + v, c * v), x[0], x)[1],
    "scan back": lambda x: ops.scan(lambda c, v: (c + v, c * v), x[0], x, reverse=True)[1],
    "while": lambda x: ops.while_loop(lambda i, v: ops.sum(v) < 99, lambda i, v: (i + 1, ops.abs(v) * 2), (0, x)),
    "fori": lambda x: ops.fori_loop(0, 3, lambda i, v: v * 2 + ops.cast(i, "float32"), x),
    "map": lambda x: ops.map(lambda v: v[::-1] * 2, x),
    "nested": lambda x: ops.map(lambda v: ops.scan(lambda c, u: (c + u, c), v[0], v)[1], x),
    "cond": lambda x: ops.cond(ops.sum(x) > 0, lambda: x * 2, lambda: x - 1),
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("opset", [17, 24])
def test_loops(name, opset, tmp_path):
    x = kgraph.Input((4,))
    model = kgraph.Model(x, layers.Lambda(LOOPS[name])(x))
    model.export(tmp_path / "m.onnx", opset=opset)
    check(tmp_path / "m.onnx", model, [rows(3, 4)], [-np.abs(rows(1, 4))])
