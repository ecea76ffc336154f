"""The table of ONNX's operators: for each name, functions of kgraph.ops, one for each version in which it changed.

    @onnx_op("Reshape", since=5)
    def reshape(data, shape: Ints, *, allowzero=0): ...

Positional parameters are the inputs of the operator (None: left out), keywords its attributes, with ONNX's defaults.
An annotation says what an input has to be: Ints and Floats, tuples (of Ints some may be sizes that are not known yet);
Known, a NumPy array; Typed, anything with a shape and a dtype; Fixed, a tensor that is not trained although it is of
floats; Kernel, that of a convolution as kgraph has it, [taps..., channels, filters], which weights are kept as; else a
tensor. A keyword n_outputs gets the number of outputs, `outer` what the bodies among the attributes read from outside,
by name.
"""
from __future__ import annotations

import inspect

import numpy as np

from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType, Value
from kgraph.compiler.prims.host import host_p
from kgraph.compiler.trace import Tensor, bind, to_tensor
from kgraph.naming import auto_name, nearest
from kgraph.onnx.sizes import Sizes, fold_sizes

__all__ = ["Fixed", "Floats", "Ints", "Kernel", "Known", "NeedsValues", "Stored", "TENSORS", "TRAINED", "Typed",
           "as_kernel", "evaluate", "find_operator", "known_operators", "onnx_op"]

Ints, Floats, Known, Typed, Fixed, Kernel = "Ints", "Floats", "Known", "Typed", "Fixed", "Kernel"
TENSORS = (None, Fixed, Kernel)      # what is a tensor for the function
TRAINED = (None, Kernel)
NEWEST = 28      # the newest set of operators whose meaning is known here
_table: dict = {}     # (domain, name) -> [Operator, newest first]


class Stored:
    """A weight in the layout that the operator needs."""

    def __init__(self, tensor):
        self.tensor = tensor


def as_kernel(x):
    """[filters, channels, taps...] as [taps..., channels, filters], of a tensor or an array."""
    axes = (*range(2, len(x.shape)), 1, 0)
    return x.transpose(axes) if isinstance(x, np.ndarray) else ops.transpose(x, axes)


class NeedsValues(ValueError):
    """An operator needs the values of an input that is not known while a graph is recorded.

    types: (dtype, shape with None) of each output, where it knows them all the same
    """

    def __init__(self, message, types=None):
        super().__init__(message)
        self.types = types


