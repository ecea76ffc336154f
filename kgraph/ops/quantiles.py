"""Quantiles: the elements that so many percent of an axis are below.

Args:
    q: which quantiles: a number or several.
    method: "linear" (the default), "lower", "higher", "midpoint" or "nearest": what is taken for a place between two
        elements.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.prims.rules import index_dtype
from kgraph.ops.core import (
    as_tensor,
    axes_of,
    cast_to,
    floating,
    op,
)
from kgraph.ops.elementwise import (
    isnan,
    logical_not,
    maximum,
    multiply,
    subtract,
    where,
)
from kgraph.ops.index import _between, _interpolated, sort, take_along_axis
from kgraph.ops.reduce import any, count_nonzero
from kgraph.ops.shape import moveaxis, reshape


# ------------------------------------------------------------------ quantiles
@op
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """The q-th quantiles (q in [0, 1]); several q make a new first axis.

    method: "linear", "lower", "higher", "midpoint" or "nearest", for a place between two elements. NaN if one is.

    Example:
        >>> ops.quantile([1.0, 2.0, 3.0, 4.0], 0.5)
        <Tensor f32[] 2.5>
    """
    x, q = floating(x), as_tensor(q)
    q = cast_to(q, x.dtype)
    axes = axes_of(axis, len(x.shape), "quantile")
    kept = [n for i, n in enumerate(x.shape) if i not in axes]
    lines = reshape(moveaxis(x, axes, range(len(axes))), (dims.size_of([x.shape[a] for a in axes]), *kept))
    result = _interpolated(sort(lines, 0), q, method)
    result = where(any(isnan(lines), 0), float("nan"), result)
    if keepdims:
        result = reshape(result, (*q.shape, *(1 if i in axes else n for i, n in enumerate(x.shape))))
    return result


@op
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """The quantiles at q percent.

    Example:
        >>> ops.percentile([1.0, 2.0, 3.0, 4.0], 25)
        <Tensor f32[] 1.75>
    """
    return quantile(x, multiply(floating(q), 0.01), axis, method, keepdims)


@op
def median(x, axis=None, keepdims=False):
    """The middle element in order, or the mean of the two middle ones.

    Example:
        >>> ops.median([3.0, 1.0, 2.0])
        <Tensor f32[] 2.>
    """
    return quantile(x, 0.5, axis, keepdims=keepdims)


@op
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """The q-th quantiles of what is not NaN; NaN if nothing is left. Several q make a new first axis.

    Example:
        >>> ops.nanquantile([1.0, np.nan, 3.0], 0.5)
        <Tensor f32[] 2.>
    """
    x, q = floating(x), floating(q)
    axes = axes_of(axis, len(x.shape), "nanquantile")
    kept = [n for i, n in enumerate(x.shape) if i not in axes]
    lines = reshape(moveaxis(x, axes, range(len(axes))), (dims.size_of([x.shape[a] for a in axes]), *kept))
    ordered = sort(lines, 0)  # NaN last
    count = cast_to(count_nonzero(logical_not(isnan(lines)), 0), "float64")
    wide = reshape(cast_to(q, "float64"), (dims.size_of(q.shape), *(1,) * len(kept)))
    place = multiply(wide, maximum(subtract(count, 1), 0))
    pick = lambda place: take_along_axis(ordered, cast_to(place, index_dtype("quantile", lines.shape[0])), 0)
    result = _between(place, pick, method, lambda v: v)
    found = tuple(1 if i in axes else n for i, n in enumerate(x.shape)) if keepdims else tuple(kept)
    return reshape(result, (*q.shape, *found))


@op
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """The quantiles at q percent of what is not NaN.

    Example:
        >>> ops.nanpercentile([1.0, np.nan, 3.0], 50)
        <Tensor f32[] 2.>
    """
    return nanquantile(x, multiply(floating(q), 0.01), axis, method, keepdims)


@op
def nanmedian(x, axis=None, keepdims=False):
    """The middle of what is not NaN.

    Example:
        >>> ops.nanmedian([1.0, np.nan, 3.0])
        <Tensor f32[] 2.>
    """
    return nanquantile(x, 0.5, axis, keepdims=keepdims)
