"""tf.math."""
from __future__ import annotations

from typing import NamedTuple

from kgraph import ops
from kgraph.naming import missing
from kgraph.tensorflow.base import maths, reductions

_SHARED = ("add_n", "argmax", "argmin", "cumsum", "reduce_mean", "scalar_mul", *maths._functions,
           *reductions._functions)
_found = {**maths.math_only, **reductions.math_only,
          **{name: getattr(maths, name, None) or getattr(reductions, name) for name in _SHARED}}
globals().update(_found)
__all__ = [*_found, "bincount", "confusion_matrix", "count_nonzero", "in_top_k", "invert_permutation",
           "is_non_decreasing", "is_strictly_increasing", "l2_normalize", "log_softmax", "multiply_no_nan", "polyval",
           "reciprocal_no_nan", "reduce_euclidean_norm", "rint", "segment_mean", "softmax", "squared_difference",
           "top_k", "unsorted_segment_mean", "unsorted_segment_sqrt_n", "xdivy", "xlog1py", "xlogy", "zero_fraction"]


class TopK(NamedTuple):
    """The largest elements and where they are."""

    values: object
    indices: object


def count_nonzero(input, axis=None, keepdims=None, dtype="int64", name=None):
    """How many elements are not zero, over axis or in all."""
    nonzero = ops.cast(ops.not_equal(ops.convert_to_tensor(input), 0), dtype)
    return ops.sum(nonzero, axis, bool(keepdims))


def l2_normalize(x, axis=None, epsilon=1e-12, name=None):
    """x divided by its Euclidean norm over axis (by default over all axes); epsilon: the least sum of squares."""
    x = ops.convert_to_tensor(x)
    return x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis, True), epsilon))


def squared_difference(x, y, name=None):
    """(x - y)²."""
    return ops.square(ops.subtract(x, y))


def xlogy(x, y, name=None):
    """x log y, which is 0 where x is."""
    x = ops.convert_to_tensor(x)
    return ops.where(x == 0, 0.0, x * ops.log(ops.where(x == 0, 1.0, y)))


def multiply_no_nan(x, y, name=None):
    """x y, which is 0 where y is, whatever x is."""
    return ops.where(ops.equal(y, 0), 0.0, ops.multiply(x, y))


def xlog1py(x, y, name=None):
    """x log(1 + y), which is 0 where x is."""
    x = ops.convert_to_tensor(x)
    return ops.where(x == 0, 0.0, x * ops.log1p(ops.where(x == 0, 1.0, y)))


def xdivy(x, y, name=None):
    """x / y, which is 0 where x is."""
    x = ops.convert_to_tensor(x)
    return ops.where(x == 0, 0.0, x / ops.where(x == 0, 1.0, y))


def reciprocal_no_nan(x, name=None):
    """1 / x, which is 0 where x is."""
    return ops.divide_no_nan(ops.ones_like(x), x)


def rint(x, name=None):
    """The nearest whole numbers; halves go to the even one."""
    return ops.round(x)


def log_softmax(logits, axis=-1, name=None):
    """The logarithm of softmax."""
    return ops.log_softmax(logits, axis)


def polyval(coeffs, x, name=None):
    """The polynomial with these coefficients, that of the highest power first, at x."""
    found = ops.zeros_like(x)
    for c in coeffs:
        found = found * x + c
    return found


def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
    """The square root of the sum of squares over axis (by default over all)."""
    return ops.sqrt(ops.sum(ops.square(input_tensor), axis, keepdims))


def zero_fraction(value, name=None):
    """The share of zeros."""
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def invert_permutation(x, name=None):
    """The permutation that undoes x."""
    return ops.cast(ops.argsort(x), ops.convert_to_tensor(x).dtype)


def is_non_decreasing(x, name=None):
    """Whether no element is below the one before it."""
    flat = ops.reshape(x, (-1,))
    return ops.all(flat[1:] >= flat[:-1])


def is_strictly_increasing(x, name=None):
    """Whether each element is above the one before it."""
    flat = ops.reshape(x, (-1,))
    return ops.all(flat[1:] > flat[:-1])


def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The mean of the slices of each segment; 0 where there is none."""
    return _shared_out(data, segment_ids, num_segments, lambda n: n)


def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sum of the slices of each segment, divided by the square root of their number."""
    return _shared_out(data, segment_ids, num_segments, ops.sqrt)


def segment_mean(data, segment_ids, name=None):
    """The mean of the slices of each segment; segments are numbered in order."""
    return _shared_out(data, segment_ids, None, lambda n: n)


def _shared_out(data, ids, count, f):
    data = ops.convert_to_tensor(data)
    total = ops.segment_sum(data, ids, count)
    ones = ops.ones(ops.shape(ids), data.dtype if "float" in data.dtype else "float32")
    number = ops.maximum(ops.segment_sum(ones, ids, count), 1)
    return total / ops.reshape(f(number), (-1, *[1] * (len(data.shape) - 1)))


def confusion_matrix(labels, predictions, num_classes=None, weights=None, dtype="int32", name=None):
    """How often each class (row) was predicted as each class (column)."""
    labels, predictions = (ops.reshape(ops.cast(x, "int32"), (-1,)) for x in (labels, predictions))
    if num_classes is None:
        num_classes = int(ops.maximum(ops.max(labels), ops.max(predictions))) + 1
    counts = ops.ones_like(labels, dtype) if weights is None else ops.cast(weights, dtype)
    cells = ops.segment_sum(counts, labels * num_classes + predictions, num_classes * num_classes)
    return ops.reshape(cells, (num_classes, num_classes))


def top_k(input, k=1, sorted=True, index_type="int32", name=None):
    """(values, positions) of the k largest along the last axis, largest first."""
    values, indices = ops.top_k(input, k, sorted)
    return TopK(values, ops.cast(indices, index_type))


def in_top_k(targets, predictions, k, name=None):
    """Whether each target is among the k largest predictions."""
    return ops.in_top_k(targets, predictions, k)


def softmax(logits, axis=-1, name=None):
    """exp(logits), scaled so that it adds up to 1 along axis."""
    return ops.softmax(logits, axis)


def bincount(arr, weights=None, minlength=None, maxlength=None, dtype="int32", name=None, axis=None,
             binary_output=False):
    """How often each integer from 0 on occurs, or the sum of its weights."""
    if maxlength is not None or axis is not None or binary_output:
        raise NotImplementedError("tf.math.bincount: expected maxlength=None, axis=None and binary_output=False")
    found = ops.bincount(ops.reshape(arr, (-1,)), weights, minlength or 0)
    return found if weights is not None else ops.cast(found, dtype)


def __getattr__(name):
    raise missing(__name__, name, __all__)
