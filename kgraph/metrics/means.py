"""Metrics that are the mean of a loss, and the regression metrics that are a little more than one."""
from __future__ import annotations

import numpy as np

from kgraph import losses, ops
from kgraph.config import epsilon
from kgraph.losses.loss import same_rank
from kgraph.losses.regression import pair
from kgraph.metrics.metric import Mean, MeanMetricWrapper, Metric


class MeanSquaredError(MeanMetricWrapper):
    """mean((t - p)^2)

    Example:
        >>> metrics.MeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 2.>
    """

    def __init__(self, name="mean_squared_error", dtype=None):
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """mean(|t - p|)

    Example:
        >>> metrics.MeanAbsoluteError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 1.>
    """

    def __init__(self, name="mean_absolute_error", dtype=None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """100 mean(|t - p| / |t|)

    Example:
        >>> metrics.MeanAbsolutePercentageError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 50.>
    """

    def __init__(self, name="mean_absolute_percentage_error", dtype=None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """mean((log(1 + t) - log(1 + p))^2)

    Example:
        >>> metrics.MeanSquaredLogarithmicError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 0.1305>
    """

    def __init__(self, name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """mean(log(cosh(p - t)))

    Example:
        >>> metrics.LogCoshError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 0.6625>
    """

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(losses.log_cosh, name, dtype)


class Hinge(MeanMetricWrapper):
    """mean(max(1 - t p, 0))

    Example:
        >>> metrics.Hinge()([[-1.0, 1.0]], [[0.5, 2.0]])
        <Tensor f32[] 0.75>
    """

    def __init__(self, name="hinge", dtype=None):
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """mean(max(1 - t p, 0)^2)

    Example:
        >>> metrics.SquaredHinge()([[-1.0, 1.0]], [[0.5, 2.0]])
        <Tensor f32[] 1.125>
    """

    def __init__(self, name="squared_hinge", dtype=None):
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """max(1 + the best wrong score - the right score, 0)

    Example:
        >>> metrics.CategoricalHinge()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.4>
    """

    def __init__(self, name="categorical_hinge", dtype=None):
        super().__init__(losses.categorical_hinge, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """sum(t log(t / p))

    Example:
        >>> metrics.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])
        <Tensor f32[] 0.1438>
    """

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """mean(p - t log p)

    Example:
        >>> metrics.Poisson()([[1.0, 2.0]], [[1.0, 1.5]])
        <Tensor f32[] 0.8445>
    """

    def __init__(self, name="poisson", dtype=None):
        super().__init__(losses.poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """-(t log p + (1 - t) log(1 - p)), for labels 0 and 1.

    Example:
        >>> metrics.BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.8]])
        <Tensor f32[] 0.4581>
    """

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(losses.binary_crossentropy, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing)


class CategoricalCrossentropy(MeanMetricWrapper):
    """-sum(t log p), for one-hot labels.

    Example:
        >>> metrics.CategoricalCrossentropy()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.2231>
    """

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(losses.categorical_crossentropy, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """-log p[t], for class ids.

    Example:
        >>> metrics.SparseCategoricalCrossentropy()([1], [[0.2, 0.8]])
        <Tensor f32[] 0.2231>
    """

    def __init__(self, name="sparse_categorical_crossentropy", dtype=None, from_logits=False, ignore_class=None,
                 axis=-1):
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, from_logits=from_logits,
                         ignore_class=ignore_class, axis=axis)


class CosineSimilarity(MeanMetricWrapper):
    """The cosine of the angle between t and p: 1 for the same direction.

    Example:
        >>> metrics.CosineSimilarity()([[1.0, 0.0]], [[1.0, 1.0]])
        <Tensor f32[] 0.7071>
    """

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(cosine_similarity, name, dtype, axis=axis)

    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k != "axis" or v != -1}


class PearsonCorrelation(MeanMetricWrapper):
    """Pearson's correlation of t and p along ``axis``.

    Example:
        >>> metrics.PearsonCorrelation()([[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]])
        <Tensor f32[] 0.982>
    """

    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """Lin's concordance correlation of t and p along ``axis``.

    Example:
        >>> metrics.ConcordanceCorrelation()([[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]])
        <Tensor f32[] 0.8571>
    """

    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)


def cosine_similarity(y_true, y_pred, axis=-1):
    """The cosine of the angle between y_true and y_pred along ``axis``: the loss of that name, with the other sign.

    Example:
        >>> metrics.cosine_similarity([[1.0, 0.0]], [[1.0, 1.0]])
        <Tensor f32[1] [0.7071]>
    """
    return -losses.cosine_similarity(y_true, y_pred, axis=axis)


def pearson_correlation(y_true, y_pred, axis=-1):
    """mean of the product of y_true and y_pred, each shifted to mean 0 and scaled to variance 1.

    Example:
        >>> metrics.pearson_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]])
        <Tensor f32[1] [0.982]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    normal = lambda x: (x - ops.mean(x, axis=axis, keepdims=True)) / ops.std(x, axis=axis, keepdims=True)
    return ops.mean(normal(y_true) * normal(y_pred), axis=axis)


def concordance_correlation(y_true, y_pred, axis=-1):
    """Lin (1989), as Keras computes it: 2 (t - mean p)(p - mean p) / (var t + var p + (mean t - mean p)^2).

    Example:
        >>> metrics.concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]])
        <Tensor f32[1] [0.8571]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    mean_true = ops.mean(y_true, axis=axis, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=axis, keepdims=True)
    norm = (ops.var(y_true, axis=axis, keepdims=True) + ops.var(y_pred, axis=axis, keepdims=True)
            + ops.square(mean_true - mean_pred))
    return ops.mean(2.0 * (y_true - mean_pred) * (y_pred - mean_pred) / (norm + epsilon()), axis=axis)