class Operator:
    """A function for the operator `name` of ONNX from version `since` on.

    impure  it is run again each time
    ranks   (arguments, attributes) -> the number of axes of each output, or (dtype, number), for when sizes depend on
            values; by default the dtype is that of the first argument
    """

    def __init__(self, name, since, function, impure, ranks):
        self.name, self.since, self.function, self.impure, self.ranks = name, since, function, impure, ranks
        parameters = inspect.signature(function).parameters.values()
        self.inputs = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)]
        self.rest = next((p for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.keywords = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)

    def needs(self, place: int):
        """The annotation of an input."""
        p = self.inputs[place] if place < len(self.inputs) else self.rest
        return None if p is None or p.annotation is p.empty else p.annotation

    def check(self, node):
        """Raise ValueError for attributes that it does not have, and for too many or too few inputs."""
        own = self.keywords - {"n_outputs", "outer"}
        for name in node.attributes:
            if name not in own and not self.open:
                raise ValueError(f"{node.label()}: unknown attribute {name[:100]!r}.{nearest(name, own)}")
        least = sum(p.default is p.empty for p in self.inputs)
        if len(node.inputs) < least or self.rest is None and len(node.inputs) > len(self.inputs):
            raise ValueError(f"{node.label()}: expected {least} to {len(self.inputs)} inputs, received "
                             f"{len(node.inputs)}")


def onnx_op(*names, since=1, domain="", impure=False, ranks=None):
    """A decorator: the function is ONNX's operator of these names, from a version of the operator set on."""
    def add(f):
        for name in names:
            versions = _table.setdefault((domain, name), [])
            versions.append(Operator(name, since, f, impure, ranks))
            versions.sort(key=lambda operator: -operator.since)
        return f
    return add


def known_operators() -> list:
    """(domain, name) of each operator that can be read."""
    return sorted(_table)


def find_operator(node) -> Operator | None:
    """What computes a node, or None."""
    versions = _table.get((node.domain, node.op), ())
    return next((operator for operator in versions if operator.since <= node.version), None)


# ------------------------------------------------------------------ running a node
def evaluate(node, args, outer=None) -> list:
    """The outputs of a node for arguments that are tensors (concrete or traced), NumPy arrays, Sizes or None."""
    sized = fold_sizes(node, args)
    if sized is not None:
        return sized
    operator = find_operator(node)
    if operator is None:
        raise ValueError(f"{node.label()}: unknown operator")
    try:
        return _run(operator, node, args, outer)
    except NeedsValues as error:
        types = error.types or _host_types(operator, node, args)
        if not all(types):
            raise NeedsValues(f"{error}. The rank of its result is not known either") from None
        return _on_host(operator, node, args, outer or {}, types)


def _run(operator, node, args, outer):
    inputs = [_as_needed(x, operator.needs(i), node) for i, x in enumerate(args)]
    extra = {}
    if "n_outputs" in operator.keywords:
        extra["n_outputs"] = len(node.outputs)
    if "outer" in operator.keywords:
        extra["outer"] = outer or {}
    found = operator.function(*inputs, **node.attributes, **extra)
    return list(found) if isinstance(found, (tuple, list)) else [found]


def _as_needed(x, need, node):
    if x is None or need == Typed and not isinstance(x, Sizes):
        return x
    if isinstance(x, Stored):
        return ops.convert_to_tensor(x.tensor)
    if need in (*TENSORS, Typed):
        x = x.tensor() if isinstance(x, Sizes) else ops.convert_to_tensor(x)
        return as_kernel(x) if need == Kernel else x
    if isinstance(x, Sizes):
        if need != Ints:
            raise _needs_values(node)
        return tuple(x.items.ravel())
    if not isinstance(x, np.ndarray):
        x = to_tensor(x)
        if isinstance(x, Value):
            raise _needs_values(node)
        x = x.numpy()
    return {Known: x, Ints: tuple(map(int, x.ravel())) if need == Ints else None,
            Floats: tuple(map(float, x.ravel())) if need == Floats else None}[need]


def _needs_values(node):
    return NeedsValues(f"{node.label()} depends on values that are not known while a graph is compiled, not on sizes "
                       "alone: call the model on arrays, or compile it with run_eagerly=True")


def _host_types(operator, node, args) -> list:
    """(dtype, shape with None) of each output, as the file says or as the operator knows; None where neither does."""
    types = [t if t and t[1] is not None else None for t in node.types] or [None] * len(node.outputs)
    if operator.ranks is None or all(types):
        return types
    first = next(x.dtype for x in args if x is not None)
    ranks = operator.ranks(*args, **node.attributes)
    found = [rank if isinstance(rank, tuple) else (str(first), rank) for rank in ranks]
    return [t or (dtype, [None] * rank) for t, (dtype, rank) in zip(types, found)]


def _on_host(operator, node, args, outer, types):
    """Operations on the arrays themselves, of which only types are known while a graph is recorded: a graph that has
    them runs eagerly only."""
    given = {i: x.tensor() if isinstance(x, Sizes) else x for i, x in [*enumerate(args), *outer.items()]
             if x is not None and not isinstance(x, np.ndarray)}

    def compute(arrays, k):
        known = dict(zip(given, map(Tensor, arrays)))
        own = [known.get(i, x) for i, x in enumerate(args)]
        return np.asarray(_run(operator, node, own, {name: known.get(name, x) for name, x in outer.items()})[k])

    found = []
    for k, (dtype, shape) in enumerate(types):
        sizes = tuple(n if isinstance(n, int) else dim(auto_name(f"{node.op.lower()}_size")) for n in shape)
        part = lambda *arrays, k=k: compute(arrays, k)
        found.append(bind(host_p, *given.values(), function=part, type=TensorType(sizes, dtype)))
    return found
