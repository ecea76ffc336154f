"""Windows of images as columns, and back; windows of volumes.

Args:
    kernel_size, dilation, padding, stride: ints, or pairs (rows, columns).
"""
from __future__ import annotations

from kgraph.config import image_data_format
from kgraph.ops.core import as_tensor, op
from kgraph.ops.elementwise import add
from kgraph.ops.joining import concatenate, cut, pad, stack
from kgraph.ops.shape import moveaxis, reshape

__all__ = ["extract_patches_3d", "fold", "unfold"]


def _pair(value, name, what) -> tuple:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2:
        raise ValueError(f"{what}: expected {name} to be an int or two, received {value!r}")
    return pair


def _windows(what, size, kernel_size, dilation, padding, stride):
    """(kernel, dilation, padding, stride, number of windows) for each of the two axes of an image of that size."""
    settings = [_pair(v, n, what) for v, n in ((kernel_size, "kernel_size"), (dilation, "dilation"),
                                               (padding, "padding"), (stride, "stride"))]
    found = []
    for n, k, d, p, s in zip(size, *settings):
        count = (n + 2 * p - d * (k - 1) - 1) // s + 1
        if isinstance(count, int) and count < 1:
            raise ValueError(f"{what}: expected windows no larger than the padded image, received kernel_size={k}, "
                             f"dilation={d}, padding={p} for a size of {n}")
        found.append((k, d, p, s, count))
    return found


@op
def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """The windows of images [N, C, H, W] as columns: [N, C * kernel height * kernel width, windows].

    Each setting is an int, or one for the height and one for the width; padding is with zeros on both sides.

    Raises:
        ValueError: x is not of rank 4.

    Example:
        >>> ops.unfold(ops.ones((1, 3, 8, 8)), 2, stride=2).shape
        (1, 12, 16)
    """
    x = as_tensor(x)
    if len(x.shape) != 4:
        raise ValueError(f"unfold: expected images of shape (N, C, H, W), received shape {tuple(x.shape)}")
    n, c, h, w = x.shape
    rows, columns = _windows("unfold", (h, w), kernel_size, dilation, padding, stride)
    x = pad(x, ((0, 0), (0, 0), (rows[2],) * 2, (columns[2],) * 2))
    parts = [_taps(_taps(x, 2, i, rows), 3, j, columns) for i in range(rows[0]) for j in range(columns[0])]
    return reshape(stack(parts, 2), (n, c * rows[0] * columns[0], rows[4] * columns[4]))


def _taps(x, axis, i, settings):
    """What the i-th element of each window along an axis is."""
    _, dilation, _, stride, count = settings
    return cut(x, axis, i * dilation, i * dilation + (count - 1) * stride + 1, stride)


@op
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns as unfold gives them put back into images [N, C, height, width] of output_size; where windows overlap,
    their elements are added up.

    Args:
        output_size: (height, width) of the images.

    Raises:
        ValueError: columns that do not fit the windows.

    Example:
        >>> ops.fold(ops.ones((1, 12, 16)), (8, 8), 2, stride=2).shape
        (1, 3, 8, 8)
    """
    x = as_tensor(x)
    if len(x.shape) != 3:
        raise ValueError(f"fold: expected columns of shape (N, C * kernel height * kernel width, windows), received "
                         f"shape {tuple(x.shape)}")
    size = _pair(output_size, "output_size", "fold")
    rows, columns = _windows("fold", size, kernel_size, dilation, padding, stride)
    taps = rows[0] * columns[0]
    if x.shape[1] % taps or x.shape[2] != rows[4] * columns[4]:
        raise ValueError(f"fold: expected columns of a multiple of {taps} elements for {rows[4] * columns[4]} windows, "
                         f"received shape {tuple(x.shape)}")
    x = reshape(x, (x.shape[0], x.shape[1] // taps, taps, rows[4], columns[4]))
    wide = tuple(n + 2 * s[2] for n, s in zip(size, (rows, columns)))
    total = None
    for k in range(taps):
        part = reshape(cut(x, 2, k, k + 1), (*x.shape[:2], rows[4], columns[4]))
        part = _spread(_spread(part, 2, k // columns[0], rows, wide[0]), 3, k % columns[0], columns, wide[1])
        total = part if total is None else add(total, part)
    for axis, settings in ((2, rows), (3, columns)):
        total = cut(total, axis, settings[2], total.shape[axis] - settings[2])
    return total


def _spread(x, axis, i, settings, size):
    """Elements of windows at the places where the i-th of each lies on an axis of that size; zeros between them."""
    _, dilation, _, stride, count = settings
    if stride > 1:
        inner = [(0, 0)] * (len(x.shape) + 1)
        inner[axis + 1] = (0, stride - 1)
        x = reshape(x, (*x.shape[:axis + 1], 1, *x.shape[axis + 1:]))
        x = pad(x, inner)
        x = reshape(x, (*x.shape[:axis], count * stride, *x.shape[axis + 2:]))
        x = cut(x, axis, 0, (count - 1) * stride + 1)
    widths = [(0, 0)] * len(x.shape)
    widths[axis] = (i * dilation, size - i * dilation - x.shape[axis])
    return pad(x, widths)


def window_axis(x, axis, size, stride, dilation, padding):
    """x padded as the mode says, and the number of windows along an axis."""
    n, reach = x.shape[axis], (size - 1) * dilation + 1
    if padding == "same":
        count = -(-n // stride)
        missing = (count - 1) * stride + reach - n
        missing = missing if not isinstance(missing, int) or missing > 0 else 0
        widths = [(0, 0)] * len(x.shape)
        widths[axis] = (missing // 2, missing - missing // 2)
        return pad(x, widths), count
    if padding != "valid":
        raise ValueError(f"extract_patches: expected padding 'valid' or 'same', received {padding!r}")
    return x, (n - reach) // stride + 1


def strided(x, axis, start, count, stride):
    return cut(x, axis, start, start + (count - 1) * stride + 1, stride)


@op
def extract_patches_3d(volumes, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """The windows of a volume, each flattened (plane, row, column, channel) into the channels of one place.

    volumes: [depth, height, width, channels], or a batch of them; channels before depth where data_format says so.

    Args:
        volumes: [depth, height, width, channels], or a batch of them; channels before depth where data_format says so.
        size, strides, dilation_rate: ints, or one for each space axis; strides are by default the size.
        padding: "valid" (the default) or "same".

    Raises:
        ValueError: volumes of another rank than 4 or 5.

    Example:
        >>> ops.image.extract_patches_3d(ops.ones((1, 4, 4, 4, 1)), (2, 2, 2)).shape
        (1, 2, 2, 2, 8)
    """
    x = as_tensor(volumes)
    if len(x.shape) not in (4, 5):
        raise ValueError(f"extract_patches_3d: expected volumes of rank 4, or a batch of rank 5, received shape "
                         f"{tuple(x.shape)}")
    triple = lambda v: (v,) * 3 if isinstance(v, int) else tuple(v)
    size = triple(size)
    strides, dilation = triple(size if strides is None else strides), triple(dilation_rate)
    last = (data_format or image_data_format()) == "channels_last"
    channels = len(x.shape) - (1 if last else 4)
    x = moveaxis(x, channels, -1)
    first, counts = len(x.shape) - 4, []
    for k in range(3):
        x, count = window_axis(x, first + k, size[k], strides[k], dilation[k], padding)
        counts.append(count)
    parts = [x]
    for k in range(3):
        parts = [strided(p, first + k, i * dilation[k], counts[k], strides[k]) for p in parts for i in range(size[k])]
    return moveaxis(concatenate(parts, -1), -1, channels)
