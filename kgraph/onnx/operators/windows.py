"""Convolutions and pooling. ONNX has [batch, channels, space...], and kernels [filters, channels, taps...]."""
from __future__ import annotations

import itertools

import numpy as np

from kgraph import ops
from kgraph.compiler.dims import maximum, size_of
from kgraph.compiler.prims import window as prims
from kgraph.compiler.trace import bind
from kgraph.onnx.operators.reductions import lowest
from kgraph.onnx.operators.shapes import constant_pad
from kgraph.onnx.registry import Ints, Kernel, as_kernel, onnx_op

AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


class Windows:
    """How windows lie on the space axes of an input: strides, dilation and (low, high) padding for each axis."""

    def __init__(self, space, window, strides=None, pads=None, dilations=None, auto_pad="NOTSET", ceil_mode=0):
        rank = len(space)
        self.space, self.window = tuple(space), tuple(window)
        self.strides = tuple(strides or (1,) * rank)
        self.dilations = tuple(dilations or (1,) * rank)
        pads = tuple(pads or (0,) * 2 * rank)
        if auto_pad not in AUTO_PADS:
            raise ValueError(f"expected auto_pad to be one of {', '.join(AUTO_PADS)}, received {auto_pad!r}")
        if not len(self.window) == len(self.strides) == len(self.dilations) == len(pads) // 2 == rank:
            raise ValueError(f"expected kernel_shape, strides, pads and dilations for {rank} space axes, received "
                             f"{self.window}, {self.strides}, {pads}, {self.dilations}")
        self.reach = tuple((k - 1) * d + 1 for k, d in zip(self.window, self.dilations))
        if auto_pad.startswith("SAME"):
            self.padding = tuple(map(_same, self.space, self.reach, self.strides, [auto_pad == "SAME_LOWER"] * rank))
        else:
            self.padding = tuple((0, 0) if auto_pad == "VALID" else p for p in zip(pads[:rank], pads[rank:]))
        self.said = self.padding       # without what rounding up adds at the end
        if ceil_mode:
            self.padding = tuple(map(_rounded_up, self.space, self.reach, self.strides, self.padding))
        self.output = tuple((n + low + high - reach) // stride + 1 for n, (low, high), reach, stride in zip(
            self.space, self.padding, self.reach, self.strides))


