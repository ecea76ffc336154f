"""Connectionist temporal classification: labels without times against scores over time."""
from __future__ import annotations

from kgraph import ops
from kgraph.losses.loss import LossFunctionWrapper
from kgraph.ops.loop import scan

LOG_ZERO = -1e5  # stands for the logarithm of zero: far below any path, and its sums stay finite


def ctc(y_true, y_pred):
    """Graves et al. (2006): minus the log-probability of the labels, summed over all their alignments.

    y_true  class ids (batch, labels), from 1 on; 0 is the blank, and pads short rows
    y_pred  logits (batch, steps, classes)
    Returns one value a row. Raises ValueError for other ranks.
    """
    y_pred, labels = ops.convert_to_tensor(y_pred), ops.cast(y_true, "int32")
    if len(labels.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError("ctc: expected y_true of shape (batch, labels) and y_pred of shape (batch, steps, classes), "
                         f"received {tuple(labels.shape)} and {tuple(y_pred.shape)}")
    batch, count = ops.shape(labels)
    blank = ops.zeros((batch, 1), "int32")
    # blanks before, between and after the labels: 2 n + 1 states
    states = ops.reshape(ops.stack([ops.zeros_like(labels), labels], axis=-1), (batch, 2 * count))
    states = ops.concatenate([states, blank], axis=1)
    before = ops.concatenate([blank, blank, states[:, :-2]], axis=1)
    may_skip = ops.logical_and(ops.not_equal(states, 0), ops.not_equal(states, before))
    classes = y_pred.shape[-1]
    emitted = ops.einsum("btk,bsk->tbs", ops.log_softmax(y_pred, axis=-1),
                         ops.one_hot(states, classes, dtype=y_pred.dtype))
    first = ops.arange(2 * count + 1) < 2
    start = ops.where(first, emitted[0], LOG_ZERO)
    last, _ = scan(lambda alpha, x: (_advance(alpha, x, may_skip), None), start, emitted[1:])
    length = 2 * ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=1)
    return -ops.logaddexp(_at(last, length), ops.where(length > 0, _at(last, ops.maximum(length - 1, 0)), LOG_ZERO))


def _advance(alpha, emitted, may_skip):
    """One step: stay, come from the state before, or skip the blank before."""
    none = ops.full_like(alpha[:, :1], LOG_ZERO)
    one = ops.concatenate([none, alpha[:, :-1]], axis=1)
    two = ops.concatenate([none, none, alpha[:, :-2]], axis=1)
    return ops.logaddexp(ops.logaddexp(alpha, one), ops.where(may_skip, two, LOG_ZERO)) + emitted


def _at(alpha, position):
    return ops.squeeze(ops.take_along_axis(alpha, ops.expand_dims(position, 1), axis=1), 1)


class CTC(LossFunctionWrapper):
    """Connectionist temporal classification."""

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        super().__init__(ctc, reduction, name, dtype)
