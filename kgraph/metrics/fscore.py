"""F scores and intersections over unions: metrics made of whole confusion matrices."""
from __future__ import annotations

import warnings

import numpy as np

from kgraph import ops
from kgraph.config import epsilon
from kgraph.metrics.metric import Metric


class FBetaScore(Metric):
    """(1 + b^2) precision recall / (b^2 precision + recall), for one-hot y of shape (batch, classes).

    Raises ValueError for an argument outside its range, or y of another rank.

    Args:
        average: None: one score a class; micro: over all counts; macro: their mean; weighted: mean weighted by support
        threshold: a prediction above it is positive; None: the largest one is
        beta: how much more recall counts than precision, 1.

    Example:
        >>> metrics.FBetaScore(average="micro", beta=2.0)([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]])
        <Tensor f32[] 0.5>
    """

    _direction = "up"

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"average: expected micro, macro, weighted or None, received {average!r}")
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(f"beta: expected a float above 0, received {beta!r}")
        if threshold is not None and (not isinstance(threshold, float) or not 0.0 < threshold <= 1.0):
            raise ValueError(f"threshold: expected a float in (0, 1] or None, received {threshold!r}")
        self.average, self.beta, self.threshold = average, beta, threshold
        self.axis = None if average == "micro" else 0
        self.true_positives = None

    def _build(self, true_shape, pred_shape):
        if len(true_shape) != 2 or len(pred_shape) != 2 or not isinstance(pred_shape[-1], (int, np.integer)):
            raise ValueError(f"{self.name}: expected y_true and y_pred of shape (batch, classes), received "
                             f"{tuple(true_shape)} and {tuple(pred_shape)}")
        shape = () if self.average == "micro" else (pred_shape[-1],)
        names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
        self.true_positives, self.false_positives, self.false_negatives, self.intermediate_weights = (
            self.add_variable(shape, name=name) for name in names)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        if self.true_positives is None:
            self._build(y_true.shape, y_pred.shape)
        if self.threshold is None:
            largest = y_pred >= ops.max(y_pred, axis=-1, keepdims=True)
            y_pred = ops.logical_and(largest, ops.abs(y_pred) > 1e-9)
        else:
            y_pred = y_pred > self.threshold
        y_pred = ops.cast(y_pred, self.dtype)
        weight = None if sample_weight is None else ops.expand_dims(ops.cast(sample_weight, self.dtype), 1)
        total = lambda x: ops.sum(x if weight is None else x * weight, axis=self.axis)
        self.true_positives.assign_add(total(y_pred * y_true))
        self.false_positives.assign_add(total(y_pred * (1.0 - y_true)))
        self.false_negatives.assign_add(total((1.0 - y_pred) * y_true))
        self.intermediate_weights.assign_add(total(y_true))

    def result(self):
        if self.true_positives is None:
            return ops.cast(0.0, self.dtype)
        tp = self.true_positives.value
        precision = tp / (tp + self.false_positives + epsilon())
        recall = tp / (tp + self.false_negatives + epsilon())
        squared = self.beta ** 2
        score = precision * recall / (squared * precision + recall + epsilon()) * (1.0 + squared)
        if self.average == "weighted":
            support = self.intermediate_weights.value
            return ops.sum(score * (support / (ops.sum(support) + epsilon())))
        return score if self.average is None else ops.mean(score)

    def get_config(self):
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

    Example:
        >>> metrics.F1Score(average="macro")([[0, 1], [1, 0]], [[0.2, 0.8], [0.9, 0.1]])
        <Tensor f32[] 1.>
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k != "beta"}


