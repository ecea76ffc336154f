"""Elementwise functions: each converts, promotes and broadcasts its arguments, then binds one primitive or composes."""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.prims import elementwise as prims
from kgraph.compiler.trace import Tensor, bind
from kgraph.ops.core import (
    COMPLEX,
    as_tensor,
    broadcast_all,
    cast_to,
    floating,
    is_float_dtype,
    op,
    promote,
    result_type,
)


def _public(f, name, doc):
    f.__name__ = f.__qualname__ = name
    f.__doc__ = doc
    return op(f)


def _float(prim, name, doc):
    """A function of one float tensor; integers become floatx."""
    return _public(lambda x: bind(prim, floating(x)), name, doc)


def _binary(prim, name, doc, least=None):
    def f(x1, x2):
        return bind(prim, *broadcast_all(*promote(x1, x2, least=least), what=name))
    return _public(f, name, doc)


def _ring(prim, of_bools, name, doc):
    """Sum or product, which for two bools are or and and, as in NumPy."""
    def f(x1, x2):
        x1, x2 = broadcast_all(*promote(x1, x2), what=name)
        return bind(of_bools if x1.dtype == "bool" else prim, x1, x2)
    return _public(f, name, doc)


def _bits(prim, name, doc, least=None):
    def f(x, y):
        return bind(prim, *broadcast_all(*promote(x, y, least=least), what=name))
    return _public(f, name, doc)


def _logical(prim, name, doc):
    def f(x1, x2):
        return bind(prim, *broadcast_all(truth(x1), truth(x2), what=name))
    return _public(f, name, doc)


def truth(x):
    """x as bools: what is not zero."""
    return cast_to(as_tensor(x), "bool")


exp = _float(prims.exp_p, "exp", "e to the power x.")
expm1 = _float(prims.expm1_p, "expm1", "exp(x) - 1, exact near 0.")
log = _float(prims.log_p, "log", "The natural logarithm.")
log1p = _float(prims.log1p_p, "log1p", "log(1 + x), exact near 0.")
sqrt = _float(prims.sqrt_p, "sqrt", "The square root; NaN below 0.")
rsqrt = _float(prims.rsqrt_p, "rsqrt", "1 / sqrt(x).")
sin = _float(prims.sin_p, "sin", "The sine; x in radians.")
cos = _float(prims.cos_p, "cos", "The cosine; x in radians.")
tan = _float(prims.tan_p, "tan", "The tangent; x in radians.")
arcsin = _float(prims.asin_p, "arcsin", "The inverse sine, in [-pi/2, pi/2].")
arccos = _float(prims.acos_p, "arccos", "The inverse cosine, in [0, pi].")
arctan = _float(prims.atan_p, "arctan", "The inverse tangent, in (-pi/2, pi/2).")
sinh = _float(prims.sinh_p, "sinh", "The hyperbolic sine.")
cosh = _float(prims.cosh_p, "cosh", "The hyperbolic cosine.")
tanh = _float(prims.tanh_p, "tanh", "The hyperbolic tangent.")
arcsinh = _float(prims.asinh_p, "arcsinh", "The inverse hyperbolic sine.")
arccosh = _float(prims.acosh_p, "arccosh", "The inverse hyperbolic cosine; NaN below 1.")
arctanh = _float(prims.atanh_p, "arctanh", "The inverse hyperbolic tangent; NaN outside [-1, 1].")
erf = _float(prims.erf_p, "erf", "The error function, 2/sqrt(pi) times the integral of exp(-t*t) from 0 to x.")
floor = _float(prims.floor_p, "floor", "The largest whole number that is not above x.")
ceil = _float(prims.ceil_p, "ceil", "The smallest whole number that is not below x.")

