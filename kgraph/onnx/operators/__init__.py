"""The operators of ONNX, family by family: whoever imports this finds them all in the table of kgraph.onnx.registry."""
from kgraph.onnx import control
from kgraph.onnx.operators import (
    attention,
    elementwise,
    images,
    indexing,
    networks,
    normalization,
    quantized,
    random,
    recurrent,
    reductions,
    shapes,
    signals,
    windows,
)
from kgraph.onnx.registry import evaluate, find_operator, known_operators

__all__ = ["evaluate", "find_operator", "known_operators"]
