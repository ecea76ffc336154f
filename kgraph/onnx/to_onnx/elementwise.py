"""Elementwise primitives in ONNX: one operator, or a few."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.compiler.prims.rules import FLOATS
from kgraph.onnx.to_onnx.table import rule

ONE_OPERATOR = {
    "neg": "Neg", "abs": "Abs", "sign": "Sign", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "tanh": "Tanh",
    "sigmoid": "Sigmoid", "erf": "Erf", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos",
    "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh",
    "floor": "Floor", "ceil": "Ceil", "round": "Round", "is_nan": "IsNaN", "logical_not": "Not", "add": "Add",
    "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "logical_and": "And", "logical_or": "Or",
    "equal": "Equal", "where": "Where",
}
COMPARISONS = {"less": "Less", "less_equal": "LessOrEqual", "greater": "Greater", "greater_equal": "GreaterOrEqual",
               "maximum": "Max", "minimum": "Min"}
BITS = {"bitwise_and": ("And", "BitwiseAnd"), "bitwise_or": ("Or", "BitwiseOr"), "bitwise_xor": ("Xor", "BitwiseXor")}


@rule(*ONE_OPERATOR)
def one_operator(g, op):
    return g.elementwise(op.inputs, lambda *xs: g.node(ONE_OPERATOR[op.prim.name], *xs))


@rule(*COMPARISONS)
def comparison(g, op):
    """Bools have no order in ONNX: theirs is that of 0 and 1."""
    kind = COMPARISONS[op.prim.name]
    if op.inputs[0].dtype != "bool":
        return g.elementwise(op.inputs, lambda *xs: g.node(kind, *xs))
    return g.elementwise(op.inputs, lambda *xs: cast(g, g.node(kind, *[cast(g, x, "int32") for x in xs]), "bool"))


@rule("not_equal")
def not_equal(g, op):
    return g.elementwise(op.inputs, lambda a, b: g.node("Not", g.node("Equal", a, b)))


@rule("stop_gradient")
def same(g, op):
    return g.held(op.inputs[0])


def cast(g, name, dtype):
    return g.node("Cast", name, to=np.dtype(dtype))


@rule("cast")
def cast_rule(g, op):
    return g.elementwise(op.inputs, lambda x: cast(g, x, op.params["dtype"]))


@rule("e4m3", "e5m2")
def in_eight_bits(g, op):
    """There and back. What is just beyond the largest becomes NaN or the largest, as who runs it has it."""
    g.need_opset(op, 19)
    kept = numpy_dtype(next(name for name in DTYPES if name.startswith(f"float8_{op.prim.name}")))
    return g.elementwise(op.inputs, lambda x: cast(g, g.node("Cast", x, to=kept, saturate=0), op.inputs[0].dtype))


@rule("rsqrt")
def rsqrt(g, op):
    return g.elementwise(op.inputs, lambda x: g.node("Reciprocal", g.node("Sqrt", x)))


@rule("is_finite")
def is_finite(g, op):
    return g.elementwise(op.inputs, lambda x: g.node("Not", g.node("Or", g.node("IsNaN", x), g.node("IsInf", x))))


@rule("expm1")
def expm1(g, op):
    """tanh(x / 2) * (exp(x) + 1), which loses nothing near 0."""
    number = lambda v: g.scalar(v, op.inputs[0].dtype)
    return g.elementwise(op.inputs, lambda x: g.node("Mul", g.node("Tanh", g.node("Mul", x, number(0.5))),
                                                     g.node("Add", g.node("Exp", x), number(1))))


@rule("log1p")
def log1p(g, op):
    """log(u) with u = 1 + x; where x is small log(u) * x / (u - 1), which takes back what rounding u lost."""
    one = g.scalar(1, op.inputs[0].dtype)

    def emit(x):
        u = g.node("Add", x, one)
        log, rounded = g.node("Log", u), g.node("Sub", u, one)
        lost = g.node("Equal", rounded, g.scalar(0, op.inputs[0].dtype))
        near = g.node("Where", lost, x, g.node("Mul", log, g.node("Div", x, g.node("Where", lost, one, rounded))))
        return g.node("Where", g.node("Less", g.node("Abs", x), one), near, log)
    return g.elementwise(op.inputs, emit)


def remainder(g, dtype, a, b):
    """a - floor(a / b) * b. ONNX's Mod has that meaning for integers; for reals it has the sign of a."""
    if dtype not in FLOATS:
        return g.node("Mod", a, b)
    rest, zero = g.node("Mod", a, b, fmod=1), g.scalar(0, dtype)
    other_sign = g.node("Less", g.node("Mul", g.node("Sign", rest), g.node("Sign", b)), zero)
    return g.node("Where", other_sign, g.node("Add", rest, b), rest)


@rule("remainder")
def remainder_rule(g, op):
    return g.elementwise(op.inputs, lambda a, b: remainder(g, op.inputs[0].dtype, a, b))


@rule("floor_divide")
def floor_divide(g, op):
    dtype = op.inputs[0].dtype

    def emit(a, b):
        quotient = g.node("Div", g.node("Sub", a, remainder(g, dtype, a, b)), b)
        if dtype not in FLOATS:
            return quotient
        by_zero = g.node("Equal", b, g.scalar(0, dtype))
        return g.node("Where", by_zero, g.node("Div", a, b), g.node("Round", quotient))
    return g.elementwise(op.inputs, emit)


@rule("atan2")
def atan2(g, op):
    """atan(y / x), and on the left half of the plane pi more or less; y's sign is that of 1 / y where y is 0."""
    number = lambda v: g.scalar(v, op.inputs[0].dtype)

    def emit(y, x):
        zero = number(0)
        sign_of = lambda v: g.node("Less", g.node("Where", g.node("Equal", v, zero), g.node("Reciprocal", v), v), zero)
        below, left = sign_of(y), sign_of(x)
        turn = g.node("Where", below, number(-np.pi), number(np.pi))
        at_zero = g.node("And", g.node("Equal", y, zero), g.node("Equal", x, zero))
        both = g.node("And", g.node("IsInf", y), g.node("IsInf", x))
        slope = g.node("Where", both, g.node("Mul", g.node("Sign", y), g.node("Sign", x)), g.node("Div", y, x))
        angle = g.node("Atan", g.node("Where", at_zero, y, slope))
        return g.node("Where", left, g.node("Add", angle, turn), angle)
    return g.elementwise(op.inputs, emit)


@rule(*BITS)
def bitwise(g, op):
    kind = BITS[op.prim.name][op.inputs[0].dtype != "bool"]
    if kind.startswith("Bitwise"):
        g.need_opset(op, 18)
    return g.elementwise(op.inputs, lambda a, b: g.node(kind, a, b))


@rule("shift_left", "shift_right")
def shift(g, op):
    """ONNX shifts unsigned integers. A signed one is multiplied by the power of 2, or divided by it, rounded down."""
    dtype, left = op.inputs[0].dtype, op.prim.name == "shift_left"

    def emit(a, b):
        if np.dtype(dtype).kind == "u":
            return g.node("BitShift", a, b, direction="LEFT" if left else "RIGHT")
        power = g.node("BitShift", g.scalar(1, "uint64"), cast(g, b, "uint64"), direction="LEFT")
        wide, power = cast(g, a, "int64"), cast(g, power, "int64")
        if left:
            return cast(g, g.node("Mul", wide, power), dtype)
        return cast(g, g.node("Div", g.node("Sub", wide, g.node("Mod", wide, power)), power), dtype)
    return g.elementwise(op.inputs, emit)
