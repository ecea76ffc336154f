"""Tensors made from nothing: constants, ranges, grids.

Args:
    num: how many numbers, 50 by default.
    start, stop: the first number, and the bound.
    endpoint: whether stop is the last number. True by default.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph import budget
from kgraph.compiler.dims import Dim, maximum
from kgraph.compiler.prims.move import iota_p
from kgraph.compiler.trace import bind
from kgraph.config import floatx
from kgraph.ops.core import (
    as_tensor,
    cast_to,
    expand_to,
    op,
    promote,
    result_type,
    shape_tuple,
    standardize_dtype,
)
from kgraph.ops.elementwise import abs, add, cos, divide, equal, exp, log, multiply, power, sign, where
from kgraph.ops.joining import stack
from kgraph.ops.shape import expand_dims, flip, moveaxis, reshape, swapaxes


@op
def full(shape, fill_value, dtype=None):
    """A tensor of one repeated value, by default of floatx.

    Args:
        fill_value: a number, or a tensor that broadcasts to the shape.

    Example:
        >>> ops.full((2,), 7.0)
        <Tensor f32[2] [7. 7.]>
    """
    shape = shape_tuple(shape)
    return expand_to(as_tensor(fill_value, standardize_dtype(dtype)), shape)


def zeros(shape, dtype=None):
    """A tensor of zeros, by default of floatx.

    Example:
        >>> ops.zeros((2,))
        <Tensor f32[2] [0. 0.]>
    """
    return full(shape, 0, dtype)


def ones(shape, dtype=None):
    """A tensor of ones, by default of floatx.

    Example:
        >>> ops.ones((2,), dtype="int32")
        <Tensor i32[2] [1 1]>
    """
    return full(shape, 1, dtype)


def empty(shape, dtype=None):
    """A tensor of zeros: nothing here is ever uninitialised.

    Example:
        >>> ops.empty((2,))
        <Tensor f32[2] [0. 0.]>
    """
    return full(shape, 0, dtype)


@op
def full_like(x, fill_value, dtype=None):
    """A tensor of one repeated value, of the shape of x, and of its dtype unless told.

    Args:
        fill_value: a number, or a tensor that broadcasts to x.

    Example:
        >>> ops.full_like([1, 2], 5)
        <Tensor i32[2] [5 5]>
    """
    x = as_tensor(x)
    return full(x.shape, fill_value, dtype or x.dtype)


@op
def zeros_like(x, dtype=None):
    """Zeros of the shape of x, and of its dtype unless told.

    Example:
        >>> ops.zeros_like([1.5, 2.5])
        <Tensor f32[2] [0. 0.]>
    """
    return full_like(x, 0, dtype)


@op
def ones_like(x, dtype=None):
    """Ones of the shape of x, and of its dtype unless told.

    Example:
        >>> ops.ones_like([1.5, 2.5])
        <Tensor f32[2] [1. 1.]>
    """
    return full_like(x, 1, dtype)


@op
def empty_like(x, dtype=None):
    """Zeros of the shape of x.

    Example:
        >>> ops.empty_like([1.5, 2.5])
        <Tensor f32[2] [0. 0.]>
    """
    return full_like(x, 0, dtype)


def iota(size, dtype: str = "int32"):
    """0, 1 ... size - 1, where size may be a Dim."""
    return bind(iota_p, size=size, dtype=dtype)


def arange(start, stop=None, step=None, dtype=None):
    """start, start + step ... below stop; with one argument, from 0. Sizes may be Dims when the step is 1.

    Args:
        step: between neighbours, 1 by default.

    Raises:
        ValueError: a size that is not known with another step than 1.

    Example:
        >>> ops.arange(3), ops.arange(1, 7, 2)
        (<Tensor i32[3] [0 1 2]>, <Tensor i32[3] [1 3 5]>)
    """
    start, stop = (0, start) if stop is None else (start, stop)
    step = 1 if step is None else step
    if any(isinstance(v, Dim) for v in (start, stop)):
        if step != 1:
            raise ValueError(f"arange: expected step 1 with a symbolic size, received {step}")
        dtype = standardize_dtype(dtype or "int32")
        values = iota(maximum(stop - start, 0), dtype)
        return values if isinstance(start, int) and start == 0 else add(values, as_tensor(start, dtype))
    start, stop, step = (v if isinstance(v, (int, float)) else as_tensor(v).item() for v in (start, stop, step))
    dtype = standardize_dtype(dtype) if dtype else result_type(*map(type, (start, stop, step)))
    count = max(math.ceil((stop - start) / step), 0)
    if start == 0 and step == 1:
        return iota(count, dtype)
    budget.spend(24 * count, f"{count} numbers in a row")
    wide = "float64" if any(isinstance(v, float) for v in (start, stop, step)) else "int64"
    return as_tensor((start + np.arange(count, dtype=wide) * step).astype(dtype))


@op
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """num numbers from start to stop, evenly spaced, along a new axis; with retstep also the spacing.

    Args:
        retstep: give (numbers, spacing).

    Example:
        >>> ops.linspace(0, 1, 5)
        <Tensor f32[5] [0.   0.25 0.5  0.75 1.  ]>
    """
    first, last = promote(start, stop, least=float)
    gaps = num - 1 if endpoint else num
    step = divide(last - first, float(gaps)) if gaps > 0 else (last - first) * math.nan
    steps = iota(num, first.dtype)
    for _ in range(max(len(first.shape), len(last.shape))):
        steps = expand_dims(steps, -1)
    values = add(first, multiply(steps, step if gaps > 0 else 0.0))
    if endpoint and num > 1:
        values = where(equal(steps, float(num - 1)), last, values)
    values = moveaxis(values, 0, axis) if axis else values
    values = values if dtype is None else cast_to(values, standardize_dtype(dtype))
    return (values, step) if retstep else values


@op
def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """num powers of base, the exponents evenly spaced from start to stop.

    Args:
        base: 10 by default.

    Example:
        >>> ops.logspace(0, 2, 3)
        <Tensor f32[3] [  1.  10. 100.]>
    """
    values = power(as_tensor(float(base)), linspace(start, stop, num, endpoint, axis=axis))
    return values if dtype is None else cast_to(values, standardize_dtype(dtype))


@op
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """num numbers from start to stop, each a fixed multiple of the one before.

    Example:
        >>> ops.geomspace(1, 100, 3)
        <Tensor f32[3] [  1.  10. 100.]>
    """
    first, last = promote(start, stop, least=float)
    size = linspace(log(abs(first)), log(abs(last)), num, endpoint, axis=axis)
    values = multiply(sign(first), exp(size))
    return values if dtype is None else cast_to(values, standardize_dtype(dtype))


@op
def meshgrid(*x, indexing="xy"):
    """Coordinate grids of one-dimensional tensors; "xy" swaps the first two axes, "ij" does not.

    Args:
        indexing: "xy" (as in pictures, the default) or "ij" (as in matrices).

    Returns:
        A list with one grid for each vector.

    Raises:
        ValueError: another indexing.

    Example:
        >>> ops.meshgrid([1, 2], [3, 4, 5])
        [<Tensor i32[3,2] [[1 2]
         [1 2]
         [1 2]]>, <Tensor i32[3,2] [[3 3]
         [4 4]
         [5 5]]>]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: expected indexing 'xy' or 'ij', received {indexing!r}")
    xs = [reshape(v, (-1,)) for v in map(as_tensor, x)]
    whole = tuple(v.shape[0] for v in xs)
    grids = [expand_to(reshape(v, tuple(n if i == k else 1 for i, n in enumerate(whole))), whole) for k,
             v in enumerate(xs)]
    return [swapaxes(g, 0, 1) for g in grids] if indexing == "xy" and len(xs) > 1 else grids


