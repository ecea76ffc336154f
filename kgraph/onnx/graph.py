"""A graph of ONNX as kgraph holds it: nodes, constants and bodies of loops, checked, and as plain data for configs."""
from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field

import numpy as np

from kgraph import budget
from kgraph.compiler.dims import Dim, dim, maximum
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.onnx.sizes import Sizes

__all__ = ["Graph", "Node", "pack", "unpack"]

MAX_RANK = 32


@dataclass
class Node:
    """One call of an operator. inputs and outputs are names, "" where one is left out; captures: names of the outer
    graph that the bodies among its attributes read; types: (dtype, shape with None) of each output, where known."""

    op: str
    domain: str
    version: int
    inputs: list
    outputs: list
    attributes: dict = field(default_factory=dict)
    name: str = ""
    captures: list = field(default_factory=list)
    types: list = field(default_factory=list)

    def bodies(self) -> list:
        """The graphs among the attributes."""
        return [value for value in self.attributes.values() if isinstance(value, Graph)]

    def label(self) -> str:
        """For messages."""
        return f"ONNX node {(self.name or ', '.join(filter(None, self.outputs)))[:100]!r} ({self.op[:100]})"


@dataclass
class Graph:
    """inputs and outputs: (name, dtype, shape) with a size, a name or None for each axis; shape None: not known."""

    inputs: list
    outputs: list
    nodes: list
    constants: dict = field(default_factory=dict)
    name: str = ""

    def free_names(self) -> list:
        """The names that it reads and does not define."""
        defined, free = {name for name, *_ in self.inputs} | set(self.constants), {}
        for node in self.nodes:
            free.update((n, None) for n in (*node.inputs, *node.captures) if n and n not in defined)
            defined.update(node.outputs)
        free.update((name, None) for name, *_ in self.outputs if name not in defined)
        return list(free)


# ------------------------------------------------------------------ as plain data
def pack(x):
    """x as numbers, strings, lists and dicts; arrays are {"dtype", "shape", "data"}, in base64."""
    if isinstance(x, np.ndarray):
        little = x.astype(x.dtype.newbyteorder("<")) if x.dtype.kind in "fiub" else x
        data = base64.b64encode(little.tobytes()).decode("ascii")
        return {"dtype": x.dtype.name, "shape": list(x.shape), "data": data}
    if isinstance(x, Sizes):
        return {"sizes": [_pack_size(n) for n in x.items.ravel()], "shape": list(x.items.shape), "of": x.dtype}
    if isinstance(x, (Graph, Node)):
        return {type(x).__name__.lower(): {key: pack(value) for key, value in vars(x).items()}}
    if isinstance(x, (list, tuple)):
        return [pack(v) for v in x]
    if isinstance(x, dict):
        return {"table": [[key, pack(value)] for key, value in x.items()]}
    if isinstance(x, float) and not math.isfinite(x):
        return {"float": str(x)}
    return x


def unpack(x):
    """What pack made plain. Raises ValueError for what it would not have made."""
    if isinstance(x, list):
        return [unpack(v) for v in x]
    if not isinstance(x, dict):
        return x
    for key, make in _MAKERS.items():
        if key in x:
            return make(x)
    raise ValueError(f"expected an array, sizes, a node or a graph, received a dict of {', '.join(map(str, x))[:100]}")


def _unpack_array(x):
    shape = _shape(x["shape"])
    if x["dtype"] not in DTYPES:
        raise ValueError(f"expected an array of numbers, received dtype {str(x['dtype'])[:100]!r}")
    dtype, data = numpy_dtype(x["dtype"]), base64.b64decode(x["data"])
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"expected {math.prod(shape) * dtype.itemsize} bytes for an array of shape {tuple(shape)}, "
                         f"received {len(data)}")
    budget.spend(len(data), "large constants")
    stored = dtype.newbyteorder("<") if dtype.kind in "fiub" else dtype
    return np.frombuffer(data, stored).astype(dtype).reshape(shape)


def _shape(shape) -> list:
    if len(shape) > MAX_RANK or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"expected a shape of at most {MAX_RANK} sizes, received {str(shape)[:100]}")
    return shape


def _pack_size(n):
    if not isinstance(n, Dim):
        return n
    atom = lambda a: a if isinstance(a, str) else [a[0], *map(_pack_size, a[1:])]
    return [[factor, [atom(a) for a in monomial]] for monomial, factor in n.terms.items()]


_OPERATIONS = {"//": lambda a, b: a // b, "%": lambda a, b: a % b, "max": maximum}


def _unpack_size(x):
    if isinstance(x, (int, float)):
        return x
    total = 0
    for factor, atoms in x:
        term = factor
        for a in atoms:
            term = term * (dim(a) if isinstance(a, str) else _OPERATIONS[a[0]](*map(_unpack_size, a[1:])))
        total = total + term
    return total


def _unpack_sizes(x):
    items = np.empty(len(x["sizes"]), object)
    items[:] = [_unpack_size(n) for n in x["sizes"]]
    return Sizes(items.reshape(_shape(x["shape"])), x["of"])


def _unpack_fields(cls):
    return lambda x: cls(**{key: unpack(value) for key, value in x[cls.__name__.lower()].items()})


_MAKERS = {"data": _unpack_array, "sizes": _unpack_sizes, "float": lambda x: float(x["float"]),
           "table": lambda x: {key: unpack(value) for key, value in x["table"]},
           "node": _unpack_fields(Node), "graph": _unpack_fields(Graph)}