class IoU(Metric):
    """Intersection over union of each class, averaged over ``target_class_ids`` (those that occur at all).

    y_true and y_pred hold class ids, or scores along ``axis`` where sparse_y_true / sparse_y_pred is False.
    Ids outside [0, num_classes) and ``ignore_class`` are left out. The matrix holds integers unless dtype says other.

    Raises ValueError for a target id that is not a class.

    Example:
        >>> metrics.IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])
        <Tensor f32[] 0.3333>
    """

    _direction = "up"

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_true=True,
                 sparse_y_pred=True, axis=-1):
        super().__init__(name=name, dtype=dtype or "int")
        self.num_classes = num_classes
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.axis = axis
        if max(self.target_class_ids) >= num_classes:
            raise ValueError(f"target_class_ids: expected ids in [0, {num_classes}), "
                             f"received {max(self.target_class_ids)}")

    def update_state(self, y_true, y_pred, sample_weight=None):
        flat = lambda x, dtype: ops.reshape(ops.cast(x, dtype), (-1,))
        y_true = flat(y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis), "int32")
        y_pred = flat(y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis), "int32")
        inside = lambda x: ops.logical_and(x >= 0, x < self.num_classes)
        kept = ops.logical_and(inside(y_true), inside(y_pred))
        if self.ignore_class is not None:
            kept = ops.logical_and(kept, ops.not_equal(y_true, self.ignore_class))
        weight = ops.cast(kept, self.dtype)
        if sample_weight is not None:
            self._warn_of_floats(sample_weight)
            weight = weight * flat(sample_weight, self.dtype)
        cell = ops.where(kept, y_true * self.num_classes + y_pred, ops.zeros_like(y_true))
        counts = ops.segment_sum(weight, cell, num_segments=self.num_classes ** 2)
        self.total_cm.assign_add(ops.reshape(counts, (self.num_classes, self.num_classes)))

    def _warn_of_floats(self, sample_weight):
        if "int" in self.dtype and "float" in str(getattr(sample_weight, "dtype", "")):
            warnings.warn(f"{self.name}: sample weights are float and the matrix is {self.dtype}: their fractions are "
                          "lost. Use integer weights, or dtype='float32'.", stacklevel=3)

    def result(self):
        cm = ops.cast(self.total_cm, "float32")
        inter = ops.sum(cm * ops.eye(self.num_classes), axis=0)
        union = ops.sum(cm, axis=0) + ops.sum(cm, axis=1) - inter
        wanted = np.zeros(self.num_classes, "float32")
        np.add.at(wanted, self.target_class_ids, 1.0)
        valid = ops.cast(union > 1e-9, "float32") * wanted
        return ops.sum(valid * inter / (union + epsilon())) / (ops.sum(valid) + epsilon())

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes, "target_class_ids": self.target_class_ids,
                "ignore_class": self.ignore_class, "sparse_y_true": self.sparse_y_true,
                "sparse_y_pred": self.sparse_y_pred, "axis": self.axis}

    def _config_without(self, *names):
        return {k: v for k, v in IoU.get_config(self).items() if k not in names}


class BinaryIoU(IoU):
    """IoU of two classes, where a prediction of at least ``threshold`` is class 1.

    Example:
        >>> metrics.BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
        <Tensor f32[] 0.5833>
    """

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, ops.cast(ops.cast(y_pred, "float32") >= self.threshold, "int32"), sample_weight)

    def get_config(self):
        return {**self._config_without("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis"),
                "threshold": self.threshold}


class MeanIoU(IoU):
    """The mean IoU over all classes.

    Example:
        >>> metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])
        <Tensor f32[] 0.3333>
    """

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True,
                 axis=-1):
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self):
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """IoU with one-hot labels.

    Example:
        >>> metrics.OneHotIoU(num_classes=2, target_class_ids=[0])([[1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4]])
        <Tensor f32[] 0.5>
    """

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False,
                 axis=-1):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """The mean IoU over all classes, with one-hot labels.

    Example:
        >>> metrics.OneHotMeanIoU(num_classes=2)([[1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4]])
        <Tensor f32[] 0.25>
    """

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        return self._config_without("target_class_ids", "sparse_y_true")
