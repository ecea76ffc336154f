"""Functions and gradients of recorded graphs: K.function and K.gradients."""
from __future__ import annotations

import numpy as np

from kgraph import tree
from kgraph.function import function as compiled
from kgraph.gradient import GradientTape
from kgraph.graph import Graph, KTensor, Operation, record, replay
from kgraph.graph.function import source_inputs
from kgraph.layers.base import Layer
from kgraph.layers.basic import Lambda
from kgraph.legacy.backend.values import learning_phase
from kgraph.stateless import StatelessScope, values_of
from kgraph.variable import Variable

__all__ = ["function", "gradients"]


def function(inputs, outputs, updates=None, **kwargs):
    """A function of arrays that computes KTensors from KTensors: inputs may be any that the outputs depend on.

    An entry of inputs that is no KTensor is K.learning_phase(): its argument says whether layers train.
    updates: pairs (Variable, new value as a KTensor) or nothing else; they are assigned at each call.
    Returns a function of a list of arrays, which gives a list of arrays (or one, when outputs was one).
    """
    if kwargs:
        raise TypeError(f"function: unknown arguments {sorted(kwargs)}; sessions have none here")
    inputs, wanted = tree.flatten(inputs), tree.flatten(outputs)
    places = [i for i, x in enumerate(inputs) if isinstance(x, KTensor)]
    updates = [pair for pair in updates or () if isinstance(pair, (tuple, list))]
    graph = Graph([inputs[i] for i in places], [*wanted, *(new for _, new in updates)])

    def run(training, *values):
        found = replay(graph, values, lambda op, args, kw: _call(op, args, kw, training))
        for (variable, _), new in zip(updates, found[len(wanted):]):
            variable.assign(new)
        return found[:len(wanted)]
    run = compiled(run)

    def call(arrays=()):
        arrays = tree.flatten(arrays)
        if len(arrays) != len(inputs):
            raise ValueError(f"function: expected {len(inputs)} inputs, received {len(arrays)}")
        phases = [bool(a) for i, a in enumerate(arrays) if i not in places]
        training = phases[0] if phases else bool(learning_phase())
        found = [x.numpy() for x in run(training, *_as_declared(arrays, inputs, places))]
        return found if tree.is_nested(outputs) else found[0]
    return call


def _as_declared(arrays, inputs, places):
    return [np.asarray(arrays[i], inputs[i].dtype) for i in places]


def _call(operation, args, kwargs, training):
    if isinstance(operation, Layer) and "training" not in kwargs:
        kwargs = {**kwargs, "training": training}
    return operation(*args, **kwargs)


class Gradients(Operation):
    """The gradients of the sum of a KTensor, as KTensors."""

    def __init__(self, graph, sources):
        super().__init__()
        self.graph = graph
        self.sources = sources  # Variables stay; KTensors are outputs of the graph

    def call(self, *inputs):
        with GradientTape() as tape:
            loss, *values = replay(self.graph, inputs)
        values = iter(values)
        sources = [x if isinstance(x, Variable) else next(values) for x in self.sources]
        return tape.gradient(loss, sources, unconnected_gradients="zero")


class Updates(Operation):
    """The new values of an optimizer's state and of the weights it changes, after a step along the gradients of a
    KTensor: first those of the weights. Nothing is assigned."""

    def __init__(self, graph, optimizer, weights):
        super().__init__()
        self.graph, self.optimizer, self.weights = graph, optimizer, weights

    def call(self, *inputs):
        weights = self.weights
        with GradientTape() as tape:
            loss = replay(self.graph, inputs)[0]
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        with StatelessScope():
            self.optimizer.apply(gradients, weights)
            return values_of([*weights, *self.optimizer.variables])


def gradients(loss, variables):
    """d loss / d x for each x: KTensors for a KTensor loss, for K.function or a Model.

    variables  a KTensor or Variable, or a list of them. Raises ValueError for a loss that is no KTensor: values have
    forgotten where they come from; kgraph.GradientTape records it.
    """
    sources = tree.flatten(variables)
    inputs, graph = _graph_of("gradients", loss, [x for x in sources if isinstance(x, KTensor)])
    return record(Gradients(graph, sources), tuple(inputs), {})


def gradients_for(optimizer, loss, weights) -> list:
    """See Optimizer.get_gradients."""
    found = tree.flatten(gradients(loss, weights))
    clips = any((optimizer.clipnorm, optimizer.clipvalue, optimizer.global_clipnorm))
    return tree.flatten(Lambda(optimizer._clipped)(found)) if clips else tree.flatten(found)


def updates_for(optimizer, loss, weights) -> list:
    """See Optimizer.get_updates."""
    inputs, graph = _graph_of("get_updates", loss, ())
    optimizer._ensure_built(weights)
    values = record(Updates(graph, optimizer, weights), tuple(inputs), {})
    return list(zip([*weights, *optimizer.variables], tree.flatten(values)))


def _graph_of(where, loss, others) -> tuple:
    """(the Inputs that a loss and others depend on, the graph from there to them)."""
    if not isinstance(loss, KTensor):
        raise ValueError(f"{where}: expected a KTensor, received {type(loss).__name__}; with values use "
                         "kgraph.GradientTape")
    inputs = source_inputs([loss, *others])
    return inputs, Graph(inputs, [loss, *others])
