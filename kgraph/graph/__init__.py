"""The recorded graph: calling an operation on KTensors makes a Node, and a model is what lies between KTensors."""
from kgraph.graph.operation import MaskOf, Node, Operation, OpFunction, infer, record
from kgraph.graph.tensor import KTensor, any_symbolic, get_mask, set_mask, shape_with_none, symbolic_shape
from kgraph.graph.walk import Graph, replay

__all__ = [
    "Graph",
    "KTensor",
    "MaskOf",
    "Node",
    "OpFunction",
    "Operation",
    "any_symbolic",
    "get_mask",
    "infer",
    "record",
    "replay",
    "set_mask",
    "shape_with_none",
    "symbolic_shape",
]
