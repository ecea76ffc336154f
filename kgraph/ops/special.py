"""Functions of mathematics that are no elementary ones: erfinv, i0, the greatest common divisor and their kin."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.prims.erfinv import erfinv_p
from kgraph.compiler.trace import bind
from kgraph.config import floatx
from kgraph.ops.core import as_tensor, broadcast_all, cast_to, floating, op, promote
from kgraph.ops.create import iota, ones
from kgraph.ops.elementwise import (
    absolute,
    add,
    divide,
    exp,
    floor_divide,
    less_equal,
    maximum,
    minimum,
    mod,
    multiply,
    not_equal,
    sqrt,
    subtract,
    where,
)
from kgraph.ops.loop import while_loop
from kgraph.ops.reduce import any

__all__ = ["erfinv", "gcd", "i0", "kaiser", "lcm"]

# Chebyshev coefficients of exp(-x) I0(x), up to 8, and of exp(-x) sqrt(x) I0(x), beyond. C. W. Clenshaw, "Chebyshev
# series for mathematical functions", National Physical Laboratory Mathematical Tables 5 (1962).
_NEAR = (-4.4153416464793395e-18, 3.3307945188222384e-17, -2.431279846547955e-16, 1.715391285555133e-15,
         -1.1685332877993451e-14, 7.676185498604936e-14, -4.856446783111929e-13, 2.95505266312964e-12,
         -1.726826291441556e-11, 9.675809035373237e-11, -5.189795601635263e-10, 2.6598237246823866e-09,
         -1.300025009986248e-08, 6.046995022541919e-08, -2.670793853940612e-07, 1.1173875391201037e-06,
         -4.4167383584587505e-06, 1.6448448070728896e-05, -5.754195010082104e-05, 0.00018850288509584165,
         -0.0005763755745385824, 0.0016394756169413357, -0.004324309995050576, 0.010546460394594998,
         -0.02373741480589947, 0.04930528423967071, -0.09490109704804764, 0.17162090152220877, -0.3046826723431984,
         0.6767952744094761)
_FAR = (-7.233180487874754e-18, -4.830504485944182e-18, 4.46562142029676e-17, 3.461222867697461e-17,
        -2.8276239805165836e-16, -3.425485619677219e-16, 1.7725601330565263e-15, 3.8116806693526224e-15,
        -9.554846698828307e-15, -4.150569347287222e-14, 1.54008621752141e-14, 3.8527783827421426e-13,
        7.180124451383666e-13, -1.7941785315068062e-12, -1.3215811840447713e-11, -3.1499165279632416e-11,
        1.1889147107846439e-11, 4.94060238822497e-10, 3.3962320257083865e-09, 2.266668990498178e-08,
        2.0489185894690638e-07, 2.8913705208347567e-06, 6.889758346916825e-05, 0.0033691164782556943,
        0.8044904110141088)


@op
def erfinv(x):
    """The x of which erf is the given number: in (-1, 1); infinite at both ends, NaN beyond.

    Example:
        >>> ops.erfinv([0.0, 0.8427])
        <Tensor f32[2] [0. 1.]>
    """
    return bind(erfinv_p, floating(x))


def _chebyshev(x, coefficients):
    """Clenshaw's sum of a Chebyshev series. What float32 cannot hold beside the sum is left out."""
    if x.dtype != "float64":
        coefficients = [c for c in coefficients if abs(c) > 1e-10]
    before = now = multiply(x, 0.0)
    last = before
    for c in coefficients:
        last, before = before, now
        now = add(subtract(multiply(x, before), last), c)
    return multiply(subtract(now, last), 0.5)


@op
def i0(x):
    """The modified Bessel function of the first kind and order 0.

    Example:
        >>> ops.i0([0.0, 1.0])
        <Tensor f32[2] [1.     1.2661]>
    """
    x = absolute(floating(x))
    near, far = minimum(x, 8.0), maximum(x, 8.0)
    far_value = divide(_chebyshev(subtract(divide(32.0, far), 2.0), _FAR), sqrt(far))
    return multiply(exp(x), where(less_equal(x, 8.0), _chebyshev(subtract(multiply(near, 0.5), 2.0), _NEAR), far_value))


def kaiser(x, beta):
    """The Kaiser window of x points; beta 0 is a rectangle, larger ones are narrower (Kaiser, 1966).

    Args:
        x: how many points.
        beta: how narrow.

    Example:
        >>> ops.kaiser(4, 2.0)
        <Tensor f32[4] [0.4387 0.9243 0.9243 0.4387]>
    """
    n = int(x)
    if n <= 1:
        return ones((max(n, 0),))
    place = subtract(multiply(iota(n, "float64"), 2.0 / (n - 1)), 1.0)
    inside = maximum(subtract(1.0, multiply(place, place)), 0.0)
    beta = as_tensor(beta, "float64")
    return cast_to(divide(i0(multiply(beta, sqrt(inside))), i0(beta)), floatx())


@op
def gcd(x1, x2):
    """The greatest common divisor of integers, by Euclid; gcd(0, 0) is 0.

    Example:
        >>> ops.gcd(12, [18, 8])
        <Tensor i32[2] [6 4]>
    """
    a, b = broadcast_all(*promote(x1, x2, least=int), what="gcd")
    _check_whole("gcd", a)
    rest = lambda a, b: mod(a, where(not_equal(b, 0), b, 1))
    step = lambda a, b: (where(not_equal(b, 0), b, a), where(not_equal(b, 0), rest(a, b), 0))
    return while_loop(lambda a, b: any(not_equal(b, 0)), step, (absolute(a), absolute(b)))[0]


@op
def lcm(x1, x2):
    """The least common multiple of integers, not negative; 0 where one of them is 0.

    Example:
        >>> ops.lcm(4, [6, 3])
        <Tensor i32[2] [12 12]>
    """
    a, b = broadcast_all(*promote(x1, x2, least=int), what="lcm")
    common = gcd(a, b)
    return absolute(multiply(floor_divide(a, where(not_equal(common, 0), common, 1)), b))


def _check_whole(name, x):
    if np.dtype(x.dtype).kind not in "iu":
        raise TypeError(f"{name}: expected integers, received {x.dtype}")
