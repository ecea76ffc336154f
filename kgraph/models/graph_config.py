"""A model's graph as data: which operation is called on what. For configs, for pickle, and for cloning.

Calls are numbered per operation, counting only those that belong to the graph. A KTensor becomes a reference: the
operation's name, the number of its call, the number of that call's output.
"""
from __future__ import annotations

import collections

from kgraph import tree
from kgraph.graph import Graph, KTensor, Node
from kgraph.layers.input_layer import InputLayer
from kgraph.serialization import KTensorReference, deserialize_keras_object, serialize_keras_object

__all__ = ["dump_graph", "graph_config", "load_graph", "tensors_from_config"]


GIVEN = "training_given"


class _Reference(KTensorReference):
    """A reference that serializes with the tensor's shape and dtype, as Keras 3 writes it."""

    __slots__ = ("tensor",)

    def __init__(self, tensor, numbers):
        super().__init__(tensor.operation.name, numbers[tensor.node], tensor.index)
        self.tensor = tensor

    def __kgraph_reference__(self):
        history = [self.operation, self.node, self.index]
        return {"class_name": "__keras_tensor__",
                "config": {"shape": list(self.tensor.shape), "dtype": self.tensor.dtype, "keras_history": history}}


def _number_calls(graph: Graph) -> dict:
    """Node -> the number of the call among those of its operation that belong to the graph."""
    own = set(graph.nodes)
    return {node: number for operation in graph.operations
            for number, node in enumerate(n for n in operation._nodes if n in own)}


def _calls_of(operation, numbers) -> list:
    return [node for node in operation._nodes if node in numbers and not node.is_input]


# ------------------------------------------------------------------ configs
def graph_config(graph: Graph, inputs, outputs) -> dict:
    """{"layers", "input_layers", "output_layers"} as Keras 3 writes them; inputs and outputs are nested KTensors."""
    numbers = _number_calls(graph)
    reference = lambda x: _Reference(x, numbers) if isinstance(x, KTensor) else x
    layers = []
    for operation in graph.operations:
        calls = [_call_config(tree.map_structure(reference, {"args": list(node.args), "kwargs": node.kwargs}))
                 for node in _calls_of(operation, numbers)]
        layers.append({**serialize_keras_object(operation), "name": operation.name, "inbound_nodes": calls})

    def place(x):
        shift = 1 if _counts_from_one(x.operation) else 0
        return [x.operation.name, numbers[x.node] + shift, x.index]
    return {"layers": layers, "input_layers": tree.map_structure(place, inputs),
            "output_layers": tree.map_structure(place, outputs)}


def _call_config(call) -> dict:
    """One call. Keras 3 writes `training` for each, given or not, and its models set it anew: GIVEN tells that ours
    was given."""
    return {**serialize_keras_object(call), **({GIVEN: True} if "training" in call["kwargs"] else {})}


def _counts_from_one(operation) -> bool:
    """Keras 3 counts the calls of functional models from 1 where it lists a model's inputs and outputs."""
    return getattr(operation, "is_functional", False)


def tensors_from_config(config: dict) -> tuple:
    """(inputs, outputs): nested KTensors of the graph that a config of Keras 3 or of an older Keras describes.

    Nothing is computed: each layer is called on KTensors. Layers that lead to no output are left out. Raises ValueError
    for names that do not exist, and for calls on no tensors or that wait for each other.
    """
    operations, pending = {}, {}
    for entry in config["layers"]:
        operation = _operation_from(entry)
        name = entry.get("name") or operation.name
        if name in operations:
            raise ValueError(f"the config names two layers {name!r}: expected unique names")
        operations[name], pending[name] = operation, list(entry.get("inbound_nodes") or [])
    builder = _Builder(
        operations,
        _shifts(config, operations),
        {name: list(op._nodes) for name, op in operations.items() if isinstance(op, InputLayer)},
    )
    builder.run(pending)
    legacy = _is_legacy(config)
    inputs = _map_places(config["input_layers"], lambda p: builder.place(p, legacy))
    outputs = _map_places(config["output_layers"], lambda p: builder.place(p, legacy))
    return inputs, outputs


