"""Labels and rows as the usual tutorials prepare them."""
from __future__ import annotations

import numpy as np

__all__ = ["normalize", "to_categorical"]


def to_categorical(x, num_classes=None):
    """Class numbers as rows of one-hot vectors: float64 array of shape x.shape + (num_classes,).

    x: integers in [0, num_classes); a last axis of size 1 is dropped. num_classes: default max(x) + 1.
    Raises ValueError for a class outside the range.

    Args:
        x: class ids.
        num_classes: how many there are; None: the largest id + 1.

    Returns:
        An array of one-hot rows.
    """
    x = np.asarray(x).astype("int64")
    if x.ndim > 1 and x.shape[-1] == 1:
        x = x[..., 0]
    if not num_classes:
        num_classes = int(x.max(initial=-1)) + 1
    if x.size and not (0 <= x.min() and x.max() < num_classes):
        outside = x.min() if x.min() < 0 else x.max()
        raise ValueError(f"to_categorical: expected classes in [0, {num_classes}), received {outside}")
    return np.eye(num_classes)[x]


def normalize(x, axis=-1, order=2):
    """x divided by its norm of the given order along an axis; where the norm is 0, x stays.

    Args:
        axis: along which, the last by default.
        order: of the norm, 2 by default.

    Returns:
        An array.
    """
    x = np.asarray(x)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)
