"""Losses between distributions, margins and regions: divergences, hinges, overlaps and the circle loss.

Args:
    beta: the weight of what is missed.
    alpha: the weight of what is predicted and is not there.
"""
from __future__ import annotations

from kgraph import ops
from kgraph.config import epsilon
from kgraph.graph import set_mask
from kgraph.losses.loss import LossFunctionWrapper, targets
from kgraph.losses.regression import pair


@targets("alike")
def kl_divergence(y_true, y_pred):
    """Kullback and Leibler (1951): sum over the last axis of t log(t / p), both clipped to [epsilon, 1].

    Example:
        >>> losses.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])
        <Tensor f32[1] [0.1438]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.clip(ops.convert_to_tensor(y_true, dtype=y_pred.dtype), epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / ops.clip(y_pred, epsilon(), 1.0)), axis=-1)


@targets("alike")
def poisson(y_true, y_pred):
    """mean(p - t log(p + epsilon)): minus the log-likelihood of counts t at rate p, up to a constant.

    Example:
        >>> losses.poisson([[1.0, 2.0]], [[1.0, 1.5]])
        <Tensor f32[1] [0.8445]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    return ops.mean(y_pred - y_true * ops.log(y_pred + epsilon()), axis=-1)


@targets("alike")
def hinge(y_true, y_pred):
    """mean(max(1 - t p, 0)); labels -1 and 1 (labels 0 and 1 are converted).

    Example:
        >>> losses.hinge([[-1.0, 1.0]], [[0.5, 2.0]])
        <Tensor f32[1] [0.75]>
    """
    y_true, y_pred = _signed(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


@targets("alike")
def squared_hinge(y_true, y_pred):
    """mean(max(1 - t p, 0)^2); labels -1 and 1 (labels 0 and 1 are converted).

    Example:
        >>> losses.squared_hinge([[-1.0, 1.0]], [[0.5, 2.0]])
        <Tensor f32[1] [1.125]>
    """
    y_true, y_pred = _signed(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


@targets("alike")
def categorical_hinge(y_true, y_pred):
    """max(1 + the best wrong score - the right score, 0); labels one-hot.

    Example:
        >>> losses.categorical_hinge([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[1] [0.4]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


@targets("alike")
def dice(y_true, y_pred, axis=None):
    """1 - 2 |t and p| / (|t| + |p|), over all axes or ``axis`` (Dice 1945).

    Example:
        >>> losses.dice([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.2>
    """
    y_true, y_pred = _cast(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + epsilon())


@targets("alike")
def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - |t and p| / (|t and p| + alpha |t not p| + beta |p not t|) (Salehi et al. 2017).

    Example:
        >>> losses.tversky([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.2>
    """
    y_true, y_pred = _cast(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum((1.0 - y_pred) * y_true, axis=axis)
    extra = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + missed * alpha + extra * beta + epsilon())


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """Circle loss (Sun et al. 2020) on unit embeddings y_pred ``(batch, d)`` with class ids y_true ``(batch,)``.

    Args:
        gamma: a factor of the scores, 80.
        margin: how far from the best scores pairs stop to count, 0.4.
        ref_labels, ref_embeddings: samples to compare with; None: the batch itself.
        remove_diagonal: do not compare a sample with itself. True by default.

    Example:
        >>> losses.circle([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        <Tensor f32[3] [ 0.  38.4  0. ]>
    """
    y_pred = ops.convert_to_tensor(y_pred)
    keys = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    key_labels = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int32"), (-1, 1))
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(keys)), 0.0)
    same = ops.equal(labels, ops.transpose(key_labels))
    other = ops.logical_not(same)
    if remove_diagonal:
        rows, columns = ops.shape(distance)
        same = ops.logical_and(same, ops.not_equal(ops.expand_dims(ops.arange(rows), 1), ops.arange(columns)))
    near = ops.maximum(margin + distance, 0.0) * (margin - distance) * -gamma
    far = ops.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance) * gamma
    none = float("-inf")
    values = ops.softplus(ops.logsumexp(ops.where(same, near, none), axis=1)
                          + ops.logsumexp(ops.where(other, far, none), axis=1))
    set_mask(values, values > 0)
    return values


def _cast(y_true, y_pred):
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.cast(y_true, y_pred.dtype), y_pred


def _signed(y_true, y_pred):
    """Labels 0 and 1, when there are no others, as -1 and 1."""
    y_true, y_pred = pair(y_true, y_pred)
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true), y_pred


class KLDivergence(LossFunctionWrapper):
    """sum(t log(t / p))

    Example:
        >>> losses.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])
        <Tensor f32[] 0.1438>
    """

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """mean(p - t log p)

    Example:
        >>> losses.Poisson()([[1.0, 2.0]], [[1.0, 1.5]])
        <Tensor f32[] 0.8445>
    """

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(poisson, reduction, name, dtype)


class Hinge(LossFunctionWrapper):
    """mean(max(1 - t p, 0))

    Example:
        >>> losses.Hinge()([[-1.0, 1.0]], [[0.5, 2.0]])
        <Tensor f32[] 0.75>
    """

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """mean(max(1 - t p, 0)^2)

    Example:
        >>> losses.SquaredHinge()([[-1.0, 1.0]], [[0.5, 2.0]])
        <Tensor f32[] 1.125>
    """

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """max(1 + the best wrong score - the right score, 0)

    Example:
        >>> losses.CategoricalHinge()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.4>
    """

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, reduction, name, dtype)


class Dice(LossFunctionWrapper):
    """1 - Dice coefficient

    Example:
        >>> losses.Dice()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.2>
    """

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """1 - Tversky index

    Example:
        >>> losses.Tversky()([[0.0, 1.0]], [[0.2, 0.8]])
        <Tensor f32[] 0.2>
    """

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None, dtype=None):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class Circle(LossFunctionWrapper):
    """Circle loss on unit embeddings.

    Args:
        gamma: a factor of the scores, 80.
        margin: how far from the best scores pairs stop to count, 0.4.
        remove_diagonal: do not compare a sample with itself. True by default.

    Example:
        >>> losses.Circle()([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        <Tensor f32[] 19.2>
    """

    def __init__(self, gamma=80.0, margin=0.4, remove_diagonal=True, reduction="sum_over_batch_size", name="circle",
                 dtype=None):
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)
