"""`formula`: the functions of the language that are made of others, each written once.

`_FORMULAS` has them by name and by the dtype that they take first. What is not in it, is an instruction or a function
of the C library (codegen.intrinsics), and has a meaning in NumPy (meaning.py).
"""
from __future__ import annotations

import functools
import math

from kgraph.compiler.loopnest import vector_math
from kgraph.compiler.loopnest.dtypes import DTYPES, REALS
from kgraph.compiler.loopnest.formula import Formula, apply, differ, equal, like, where, written
from kgraph.compiler.loopnest.nodes import Number, call

__all__ = ["formula", "mix_bits"]


@functools.cache
def formula(function: str, dtypes: tuple) -> Formula | None:
    """The formula of a function for operands of these dtypes; None where it has none."""
    write = _FORMULAS.get((function, dtypes[0])) if dtypes else None
    return write and written(write, dtypes)


def _maximum(x, y):
    return where(x > y, x, y)


def _minimum(x, y):
    return where(x < y, x, y)


def _absolute(x):
    return where(x < 0, -x, x)


def _sign(x):
    """-1, 0 or 1; NaN for NaN."""
    if x.type.kind in ("uint", "bool"):
        return where(x > 0, 1, x)
    return where(x > 0, 1, where(x < 0, -1, x))


# --- division, rounded down as NumPy has it: integers divided by zero give 0 -----------------------------------------

def _real_division(x, y):
    """(quotient, remainder)"""
    rest = apply("c_remainder", x, y)
    other_sign = differ(rest, 0.0) & ((y < 0.0) ^ (rest < 0.0))
    quotient = (x - rest) / y - where(other_sign, like(x, 1.0), like(x, 0.0))
    floor = apply("floor", quotient)
    floor = floor + where(quotient - floor > 0.5, like(x, 1.0), like(x, 0.0))
    return where(equal(y, 0.0), x / y, floor), where(other_sign, rest + y, rest)


def _integer_division(x, y):
    """(quotient, remainder)"""
    signed = x.type.kind == "int"
    special = equal(y, 0) | equal(y, -1) if signed else equal(y, 0)
    safe = where(special, 1, y)
    quotient, rest = apply("c_quotient", x, safe), apply("c_remainder", x, safe)
    if signed:
        other_sign = differ(rest, 0) & ((y < 0) ^ (rest < 0))
        quotient = quotient - where(other_sign, like(x, 1), like(x, 0))
        rest = where(other_sign, rest + y, rest)
        quotient = where(equal(y, -1), -x, quotient)
    return where(equal(y, 0), 0, quotient), where(special, 0, rest)


def _division(x, y):
    return _real_division(x, y) if x.type.is_float else _integer_division(x, y)


def _integer_power(x, y):
    """By squaring. A negative exponent gives the whole part of the result, as C would."""
    signed = x.type.kind == "int"
    left = (where(y < 0, 0, y) if signed else y).changes("left")
    result, square = like(x, 1).changes("result"), x.changes("square")
    with x.writer.during(call("!=", left.atom, Number(0, x.dtype))):
        where(differ(left & 1, 0), result * square, result).changes("result")
        (square * square).changes("square")
        (left >> 1).changes("left")
    if not signed:
        return result
    alternating = where(differ(y & 1, 0), x, 1)
    unit = where(equal(x, 1), 1, where(equal(x, -1), alternating, 0))
    return where(y < 0, unit, result)


# --- random bits -----------------------------------------------------------------------------------------------------

_GOLDEN = 0x9E3779B97F4A7C15


def mix_bits(key, i):
    """Element i of the random bits of a key (kgraph.compiler.prims.random), all uint64: Locals or NumPy's."""
    return _mix(_mix(key + _GOLDEN) + (i + 1) * _GOLDEN) >> 32


def _mix(z):
    """SplitMix64's output function of a state: two rounds of xor-shift and multiply, one last xor-shift."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return z ^ (z >> 31)


def _mix_bits(k0, k1, i):
    k0, k1, i = (apply("u64", x) for x in (k0, k1, i))
    return apply("u32", mix_bits(k0 | (k1 << 32), i))


# --- the table -------------------------------------------------------------------------------------------------------

_ALL = [t.name for t in DTYPES.values() if t.compute]
_FLOATS = [name for name in _ALL if DTYPES[name].is_float]
_SIGNED = [name for name in _ALL if DTYPES[name].kind == "int"]
_UNSIGNED = [name for name in _ALL if DTYPES[name].kind in ("uint", "bool")]


def _for(dtypes, **functions) -> dict:
    return {(name, dtype): write for name, write in functions.items() for dtype in dtypes}


_FORMULAS = {
    **_for(REALS, **{name: getattr(vector_math, name) for name in vector_math.__all__}),
    **_for(("float32",), pow=vector_math.power_float32),
    **_for(_SIGNED + _UNSIGNED, maximum=_maximum, minimum=_minimum, pow=_integer_power,
           maximum_so_far=lambda total, x: apply("maximum", total, x),
           minimum_so_far=lambda total, x: apply("minimum", total, x)),
    **_for(("bool",), maximum=lambda x, y: x | y, minimum=lambda x, y: x & y),
    **_for((*REALS, *_SIGNED, *_UNSIGNED),
           floordiv=lambda x, y: _division(x, y)[0], remainder=lambda x, y: _division(x, y)[1]),
    **_for(_SIGNED, abs=_absolute), **_for(_UNSIGNED, abs=lambda x: x),
    **_for(_ALL, sign=_sign, isnan=lambda x: differ(x, x), isfinite=lambda x: equal(x, x)),
    **_for(_FLOATS, isfinite=lambda x: apply("abs", x) < math.inf),
    **_for(("uint32",), mix_bits=_mix_bits),
}
