"""Boxes around things in images: formats, overlaps, and what moving an image does to them.

A box is four numbers on the last axis. Formats: xyxy (left, top, right, bottom), yxyx, xywh (left, top, width, height),
center_xywh, center_yxhw, in pixels; rel_xyxy, rel_yxyx, rel_xywh and rel_center_xywh as shares of the image's size.

Args:
    boxes, boxes1, boxes2, bounding_boxes, anchors: [boxes, 4] or [batch, boxes, 4], or a dict of "boxes" and "labels".
    bounding_box_format, source, target, anchor_format, box_format, encoded_format, encoding_format: what the four
        numbers mean: "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy" or "rel_yxyx".
    height, width, image_shape: of the image.
    top, left: where a part begins, or how much is added.
    scale: of the change.
    mask_val: what stands for no box, -1.
    boxes_delta: as encode_box_to_deltas gives them.
    variance: what deltas are divided by; None: 1.

Returns:
    Boxes, or for two sets of them a number for each pair.
"""
from __future__ import annotations

import math

from kgraph import ops
from kgraph.config import epsilon
from kgraph.naming import nearest

__all__ = ["affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop",
           "decode_deltas_to_boxes", "encode_box_to_deltas", "pad"]

FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def _split(boxes) -> list:
    return [boxes[..., i:i + 1] for i in range(4)]


def _to_xyxy(boxes, form):
    a, b, c, d = _split(boxes)
    if form in ("yxyx", "center_yxhw"):   # rows first
        a, b, c, d = b, a, d, c
    if form.startswith("center"):
        a, b = a - c / 2, b - d / 2
    if form not in ("xyxy", "yxyx"):
        c, d = a + c, b + d
    return ops.concatenate([a, b, c, d], axis=-1)


def _from_xyxy(boxes, form):
    a, b, c, d = _split(boxes)
    if form not in ("xyxy", "yxyx"):
        c, d = c - a, d - b
    if form.startswith("center"):
        a, b = a + c / 2, b + d / 2
    if form in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    return ops.concatenate([a, b, c, d], axis=-1)