add = _ring(prims.add_p, prims.logical_or_p, "add", "x1 + x2; for bools, or.")
subtract = _binary(prims.subtract_p, "subtract", "x1 - x2.", int)
multiply = _ring(prims.multiply_p, prims.logical_and_p, "multiply", "x1 * x2; for bools, and.")
divide = _binary(prims.divide_p, "divide", "x1 / x2; integers become floatx.", float)
true_divide = _binary(prims.divide_p, "true_divide", "x1 / x2; integers become floatx.", float)
floor_divide = _binary(prims.floor_divide_p, "floor_divide", "floor(x1 / x2).", int)
mod = _binary(prims.remainder_p, "mod", "x1 - floor(x1 / x2) * x2: it has the sign of x2.", int)
maximum = _binary(prims.maximum_p, "maximum", "The larger; NaN where either is. At a tie x2 gets the gradient.")
minimum = _binary(prims.minimum_p, "minimum", "The smaller; NaN where either is. At a tie x2 gets the gradient.")
arctan2 = _binary(prims.atan2_p, "arctan2", "The angle of the point (x2, x1), in (-pi, pi].", float)

equal = _binary(prims.equal_p, "equal", "x1 == x2.")
not_equal = _binary(prims.not_equal_p, "not_equal", "x1 != x2.")
less = _binary(prims.less_p, "less", "x1 < x2.")
less_equal = _binary(prims.less_equal_p, "less_equal", "x1 <= x2.")
greater = _binary(prims.greater_p, "greater", "x1 > x2.")
greater_equal = _binary(prims.greater_equal_p, "greater_equal", "x1 >= x2.")

logical_and = _logical(prims.logical_and_p, "logical_and", "Both are true (not zero).")
logical_or = _logical(prims.logical_or_p, "logical_or", "One of them is true (not zero).")
logical_xor = _logical(prims.not_equal_p, "logical_xor", "Exactly one is true (not zero).")

bitwise_and = _bits(prims.bitwise_and_p, "bitwise_and", "Bits set in both.")
bitwise_or = _bits(prims.bitwise_or_p, "bitwise_or", "Bits set in one of them.")
bitwise_xor = _bits(prims.bitwise_xor_p, "bitwise_xor", "Bits set in exactly one.")
bitwise_left_shift = _bits(prims.shift_left_p, "bitwise_left_shift", "The bits of x moved up by y.", int)
bitwise_right_shift = _bits(prims.shift_right_p, "bitwise_right_shift",
                            "The bits of x moved down by y; the sign stays.", int)
left_shift = _bits(prims.shift_left_p, "left_shift", "The bits of x moved up by y.", int)
right_shift = _bits(prims.shift_right_p, "right_shift", "The bits of x moved down by y; the sign stays.", int)


@op
def negative(x):
    """-x."""
    x = as_tensor(x)
    return bind(prims.neg_p, cast_to(x, result_type(x.dtype, int)))


@op
def absolute(x):
    """|x|."""
    x = as_tensor(x)
    return x if x.dtype == "bool" or x.dtype.startswith("u") else bind(prims.abs_p, x)


@op
def fabs(x):
    """|x|."""
    return absolute(x)


abs = absolute


@op
def sign(x):
    """-1, 0 or 1; NaN for NaN."""
    x = as_tensor(x)
    return x if x.dtype == "bool" else bind(prims.sign_p, x)


@op
def square(x):
    """x * x."""
    x = as_tensor(x)
    x = cast_to(x, result_type(x.dtype, int))
    return bind(prims.multiply_p, x, x)


@op
def power(x1, x2):
    """x1 to the power x2. Small whole exponents become products, 0.5 a square root."""
    if type(x2) in (int, float) and (special := _POWERS.get(x2)) is not None:
        x = floating(x1) if isinstance(x2, float) else as_tensor(x1)
        if is_float_dtype(x.dtype) or x2 in (1, 2, 3):
            return special(cast_to(x, result_type(x.dtype, int)))
    return bind(prims.power_p, *broadcast_all(*promote(x1, x2, least=int), what="power"))


def _cube(x):
    return bind(prims.multiply_p, x, bind(prims.multiply_p, x, x))


def _inverse(x):
    return divide(1.0, x)


_POWERS = {1: lambda x: x, 2: lambda x: bind(prims.multiply_p, x, x), 3: _cube, 0.5: lambda x: bind(prims.sqrt_p, x),
           -0.5: lambda x: bind(prims.rsqrt_p, x), -1: _inverse}


@op
def reciprocal(x):
    """1 / x."""
    return divide(1.0, floating(x))


@op
def logical_not(x):
    """Whether x is zero (false)."""
    return bind(prims.logical_not_p, truth(x))