class RootMeanSquaredError(Mean):
    """sqrt(mean((t - p)^2)) over everything seen.

    Example:
        >>> metrics.RootMeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 1.4142>
    """

    _direction = "down"

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = pair(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        super().update_state(ops.square(y_pred - y_true), sample_weight)

    def result(self):
        return ops.sqrt(super().result())


class R2Score(Metric):
    """1 - sum((t - p)^2) / sum((t - mean t)^2), for y of shape (batch, outputs).

    Raises ValueError for another aggregation, a negative num_regressors, or y of another rank.

    Args:
        class_aggregation: uniform_average, variance_weighted_average, or None for one score an output
        num_regressors: above 0: the adjusted score, for that many independent variables

    Example:
        >>> metrics.R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [4.0]])
        <Tensor f32[] 0.5>
    """

    _direction = "up"

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError("class_aggregation: expected uniform_average, variance_weighted_average or None, "
                             f"received {class_aggregation!r}")
        if num_regressors < 0:
            raise ValueError(f"num_regressors: expected 0 or more, received {num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), name="num_samples")
        self.count = None

    def _build(self, true_shape, pred_shape):
        if len(true_shape) != 2 or len(pred_shape) != 2 or not isinstance(pred_shape[-1], (int, np.integer)):
            raise ValueError("R2Score: expected y_true and y_pred of shape (batch, outputs), received "
                             f"{tuple(true_shape)} and {tuple(pred_shape)}")
        names = ("squared_sum", "sum", "residual", "count")
        self.squared_sum, self.sum, self.residual, self.count = (
            self.add_variable((pred_shape[-1],), name=name) for name in names)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = same_rank(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        if self.count is None:
            self._build(y_true.shape, y_pred.shape)
        weight = ops.cast(1.0 if sample_weight is None else sample_weight, self.dtype)
        weight = ops.broadcast_to(ops.expand_dims(weight, 1) if len(weight.shape) == 1 else weight, ops.shape(y_true))
        weighted = y_true * weight
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * weighted, axis=0))
        self.residual.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(ops.sum(ops.ones_like(y_true)))

    def result(self):
        if self.count is None:
            return ops.cast(0.0, self.dtype)
        total = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1.0 - self.residual / total
        scores = ops.where(ops.abs(scores) == float("inf"), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(total * scores) / ops.sum(total)
        if not self.num_regressors:
            return scores
        free = self.num_samples - (1.0 + self.num_regressors)
        adjusted = 1.0 - (1.0 - scores) * (self.num_samples - 1.0) / ops.where(free > 0, free, 1.0)
        return ops.where(free > 0, adjusted, scores)

    def get_config(self):
        return {**super().get_config(), "class_aggregation": self.class_aggregation,
                "num_regressors": self.num_regressors}
