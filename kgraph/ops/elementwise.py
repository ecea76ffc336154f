"""Elementwise functions: each converts, promotes and broadcasts its arguments, then binds one primitive or composes."""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.loopnest.dtypes import limits
from kgraph.compiler.prims import elementwise as prims
from kgraph.compiler.trace import bind
from kgraph.ops.core import (
    as_tensor,
    broadcast_all,
    cast_to,
    elementwise_op,
    floating,
    is_float_dtype,
    promote,
    result_type,
    standardize_dtype,
)
from kgraph.ops.sized_by_data import nonzero


def _public(f, name, doc, shows):
    """f as an operation. shows: an example, its arguments and what they give, such as "[0, 1] = i32[2] [0 1]"."""
    arguments, _, given = shows.rpartition(" = ")
    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{doc}\n\nExample:\n    >>> ops.{name}({arguments})\n    <Tensor {given}>\n"
    return elementwise_op(f)


def _float(prim, name, doc, shows):
    """A function of one float tensor; integers become floatx."""
    return _public(lambda x: bind(prim, floating(x)), name, doc, shows)


def _binary(prim, name, doc, shows, least=None):
    def f(x1, x2):
        return bind(prim, *broadcast_all(*promote(x1, x2, least=least), what=name))
    return _public(f, name, doc, shows)


def _ring(prim, of_bools, name, doc, shows):
    """Sum or product, which for two bools are or and and, as in NumPy."""
    def f(x1, x2):
        x1, x2 = broadcast_all(*promote(x1, x2), what=name)
        return bind(of_bools if x1.dtype == "bool" else prim, x1, x2)
    return _public(f, name, doc, shows)


def _bits(prim, name, doc, shows, least=None):
    def f(x, y):
        return bind(prim, *broadcast_all(*promote(x, y, least=least), what=name))
    return _public(f, name, doc, shows)


def _logical(prim, name, doc, shows):
    def f(x1, x2):
        return bind(prim, *broadcast_all(truth(x1), truth(x2), what=name))
    return _public(f, name, doc, shows)


def truth(x):
    """x as bools: what is not zero."""
    return cast_to(as_tensor(x), "bool")


exp = _float(prims.exp_p, "exp", "e to the power x.", "[0.0, 1.0] = f32[2] [1. 2.7183]")
expm1 = _float(prims.expm1_p, "expm1", "exp(x) - 1, exact near 0.", "[0.0, 1.0] = f32[2] [0. 1.7183]")
log = _float(prims.log_p, "log", "The natural logarithm.", "[1.0, 10.0] = f32[2] [0. 2.3026]")
log1p = _float(prims.log1p_p, "log1p", "log(1 + x), exact near 0.", "[0.0, 1.0] = f32[2] [0. 0.6931]")
sqrt = _float(prims.sqrt_p, "sqrt", "The square root; NaN below 0.", "[4.0, 2.0] = f32[2] [2. 1.4142]")
rsqrt = _float(prims.rsqrt_p, "rsqrt", "1 / sqrt(x).", "[4.0, 0.25] = f32[2] [0.5 2. ]")
sin = _float(prims.sin_p, "sin", "The sine; x in radians.", "[0.0, 1.5708] = f32[2] [0. 1.]")
cos = _float(prims.cos_p, "cos", "The cosine; x in radians.", "[0.0, 1.5708] = f32[2] [ 1. -0.]")
tan = _float(prims.tan_p, "tan", "The tangent; x in radians.", "[0.0, 0.7854] = f32[2] [0. 1.]")
arcsin = _float(prims.asin_p, "arcsin", "The inverse sine, in [-pi/2, pi/2].", "[0.0, 1.0] = f32[2] [0. 1.5708]")
arccos = _float(prims.acos_p, "arccos", "The inverse cosine, in [0, pi].", "[0.0, 1.0] = f32[2] [1.5708 0. ]")
arctan = _float(prims.atan_p, "arctan", "The inverse tangent, in (-pi/2, pi/2).", "[0.0, 1.0] = f32[2] [0. 0.7854]")
sinh = _float(prims.sinh_p, "sinh", "The hyperbolic sine.", "[0.0, 1.0] = f32[2] [0. 1.1752]")
cosh = _float(prims.cosh_p, "cosh", "The hyperbolic cosine.", "[0.0, 1.0] = f32[2] [1. 1.5431]")
tanh = _float(prims.tanh_p, "tanh", "The hyperbolic tangent.", "[0.0, 1.0] = f32[2] [0. 0.7616]")
arcsinh = _float(prims.asinh_p, "arcsinh", "The inverse hyperbolic sine.", "[0.0, 1.0] = f32[2] [0. 0.8814]")
arccosh = _float(prims.acosh_p, "arccosh", "The inverse hyperbolic cosine; NaN below 1.",
                 "[1.0, 2.0] = f32[2] [0. 1.317]")