def _operation_from(entry):
    operation = deserialize_keras_object({k: v for k, v in entry.items() if k not in ("inbound_nodes", "name")})
    if not hasattr(operation, "_nodes"):
        raise ValueError(f"expected the config of a layer, received {entry.get('class_name')!r}")
    if isinstance(entry.get("name"), str) and "name" not in entry["config"]:
        operation.name = entry["name"]  # some functions of Keras have none in their config
    return operation


class _Builder:
    """Calls the operations of a config on KTensors, as their inputs become known."""

    def __init__(self, operations, shifts, nodes):
        self.operations, self.shifts, self.nodes = operations, shifts, nodes

    def run(self, pending):
        """pending: name -> its calls. Each operation does its calls in turn; one that lacks an input waits for the call
        that makes it."""
        turns = {name: self._calls(name, calls) for name, calls in pending.items() if calls}
        waiting: dict = {}     # (operation, number of its call) -> the operations that wait for it
        ready = collections.deque(turns)
        while ready:
            name = ready.popleft()
            for missing in turns[name]:
                if missing is not None:
                    waiting.setdefault(missing, []).append(name)
                    break
                ready += waiting.pop((name, len(self.nodes[name]) - 1), ())
            else:
                del turns[name]
        if turns:
            raise ValueError("the layers " + ", ".join(map(repr, turns)) + " wait for each other's outputs or for one "
                             "that does not exist: expected a graph without cycles")

    def _calls(self, name, calls):
        """Do the calls of an operation. Yields what a call waits for, as (operation, number), and None after each."""
        for data in calls:
            args, kwargs = _call_arguments(data)
            references = [x for x in tree.flatten((args, kwargs)) if isinstance(x, KTensorReference)]
            for reference in references:
                if self._find(reference) is None:
                    yield reference.operation, self._number(reference)
            if not references:
                raise ValueError(f"layer {name!r}: expected a call on tensors of the graph, received {args} {kwargs}")
            fill = lambda x: self._find(x) if isinstance(x, KTensorReference) else x
            args, kwargs = tree.map_structure(fill, (args, kwargs))
            operation = self.operations[name]
            operation(*args, **kwargs)
            self.nodes.setdefault(name, []).append(operation._nodes[-1])
            yield None

    def _find(self, reference):
        if reference.operation not in self.operations:
            raise ValueError(f"the config refers to a layer {reference.operation!r}, which it does not define")
        nodes, number = self.nodes.get(reference.operation, ()), self._number(reference)
        return nodes[number].outputs[reference.index] if 0 <= number < len(nodes) else None

    def _number(self, reference) -> int:
        return reference.node - self.shifts.get(reference.operation, 0)

    def place(self, place, legacy):
        name, number, index = place
        if not legacy and number and _counts_from_one(self.operations.get(name)):
            number -= 1
        found = self._find(KTensorReference(name, number, index))
        if found is None:
            raise ValueError(f"the config refers to call {number} of {name!r}, which it does not define")
        return found


def _call_arguments(data) -> tuple:
    """(args, kwargs) of one inbound node, with references. Before Keras 3: [[name, call, output, kwargs], ...]."""
    if isinstance(data, dict) and "args" in data:
        kwargs = {k: v for k, v in data["kwargs"].items() if k != "training" or data.get(GIVEN)}
        return deserialize_keras_object(data["args"]), deserialize_keras_object(kwargs)
    data = data if isinstance(data, dict) or not data or not isinstance(data[0], str) else [data]
    kwargs = {}
    if not isinstance(data, dict):
        for entry in data:
            kwargs.update(entry[3] if len(entry) > 3 and entry[3] else {})
    as_reference = lambda entry: KTensorReference(*entry[:3]) if _is_place(entry) else entry
    first = _map_places(data, as_reference)
    first = first[0] if isinstance(first, list) and len(first) == 1 else first
    return [first], {k: _legacy_argument(v) for k, v in kwargs.items()}