def convert_format(boxes, source, target, height=None, width=None, dtype="float32"):
    """Boxes of the format source in the format target; of a dict, its "boxes".

    Raises ValueError for an unknown format, a last axis that is not 4, a missing size.

    Args:
        height, width: of the image; only needed between pixels and shares
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    boxes = ops.convert_to_tensor(boxes)
    if boxes.shape[-1] != 4:
        raise ValueError(f"convert_format: expected boxes with a last axis of 4, received shape {tuple(boxes.shape)}")
    source, target = source.lower(), target.lower()
    for name, value in (("source", source), ("target", target)):
        if value not in FORMATS:
            raise ValueError(f"convert_format: expected {name} among {', '.join(FORMATS)}, received {value!r}."
                             f"{nearest(value, FORMATS)}")
    if "rel_" in source + target and (height is None or width is None):
        raise ValueError(f"convert_format: expected the image's height and width, from {source} to {target}, received "
                         f"height={height}, width={width}")
    boxes = ops.cast(boxes, dtype)
    if source == target:
        return boxes
    relative = [f.startswith("rel_") for f in (source, target)]
    found = _to_xyxy(boxes, source.removeprefix("rel_"))
    if relative[0] != relative[1]:
        w, h = ops.cast(width, dtype), ops.cast(height, dtype)
        size = ops.stack([w, h, w, h])
        found = found * size if relative[0] else found / size
    return _from_xyxy(found, target.removeprefix("rel_"))


def clip_to_image_size(bounding_boxes, height=None, width=None, bounding_box_format="xyxy"):
    """A dict with "boxes" cut to the image; "labels" of those that lie outside become -1. Formats: xyxy, rel_xyxy.

    Raises:
        ValueError: an unknown format.
    """
    _only(bounding_box_format, ("xyxy", "rel_xyxy"))
    if bounding_box_format == "xyxy" and (height is None or width is None):
        raise ValueError(f"clip_to_image_size: expected height and width for xyxy, received {height}, {width}")
    height, width = (height, width) if bounding_box_format == "xyxy" else (1.0, 1.0)
    boxes = _clipped(ops.convert_to_tensor(bounding_boxes["boxes"]), height, width)
    found = {**bounding_boxes, "boxes": boxes}
    if found.get("labels") is not None:
        labels = ops.convert_to_tensor(found["labels"])
        found["labels"] = ops.where(_area(boxes) > 0, labels, ops.cast(-1, labels.dtype))
    return found


def _clipped(boxes, height, width):
    limits = (width, height, width, height)
    return ops.concatenate([ops.minimum(ops.maximum(x, ops.cast(0, x.dtype)), ops.cast(most, x.dtype))
                            for x, most in zip(_split(boxes), limits)], axis=-1)


def _area(boxes):
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _only(form, known):
    if form not in known:
        raise NotImplementedError(f"expected bounding_box_format {' or '.join(known)}, received {form!r}: "
                                  "convert_format gives it")


def affine_transform(boxes, angle, translate_x, translate_y, scale, shear_x, shear_y, height, width, center_x=None,
                     center_y=None, bounding_box_format="xyxy"):
    """The upright boxes around boxes [batch, boxes, 4] that moved with their image.

    Args:
        angle, shear_x, shear_y: degrees, one for each image
        translate_x, translate_y: shares of width - 1 and height - 1; scale: 1 keeps the size
        center_x, center_y: what the image turns around, as shares; default 0.5
    """
    _only(bounding_box_format, ("xyxy",))
    angle = ops.convert_to_tensor(angle)
    turn, sx, sy = (ops.convert_to_tensor(x) * (-math.pi / 180) for x in (angle, shear_x, shear_y))
    cx, cy = (0.5 if c is None else c for c in (center_x, center_y))
    cx, cy = cx * (width - 1), cy * (height - 1)
    tx, ty = cx - translate_x * (width - 1), cy - translate_y * (height - 1)
    a, c = ops.cos(turn - sy) / ops.cos(sy), -ops.sin(turn - sy) / ops.cos(sy)
    b = a * ops.tan(sx) + ops.sin(turn)
    d = ops.cos(turn) - c * ops.tan(sx)
    a0, a1, b0, b1 = d * scale, -b * scale, -c * scale, a * scale
    wide = lambda x: x[:, None, None]
    boxes = ops.cast(boxes, angle.dtype)
    x, y = corners(boxes)
    return around(wide(a0) * x + wide(a1) * y + wide(cx - a0 * tx - a1 * ty),
                   wide(b0) * x + wide(b1) * y + wide(cy - b0 * tx - b1 * ty))


def corners(boxes):
    """x and y of the four corners of boxes: each [..., 4]."""
    return ops.take(boxes, [0, 2, 2, 0], axis=-1), ops.take(boxes, [1, 1, 3, 3], axis=-1)


def around(x, y):
    """The boxes around points: x and y of corners on the last axis."""
    return ops.stack([ops.min(x, axis=-1), ops.min(y, axis=-1), ops.max(x, axis=-1), ops.max(y, axis=-1)], axis=-1)


def crop(boxes, top, left, height, width, bounding_box_format="xyxy"):
    """Boxes in the part of an image that begins at (top, left) and has that height and width."""
    _only(bounding_box_format, ("xyxy",))
    return _clipped(pad(boxes, -top, -left), height, width)


def pad(boxes, top, left, height=None, width=None, bounding_box_format="xyxy"):
    """Boxes in an image that got so many rows at the top and columns at the left."""
    _only(bounding_box_format, ("xyxy",))
    x1, y1, x2, y2 = _split(ops.convert_to_tensor(boxes))
    return ops.concatenate([x1 + left, y1 + top, x2 + left, y2 + top], axis=-1)


def _codes(what, form, variance, image_shape):
    if form not in ("center_xywh", "center_yxhw"):
        raise ValueError(f"{what}: expected center_xywh or center_yxhw, received {form!r}")
    if variance is not None:
        variance = ops.convert_to_tensor(variance, "float32")
        if variance.shape[-1] != 4:
            raise ValueError(f"{what}: expected a variance of four numbers, received shape {tuple(variance.shape)}")
    height, width = (None, None) if image_shape is None else image_shape[:2]
    return variance, height, width


def encode_box_to_deltas(anchors, boxes, anchor_format, box_format, encoding_format="center_yxhw", variance=None,
                         image_shape=None):
    """What a detector learns: distances of boxes from anchors in sizes of the anchors, and logarithms of the ratios of
    sizes, divided by variance (Ren et al., Faster R-CNN). image_shape: (height, width, channels), for shares."""
    variance, height, width = _codes("encoding_format", encoding_format, variance, image_shape)
    anchors = convert_format(anchors, anchor_format, encoding_format, height, width)
    boxes = convert_format(boxes, box_format, encoding_format, height, width)
    size, wanted = ops.maximum(anchors[..., 2:], epsilon()), ops.maximum(boxes[..., 2:], epsilon())
    deltas = ops.concatenate([(boxes[..., :2] - anchors[..., :2]) / size, ops.log(wanted / size)], axis=-1)
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(anchors, boxes_delta, anchor_format, box_format, encoded_format="center_yxhw", variance=None,
                           image_shape=None):
    """The boxes that encode_box_to_deltas encoded. Dicts of anchors and deltas of several levels give a dict."""
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decode_deltas_to_boxes(anchor, boxes_delta[level], anchor_format, box_format, encoded_format,
                                              variance, image_shape) for level, anchor in anchors.items()}
    variance, height, width = _codes("encoded_format", encoded_format, variance, image_shape)
    anchor = convert_format(anchors, anchor_format, encoded_format, height, width)
    delta = ops.convert_to_tensor(boxes_delta)
    delta = delta if variance is None else delta * variance
    place, size = anchor[..., :2], anchor[..., 2:]
    boxes = ops.concatenate([delta[..., :2] * size + place, ops.exp(delta[..., 2:]) * size], axis=-1)
    return convert_format(boxes, encoded_format, box_format, height, width)


def compute_iou(boxes1, boxes2, bounding_box_format, use_masking=False, mask_val=-1, image_shape=None):
    """Intersection over union of every box of boxes1 [.., n, 4] with every one of boxes2 [.., m, 4]: [.., n, m].

    Args:
        use_masking: pairs of a box whose numbers are all negative get mask_val
        image_shape: (height, width, channels), for formats of shares

    Raises:
        ValueError: boxes of another rank.
    """
    height, width = _size("compute_iou", bounding_box_format, image_shape)
    one, two = (convert_format(b, bounding_box_format, "xyxy", height, width) for b in (boxes1, boxes2))
    for name, boxes in (("boxes1", one), ("boxes2", two)):
        if len(boxes.shape) not in (2, 3):
            raise ValueError(f"compute_iou: expected {name} of rank 2 or 3, received shape {tuple(boxes.shape)}")
    one, two = one[..., :, None, :], two[..., None, :, :]
    shared = _intersection(one, two)
    iou = shared / (_area(one) + _area(two) - shared + epsilon())
    if not use_masking:
        return iou
    empty = ops.logical_or(ops.max(one, axis=-1) < 0, ops.max(two, axis=-1) < 0)
    return ops.where(empty, ops.cast(mask_val, iou.dtype), iou)


def _size(what, form, image_shape):
    if "rel" in form and image_shape is None:
        raise ValueError(f"{what}: expected image_shape for the format {form}, received None")
    return (None, None) if image_shape is None else image_shape[:2]


def _intersection(one, two):
    low, high = ops.maximum(one[..., :2], two[..., :2]), ops.minimum(one[..., 2:], two[..., 2:])
    sides = ops.maximum(high - low, 0.0)
    return sides[..., 0] * sides[..., 1]


def compute_ciou(boxes1, boxes2, bounding_box_format, image_shape=None):
    """Complete IoU of boxes1 with boxes2 of the same shape [..., 4]: IoU less the distance of the centers and the
    difference of the proportions (Zheng et al., https://arxiv.org/abs/2005.03572)."""
    height, width = _size("compute_ciou", bounding_box_format, image_shape)
    one, two = (convert_format(b, bounding_box_format, "xyxy", height, width) for b in (boxes1, boxes2))
    eps = epsilon()
    sides = lambda b: (b[..., 2] - b[..., 0], b[..., 3] - b[..., 1] + eps)
    (w1, h1), (w2, h2) = sides(one), sides(two)
    shared = _intersection(one, two)
    iou = shared / (w1 * h1 + w2 * h2 - shared + 2 * eps)
    hull = ops.maximum(one[..., 2:], two[..., 2:]) - ops.minimum(one[..., :2], two[..., :2])
    apart = (one[..., :2] + one[..., 2:] - two[..., :2] - two[..., 2:]) / 2
    far = ops.sum(ops.square(apart), axis=-1) / (ops.sum(ops.square(hull), axis=-1) + eps)
    v = 4 / math.pi ** 2 * ops.square(ops.arctan(w2 / h2) - ops.arctan(w1 / h1))
    return iou - (far + v * (v / (v - iou + (1 + eps))))


def __dir__():
    return sorted(__all__)