def _window(x, shape_of):
    n = int(x)
    if n <= 1:
        return ones((max(n, 0),))
    return cast_to(shape_of(iota(n, floatx()), n), floatx())


def _cosines(*weights):

    def shape_of(i, n):
        total = as_tensor(weights[0], i.dtype)
        for k, w in enumerate(weights[1:], 1):
            total = add(total, multiply(cos(multiply(i, 2 * math.pi * k / (n - 1))), w))
        return total
    return shape_of


def hamming(x):
    """The Hamming window of x points.

    Args:
        x: how many points.

    Example:
        >>> ops.hamming(4)
        <Tensor f32[4] [0.08 0.77 0.77 0.08]>
    """
    return _window(x, _cosines(0.54, -0.46))


def hanning(x):
    """The Hann window of x points.

    Args:
        x: how many points.

    Example:
        >>> ops.hanning(4)
        <Tensor f32[4] [0.   0.75 0.75 0.  ]>
    """
    return _window(x, _cosines(0.5, -0.5))


def blackman(x):
    """The Blackman window of x points.

    Args:
        x: how many points.

    Example:
        >>> ops.blackman(4)
        <Tensor f32[4] [-0.    0.63  0.63 -0.  ]>
    """
    return _window(x, _cosines(0.42, -0.5, 0.08))


def bartlett(x):
    """The triangular window of x points, 0 at both ends.

    Args:
        x: how many points.

    Example:
        >>> ops.bartlett(5)
        <Tensor f32[5] [0.  0.5 1.  0.5 0. ]>
    """
    return _window(x, lambda i, n: 1 - abs(i * (2 / (n - 1)) - 1))


@op
def vander(x, N=None, increasing=False):
    """Powers of a vector as columns: from N - 1 down to 0, or rising.

    Args:
        N: number of columns, by default as many as rows.
        increasing: whether powers rise to the right. False by default.

    Example:
        >>> ops.vander([2, 3])
        <Tensor i32[2,2] [[2 1]
         [3 1]]>
    """
    x = as_tensor(x)
    n = x.shape[0] if N is None else N
    columns = [ones_like(x)]
    for _ in range(n - 1):
        columns.append(multiply(columns[-1], x))
    powers = stack(columns[:n], axis=1) if n else expand_dims(x, 1)[:, :0]
    return powers if increasing else flip(powers, 1)
