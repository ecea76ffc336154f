"""Losses between numbers: squared, absolute, relative, logarithmic, robust and angular errors.

Every function takes y_true and y_pred of one shape ``(batch, ..., d)`` (y_true is converted to y_pred's dtype) and
returns one value for each sample, shape ``(batch, ...)``.
"""
from __future__ import annotations

import math

from kgraph import ops
from kgraph.config import epsilon
from kgraph.losses.loss import LossFunctionWrapper, same_rank, targets


def pair(y_true, y_pred):
    """Both as tensors of y_pred's dtype and of one rank. Raises ValueError for targets of a batch that lack an axis."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true, y_pred = same_rank(ops.convert_to_tensor(y_true, dtype=y_pred.dtype), y_pred)
    lacks = 0 < len(y_true.shape) < len(y_pred.shape)  # the axis of the batch would be lined up with another one
    if lacks and y_true.shape[0] == y_pred.shape[0] and not isinstance(y_true.shape[0], int):
        raise ValueError(f"expected y of the shape of the outputs, {tuple(y_pred.shape)}, received "
                         f"{tuple(y_true.shape)}")
    return y_true, y_pred


@targets("alike")
def mean_squared_error(y_true, y_pred):
    """mean((t - p)^2)

    Example:
        >>> losses.mean_squared_error([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[1] [2.]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@targets("alike")
def mean_absolute_error(y_true, y_pred):
    """mean(|t - p|)

    Example:
        >>> losses.mean_absolute_error([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[1] [1.]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@targets("alike")
def mean_absolute_percentage_error(y_true, y_pred):
    """100 mean(|t - p| / max(|t|, epsilon))

    Example:
        >>> losses.mean_absolute_percentage_error([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[1] [50.]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    return 100.0 * ops.mean(ops.abs((y_true - y_pred) / ops.maximum(ops.abs(y_true), epsilon())), axis=-1)


@targets("alike")
def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(1 + t) - log(1 + p))^2); both are taken as at least epsilon

    Example:
        >>> losses.mean_squared_logarithmic_error([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[1] [0.1305]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    log = lambda x: ops.log(ops.maximum(x, epsilon()) + 1.0)
    return ops.mean(ops.square(log(y_pred) - log(y_true)), axis=-1)


@targets("alike")
def cosine_similarity(y_true, y_pred, axis=-1):
    """Minus the cosine of the angle: -1 for the same direction, 1 for the opposite one.

    Example:
        >>> losses.cosine_similarity([[1.0, 0.0]], [[1.0, 1.0]])
        <Tensor f32[1] [-0.7071]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


@targets("alike")
def huber(y_true, y_pred, delta=1.0):
    """Huber (1964): e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2; mean over the last axis.

    Example:
        >>> losses.huber([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[1] [0.75]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    error = y_pred - y_true
    size = ops.abs(error)
    return ops.mean(ops.where(size <= delta, 0.5 * ops.square(error), delta * size - 0.5 * delta * delta), axis=-1)


@targets("alike")
def log_cosh(y_true, y_pred):
    """mean(log(cosh(p - t))), as e + softplus(-2 e) - log 2, which does not overflow

    Example:
        >>> losses.log_cosh([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[1] [0.6625]>
    """
    y_true, y_pred = pair(y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(error * -2.0) - math.log(2.0), axis=-1)


class MeanSquaredError(LossFunctionWrapper):
    """mean((t - p)^2)

    Example:
        >>> losses.MeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 2.>
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """mean(|t - p|)

    Example:
        >>> losses.MeanAbsoluteError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 1.>
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """100 mean(|t - p| / |t|)

    Example:
        >>> losses.MeanAbsolutePercentageError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 50.>
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """mean((log(1 + t) - log(1 + p))^2)

    Example:
        >>> losses.MeanSquaredLogarithmicError()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 0.1305>
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between t and p along ``axis``.

    Example:
        >>> losses.CosineSimilarity()([[1.0, 0.0]], [[1.0, 1.0]])
        <Tensor f32[] -0.7071>
    """

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)

    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k != "axis" or v != -1}


class Huber(LossFunctionWrapper):
    """Squared error that becomes linear beyond ``delta``.

    Example:
        >>> losses.Huber()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 0.75>
    """

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """mean(log(cosh(p - t)))

    Example:
        >>> losses.LogCosh()([[1.0, 2.0]], [[1.0, 4.0]])
        <Tensor f32[] 0.6625>
    """

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(log_cosh, reduction, name, dtype)