def _legacy_argument(value):
    if _is_place(value):
        return KTensorReference(*value[:3])
    if isinstance(value, list) and value and all(map(_is_place, value)):
        return [KTensorReference(*v[:3]) for v in value]
    return deserialize_keras_object(value)


def _is_place(x) -> bool:
    return (isinstance(x, (list, tuple)) and 3 <= len(x) <= 4 and isinstance(x[0], str)
            and all(isinstance(n, int) for n in x[1:3]))


def _map_places(x, f):
    if _is_place(x):
        return f(x)
    if isinstance(x, dict):
        return {key: _map_places(value, f) for key, value in x.items()}
    return [_map_places(value, f) for value in x]


def _is_legacy(config) -> bool:
    calls = [call for entry in config["layers"] for call in entry.get("inbound_nodes") or []]
    return any(not (isinstance(call, dict) and "args" in call) for call in calls)


def _shifts(config, operations) -> dict:
    """Before Keras 3, models had a first call of their own making: references to them count from 1."""
    if not _is_legacy(config):
        return {}
    used: dict = {}
    for entry in config["layers"]:
        for call in entry.get("inbound_nodes") or []:
            for x in tree.flatten(_call_arguments(call)):
                if isinstance(x, KTensorReference):
                    used.setdefault(x.operation, set()).add(x.node)
    _map_places(config["output_layers"], lambda p: used.setdefault(p[0], set()).add(p[1]))
    is_model = lambda name: hasattr(operations.get(name), "get_layer")
    return {name: 1 for name, numbers in used.items() if is_model(name) and 0 not in numbers}


# ------------------------------------------------------------------ pickle
def dump_graph(graph: Graph, inputs, outputs) -> dict:
    """The graph with its operations as they are, and KTensors replaced by references: what pickle and deepcopy take."""
    numbers = _number_calls(graph)
    index = {operation: i for i, operation in enumerate(graph.operations)}
    refer = lambda x: (index[x.operation], numbers[x.node], x.index)
    mark = lambda x: _Mark(refer(x)) if isinstance(x, KTensor) else x
    calls = []
    for node in graph.nodes:
        if not node.is_input:
            results = tree.map_structure(lambda x: _Mark(x.type) if isinstance(x, KTensor) else x, node.results)
            calls.append(
                (index[node.operation], numbers[node], tree.map_structure(mark, (node.args, node.kwargs)), results)
            )
    return {"operations": graph.operations, "calls": calls, "inputs": tree.map_structure(mark, inputs),
            "outputs": tree.map_structure(mark, outputs), "extra": [mark(x) for x in graph.outputs]}


def load_graph(dump: dict) -> tuple:
    """(graph, inputs, outputs) from what dump_graph gave, wired to the operations in it."""
    operations = dump["operations"]
    nodes = {(i, 0): op._nodes[0] for i, op in enumerate(operations) if isinstance(op, InputLayer)}
    fill = lambda x: nodes[x.what[:2]].outputs[x.what[2]] if isinstance(x, _Mark) else x
    for i, number, arguments, results in dump["calls"]:
        args, kwargs = tree.map_structure(fill, arguments)
        results = tree.map_structure(
            lambda x: KTensor(x.what.shape, x.what.dtype) if isinstance(x, _Mark) else x, results
        )
        nodes[i, number] = Node(operations[i], args, kwargs, results)
    inputs, outputs, extra = (tree.map_structure(fill, dump[key]) for key in ("inputs", "outputs", "extra"))
    return Graph(tree.flatten(inputs), extra), inputs, outputs


class _Mark:
    """Stands for a KTensor in a dump."""

    __slots__ = ("what",)

    def __init__(self, what):
        self.what = what

    def __getstate__(self):
        return self.what

    def __setstate__(self, what):
        self.what = what