arctanh = _float(prims.atanh_p, "arctanh", "The inverse hyperbolic tangent; NaN outside [-1, 1].",
                 "[0.0, 0.5] = f32[2] [0. 0.5493]")
erf = _float(prims.erf_p, "erf", "The error function, 2/sqrt(pi) times the integral of exp(-t*t) from 0 to x.",
             "[0.0, 1.0] = f32[2] [0. 0.8427]")
floor = _float(prims.floor_p, "floor", "The largest whole number that is not above x.",
               "[1.7, -1.2] = f32[2] [ 1. -2.]")
ceil = _float(prims.ceil_p, "ceil", "The smallest whole number that is not below x.", "[1.2, -1.7] = f32[2] [ 2. -1.]")

add = _ring(prims.add_p, prims.logical_or_p, "add", "x1 + x2; for bools, or.", "[1, 2], [10, 20] = i32[2] [11 22]")
subtract = _binary(prims.subtract_p, "subtract", "x1 - x2.", "[5, 3], 1 = i32[2] [4 2]", int)
multiply = _ring(prims.multiply_p, prims.logical_and_p, "multiply", "x1 * x2; for bools, and.",
                 "[1, 2], [[10], [20]] = i32[2,2] [[10 20] [20 40]]")
divide = _binary(prims.divide_p, "divide", "x1 / x2; integers become floatx.", "[1, 2], 4 = f32[2] [0.25 0.5 ]", float)
true_divide = _binary(prims.divide_p, "true_divide", "x1 / x2; integers become floatx.",
                      "[1, 2], 4 = f32[2] [0.25 0.5 ]", float)
floor_divide = _binary(prims.floor_divide_p, "floor_divide", "floor(x1 / x2).", "[7, -7], 2 = i32[2] [ 3 -4]", int)
mod = _binary(prims.remainder_p, "mod", "x1 - floor(x1 / x2) * x2: it has the sign of x2.",
              "[7, -7], 3 = i32[2] [1 2]", int)
maximum = _binary(prims.maximum_p, "maximum", "The larger; NaN where either is. At a tie x2 gets the gradient.",
                  "[1, 5], [3, 2] = i32[2] [3 5]")
minimum = _binary(prims.minimum_p, "minimum", "The smaller; NaN where either is. At a tie x2 gets the gradient.",
                  "[1, 5], [3, 2] = i32[2] [1 2]")
arctan2 = _binary(prims.atan2_p, "arctan2", "The angle of the point (x2, x1), in (-pi, pi].",
                  "[0.0, 1.0], [1.0, 0.0] = f32[2] [0. 1.5708]", float)

equal = _binary(prims.equal_p, "equal", "x1 == x2.", "[1, 2], [1, 3] = b1[2] [ True False]")
not_equal = _binary(prims.not_equal_p, "not_equal", "x1 != x2.", "[1, 2], [1, 3] = b1[2] [False True]")
less = _binary(prims.less_p, "less", "x1 < x2.", "[1, 2], 2 = b1[2] [ True False]")
less_equal = _binary(prims.less_equal_p, "less_equal", "x1 <= x2.", "[1, 2], 1 = b1[2] [ True False]")
greater = _binary(prims.greater_p, "greater", "x1 > x2.", "[1, 2], 1 = b1[2] [False True]")
greater_equal = _binary(prims.greater_equal_p, "greater_equal", "x1 >= x2.", "[1, 2], 2 = b1[2] [False True]")

logical_and = _logical(prims.logical_and_p, "logical_and", "Both are true (not zero).",
                       "[True, True], [True, False] = b1[2] [ True False]")
logical_or = _logical(prims.logical_or_p, "logical_or", "One of them is true (not zero).",
                      "[True, False], [False, False] = b1[2] [ True False]")
