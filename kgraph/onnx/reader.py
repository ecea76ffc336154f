"""ONNX's protobuf as a Graph: types, constants and attributes as plain Python, and everything checked that a damaged
file may say."""
from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from kgraph.onnx.graph import Graph, Node
from kgraph.onnx.operators import known_operators
from kgraph.onnx.package import DecodeError, onnx
from kgraph.onnx.registry import NEWEST
from kgraph.onnx.tensors import array_of, dtype_of, sparse_array
from kgraph.utils.files import check_regular

__all__ = ["OLDEST", "File", "inferred_types", "parse", "read_graph", "types_of"]

OLDEST = 1       # of sets of operators
_DOMAINS = {"ai.onnx": ""}


@dataclass
class File:
    """A parsed file. folder: where files with weights may be, None: nowhere; size: of the protobuf, in bytes."""

    proto: object
    folder: str | None
    size: int


def parse(source) -> File:
    """The model at a path or in bytes, with its own functions put in where they are called."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data, folder, what = bytes(source), None, "the bytes"
    else:
        what = os.fspath(source)
        if not os.path.exists(what):
            raise FileNotFoundError(f"there is no model file {what!r}")
        check_regular(what)
        with open(what, "rb") as file:
            data, folder = file.read(), os.path.dirname(os.path.abspath(what))
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise ValueError(f"{what}: expected an ONNX model, received something else or a damaged one ({error})"
                         ) from None
    if not proto.graph.output:
        raise ValueError(f"{what}: expected an ONNX model with a graph, received none")
    return File(_inlined(proto), folder, len(data))


def _inlined(proto):
    """With the model's own functions, and operators that ONNX defines by others and kgraph does not have, put in where
    they are called."""
    if proto.functions:
        try:
            proto = onnx.inliner.inline_local_functions(proto)
        except RuntimeError as error:
            raise ValueError(f"the functions of the ONNX model cannot be used ({str(error)[:300]})") from None
    known = known_operators()
    if _used(proto.graph) <= set(known):
        return proto
    try:
        typed = onnx.shape_inference.infer_shapes(proto)
        return onnx.inliner.inline_selected_functions(typed, known, exclude=True, inline_schema_functions=True)
    except (RuntimeError, TypeError, onnx.shape_inference.InferenceError):
        return proto         # types that are not known, or an older onnx: the operator is refused by its name


def _used(graph) -> set:
    """(domain, name) of each operator of a graph and of those inside."""
    found = {(_domain(node.domain), node.op_type) for node in graph.node}
    return found.union(*(_used(a.g) for node in graph.node for a in node.attribute if a.HasField("g")))


def inferred_types(file) -> dict:
    """name -> (dtype, shape) of each value of which ONNX's own inference finds them."""
    try:
        proto = onnx.shape_inference.infer_shapes(file.proto, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return {}
    return {name: _with_none(known) for name, known in types_of(proto.graph.value_info).items()}


def read_graph(file) -> Graph:
    """The graph of a model. Raises ValueError for versions that are not known, and for what contradicts itself."""
    versions = {_domain(entry.domain): entry.version for entry in file.proto.opset_import}
    if "" in versions and not OLDEST <= versions[""] <= NEWEST:
        raise ValueError(f"expected operators of version {OLDEST} to {NEWEST} (opset), received {versions['']}: "
                         "onnx.version_converter changes that of a file")
    return _Reader(versions, file.folder).graph(file.proto.graph, set())


def types_of(values) -> dict:
    """name -> (dtype, shape with None) of ValueInfoProtos of tensors; shape None where it is not said."""
    found = {}
    for value in values:
        kind = value.type.tensor_type
        if value.type.HasField("tensor_type") and kind.elem_type:
            try:
                found[value.name] = (dtype_of(kind.elem_type, value.name), _shape(kind))
            except ValueError:
                continue         # of text, for one: nobody asks for it
    return found


def _shape(kind):
    """A size, a name or None for each axis; None where nothing is said."""
    if not kind.HasField("shape"):
        return None
    known = lambda d: d.HasField("dim_value") and d.dim_value >= 0
    return [int(d.dim_value) if known(d) else d.dim_param or None for d in kind.shape.dim]


def _domain(name):
    return _DOMAINS.get(name, name)


class _Reader:
    """Reads graphs, inner ones too. versions: of each domain's operators; folder: of files with weights."""

    def __init__(self, versions, folder):
        self.versions, self.folder = versions, folder

    def graph(self, proto, outer) -> Graph:
        """outer: the names that are known around it."""
        constants = {t.name: array_of(t, self.folder) for t in proto.initializer}
        constants.update((t.values.name, sparse_array(t, self.folder)) for t in proto.sparse_initializer)
        inputs = [self.value(v) for v in proto.input if v.name not in constants]
        types = types_of([*proto.value_info, *proto.output])
        known = {name for name, *_ in inputs} | set(constants)
        nodes = []
        for node in proto.node:
            nodes.append(self.node(node, types, outer | known))
            for name in filter(None, node.output):
                if name in known:
                    raise ValueError(f"{nodes[-1].label()}: expected a new name for its output, received "
                                     f"{name[:100]!r}")
                known.add(name)
            if _is_matrix(nodes[-1]):       # weights are so in the files of some
                constants[node.output[0]] = nodes.pop().attributes["value"]
            else:
                _lift_constants(nodes[-1], constants, outer | known)
        outputs = [self.value(v) for v in proto.output]
        for name, *_ in outputs:
            if name not in known | outer:
                raise ValueError(f"the ONNX graph's output {name[:100]!r} is made by no node")
        _drop_unused(nodes, outputs)
        return Graph(inputs, outputs, nodes, constants, proto.name)

    def value(self, proto):
        kind = proto.type.WhichOneof("value")
        if kind not in ("tensor_type", None):
            raise ValueError(f"ONNX value {proto.name[:100]!r}: expected a tensor, received a "
                             f"{kind.removesuffix('_type')}")
        tensor = proto.type.tensor_type
        dtype = dtype_of(tensor.elem_type, f"ONNX value {proto.name[:100]!r}") if tensor.elem_type else None
        return proto.name, dtype, _shape(tensor)

    def node(self, proto, types, known) -> Node:
        node = Node(proto.op_type, _domain(proto.domain), self.versions.get(_domain(proto.domain), 1),
                    list(proto.input), list(proto.output), name=proto.name)
        for name in filter(None, node.inputs):
            if name not in known:
                raise ValueError(f"{node.label()} needs {name[:100]!r}, which no node before it makes")
        node.attributes = {a.name: self.attribute(a, node, known) for a in proto.attribute}
        node.types = [_with_none(types.get(name)) for name in node.outputs]
        if not any(node.types):
            node.types = []
        return node

    def attribute(self, proto, node, known):
        kind = onnx.AttributeProto
        plain = {kind.FLOAT: lambda: proto.f, kind.INT: lambda: proto.i, kind.STRING: lambda: _text(proto.s),
                 kind.FLOATS: lambda: list(proto.floats), kind.INTS: lambda: list(proto.ints),
                 kind.STRINGS: lambda: [_text(s) for s in proto.strings],
                 kind.TENSOR: lambda: array_of(proto.t, self.folder),
                 kind.SPARSE_TENSOR: lambda: sparse_array(proto.sparse_tensor, self.folder),
                 kind.GRAPH: lambda: self.graph(proto.g, known)}
        if proto.type not in plain:
            raise ValueError(f"{node.label()}: attribute {proto.name[:100]!r} is of a kind that kgraph does not read")
        return plain[proto.type]()


def _is_matrix(node) -> bool:
    value = node.attributes.get("value")
    return node.op == "Constant" and not node.domain and isinstance(value, np.ndarray) and value.ndim > 1


def _lift_constants(node, constants, known):
    """Move the arrays of inner graphs to those around them, so that they become weights; then note what inner graphs
    read of what is around them."""
    for body in node.bodies():
        for name in [n for n, a in body.constants.items() if a.ndim and a.size > 1 and n not in known]:
            if name not in constants:
                constants[name] = body.constants.pop(name)
    node.captures = list(dict.fromkeys(name for body in node.bodies() for name in body.free_names()))


def _drop_unused(nodes, outputs):
    """Forget the last outputs of nodes that nobody reads: MaxPool then has no places to find."""
    used = {name for node in nodes for name in (*node.inputs, *node.captures)} | {name for name, *_ in outputs}
    for node in nodes:
        while len(node.outputs) > 1 and node.outputs[-1] not in used and node.op != "Split":
            node.outputs.pop()
            node.types = node.types[:len(node.outputs)]


def _with_none(known):
    if known is None or known[1] is None:
        return known
    return known[0], [n if isinstance(n, int) else None for n in known[1]]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
