"""Metrics made of true and false positives and negatives at one or many thresholds."""
from __future__ import annotations

import numpy as np

from kgraph import budget, ops
from kgraph.config import epsilon
from kgraph.losses.loss import same_rank
from kgraph.metrics.metric import Metric

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
LOWEST = -1e10  # stands for minus infinity where only the first k scores count


class ConfusionMetric(Metric):
    """Counts true/false positives/negatives at each of ``thresholds``; subclasses say which, and what comes of them.

    Args:
        thresholds: numbers in [0, 1]; a prediction is positive when it is larger
        top_k: only the k largest scores of a sample can be positive
        class_id: look at this class alone
        multi_label: count each label (last axis) on its own
    """

    counted = COUNTS

    def __init__(self, thresholds, top_k=None, class_id=None, multi_label=False, label_weights=None, name=None,
                 dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._set_thresholds(thresholds)
        self.top_k = top_k
        self.class_id = class_id
        self.multi_label = multi_label
        self.label_weights = label_weights
        if not multi_label:
            self._build(())

    def _set_thresholds(self, thresholds):
        self._thresholds = np.asarray(thresholds, "float64")
        even = np.arange(len(thresholds)) / max(len(thresholds) - 1, 1)
        self._even = len(thresholds) >= 3 and np.allclose(self._thresholds, even, atol=epsilon())

    @property
    def thresholds(self) -> list:
        return self._thresholds.tolist()

    def _build(self, label_shape):
        for name in self.counted:
            setattr(self, name, self.add_variable((len(self._thresholds), *label_shape), name=name))

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred, y_true = same_rank(ops.cast(y_pred, self.dtype), ops.cast(y_true, self.dtype))
        if not self._own_variables:
            self._build_for(y_pred.shape)
        if self.top_k is not None:
            y_pred = _keep_top_k(y_pred, self.top_k)
        if self.class_id is not None:
            y_true, y_pred = self._one_class(y_true), self._one_class(y_pred)
        weight = self._weights(y_pred, sample_weight)
        rows = (lambda x: x) if self.multi_label else (lambda x: ops.reshape(x, (-1,)))
        label = rows(ops.cast(ops.not_equal(y_true, 0), self.dtype))
        weight = None if weight is None else rows(weight)
        true = label if weight is None else label * weight
        false = 1.0 - label if weight is None else (1.0 - label) * weight
        positive = self._positive(rows(y_pred))
        zero = ops.zeros_like(true)
        total = lambda x: ops.sum(ops.where(positive, x, zero), axis=1)
        sums = {"true_positives": lambda: total(true), "false_positives": lambda: total(false),
                "true_negatives": lambda: ops.sum(false, axis=0) - total(false),
                "false_negatives": lambda: ops.sum(true, axis=0) - total(true)}
        for name in self.counted:
            getattr(self, name).assign_add(sums[name]())

    def _positive(self, y_pred):
        """Whether y_pred ``(n, ...)`` is above each threshold: bool ``(thresholds, n, ...)``.

        Evenly spaced thresholds are compared by the number of the interval that a prediction falls in.
        """
        n = len(self._thresholds)
        axes = (1,) * len(y_pred.shape)
        if not self._even:
            limits = ops.reshape(ops.cast(self._thresholds.astype(self.dtype), self.dtype), (n, *axes))
            return ops.expand_dims(y_pred, 0) > limits
        interval = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * (n - 1.0)) - 1.0
        if self._thresholds[0] < 0.0 or self._thresholds[-1] > 1.0:
            interval = ops.maximum(interval, 0.0)
        return ops.expand_dims(interval, 0) >= ops.reshape(ops.cast(np.arange(n), self.dtype), (n, *axes))

    def _build_for(self, shape):
        if len(shape) != 2:
            raise ValueError(f"{self.name}: expected y_pred of shape (batch, labels), received {tuple(shape)}")
        self._build((shape[1],))

    def _one_class(self, x):
        if len(x.shape) == 1:
            raise ValueError(f"{self.name}: class_id={self.class_id} needs y_pred of shape (batch, classes), "
                             f"received {tuple(x.shape)}")
        return x[..., self.class_id:self.class_id + 1]

    def _weights(self, y_pred, sample_weight):
        """Sample weights times label weights in the shape of y_pred, or None."""
        weight = None
        if sample_weight is not None:
            weight = ops.cast(sample_weight, self.dtype)
            missing = len(y_pred.shape) - len(weight.shape)
            weight = ops.reshape(weight, (*ops.shape(weight), *(1,) * missing)) if missing > 0 else weight
            weight = ops.broadcast_to(weight, ops.shape(y_pred))
        if self.label_weights is not None and not self.multi_label:
            labels = ops.broadcast_to(ops.cast(self.label_weights, self.dtype), ops.shape(y_pred))
            weight = labels if weight is None else weight * labels
        return weight

    def _rate(self, part, rest):
        part, rest = getattr(self, part), getattr(self, rest)
        return ops.divide_no_nan(part.value, part + rest)


def parse_thresholds(thresholds, default=0.5):
    """A list of thresholds from a number, a list or None. Raises ValueError for one outside [0, 1]."""
    if thresholds is None:
        return [default]
    thresholds = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in thresholds if t is None or t < 0 or t > 1]
    if wrong:
        raise ValueError(f"thresholds: expected numbers in [0, 1], received {wrong}")
    return thresholds


def even_thresholds(count) -> np.ndarray:
    """That many numbers from 0 to 1."""
    budget.spend(64 * count, f"{count} thresholds")
    return np.linspace(0, 1, count)