logical_xor = _logical(prims.not_equal_p, "logical_xor", "Exactly one is true (not zero).",
                       "[True, True], [True, False] = b1[2] [False True]")

bitwise_and = _bits(prims.bitwise_and_p, "bitwise_and", "Bits set in both.", "12, 10 = i32[] 8")
bitwise_or = _bits(prims.bitwise_or_p, "bitwise_or", "Bits set in one of them.", "12, 10 = i32[] 14")
bitwise_xor = _bits(prims.bitwise_xor_p, "bitwise_xor", "Bits set in exactly one.", "12, 10 = i32[] 6")
bitwise_left_shift = _bits(prims.shift_left_p, "bitwise_left_shift", "The bits of x moved up by y.",
                           "3, 2 = i32[] 12", int)
bitwise_right_shift = _bits(prims.shift_right_p, "bitwise_right_shift",
                            "The bits of x moved down by y; the sign stays.",
                            "12, 2 = i32[] 3", int)
left_shift = _bits(prims.shift_left_p, "left_shift", "The bits of x moved up by y.", "3, 2 = i32[] 12", int)
right_shift = _bits(prims.shift_right_p, "right_shift", "The bits of x moved down by y; the sign stays.",
                    "12, 2 = i32[] 3", int)


@elementwise_op
def negative(x):
    """-x.

    Example:
        >>> ops.negative([1, -2])
        <Tensor i32[2] [-1  2]>
    """
    x = as_tensor(x)
    return bind(prims.neg_p, cast_to(x, result_type(x.dtype, int)))


@elementwise_op
def absolute(x):
    """|x|.

    Example:
        >>> ops.absolute([-1.5, 2.0])
        <Tensor f32[2] [1.5 2. ]>
    """
    x = as_tensor(x)
    return x if x.dtype == "bool" or x.dtype.startswith("u") else bind(prims.abs_p, x)


@elementwise_op
def fabs(x):
    """|x|.

    Example:
        >>> ops.fabs([-1.5, 2.0])
        <Tensor f32[2] [1.5 2. ]>
    """
    return absolute(x)


abs = absolute


@elementwise_op
def sign(x):
    """-1, 0 or 1; NaN for NaN.

    Example:
        >>> ops.sign([-3.0, 0.0, 2.0])
        <Tensor f32[3] [-1.  0.  1.]>
    """
    x = as_tensor(x)
    return x if x.dtype == "bool" else bind(prims.sign_p, x)


@elementwise_op
def square(x):
    """x * x.

    Example:
        >>> ops.square([3, -2])
        <Tensor i32[2] [9 4]>
    """
    x = as_tensor(x)
    x = cast_to(x, result_type(x.dtype, int))
    return bind(prims.multiply_p, x, x)


@elementwise_op
def power(x1, x2):
    """x1 to the power x2. Small whole exponents become products, 0.5 a square root.

    Example:
        >>> ops.power([2, 3], 2)
        <Tensor i32[2] [4 9]>
    """
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


@elementwise_op
def reciprocal(x):
    """1 / x.

    Example:
        >>> ops.reciprocal([2.0, 4.0])
        <Tensor f32[2] [0.5  0.25]>
    """
    return divide(1.0, floating(x))


@elementwise_op
def logical_not(x):
    """Whether x is zero (false).

    Example:
        >>> ops.logical_not([True, False])
        <Tensor b1[2] [False  True]>
    """
    return bind(prims.logical_not_p, truth(x))


@elementwise_op
def bitwise_not(x):
    """All bits of an integer turned over; the opposite of a bool.

    Example:
        >>> ops.bitwise_not([0, 5])
        <Tensor i32[2] [-1 -6]>
    """
    x = as_tensor(x)
    if x.dtype == "bool":
        return bind(prims.logical_not_p, x)
    return bitwise_xor(x, cast_to(as_tensor(-1), x.dtype))


@elementwise_op
def bitwise_invert(x):
    """All bits of an integer turned over; the opposite of a bool.

    Example:
        >>> ops.bitwise_invert([0, 5])
        <Tensor i32[2] [-1 -6]>
    """
    return bitwise_not(x)


@elementwise_op
def isnan(x):
    """Where x is NaN.

    Example:
        >>> ops.isnan([1.0, np.nan])
        <Tensor b1[2] [False  True]>
    """
    return bind(prims.is_nan_p, floating(x))


