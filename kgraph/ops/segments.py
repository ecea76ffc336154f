"""Rows taken together by number, and other results that are as large as the data says unless the caller says it.

Args:
    data: tensors [rows, ...].
    segment_ids: integers [rows]: which segment a row belongs to.
    num_segments: how many there are; None: as many as the largest id says.
    sorted: whether segment_ids rise; accepted.
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType, Value
from kgraph.compiler.prims.host import host_p
from kgraph.compiler.prims.index import scatter_add_p
from kgraph.compiler.prims.scatter import scatter_max_p, scatter_min_p, scatter_prod_p
from kgraph.compiler.trace import Tensor, bind
from kgraph.ops.core import as_tensor, cast_to, op
from kgraph.ops.create import linspace
from kgraph.ops.elementwise import greater_equal, less_equal, logical_and, multiply
from kgraph.ops.index import one_hot, searchsorted
from kgraph.ops.reduce import max, min, sum
from kgraph.ops.shape import expand_dims, ravel
from kgraph.ops.sized_by_data import sized_by_data

__all__ = ["bincount", "histogram", "segment_max", "segment_min", "segment_prod", "segment_sum", "unique"]


def _segments(prim, data, segment_ids, num_segments):
    """The rows of data with the same segment id, combined."""
    data, ids = as_tensor(data), cast_to(as_tensor(segment_ids), "int32")
    count = lambda ids: int(ids.max()) + 1 if ids.size else 0
    if num_segments is None and isinstance(ids, Tensor):
        num_segments = count(ids.numpy())
    if num_segments is not None:
        return bind(prim, ids, data, size=num_segments)
    combined = lambda ids, data: (prim.compute(ids, data, size=count(ids)),)
    return sized_by_data("segment", combined, (ids, data), [(data.dtype, data.shape[1:])])[0]


@op
def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """The sums of the rows of data that have the same segment id, for num_segments ids from 0 on.

    Without num_segments there are as many as the largest id says, which a compiled graph cannot know.

    Example:
        >>> ops.segment_sum([1, 2, 3], [0, 0, 2], num_segments=3)
        <Tensor i32[3] [3 0 3]>
    """
    return _segments(scatter_add_p, data, segment_ids, num_segments)


@op
def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """The largest of the rows of data that have the same segment id; see segment_sum.

    Example:
        >>> ops.segment_max([1, 2, 3], [0, 0, 1])
        <Tensor i32[2] [2 3]>
    """
    return _segments(scatter_max_p, data, segment_ids, num_segments)


@op
def segment_min(data, segment_ids, num_segments=None, sorted=False):
    """The smallest of the rows of data that have the same segment id; see segment_sum.

    Example:
        >>> ops.segment_min([1, 2, 3], [0, 0, 1])
        <Tensor i32[2] [1 3]>
    """
    return _segments(scatter_min_p, data, segment_ids, num_segments)


@op
def segment_prod(data, segment_ids, num_segments=None, sorted=False):
    """The products of the rows of data that have the same segment id; see segment_sum.

    Example:
        >>> ops.segment_prod([1, 2, 3], [0, 0, 1])
        <Tensor i32[2] [2 3]>
    """
    return _segments(scatter_prod_p, data, segment_ids, num_segments)


@op
def bincount(x, weights=None, minlength=0, sparse=False):
    """How often each integer from 0 on occurs in a vector, or in each row of a matrix; or the sum of its weights.

    A compiled graph counts those below minlength; it refuses minlength=0.

    Args:
        weights: what each element counts; None: 1.
        minlength: the least size of the result, 0 by default.

    Example:
        >>> ops.bincount([0, 1, 1, 3])
        <Tensor i32[4] [1 2 0 1]>
    """
    x = cast_to(as_tensor(x), "int32")
    if isinstance(x, Tensor):
        largest = int(x.numpy().max()) + 1 if x.size else 0
        minlength = largest if largest > minlength else minlength
    elif not minlength:
        given = (x,) if weights is None else (x, as_tensor(weights))
        dtype = "int32" if weights is None else given[1].dtype
        return sized_by_data("bincount", lambda *a: (bincount(*a).numpy(),), given, [(dtype, ())])[0]
    codes = one_hot(x, minlength, dtype="int32")
    if weights is None:
        return sum(codes, -2)
    weights = as_tensor(weights)
    return sum(multiply(cast_to(codes, weights.dtype), expand_dims(weights, -1)), -2)


@op
def histogram(x, bins=10, range=None):
    """(counts, edges) of equal bins between the least and the largest element of a vector, or over a range; both of
    the dtype of x.

    Args:
        bins: how many, 10 by default.
        range: (least, largest); None: those of x.

    Raises:
        ValueError: bins is no int above 0.

    Example:
        >>> ops.histogram([1.0, 2.0, 2.5, 4.0], bins=3)
        (<Tensor f32[3] [1. 2. 1.]>, <Tensor f32[4] [1. 2. 3. 4.]>)
    """
    x = ravel(as_tensor(x))
    if not isinstance(bins, int) or bins < 1:
        raise ValueError(f"histogram: expected bins to be an int above 0, received {bins!r}")
    low, high = (min(x), max(x)) if range is None else (as_tensor(v, x.dtype) for v in range)
    edges = cast_to(linspace(low, high, bins + 1), x.dtype)
    inside = logical_and(greater_equal(x, low), less_equal(x, high))
    place = searchsorted(edges[1:-1], x, side="right")
    return bind(scatter_add_p, place, cast_to(inside, x.dtype), size=bins), edges


@op
def unique(x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None, size=None,
           fill_value=None):
    """The different elements in rising order; with size, cut or filled to that number. Compiled graphs refuse it.

    Args:
        sorted: accepted: they always rise.
        return_index, return_inverse, return_counts: give also where each stands first, which of them each element is,
            and how often each occurs.
        size, fill_value: give so many, filled with that (the first of them by default).

    Raises:
        TypeError: a tensor of a graph.

    Example:
        >>> ops.unique([3, 1, 3, 2], return_counts=True)
        (<Tensor i32[3] [1 2 3]>, <Tensor i32[3] [1 1 2]>)
    """
    x = as_tensor(x)
    settings = {"return_index": return_index, "return_inverse": return_inverse, "return_counts": return_counts}

    def found(array):
        results = np.unique(array, axis=axis, **settings)
        values, *others = results if isinstance(results, tuple) else (results,)
        return _resized(values, 0 if axis is None else axis, size, fill_value), *others

    wanted = 1 + return_index + return_inverse + return_counts
    if isinstance(x, Value) and (size is not None or axis):
        if wanted > 1 or size is None:
            raise TypeError("unique: expected a concrete tensor for these arguments, received one of a graph")
        place = 0 if axis is None else axis
        shape = (size,) if axis is None else tuple(size if i == place else n for i, n in enumerate(x.shape))
        return bind(host_p, x, function=lambda a: found(a)[0], type=TensorType(shape, x.dtype))
    inner = () if axis is None else x.shape[1:]
    results = sized_by_data("unique", found, (x,), [(x.dtype, inner), *[("int32", ())] * (wanted - 1)])
    return tuple(results) if wanted > 1 else results[0]


def _resized(values, axis, size, fill_value):
    """values cut or filled (with the least of them, or fill_value) to a size along an axis."""
    if size is None:
        return values
    missing = size - values.shape[axis]
    values = np.take(values, np.arange(values.shape[axis])[:size], axis)
    if missing <= 0:
        return values
    extra = values.min(axis=axis, keepdims=True) if fill_value is None else np.full((1,), fill_value)
    wide = [missing if i == axis else n for i, n in enumerate(values.shape)]
    return np.concatenate([values, np.broadcast_to(extra, wide).astype(values.dtype)], axis)

