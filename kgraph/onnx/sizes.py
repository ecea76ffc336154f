"""Arithmetic with sizes: what Shape gives, and the Gather, Concat, Mul ... that make the shape of a Reshape of it.

In a recorded graph sizes are Dims, so this arithmetic is done once, when the model is made, and leaves no operations.
"""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.dims import Dim, maximum, names, substitute

__all__ = ["DATA_TYPES", "SIZES", "Sizes", "fold_sizes"]

# The numbers of TensorProto.DataType that are dtypes of kgraph.
DATA_TYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
              10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16", 17: "float8_e4m3fn",
              19: "float8_e5m2"}


class Sizes:
    """An array of integers of which some are Dims: `items` is an array of objects, dtype what ONNX thinks they are."""

    def __init__(self, items, dtype="int64"):
        self.items = np.asarray(items, object)
        self.dtype = dtype

    @classmethod
    def of_shape(cls, shape):
        """The sizes of a shape: an array of integers where all are known."""
        items = np.empty(len(shape), object)
        items[:] = list(shape)
        return cls(items).settled()

    def settled(self):
        """A plain array where no Dim is left."""
        known = all(not isinstance(n, Dim) for n in self.items.ravel())
        return self.items.astype(self.dtype) if known else self

    def with_names(self, known: dict):
        """The sizes with names replaced by sizes."""
        items = np.empty(self.items.size, object)
        items[:] = [substitute(n, known) for n in self.items.ravel()]
        return Sizes(items.reshape(self.items.shape), self.dtype).settled()

    def names(self) -> set:
        return names(list(self.items.ravel()))

    def tensor(self):
        """As a tensor of the graph."""
        if not self.items.ndim:
            return ops.convert_to_tensor(self.items.item(), self.dtype)
        flat = [ops.convert_to_tensor(n, self.dtype) for n in self.items.ravel()]
        return ops.reshape(ops.stack(flat), self.items.shape)

    def __repr__(self):
        return f"Sizes({self.items.tolist()})"


# ------------------------------------------------------------------ operators on arrays of sizes
SIZES: dict = {}      # operator of ONNX -> function of arrays of objects


def _sizes(*names):
    def add(f):
        SIZES.update((name, f) for name in names)
        return f
    return add


def fold_sizes(node, args):
    """The outputs of a node of which some inputs are Sizes and the others known, or None where it is no arithmetic."""
    if node.op not in SIZES or not any(isinstance(x, Sizes) for x in args):
        return None
    if not all(x is None or isinstance(x, (Sizes, np.ndarray)) for x in args):
        return None
    if node.op == "Div" and not _divides(args):
        return None
    arrays = [x if x is None else x.items if isinstance(x, Sizes) else _objects(x) for x in args]
    try:
        found = SIZES[node.op](*arrays, **node.attributes)
    except (TypeError, NotImplementedError):      # what sizes cannot do is done on tensors
        return None
    dtype = next(x.dtype for x in args if isinstance(x, Sizes))
    dtype = DATA_TYPES[node.attributes["to"]] if node.op == "Cast" else dtype
    several = found if isinstance(found, list) else [found]
    return [x if isinstance(x, np.ndarray) and x.dtype != object else Sizes(x, dtype).settled() for x in several]


def _divides(args) -> bool:
    """Whether a quotient of sizes is a size: it is cut in integers, and may have to be exact in floats."""
    a, b = (x.items if isinstance(x, Sizes) else _objects(x) for x in args)
    whole = lambda x, y: isinstance(y, Dim) or y != 0 and (x % y if isinstance(x % y, int) else 1) == 0
    return "int" in str(args[0].dtype) and not (b == 0).any() or bool(np.frompyfunc(whole, 2, 1)(a, b).all())


def _objects(array):
    items = np.empty(array.size, object)
    items[:] = [int(n) if isinstance(n, float) and n.is_integer() else n for n in array.ravel().tolist()]
    return items.reshape(array.shape)


