"""Numbers in 8 and 4 bits: quantize(x) = round(x * scale), as Keras 3 has it, and back."""
from __future__ import annotations

import math

import numpy as np

from kgraph import ops
from kgraph.compiler.loopnest.dtypes import limits
from kgraph.compiler.prims.elementwise import e4m3_p, e5m2_p
from kgraph.compiler.trace import bind
from kgraph.config import epsilon as default_epsilon

__all__ = ["abs_max_quantize", "abs_max_quantize_grouped_with_zero_point", "compute_float8_amax_history",
           "compute_float8_scale", "fake_quant_with_min_max_vars", "pack_int4",
           "quantize_and_dequantize", "unpack_int4"]

_ROUNDED = {"float8_e4m3fn": e4m3_p, "float8_e5m2": e5m2_p}


def abs_max_quantize(inputs, axis, value_range=(-127, 127), dtype="int8", epsilon=None, to_numpy=False):
    """(round(inputs * scale), scale), where the largest magnitude along the axis becomes the end of the range.

    Args:
        inputs: reals
        axis: an int or several: along which a scale is shared; it stays with size 1 in the scale
        value_range: of the results
        dtype: of the results
        epsilon: added to the largest magnitude; config.epsilon() by default
        to_numpy: accepted for Keras's sake
    """
    inputs = ops.convert_to_tensor(inputs)
    largest = ops.max(ops.abs(inputs), axis=axis, keepdims=True)
    scale = ops.divide(value_range[1], largest + (default_epsilon() if epsilon is None else epsilon))
    scale = ops.cast(scale, inputs.dtype)
    return ops.cast(ops.clip(ops.round(inputs * scale), *value_range), dtype), scale


def abs_max_quantize_grouped_with_zero_point(inputs, block_size, value_range=(-8, 7), dtype="int8", epsilon=None,
                                             to_numpy=False):
    """(results, scales, zero points) of a matrix whose columns are quantized in groups of block_size rows each:
    round(inputs / scale) + zero point, so that the least and largest of a group become the ends of the range.

    Raises ValueError for what is no matrix.

    Args:
        inputs: [rows, columns]; scales and zero points are [groups, columns], the latter int8
    """
    inputs = ops.convert_to_tensor(inputs)
    if len(inputs.shape) != 2:
        raise ValueError(f"abs_max_quantize_grouped_with_zero_point: expected a matrix, received shape {inputs.shape}")
    rows, columns = inputs.shape
    groups, (low, high) = math.ceil(rows / block_size), value_range
    parts = ops.reshape(ops.pad(inputs, ((0, groups * block_size - rows), (0, 0))), (groups, block_size, columns))
    least, most = ops.min(parts, axis=1, keepdims=True), ops.max(parts, axis=1, keepdims=True)
    scale = (most - least + (default_epsilon() if epsilon is None else epsilon)) / (high - low)
    zero = ops.clip(ops.round(ops.negative(least) / scale) + low, low, high)
    found = ops.cast(ops.clip(ops.round(parts / scale) + zero, low, high), dtype)
    found = ops.reshape(found, (groups * block_size, columns))[:rows]
    return found, ops.squeeze(scale, 1), ops.cast(ops.squeeze(zero, 1), "int8")


def fake_quant_with_min_max_vars(inputs, min_vals, max_vals, num_bits=8, narrow_range=False, axis=None):
    """What inputs are once quantized to 2**num_bits steps between min_vals and max_vals and back, which are moved so
    that zero is a step. Gradients reach all three.

    Args:
        min_vals, max_vals: scalars; with an axis, one for each place on it
        narrow_range: one step less
    """
    inputs, low, high = (ops.convert_to_tensor(v) for v in (inputs, min_vals, max_vals))
    first, last = int(bool(narrow_range)), (1 << int(num_bits)) - 1
    shape = () if axis is None else tuple(-1 if i == axis % len(inputs.shape) else 1 for i in range(len(inputs.shape)))

    @ops.custom_gradient
    def quantized(x, low, high):
        wide = [ops.reshape(ops.cast(v, "float32"), shape) for v in (low, high)]
        scale, inverse = (wide[1] - wide[0]) / (last - first), (last - first) / (wide[1] - wide[0])
        zero = ops.round(ops.clip(first - wide[0] / scale, first, last))
        bottom, top = (first - zero) * scale, (last - zero) * scale
        shifted = ops.clip(ops.cast(x, "float32"), bottom, top) - bottom
        steps = ops.floor(shifted * inverse - ops.floor(ops.negative(bottom) * inverse + 0.5) + 0.5)

        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            over = None if axis is None else [i for i in range(len(x.shape)) if shape[i] == 1]
            at = lambda mask: ops.where(mask, upstream, ops.zeros_like(upstream))
            ends = (ops.reshape(ops.sum(at(mask), axis=over), low.shape)
                    for mask in (ops.less(x, bottom), ops.greater(x, top)))
            return at(ops.logical_and(ops.greater_equal(x, bottom), ops.less_equal(x, top))), *ends
        return ops.cast(steps * scale, x.dtype), gradient
    return quantized(inputs, low, high)


