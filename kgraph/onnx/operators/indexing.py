"""Operators that read and write at positions."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.onnx.registry import Floats, Ints, Known, onnx_op


@onnx_op("Gather", since=1)
def gather(x, indices, *, axis=0):
    return ops.take(x, indices, axis)


@onnx_op("GatherElements", since=11)
def gather_elements(x, indices, *, axis=0):
    axis = axis % len(x.shape)
    cut = tuple(slice(None) if i == axis else slice(0, n) for i, n in enumerate(indices.shape))
    same = all(i == axis or n == m for i, (n, m) in enumerate(zip(indices.shape, x.shape)))
    return ops.take_along_axis(x if same else ops.get_item(x, cut), indices, axis)


@onnx_op("GatherND", since=11)
def gather_nd(x, indices, *, batch_dims=0):
    depth = indices.shape[-1]
    key = [_axis_places(x.shape[i], i, len(indices.shape) - 1) for i in range(batch_dims)]
    key += [ops.get_item(indices, (Ellipsis, k)) for k in range(depth)]
    return ops.get_item(x, tuple(key))


def _axis_places(n, axis, rank):
    """0 ... n - 1 along one axis of so many."""
    return ops.reshape(ops.arange(n, dtype="int64"), tuple(n if i == axis else 1 for i in range(rank)))


_REDUCTIONS = {"none": None, "add": "add", "mul": "mul", "max": "max", "min": "min"}


@onnx_op("ScatterND", since=11)
def scatter_nd(x, indices, updates, *, reduction="none"):
    depth = indices.shape[-1]
    indices = _from_start(indices, x.shape[:depth])
    return ops.scatter_update(x, indices, updates, _REDUCTIONS[reduction])


def _from_start(indices, sizes):
    """Negative positions, which count from the end, as others."""
    limits = ops.stack([ops.convert_to_tensor(n, indices.dtype) for n in sizes])
    return ops.where(ops.less(indices, 0), indices + limits, indices)


@onnx_op("ScatterElements", "Scatter", since=9)
def scatter_elements(x, indices, updates, *, axis=0, reduction="none"):
    rank = len(x.shape)
    axis = axis % rank
    places = [indices if i == axis else ops.broadcast_to(_axis_places(n, i, rank), indices.shape)
              for i, n in enumerate(indices.shape)]
    full = ops.stack([ops.cast(p, "int64") for p in places], -1)
    return scatter_nd(x, full, updates, reduction=reduction)


@onnx_op("TensorScatter", since=24)
def tensor_scatter(past, update, write_indices=None, *, axis=-2, mode="linear"):
    """update written into a cache, for each batch from a position on that may wrap around."""
    rank = len(past.shape)
    axis = axis % rank
    steps = _axis_places(update.shape[axis], axis, rank)
    start = 0 if write_indices is None else ops.reshape(write_indices, (-1,) + (1,) * (rank - 1))
    places = steps + start
    places = ops.mod(places, past.shape[axis]) if mode == "circular" else places
    return scatter_elements(past, ops.broadcast_to(places, update.shape), update, axis=axis)


@onnx_op("OneHot", since=9)
def one_hot(indices, depth: Known, values, *, axis=-1):
    n = int(depth.item())
    indices = ops.cast(indices, "int64")
    indices = ops.where(ops.less(indices, 0), indices + n, indices)
    rank = len(indices.shape) + 1
    hot = ops.equal(ops.expand_dims(indices, axis), _axis_places(n, axis % rank, rank))
    return ops.where(hot, ops.get_item(values, 1), ops.get_item(values, 0))


# ------------------------------------------------------------------ results as long as the values say
@onnx_op("NonZero", since=9)
def non_zero(x: Known):
    return np.stack(np.nonzero(x)).astype("int64") if x.ndim else np.zeros((0, int(x != 0)), "int64")


@onnx_op("Compress", since=9)
def compress(x: Known, condition: Known, *, axis=None):
    return np.compress(condition, x, axis)


@onnx_op("Unique", since=11)
def unique(x: Known, *, axis=None, sorted=1):
    values, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(first)
        places = np.argsort(order)
        first, counts, inverse = first[order], counts[order], places[inverse]
        values = np.take(values, order, axis or 0)
    return values, first.astype("int64"), inverse.astype("int64"), counts.astype("int64")


@onnx_op("NonMaxSuppression", since=10)
def non_max_suppression(boxes: Known, scores: Known, most: Ints = None, overlap: Floats = None, least: Floats = None, *,
                        center_point_box=0):
    """Rows (batch, class, box) of the boxes that no better one of their class overlaps, best first."""
    most, overlap = (0 if most is None else most[0]), (0.0 if overlap is None else overlap[0])
    found = []
    for batch, of_class in enumerate(scores):
        corners = _corners(boxes[batch], center_point_box)
        for label, score in enumerate(of_class):
            kept = []
            for i in np.argsort(-score, kind="stable"):
                if len(kept) == most or least is not None and not score[i] > least[0]:
                    break
                if all(_overlap(corners[i], corners[k]) <= overlap for k in kept):
                    kept.append(i)
            found += [(batch, label, i) for i in kept]
    return np.array(found, "int64").reshape(-1, 3)


def _corners(boxes, centered):
    """(low, low, high, high) of each box."""
    if centered:
        center, half = boxes[:, :2], boxes[:, 2:] / 2
        return np.concatenate([center - half, center + half], 1)
    pairs = boxes.reshape(-1, 2, 2)
    return np.concatenate([pairs.min(1), pairs.max(1)], 1)


def _overlap(a, b):
    """The area that two boxes share, of that which they cover."""
    common = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    covered = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common
    return common / covered if covered > 0 else 0.0
