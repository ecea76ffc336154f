"""Convolutions and pooling over images: channels last inside, channels first by transposing.

Args:
    inputs: [batch, space..., channels], or [batch, channels, space...] with "channels_first".
    kernel: [taps..., channels, filters].
    strides, dilation_rate: an int, or one for each space axis; 1 by default. Strides of pooling: by default the size of
        the window.
    padding: "valid" (none, the default) or "same" (as many outputs as inputs / strides).
    pool_size, output_size: an int, or one for each space axis.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph import budget
from kgraph.compiler import dims
from kgraph.compiler.prims import window as prims
from kgraph.compiler.trace import bind
from kgraph.config import image_data_format
from kgraph.ops import reduce
from kgraph.ops.contract import tensordot
from kgraph.ops.core import as_tensor, floating, op, promote, result_type
from kgraph.ops.create import ones
from kgraph.ops.elementwise import divide, multiply
from kgraph.ops.index import take
from kgraph.ops.shape import moveaxis, reshape

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "conv", "conv_transpose", "depthwise_conv",
           "max_pool", "separable_conv"]

PADDINGS = ("valid", "same")


# ------------------------------------------------------------------ arguments
def per_axis(value, rank: int, name: str, what: str, least: int = 1) -> tuple:
    """An int, or one for each space axis, as a tuple. Raises ValueError for other things, and below ``least``."""
    values = (value,) * rank if hasattr(value, "__index__") else value
    fits = isinstance(values, (tuple, list)) and len(values) == rank and all(
        hasattr(v, "__index__") and not isinstance(v, bool) and v >= least for v in values)
    if not fits:
        raise ValueError(f"{what}: expected {name} to be an int of at least {least}, or {rank} of them, received "
                         f"{value!r}")
    return tuple(map(int, values))


def data_format_of(data_format, what: str) -> str:
    """channels_last or channels_first; None is the process's setting."""
    data_format = image_data_format() if data_format is None else data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"{what}: expected data_format to be channels_last or channels_first, received "
                         f"{data_format!r}")
    return data_format


def padding_of(padding, allowed, what: str) -> str:
    """The name of a padding in lower case."""
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in allowed:
        raise ValueError(f"{what}: expected padding to be one of {', '.join(allowed)}, received {padding!r}")
    return name


