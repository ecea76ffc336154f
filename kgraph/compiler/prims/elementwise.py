"""Elementwise primitives: one output element from the elements at the same place. All inputs have one shape.

Each line says name, meaning (NumPy), gradient and function of the language of loop nests together. Broadcasting and
promotion belong to kgraph.ops.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import numpy_dtype, short_name
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.batch import joined
from kgraph.compiler.prims.erf import erf
from kgraph.compiler.prims.rules import (
    ANY,
    BITS,
    FLOATS,
    INTEGERS,
    NUMBERS,
    Pointwise,
    add,
    apply,
    cast,
    check_dtype,
    div,
    is_float,
    mul,
    neg,
    quiet,
    require,
    sub,
    where,
)
from kgraph.compiler.prims.steps import ELEMENTWISE


def _infer(name, accepted, result):
    def infer(*types, **params):
        first = types[0]
        for t in types:
            check_dtype(name, t, accepted)
        require(all(t.shape == first.shape for t in types),
                lambda: f"{name}: expected inputs of one shape, received {', '.join(map(str, types))}")
        require(all(t.dtype == first.dtype for t in types),
                lambda: f"{name}: expected inputs of one dtype, received {', '.join(map(str, types))}")
        return TensorType(first.shape, result or first.dtype)
    return infer


_SHAPES = ((3,), (1, 37), (2, 0, 5), ())


def _samples(accepted, low, high, count):
    """Example arguments: odd sizes, an empty one, both float widths or an integer one, and NaN and infinities."""
    def examples(rng):
        if "float32" not in accepted:
            dtype = "int32" if "int32" in accepted else "bool"
            return [([rng.integers(0, high, s).astype(dtype) for _ in range(count)], {}) for s in _SHAPES]
        found = [([rng.uniform(low, high, s).astype(t) for _ in range(count)], {})
                 for s, t in zip(_SHAPES, ("float32", "float64", "float32", "float64"))]
        if "int32" in accepted:
            found.append(([rng.integers(1, 9, (3, 7)).astype("int32") for _ in range(count)], {}))
        return found
    return examples


def _unary(name, reference, vjp, function, accepted=FLOATS, result=None, low=-2, high=2, costly=False):
    return Primitive(name, "elementwise", _infer(name, accepted, result), quiet(reference), vjp, Pointwise(function),
                     _samples(accepted, low, high, 1), costly=costly, batch_rule=joined, lift_rule=ELEMENTWISE)


def _binary(name, reference, vjp, function, accepted=NUMBERS, result=None, low=-2, high=2, costly=False):
    return Primitive(name, "elementwise", _infer(name, accepted, result), quiet(reference), vjp, Pointwise(function),
                     _samples(accepted, low, high, 2), costly=costly, batch_rule=joined, lift_rule=ELEMENTWISE)


def _times(derivative):
    """The vjp ``ct * derivative(out, x)`` of a function of one input."""
    return lambda ct, out, x: (mul(ct, derivative(out, x)),)


def _square(x):
    return mul(x, x)


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


# One input.
neg_p = _unary("neg", np.negative, lambda ct, out, x: (neg(ct),), "neg", NUMBERS)
abs_p = _unary("abs", np.abs, _times(lambda out, x: apply("sign", x)), "abs", NUMBERS)
sign_p = _unary("sign", np.sign, NOT_DIFFERENTIABLE, "sign", NUMBERS)
exp_p = _unary("exp", np.exp, _times(lambda out, x: out), "exp", costly=True)
expm1_p = _unary("expm1", np.expm1, _times(lambda out, x: add(out, 1)), "expm1", costly=True)
log_p = _unary("log", np.log, lambda ct, out, x: (div(ct, x),), "log", low=0.1, costly=True)
log1p_p = _unary("log1p", np.log1p, lambda ct, out, x: (div(ct, add(x, 1)),), "log1p", low=-0.9, costly=True)
sqrt_p = _unary("sqrt", np.sqrt, lambda ct, out, x: (div(mul(ct, 0.5), out),), "sqrt", low=0.1)
rsqrt_p = _unary("rsqrt", lambda x: 1 / np.sqrt(x), _times(lambda out, x: mul(div(out, x), -0.5)), "rsqrt",
                 low=0.1)
tanh_p = _unary("tanh", np.tanh, _times(lambda out, x: sub(1, _square(out))), "tanh", costly=True)
sigmoid_p = _unary("sigmoid", _sigmoid, _times(lambda out, x: mul(out, sub(1, out))), "sigmoid", costly=True)
erf_p = _unary("erf", erf, _times(lambda out, x: mul(apply("exp", neg(_square(x))), 2 / math.sqrt(math.pi))),
               "erf", costly=True)
sin_p = _unary("sin", np.sin, _times(lambda out, x: apply("cos", x)), "sin", costly=True)
cos_p = _unary("cos", np.cos, _times(lambda out, x: neg(apply("sin", x))), "cos", costly=True)
tan_p = _unary("tan", np.tan, _times(lambda out, x: add(_square(out), 1)), "tan", low=-1.2, high=1.2, costly=True)
asin_p = _unary("asin", np.arcsin, _times(lambda out, x: apply("rsqrt", sub(1, _square(x)))), "asin", low=-0.9,
                high=0.9)
acos_p = _unary("acos", np.arccos, _times(lambda out, x: neg(apply("rsqrt", sub(1, _square(x))))), "acos",
                low=-0.9, high=0.9)
atan_p = _unary("atan", np.arctan, lambda ct, out, x: (div(ct, add(_square(x), 1)),), "atan")
sinh_p = _unary("sinh", np.sinh, _times(lambda out, x: apply("cosh", x)), "sinh")
cosh_p = _unary("cosh", np.cosh, _times(lambda out, x: apply("sinh", x)), "cosh")
asinh_p = _unary("asinh", np.arcsinh, _times(lambda out, x: apply("rsqrt", add(_square(x), 1))), "asinh")
acosh_p = _unary("acosh", np.arccosh, _times(lambda out, x: apply("rsqrt", mul(sub(x, 1), add(x, 1)))), "acosh",
                 low=1.1, high=3)
atanh_p = _unary("atanh", np.arctanh, lambda ct, out, x: (div(ct, sub(1, _square(x))),), "atanh", low=-0.9,
                 high=0.9)
floor_p = _unary("floor", np.floor, NOT_DIFFERENTIABLE, "floor")
ceil_p = _unary("ceil", np.ceil, NOT_DIFFERENTIABLE, "ceil")
round_p = _unary("round", np.rint, NOT_DIFFERENTIABLE, "rint")  # halves go to the even neighbour
e4m3_p, e5m2_p = (   # what floats of 8 bits can be, in the type that it had
    _unary(name, lambda x, wanted=wanted: x.astype(numpy_dtype(wanted)).astype(x.dtype), NOT_DIFFERENTIABLE, name,
           low=-448, high=448)
    for name, wanted in (("e4m3", "float8_e4m3fn"), ("e5m2", "float8_e5m2")))
is_nan_p = _unary("is_nan", np.isnan, NOT_DIFFERENTIABLE, "isnan", result="bool")
is_finite_p = _unary("is_finite", np.isfinite, NOT_DIFFERENTIABLE, "isfinite", result="bool")
logical_not_p = _unary("logical_not", np.logical_not, NOT_DIFFERENTIABLE, lambda x: call("^", x, True), ("bool",))
stop_gradient_p = _unary("stop_gradient", np.array, NOT_DIFFERENTIABLE, lambda x: x, ANY)


# late: just before its reader, in a kernel of its own; a pass says so (kgraph.compiler.passes.widen).
def _cast_lower(e, op, index):
    return call(short_name(op.params["dtype"]), e.read(0, index))


cast_p = Primitive(
    "cast", "elementwise",
    infer=lambda x, dtype, late=False: TensorType(x.shape, dtype),
    reference=quiet(lambda x, dtype, late=False: x.astype(dtype)),
    vjp=lambda ct, out, x, dtype, late=False: (cast(ct, x.dtype) if is_float(x) and is_float(out) else None,),
    lower=_cast_lower,
    examples=lambda rng: [([rng.normal(size=s).astype(a) * 9], {"dtype": b}) for s, a, b in
                          (((3,), "float32", "float64"), ((1, 37), "float64", "float32"), ((5,), "float32", "int32"),
                           ((4,), "float64", "bool"))] + [([np.arange(5, dtype="int64")], {"dtype": "float32"})],
    batch_rule=joined, lift_rule=ELEMENTWISE)


# Two inputs. At a tie, maximum and minimum give the whole gradient to the second input: relu, maximum(x, 0), has
# gradient 0 at 0, as Keras has it.
def _choose(comparison):
    def vjp(ct, out, a, b):
        first = apply(comparison, a, b)
        return where(first, ct, 0), where(first, 0, ct)
    return vjp


def _power_vjp(ct, out, a, b):
    """b * a**(b-1), which is 0 for b = 0 whatever a is; out * log(a), which is 0 where a is not positive."""
    zero = apply("equal", b, mul(b, 0))
    lower = apply("power", a, where(zero, 1, sub(b, 1)))
    positive = apply("greater", a, mul(a, 0))
    to_b = where(positive, mul(out, apply("log", where(positive, a, 1))), 0)
    return where(zero, 0, mul(ct, mul(b, lower))), mul(ct, to_b)


def _atan2_vjp(ct, out, a, b):
    scaled = div(ct, add(_square(a), _square(b)))
    return mul(scaled, b), neg(mul(scaled, a))


add_p = _binary("add", np.add, lambda ct, out, a, b: (ct, ct), "+")
subtract_p = _binary("subtract", np.subtract, lambda ct, out, a, b: (ct, neg(ct)), "-")
multiply_p = _binary("multiply", np.multiply, lambda ct, out, a, b: (mul(ct, b), mul(ct, a)), "*")
divide_p = _binary("divide", np.divide, lambda ct, out, a, b: (div(ct, b), neg(mul(ct, div(out, b)))), "/",
                   FLOATS, low=0.5)
power_p = _binary("power", np.power, _power_vjp, "pow", low=0.2, costly=True)
maximum_p = _binary("maximum", np.maximum, _choose("greater"), "maximum", ANY)
minimum_p = _binary("minimum", np.minimum, _choose("less"), "minimum", ANY)
remainder_p = _binary("remainder", np.remainder,
                      lambda ct, out, a, b: (ct, neg(mul(ct, apply("floor", div(a, b)))) if is_float(a) else None),
                      "remainder", low=0.5)
floor_divide_p = _binary("floor_divide", np.floor_divide, NOT_DIFFERENTIABLE, "floordiv", low=0.5)
atan2_p = _binary("atan2", np.arctan2, _atan2_vjp, "atan2", FLOATS)


def _comparison(name, sign):
    return _binary(name, getattr(np, name), NOT_DIFFERENTIABLE, sign, ANY, "bool")


equal_p = _comparison("equal", "==")
not_equal_p = _comparison("not_equal", "!=")
less_p = _comparison("less", "<")
less_equal_p = _comparison("less_equal", "<=")
greater_p = _comparison("greater", ">")
greater_equal_p = _comparison("greater_equal", ">=")
logical_and_p = _binary("logical_and", np.logical_and, NOT_DIFFERENTIABLE, "&", ("bool",))
logical_or_p = _binary("logical_or", np.logical_or, NOT_DIFFERENTIABLE, "|", ("bool",))
bitwise_and_p = _binary("bitwise_and", np.bitwise_and, NOT_DIFFERENTIABLE, "&", BITS)
bitwise_or_p = _binary("bitwise_or", np.bitwise_or, NOT_DIFFERENTIABLE, "|", BITS)
bitwise_xor_p = _binary("bitwise_xor", np.bitwise_xor, NOT_DIFFERENTIABLE, "^", BITS)
shift_left_p = _binary("shift_left", np.left_shift, NOT_DIFFERENTIABLE, "<<", INTEGERS)
shift_right_p = _binary("shift_right", np.right_shift, NOT_DIFFERENTIABLE, ">>", INTEGERS)


def _where_infer(c, a, b):
    check_dtype("where (condition)", c, ("bool",))
    require(c.shape == a.shape == b.shape and a.dtype == b.dtype,
            lambda: f"where: expected one shape, and one dtype for both branches, received {c}, {a}, {b}")
    return a


def _where_examples(rng):
    return [([rng.random(s) < 0.5, rng.normal(size=s).astype(t), rng.normal(size=s).astype(t)], {})
            for s, t in zip(_SHAPES, ("float32", "float64", "float32", "float64"))]


where_p = Primitive("where", "elementwise", _where_infer, np.where,
                    lambda ct, out, c, a, b: (None, where(c, ct, 0), where(c, 0, ct)),
                    Pointwise("where"),
                    _where_examples, batch_rule=joined, lift_rule=ELEMENTWISE)
