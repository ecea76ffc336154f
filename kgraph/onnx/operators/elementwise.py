"""Operators that work element by element."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph import random as draws
from kgraph.compiler.loopnest import dtypes
from kgraph.onnx.registry import Fixed, Known, onnx_op
from kgraph.onnx.sizes import DATA_TYPES


def _unary(name, f):
    """The result has the dtype of x, where kgraph would make integers and bools wider."""
    onnx_op(name)(lambda x: ops.cast(f(x), x.dtype))


def _binary(name, f):
    onnx_op(name, since=7)(lambda a, b: f(a, b))


def _placed(name, f):
    """Before version 7: b lies on the axes of a from `axis` on, by default the last ones, where broadcast says so."""
    def of_old(a, b, *, broadcast=0, axis=None, consumed_inputs=None):
        if broadcast and axis is not None:
            b = ops.reshape(b, (*b.shape, *(1,) * (len(a.shape) - axis % len(a.shape) - len(b.shape))))
        return f(a, b)
    onnx_op(name)(of_old)


for _name, _function in {
        "Abs": ops.abs, "Acos": ops.arccos, "Acosh": ops.arccosh, "Asin": ops.arcsin, "Asinh": ops.arcsinh,
        "Atan": ops.arctan, "Atanh": ops.arctanh, "Ceil": ops.ceil, "Cos": ops.cos, "Cosh": ops.cosh, "Erf": ops.erf,
        "Exp": ops.exp, "Floor": ops.floor, "Log": ops.log, "Neg": ops.negative, "Not": ops.logical_not,
        "BitwiseNot": ops.bitwise_not, "Reciprocal": ops.reciprocal, "Sigmoid": ops.sigmoid, "Sign": ops.sign,
        "Sin": ops.sin, "Sinh": ops.sinh, "Softplus": ops.softplus, "Softsign": ops.softsign, "Sqrt": ops.sqrt,
        "Tan": ops.tan, "Tanh": ops.tanh, "Mish": ops.mish, "Round": ops.round, "Relu": ops.relu}.items():
    _unary(_name, _function)

for _name, _function in {
        "Equal": ops.equal, "Greater": ops.greater, "GreaterOrEqual": ops.greater_equal, "Less": ops.less,
        "LessOrEqual": ops.less_equal, "And": ops.logical_and, "Or": ops.logical_or, "Xor": ops.logical_xor,
        "BitwiseAnd": ops.bitwise_and,
        "BitwiseOr": ops.bitwise_or, "BitwiseXor": ops.bitwise_xor}.items():
    _binary(_name, _function)


for _name, _function in {"Add": ops.add, "Sub": ops.subtract, "Mul": ops.multiply}.items():
    _binary(_name, _function)
    _placed(_name, _function)


def is_float(x) -> bool:
    return dtypes.is_float(x.dtype)


@onnx_op("IsNaN")
def is_nan(x):
    return ops.isnan(x)


@onnx_op("IsInf", since=10)
def is_inf(x, *, detect_negative=1, detect_positive=1):
    found = ops.isinf(x)
    below, above = ops.logical_and(found, ops.less(x, 0)), ops.logical_and(found, ops.greater(x, 0))
    none = ops.zeros_like(found)
    return ops.logical_or(below if detect_negative else none, above if detect_positive else none)


@onnx_op("Div", since=7)
def div(a, b):
    """Integers are divided towards zero."""
    if is_float(a):
        return ops.divide(a, b)
    whole = ops.floor_divide(a, b)
    if a.dtype.startswith("u"):
        return whole
    left = ops.not_equal(ops.multiply(whole, b), a)
    below = ops.logical_and(left, ops.less(whole, 0))
    return ops.cast(ops.where(below, whole + 1, whole), a.dtype)


_placed("Div", div)


@onnx_op("Mod", since=10)
def mod(a, b, *, fmod=0):
    return ops.cast(ops.fmod(a, b) if fmod else ops.mod(a, b), a.dtype)


@onnx_op("Pow", since=1)
def power(x, exponent, *, broadcast=0, axis=None):
    """The result has the dtype of x, whatever that of the exponent."""
    if not is_float(x) and is_float(exponent):
        return ops.cast(ops.power(ops.cast(x, "float64"), ops.cast(exponent, "float64")), x.dtype)
    return ops.cast(ops.power(x, ops.cast(exponent, x.dtype)), x.dtype)


@onnx_op("BitShift", since=11)
def bit_shift(a, b, *, direction):
    """Bits that are moved beyond the end are gone, as many as they are."""
    gone = ops.zeros_like(a) if direction == "LEFT" or a.dtype.startswith("u") else ops.where(ops.less(a, 0), -1, 0)
    moved = (ops.bitwise_left_shift if direction == "LEFT" else ops.bitwise_right_shift)(a, b)
    return ops.cast(ops.where(ops.less(b, np.dtype(a.dtype).itemsize * 8), moved, ops.cast(gone, a.dtype)), a.dtype)


def _several(f):
    def all_of(first, *rest):
        for x in rest:
            first = f(first, x)
        return first
    return all_of


onnx_op("Max", since=6)(_several(ops.maximum))
onnx_op("Min", since=6)(_several(ops.minimum))
onnx_op("Sum", since=6)(_several(ops.add))


@onnx_op("Mean", since=6)
def mean(first, *rest):
    return ops.divide(_several(ops.add)(first, *rest), float(1 + len(rest)))


@onnx_op("Where", since=9)
def where(condition, a, b):
    return ops.where(condition, a, b)


@onnx_op("Clip", since=11)
def clip(x, low=None, high=None):
    x = x if low is None else ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


@onnx_op("Clip", since=6)
def clip_6(x, *, min=-3.4028234663852886e38, max=3.4028234663852886e38):
    return ops.minimum(ops.maximum(x, float(min)), float(max))


# ------------------------------------------------------------------ activations
@onnx_op("LeakyRelu", since=6)
def leaky_relu(x, *, alpha=0.01):
    return ops.where(ops.less(x, 0), x * alpha, x)


@onnx_op("PRelu", since=7)
def prelu(x, slope):
    return ops.where(ops.less(x, 0), ops.multiply(x, slope), x)


@onnx_op("PRelu", since=1)
def prelu_1(x, slope, *, consumed_inputs=None):
    """Before version 7: a slope for each channel, or one."""
    return prelu(x, ops.reshape(slope, (-1, *(1,) * (len(x.shape) - 2))) if slope.shape != (1,) else slope)


@onnx_op("Elu", since=6)
def elu(x, *, alpha=1.0):
    return ops.elu(x, alpha)


@onnx_op("Celu", since=12)
def celu(x, *, alpha=1.0):
    return ops.celu(x, alpha)


@onnx_op("Selu", since=6)
def selu(x, *, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875):
    return ops.where(ops.greater(x, 0), x * gamma, ops.expm1(ops.minimum(x, 0)) * (alpha * gamma))


@onnx_op("ThresholdedRelu", since=10)
def thresholded_relu(x, *, alpha=1.0):
    return ops.where(ops.greater(x, alpha), x, ops.zeros_like(x))


@onnx_op("HardSigmoid", since=6)
def hard_sigmoid(x, *, alpha=0.2, beta=0.5):
    return ops.clip(x * alpha + beta, 0.0, 1.0)


@onnx_op("HardSwish", since=14)
def hard_swish(x):
    return x * hard_sigmoid(x, alpha=1 / 6)


@onnx_op("Swish", since=24)
def swish(x, *, alpha=1.0):
    return x * ops.sigmoid(x * alpha)


@onnx_op("Gelu", since=20)
def gelu(x, *, approximate="none"):
    return ops.gelu(x, approximate=approximate == "tanh")


@onnx_op("Shrink", since=9)
def shrink(x, *, bias=0.0, lambd=0.5):
    y = ops.where(ops.less(x, -lambd), x + bias, ops.where(ops.greater(x, lambd), x - bias, ops.zeros_like(x)))
    return ops.cast(y, x.dtype)


@onnx_op("Dropout", since=1)
def dropout_1(x, *, ratio=0.5, is_test=0, consumed_inputs=None, n_outputs):
    return [x, ops.ones_like(x)][:n_outputs]


@onnx_op("Dropout", since=12, impure=True)
def dropout(x, ratio: Fixed = None, training_mode: Known = None, *, seed=None, n_outputs):
    """Drops nothing, unless the file says that it is always training."""
    if training_mode is None or not training_mode.item():
        return [x, ops.ones_like(x, "bool")][:n_outputs]
    ratio = ops.convert_to_tensor(0.5, x.dtype) if ratio is None else ops.cast(ratio, x.dtype)
    kept = ops.greater_equal(draws.uniform(x.shape, seed=seed), ratio)
    return [ops.where(kept, x / (1.0 - ratio), ops.zeros_like(x)), kept][:n_outputs]


@onnx_op("Identity", since=1)
def identity(x):
    return x


# ------------------------------------------------------------------ dtypes
@onnx_op("Cast", since=6)
def cast(x, *, to, saturate=1, round_mode="up"):
    if to not in DATA_TYPES:
        raise ValueError(f"Cast: expected a dtype among {', '.join(DATA_TYPES.values())}, received number {to} of ONNX")
    dtype = DATA_TYPES[to]
    if dtype == "bool":
        return x if x.dtype == "bool" else ops.not_equal(x, 0)
    return to_float8(x, dtype) if saturate and dtype.startswith("float8") else ops.cast(x, dtype)


def to_float8(x, dtype):
    """Numbers outside of its range, inf too, become the nearest it has."""
    known = dtypes.limits(dtype)
    return ops.cast(ops.clip(ops.cast(x, "float32"), float(known.min), float(known.max)), dtype)


@onnx_op("CastLike", since=15)
def cast_like(x, target, *, saturate=1, round_mode="up"):
    return cast(x, to=next(n for n, dtype in DATA_TYPES.items() if dtype == target.dtype))


@onnx_op("BitCast", since=1)
def bit_cast(x, *, to):
    return ops.view(x, DATA_TYPES[to])
