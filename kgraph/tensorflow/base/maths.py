"""Elementwise functions, products and special functions: of `tf` and of `tf.math`."""
from __future__ import annotations

from kgraph import ops
from kgraph.tensorflow.base.signatures import functions_of

_TABLE = """
    abs(x) = absolute
    acos(x) = arccos
    acosh(x) = arccosh
    add(x, y)
    asin(x) = arcsin
    asinh(x) = arcsinh
    atan(x) = arctan
    atan2(y, x) = arctan2
    atanh(x) = arctanh
    ceil(x)
    cos(x)
    cosh(x)
    divide(x, y)
    equal(x, y)
    exp(x)
    floor(x)
    floordiv(x, y) = floor_divide
    greater(x, y)
    greater_equal(x, y)
    less(x, y)
    less_equal(x, y)
    logical_and(x, y)
    logical_not(x)
    logical_or(x, y)
    maximum(x, y)
    minimum(x, y)
    multiply(x, y)
    negative(x)
    not_equal(x, y)
    pow(x, y) = power
    round(x)
    sigmoid(x)
    sign(x)
    sin(x)
    sinh(x)
    sqrt(x)
    square(x)
    subtract(x, y)
    tan(x)
    tanh(x)
    truediv(x, y) = true_divide
"""
_MATH_ONLY = """
    angle(input)
    conj(x)
    cumprod(x, axis=0) = cumprod
    divide_no_nan(x, y)
    erf(x)
    erfc(x)
    erfinv(x)
    expm1(x)
    floormod(x, y) = mod
    imag(input)
    is_finite(x) = isfinite
    is_inf(x) = isinf
    is_nan(x) = isnan
    log(x)
    log1p(x)
    log_sigmoid(x)
    logical_xor(x, y)
    mod(x, y)
    real(input)
    reciprocal(x)
    rsqrt(x)
    segment_max(data, segment_ids)
    segment_min(data, segment_ids)
    segment_prod(data, segment_ids)
    segment_sum(data, segment_ids)
    softplus(features)
    softsign(features)
    unsorted_segment_max(data, segment_ids, num_segments) = segment_max
    unsorted_segment_min(data, segment_ids, num_segments) = segment_min
    unsorted_segment_prod(data, segment_ids, num_segments) = segment_prod
    unsorted_segment_sum(data, segment_ids, num_segments) = segment_sum
"""
_functions = functions_of(_TABLE, __name__)
math_only = functions_of(_MATH_ONLY, "kgraph.tensorflow.math")
globals().update(_functions)
__all__ = [*_functions, "add_n", "clip_by_global_norm", "clip_by_norm", "clip_by_value", "complex", "cumsum", "einsum",
           "matmul", "saturate_cast", "scalar_mul", "tensordot"]


def add_n(inputs, name=None):
    """The sum of tensors of one shape."""
    total = ops.convert_to_tensor(inputs[0])
    for x in inputs[1:]:
        total = total + x
    return total


def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """t with its elements moved inside the two values."""
    return ops.clip(ops.convert_to_tensor(t), clip_value_min, clip_value_max)


def clip_by_norm(t, clip_norm, axes=None, name=None):
    """t, scaled down where its Euclidean norm (over axes) is above clip_norm."""
    t = ops.convert_to_tensor(t)
    norm = ops.sqrt(ops.sum(t * t, axis=axes, keepdims=True))
    return t * clip_norm / ops.maximum(norm, clip_norm)


def global_norm(t_list):
    """The Euclidean norm of all elements of tensors; None among them is left out."""
    return ops.sqrt(add_n([ops.sum(ops.square(t)) for t in t_list if t is not None]))


def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
    """(tensors scaled down where their common norm is above clip_norm, that norm); None stays None."""
    norm = global_norm(t_list) if use_norm is None else use_norm
    scale = clip_norm / ops.maximum(norm, clip_norm)
    return [None if t is None else t * scale for t in t_list], norm


def complex(real, imag, name=None):
    """Complex numbers of their parts."""
    return ops.view_as_complex(ops.stack([ops.convert_to_tensor(real), ops.convert_to_tensor(imag)], axis=-1))


def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    """Running sums along axis; exclusive: of the elements before; reverse: from the end."""
    x = ops.convert_to_tensor(x)
    x = ops.flip(x, axis) if reverse else x
    total = ops.cumsum(x, axis)
    total = total - x if exclusive else total
    return ops.flip(total, axis) if reverse else total


def einsum(equation, *inputs, **kwargs):
    """A sum of products in Einstein's notation."""
    kwargs.pop("name", None)
    kwargs.pop("optimize", None)
    return ops.einsum(equation, *inputs, **kwargs)


def matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False,
           b_is_sparse=False, output_type=None, name=None):
    """The product of matrices, or of batches of them; transpose_*, adjoint_*: of the last two axes."""
    a, b = _turned(a, transpose_a, adjoint_a), _turned(b, transpose_b, adjoint_b)
    result = ops.matmul(a, b)
    return result if output_type is None else ops.cast(result, output_type)


def _turned(x, transpose, adjoint):
    x = ops.convert_to_tensor(x)
    x = ops.conj(x) if adjoint and x.dtype.startswith("complex") else x
    return ops.swapaxes(x, -1, -2) if transpose or adjoint else x


def saturate_cast(value, dtype, name=None):
    """value with another dtype; what lies outside its range becomes the nearest it has."""
    return ops.saturate_cast(value, dtype)


def scalar_mul(scalar, x, name=None):
    """x times a number."""
    return ops.multiply(scalar, x)


def tensordot(a, b, axes, name=None):
    """The sum of products over axes of a and of b: a number of them, or a pair of lists."""
    return ops.tensordot(a, b, axes)
