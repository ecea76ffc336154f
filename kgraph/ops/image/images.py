"""kgraph.ops.image: images of shape (height, width, channels), or batches of them; channels first where told."""
from __future__ import annotations

import functools
import types

import numpy as np

from kgraph import budget
from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.compiler.trace import Tensor
from kgraph.config import image_data_format
from kgraph.ops.composed import divide_no_nan, sinc
from kgraph.ops.contract import contracted
from kgraph.ops.core import as_tensor, cast_to, expand_to, floating, is_float_dtype, op
from kgraph.ops.create import arange, iota
from kgraph.ops.elementwise import (
    abs,
    add,
    clip,
    equal,
    floor,
    floor_divide,
    greater_equal,
    less,
    logical_and,
    maximum,
    mod,
    multiply,
    round,
    subtract,
    where,
)
from kgraph.ops.joining import concatenate, cut, pad, stack
from kgraph.ops.patches import strided, window_axis
from kgraph.ops.reduce import max, min, sum
from kgraph.ops.shape import expand_dims, moveaxis, reshape, rows, slices_at, squeeze

__all__ = ["affine_transform", "crop_images", "extract_patches", "hsv_to_rgb", "map_coordinates", "pad_images",
           "resize",
           "rgb_to_grayscale", "rgb_to_hsv"]


def image_axes(images, data_format, what):
    """(height axis, width axis, channel axis) of an image or a batch."""
    data_format = data_format or image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"{what}: expected data_format 'channels_last' or 'channels_first', received {data_format!r}")
    rank = len(images.shape)
    if rank not in (3, 4):
        raise ValueError(f"{what}: expected an image of rank 3 or a batch of rank 4, "
                         f"received shape {tuple(images.shape)}")
    last = data_format == "channels_last"
    return (rank - 3, rank - 2, rank - 1) if last else (rank - 2, rank - 1, rank - 3)


# ------------------------------------------------------------------ resize
GRAPH = types.SimpleNamespace(abs=abs, arange=arange, logical_and=logical_and, maximum=maximum, sinc=sinc, sum=sum,
                              where=where)   # what weights are made with where sizes are not known


# Weights of a sample at a distance of 0 or more, in samples: the triangle, the cubic of R. G. Keys, "Cubic convolution
# interpolation for digital image processing" (1981) with a = -0.5, Lanczos windows. `on` is NumPy or GRAPH.
def _triangle(x, on):
    return on.maximum(0.0, 1.0 - x)


def _cubic(x, on):
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return on.where(x >= 2.0, 0.0, on.where(x >= 1.0, far, near))


def _lanczos(radius):
    return lambda x, on: on.where(x < radius, on.sinc(x) * on.sinc(x / radius), 0.0)


KERNELS = {"bilinear": _triangle, "bicubic": _cubic, "lanczos3": _lanczos(3), "lanczos5": _lanczos(5)}


def _resize_weights(source, target, kernel, antialias: bool, dtype: str):
    """The matrix (target, source) that resizes one axis: pixels have area, and weights add up to 1.

    It is a constant where both sizes are known.
    """
    if not (isinstance(source, int) and isinstance(target, int)):
        return as_tensor(_axis_weights(source, target, kernel, antialias, GRAPH, dtype, lambda n: as_tensor(n, dtype)),
                         dtype)
    budget.spend(32 * source * target, f"pictures of {source} pixels as {target}")
    kept = _known_weights if source * target <= 2**18 else _known_weights.__wrapped__   # not for ever, if large
    return kept(source, target, kernel, antialias, dtype)


@functools.lru_cache(maxsize=32)
def _known_weights(source, target, kernel, antialias, dtype) -> Tensor:
    weights = _axis_weights(source, target, kernel, antialias, np, "float64", float)
    return Tensor(weights.astype(numpy_dtype(dtype)))


def _axis_weights(source, target, kernel, antialias, on, wide, size):
    """Those weights, by NumPy or in a graph (`on`), in a dtype; size: a number in it."""
    scale = size(source) / size(target)
    places = ((on.arange(target, dtype=wide) + 0.5) * scale - 0.5)[:, None]
    width = on.maximum(scale, 1.0) if antialias else 1.0
    weights = kernel(on.abs(places - on.arange(source, dtype=wide)) / width, on)
    total = on.sum(weights, axis=1, keepdims=True)
    weights = on.where(on.abs(total) > 1000 * np.finfo("float32").eps, weights / on.where(total == 0, 1.0, total), 0.0)
    inside = on.logical_and(places >= -0.5, places <= size(source) - 0.5)
    return on.where(inside, weights, 0.0)


