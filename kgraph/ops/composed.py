"""Elementwise functions that are made of others."""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.loopnest.dtypes import limits
from kgraph.compiler.prims import elementwise as prims
from kgraph.compiler.trace import Tensor, bind
from kgraph.ops.core import (
    COMPLEX,
    as_tensor,
    cast_to,
    elementwise_op,
    floating,
    is_float_dtype,
    promote,
)
from kgraph.ops.elementwise import (
    abs,
    add,
    divide,
    equal,
    erf,
    exp,
    greater,
    isfinite,
    isnan,
    isneginf,
    isposinf,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_or,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    not_equal,
    power,
    reciprocal,
    sign,
    sin,
    sqrt,
    square,
    subtract,
    where,
)


@elementwise_op
def fmod(x1, x2):
    """The remainder of x1 / x2 with the sign of x1.

    Example:
        >>> ops.fmod([7, -7], 3)
        <Tensor i32[2] [ 1 -1]>
    """
    x1, x2 = promote(x1, x2, least=int)
    return multiply(sign(x1), mod(abs(x1), abs(x2)))


@elementwise_op
def fmax(x1, x2):
    """The larger; where one is NaN, the other.

    Example:
        >>> ops.fmax([1.0, np.nan], [0.0, 2.0])
        <Tensor f32[2] [1. 2.]>
    """
    x1, x2 = promote(x1, x2)
    if not is_float_dtype(x1.dtype):
        return maximum(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


@elementwise_op
def fmin(x1, x2):
    """The smaller; where one is NaN, the other.

    Example:
        >>> ops.fmin([1.0, np.nan], [0.0, 2.0])
        <Tensor f32[2] [0. 2.]>
    """
    x1, x2 = promote(x1, x2)
    if not is_float_dtype(x1.dtype):
        return minimum(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


@elementwise_op
def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0. So is the gradient there.

    Example:
        >>> ops.divide_no_nan([1.0, 2.0], [0.0, 4.0])
        <Tensor f32[2] [0.  0.5]>
    """
    x1, x2 = promote(x1, x2, least=float)
    safe = where(equal(x2, 0), 1, x2)
    return where(equal(x2, 0), 0, divide(x1, safe))


@elementwise_op
def exp2(x):
    """2 to the power x.

    Example:
        >>> ops.exp2([3.0, -1.0])
        <Tensor f32[2] [8.  0.5]>
    """
    return exp(multiply(floating(x), math.log(2)))


@elementwise_op
def log2(x):
    """The logarithm to base 2.

    Example:
        >>> ops.log2([8.0, 0.5])
        <Tensor f32[2] [ 3. -1.]>
    """
    return multiply(log(x), 1 / math.log(2))


@elementwise_op
def log10(x):
    """The logarithm to base 10.

    Example:
        >>> ops.log10([1000.0, 0.1])
        <Tensor f32[2] [ 3. -1.]>
    """
    return multiply(log(x), 1 / math.log(10))


@elementwise_op
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)) without overflow.

    Example:
        >>> ops.logaddexp(1000.0, 1000.0)
        <Tensor f32[] 1000.6932>
    """
    x1, x2 = promote(x1, x2, least=float)
    gap = subtract(x1, x2)
    below = minimum(negative(gap), gap)  # -|gap|; at a tie its gradient and that of the maximum add up to one half each
    return where(isnan(gap), add(x1, x2), add(maximum(x1, x2), log1p(exp(below))))


@elementwise_op
def logaddexp2(x1, x2):
    """log2(2**x1 + 2**x2) without overflow.

    Example:
        >>> ops.logaddexp2(3.0, 3.0)
        <Tensor f32[] 4.>
    """
    x1, x2 = promote(x1, x2, least=float)
    return multiply(logaddexp(multiply(x1, math.log(2)), multiply(x2, math.log(2))), 1 / math.log(2))


@elementwise_op
def cbrt(x):
    """The cube root, of negative numbers too.

    Example:
        >>> ops.cbrt([8.0, -27.0])
        <Tensor f32[2] [ 2. -3.]>
    """
    x = floating(x)
    return multiply(sign(x), power(abs(x), 1 / 3))


@elementwise_op
def hypot(x1, x2):
    """sqrt(x1*x1 + x2*x2), scaled against overflow.

    Example:
        >>> ops.hypot(3.0, 4.0)
        <Tensor f32[] 5.>
    """
    x1, x2 = promote(x1, x2, least=float)
    top = bind(prims.stop_gradient_p, maximum(abs(x1), abs(x2)))
    plain = logical_and(greater(top, 0), isfinite(top))
    scale = where(plain, top, 1)
    return where(plain, multiply(scale, sqrt(add(square(divide(x1, scale)), square(divide(x2, scale))))), top)


@elementwise_op
def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0.

    Example:
        >>> ops.sinc([0.0, 0.5])
        <Tensor f32[2] [1.     0.6366]>
    """
    x = multiply(floating(x), math.pi)
    zero = equal(x, 0)
    safe = where(zero, 1, x)
    return where(zero, 1, divide(sin(safe), safe))


@elementwise_op
def heaviside(x1, x2):
    """0 below 0, 1 above 0, x2 at 0.

    Example:
        >>> ops.heaviside([-1.0, 0.0, 2.0], 0.5)
        <Tensor f32[3] [0.  0.5 1. ]>
    """
    x1, x2 = promote(x1, x2, least=float)
    return where(equal(x1, 0), x2, where(isnan(x1), x1, cast_to(greater(x1, 0), x1.dtype)))


@elementwise_op
def deg2rad(x):
    """Degrees to radians.

    Example:
        >>> ops.deg2rad([0.0, 180.0])
        <Tensor f32[2] [0.     3.1416]>
    """
    return multiply(floating(x), math.pi / 180)


@elementwise_op
def rad2deg(x):
    """Radians to degrees.

    Example:
        >>> ops.rad2deg([0.0, 3.1416])
        <Tensor f32[2] [  0.     180.0004]>
    """
    return multiply(floating(x), 180 / math.pi)


@elementwise_op
def copysign(x1, x2):
    """|x1| with the sign of x2.

    Example:
        >>> ops.copysign([1.0, 2.0], [-1.0, 1.0])
        <Tensor f32[2] [-1.  2.]>
    """
    x1, x2 = promote(x1, x2, least=float)
    return where(less(x2, 0), negative(abs(x1)), abs(x1))


@elementwise_op
def signbit(x):
    """Where x is negative; the sign of a zero counts through 1 / x.

    Example:
        >>> ops.signbit([-0.0, 0.0, -2.0])
        <Tensor b1[3] [ True False  True]>
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return less(x, 0)
    return logical_or(less(x, 0), logical_and(equal(x, 0), less(reciprocal(x), 0)))


@elementwise_op
def ldexp(x1, x2):
    """x1 * 2**x2.

    Example:
        >>> ops.ldexp([1.0, 0.5], [3, 1])
        <Tensor f32[2] [8. 1.]>
    """
    x1 = floating(x1)
    return multiply(x1, exp2(as_tensor(x2, x1.dtype)))


@elementwise_op
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """NaN and the infinities replaced; by default the latter become the largest and smallest finite numbers.

    Args:
        nan, posinf, neginf: what stands for NaN and the infinities; None: the largest and smallest finite numbers.

    Example:
        >>> ops.nan_to_num([np.nan, np.inf, 1.0], posinf=9.0)
        <Tensor f32[3] [0. 9. 1.]>
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return x
    most = limits(x.dtype)
    x = where(isnan(x), nan, x)
    x = where(isposinf(x), float(most.max) if posinf is None else posinf, x)
    return where(isneginf(x), float(most.min) if neginf is None else neginf, x)


@elementwise_op
def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Where |x1 - x2| <= atol + rtol * |x2|; infinities match themselves.

    Args:
        rtol, atol: how far apart two numbers may be: relative to x2 (1e-5), and at least (1e-8).
        equal_nan: whether NaN is close to NaN. False by default.

    Example:
        >>> ops.isclose([1.0, 2.0], [1.000001, 2.1])
        <Tensor b1[2] [ True False]>
    """
    x1, x2 = promote(x1, x2, least=float)
    near = less_equal(abs(subtract(x1, x2)), add(multiply(abs(x2), rtol), atol))
    result = logical_or(equal(x1, x2), logical_and(near, isfinite(x2)))
    return logical_or(result, logical_and(isnan(x1), isnan(x2))) if equal_nan else result


@elementwise_op
def real(x):
    """The real part, which of real numbers is x itself.

    Example:
        >>> ops.real(np.complex64([1 + 2j]))
        <Tensor f32[1] [1.]>
    """
    x = as_tensor(x)
    return Tensor(x.numpy().real) if x.dtype in COMPLEX else x


@elementwise_op
def conjugate(x):
    """The complex conjugate, which of real numbers is x itself.

    Example:
        >>> ops.conjugate(np.complex64([1 + 2j]))
        <Tensor complex64[1] [1.-2.j]>
    """
    x = as_tensor(x)
    return Tensor(np.conj(x.numpy())) if x.dtype in COMPLEX else x


@elementwise_op
def imag(x):
    """The imaginary part; zeros of real numbers.

    Example:
        >>> ops.imag(np.complex64([1 + 2j]))
        <Tensor f32[1] [2.]>
    """
    x = as_tensor(x)
    if x.dtype in COMPLEX:
        return Tensor(x.numpy().imag)
    return where(True, as_tensor(0, x.dtype), x)


@elementwise_op
def angle(x):
    """The angle of a number in the complex plane, of a real one pi below 0, else 0; NaN for NaN.

    Example:
        >>> ops.angle([1.0, -1.0])
        <Tensor f32[2] [0.     3.1416]>
    """
    x = as_tensor(x)
    if x.dtype in COMPLEX:
        return Tensor(np.angle(x.numpy()))
    x = floating(x)
    return where(isnan(x), x, where(less(x, 0), math.pi, 0.0))


@elementwise_op
def erfc(x):
    """1 - erf(x): right to the rounding of 1, so 0 for large x.

    Example:
        >>> ops.erfc([0.0, 1.0])
        <Tensor f32[2] [1.     0.1573]>
    """
    return subtract(1, erf(x))


@elementwise_op
def isreal(x):
    """Where the imaginary part is 0, which of real numbers is everywhere.

    Example:
        >>> ops.isreal(np.complex64([1 + 2j, 3]))
        <Tensor b1[2] [False  True]>
    """
    x = as_tensor(x)
    if x.dtype in COMPLEX:
        return Tensor(np.isreal(x.numpy()))
    return logical_or(equal(x, x), not_equal(x, x))


conj = conjugate