def _same(n, reach, stride, lower):
    total = maximum(((n + stride - 1) // stride - 1) * stride + reach - n, 0)
    part = total // 2
    return (total - part, part) if lower else (part, total - part)


def _rounded_up(n, reach, stride, padding):
    """Windows that begin within the input or the padding before it count, also where they end beyond."""
    low, high = padding
    count, most = (n + low + high - reach + stride - 1) // stride, (n + low - 1) // stride
    last = count + most - maximum(count, most)
    return low, last * stride + reach - n - low


def _last(x):
    return ops.moveaxis(x, 1, -1)


def _first(x):
    return ops.moveaxis(x, -1, 1)


# ------------------------------------------------------------------ convolutions
@onnx_op("Conv", since=1)
def conv(x, w: Kernel, b=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None,
         strides=None):
    at = Windows(x.shape[2:], w.shape[:-2], strides, pads, dilations, auto_pad)
    y = bind(prims.conv_p, _last(x), w, strides=at.strides, padding=at.padding, dilation=at.dilations,
             groups=group)
    return _first(y if b is None else ops.add(y, b))


@onnx_op("ConvTranspose", since=1)
def conv_transpose(x, w: Kernel, b=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None,
                   output_padding=None, output_shape=None, pads=None, strides=None):
    """The gradient of a convolution by its input."""
    rank = len(x.shape) - 2
    strides, dilations = tuple(strides or (1,) * rank), tuple(dilations or (1,) * rank)
    extra = tuple(output_padding or (0,) * rank)
    full = [s * (n - 1) + e + (k - 1) * d + 1 for n, k, s, d, e in zip(x.shape[2:], w.shape[:-2], strides, dilations,
                                                                       extra)]
    if output_shape is None and auto_pad.startswith("SAME"):
        output_shape = [n * s for n, s in zip(x.shape[2:], strides)]
    if output_shape is not None:
        total = [a - b for a, b in zip(full, output_shape[-rank:])]
        small = [n // 2 for n in total]
        large = [n - n // 2 for n in total]
        pads = (*small, *large) if auto_pad == "SAME_UPPER" else (*large, *small)
    pads = tuple(pads or (0,) * 2 * rank)
    padding = tuple(zip(pads[:rank], pads[rank:]))
    size = tuple(n - low - high for n, (low, high) in zip(full, padding))
    y = bind(prims.conv_data_grad_p, _last(x), w, strides=strides, padding=padding, dilation=dilations,
             groups=group, size=size)
    return _first(y if b is None else ops.add(y, b))


@onnx_op("DeformConv", since=19)
def deform_conv(x, w, offset, b=None, mask=None, *, dilations=None, group=1, kernel_shape=None, offset_group=1,
                pads=None, strides=None):
    """Each tap reads between four pixels, at an offset of its own (Dai et al., "Deformable Convolutional Networks",
    2017)."""
    n, c, *space = x.shape
    at = Windows(space, w.shape[2:], strides, pads, dilations)
    taps, (rows, columns) = list(itertools.product(*map(range, at.window))), at.output
    offset = ops.reshape(offset, (n, offset_group, len(taps), 2, rows, columns))
    x = ops.reshape(x, (n * offset_group, c // offset_group, *space))
    parts = []
    for t, tap in enumerate(taps):
        move = ops.reshape(ops.get_item(offset, (slice(None), slice(None), t)), (n * offset_group, 2, rows, columns))
        places = [_base(at, axis, tap) + ops.get_item(move, (slice(None), axis)) for axis in range(2)]
        part = ops.reshape(sum(bilinear(x, *places)), (n, offset_group, c // offset_group, rows, columns))
        if mask is not None:
            weights = ops.reshape(mask, (n, offset_group, len(taps), rows, columns))
            part = part * ops.expand_dims(ops.get_item(weights, (slice(None), slice(None), t)), 2)
        parts.append(ops.reshape(part, (n, c, rows, columns)))
    columns_ = ops.reshape(ops.stack(parts, 2), (n, c * len(taps), rows, columns))
    return conv(columns_, as_kernel(ops.reshape(w, (w.shape[0], -1, 1, 1))), b, group=group)


def _base(at, axis, tap):
    """Where a tap lies without its offset, for each output, as a row or a column."""
    steps = ops.arange(at.output[axis], dtype="float32") * float(at.strides[axis])
    steps = steps + float(tap[axis] * at.dilations[axis] - at.padding[axis][0])
    return ops.reshape(steps, (-1, 1) if axis == 0 else (1, -1))


def bilinear(x, rows, columns):
    """What each of four pixels of x [n, c, h, w] adds at rows and columns [n, ...]; zeros outside."""
    n, c, h, w = x.shape
    flat = ops.reshape(x, (n, c, h * w))
    top, left = ops.floor(rows), ops.floor(columns)
    parts = []
    for i, j in itertools.product((0.0, 1.0), repeat=2):
        r, q = top + i, left + j
        weight = (1.0 - ops.abs(rows - r)) * (1.0 - ops.abs(columns - q))
        inside = (r >= 0) & (r <= float(h - 1)) & (q >= 0) & (q <= float(w - 1))
        place = ops.cast(ops.clip(r, 0, h - 1) * float(w) + ops.clip(q, 0, w - 1), "int64")
        found = ops.take_along_axis(flat, ops.reshape(place, (n, 1, -1)), 2)
        found = ops.reshape(found, (n, c, *place.shape[1:]))
        parts.append(found * ops.expand_dims(ops.where(inside, weight, ops.zeros_like(weight)), 1))
    return parts


@onnx_op("Col2Im", since=18)
def col2im(x, image_shape: Ints, block_shape: Ints, *, dilations=None, pads=None, strides=None):
    """Windows added up at the places that they were taken from."""
    at = Windows(image_shape, block_shape, strides, pads, dilations)
    n, taps = x.shape[0], int(np.prod(block_shape))
    c = x.shape[1] // taps
    y = ops.reshape(x, (n, c, taps, *at.output))
    y = _last(ops.reshape(ops.moveaxis(y, 2, 1), (n, taps * c, *at.output)))
    kernel = ops.reshape(ops.eye(taps * c, dtype=x.dtype), (*block_shape, c, taps * c))
    return _first(bind(prims.conv_data_grad_p, y, kernel, strides=at.strides, padding=at.padding, dilation=at.dilations,
                       groups=1, size=tuple(image_shape)))


# ------------------------------------------------------------------ pooling
@onnx_op("MaxPool", since=1)
def max_pool(x, *, kernel_shape, auto_pad="NOTSET", ceil_mode=0, dilations=None, pads=None, storage_order=0,
             strides=None, n_outputs):
    at = Windows(x.shape[2:], kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    if n_outputs == 2:
        return _max_with_places(x, at, storage_order)
    return _pooled(prims.max_pool_p, x, at, lowest(x.dtype))


def _pooled(prim, x, at, blank):
    """blank: what padding is, for the primitive too."""
    if any(d != 1 for d in at.dilations):
        return _dilated(prim, x, at, blank)
    return _first(bind(prim, _last(x), window=at.window, strides=at.strides, padding=at.padding))


def _dilated(prim, x, at, blank):
    """One axis after the other: every d-th element is one of d rows, over which windows have no gaps."""
    y = _padded(x, at, blank)
    for axis, (k, d, s, n) in enumerate(zip(at.window, at.dilations, at.strides, at.output), 2):
        before, after = tuple(y.shape[:axis]), tuple(y.shape[axis + 1:])
        rows = (y.shape[axis] + d - 1) // d
        y = constant_pad(y, [(0, rows * d - y.shape[axis] if i == axis else 0) for i in range(len(y.shape))], blank)
        y = ops.reshape(y, (size_of(before), rows, d * size_of(after)))
        y = bind(prim, y, window=(k,), strides=(1,), padding=((0, 0),))
        y = ops.reshape(y, (*before, (rows - k + 1) * d, *after))
        y = ops.get_item(y, (*(slice(None),) * axis, slice(0, (n - 1) * s + 1, s)))
    return y


def _padded(x, at, blank):
    least = lambda amount: max(amount, 0) if isinstance(amount, int) else amount
    return constant_pad(x, [(0, 0), (0, 0), *(tuple(map(least, pair)) for pair in at.padding)], blank)


def _in_pairs(f, parts):
    """f of all parts: of two, and of what these make, so that no expression grows deep."""
    while len(parts) > 1:
        parts = [f(*parts[i:i + 2]) if i + 1 < len(parts) else parts[i] for i in range(0, len(parts), 2)]
    return parts[0]


def _taps(x, at):
    """(tap, what it reads for each output) of all taps, of an input padded with the lowest number."""
    wide = _padded(x, at, lowest(x.dtype))
    for tap in itertools.product(*map(range, at.window)):
        key = tuple(slice(k * d, k * d + (n - 1) * s + 1, s)
                    for k, d, n, s in zip(tap, at.dilations, at.output, at.strides))
        yield tap, ops.get_item(wide, (slice(None), slice(None), *key))


def _max_with_places(x, at, column_major):
    """Also where each maximum was, counted through the whole tensor; of several the first."""
    counts = at.space[::-1] if column_major else at.space
    found = []
    for tap, part in _taps(x, at):
        here = 0
        for axis, n in (reversed if column_major else list)(list(enumerate(at.space))):
            steps = ops.arange(at.output[axis], dtype="int64") * at.strides[axis]
            steps = steps + (tap[axis] * at.dilations[axis] - at.padding[axis][0])
            here = here * n + ops.reshape(steps, tuple(-1 if i == axis else 1 for i in range(len(at.space))))
        found.append((part, here))
    best, place = _in_pairs(_better, found)
    place = ops.broadcast_to(place, best.shape)
    size = int(np.prod(counts))
    images = ops.reshape(ops.arange(x.shape[0] * x.shape[1], dtype="int64") * size,
                         (x.shape[0], x.shape[1], *(1,) * len(at.space)))
    return best, place + images


def _better(first, second):
    """Of two (maximum, place) the larger, and of equal ones the first."""
    wins = ops.greater(second[0], first[0])
    return tuple(ops.where(wins, b, a) for a, b in zip(first, second))


def _sums(x, at):
    """The sums over windows; the padding is of zeros."""
    return _pooled(prims.sum_pool_p, x, at, 0)


@onnx_op("AveragePool", since=1)
def average_pool(x, *, kernel_shape, auto_pad="NOTSET", ceil_mode=0, count_include_pad=0, dilations=None, pads=None,
                 strides=None):
    at = Windows(x.shape[2:], kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    if all(p == (0, 0) for p in at.padding):
        return _sums(x, at) * (1 / int(np.prod(at.window)))
    counted = ops.ones((1, 1, *at.space), x.dtype)
    if count_include_pad:
        counted = ops.pad(counted, [(0, 0), (0, 0), *at.said], constant_values=1)
        rest = [(a[0] - b[0], a[1] - b[1]) for a, b in zip(at.padding, at.said)]
        flat = [low for low, _ in rest] + [high for _, high in rest]
        windows = Windows(counted.shape[2:], at.window, at.strides, flat, at.dilations)
        return ops.divide(_sums(x, at), _sums(counted, windows))
    return ops.divide(_sums(x, at), _sums(counted, at))


@onnx_op("LpPool", since=2)
def lp_pool(x, *, kernel_shape, auto_pad="NOTSET", ceil_mode=0, dilations=None, p=2, pads=None, strides=None):
    at = Windows(x.shape[2:], kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    return ops.power(_sums(ops.power(ops.abs(x), float(p)), at), 1 / p)


def _space(x):
    return tuple(range(2, len(x.shape)))


@onnx_op("GlobalAveragePool", since=1)
def global_average_pool(x):
    return ops.mean(x, _space(x), True)


@onnx_op("GlobalMaxPool", since=1)
def global_max_pool(x):
    return ops.max(x, _space(x), True)


@onnx_op("GlobalLpPool", since=2)
def global_lp_pool(x, *, p=2):
    return ops.power(ops.sum(ops.power(ops.abs(x), float(p)), _space(x), True), 1 / p)


@onnx_op("MaxUnpool", since=9)
def max_unpool(x, places, output_shape: Ints = None, *, kernel_shape, pads=None, strides=None):
    """Zeros, with the elements at the places that MaxPool gave."""
    rank = len(x.shape) - 2
    strides, pads = strides or (1,) * rank, pads or (0,) * 2 * rank
    space = tuple((n - 1) * s + k - pads[i] - pads[i + rank]
                  for i, (n, s, k) in enumerate(zip(x.shape[2:], strides, kernel_shape)))
    shape = (*x.shape[:2], *space)
    y = ops.scatter(ops.reshape(places, (-1, 1)), ops.reshape(x, (-1,)), (int(np.prod(shape)),))
    y = ops.reshape(y, shape)
    return y if output_shape is None else ops.pad(y, [(0, m - n) for m, n in zip(output_shape, shape)])


@onnx_op("LRN", since=1)
def lrn(x, *, size, alpha=0.0001, beta=0.75, bias=1.0):
    """Local response normalization: by the squares of so many neighbouring channels (Krizhevsky et al., 2012)."""
    before = (size - 1) // 2
    wide = ops.pad(ops.square(x), [(before, size - 1 - before) if i == 1 else (0, 0) for i in range(len(x.shape))])
    part = lambda k: ops.get_item(wide, (slice(None), slice(k, k + x.shape[1])))
    total = part(0)
    for k in range(1, size):
        total = total + part(k)
    return x / ops.power(total * (alpha / size) + bias, beta)
