"""The inverse of the error function.

M. Giles, "Approximating the erfinv function" (2010): a polynomial of -log(1 - x * x) in each of two ranges, good to
float32's last digits; in float64, steps of Newton after it.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.primitive import Primitive
from kgraph.compiler.prims.erf import erf
from kgraph.compiler.prims.rules import FLOATS, add, apply, check_dtype, constant, mul, neg, quiet, sub, where

_CENTRAL = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
            -0.00417768164, 0.246640727, 1.50140941)
_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
         1.00167406, 2.83297682)
_SLOPE = math.sqrt(math.pi) / 2  # of erfinv at 0
_STEPS = 3


def _infer(x):
    check_dtype("erfinv", x, FLOATS)
    return x


@quiet
def _erfinv(x):
    wide = np.asarray(x, "float64")
    w = -np.log((1 - wide) * (1 + wide))
    near, far = np.polyval(_CENTRAL, w - 2.5), np.polyval(_TAIL, np.sqrt(w) - 3)
    y = wide * np.where(w < 5, near, far)
    for _ in range(_STEPS):
        step = (erf(y) - wide) * _SLOPE * np.exp(y * y)
        y = y - np.where(np.isfinite(step), step, 0)
    return np.where(np.abs(wide) == 1, wide * np.inf, y).astype(x.dtype)


def _polynomial(coefficients, x):
    total = constant(coefficients[0], x)
    for c in coefficients[1:]:
        total = add(mul(total, x), c)
    return total


def _lower(x):
    w = neg(apply("log", mul(sub(1, x), add(x, 1))))
    central = apply("less", w, constant(5, w))
    near, far = _polynomial(_CENTRAL, sub(w, 2.5)), _polynomial(_TAIL, sub(apply("sqrt", w), 3))
    y = mul(where(central, near, far), x)
    if x.dtype == "float64":
        for _ in range(_STEPS):
            step = mul(mul(sub(apply("erf", y), x), apply("exp", mul(y, y))), _SLOPE)
            y = sub(y, where(apply("is_finite", step), step, 0))
    end = apply("equal", apply("abs", x), constant(1, x))
    return where(end, mul(x, math.inf), y)


def _vjp(ct, out, x):
    return (mul(mul(ct, apply("exp", mul(out, out))), _SLOPE),)


erfinv_p = Primitive(
    "erfinv", "composite", _infer, _erfinv, _vjp, _lower,
    lambda rng: [([rng.uniform(-0.95, 0.95, s).astype(t)], {}) for s, t in
                 (((3,), "float32"), ((4, 37), "float64"), ((0, 2), "float32"), ((), "float32"))], costly=True)
