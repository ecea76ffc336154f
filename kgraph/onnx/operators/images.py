"""Pictures in other sizes and at other places: Resize, Upsample, GridSample, AffineGrid, RoiAlign."""
from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from kgraph import budget, ops
from kgraph.compiler.dims import Dim
from kgraph.compiler.loopnest.dtypes import is_float
from kgraph.onnx.operators.windows import bilinear
from kgraph.onnx.registry import Floats, Ints, NeedsValues, onnx_op
from kgraph.ops.create import iota


# ------------------------------------------------------------------ Resize: axis by axis
class _Axis:
    """How one axis of size n becomes one of m: scale = m / n as the file has it, roi (start, end) of crops."""

    def __init__(self, n, m, scale, roi, transform, cubic, exclude_outside, antialias):
        self.n, self.m, self.scale, self.roi = n, m, scale, roi
        self.transform, self.cubic, self.exclude_outside = transform, cubic, exclude_outside
        self.stretch = min(scale, 1.0) if antialias else 1.0

    def places(self) -> np.ndarray:
        """Where each output lies on the input, as a float."""
        n, m, scale, at = self.n, self.m, self.scale, np.arange(self.m, dtype="float64")
        if self.transform == "half_pixel":
            return (at + 0.5) / scale - 0.5
        if self.transform == "pytorch_half_pixel":
            return (at + 0.5) / scale - 0.5 if scale * n > 1 else np.zeros(m)
        if self.transform == "half_pixel_symmetric":
            center = n / 2 * (1 - m / (scale * n))
            return center + (at + 0.5) / scale - 0.5
        if self.transform == "asymmetric":
            return at / scale
        if self.transform == "align_corners":
            length = scale * n
            return at * (n - 1) / (length - 1) if length > 1 else np.zeros(m)
        if self.transform == "tf_half_pixel_for_nn":
            return (at + 0.5) / scale
        if self.transform == "tf_crop_and_resize":
            start, end = self.roi
            if m > 1:
                return start * (n - 1) + at * (end - start) * (n - 1) / (m - 1)
            return np.full(m, 0.5 * (start + end) * (n - 1))
        raise ValueError(f"Resize: unknown coordinate_transformation_mode {self.transform!r}")

    def nearest(self, mode) -> np.ndarray:
        places = self.places()
        rounded = {"round_prefer_floor": np.ceil(places - 0.5), "round_prefer_ceil": np.floor(places + 0.5),
                   "floor": np.floor(places), "ceil": np.ceil(places)}
        if mode not in rounded:
            raise ValueError(f"Resize: expected nearest_mode to be one of {', '.join(rounded)}, received {mode!r}")
        return np.clip(rounded[mode].astype("int64"), 0, self.n - 1)

    def taps(self, mode) -> tuple:
        """(the elements that each output reads, their weights), both (m, taps)."""
        places = self.places()
        reach = (1 if mode == "linear" else 2) / self.stretch
        first = np.floor(places - reach).astype("int64") + 1
        count = int(np.ceil(2 * reach)) + (1 if self.stretch != 1.0 else 0)
        budget.spend(24 * self.m * count, f"{self.m} places of {count} elements")
        at = first[:, None] + np.arange(count)
        distance = np.abs(at - places[:, None]) * self.stretch
        weights = np.maximum(1 - distance, 0) if mode == "linear" else _cubic(distance, self.cubic)
        if self.exclude_outside:
            weights = np.where((at >= 0) & (at < self.n), weights, 0)
        if self.exclude_outside or self.stretch != 1.0:
            weights = weights / weights.sum(1, keepdims=True)
        return np.clip(at, 0, self.n - 1), weights


def _cubic(d, a):
    """Keys, "Cubic convolution interpolation for digital image processing", 1981."""
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


