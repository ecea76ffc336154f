"""Reading and adding at positions that are data, and sorting.

An index outside [0, n) is an IndexError. Negative indices are wrapped by kgraph.ops, not here.
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.batch import ALL, joined
from kgraph.compiler.prims.rules import (
    ANY,
    INTEGERS,
    NUMBERS,
    apply,
    check_dtype,
    index_dtype,
    is_float,
    require,
    summing_dtype,
)
from kgraph.compiler.trace import current_scope


def check_bounds(indices: np.ndarray, size: int):
    """Raise the IndexError that compiled kernels raise too: the scope, the first bad index and the bounds."""
    bad = (indices < 0) | (indices >= size)
    if bad.any():
        raise IndexError(f"{current_scope() or 'take'}: index {int(indices[bad][0])} is outside [0, {size})")


def _take(x, indices):
    check_bounds(indices, x.shape[0])
    return np.take(x, indices, axis=0)


def _take_infer(x, indices):
    check_dtype("take (indices)", indices, INTEGERS)
    require(x.ndim > 0, lambda: f"take: expected a tensor with at least one axis, received {x}")
    return TensorType(indices.shape + x.shape[1:], x.dtype)


def _take_vjp(ct, out, x, indices):
    return (apply("scatter_add", indices, ct, size=x.shape[0]) if is_float(x) else None), None


def _take_lower(e, op, index):
    x, indices = op.inputs
    row = e.checked(e.read(1, index[:indices.ndim]), x.shape[0])
    return e.read(0, (row, *index[indices.ndim:]))


def _rows(rng, *shape, high):
    return rng.integers(0, high, shape).astype("int32")


take_p = Primitive(
    "take", "index", _take_infer, _take, _take_vjp, _take_lower,
    lambda rng: [([rng.normal(size=s).astype(t), _rows(rng, *i, high=s[0])], {}) for s, t, i in
                 (((5, 3), "float32", (4,)), ((37,), "float64", (2, 3)), ((1, 2, 3), "float32", (7, 1)),
                  ((4, 3), "float32", (0, 2)), ((3, 2), "float32", ()))],
    batch_rule=lambda op, mine, batch: mine[1] if mine[0] == ALL else None)


def _scatter_add_infer(indices, updates, size):
    check_dtype("scatter_add (indices)", indices, INTEGERS)
    check_dtype("scatter_add", updates, NUMBERS)
    require(updates.shape[:indices.ndim] == indices.shape,
            lambda: f"scatter_add: expected updates that begin with the shape of {indices}, received {updates}")
    return TensorType((size, *updates.shape[indices.ndim:]), updates.dtype)


def _scatter_add(indices, updates, size):
    check_bounds(indices, size)
    result = np.zeros((size, *updates.shape[indices.ndim:]), summing_dtype(updates.dtype))
    np.add.at(result, indices, updates)
    return result.astype(updates.dtype)


scatter_add_p = Primitive(
    "scatter_add", "index", _scatter_add_infer, _scatter_add,
    lambda ct, out, indices, updates, size: (None, apply("take", ct, indices)), "scatter_add",
    lambda rng: [([_rows(rng, *i, high=n), rng.normal(size=i + s).astype(t)], {"size": n}) for i, s, n, t in
                 (((7,), (3,), 4, "float32"), ((2, 3), (), 37, "float64"), ((0,), (5,), 3, "float32"),
                  ((), (2,), 3, "float32"))])


def _along(indices: np.ndarray, axis: int):
    """Index arrays that address the position ``indices`` on one axis, and the own position on the others."""
    grid = list(np.ogrid[tuple(map(slice, indices.shape))])
    grid[axis] = indices
    return tuple(grid)


def _check_along(name, indices, shape, axis):
    check_dtype(f"{name} (indices)", indices, INTEGERS)
    others = lambda s: s[:axis] + s[axis + 1:]
    require(indices.ndim == len(shape) and others(indices.shape) == others(shape) and 0 <= axis < len(shape),
            lambda: f"{name}: expected indices of shape {shape} but for axis {axis}, received {indices}")


def _take_along_infer(x, indices, axis):
    _check_along("take_along", indices, x.shape, axis)
    return TensorType(indices.shape, x.dtype)


def _take_along(x, indices, axis):
    check_bounds(indices, x.shape[axis])
    return x[_along(indices, axis)]


def _take_along_lower(e, op, index):
    axis = op.params["axis"]
    place = e.checked(e.read(1, index), op.inputs[0].shape[axis])
    return e.read(0, (*index[:axis], place, *index[axis + 1:]))


_ALONG = (((5, 3), 2, 0, "float32"), ((2, 37), 4, 1, "float64"), ((0, 4), 2, 1, "float32"),
          ((3, 1, 2), 3, 1, "float32"))

take_along_p = Primitive(
    "take_along", "index", _take_along_infer, _take_along,
    lambda ct, out, x, indices, axis:
        ((apply("scatter_along", indices, ct, axis=axis, size=x.shape[axis]) if is_float(x) else None), None),
    _take_along_lower,
    lambda rng: [([rng.normal(size=s).astype(t), _rows(rng, *s[:a], m, *s[a + 1:], high=s[a])], {"axis": a})
                 for s, m, a, t in _ALONG],
    batch_rule=lambda op, mine, batch: joined(op, mine, batch) if op.params["axis"] else None)


def _scatter_along_infer(indices, updates, axis, size):
    check_dtype("scatter_along", updates, NUMBERS)
    _check_along("scatter_along", indices, updates.shape, axis)
    require(indices.shape == updates.shape,
            lambda: f"scatter_along: expected updates of the shape of {indices}, received {updates}")
    return TensorType((*updates.shape[:axis], size, *updates.shape[axis + 1:]), updates.dtype)


def _scatter_along(indices, updates, axis, size):
    check_bounds(indices, size)
    result = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + 1:]), summing_dtype(updates.dtype))
    np.add.at(result, _along(indices, axis), updates)
    return result.astype(updates.dtype)


scatter_along_p = Primitive(
    "scatter_along", "index", _scatter_along_infer, _scatter_along,
    lambda ct, out, indices, updates, axis, size: (None, apply("take_along", ct, indices, axis=axis)), "scatter_along",
    lambda rng: [([_rows(rng, *s[:a], m, *s[a + 1:], high=s[a]), rng.normal(size=(*s[:a], m, *s[a + 1:])).astype(t)],
                  {"axis": a, "size": s[a]}) for s, m, a, t in _ALONG] + [
                 ([_rows(rng, 2, 5, high=3), rng.integers(-9, 9, (2, 5)).astype("int32")], {"axis": 1, "size": 3})])


def _argsort_infer(x, axis):
    check_dtype("argsort", x, ANY)
    require(0 <= axis < x.ndim, lambda: f"argsort: expected an axis of {x}, received {axis}")
    return TensorType(x.shape, index_dtype("argsort", x.shape[axis]))


def _argsort(x, axis):
    return np.argsort(x, axis, kind="stable").astype(index_dtype("argsort", x.shape[axis]))


# The positions that sort an axis ascending: stable, NaN last. Sorting itself is take_along of it, which differentiates.
argsort_p = Primitive(
    "argsort", "index", _argsort_infer, _argsort,
    NOT_DIFFERENTIABLE, "argsort",
    lambda rng: [([rng.normal(size=s).astype(t)], {"axis": a}) for s, t, a in
                 (((5,), "float32", 0), ((3, 37), "float64", 1), ((4, 2), "float32", 0), ((0, 3), "float32", 1),
                  ((2, 33, 3), "int32", 1), ((70,), "bool", 0), ((9, 2), "uint8", 0))]
    + [([np.where(rng.random((4, 41)) < 0.2, np.nan, rng.integers(0, 9, (4, 41))).astype("float32")], {"axis": 1})])
