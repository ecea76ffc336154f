"""Models in int8 as ONNX files: integers between QuantizeLinear and DequantizeLinear where calibration has found steps,
products of integers where each batch has steps of its own."""
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import check  # noqa: E402

import kgraph  # noqa: E402
from kgraph import layers  # noqa: E402


def rows(count):
    return np.random.default_rng(count).normal(size=(count, 6, 6, 3)).astype("float32")


def model(throughout):
    x = kgraph.Input((6, 6, 3), name="x")
    y = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = layers.Flatten()(layers.MaxPooling2D()(layers.Conv2D(5, 3, strides=2, padding="same")(y)))
    made = kgraph.Model(x, layers.Dense(4)(layers.Dense(16, "relu")(y)))
    if throughout:
        return kgraph.quantize(made, rows(24))
    made.quantize("int8", filters="dense")
    return made


@pytest.mark.parametrize("throughout, nodes", [
    (False, {"MatMulInteger": 2}),
    (True, {"QuantizeLinear": 4, "DequantizeLinear": 8, "Conv": 2, "MatMul": 2})])
def test_int8_stays_int8(throughout, nodes, tmp_path):
    made = model(throughout)
    made.export(tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx").graph
    kinds = [node.op_type for node in graph.node]
    of_products = ("Conv", "MatMul", "Quantize", "Dequantize")
    found = {kind: kinds.count(kind) for kind in kinds if kind.startswith(of_products)}
    assert {kind: found.get(kind) for kind in nodes} == nodes and ("MatMul" in found) == throughout
    large = {onnx.numpy_helper.to_array(i).dtype.name for i in graph.initializer if np.prod(i.dims) > 64}
    assert large == ({"int8"} if throughout else {"int8", "float32"})
    check(tmp_path / "m.onnx", made, [rows(5)], [rows(1)])
