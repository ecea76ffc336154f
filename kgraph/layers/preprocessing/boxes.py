"""Bounding boxes of a batch of images: as tensors, and moved by the matrices that move images."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.utils.bounding_boxes import around, corners

__all__ = ["boxes_behind", "dense_boxes"]


def dense_boxes(found, what: str) -> dict:
    """A dict of "boxes" and "labels" with tensors in place of arrays or lists; `what` names it in errors. Lists of
    several lengths, one for each image, are filled up with boxes of 0 and labels of -1."""
    if not isinstance(found, dict) or not {"boxes", "labels"} <= set(found):
        has = f"one of {sorted(found)}" if isinstance(found, dict) else f"{type(found).__name__}"
        raise ValueError(f"{what}: expected bounding_boxes to be a dict of 'boxes' and 'labels', received {has}")
    boxes, labels = found["boxes"], found["labels"]
    if isinstance(boxes, (list, tuple)):
        if len(boxes) != len(labels):
            raise ValueError(f"{what}: expected as many labels as boxes, received {len(labels)} and {len(boxes)}")
        boxes, labels = (_filled_up(boxes, 0, 3), _filled_up(labels, -1, 2)) if _ragged(boxes) else (boxes, labels)
    boxes, labels = ops.convert_to_tensor(boxes, "float32"), ops.convert_to_tensor(labels)
    if len(boxes.shape) not in (2, 3) or len(labels.shape) not in (len(boxes.shape) - 1, len(boxes.shape)):
        raise ValueError(f"{what}: expected boxes [batch, boxes, 4] and labels [batch, boxes], or without the batch, "
                         f"received shapes {tuple(boxes.shape)} and {tuple(labels.shape)}")
    return {**found, "boxes": boxes, "labels": labels}


def _ragged(boxes) -> bool:
    return len({len(x) for x in boxes}) > 1


def _filled_up(rows, value, ndim):
    """Lists of several lengths as one array of rank ndim, with the value where there is nothing."""
    arrays = [np.asarray(row) for row in rows]
    longest = max(len(a) for a in arrays)
    rest = next((a.shape[1:] for a in arrays if len(a)), (4,) * (ndim - 2))
    found = np.full((len(arrays), longest, *rest), value, np.result_type(*(a for a in arrays if len(a)), np.int32))
    for row, array in zip(found, arrays):
        row[:len(array)] = array.reshape((len(array), *rest))
    return found


def boxes_behind(boxes, matrix):
    """The boxes around boxes [batch, boxes, 4] in images whose pixel (x, y) shows what was at (a0 x + a1 y + a2,
    b0 x + b1 y + b2), of vectors [a0, a1, a2, b0, b1, b2]."""
    a0, a1, a2, b0, b1, b2 = (ops.reshape(ops.cast(v, boxes.dtype), (-1, 1, 1)) for v in matrix)
    x, y = corners(boxes)
    x, y, factor = x - a2, y - b2, 1 / (a0 * b1 - a1 * b0)
    return around((b1 * x - a1 * y) * factor, (a0 * y - b0 * x) * factor)
