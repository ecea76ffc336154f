"""Reductions: an axis, several or all (None) are taken together; keepdims leaves them with size 1."""
from __future__ import annotations

import math

from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.prims import reduce as prims
from kgraph.compiler.prims.rules import index_dtype, require_order
from kgraph.compiler.trace import bind
from kgraph.ops.core import (
    as_tensor,
    axes_of,
    axis_of,
    cast_to,
    floating,
    is_float_dtype,
    op,
    promote,
    size_tensor,
    standardize_dtype,
)
from kgraph.ops.elementwise import (
    abs,
    add,
    divide,
    equal,
    exp,
    isfinite,
    isnan,
    log,
    logical_not,
    maximum,
    minimum,
    multiply,
    not_equal,
    sqrt,
    square,
    subtract,
    truth,
    where,
)
from kgraph.ops.shape import concatenate, cut, moveaxis, ravel, reshape


def reduced(prim, x, axis, keepdims):
    """Bind a reduction over an axis, several or None, and put the axes back where keepdims says so."""
    axes = axes_of(axis, len(x.shape), prim.name)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    result = bind(prim, x, axes=axes) if axes else x
    return reshape(result, kept) if keepdims else result


def _summable(x, axis):
    """As Keras: bools and narrow integers are summed in 32 bits; more bools than these can count in 64."""
    x = as_tensor(x)
    wide = {"int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}
    if x.dtype == "bool":
        return cast_to(x, index_dtype("sum", dims.size_of([x.shape[a] for a in axes_of(axis, len(x.shape))])))
    return cast_to(x, wide.get(x.dtype, x.dtype))


@op
def sum(x, axis=None, keepdims=False):
    """The sum."""
    return reduced(prims.sum_p, _summable(x, axis), axis, keepdims)


@op
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product."""
    x = _summable(x, ()) if dtype is None else as_tensor(x, dtype)
    return reduced(prims.prod_p, x, axis, keepdims)


def _require_elements(prim, x, axes):
    require_order(f"{prim.name}: at least one element along axes {tuple(axes)} of shape {tuple(x.shape)}", 1,
                  dims.size_of([x.shape[a] for a in axes]))


def _extreme(prim, x, axis, keepdims, initial):
    x = as_tensor(x)
    if initial is None:
        _require_elements(prim, x, axes_of(axis, len(x.shape)))
    result = reduced(prim, x, axis, keepdims)
    if initial is None:
        return result
    return (maximum if prim is prims.max_p else minimum)(result, as_tensor(initial, x.dtype))


@op
def max(x, axis=None, keepdims=False, initial=None):
    """The largest element, NaN if one is; elements that tie share the gradient."""
    return _extreme(prims.max_p, x, axis, keepdims, initial)


@op
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest element, NaN if one is; elements that tie share the gradient."""
    return _extreme(prims.min_p, x, axis, keepdims, initial)


@op
def amax(x, axis=None, keepdims=False):
    """The largest element; see max."""
    return max(x, axis, keepdims)


@op
def amin(x, axis=None, keepdims=False):
    """The smallest element; see min."""
    return min(x, axis, keepdims)


@op
def all(x, axis=None, keepdims=False):
    """Whether all elements are true (not zero)."""
    return reduced(prims.min_p, truth(x), axis, keepdims)


@op
def any(x, axis=None, keepdims=False):
    """Whether one element is true (not zero)."""
    return reduced(prims.max_p, truth(x), axis, keepdims)


def count_of(x, axis, dtype: str):
    """How many elements a reduction takes together: a float where that is known, else a scalar tensor."""
    axes = axes_of(axis, len(x.shape))
    size = dims.size_of([x.shape[a] for a in axes])
    return size_tensor(size, dtype) if isinstance(size, Dim) else float(size)


@op
def mean(x, axis=None, keepdims=False):
    """The mean; of integers in floatx. NaN of no elements."""
    x = floating(x)
    total = reduced(prims.sum_p, x, axis, keepdims)
    count = count_of(x, axis, x.dtype)
    return divide(total, count) if not isinstance(count, float) or count == 0 else multiply(total, 1 / count)


@op
def var(x, axis=None, keepdims=False):
    """The variance: the mean square of the distance from the mean."""
    x = floating(x)
    return mean(square(subtract(x, mean(x, axis, True))), axis, keepdims)


@op
def std(x, axis=None, keepdims=False):
    """The standard deviation: the square root of the variance."""
    return sqrt(var(x, axis, keepdims))


@op
def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, variance) over axes."""
    if synchronized:
        raise ValueError("moments: expected synchronized=False, received True: there is one device")
    x = floating(x)
    center = mean(x, axes, True)
    variance = mean(square(subtract(x, center)), axes, keepdims)
    return (center if keepdims else mean(x, axes)), variance


@op
def average(x, axis=None, weights=None):
    """The mean, weighted: sum(x * weights) / sum(weights). Weights have the shape of x, or of its axis."""
    x = as_tensor(x)
    if weights is None:
        return mean(x, axis)
    x, weights = promote(x, weights, least=float)
    if weights.shape != x.shape:
        place = axis_of(axis, len(x.shape), "average")
        weights = reshape(weights, tuple(n if i == place else 1 for i, n in enumerate(x.shape)))
        weights = add(weights, multiply(x, 0.0)) if axis is None else weights
    return divide(sum(multiply(x, weights), axis), sum(weights, axis))


@op
def ptp(x, axis=None, keepdims=False):
    """The largest less the smallest element."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