@elementwise_op
def isfinite(x):
    """Where x is neither NaN nor infinite.

    Example:
        >>> ops.isfinite([1.0, np.nan, np.inf])
        <Tensor b1[3] [ True False False]>
    """
    return bind(prims.is_finite_p, floating(x))


@elementwise_op
def isinf(x):
    """Where x is plus or minus infinity.

    Example:
        >>> ops.isinf([1.0, -np.inf])
        <Tensor b1[2] [False  True]>
    """
    return equal(abs(floating(x)), math.inf)


@elementwise_op
def isposinf(x):
    """Where x is plus infinity.

    Example:
        >>> ops.isposinf([np.inf, -np.inf])
        <Tensor b1[2] [ True False]>
    """
    return equal(floating(x), math.inf)


@elementwise_op
def isneginf(x):
    """Where x is minus infinity.

    Example:
        >>> ops.isneginf([np.inf, -np.inf])
        <Tensor b1[2] [False  True]>
    """
    return equal(floating(x), -math.inf)


@elementwise_op
def where(condition, x1=None, x2=None):
    """Elements of x1 where the condition holds, else of x2; the three are broadcast.

    Without x1 and x2: a tuple with the positions of what is not zero, one array per axis (not inside a graph).

    Args:
        condition: a tensor; what is not zero is true.
        x1, x2: what is taken where the condition holds, and elsewhere; both or neither.

    Raises:
        ValueError: only one of x1 and x2 is given.

    Example:
        >>> ops.where([True, False], [1, 2], 0)
        <Tensor i32[2] [1 0]>
    """
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError("where: expected both x1 and x2, or neither, received one of them")
    return bind(prims.where_p, *broadcast_all(truth(condition), *promote(x1, x2), what="where"))


@elementwise_op
def clip(x, x_min, x_max):
    """x with what is below x_min or above x_max replaced by that bound. The gradient is 0 there, 1 on the bounds.

    Args:
        x_min, x_max: the bounds, numbers or tensors that broadcast to x.

    Example:
        >>> ops.clip([-1.0, 0.5, 3.0], 0, 1)
        <Tensor f32[3] [0.  0.5 1. ]>
    """
    x = as_tensor(x)
    dtype = result_type(x.dtype, int) if x.dtype == "bool" else x.dtype
    x, low, high = broadcast_all(cast_to(x, dtype), as_tensor(x_min, dtype), as_tensor(x_max, dtype), what="clip")
    return bind(prims.minimum_p, high, bind(prims.maximum_p, low, x))


@elementwise_op
def saturate_cast(x, dtype):
    """x with another dtype; values outside its range become the nearest it has.

    Example:
        >>> ops.saturate_cast([300.0, -5.0], "uint8")
        <Tensor u8[2] [255   0]>
    """
    x, dtype = as_tensor(x), standardize_dtype(dtype)
    if dtype != "bool" and x.dtype != "bool":
        about, own = limits(dtype), limits(x.dtype)
        number = float if is_float_dtype(dtype) or is_float_dtype(x.dtype) else int
        low = max(number(about.min), number(own.min))
        high = min(number(about.max), number(own.max))
        if is_float_dtype(x.dtype):
            nearest_high = np.asarray(high, x.dtype)
            high = float(np.nextafter(nearest_high, nearest_high.dtype.type(0))) if float(nearest_high) > high else high
        x = cast_to(clip(x, low, high), x.dtype)
    return cast_to(x, dtype)


@elementwise_op
def round(x, decimals=0):
    """To the nearest whole number, or to so many decimals; halves to the even neighbour.

    Args:
        decimals: how many, below 0 too; 0 by default.

    Example:
        >>> ops.round([0.5, 1.5, 2.345], 2)
        <Tensor f32[3] [0.5  1.5  2.34]>
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        if decimals >= 0:
            return x
        return cast_to(round(floating(x), decimals), x.dtype)
    if not decimals:
        return bind(prims.round_p, x)
    factor = 10.0 ** decimals
    return divide(bind(prims.round_p, multiply(x, factor)), factor)


@elementwise_op
def trunc(x):
    """x without its fraction: towards 0.

    Example:
        >>> ops.trunc([1.7, -1.7])
        <Tensor f32[2] [ 1. -1.]>
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return x
    return where(less(x, 0), ceil(x), floor(x))
