"""The formulas of exp, log, tanh and their kin: branch-free, so that LLVM's loop vectoriser takes them.

Each is a function of Locals (formula.py) of float32 or float64. Nothing is rearranged or contracted: range reductions
rely on it. NaN comes through because a comparison with NaN is false, so that `where` keeps x. Errors:
tests/runtime/test_vector_math.py.
"""
from __future__ import annotations

import functools
import math

from kgraph.compiler.loopnest.dtypes import DTYPES, limits
from kgraph.compiler.loopnest.formula import apply, differ, equal, like, where

__all__ = ["e4m3", "e5m2", "erf", "exp", "expm1", "log", "log1p", "rsqrt", "sigmoid", "tanh"]

size_of, floor, sqrt, bits, float_of_bits, times_plus = (
    functools.partial(apply, name) for name in ("abs", "floor", "sqrt", "bits", "float_of_bits", "times_plus"))

# ln 2 in two parts: n * _LN2[0] is exact for every exponent n. Float32: S. L. Moshier, Cephes, single/expf.c.
# Float64: Sun Microsystems, fdlibm, e_exp.c.
_LN2 = {23: (0.693359375, -2.12194440e-4), 52: (6.93147180369123816490e-01, 1.90821492927058770002e-10)}
# (e**r - 1 - r) / r**2 for |r| <= ln 2: Chebyshev fits, right to 4e-9 and 2e-18 of e**r
_EXP = {23: (0.5, 0.1666667004, 0.04166667003, 0.008332772761, 0.001388832898, 0.0002007423954, 2.503434494e-5),
        52: (0.5, 0.166666666666666637, 0.0416666666666666648, 0.00833333333333508304, 0.00138888888888899818,
             0.000198412698383568711, 0.0000248015872997678112, 2.75573213021018345e-6, 2.75573205220545795e-7,
             2.50513878912507484e-8, 2.08763069131636023e-9, 1.61788751941802694e-10, 1.15456107832769865e-11)}
_EXP_RANGE = {23: (-105.0, 89.0), 52: (-746.0, 710.0)}  # beyond them exp is 0 and infinity