@onnx_op("Resize", since=11)
def resize(x, roi: Floats = None, scales: Floats = None, sizes: Ints = None, *, antialias=0, axes=None,
           coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75, exclude_outside=0,
           extrapolation_value=0.0, keep_aspect_ratio_policy="stretch", mode="nearest",
           nearest_mode="round_prefer_floor"):
    rank = len(x.shape)
    axes = list(range(rank)) if axes is None else [a % rank for a in axes]
    sizes = _sizes(x, axes, scales, sizes, keep_aspect_ratio_policy)
    outside = []
    for i, axis in enumerate(axes):
        n, (m, scale) = x.shape[axis], sizes[i]
        crop = (roi[i], roi[i + len(axes)]) if roi else (0.0, 1.0)
        entire = coordinate_transformation_mode != "tf_crop_and_resize" or crop == (0.0, 1.0)
        if entire and (n == m and scale == 1):
            continue
        if isinstance(n, Dim) or isinstance(m, Dim):
            whole = int(scale) if scale is not None and float(scale).is_integer() else scale
            x = _open(x, axis, m, whole, mode, coordinate_transformation_mode, nearest_mode)
            continue
        how = _Axis(n, m, scale, crop, coordinate_transformation_mode, cubic_coeff_a, exclude_outside, antialias)
        x = _resized(x, axis, how, mode, nearest_mode)
        if not entire:
            outside.append((axis, (how.places() < 0) | (how.places() > n - 1)))
    for axis, mask in outside:
        mask = ops.reshape(mask, tuple(-1 if i == axis else 1 for i in range(rank)))
        x = ops.cast(ops.where(mask, ops.convert_to_tensor(extrapolation_value, x.dtype), x), x.dtype)
    return x


def _sizes(x, axes, scales, sizes, policy) -> list:
    """(new size, scale) of each axis."""
    old = [x.shape[a] for a in axes]
    if not sizes:
        if not scales or len(scales) != len(axes):
            raise ValueError(f"Resize: expected scales or sizes for {len(axes)} axes, received {scales} and {sizes}")
        return [(_times(n, s), s) for n, s in zip(old, scales)]
    if len(sizes) != len(axes):
        raise ValueError(f"Resize: expected sizes for {len(axes)} axes, received {sizes}")
    if policy == "stretch":
        return [(m, 1 if m == n else _ratio(m, n)) for m, n in zip(sizes, old)]
    choose = min if policy == "not_larger" else max
    scale = choose(m / n for m, n in zip(sizes, old))
    return [(int(np.floor(scale * n + 0.5)), scale) for n in old]


def _times(n, scale):
    if isinstance(n, int):
        return int(np.floor(n * scale))
    exact = Fraction(scale).limit_denominator(1 << 12)
    return n * exact.numerator // exact.denominator if exact.denominator > 1 else n * exact.numerator


def _ratio(m, n):
    """m / n; None where that is not known."""
    if isinstance(m, int) and isinstance(n, int):
        return m / n
    whole = m // n if isinstance(m, Dim) else None
    return whole if isinstance(whole, int) else None


def _resized(x, axis, how, mode, nearest_mode):
    if mode == "nearest":
        return ops.take(x, how.nearest(nearest_mode), axis)
    if mode not in ("linear", "cubic"):
        raise ValueError(f"Resize: expected mode nearest, linear or cubic, received {mode!r}")
    at, weights = how.taps(mode)
    dtype = x.dtype if is_float(x.dtype) else "float32"
    total = 0.0
    for k in range(at.shape[1]):
        weight = ops.reshape(weights[:, k].astype(dtype), tuple(-1 if i == axis else 1 for i in range(len(x.shape))))
        total = total + ops.cast(ops.take(x, at[:, k], axis), dtype) * weight
    return ops.cast(total, x.dtype)


def _open(x, axis, m, scale, mode, transform, nearest_mode):
    """An axis of which the old or the new size is not known yet: places are fractions of integers, `over` / `under`."""
    n = x.shape[axis]
    if mode == "nearest" and isinstance(scale, int) and (transform, nearest_mode) in _REPEATS:
        return ops.repeat(x, scale, axis=axis)
    size = lambda k: ops.convert_to_tensor(k, "int64")
    ratio = (m, n) if scale is None else Fraction(scale).limit_denominator(1 << 12).as_integer_ratio()
    new, old = map(size, ratio)
    at = iota(m, "int64")
    fractions = {"asymmetric": lambda: (at * old, new), "half_pixel": lambda: ((at * 2 + 1) * old - new, new * 2),
                 "align_corners": lambda: (at * (size(n) - 1), ops.maximum(size(m) - 1, size(1)))}
    fractions["pytorch_half_pixel"] = fractions["half_pixel"]
    if transform not in fractions or mode not in ("nearest", "linear"):
        raise NeedsValues(f"Resize: expected known sizes for mode {mode} with {transform}")
    over, under = fractions[transform]()
    inside = lambda places: ops.clip(places, size(0), size(n) - 1)
    if mode == "nearest":
        return ops.take(x, inside(_ROUNDED[nearest_mode](over, under)), axis)
    first = ops.floor_divide(over, under)
    share = ops.cast(over - first * under, x.dtype) / ops.cast(under, x.dtype)
    share = ops.reshape(share, tuple(m if i == axis else 1 for i in range(len(x.shape))))
    return ops.take(x, inside(first), axis) * (1.0 - share) + ops.take(x, inside(first + 1), axis) * share


