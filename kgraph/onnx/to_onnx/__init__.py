"""From primitives to ONNX: one table, filled by a module for each family."""
from kgraph.onnx.to_onnx import (
    composite,
    contract,
    elementwise,
    index,
    loop,
    move,
    patterns,
    quantized,
    recurrent,
    reduce,
    window,
)
from kgraph.onnx.to_onnx.graph import Graph, Node
from kgraph.onnx.to_onnx.table import REFUSED, RULES

__all__ = ["REFUSED", "RULES", "Graph", "Node", "composite", "contract", "elementwise", "index", "loop", "move",
           "patterns", "quantized", "recurrent", "reduce", "window"]
