"""Boxes in images: the functions of tf.image that choose, cut out and draw them, on the host."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kgraph import ops
from kgraph.compiler.trace import Tensor

__all__ = ["combined_non_max_suppression", "crop_and_resize", "draw_bounding_boxes", "non_max_suppression",
           "non_max_suppression_padded", "non_max_suppression_with_scores"]


class Detections(NamedTuple):
    """The best boxes of each image, their scores and classes, and how many there are."""

    nmsed_boxes: object
    nmsed_scores: object
    nmsed_classes: object
    valid_detections: object


def _kept(boxes, scores, count, iou_threshold, score_threshold) -> np.ndarray:
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    areas = np.prod(high - low, axis=1)
    kept = np.zeros(0, int)
    for i in np.argsort(-scores, kind="stable"):
        if len(kept) >= int(count) or scores[i] <= score_threshold:
            break
        common = np.prod(np.maximum(np.minimum(high[i], high[kept]) - np.maximum(low[i], low[kept]), 0), axis=-1)
        union = areas[i] + areas[kept] - common
        if not np.any(np.where(union > 0, common / np.where(union > 0, union, 1), 0) > iou_threshold):
            kept = np.append(kept, i)
    return kept


def non_max_suppression(boxes, scores, max_output_size, iou_threshold=0.5, score_threshold=-math.inf, name=None):
    """The numbers of boxes [y1, x1, y2, x2], best first, that overlap no better one by more than iou_threshold."""
    boxes, scores = np.asarray(boxes, "float32"), np.asarray(scores)
    return Tensor(_kept(boxes, scores, max_output_size, float(iou_threshold), float(score_threshold)).astype("int32"))


def non_max_suppression_with_scores(boxes, scores, max_output_size, iou_threshold=0.5, score_threshold=-math.inf,
                                    soft_nms_sigma=0.0, name=None):
    """(numbers of boxes, their scores); soft_nms_sigma is 0: scores stay as they are."""
    if soft_nms_sigma:
        raise NotImplementedError(f"expected soft_nms_sigma=0.0, received {soft_nms_sigma}")
    chosen = non_max_suppression(boxes, scores, max_output_size, iou_threshold, score_threshold)
    return chosen, ops.take(scores, chosen)


def non_max_suppression_padded(boxes, scores, max_output_size, iou_threshold=0.5, score_threshold=-math.inf,
                               pad_to_max_output_size=False, name=None, sorted_input=False,
                               canonicalized_coordinates=False, tile_size=512):
    """(numbers of boxes, filled up with 0 to max_output_size on demand, how many count)."""
    chosen = non_max_suppression(boxes, scores, max_output_size, iou_threshold, score_threshold).numpy()
    room = int(max_output_size) - len(chosen) if pad_to_max_output_size else 0
    return Tensor(np.pad(chosen, (0, room))), Tensor(np.int32(len(chosen)))


def combined_non_max_suppression(boxes, scores, max_output_size_per_class, max_total_size, iou_threshold=0.5,
                                 score_threshold=-math.inf, pad_per_class=False, clip_boxes=True, name=None):
    """The best boxes of all classes for each image of a batch, filled up with zeros.

    boxes   [batch, n, classes or 1, 4];  scores  [batch, n, classes]
    """
    boxes, scores = np.asarray(boxes, "float32"), np.asarray(scores, "float32")
    total, each = int(max_total_size), int(max_output_size_per_class)
    size = min(total, each * scores.shape[2]) if pad_per_class else total
    found = np.zeros((len(boxes), size, 4), "float32"), *np.zeros((2, len(boxes), size), "float32")
    counts = np.zeros(len(boxes), "int32")
    for i, (of, points) in enumerate(zip(boxes, scores)):
        rows = [(points[k, c], c, of[k, c if of.shape[1] > 1 else 0]) for c in range(points.shape[1])
                for k in _kept(of[:, c if of.shape[1] > 1 else 0], points[:, c], each, iou_threshold, score_threshold)]
        rows.sort(key=lambda row: -row[0])
        counts[i] = len(rows[:size])
        for j, (score, c, box) in enumerate(rows[:size]):
            found[0][i, j], found[1][i, j], found[2][i, j] = np.clip(box, 0, 1) if clip_boxes else box, score, c
    return Detections(*map(Tensor, found), Tensor(counts))


def crop_and_resize(image, boxes, box_indices, crop_size, method="bilinear", extrapolation_value=0.0, name=None):
    """Parts of images, each of the size crop_size: boxes [n, 4] in shares of height and width, box_indices: of which
    image. What lies outside an image is extrapolation_value."""
    images, boxes = np.asarray(image, "float32"), np.asarray(boxes, "float32")
    sizes, (height, width) = images.shape[1:3], (int(n) for n in np.asarray(crop_size))

    def places(low, high, count, size):
        if count == 1:
            return np.array([0.5 * (low + high) * (size - 1)])
        return low * (size - 1) + np.arange(count) * (high - low) * (size - 1) / (count - 1)
    found = np.full((len(boxes), height, width, images.shape[3]), extrapolation_value, "float32")
    for i, (box, k) in enumerate(zip(boxes.astype("float64"), np.asarray(box_indices))):
        y, x = places(box[0], box[2], height, sizes[0]), places(box[1], box[3], width, sizes[1])
        rows, columns = (np.flatnonzero((p >= 0) & (p <= n - 1)) for p, n in zip((y, x), sizes))
        if rows.size and columns.size:
            found[i][np.ix_(rows, columns)] = _at(images[int(k)], y[rows], x[columns], method)
    return Tensor(found)


def _at(image, y, x, method):
    if method == "nearest":
        return image[np.ix_(np.floor(y + 0.5).astype(int), np.floor(x + 0.5).astype(int))]
    if method != "bilinear":
        raise ValueError(f"crop_and_resize: expected method 'bilinear' or 'nearest', received {method!r}")
    (top, left), (bottom, right) = (np.floor(p).astype(int) for p in (y, x)), (np.ceil(p).astype(int) for p in (y, x))
    down, across = (y - top)[:, None, None], (x - left)[None, :, None]
    upper = image[np.ix_(top, left)] * (1 - across) + image[np.ix_(top, right)] * across
    lower = image[np.ix_(bottom, left)] * (1 - across) + image[np.ix_(bottom, right)] * across
    return upper * (1 - down) + lower * down


def draw_bounding_boxes(images, boxes, colors, name=None):
    """Images with the edges of boxes [batch, n, 4] (shares of height and width) in colors, which come in turn."""
    found = np.array(images, "float32")
    height, width, depth = found.shape[1:]
    colors = np.asarray(colors if colors is not None else [[1, 1, 0, 1]], "float32")[:, :depth]
    for image, of in zip(found, np.asarray(boxes, "float32")):
        for j, box in enumerate(of):
            top, left, bottom, right = (int(v * (n - 1)) for v, n in zip(box, (height, width) * 2))
            if top > bottom or left > right or bottom < 0 or right < 0 or top >= height or left >= width:
                continue
            color = colors[j % len(colors)]
            rows, columns = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
            for y in (top, bottom):
                if 0 <= y < height:
                    image[y, columns] = color
            for x in (left, right):
                if 0 <= x < width:
                    image[rows, x] = color
    return Tensor(found)