# What repeats each element, where an axis becomes a whole number of times as long.
_REPEATS = {("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil"),
            ("pytorch_half_pixel", "round_prefer_floor"), ("pytorch_half_pixel", "round_prefer_ceil")}
_ROUNDED = {"floor": ops.floor_divide, "ceil": lambda a, b: -ops.floor_divide(-a, b),
            "round_prefer_floor": lambda a, b: -ops.floor_divide(b - a * 2, b * 2),
            "round_prefer_ceil": lambda a, b: ops.floor_divide(a * 2 + b, b * 2)}


@onnx_op("Resize", since=10)
def resize_10(x, scales: Floats, *, mode="nearest"):
    return resize(x, None, scales, mode=mode, coordinate_transformation_mode="asymmetric", nearest_mode="floor")


@onnx_op("Upsample", since=9)
def upsample(x, scales: Floats, *, mode="nearest"):
    return resize_10(x, scales, mode=mode)


@onnx_op("Upsample", since=7)
def upsample_7(x, *, scales, mode="nearest"):
    return resize_10(x, scales, mode=mode)


# ------------------------------------------------------------------ GridSample
@onnx_op("AffineGrid", since=20)
def affine_grid(theta, size: Ints, *, align_corners=0):
    """The places in [-1, 1] that an affine map [n, space, space + 1] gives to each pixel."""
    space = size[2:]
    axes = []
    for n in space:
        at = np.linspace(-1, 1, n) if align_corners else (np.arange(n) * 2 + 1) / n - 1
        axes.append(at.astype(theta.dtype))
    grids = np.meshgrid(*axes, indexing="ij")[::-1]
    points = np.stack([g.ravel() for g in (*grids, np.ones_like(grids[0]))])
    y = ops.matmul(theta, points)
    return ops.reshape(ops.swapaxes(y, 1, 2), (size[0], *space, len(space)))


@onnx_op("GridSample", since=16)
def grid_sample(x, grid, *, align_corners=0, mode="linear", padding_mode="zeros"):
    """x [n, c, space...] at the places grid [n, out..., axes], from -1 to 1, the last axis first."""
    space = x.shape[2:]
    places = [ops.get_item(grid, (Ellipsis, len(space) - 1 - k)) for k in range(len(space))]
    places = [((p + 1.0) * float(n - 1) if align_corners else (p + 1.0) * float(n) - 1.0) * 0.5
              for p, n in zip(places, space)]
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if mode == "nearest":
        return _at(x, [ops.round(p) for p in places], padding_mode, align_corners)
    if mode not in ("linear", "cubic"):
        raise ValueError(f"GridSample: expected mode nearest, linear or cubic, received {mode!r}")
    if mode == "linear":
        places = [_folded(p, n, padding_mode, align_corners) for p, n in zip(places, space)]
    steps = range(2) if mode == "linear" else range(-1, 3)
    first, total = [ops.floor(p) for p in places], 0.0
    for tap in itertools.product(steps, repeat=len(space)):
        at = [f + float(k) for f, k in zip(first, tap)]
        weight = 1.0
        for p, a in zip(places, at):
            d = ops.abs(p - a)
            weight = weight * (1.0 - d if mode == "linear" else _cubic_tensor(d, -0.75))
        total = total + _at(x, at, padding_mode, align_corners) * ops.expand_dims(weight, 1)
    return total