def _elementwise(f):
    return lambda a, b: np.frompyfunc(f, 2, 1)(a, b)


def _quotient(a, b):
    """Of integers, which ONNX divides towards zero, and sizes are not negative; of floats where nothing is left."""
    return a // b


_sizes("Add")(_elementwise(lambda a, b: a + b))
_sizes("Sub")(_elementwise(lambda a, b: a - b))
_sizes("Mul")(_elementwise(lambda a, b: a * b))
_sizes("Div")(_elementwise(_quotient))
_sizes("Max")(lambda *xs: _reduce(maximum, xs))
_sizes("Min")(lambda *xs: _reduce(lambda a, b: a + b - maximum(a, b), xs))
_sizes("Identity")(lambda x: x)


def _reduce(f, xs):
    total = xs[0]
    for x in xs[1:]:
        total = np.frompyfunc(f, 2, 1)(total, x)
    return total


@_sizes("Mod")
def _mod(a, b, fmod=0):
    return np.frompyfunc(lambda x, y: x % y, 2, 1)(a, b)


@_sizes("Equal")
def _equal(a, b):
    """Whether sizes are the same. One that is not known is not -1 and below; beyond that it cannot be told."""
    def same(x, y):
        if isinstance(x, Dim) != isinstance(y, Dim) and (x if isinstance(y, Dim) else y) >= 0 or isinstance(
                x, Dim) and isinstance(y, Dim) and not x == y:
            raise NotImplementedError
        return x == y
    return np.frompyfunc(same, 2, 1)(a, b).astype(bool)


@_sizes("Where")
def _where(condition, a, b):
    return np.where(condition.astype(bool), a, b)


@_sizes("Cast")
def _cast(x, to, saturate=1, round_mode="up"):
    if DATA_TYPES.get(to) not in ("int32", "int64", "float32", "float64"):
        raise NotImplementedError
    return x


@_sizes("Floor", "Ceil", "Round")
def _whole(x):
    if any(isinstance(n, float) and not n.is_integer() for n in x.ravel()):
        raise NotImplementedError
    return x


@_sizes("Gather")
def _gather(x, indices, axis=0):
    return np.asarray(np.take(x, indices.astype(int), axis), object)


@_sizes("Concat")
def _concat(*xs, axis):
    return np.concatenate([np.atleast_1d(x) for x in xs], axis)


@_sizes("Slice")
def _slice(x, starts=None, ends=None, axes=None, steps=None, **old):
    starts, ends = (old.get(name, value) for name, value in (("starts", starts), ("ends", ends)))
    axes = old.get("axes", axes)
    axes = range(len(starts)) if axes is None else axes
    key = [slice(None)] * x.ndim
    for i, axis in enumerate(axes):
        key[int(axis)] = slice(int(starts[i]), int(ends[i]), 1 if steps is None else int(steps[i]))
    return x[tuple(key)]


@_sizes("Squeeze")
def _squeeze(x, axes=None, **old):
    axes = old.get("axes", axes)
    return np.squeeze(x, None if axes is None else tuple(int(a) for a in axes))


@_sizes("Unsqueeze")
def _unsqueeze(x, axes=None, **old):
    return np.expand_dims(x, tuple(int(a) for a in old.get("axes", axes)))


@_sizes("Reshape")
def _reshape(x, shape, allowzero=0):
    return x.reshape([int(n) for n in shape])


@_sizes("Split")
def _split(x, split=None, axis=0, num_outputs=None):
    if split is None:
        return np.array_split(x, num_outputs or x.shape[axis], axis)
    return np.split(x, np.cumsum([int(n) for n in split])[:-1], axis)


@_sizes("ReduceProd")
def _prod(x, axes=None, keepdims=1, noop_with_empty_axes=0):
    total = 1
    for n in x.ravel():
        total = total * n
    return np.full((1,) * x.ndim if keepdims else (), total, object)
