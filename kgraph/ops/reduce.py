"""Reductions: an axis, several or all (None) are taken together; keepdims leaves them with size 1."""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.prims import reduce as prims
from kgraph.compiler.prims.rules import index_dtype, require_order
from kgraph.compiler.trace import bind
from kgraph.ops.composed import isclose
from kgraph.ops.core import (
    as_tensor,
    axes_of,
    axis_of,
    cast_to,
    floating,
    op,
    promote,
    size_tensor,
    standardize_dtype,
)
from kgraph.ops.create import ones
from kgraph.ops.elementwise import (
    add,
    divide,
    exp,
    isfinite,
    log,
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
from kgraph.ops.joining import concatenate, cut
from kgraph.ops.loop import scan_steps
from kgraph.ops.shape import moveaxis, ravel, reshape


def reduced(prim, x, axis, keepdims):
    """Bind a reduction over an axis, several or None, and put the axes back where keepdims says so."""
    axes = axes_of(axis, len(x.shape), prim.name)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    result = bind(prim, x, axes=axes) if axes else x
    return reshape(result, kept) if keepdims else result


def _summable(x, axis):
    """As Keras: bools and narrow integers are summed in 32 bits; more bools than these can count in 64."""
    x = as_tensor(x)
    if x.dtype == "bool":
        return cast_to(x, index_dtype("sum", dims.size_of([x.shape[a] for a in axes_of(axis, len(x.shape))])))
    known = DTYPES.get(x.dtype)
    narrow = known is not None and not known.is_float and known.bits < 32
    return cast_to(x, f"{known.kind}32" if narrow else x.dtype)


@op
def sum(x, axis=None, keepdims=False):
    """The sum.

    Example:
        >>> ops.sum([[1, 2], [3, 4]], axis=0)
        <Tensor i32[2] [4 6]>
    """
    return reduced(prims.sum_p, _summable(x, axis), axis, keepdims)


@op
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product.

    Example:
        >>> ops.prod([[1, 2], [3, 4]])
        <Tensor i32[] 24>
    """
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
    """The largest element, NaN if one is; elements that tie share the gradient.

    Args:
        initial: the result of no elements, and its least value. None: no elements are an error.

    Example:
        >>> ops.max([[1, 5], [3, 4]], axis=1)
        <Tensor i32[2] [5 4]>
    """
    return _extreme(prims.max_p, x, axis, keepdims, initial)


@op
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest element, NaN if one is; elements that tie share the gradient.

    Args:
        initial: the result of no elements, and its largest value. None: no elements are an error.

    Example:
        >>> ops.min([[1, 5], [3, 4]], axis=1)
        <Tensor i32[2] [1 3]>
    """
    return _extreme(prims.min_p, x, axis, keepdims, initial)


@op
def amax(x, axis=None, keepdims=False):
    """The largest element; see max.

    Example:
        >>> ops.amax([1, 5, 3])
        <Tensor i32[] 5>
    """
    return max(x, axis, keepdims)


@op
def amin(x, axis=None, keepdims=False):
    """The smallest element; see min.

    Example:
        >>> ops.amin([1, 5, 3])
        <Tensor i32[] 1>
    """
    return min(x, axis, keepdims)


@op
def all(x, axis=None, keepdims=False):
    """Whether all elements are true (not zero).

    Example:
        >>> ops.all([[True, False], [True, True]], axis=1)
        <Tensor b1[2] [False  True]>
    """
    return reduced(prims.min_p, truth(x), axis, keepdims)


@op
def any(x, axis=None, keepdims=False):
    """Whether one element is true (not zero).

    Example:
        >>> ops.any([[True, False], [False, False]], axis=1)
        <Tensor b1[2] [ True False]>
    """
    return reduced(prims.max_p, truth(x), axis, keepdims)


def count_of(x, axis, dtype: str):
    """How many elements a reduction takes together: a float where that is known, else a scalar tensor."""
    axes = axes_of(axis, len(x.shape))
    size = dims.size_of([x.shape[a] for a in axes])
    return size_tensor(size, dtype) if isinstance(size, Dim) else float(size)


@op
def mean(x, axis=None, keepdims=False):
    """The mean; of integers in floatx. NaN of no elements.

    Example:
        >>> ops.mean([[1, 2], [3, 5]], axis=0)
        <Tensor f32[2] [2.  3.5]>
    """
    x = floating(x)
    total = reduced(prims.sum_p, x, axis, keepdims)
    count = count_of(x, axis, x.dtype)
    return divide(total, count) if not isinstance(count, float) or count == 0 else multiply(total, 1 / count)


@op
def var(x, axis=None, keepdims=False):
    """The variance: the mean square of the distance from the mean.

    Example:
        >>> ops.var([1.0, 3.0])
        <Tensor f32[] 1.>
    """
    x = floating(x)
    return mean(square(subtract(x, mean(x, axis, True))), axis, keepdims)


@op
def std(x, axis=None, keepdims=False):
    """The standard deviation: the square root of the variance.

    Example:
        >>> ops.std([1.0, 3.0])
        <Tensor f32[] 1.>
    """
    return sqrt(var(x, axis, keepdims))


@op
def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, variance) over axes.

    Args:
        axes: an axis or several.
        synchronized: over several devices: there is one.

    Raises:
        ValueError: synchronized is True.

    Example:
        >>> ops.moments([1.0, 3.0], axes=0)
        (<Tensor f32[] 2.>, <Tensor f32[] 1.>)
    """
    if synchronized:
        raise ValueError("moments: expected synchronized=False, received True: there is one device")
    x = floating(x)
    center = mean(x, axes, True)
    variance = mean(square(subtract(x, center)), axes, keepdims)
    return (center if keepdims else mean(x, axes)), variance


@op
def average(x, axis=None, weights=None):
    """The mean, weighted: sum(x * weights) / sum(weights). Weights have the shape of x, or of its axis.

    Args:
        weights: of the elements; None: all 1.

    Example:
        >>> ops.average([1.0, 3.0], weights=[3, 1])
        <Tensor f32[] 1.5>
    """
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
    """The largest less the smallest element.

    Example:
        >>> ops.ptp([1, 5, 3])
        <Tensor i32[] 4>
    """
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


@op
def count_nonzero(x, axis=None):
    """How many elements are not zero, int32 (int64 where that cannot count them).

    Example:
        >>> ops.count_nonzero([0, 5, 0, 7])
        <Tensor i32[] 2>
    """
    return sum(truth(x), axis)


@op
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))), with the largest element taken out first.

    Example:
        >>> ops.logsumexp([1000.0, 1000.0])
        <Tensor f32[] 1000.6932>
    """
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
    axis, in the flattened x.

    Example:
        >>> ops.argmax([[1, 5], [7, 4]], axis=1)
        <Tensor i32[2] [1 0]>
    """
    return _position(prims.argmax_p, x, axis, keepdims)


@op
def argmin(x, axis=None, keepdims=False):
    """The position (int32) of the smallest element, the first of those that tie.

    Example:
        >>> ops.argmin([[1, 5], [7, 4]], axis=1)
        <Tensor i32[2] [0 1]>
    """
    return _position(prims.argmin_p, x, axis, keepdims)


@op
def cumsum(x, axis=None, dtype=None):
    """Running sums along an axis; without one, of the flattened tensor.

    Example:
        >>> ops.cumsum([1, 2, 3])
        <Tensor i32[3] [1 3 6]>
    """
    x = as_tensor(x) if dtype is None else as_tensor(x, standardize_dtype(dtype))
    x = cast_to(x, "int32") if x.dtype == "bool" else x
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "cumsum"))
    return bind(prims.cumsum_p, x, axis=axis, reverse=False)


@op
def cumprod(x, axis=None, dtype=None):
    """Running products along an axis; without one, of the flattened tensor. By doubling: log2(size) products.

    Example:
        >>> ops.cumprod([1, 2, 3])
        <Tensor i32[3] [1 2 6]>
    """
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
    x = moveaxis(x, axis, 0)
    step = lambda carry, part: (multiply(carry, part), multiply(carry, part))
    return moveaxis(scan_steps(step, ones(x.shape[1:], x.dtype), x)[1], 0, axis)


@op
def diff(a, n=1, axis=-1):
    """The n-th differences of neighbours along an axis.

    Args:
        a: a tensor.
        n: how often, 1 by default.

    Example:
        >>> ops.diff([1, 4, 9, 16])
        <Tensor i32[3] [3 5 7]>
    """
    a = as_tensor(a)
    axis = axis_of(axis, len(a.shape), "diff")
    for _ in range(n):
        size = a.shape[axis]
        after, before = cut(a, axis, 1, size), cut(a, axis, 0, size - 1)
        a = not_equal(after, before) if a.dtype == "bool" else subtract(after, before)
    return a


@op
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral of samples along an axis by the trapezoidal rule; at positions x, or dx apart.

    Args:
        y: the samples.
        x: their positions; None: dx apart.
        dx: 1 by default.

    Example:
        >>> ops.trapezoid([1.0, 2.0, 3.0])
        <Tensor f32[] 4.>
    """
    y = floating(y)
    axis = axis_of(axis, len(y.shape), "trapezoid")
    n = y.shape[axis]
    pairs = add(cut(y, axis, 1, n), cut(y, axis, 0, n - 1))
    width = dx
    if x is not None:
        width = diff(x)
        width = moveaxis(reshape(width, (*(1,) * (len(y.shape) - 1), -1)), -1, axis) if len(width.shape) == 1 else width
    return sum(multiply(multiply(pairs, 0.5), width), axis)


@op
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all elements are close; see isclose.

    Args:
        rtol, atol, equal_nan: as for isclose.

    Example:
        >>> ops.allclose([1.0, 2.0], [1.0, 2.0000001])
        <Tensor b1[] True>
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))