@op
def count_nonzero(x, axis=None):
    """How many elements are not zero, int32 (int64 where that cannot count them)."""
    return sum(truth(x), axis)


@op
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))), with the largest element taken out first."""
    x = floating(x)
    top = max(x, axis, True)
    top = where(isfinite(top), top, 0)
    total = add(log(sum(exp(subtract(x, top)), axis, True)), top)
    axes = axes_of(axis, len(x.shape), "logsumexp")
    return total if keepdims else reshape(total, tuple(n for i, n in enumerate(x.shape) if i not in axes))


def _position(prim, x, axis, keepdims):
    x = as_tensor(x)
    rank = len(x.shape)
    flat = ravel(x) if axis is None else x
    place = 0 if axis is None else axis_of(axis, rank, prim.name)
    _require_elements(prim, flat, (place,))
    result = bind(prim, flat, axes=(place,))
    kept = tuple(1 if axis is None or i == place else n for i, n in enumerate(x.shape))
    return reshape(result, kept) if keepdims else result


@op
def argmax(x, axis=None, keepdims=False):
    """The position (int32, where that can hold it) of the largest element, the first of those that tie; without an
    axis, in the flattened x."""
    return _position(prims.argmax_p, x, axis, keepdims)


@op
def argmin(x, axis=None, keepdims=False):
    """The position (int32) of the smallest element, the first of those that tie."""
    return _position(prims.argmin_p, x, axis, keepdims)


@op
def cumsum(x, axis=None, dtype=None):
    """Running sums along an axis; without one, of the flattened tensor."""
    x = as_tensor(x) if dtype is None else as_tensor(x, standardize_dtype(dtype))
    x = cast_to(x, "int32") if x.dtype == "bool" else x
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "cumsum"))
    return bind(prims.cumsum_p, x, axis=axis, reverse=False)


@op
def cumprod(x, axis=None, dtype=None):
    """Running products along an axis; without one, of the flattened tensor. By doubling: log2(size) products."""
    x = as_tensor(x) if dtype is None else as_tensor(x, standardize_dtype(dtype))
    x = cast_to(x, "int32") if x.dtype == "bool" else x
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "cumprod"))
    n, step = x.shape[axis], 1
    if isinstance(n, Dim):
        return _product_by_steps(x, axis)
    while step < n:
        x = concatenate([cut(x, axis, 0, step), multiply(cut(x, axis, step, n), cut(x, axis, 0, n - step))], axis)
        step *= 2
    return x


def _product_by_steps(x, axis):
    """cumprod along an axis whose size is not known yet."""
    from kgraph.ops.create import ones
    from kgraph.ops.loop import scan_steps
    x = moveaxis(x, axis, 0)
    step = lambda carry, part: (multiply(carry, part), multiply(carry, part))
    return moveaxis(scan_steps(step, ones(x.shape[1:], x.dtype), x)[1], 0, axis)


@op
def diff(a, n=1, axis=-1):
    """The n-th differences of neighbours along an axis."""
    a = as_tensor(a)
    axis = axis_of(axis, len(a.shape), "diff")
    for _ in range(n):
        size = a.shape[axis]
        after, before = cut(a, axis, 1, size), cut(a, axis, 0, size - 1)
        a = not_equal(after, before) if a.dtype == "bool" else subtract(after, before)
    return a


@op
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral of samples along an axis by the trapezoidal rule; at positions x, or dx apart."""
    y = floating(y)
    axis = axis_of(axis, len(y.shape), "trapezoid")
    n = y.shape[axis]
    pairs = add(cut(y, axis, 1, n), cut(y, axis, 0, n - 1))
    width = dx
    if x is not None:
        width = diff(x)
        width = moveaxis(reshape(width, (*(1,) * (len(y.shape) - 1), -1)), -1, axis) if len(width.shape) == 1 else width
    return sum(multiply(multiply(pairs, 0.5), width), axis)


# ------------------------------------------------------------------ without NaN
def _filled(x, value):
    x = as_tensor(x)
    return where(isnan(x), value, x) if is_float_dtype(x.dtype) else x