@op
def resize(images, size, interpolation="bilinear", antialias=False, crop_to_aspect_ratio=False,
           pad_to_aspect_ratio=False, fill_mode="constant", fill_value=0.0, data_format=None):
    """Images of another (height, width).

    interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5"; antialias widens the kernel when images
    shrink. crop_to_aspect_ratio cuts, pad_to_aspect_ratio fills (with fill_value) to the new shape first.

    Args:
        size: (height, width).
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        antialias: widen the kernel when images shrink. False by default.
        crop_to_aspect_ratio, pad_to_aspect_ratio: cut, or fill with fill_value, to the new shape first.

    Raises:
        ValueError: another interpolation, fill_mode or size; both ways to keep the aspect ratio.

    Example:
        >>> ops.image.resize(ops.ones((8, 6, 3)), (4, 3)).shape
        (4, 3, 3)
    """
    if interpolation != "nearest" and interpolation not in KERNELS:
        raise ValueError("resize: expected interpolation 'nearest', 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5', "
                         f"received {interpolation!r}")
    if fill_mode != "constant":
        raise ValueError(f"resize: expected fill_mode 'constant', received {fill_mode!r}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: expected only one of crop_to_aspect_ratio and pad_to_aspect_ratio, received both")
    if len(size) != 2:
        raise ValueError(f"resize: expected size (height, width), received {size}")
    x = as_tensor(images)
    height, width, _ = image_axes(x, data_format, "resize")
    if crop_to_aspect_ratio:
        x = _crop_to(x, (height, width), size)
    if pad_to_aspect_ratio:
        x = _pad_to(x, (height, width), size, fill_value)
    return _resized(x, (height, width), tuple(size), interpolation, antialias)


def _resized(x, axes, size, interpolation, antialias):
    dtype = x.dtype
    for axis, target in zip(axes, size):
        source = x.shape[axis]
        if source == target:
            continue
        if interpolation == "nearest":
            x = slices_at(x, _nearest(source, target), axis)
            continue
        x = floating(x)
        matrix = _resize_weights(source, target, KERNELS[interpolation], antialias, x.dtype)
        labels = list(range(len(x.shape)))
        out = ["new" if i == axis else i for i in labels]
        x = contracted(x, labels, matrix, ["new", axis], out, "resize")
    return x if x.dtype == dtype else cast_to(round(x), dtype)


def _nearest(source, target):
    """The position on an axis of the source that each position of the target shows."""
    if isinstance(source, int) and isinstance(target, int):
        budget.spend(24 * target, f"pictures of {source} pixels as {target}")
        return np.floor((np.arange(target) + 0.5) * (source / target)).astype("int32")
    scale = as_tensor(source, "float32") / as_tensor(target, "float32")
    return cast_to(floor(multiply(add(iota(target, "float32"), 0.5), scale)), "int32")


def _other_size(shape, axes, size):
    """What the height, and the width, would be if the other one decided the scale."""
    (h, w), (th, tw) = (shape[a] for a in axes), size
    if not isinstance(h, int) or not isinstance(w, int):
        raise ValueError("resize: expected images of known height and width to keep their aspect ratio, received "
                         f"{h} x {w}")
    return (h, w), (int(float(w * th) / tw), int(float(h * tw) / th))


def _crop_to(x, axes, size):
    known, other = _other_size(x.shape, axes, size)
    for axis, n, m in zip(axes, known, other):
        m = m if m < n else n
        m = m if m > 1 else 1
        start = int((n - m) / 2)
        x = cut(x, axis, start, start + m)
    return x


def _pad_to(x, axes, size, value):
    known, other = _other_size(x.shape, axes, size)
    widths = [(0, 0)] * len(x.shape)
    for axis, n, m in zip(axes, known, other):
        widths[axis] = (int((m - n) / 2),) * 2 if m > n else (0, 0)
    return pad(x, widths, constant_values=value)


