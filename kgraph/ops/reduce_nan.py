"""Reductions of what is not NaN."""
from __future__ import annotations

import math

from kgraph.ops.core import (
    as_tensor,
    cast_to,
    floating,
    is_float_dtype,
    op,
)
from kgraph.ops.elementwise import (
    divide,
    equal,
    isnan,
    logical_not,
    sqrt,
    square,
    subtract,
    where,
)
from kgraph.ops.reduce import argmax, argmin, cumprod, cumsum, max, min, prod, sum


# ------------------------------------------------------------------ without NaN
def _filled(x, value):
    x = as_tensor(x)
    return where(isnan(x), value, x) if is_float_dtype(x.dtype) else x


@op
def nansum(x, axis=None, keepdims=False):
    """The sum of what is not NaN.

    Example:
        >>> ops.nansum([1.0, np.nan, 3.0])
        <Tensor f32[] 4.>
    """
    return sum(_filled(x, 0), axis, keepdims)


@op
def nanprod(x, axis=None, keepdims=False):
    """The product of what is not NaN.

    Example:
        >>> ops.nanprod([2.0, np.nan, 3.0])
        <Tensor f32[] 6.>
    """
    return prod(_filled(x, 1), axis, keepdims)


@op
def nancumsum(x, axis=None, dtype=None):
    """Running sums, NaN counting as 0.

    Example:
        >>> ops.nancumsum([1.0, np.nan, 3.0])
        <Tensor f32[3] [1. 1. 4.]>
    """
    return cumsum(_filled(x, 0), axis, dtype)


@op
def nancumprod(x, axis=None, dtype=None):
    """Running products, NaN counting as 1.

    Example:
        >>> ops.nancumprod([2.0, np.nan, 3.0])
        <Tensor f32[3] [2. 2. 6.]>
    """
    return cumprod(_filled(x, 1), axis, dtype)


def _valid_count(x, axis, keepdims):
    x = floating(x)
    return sum(cast_to(logical_not(isnan(x)), x.dtype), axis, keepdims)


@op
def nanmean(x, axis=None, keepdims=False):
    """The mean of what is not NaN; NaN if nothing is left.

    Example:
        >>> ops.nanmean([1.0, np.nan, 3.0])
        <Tensor f32[] 2.>
    """
    x = floating(x)
    return divide(nansum(x, axis, keepdims), _valid_count(x, axis, keepdims))


@op
def nanvar(x, axis=None, keepdims=False):
    """The variance of what is not NaN.

    Example:
        >>> ops.nanvar([1.0, np.nan, 3.0])
        <Tensor f32[] 1.>
    """
    x = floating(x)
    gap = where(isnan(x), 0, subtract(x, nanmean(x, axis, True)))
    return divide(sum(square(gap), axis, keepdims), _valid_count(x, axis, keepdims))


@op
def nanstd(x, axis=None, keepdims=False):
    """The standard deviation of what is not NaN.

    Example:
        >>> ops.nanstd([1.0, np.nan, 3.0])
        <Tensor f32[] 1.>
    """
    return sqrt(nanvar(x, axis, keepdims))


@op
def nanmax(x, axis=None, keepdims=False):
    """The largest of what is not NaN; NaN if nothing is left.

    Example:
        >>> ops.nanmax([1.0, np.nan, 3.0])
        <Tensor f32[] 3.>
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return max(x, axis, keepdims)
    empty = equal(_valid_count(x, axis, keepdims), 0)
    return where(empty, math.nan, max(_filled(x, -math.inf), axis, keepdims))


@op
def nanmin(x, axis=None, keepdims=False):
    """The smallest of what is not NaN; NaN if nothing is left.

    Example:
        >>> ops.nanmin([1.0, np.nan, 3.0])
        <Tensor f32[] 1.>
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return min(x, axis, keepdims)
    empty = equal(_valid_count(x, axis, keepdims), 0)
    return where(empty, math.nan, min(_filled(x, math.inf), axis, keepdims))


@op
def nanargmax(x, axis=None, keepdims=False):
    """The position of the largest of what is not NaN.

    Example:
        >>> ops.nanargmax([1.0, np.nan, 3.0])
        <Tensor i32[] 2>
    """
    return argmax(_filled(x, -math.inf), axis, keepdims)


@op
def nanargmin(x, axis=None, keepdims=False):
    """The position of the smallest of what is not NaN.

    Example:
        >>> ops.nanargmin([1.0, np.nan, 3.0])
        <Tensor i32[] 0>
    """
    return argmin(_filled(x, math.inf), axis, keepdims)
