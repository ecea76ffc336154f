"""What lies between KTensors: the calls that lead from inputs to outputs, in order, and running them again."""
from __future__ import annotations

from kgraph import budget, tree
from kgraph.graph import places
from kgraph.graph.tensor import KTensor

__all__ = ["Graph", "replay"]


class Graph:
    """The calls that lead from `inputs` to `outputs` (flat lists of KTensors; inputs may be outputs of layers).

    nodes       in an order in which they can run
    operations  each once, inputs first, in Keras's order (by depth, then by the order in which a walk from the outputs
                meets them): `model.layers` and weight files depend on it
    Raises ValueError for outputs that need an input which is not given, and for names that are not unique.
    """

    def __init__(self, inputs, outputs):
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        met = self._walk()
        self.operations = self._in_keras_order(met)
        self._check_names()

    def _walk(self) -> dict:
        """Fill self.nodes by a depth-first walk from the outputs. Returns operation -> when it was first met."""
        given = set(self.inputs)
        met, done = {}, set()
        self.nodes = []
        for output in self.outputs:
            if output.node is None:
                raise ValueError(f"output {output!r} was not made by a layer or by kgraph.ops from an Input")
            if output.node.is_input:
                self._check_reachable(output, output.node, given)
            stack = (
                [] if output.node in done or (output in given and not output.node.is_input) else [(output.node, None)]
            )
            while stack:
                node, parents = stack.pop()
                if parents is None:
                    if node in done:
                        continue
                    met.setdefault(node.operation, len(met))
                    parents = iter(node.inputs)
                for x in parents:
                    self._check_reachable(x, node, given)
                    if x.node not in done and (x not in given or x.node.is_input):
                        stack += [(node, parents), (x.node, None)]
                        break
                else:
                    done.add(node)
                    self.nodes.append(node)
        for x in self.inputs:
            if x.node.is_input and x.node not in done:
                self.nodes.insert(0, x.node)
                met.setdefault(x.node.operation, -1)
        return met

    def _check_reachable(self, x, consumer, given):
        if x not in given and (x.node is None or x.node.is_input):
            names = ", ".join(repr(i.name) for i in self.inputs)
            raise ValueError(f"the graph is disconnected: layer {consumer.operation.name!r} needs the input {x.name!r} "
                             f"(shape {x.shape}), which cannot be reached from the model's inputs: received {names}")

    def _in_keras_order(self, met) -> list:
        node_depth, depth = {}, {}
        for node in reversed(self.nodes):
            d = max(node_depth.get(node, 0), depth.get(node.operation, 0))
            node_depth[node] = depth[node.operation] = d
            for x in node.inputs:
                node_depth[x.node] = max(node_depth.get(x.node, 0), d + 1)
        return sorted(depth, key=lambda operation: (-depth[operation], met[operation]))

    def _check_names(self):
        seen = set()
        for operation in self.operations:
            if operation.name in seen:
                raise ValueError(f"the name {operation.name!r} is used by more than one layer of the model: expected "
                                 "unique names")
            seen.add(operation.name)


def replay(graph: Graph, values, call=lambda operation, args, kwargs: operation(*args, **kwargs),
           made=lambda tensor, value: value) -> list:
    """Run the graph's calls again on `values`, one for each input: arrays, traced Values, or other KTensors.

    Args:
        call: how to do one call; the default calls the operation. Returns one value for each output.
        made: what is read in a tensor's place, given the value that it would have.
    """
    known = {tensor: made(tensor, value) for tensor, value in zip(graph.inputs, values)}
    fill = lambda x: known[x] if isinstance(x, KTensor) else x
    for node in graph.nodes:
        if node.is_input:
            continue
        budget.spend(budget.OBJECT, "many calls of layers")
        args, kwargs = tree.map_structure(fill, (node.args, node.kwargs))
        try:
            leaves = tree.flatten(call(node.operation, args, kwargs))
        except Exception as error:
            places.told(error, node)
            raise
        known.update((tensor, made(tensor, leaves[place])) for tensor, place in zip(node.outputs, node.places))
    return [known[x] for x in graph.outputs]
