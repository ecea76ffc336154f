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
__all__ = [*_found, "bincount", "confusion_matrix", "count_nonzero", "in_top_k", "l2_normalize", "multiply_no_nan",
           "softmax", "squared_difference", "top_k", "xlogy"]


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
