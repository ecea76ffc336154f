"""Connectionist temporal classification: labels without times against scores over time."""
from __future__ import annotations

from kgraph import ops
from kgraph.losses.loss import LossFunctionWrapper


def ctc(y_true, y_pred):
    """Graves et al. (2006): minus the log-probability of the labels, summed over all their alignments.

    Returns one value a row. Raises ValueError for other ranks.

    Args:
        y_true: class ids (batch, labels), from 1 on; 0 is the blank, and pads short rows
        y_pred: logits (batch, steps, classes)

    Example:
        >>> losses.ctc([[1, 2]], np.zeros((1, 4, 3), "float32"))
        <Tensor f32[1] [1.6864]>
    """
    y_pred, labels = ops.convert_to_tensor(y_pred), ops.cast(y_true, "int32")
    if len(labels.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError("ctc: expected y_true of shape (batch, labels) and y_pred of shape (batch, steps, classes), "
                         f"received {tuple(labels.shape)} and {tuple(y_pred.shape)}")
    batch, steps = ops.shape(y_pred)[:2]
    count = ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=1)
    all_steps = ops.broadcast_to(ops.cast(steps, "int32"), (batch,))
    return ops.ctc_loss(labels, y_pred, count, all_steps)


class CTC(LossFunctionWrapper):
    """Connectionist temporal classification.

    Example:
        >>> losses.CTC()([[1, 2]], np.zeros((1, 4, 3), "float32"))
        <Tensor f32[] 1.6864>
    """

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        super().__init__(ctc, reduction, name, dtype)