def _keep_top_k(x, k):
    """x with everything but the k largest of its last axis set to a very small number."""
    indices = ops.top_k(x, k)[1]
    kept = ops.sum(ops.one_hot(indices, x.shape[-1], dtype=x.dtype), axis=-2)
    return x * kept + LOWEST * (1.0 - kept)


class _Count(ConfusionMetric):
    """One of the four counts; a number for one threshold, else a vector."""

    def __init__(self, thresholds=None, name=None, dtype=None):
        self.init_thresholds = thresholds
        super().__init__(parse_thresholds(thresholds), name=name, dtype=dtype)

    @property
    def accumulator(self):
        """The Variable that counts."""
        return getattr(self, self.counted[0])

    def result(self):
        counts = self.accumulator.value
        return counts[0] if len(self._thresholds) == 1 else counts

    def get_config(self):
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many positives were predicted as such.

    Example:
        >>> metrics.TruePositives()([0, 1, 1], [0.2, 0.3, 0.9])
        <Tensor f32[] 1.>
    """
    counted = ("true_positives",)


class FalsePositives(_Count):
    """How many negatives were predicted as positives.

    Example:
        >>> metrics.FalsePositives()([0, 1, 1], [0.8, 0.3, 0.9])
        <Tensor f32[] 1.>
    """
    counted = ("false_positives",)


class TrueNegatives(_Count):
    """How many negatives were predicted as such.

    Example:
        >>> metrics.TrueNegatives()([0, 1, 1], [0.2, 0.3, 0.9])
        <Tensor f32[] 1.>
    """
    counted = ("true_negatives",)


class FalseNegatives(_Count):
    """How many positives were predicted as negatives.

    Example:
        >>> metrics.FalseNegatives()([0, 1, 1], [0.2, 0.3, 0.9])
        <Tensor f32[] 1.>
    """
    counted = ("false_negatives",)


class _Rate(ConfusionMetric):
    """true positives / (true positives + the other count)"""

    _direction = "up"

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        self.init_thresholds = thresholds
        default = 0.5 if top_k is None else LOWEST
        super().__init__(parse_thresholds(thresholds, default), top_k, class_id, name=name, dtype=dtype)

    def result(self):
        rate = self._rate(*self.counted)
        return rate[0] if len(self._thresholds) == 1 else rate

    def get_config(self):
        return {**super().get_config(), "thresholds": self.init_thresholds, "top_k": self.top_k,
                "class_id": self.class_id}


class Precision(_Rate):
    """The share of predicted positives that are positive.

    Example:
        >>> metrics.Precision()([0, 1, 1], [0.8, 0.3, 0.9])
        <Tensor f32[] 0.5>
    """
    counted = ("true_positives", "false_positives")


class Recall(_Rate):
    """The share of positives that are predicted as such.

    Example:
        >>> metrics.Recall()([0, 1, 1], [0.8, 0.3, 0.9])
        <Tensor f32[] 0.5>
    """
    counted = ("true_positives", "false_negatives")


class _Constrained(ConfusionMetric):
    """The largest value of one rate over the thresholds at which another is at least ``value``.

    Raises:
        ValueError: a rate outside of [0, 1], or num_thresholds below 1.
    """

    _direction = "up"
    argument = rate = constraint = None

    def __init__(self, value, num_thresholds=200, class_id=None, name=None, dtype=None):
        if not 0 <= value <= 1:
            raise ValueError(f"{self.argument}: expected a number in [0, 1], received {value}")
        if num_thresholds <= 0:
            raise ValueError(f"num_thresholds: expected 1 or more, received {num_thresholds}")
        self.value = value
        self.num_thresholds = num_thresholds
        thresholds = even_thresholds(num_thresholds) if num_thresholds > 1 else [0.5]
        super().__init__(thresholds, class_id=class_id, name=name, dtype=dtype)
        self._even = num_thresholds > 1
        setattr(self, self.argument, value)

    def result(self):
        allowed = self._rate(*self.constraint) >= self.value
        rate = self._rate(*self.rate)
        return ops.max(ops.where(allowed, rate, ops.zeros_like(rate)))

    def get_config(self):
        return {**super().get_config(), "num_thresholds": self.num_thresholds, self.argument: self.value,
                "class_id": self.class_id}


_SENSITIVITY = ("true_positives", "false_negatives")
_SPECIFICITY = ("true_negatives", "false_positives")
_PRECISION = ("true_positives", "false_positives")


class SensitivityAtSpecificity(_Constrained):
    """The best sensitivity where specificity is at least ``specificity``.

    Example:
        >>> metrics.SensitivityAtSpecificity(0.5)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
        <Tensor f32[] 1.>
    """
    argument, rate, constraint = "specificity", _SENSITIVITY, _SPECIFICITY

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_Constrained):
    """The best specificity where sensitivity is at least ``sensitivity``.

    Example:
        >>> metrics.SpecificityAtSensitivity(0.5)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
        <Tensor f32[] 1.>
    """
    argument, rate, constraint = "sensitivity", _SPECIFICITY, _SENSITIVITY

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_Constrained):
    """The best precision where recall is at least ``recall``.

    Example:
        >>> metrics.PrecisionAtRecall(0.5)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
        <Tensor f32[] 1.>
    """
    argument, rate, constraint = "recall", _PRECISION, _SENSITIVITY

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_Constrained):
    """The best recall where precision is at least ``precision``.

    Example:
        >>> metrics.RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
        <Tensor f32[] 0.5>
    """
    argument, rate, constraint = "precision", _SENSITIVITY, _PRECISION

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