def compute_float8_scale(amax, scale, dtype_max, margin=0):
    """The next scale from the largest magnitude seen: amax * 2**margin / dtype_max; the one before where amax is not
    above zero or not finite."""
    factor = ops.divide(ops.divide(dtype_max, amax), 2 ** margin)
    kept = ops.logical_or(ops.logical_not(ops.greater(amax, 0.0)), ops.logical_not(ops.isfinite(amax)))
    return ops.reciprocal(ops.where(kept, ops.reciprocal(scale), factor))


def compute_float8_amax_history(x, amax_history):
    """The history moved on by one, with the largest magnitude of x first."""
    largest = ops.cast(ops.max(ops.abs(x)), amax_history.dtype)
    return ops.scatter_update(ops.roll(amax_history, -1), [[0]], ops.reshape(largest, [1]))


def quantize_and_dequantize(inputs, scale, quantized_dtype, compute_dtype):
    """What inputs are once divided by the scale, kept in a dtype of 8 bits, and multiplied again."""
    most, scale = float(limits(quantized_dtype).max), ops.cast(scale, compute_dtype)
    kept = ops.clip(ops.divide(inputs, scale), -most, most)
    rounds = _ROUNDED.get(quantized_dtype)
    kept = bind(rounds, ops.cast(kept, compute_dtype)) if rounds else ops.cast(ops.cast(kept, quantized_dtype),
                                                                               compute_dtype)
    return ops.multiply(kept, scale)


def pack_int4(arr, axis=0, dtype="int8"):
    """(packed, its shape, the size of the axis before): two numbers of 4 bits in a byte, the first in its lower half.

    Raises ValueError for another dtype, TypeError for an array that is not of it.

    Args:
        arr: of that dtype, int8 or uint8, with values of 4 bits; an odd size of the axis is filled with a zero
    """
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"pack_int4: expected dtype 'int8' or 'uint8', received {dtype!r}")
    array = ops.convert_to_numpy(arr)
    if array.dtype != dtype:
        raise TypeError(f"pack_int4: expected a tensor of {dtype}, received {array.dtype.name}")
    array = np.moveaxis(array, axis, 0)
    size = len(array)
    halves = np.concatenate([array, np.zeros((size % 2, *array.shape[1:]), array.dtype)]).view("uint8") & 15
    packed = np.moveaxis((halves[::2] | halves[1::2] << 4).astype("uint8").view(dtype), 0, axis)
    return ops.convert_to_tensor(packed), packed.shape, size


def unpack_int4(packed, orig_len, axis=0, dtype="int8"):
    """The numbers that pack_int4 put into bytes: orig_len of them along the axis. As int8 they are from
    -8 to 7, as uint8 from 0 to 15.

    Raises:
        ValueError: another dtype.
    """
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"unpack_int4: expected dtype 'int8' or 'uint8', received {dtype!r}")
    packed = ops.convert_to_tensor(packed)
    axis = axis % len(packed.shape)
    bits = ops.bitwise_and(ops.cast(packed, "int32"), 255)
    halves = [ops.bitwise_and(bits, 15), ops.right_shift(bits, 4)]
    if dtype == "int8":
        halves = [ops.where(ops.greater(h, 7), h - 16, h) for h in halves]
    both = ops.stack([ops.cast(h, dtype) for h in halves], axis=axis + 1)
    shape = list(packed.shape)
    shape[axis] = 2 * shape[axis]
    return ops.reshape(both, shape)[(slice(None),) * axis + (slice(orig_len),)]