# ------------------------------------------------------------------ crop and pad
def _margins(before, size, after, target, what):
    """(before, after, target) of one axis, of which one may be None: that follows from the size."""
    if [before, after, target].count(None) != 1:
        raise ValueError(f"{what}: expected exactly two of the two margins and the target size of an axis, "
                         f"received {before}, {after} and {target}")
    if before is None:
        before = size - target - after
    if after is None:
        after = size - target - before
    if isinstance(before, int) and before < 0 or isinstance(after, int) and after < 0:
        raise ValueError(f"{what}: expected margins of at least 0, received {before} and {after}")
    return before, after


@op
def crop_images(images, top_cropping=None, left_cropping=None, bottom_cropping=None, right_cropping=None,
                target_height=None, target_width=None, data_format=None):
    """Images without a margin: of each axis two of both margins and the target size are given.

    Example:
        >>> ops.image.crop_images(ops.ones((8, 6, 3)), 1, 1, target_height=4, target_width=3).shape
        (4, 3, 3)
    """
    x = as_tensor(images)
    height, width, _ = image_axes(x, data_format, "crop_images")
    for axis, before, after, target in ((height, top_cropping, bottom_cropping, target_height),
                                        (width, left_cropping, right_cropping, target_width)):
        n = x.shape[axis]
        before, after = _margins(before, n, after, target, "crop_images")
        x = cut(x, axis, before, n - after)
    return x


@op
def pad_images(images, top_padding=None, left_padding=None, bottom_padding=None, right_padding=None,
               target_height=None, target_width=None, data_format=None):
    """Images with a margin of zeros: of each axis two of both margins and the target size are given.

    Example:
        >>> ops.image.pad_images(ops.ones((8, 6, 3)), 1, 1, 1, 1).shape
        (10, 8, 3)
    """
    x = as_tensor(images)
    height, width, _ = image_axes(x, data_format, "pad_images")
    widths = [(0, 0)] * len(x.shape)
    for axis, before, after, target in ((height, top_padding, bottom_padding, target_height),
                                        (width, left_padding, right_padding, target_width)):
        n, size = x.shape[axis], target
        # As for a crop of the padded image back to this one.
        widths[axis] = _margins(before, size, after, None if size is None else n, "pad_images")
    return pad(x, widths)


