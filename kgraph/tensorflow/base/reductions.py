"""Reductions, sorting and counting: of `tf` and of `tf.math`."""
from __future__ import annotations

from kgraph import ops
from kgraph.tensorflow.base.signatures import functions_of

_TABLE = """
    reduce_all(input_tensor, axis=None, keepdims=False) = all
    reduce_any(input_tensor, axis=None, keepdims=False) = any
    reduce_logsumexp(input_tensor, axis=None, keepdims=False) = logsumexp
    reduce_max(input_tensor, axis=None, keepdims=False) = max
    reduce_min(input_tensor, axis=None, keepdims=False) = min
    reduce_prod(input_tensor, axis=None, keepdims=False) = prod
    reduce_sum(input_tensor, axis=None, keepdims=False) = sum
"""
_MATH_ONLY = """
    reduce_std(input_tensor, axis=None, keepdims=False) = std
    reduce_variance(input_tensor, axis=None, keepdims=False) = var
"""
_functions = functions_of(_TABLE, __name__)
math_only = functions_of(_MATH_ONLY, "kgraph.tensorflow.math")
globals().update(_functions)
__all__ = [*_functions, "argmax", "argmin", "argsort", "norm", "reduce_mean", "sort"]


def reduce_mean(input_tensor, axis=None, keepdims=False, name=None):
    """The mean over axis (by default over all). Of integers it is one, rounded towards zero, as TensorFlow has it."""
    x = ops.convert_to_tensor(input_tensor)
    mean = ops.mean(x, axis, keepdims)
    return ops.cast(mean, x.dtype) if "int" in x.dtype else mean


def argmax(input, axis=None, output_type="int64", name=None):
    """Where the largest element along axis (by default the first) lies."""
    return ops.cast(ops.argmax(input, 0 if axis is None else axis), output_type)


def argmin(input, axis=None, output_type="int64", name=None):
    """Where the smallest element along axis (by default the first) lies."""
    return ops.cast(ops.argmin(input, 0 if axis is None else axis), output_type)


def sort(values, axis=-1, direction="ASCENDING", name=None):
    """values in order along axis; direction "ASCENDING" or "DESCENDING"."""
    found = ops.sort(values, axis)
    return ops.flip(found, axis) if _descends(direction) else found


def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    """The positions that put values in order along axis; equal ones stay in their order."""
    if not _descends(direction):
        return ops.argsort(values, axis)
    x = ops.convert_to_tensor(values)   # turned twice, so that equal ones stay in their order
    return x.shape[axis] - 1 - ops.flip(ops.argsort(ops.flip(x, axis), axis), axis)


def _descends(direction) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction: expected 'ASCENDING' or 'DESCENDING', received {direction!r}")
    return direction == "DESCENDING"


def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None):
    """The norm of a tensor, or along axis: "euclidean", 1, 2, inf, "fro" or another positive number."""
    tensor = ops.convert_to_tensor(tensor)
    ord = None if ord in ("euclidean", "fro") else ord
    if axis is None and ord is not None:
        tensor = ops.reshape(tensor, (-1,))
    return ops.norm(tensor, ord, axis, bool(keepdims))
