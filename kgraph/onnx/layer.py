"""`OnnxNode`: a node of an ONNX graph as a layer, with the weights that are its own."""
from __future__ import annotations

from kgraph import ops
from kgraph.layers.base import Layer
from kgraph.onnx.graph import pack, unpack
from kgraph.onnx.operators import evaluate
from kgraph.onnx.registry import Stored
from kgraph.onnx.sizes import Sizes

__all__ = ["OBJECTS", "OnnxNode"]


class OnnxNode(Layer):
    """One call of an operator of ONNX.

    node        the operator, its attributes and how many outputs it has
    arguments   for each input (and what bodies of loops read): None, ("tensor", i) for a tensor that the layer is
                called on, ("weight", i), ("kernel", i) for a weight that is kept as kgraph's convolutions read it, or
                ("value", an array or Sizes)
    weights     (name, shape, dtype, whether it is trained) of each weight
    sizes       name of a size -> (i, axis): the tensor whose axis it is
    """

    def __init__(self, node, arguments, weights=(), sizes=None, trainable=True, name=None):
        super().__init__(trainable=trainable, autocast=False, name=name)
        self.node = node
        self.arguments = tuple(arguments)
        self.weight_types = tuple(weights)
        self.sizes = dict(sizes or {})
        self._values = []

    def build(self, input_shape):
        self._values = [self.add_weight(tuple(shape), "zeros", dtype, trainable, name=name)
                        for name, shape, dtype, trainable in self.weight_types]

    def call(self, *tensors):
        known = {name: tensors[place].shape[axis] for name, (place, axis) in self.sizes.items()}
        args = [self._argument(a, tensors, known) for a in self.arguments]
        count = len(self.node.inputs)
        found = evaluate(self.node, args[:count], dict(zip(self.node.captures, args[count:])))
        found = found[:len(self.node.outputs)]
        results = [x.tensor() if isinstance(x, Sizes) else ops.convert_to_tensor(x) for x in found]
        return results[0] if len(results) == 1 else results

    def _argument(self, argument, tensors, known):
        if argument is None:
            return None
        kind, what = argument
        if kind == "value":
            return what.with_names(known) if isinstance(what, Sizes) else what
        if kind == "tensor":
            return tensors[what]
        return Stored(self._values[what]) if kind == "kernel" else self._values[what]

    def _is_per_sample(self, training) -> bool:
        return False

    def get_config(self):
        return {"name": self.name, "trainable": self.trainable, "node": pack(self.node),
                "arguments": pack(list(self.arguments)), "weights": pack(list(self.weight_types)),
                "sizes": {name: list(place) for name, place in self.sizes.items()}}

    @classmethod
    def from_config(cls, config):
        parts = {key: unpack(config[key]) for key in ("node", "arguments", "weights")}
        return cls(**{**config, **parts})

    def _keras_identity(self):
        return "kgraph.onnx", "OnnxNode", None


OBJECTS = {"OnnxNode": OnnxNode}