@op
def bitwise_not(x):
    """All bits of an integer turned over; the opposite of a bool."""
    x = as_tensor(x)
    if x.dtype == "bool":
        return bind(prims.logical_not_p, x)
    return bitwise_xor(x, cast_to(as_tensor(-1), x.dtype))


@op
def bitwise_invert(x):
    """All bits of an integer turned over; the opposite of a bool."""
    return bitwise_not(x)


@op
def isnan(x):
    """Where x is NaN."""
    return bind(prims.is_nan_p, floating(x))


@op
def isfinite(x):
    """Where x is neither NaN nor infinite."""
    return bind(prims.is_finite_p, floating(x))


@op
def isinf(x):
    """Where x is plus or minus infinity."""
    return equal(abs(floating(x)), math.inf)


@op
def isposinf(x):
    """Where x is plus infinity."""
    return equal(floating(x), math.inf)


@op
def isneginf(x):
    """Where x is minus infinity."""
    return equal(floating(x), -math.inf)


@op
def where(condition, x1=None, x2=None):
    """Elements of x1 where the condition holds, else of x2; the three are broadcast.

    Without x1 and x2: a tuple with the positions of what is not zero, one array per axis (not inside a graph).
    """
    if x1 is None and x2 is None:
        from kgraph.ops.getitem import nonzero
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError("where: expected both x1 and x2, or neither, received one of them")
    return bind(prims.where_p, *broadcast_all(truth(condition), *promote(x1, x2), what="where"))


@op
def clip(x, x_min, x_max):
    """x with what is below x_min or above x_max replaced by that bound. The gradient is 0 there, 1 on the bounds."""
    x = as_tensor(x)
    dtype = result_type(x.dtype, int) if x.dtype == "bool" else x.dtype
    x, low, high = broadcast_all(cast_to(x, dtype), as_tensor(x_min, dtype), as_tensor(x_max, dtype), what="clip")
    return bind(prims.minimum_p, high, bind(prims.maximum_p, low, x))


@op
def round(x, decimals=0):
    """To the nearest whole number, or to so many decimals; halves to the even neighbour."""
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        if decimals >= 0:
            return x
        return cast_to(round(floating(x), decimals), x.dtype)
    if not decimals:
        return bind(prims.round_p, x)
    factor = 10.0 ** decimals
    return divide(bind(prims.round_p, multiply(x, factor)), factor)


@op
def trunc(x):
    """x without its fraction: towards 0."""
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return x
    return where(less(x, 0), ceil(x), floor(x))


@op
def fmod(x1, x2):
    """The remainder of x1 / x2 with the sign of x1."""
    x1, x2 = promote(x1, x2, least=int)
    return multiply(sign(x1), mod(abs(x1), abs(x2)))


