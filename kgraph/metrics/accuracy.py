"""Accuracies: the share of samples whose label is among the first k (or is the) prediction."""
from __future__ import annotations

from kgraph import ops
from kgraph.config import floatx
from kgraph.losses.loss import same_rank
from kgraph.losses.regression import pair
from kgraph.metrics.metric import MeanMetricWrapper


def accuracy(y_true, y_pred):
    """1 where y_true equals y_pred, else 0; both of one shape."""
    y_true, y_pred = pair(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), floatx())


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """1 where (y_pred > threshold) is y_true, labels 0 and 1; both of one shape.

    Example:
        >>> metrics.binary_accuracy([[0.0], [1.0]], [[0.2], [0.3]])
        <Tensor f32[2,1] [[1.]
         [0.]]>
    """
    y_true, y_pred = same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    return ops.cast(ops.equal(y_true, ops.cast(y_pred > threshold, y_true.dtype)), floatx())


def categorical_accuracy(y_true, y_pred):
    """1 where the largest entry of one-hot y_true ``(..., classes)`` is that of y_pred, shape ``(...)``.

    Example:
        >>> metrics.categorical_accuracy([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[1] [1.]>
    """
    return ops.cast(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)), floatx())


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where class id y_true ``(...)`` or ``(..., 1)`` is the largest entry of y_pred ``(..., classes)``.

    Example:
        >>> metrics.sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        <Tensor f32[2] [1. 0.]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = _class_ids(y_true, y_pred)
    return ops.cast(ops.equal(labels, ops.cast(ops.argmax(y_pred, axis=-1), labels.dtype)), floatx())


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the label of one-hot y_true is among the k largest entries of y_pred ``(..., classes)``.

    Example:
        >>> metrics.top_k_categorical_accuracy([[0.0, 0.0, 1.0]], [[0.1, 0.6, 0.3]], k=2)
        <Tensor f32[1] [1.]>
    """
    return _in_top_k(ops.cast(ops.argmax(y_true, axis=-1), "int32"), ops.convert_to_tensor(y_pred), k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where class id y_true is among the k largest entries of y_pred ``(..., classes)``.

    from_sorted_ids: y_pred holds class ids, the most probable first, instead of scores.

    Example:
        >>> metrics.sparse_top_k_categorical_accuracy([2], [[0.1, 0.6, 0.3]], k=2)
        <Tensor f32[1] [1.]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = _class_ids(y_true, y_pred)
    if from_sorted_ids:
        return ops.cast(ops.any(ops.equal(ops.expand_dims(ops.cast(labels, y_pred.dtype), -1), y_pred[..., :k]),
                                axis=-1), floatx())
    return _in_top_k(ops.cast(labels, "int32"), y_pred, k)


def _class_ids(y_true, y_pred):
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        return ops.squeeze(y_true, -1)
    return y_true


def _in_top_k(labels, scores, k):
    return ops.cast(ops.in_top_k(labels, scores, k), floatx())


class Accuracy(MeanMetricWrapper):
    """The share of predictions equal to their label.

    Example:
        >>> metrics.Accuracy()([1, 2], [1, 3])
        <Tensor f32[] 0.5>
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """The share of predictions on the right side of ``threshold``.

    Example:
        >>> metrics.BinaryAccuracy()([[0.0], [1.0]], [[0.2], [0.3]])
        <Tensor f32[] 0.5>
    """

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose largest score is at their one-hot label.

    Example:
        >>> metrics.CategoricalAccuracy()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 1.>
    """

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose largest score is at their class id.

    Example:
        >>> metrics.SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        <Tensor f32[] 0.5>
    """

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose one-hot label is among the k largest scores.

    Example:
        >>> metrics.TopKCategoricalAccuracy(k=2)([[0.0, 0.0, 1.0]], [[0.1, 0.6, 0.3]])
        <Tensor f32[] 1.>
    """

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose class id is among the k largest scores.

    Example:
        >>> metrics.SparseTopKCategoricalAccuracy(k=2)([2], [[0.1, 0.6, 0.3]])
        <Tensor f32[] 1.>
    """

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)

    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k != "from_sorted_ids" or v}
