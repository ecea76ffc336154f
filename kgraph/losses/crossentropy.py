"""Losses between labels and probabilities (or logits): the cross-entropies and their focal forms.

label_smoothing s moves each label towards the uniform distribution: t (1 - s) + s / classes.
Probabilities are clipped to [epsilon, 1 - epsilon] before the logarithm; with from_logits nothing is clipped.
"""
from __future__ import annotations

import warnings

from kgraph import ops
from kgraph.config import epsilon
from kgraph.graph import set_mask
from kgraph.losses.loss import LossFunctionWrapper, targets


@targets("same", within=(0, 1))
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """mean over ``axis`` of -(t log p + (1 - t) log(1 - p)); y_true and y_pred of one shape.

    Example:
        >>> losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.8]])
        <Tensor f32[1] [0.4581]>
    """
    y_true, y_pred = _labels(y_true, y_pred)
    return ops.mean(ops.binary_crossentropy(_smooth_binary(y_true, label_smoothing), y_pred, from_logits), axis=axis)


@targets("same", within=(0, 1))
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum over ``axis`` of t log p; y_true one-hot (or a distribution) of y_pred's shape ``(..., classes)``.

    Example:
        >>> losses.categorical_crossentropy([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[1] [0.2231]>
    """
    _check_axis(axis)
    y_true, y_pred = _labels(y_true, y_pred)
    _warn_of_one_class("categorical_crossentropy", y_pred)
    return ops.categorical_crossentropy(_smooth(y_true, label_smoothing), y_pred, from_logits=from_logits, axis=axis)


@targets("ids")
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log p[t]; y_true holds class ids, shape that of y_pred without ``axis`` (or with size one there).

    Where t is ``ignore_class`` the value is 0 and is left out of means (a mask on the result says so).

    Example:
        >>> losses.sparse_categorical_crossentropy([1], [[0.2, 0.8]])
        <Tensor f32[1] [0.2231]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    valid = ops.not_equal(y_true, ops.cast(ignore_class, y_true.dtype))
    y_true = ops.where(valid, y_true, ops.zeros_like(y_true))
    y_pred = ops.where(ops.expand_dims(valid, axis), y_pred, ops.zeros_like(y_pred))
    values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    values = ops.where(valid, values, ops.zeros_like(values))
    set_mask(values, valid)
    return values


@targets("same", within=(0, 1))
def binary_focal_crossentropy(y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
                              label_smoothing=0.0, axis=-1):
    """Lin et al. (2017): (1 - p_t)^gamma times the binary cross-entropy, where p_t is the probability of the label.

    apply_class_balancing: weigh label 1 by alpha and label 0 by 1 - alpha.

    Example:
        >>> losses.binary_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.8]])
        <Tensor f32[1] [0.0911]>
    """
    y_true, y_pred = _labels(y_true, y_pred)
    y_true = _smooth_binary(y_true, label_smoothing)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    values = ops.binary_crossentropy(y_true, p, from_logits=False)
    values = ops.power(1.0 - (y_true * p + (1.0 - y_true) * (1.0 - p)), gamma) * values
    if apply_class_balancing:
        values = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * values
    return ops.mean(values, axis=axis)


@targets("same", within=(0, 1))
def categorical_focal_crossentropy(y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0,
                                   axis=-1):
    """Lin et al. (2017), for several classes: -sum of alpha (1 - p)^gamma t log p.

    Example:
        >>> losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[1] [0.0022]>
    """
    _check_axis(axis)
    y_true, y_pred = _labels(y_true, y_pred)
    _warn_of_one_class("categorical_focal_crossentropy", y_pred)
    y_true = _smooth(y_true, label_smoothing)
    p = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    p = ops.clip(p / ops.sum(p, axis=axis, keepdims=True), epsilon(), 1.0 - epsilon())
    return ops.sum(alpha * ops.power(1.0 - p, gamma) * (-y_true * ops.log(p)), axis=axis)


@targets("ids")
def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """Zhang and Sabuncu (2018): (1 - p[t]^q) / q; y_true holds class ids.

    Args:
        q: between 0 and 1: from cross-entropy to absolute error.

    Example:
        >>> losses.categorical_generalized_cross_entropy([1], [[0.2, 0.8]], q=0.5)
        <Tensor f32[1] [0.2111]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = ops.cast(ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1]), y_pred.dtype)
    return (1.0 - ops.power(ops.sum(y_pred * labels, axis=-1), q)) / q


def _labels(y_true, y_pred):
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.cast(y_true, y_pred.dtype), y_pred


def _smooth(y_true, smoothing):
    return y_true * (1.0 - smoothing) + smoothing / y_true.shape[-1] if smoothing else y_true


def _smooth_binary(y_true, smoothing):
    return y_true * (1.0 - smoothing) + 0.5 * smoothing if smoothing else y_true


def _check_axis(axis):
    if isinstance(axis, bool):
        raise ValueError(f"axis: expected an int, received {axis!r} (a bool: were the arguments shifted by one?)")


def _warn_of_one_class(name, y_pred):
    if y_pred.shape[-1] == 1:
        warnings.warn(f"{name}: expected y_pred with at least two classes on its last axis, received shape "
                      f"{tuple(y_pred.shape)}; for two classes in one number use binary_crossentropy", SyntaxWarning,
                      stacklevel=3)


class BinaryCrossentropy(LossFunctionWrapper):
    """-(t log p + (1 - t) log(1 - p)), for labels 0 and 1.

    Example:
        >>> losses.BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.8]])
        <Tensor f32[] 0.4581>
    """

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name="binary_crossentropy", dtype=None):
        super().__init__(binary_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


class CategoricalCrossentropy(LossFunctionWrapper):
    """-sum(t log p), for one-hot labels.

    Example:
        >>> losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.2231>
    """

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name="categorical_crossentropy", dtype=None):
        super().__init__(categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """-log p[t], for class ids.

    Example:
        >>> losses.SparseCategoricalCrossentropy()([1], [[0.2, 0.8]])
        <Tensor f32[] 0.2231>
    """

    def __init__(self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size", axis=-1,
                 name="sparse_categorical_crossentropy", dtype=None):
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         ignore_class=ignore_class, axis=axis)

    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k != "axis" or v != -1}


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Binary cross-entropy that looks away from what is already right, by (1 - p_t)^gamma.

    Example:
        >>> losses.BinaryFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.8]])
        <Tensor f32[] 0.0911>
    """

    def __init__(self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0,
                 axis=-1, reduction="sum_over_batch_size", name="binary_focal_crossentropy", dtype=None):
        super().__init__(binary_focal_crossentropy, reduction, name, dtype,
                         apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma,
                         from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Categorical cross-entropy that looks away from what is already right, by (1 - p)^gamma.

    Example:
        >>> losses.CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.0022>
    """

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1,
                 reduction="sum_over_batch_size", name="categorical_focal_crossentropy", dtype=None):
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, alpha=alpha, gamma=gamma,
                         from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """(1 - p[t]^q) / q, robust to wrong labels. Raises ValueError unless 0 < q < 1.

    Args:
        q: between 0 and 1: from cross-entropy to absolute error, 0.5.

    Example:
        >>> losses.CategoricalGeneralizedCrossEntropy()([1], [[0.2, 0.8]])
        <Tensor f32[] 0.2111>
    """

    def __init__(self, q=0.5, reduction="sum_over_batch_size", name="categorical_generalized_cross_entropy",
                 dtype=None):
        if not 0 < q < 1:
            raise ValueError(f"q: expected a number between 0 and 1, received {q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