@op
def fmax(x1, x2):
    """The larger; where one is NaN, the other."""
    x1, x2 = promote(x1, x2)
    if not is_float_dtype(x1.dtype):
        return maximum(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


@op
def fmin(x1, x2):
    """The smaller; where one is NaN, the other."""
    x1, x2 = promote(x1, x2)
    if not is_float_dtype(x1.dtype):
        return minimum(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


@op
def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0. So is the gradient there."""
    x1, x2 = promote(x1, x2, least=float)
    safe = where(equal(x2, 0), 1, x2)
    return where(equal(x2, 0), 0, divide(x1, safe))


@op
def exp2(x):
    """2 to the power x."""
    return exp(multiply(floating(x), math.log(2)))


@op
def log2(x):
    """The logarithm to base 2."""
    return multiply(log(x), 1 / math.log(2))


@op
def log10(x):
    """The logarithm to base 10."""
    return multiply(log(x), 1 / math.log(10))


@op
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)) without overflow."""
    x1, x2 = promote(x1, x2, least=float)
    gap = subtract(x1, x2)
    below = minimum(negative(gap), gap)  # -|gap|; at a tie its gradient and that of the maximum add up to one half each
    return where(isnan(gap), add(x1, x2), add(maximum(x1, x2), log1p(exp(below))))


@op
def logaddexp2(x1, x2):
    """log2(2**x1 + 2**x2) without overflow."""
    x1, x2 = promote(x1, x2, least=float)
    return multiply(logaddexp(multiply(x1, math.log(2)), multiply(x2, math.log(2))), 1 / math.log(2))


@op
def cbrt(x):
    """The cube root, of negative numbers too."""
    x = floating(x)
    return multiply(sign(x), power(abs(x), 1 / 3))


@op
def hypot(x1, x2):
    """sqrt(x1*x1 + x2*x2), scaled against overflow."""
    x1, x2 = promote(x1, x2, least=float)
    top = bind(prims.stop_gradient_p, maximum(abs(x1), abs(x2)))
    plain = logical_and(greater(top, 0), isfinite(top))
    scale = where(plain, top, 1)
    return where(plain, multiply(scale, sqrt(add(square(divide(x1, scale)), square(divide(x2, scale))))), top)


@op
def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0."""
    x = multiply(floating(x), math.pi)
    zero = equal(x, 0)
    safe = where(zero, 1, x)
    return where(zero, 1, divide(sin(safe), safe))


@op
def heaviside(x1, x2):
    """0 below 0, 1 above 0, x2 at 0."""
    x1, x2 = promote(x1, x2, least=float)
    return where(equal(x1, 0), x2, where(isnan(x1), x1, cast_to(greater(x1, 0), x1.dtype)))


@op
def deg2rad(x):
    """Degrees to radians."""
    return multiply(floating(x), math.pi / 180)


@op
def rad2deg(x):
    """Radians to degrees."""
    return multiply(floating(x), 180 / math.pi)


@op
def copysign(x1, x2):
    """|x1| with the sign of x2."""
    x1, x2 = promote(x1, x2, least=float)
    return where(less(x2, 0), negative(abs(x1)), abs(x1))


@op
def signbit(x):
    """Where x is negative; the sign of a zero counts through 1 / x."""
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return less(x, 0)
    return logical_or(less(x, 0), logical_and(equal(x, 0), less(reciprocal(x), 0)))


@op
def ldexp(x1, x2):
    """x1 * 2**x2."""
    x1 = floating(x1)
    return multiply(x1, exp2(as_tensor(x2, x1.dtype)))


@op
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """NaN and the infinities replaced; by default the latter become the largest and smallest finite numbers."""
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return x
    limits = np.finfo(x.dtype)
    x = where(isnan(x), nan, x)
    x = where(isposinf(x), float(limits.max) if posinf is None else posinf, x)
    return where(isneginf(x), float(limits.min) if neginf is None else neginf, x)


@op
def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Where |x1 - x2| <= atol + rtol * |x2|; infinities match themselves."""
    x1, x2 = promote(x1, x2, least=float)
    near = less_equal(abs(subtract(x1, x2)), add(multiply(abs(x2), rtol), atol))
    result = logical_or(equal(x1, x2), logical_and(near, isfinite(x2)))
    return logical_or(result, logical_and(isnan(x1), isnan(x2))) if equal_nan else result


@op
def real(x):
    """The real part, which of real numbers is x itself."""
    x = as_tensor(x)
    return Tensor(x.numpy().real) if x.dtype in COMPLEX else x


@op
def conjugate(x):
    """The complex conjugate, which of real numbers is x itself."""
    x = as_tensor(x)
    return Tensor(np.conj(x.numpy())) if x.dtype in COMPLEX else x


@op
def imag(x):
    """The imaginary part; zeros of real numbers."""
    x = as_tensor(x)
    if x.dtype in COMPLEX:
        return Tensor(x.numpy().imag)
    return where(True, as_tensor(0, x.dtype), x)


@op
def angle(x):
    """The angle of a number in the complex plane, of a real one pi below 0, else 0; NaN for NaN."""
    x = as_tensor(x)
    if x.dtype in COMPLEX:
        return Tensor(np.angle(x.numpy()))
    x = floating(x)
    return where(isnan(x), x, where(less(x, 0), math.pi, 0.0))


@op
def erfc(x):
    """1 - erf(x): right to the rounding of 1, so 0 for large x."""
    return subtract(1, erf(x))


@op
def isreal(x):
    """Where the imaginary part is 0, which of real numbers is everywhere."""
    x = as_tensor(x)
    if x.dtype in COMPLEX:
        return Tensor(np.isreal(x.numpy()))
    return logical_or(equal(x, x), not_equal(x, x))


conj = conjugate