@op
def nansum(x, axis=None, keepdims=False):
    """The sum of what is not NaN."""
    return sum(_filled(x, 0), axis, keepdims)


@op
def nanprod(x, axis=None, keepdims=False):
    """The product of what is not NaN."""
    return prod(_filled(x, 1), axis, keepdims)


@op
def nancumsum(x, axis=None, dtype=None):
    """Running sums, NaN counting as 0."""
    return cumsum(_filled(x, 0), axis, dtype)


@op
def nancumprod(x, axis=None, dtype=None):
    """Running products, NaN counting as 1."""
    return cumprod(_filled(x, 1), axis, dtype)


def _valid_count(x, axis, keepdims):
    x = floating(x)
    return sum(cast_to(logical_not(isnan(x)), x.dtype), axis, keepdims)


@op
def nanmean(x, axis=None, keepdims=False):
    """The mean of what is not NaN; NaN if nothing is left."""
    x = floating(x)
    return divide(nansum(x, axis, keepdims), _valid_count(x, axis, keepdims))


@op
def nanvar(x, axis=None, keepdims=False):
    """The variance of what is not NaN."""
    x = floating(x)
    gap = where(isnan(x), 0, subtract(x, nanmean(x, axis, True)))
    return divide(sum(square(gap), axis, keepdims), _valid_count(x, axis, keepdims))


@op
def nanstd(x, axis=None, keepdims=False):
    """The standard deviation of what is not NaN."""
    return sqrt(nanvar(x, axis, keepdims))


@op
def nanmax(x, axis=None, keepdims=False):
    """The largest of what is not NaN; NaN if nothing is left."""
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return max(x, axis, keepdims)
    empty = equal(_valid_count(x, axis, keepdims), 0)
    return where(empty, math.nan, max(_filled(x, -math.inf), axis, keepdims))


@op
def nanmin(x, axis=None, keepdims=False):
    """The smallest of what is not NaN; NaN if nothing is left."""
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return min(x, axis, keepdims)
    empty = equal(_valid_count(x, axis, keepdims), 0)
    return where(empty, math.nan, min(_filled(x, math.inf), axis, keepdims))


@op
def nanargmax(x, axis=None, keepdims=False):
    """The position of the largest of what is not NaN."""
    return argmax(_filled(x, -math.inf), axis, keepdims)


@op
def nanargmin(x, axis=None, keepdims=False):
    """The position of the smallest of what is not NaN."""
    return argmin(_filled(x, math.inf), axis, keepdims)


@op
def norm(x, ord=None, axis=None, keepdims=False):
    """The norm of vectors (one axis) or matrices (two): None is the Euclidean (Frobenius) one.

    Vectors: any number, inf, -inf, 0. Matrices: "fro", 1, -1, inf, -inf.
    """
    x = floating(x)
    if axis is None and ord is None:
        return sqrt(sum(square(x), None, keepdims))
    axes = axes_of(axis, len(x.shape), "norm")
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: expected one axis or two, received {axis}")
    return _matrix_norm(x, ord, axis if isinstance(axis, (tuple, list)) else axes, keepdims)


def _vector_norm(x, ord, axis, keepdims):
    if ord is None or ord == 2:
        return sqrt(sum(square(x), axis, keepdims))
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(abs(x), axis, keepdims)
    if ord == 0:
        return sum(cast_to(not_equal(x, 0), x.dtype), axis, keepdims)
    return sum(abs(x) ** ord, axis, keepdims) ** (1 / ord)


def _matrix_norm(x, ord, axes, keepdims):
    if ord in (None, "fro"):
        return sqrt(sum(square(x), axes, keepdims))
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(f"norm: expected ord None, 'fro', 1, -1, inf or -inf for matrices, received {ord!r}")
    rows, columns = (axis_of(a, len(x.shape)) for a in axes)
    inner, outer = (rows, columns) if ord in (1, -1) else (columns, rows)
    result = (max if ord > 0 else min)(sum(abs(x), inner, True), outer, True)
    kept = axes_of(tuple(axes), len(x.shape))
    return result if keepdims else reshape(result, tuple(n for i, n in enumerate(x.shape) if i not in kept))


@op
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm along an axis, where that is larger than epsilon."""
    from kgraph.config import epsilon as default_epsilon
    x = floating(x)
    least = default_epsilon() if epsilon is None else epsilon
    if order == 2:
        from kgraph.ops.elementwise import rsqrt
        return multiply(x, rsqrt(maximum(sum(square(x), axis, True), least * least)))
    return divide(x, maximum(norm(x, order, axis, True), least))


@op
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all elements are close; see isclose."""
    from kgraph.ops.elementwise import isclose
    return all(isclose(x1, x2, rtol, atol, equal_nan))