@op
def extract_patches(images, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """The windows of an image, each flattened (row, column, channel) into the channels of one place.

    Args:
        size, strides: of the windows, an int or (height, width), and how far apart they begin, by default the size.
        dilation_rate: between the pixels of a window, 1 by default.
        padding: "valid" (the default) or "same".

    Example:
        >>> ops.image.extract_patches(ops.ones((8, 8, 3)), 4).shape
        (2, 2, 48)
    """
    x = as_tensor(images)
    height, width, channels = image_axes(x, data_format, "extract_patches")
    pair = lambda v: (v, v) if isinstance(v, int) else tuple(v)
    size = pair(size)
    strides, dilation = pair(size if strides is None else strides), pair(dilation_rate)
    x = moveaxis(x, channels, -1)
    first = len(x.shape) - 3
    counts = []
    for k in range(2):
        x, count = window_axis(x, first + k, size[k], strides[k], dilation[k], padding)
        counts.append(count)
    parts = []
    for i in range(size[0]):
        for j in range(size[1]):
            part = strided(x, first, i * dilation[0], counts[0], strides[0])
            parts.append(strided(part, first + 1, j * dilation[1], counts[1], strides[1]))
    return moveaxis(concatenate(parts, -1), -1, channels)


# ------------------------------------------------------------------ colours
@op
def rgb_to_grayscale(images, data_format=None):
    """The luma of red, green and blue (ITU-R BT.601), as one channel.

    Example:
        >>> ops.image.rgb_to_grayscale(ops.ones((1, 1, 3)))
        <Tensor f32[1,1,1] [[[0.9999]]]>
    """
    x = as_tensor(images)
    _, _, channels = image_axes(x, data_format, "rgb_to_grayscale")
    weights = as_tensor(np.array([0.2989, 0.587, 0.114]).astype(floating(x).dtype))
    labels = list(range(len(x.shape)))
    gray = contracted(floating(x), labels, weights, [channels], [i for i in labels if i != channels])
    return cast_to(expand_dims(gray, channels), x.dtype)


def _channels(images, data_format, what):
    x = as_tensor(images)
    if not is_float_dtype(x.dtype):
        raise ValueError(f"{what}: expected images of a float dtype, received {x.dtype}")
    axis = image_axes(x, data_format, what)[2]
    return [squeeze(cut(x, axis, i, i + 1), axis) for i in range(3)], axis


@op
def rgb_to_hsv(images, data_format=None):
    """Red, green and blue in [0, 1] to hue, saturation and value in [0, 1].

    Example:
        >>> ops.image.rgb_to_hsv([[[1.0, 0.0, 0.0]]])
        <Tensor f32[1,1,3] [[[0. 1. 1.]]]>
    """
    (red, green, blue), axis = _channels(images, data_format, "rgb_to_hsv")
    both = stack([red, green, blue], -1)
    value = max(both, -1)
    span = subtract(value, min(both, -1))
    saturation = divide_no_nan(span, value)
    inverse = divide_no_nan(1 / 6, span)
    hue = where(equal(red, value), multiply(subtract(green, blue), inverse),
                where(equal(green, value), add(multiply(subtract(blue, red), inverse), 2 / 6),
                      add(multiply(subtract(red, green), inverse), 4 / 6)))
    hue = where(equal(span, 0), 0.0, add(hue, cast_to(less(hue, 0), hue.dtype)))
    return stack([hue, saturation, value], axis)


@op
def hsv_to_rgb(images, data_format=None):
    """Hue, saturation and value in [0, 1] to red, green and blue in [0, 1].

    Example:
        >>> ops.image.hsv_to_rgb([[[0.0, 1.0, 1.0]]])
        <Tensor f32[1,1,3] [[[1. 0. 0.]]]>
    """
    (hue, saturation, value), axis = _channels(images, data_format, "hsv_to_rgb")
    dh = multiply(mod(hue, 1.0), 6.0)
    parts = [clip(subtract(abs(subtract(dh, 3.0)), 1.0), 0.0, 1.0),
             clip(subtract(2.0, abs(subtract(dh, 2.0))), 0.0, 1.0),
             clip(subtract(2.0, abs(subtract(dh, 4.0))), 0.0, 1.0)]
    rest = subtract(1.0, saturation)
    return stack([multiply(add(rest, multiply(saturation, p)), value) for p in parts], axis)


# ------------------------------------------------------------------ sampling
_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _mirrored(i, n):
    """Positions beyond an axis of n elements, mirrored at its first and last element."""
    last = n - 1 if not isinstance(n, int) or n > 1 else 1
    return abs(subtract(mod(add(i, last), 2 * last), last))


def _fixed(i, n, mode):
    """Integer positions moved into an axis of n elements, as the mode says."""
    if mode == "wrap":
        return mod(i, n)
    if mode == "mirror":
        return _mirrored(i, n)
    if mode == "reflect":
        i = floor_divide(subtract(_mirrored(add(multiply(i, 2), 1), 2 * n + 1), 1), 2)
    return clip(i, 0, n - 1)


def _corners(place, n, order, mode):
    """(position, weight, inside) of the one (order 0) or two elements that are read for each place on an axis."""
    low = floor(add(place, 0.5)) if order == 0 else floor(place)
    found = [(low, None)] if order == 0 else [(low, subtract(1.0, subtract(place, low))),
                                              (add(low, 1.0), subtract(place, low))]
    result = []
    for at, weight in found:
        i = cast_to(at, "int32")
        inside = logical_and(greater_equal(i, 0), less(i, n)) if mode == "constant" else None
        result.append((_fixed(i, n, mode), weight, inside))
    return result


def _sampled(x, places, sizes, order, mode, fill_value, first=None):
    """Rows of x (positions flattened over `sizes`, ...) interpolated at places, one tensor for each size.

    first: the flattened position at which each place's own image begins.
    """
    if mode not in _MODES:
        raise ValueError(f"expected fill_mode among {', '.join(_MODES)}, received {mode!r}")
    partial = [(first, None, None)]
    for place, n in zip(places, sizes):
        partial = [_joined(p, c, n) for p in partial for c in _corners(place, n, order, mode)]
    total = None
    for position, weight, inside in partial:
        value = rows(x, position)
        wide = lambda v, like=value: reshape(v, (*v.shape, *(1,) * (len(like.shape) - len(v.shape))))
        value = value if inside is None else where(wide(inside), value, as_tensor(fill_value, x.dtype))
        value = value if weight is None else multiply(value, wide(weight))
        total = value if total is None else add(total, value)
    return total


def _joined(before, corner, n):
    position, weight, inside = before
    i, w, here = corner
    flat = i if position is None else add(multiply(position, as_tensor(n, "int32")), i)
    weight = w if weight is None else multiply(weight, w)
    return flat, weight, here if inside is None else logical_and(inside, here)


@op
def map_coordinates(inputs, coordinates, order, fill_mode="constant", fill_value=0):
    """The values of inputs at real coordinates, of which there is a row for each axis.

    order: 0 takes the nearest element, 1 interpolates linearly.

    Args:
        coordinates: [axes of inputs, ...].
        order: 0 takes the nearest element, 1 interpolates linearly.

    Raises:
        ValueError: coordinates for another number of axes; another order.

    Example:
        >>> ops.image.map_coordinates(np.float32([0, 10, 20]), [[0.5, 1.5]], order=1)
        <Tensor f32[2] [ 5. 15.]>
    """
    x, coordinates = as_tensor(inputs), floating(coordinates)
    if coordinates.shape[0] != len(x.shape) or len(coordinates.shape) < 2:
        raise ValueError(f"map_coordinates: expected coordinates of shape ({len(x.shape)}, ...), "
                         f"received {tuple(coordinates.shape)}")
    if order not in (0, 1):
        raise ValueError(f"map_coordinates: expected order 0 or 1, received {order}")
    places = [coordinates[k] for k in range(len(x.shape))]
    result = _sampled(reshape(floating(x), (-1,)), places, x.shape, order, fill_mode, fill_value)
    return result if is_float_dtype(x.dtype) else cast_to(round(result), x.dtype)


def sampled_images(x, places, interpolation, fill_mode, fill_value):
    """Images [batch, height, width, channels] read at places (rows, columns), each [batch, height, width]."""
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"expected interpolation 'nearest' or 'bilinear', received {interpolation!r}")
    b, h, w, c = x.shape
    first = expand_to(reshape(iota(b), (b, 1, 1)), places[0].shape)
    flat = reshape(x, (b * h * w, c))
    return _sampled(flat, places, (h, w), int(interpolation == "bilinear"), fill_mode, fill_value, first)


