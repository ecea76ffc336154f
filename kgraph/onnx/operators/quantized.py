"""Numbers of 8 bits with a scale, and products of them."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.onnx.operators.elementwise import to_float8
from kgraph.onnx.operators.windows import conv
from kgraph.onnx.registry import Fixed, Kernel, onnx_op
from kgraph.onnx.sizes import DATA_TYPES


def _spread(v, x, axis, block_size):
    """A scale or a zero point as what multiplies x: one number, or one for each place or block of an axis."""
    if v is None or not v.shape or v.shape == (1,):
        return v if v is None or not v.shape else ops.reshape(v, ())
    if block_size:
        wide = ops.repeat(v, block_size, axis=axis)
        return ops.get_item(wide, tuple(slice(0, n) for n in x.shape))
    return ops.reshape(v, tuple(-1 if i == axis % len(x.shape) else 1 for i in range(len(x.shape))))


def saturated(x, dtype):
    """Rounded floats as integers, those outside as the nearest there is."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return ops.cast(ops.clip(x, float(low), float(high)), dtype)


@onnx_op("QuantizeLinear", since=10)
def quantize(x, scale: Fixed, zero: Fixed = None, *, axis=1, block_size=0, output_dtype=0, precision=0, saturate=1):
    dtype = zero.dtype if zero is not None else DATA_TYPES[output_dtype] if output_dtype else "uint8"
    if dtype not in ("int8", "uint8", "int16", "uint16", "float8_e4m3fn", "float8_e5m2"):
        raise ValueError("QuantizeLinear: expected int8, uint8, int16, uint16, float8_e4m3fn or float8_e5m2, received "
                         f"{dtype}")
    scale, zero = _spread(scale, x, axis, block_size), _spread(zero, x, axis, block_size)
    y = ops.divide(ops.cast(x, scale.dtype), scale)
    if dtype.startswith("float8"):
        return to_float8(y if zero is None else y + ops.cast(zero, y.dtype), dtype)
    y = ops.round(y)
    return saturated(y if zero is None else y + ops.cast(zero, y.dtype), dtype)


@onnx_op("DequantizeLinear", since=10)
def dequantize(x, scale: Fixed, zero: Fixed = None, *, axis=1, block_size=0, output_dtype=0):
    scale, zero = _spread(scale, x, axis, block_size), _spread(zero, x, axis, block_size)
    wide = "float32" if DTYPES[scale.dtype].is_narrow else scale.dtype
    y = ops.cast(x, wide)
    y = (y if zero is None else y - ops.cast(zero, wide)) * ops.cast(scale, wide)
    return ops.cast(y, DATA_TYPES[output_dtype] if output_dtype else scale.dtype)


@onnx_op("DynamicQuantizeLinear", since=11)
def dynamic_quantize(x):
    """As uint8, with the scale that fits the range of x and 0."""
    low, high = ops.minimum(ops.min(x), 0.0), ops.maximum(ops.max(x), 0.0)
    scale = (high - low) / 255.0
    zero = saturated(ops.round(ops.clip(-low / scale, 0.0, 255.0)), "uint8")
    return saturated(ops.round(x / scale) + ops.cast(zero, x.dtype), "uint8"), scale, zero


# ------------------------------------------------------------------ products: exact in float64
def _centered(x, zero, axis=None):
    x = ops.cast(x, "float64")
    if zero is None:
        return x
    zero = ops.cast(zero, "float64")
    if axis is not None and len(zero.shape) == 1 and zero.shape[0] != 1:
        zero = ops.reshape(zero, tuple(-1 if i == axis % len(x.shape) else 1 for i in range(len(x.shape))))
    return x - (ops.reshape(zero, ()) if zero.shape == (1,) else zero)


@onnx_op("MatMulInteger", since=10)
def matmul_integer(a, b, a_zero: Fixed = None, b_zero: Fixed = None):
    return ops.cast(ops.matmul(_centered(a, a_zero, -2), _centered(b, b_zero, -1)), "int32")


@onnx_op("ConvInteger", since=10)
def conv_integer(x, w: Kernel, x_zero: Fixed = None, w_zero: Fixed = None, **attributes):
    return ops.cast(conv(_centered(x, x_zero), _centered(w, w_zero, -1), **attributes), "int32")


def _requantized(y, scale, zero):
    return saturated(ops.round(y * scale) + ops.cast(zero, y.dtype), zero.dtype)


@onnx_op("QLinearMatMul", since=10)
def qlinear_matmul(a, a_scale: Fixed, a_zero: Fixed, b, b_scale: Fixed, b_zero: Fixed, y_scale: Fixed, y_zero: Fixed):
    y = ops.matmul(_centered(a, a_zero, -2), _centered(b, b_zero, -1))
    scale = [ops.cast(s, "float64") for s in (a_scale, b_scale, y_scale)]
    return _requantized(y, scale[0] * scale[1] / scale[2], y_zero)


@onnx_op("QLinearConv", since=10)
def qlinear_conv(x, x_scale: Fixed, x_zero: Fixed, w: Kernel, w_scale: Fixed, w_zero: Fixed, y_scale: Fixed,
                 y_zero: Fixed, b: Fixed = None, **attributes):
    bias = None if b is None else ops.cast(b, "float64")
    y = conv(_centered(x, x_zero), _centered(w, w_zero, -1), bias, **attributes)
    scale = ops.cast(x_scale, "float64") * ops.cast(w_scale, "float64") / ops.cast(y_scale, "float64")
    return _requantized(y, _spread(scale, y, 1, 0), y_zero)