def _cubic_tensor(d, a):
    near = ((a + 2) * d - (a + 3)) * d * d + 1.0
    far = ((d - 5.0) * d + 8.0) * d * a - 4 * a
    return ops.where(ops.less_equal(d, 1.0), near, far)


def _folded(p, n, padding_mode, align_corners):
    if padding_mode == "border":
        return ops.clip(p, 0.0, float(n - 1))
    if padding_mode != "reflection":
        return p
    low, high = (0.0, float(n - 1)) if align_corners else (-0.5, n - 0.5)
    if high <= low:
        return ops.zeros_like(p)
    length = high - low
    distance = ops.mod(p - low, 2 * length)
    return ops.minimum(distance, 2 * length - distance) + low


def _at(x, places, padding_mode, align_corners):
    """The elements at whole places; zeros outside where padding_mode says so."""
    n, c, *space = x.shape
    flat, inside, index = ops.reshape(x, (n, c, int(np.prod(space)))), True, 0
    for p, size in zip(places, space):
        p = _folded(p, size, padding_mode, align_corners)
        inside = (p >= 0.0) & (p <= float(size - 1)) & inside
        index = index * size + ops.cast(ops.clip(p, 0.0, float(size - 1)), "int64")
    found = ops.take_along_axis(flat, ops.reshape(index, (n, 1, -1)), 2)
    found = ops.reshape(found, (n, c, *index.shape[1:]))
    if padding_mode != "zeros":
        return found
    return ops.where(ops.expand_dims(inside, 1), found, ops.zeros_like(found))


# ------------------------------------------------------------------ RoiAlign
@onnx_op("RoiAlign", since=10)
def roi_align(x, rois, batch_indices, *, coordinate_transformation_mode="half_pixel", mode="avg", output_height=1,
              output_width=1, sampling_ratio=0, spatial_scale=1.0):
    """The mean (or maximum) of a grid of points in each cell of each region (He et al., "Mask R-CNN", 2017)."""
    if not sampling_ratio:
        raise NeedsValues("RoiAlign: expected a sampling_ratio; without one the number of points depends on values")
    offset = 0.5 if coordinate_transformation_mode == "half_pixel" else 0.0
    corners = rois * spatial_scale - offset
    left, top, right, bottom = (ops.get_item(corners, (slice(None), slice(k, k + 1))) for k in range(4))
    width, height = right - left, bottom - top
    if not offset:
        width, height = ops.maximum(width, 1.0), ops.maximum(height, 1.0)
    pictures = ops.take(x, batch_indices, 0)
    rows, columns = (_points(start, length, cells, sampling_ratio)
                     for start, length, cells in ((top, height, output_height), (left, width, output_width)))
    parts = _between(pictures, rows, columns)
    n, c = parts[0].shape[:2]
    in_cells = lambda y: ops.reshape(y, (n, c, output_height, sampling_ratio, output_width, sampling_ratio))
    if mode == "avg":
        return ops.mean(in_cells(sum(parts)), (3, 5))
    best = parts[0]      # the maximum is of what single pixels add, as ONNX has it
    for part in parts[1:]:
        best = ops.maximum(best, part)
    return ops.max(in_cells(best), (3, 5))


def _points(start, length, cells, ratio):
    """The points along one axis of each region: (regions, cells * ratio)."""
    at = (np.arange(cells * ratio) + 0.5) / (cells * ratio)
    return start + length * at.astype("float32")


def _between(x, rows, columns):
    """Bilinear, where what lies up to one pixel outside is on the border, and zero beyond."""
    h, w = x.shape[2:]
    inside = lambda p, n: (p >= -1.0) & (p <= float(n))
    keep = ops.logical_and(ops.expand_dims(inside(rows, h), 2), ops.expand_dims(inside(columns, w), 1))
    rows, columns = ops.clip(rows, 0.0, float(h - 1)), ops.clip(columns, 0.0, float(w - 1))
    shape = (rows.shape[0], rows.shape[1], columns.shape[1])
    parts = bilinear(x, ops.broadcast_to(ops.expand_dims(rows, 2), shape),
                     ops.broadcast_to(ops.expand_dims(columns, 1), shape))
    return [ops.where(ops.expand_dims(keep, 1), part, ops.zeros_like(part)) for part in parts]
