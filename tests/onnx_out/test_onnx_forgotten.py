"""The table from primitives to ONNX is whole. It needs no ONNX package."""
from kgraph.compiler import pipeline  # noqa: F401  its passes have primitives too
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.onnx.to_onnx import REFUSED, RULES


def test_no_primitive_is_forgotten():
    assert sorted([*RULES, *REFUSED]) == sorted(PRIMITIVES)
    assert all(REFUSED.values())