# log(1+f) = f - f*f/2 + s*(f*f/2 + R(s*s)), s = f/(2+f): fdlibm e_log.c, and its float version in FreeBSD's e_logf.c
_LOG = {23: (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
        52: (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
             1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01)}

# erf(x) = x * P(x*x) / Q(x*x): minimax fits (Remez exchange in 60 digits)
_ERF = {23: ((1.128379139, 0.1935458245, 0.0531018544, 0.003883379576, 0.0002845671993, 1.986782594e-06),
             (1.0, 0.5048580763, 0.1153503225, 0.01520732092, 0.001185580762, 3.74202463e-05)),
        52: ((1.1283791670955126, 0.2231426594910441, 0.06701497011755662, 0.007123383449886498,
              0.0008918184367315744, 6.100348917009916e-05, 4.273393684186003e-06, 1.9360412871575698e-07,
              8.125042286956181e-09, 2.2363282194710846e-10, 5.001560926007883e-12, 4.571908498925155e-14,
              7.767960493157762e-17),
             (1.0, 0.5310883663914336, 0.13641992639039366, 0.02248693018084033, 0.0026593357405999833,
              0.0002387419697808837, 1.6765709637284695e-05, 9.330420499408055e-07, 4.107271764219209e-08,
              1.4012782429881723e-09, 3.5089389892974566e-11, 5.646804832537663e-13, 2.4521896996801774e-15,
              1.098147610150311e-18))}
_ERF_END = {23: 4.0, 52: 5.95}  # erf is 1 from here on


def exp(x):
    """e**x."""
    one_less, root = _expm1_parts(x)
    return (one_less + 1.0) * root * root


def expm1(x):
    """e**x - 1, without cancellation near 0."""
    one_less, root = _expm1_parts(x)
    return times_plus(one_less, root, root - 1.0 / root) * root


def tanh(x):
    """From t = e**(-2|x|) - 1: tanh|x| = -t / (2 + t)."""
    t = expm1(size_of(x) * -2.0)
    positive = -t / (t + 2.0)
    return where(x < 0.0, -positive, positive)


def sigmoid(x):
    """1 / (1 + e**-x), from e**-|x|, which cannot overflow."""
    small = exp(-size_of(x))
    return where(x < 0.0, small, 1.0) / (small + 1.0)


def log(x):
    """The natural logarithm: -inf at 0, NaN below."""
    return _log_special(x, _log_positive(x))


def log1p(x):
    """log(1 + x), where the rounding of 1 + x is made good by the first term of the series."""
    u = x + 1.0
    lost = x - (u - 1.0)
    y = _log_positive(u) + lost / u
    return _log_special(u, where(equal(u, math.inf), u, where(equal(u, 0.0), u, y)))


def erf(x):
    """The error function."""
    digits = x.type.digits
    square = _at_most(x * x, _ERF_END[digits]**2)
    above, below = (_polynomial(square, coefficients) for coefficients in _ERF[digits])
    y = _at_most(x * (above / below), 1.0)
    return where(y < -1.0, -1.0, y)


def rsqrt(x):
    """1 / sqrt(x)."""
    return 1.0 / sqrt(x)


def e4m3(x):
    """The nearest number that a float8_e4m3fn can be; NaN beyond the largest."""
    return _in_eight_bits(x, "float8_e4m3fn", lambda near: math.nan)


def e5m2(x):
    """The nearest number that a float8_e5m2 can be; infinite beyond the largest."""
    return _in_eight_bits(x, "float8_e5m2", lambda near: where(near < 0.0, like(near, -math.inf), math.inf))


def _in_eight_bits(x, name, beyond):
    """Halves go to the even neighbour: where digits fall away by a carry into those that stay, below the smallest
    exponent by steps of one size."""
    kept = DTYPES[name]
    dropped, step = x.type.digits - kept.digits, 2.0 ** (1 - kept.bias - kept.digits)
    whole = bits(x)
    near = float_of_bits((whole + ((whole >> dropped) & 1) + ((1 << (dropped - 1)) - 1)) & -(1 << dropped))
    near = where(size_of(x) < 2.0 ** (1 - kept.bias), apply("rint", x * (1 / step)) * step, near)
    near = where(size_of(near) > float(limits(name).max), beyond(near), near)
    return where(equal(x, x), near, x)


def power_float32(x, y):
    """x**y of float32: e**(y * log|x|) in float64 is right to float32's last digit, and exact where the result is. The
    special cases are those of C's pow: 1 for y = 0 and for x = 1, the sign of odd powers, NaN for a negative x with a
    fraction in y."""
    x, y = apply("f64", x), apply("f64", y)
    value = exp(y * log(size_of(x)))
    odd = equal(floor(y), y) & differ(floor(y * 0.5), y * 0.5)
    value = where(odd & (bits(x) < 0), -value, value)
    fraction = (x < 0.0) & differ(x, -math.inf) & differ(size_of(y), math.inf) & differ(floor(y), y)
    value = where(fraction, math.nan, value)
    unit = equal(y, 0.0) | equal(x, 1.0) | (equal(x, -1.0) & equal(size_of(y), math.inf))
    return apply("f32", where(unit, 1.0, value))


def _polynomial(x, coefficients):
    """Horner's rule, lowest coefficient first in the tuple."""
    y = like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        y = times_plus(y, x, c)
    return y


def _at_most(x, limit):
    return where(x > limit, limit, x)


def _expm1_parts(x):
    """(p, root) with e**x = (1 + p) * root * root, where root is a power of two: two factors reach all exponents from
    the smallest subnormal number to infinity.

    x = 2 n ln 2 + r. Adding 1.5 * 2**digits and the bias of exponents rounds to a whole number and leaves it, as the
    exponent of 2**n, in the low bits.
    """
    digits = x.type.digits
    least, most = _EXP_RANGE[digits]
    x = _at_most(where(x < least, least, x), most)
    magic = 1.5 * 2.0**digits + x.type.bias
    shifted = times_plus(x, 0.5 / math.log(2), magic)
    n = shifted - magic
    high, low = _LN2[digits]
    r = times_plus(n, -2.0 * low, times_plus(n, -2.0 * high, x))
    p = times_plus(_polynomial(r, _EXP[digits]), r * r, r)
    return p, float_of_bits(bits(shifted) << digits)


def _log_positive(x):
    """log of a positive finite number, subnormal ones included."""
    digits = x.type.digits
    subnormal = x < 2.0 ** (1 - x.type.bias)
    scaled = where(subnormal, x * 2.0**(digits + 2), x)
    exponent = (bits(scaled) - bits(like(x, math.sqrt(0.5)))) >> digits
    f = float_of_bits(bits(scaled) - (exponent << digits)) - 1.0
    k = apply(x.type.short, exponent) - where(subnormal, like(x, digits + 2.0), like(x, 0.0))
    s = f / (f + 2.0)
    z = s * s
    square = f * f * 0.5
    correction = s * times_plus(_polynomial(z, _LOG[digits]), z, square)
    high, low = _LN2[digits]
    return times_plus(k, high, f - (square - times_plus(k, low, correction)))


def _log_special(x, y):
    y = where(equal(x, math.inf), x, y)
    y = where(equal(x, 0.0), -math.inf, y)
    return where(x < 0.0, math.nan, where(differ(x, x), x, y))