@op
def affine_transform(images, transform, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format=None):
    """Images read at moved places: pixel (x, y) of the result is (a0 x + a1 y + a2, b0 x + b1 y + b2) of the image.

    transform: (a0, a1, a2, b0, b1, b2, c0, c1), one for all images or a row for each; c0 and c1 must be 0.
    interpolation: "nearest" or "bilinear". fill_mode: "constant", "nearest", "wrap", "mirror" or "reflect".

    Args:
        transform: (a0, a1, a2, b0, b1, b2, c0, c1), one for all images or a row for each; c0 and c1 must be 0.

    Example:
        >>> ops.image.affine_transform(np.float32([[[1], [2], [3]]]), [1, 0, 1, 0, 1, 0, 0, 0])[0, :, 0]
        <Tensor f32[3] [2. 3. 0.]>
    """
    x, matrix = as_tensor(images), floating(transform)
    single = len(x.shape) == 3
    channels = image_axes(x, data_format, "affine_transform")[2]
    x = moveaxis(x, channels, -1)
    x = expand_dims(x, 0) if single else x
    matrix = expand_dims(matrix, 0) if len(matrix.shape) == 1 else matrix
    b, h, w, c = x.shape
    at = lambda k: reshape(matrix[:, k], (-1, 1, 1))
    columns, lines = iota(w, matrix.dtype), expand_dims(iota(h, matrix.dtype), 1)
    moved = [expand_to(add(add(multiply(at(k), columns), multiply(at(k + 1), lines)), at(k + 2)), (b, h, w))
             for k in (3, 0)]
    result = sampled_images(floating(x), moved, interpolation, fill_mode, fill_value)
    result = result if is_float_dtype(x.dtype) else cast_to(round(result), x.dtype)
    result = squeeze(result, 0) if single else result
    return moveaxis(result, -1, channels)
