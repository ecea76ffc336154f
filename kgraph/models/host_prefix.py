"""What a functional model leaves to Python and NumPy, text mostly: done before the compiled part begins."""
from __future__ import annotations

import numpy as np

from kgraph.graph import Graph, replay
from kgraph.training.data import Prepared

__all__ = ["Front", "front_of"]


class Front:
    """The calls of layers with `on_host`, and of what they need, that need nothing but inputs of the model.

    entries  the tensors at which the compiled part begins: results of these calls, and all other inputs
    back     the graph from the entries on
    """

    def __init__(self, model, graph, done):
        self.model = model
        self.graph = graph
        used = [x for node in graph.nodes if node not in done for x in node.inputs] + graph.outputs
        self.entries = [x for x in dict.fromkeys(used) if x.node in done]
        self.back = Graph(self.entries, graph.outputs)
        self.own = Graph(graph.inputs, self.entries)

    def run(self, x) -> Prepared:
        """The entries for inputs of the model, as arrays."""
        values = replay(self.own, self.model._standardize(x))
        texts = [e.name for e in self.entries if e.dtype == "string"]
        if texts:
            raise ValueError(f"model {self.model.name!r}: expected a layer such as TextVectorization on each text, "
                             f"received {', '.join(texts)} used as it is")
        return Prepared([np.asarray(v) for v in values])

    def check_trainable(self):
        """Raise ValueError when training would have to change what runs outside the compiled part."""
        for operation in self.own.operations:
            if getattr(operation, "trainable_weights", None):
                raise ValueError(f"model {self.model.name!r}: {operation.name!r} takes text and has weights to train: "
                                 "give its layers to the model one by one, or set trainable=False")


def front_of(model, graph) -> Front | None:
    """The front of a model with that graph, if it has one."""
    done = {node for node in graph.nodes if node.is_input}
    count, needed = len(done), _needed_on_host(graph)
    for node in graph.nodes:
        if node in needed and all(x.node in done for x in node.inputs):
            done.add(node)
    return Front(model, graph, done) if len(done) > count else None


def _needed_on_host(graph) -> set:
    """The calls of layers with `on_host`, and those that give what these read."""
    needed = {node for node in graph.nodes if getattr(node.operation, "on_host", False)}
    for node in reversed(graph.nodes):
        if node in needed:
            needed.update(x.node for x in node.inputs)
    return needed