def padding_amounts(padding: str, space, window, strides, dilation) -> tuple:
    """(low, high) of each axis. "same" makes ceil(size / stride) outputs, with the odd one of the padding at the
    end."""
    if padding == "valid":
        return ((0, 0),) * len(space)
    if padding == "causal":
        return tuple(((k - 1) * d, 0) for k, d in zip(window, dilation))
    found = []
    for n, k, s, d in zip(space, window, strides, dilation):
        reach = (k - 1) * d + 1
        total = reach - 1 if s == 1 else dims.maximum(((n + (s - 1)) // s - 1) * s + reach - n, 0)
        found.append((total // 2, total - total // 2))
    return tuple(found)


def transposed_padding(taps, stride, dilation, padding, output_padding) -> tuple:
    """(low, high) of the convolution whose data gradient is Keras's transposed convolution of one axis."""
    reach = (taps - 1) * dilation + 1
    if padding == "valid":
        extra = max(stride - reach, 0) if output_padding is None else output_padding
        return 0, -extra
    total = stride + reach - 2 if output_padding is None else reach + reach % 2 - 2 + output_padding
    before = min((total + 1) // 2, reach - 1)
    return reach - 1 - before, reach - 1 - (total - before)


def transposed_size(size, taps, stride, dilation, padding):
    """The size of the output axis of a transposed convolution; ``padding`` as transposed_padding gives it."""
    return (size - 1) * stride + (taps - 1) * dilation + 1 - padding[0] - padding[1]


def _last(x, data_format):
    return moveaxis(x, 1, -1) if data_format == "channels_first" else x


def _back(x, data_format):
    return moveaxis(x, -1, 1) if data_format == "channels_first" else x


def _images(inputs, what):
    x = as_tensor(inputs)
    if len(x.shape) < 3:
        raise ValueError(f"{what}: expected inputs [batch, space..., channels], received shape {tuple(x.shape)}")
    return x


def _prepared(inputs, kernel, strides, data_format, dilation_rate, what):
    x, w = promote(_images(inputs, what), kernel, least=float)
    rank = len(x.shape) - 2
    if len(w.shape) != rank + 2:
        raise ValueError(f"{what}: expected a kernel of rank {rank + 2} for inputs of shape {tuple(x.shape)}, received "
                         f"shape {tuple(w.shape)}")
    data_format = data_format_of(data_format, what)
    return (_last(x, data_format), w, per_axis(strides, rank, "strides", what),
            per_axis(dilation_rate, rank, "dilation_rate", what), data_format)


# ------------------------------------------------------------------ convolutions
def convolved(x, w, strides, padding: str, dilation, groups: int):
    """A channels-last convolution; padding may be "causal". Of int8, int32."""
    amounts = padding_amounts(padding, x.shape[1:-1], w.shape[:-2], strides, dilation)
    sums = {"dtype": "int32"} if x.dtype == w.dtype == "int8" else {}
    return bind(prims.conv_p, x, w, strides=strides, padding=amounts, dilation=dilation, groups=groups, **sums)


def grouped_conv(inputs, kernel, strides, padding: str, dilation, groups: int, data_format: str):
    """`convolved` for both data formats."""
    return _back(convolved(_last(inputs, data_format), kernel, strides, padding, dilation, groups), data_format)


def grouped_conv_back(upstream, kernel, strides, padding: str, dilation, groups: int, data_format: str, inputs):
    """The gradient of the inputs of grouped_conv."""
    space = tuple(_last(inputs, data_format).shape[1:-1])
    amounts = padding_amounts(padding, space, kernel.shape[:-2], strides, dilation)
    return _back(bind(prims.conv_data_grad_p, _last(upstream, data_format), kernel, strides=strides, padding=amounts,
                      dilation=dilation, groups=groups, size=space), data_format)


@op
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """The convolution (cross-correlation) of [batch, space..., channels] with a kernel [taps..., channels / groups,
    filters].

    padding is "valid", "same", or "causal" (all of it before the first element).

    Args:
        padding: "valid", "same" or "causal" (all of it before the first element).
        kernel: [taps..., channels / groups, filters].

    Raises:
        ValueError: input channels that do not fit the kernel.

    Example:
        >>> ops.conv(ops.ones((1, 4, 1)), ops.ones((2, 1, 1)))[0, :, 0]
        <Tensor f32[3] [2. 2. 2.]>
    """
    x, w, strides, dilation, data_format = _prepared(inputs, kernel, strides, data_format, dilation_rate, "conv")
    padding = padding_of(padding, (*PADDINGS, "causal"), "conv")
    if x.shape[-1] % w.shape[-2]:
        raise ValueError(f"conv: expected input channels that are a multiple of the kernel's {w.shape[-2]}, received "
                         f"{x.shape[-1]}")
    return _back(convolved(x, w, strides, padding, dilation, x.shape[-1] // w.shape[-2]), data_format)


@op
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Each channel convolved by itself: kernel [taps..., channels, multiplier], result channels * multiplier
    channels.

    Args:
        kernel: [taps..., channels, multiplier].

    Raises:
        ValueError: input channels that do not fit the kernel.

    Example:
        >>> ops.depthwise_conv(ops.ones((1, 4, 3)), ops.ones((2, 3, 1))).shape
        (1, 3, 3)
    """
    x, w, strides, dilation, data_format = _prepared(inputs, kernel, strides, data_format, dilation_rate,
                                                     "depthwise_conv")
    padding = padding_of(padding, (*PADDINGS, "causal"), "depthwise_conv")
    channels = w.shape[-2]
    if x.shape[-1] != channels:
        raise ValueError(f"depthwise_conv: expected {channels} input channels for the kernel {tuple(w.shape)}, "
                         f"received "
                         f"{x.shape[-1]}")
    w = reshape(w, (*w.shape[:-2], 1, channels * w.shape[-1]))
    return _back(convolved(x, w, strides, padding, dilation, channels), data_format)


@op
def separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None,
                   dilation_rate=1):
    """A depthwise convolution, then one of 1 tap that mixes the channels.

    Args:
        depthwise_kernel: [taps..., channels, multiplier].
        pointwise_kernel: [1..., channels * multiplier, filters].

    Example:
        >>> ops.separable_conv(ops.ones((1, 4, 3)), ops.ones((2, 3, 1)), ops.ones((1, 3, 5))).shape
        (1, 3, 5)
    """
    data_format = data_format_of(data_format, "separable_conv")
    x = _last(_images(inputs, "separable_conv"), data_format)
    x = depthwise_conv(x, depthwise_kernel, strides, padding, "channels_last", dilation_rate)
    return _back(conv(x, pointwise_kernel, 1, "valid", "channels_last"), data_format)


@op
def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """The gradient of a convolution by its input, as a layer of its own: kernel [taps..., filters, channels].

    output_padding: None, or how much of the output is added at the end of each axis.

    Args:
        kernel: [taps..., filters, channels].
        output_padding: how much of the output is added at the end of each axis; None: what the padding asks for.

    Raises:
        ValueError: input channels that do not fit the kernel.

    Example:
        >>> ops.conv_transpose(ops.ones((1, 3, 1)), ops.ones((2, 1, 1)), strides=2)[0, :, 0]
        <Tensor f32[6] [1. 1. 1. 1. 1. 1.]>
    """
    what = "conv_transpose"
    x, w, strides, dilation, data_format = _prepared(inputs, kernel, strides, data_format, dilation_rate, what)
    padding, window = padding_of(padding, PADDINGS, what), w.shape[:-2]
    if x.shape[-1] != w.shape[-1]:
        raise ValueError(f"conv_transpose: expected {w.shape[-1]} input channels for the kernel {tuple(w.shape)}, "
                         f"received "
                         f"{x.shape[-1]}")
    extra = [None] * len(window) if output_padding is None else per_axis(output_padding, len(window), "output_padding",
                                                                         what, 0)
    amounts = tuple(map(transposed_padding, window, strides, dilation, [padding] * len(window), extra))
    size = tuple(map(transposed_size, x.shape[1:-1], window, strides, dilation, amounts))
    result = bind(prims.conv_data_grad_p, x, w, strides=strides, padding=amounts, dilation=dilation, groups=1,
                  size=size)
    return _back(result, data_format)


# ------------------------------------------------------------------ pooling
def _pool_arguments(x, pool_size, strides, padding, what):
    rank = len(x.shape) - 2
    window = per_axis(pool_size, rank, "pool_size", what)
    strides = window if strides is None else per_axis(strides, rank, "strides", what)
    amounts = padding_amounts(padding_of(padding, PADDINGS, what), x.shape[1:-1], window, strides, (1,) * rank)
    return {"window": window, "strides": strides, "padding": amounts}


@op
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest element of each window; of several, the gradient goes to the first.

    Example:
        >>> ops.max_pool(ops.reshape([1.0, 5.0, 2.0, 3.0], (1, 4, 1)), 2)[0, :, 0]
        <Tensor f32[2] [5. 3.]>
    """
    data_format = data_format_of(data_format, "max_pool")
    x = _last(_images(inputs, "max_pool"), data_format)
    return _back(bind(prims.max_pool_p, x, **_pool_arguments(x, pool_size, strides, padding, "max_pool")), data_format)


@op
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window; padding does not count.

    Example:
        >>> ops.average_pool(ops.reshape([1.0, 5.0, 2.0, 3.0], (1, 4, 1)), 2)[0, :, 0]
        <Tensor f32[2] [3.  2.5]>
    """
    data_format = data_format_of(data_format, "average_pool")
    x = _last(floating(_images(inputs, "average_pool")), data_format)
    arguments = _pool_arguments(x, pool_size, strides, padding, "average_pool")
    total = bind(prims.sum_pool_p, x, **arguments)
    if padding.lower() == "valid":
        return _back(multiply(total, 1 / math.prod(arguments["window"])), data_format)
    count = bind(prims.sum_pool_p, ones((1, *x.shape[1:-1], 1), result_type(x.dtype)), **arguments)
    return _back(divide(total, count), data_format)


# ------------------------------------------------------------------ windows that fit a number of outputs
@op
def adaptive_average_pool(inputs, output_size, data_format=None):
    """The means of windows that cut each space axis into output_size parts (an int, or one for each axis).

    Part i of m of an axis of n begins at floor(i n / m) and ends before ceil((i + 1) n / m). None keeps an axis. The
    sizes of the inputs have to be known.

    Example:
        >>> ops.adaptive_average_pool(ops.reshape([1.0, 5.0, 2.0, 3.0], (1, 4, 1)), 2)[0, :, 0]
        <Tensor f32[2] [3.  2.5]>
    """
    def means(x, axis, starts, ends):
        places = np.arange(x.shape[axis])
        inside = (places >= starts[:, None]) & (places < ends[:, None])
        weights = as_tensor((inside / inside.sum(1, keepdims=True)).astype(x.dtype))
        return moveaxis(tensordot(x, weights, [[axis], [1]]), -1, axis)
    return _adaptive(floating(inputs), output_size, data_format, "adaptive_average_pool", means)


@op
def adaptive_max_pool(inputs, output_size, data_format=None):
    """The largest elements of windows that cut each space axis into output_size parts, as adaptive_average_pool.

    Example:
        >>> ops.adaptive_max_pool(ops.reshape([1.0, 5.0, 2.0, 3.0], (1, 4, 1)), 2)[0, :, 0]
        <Tensor f32[2] [5. 3.]>
    """
    def largest(x, axis, starts, ends):
        reach = int((ends - starts).max())
        places = np.minimum(starts[:, None] + np.arange(reach), ends[:, None] - 1)
        return reduce.max(take(x, places, axis), axis + 1)
    return _adaptive(as_tensor(inputs), output_size, data_format, "adaptive_max_pool", largest)


def _adaptive(x, output_size, data_format, what, pool):
    rank = len(x.shape) - 2
    first = 1 if data_format_of(data_format, what) == "channels_last" else 2
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    if len(sizes) != rank or any(m is not None and (not hasattr(m, "__index__") or m < 1) for m in sizes):
        raise ValueError(f"{what}: expected output_size to be an int of at least 1, or {rank} of them or None, "
                         f"received {output_size!r} for inputs of rank {rank + 2}")
    for axis, m in enumerate(sizes, first):
        n = x.shape[axis]
        if m is None or m == n:
            continue
        if not isinstance(n, int):
            raise ValueError(f"{what}: expected inputs of known sizes, received {n} on axis {axis}")
        budget.spend(24 * (n + 1) * m, f"{m} windows on {n} places")
        parts = np.arange(m)
        x = pool(x, axis, parts * n // m, -(-(parts + 1) * n // m))
    return x
