"""Fourier transforms of pairs (real part, imaginary part), as products with the matrix of the transform.

That costs n operations an element in place of log n, which for frames of some hundred samples is a small product.

Args:
    x: real numbers, or for the transforms of complex numbers a pair (real part, imaginary part).
    fft_length: the size of the transform; None: that of the axis.
    sequence_length, sequence_stride: the size of a window, and how far apart two begin.
    window: "hann" (the default), "hamming", a tensor of sequence_length numbers, or None for a rectangle.
    center: whether windows are centred, by mirrored samples at both ends. True by default.

Returns:
    A pair of tensors, real and imaginary part, or one of real numbers.
"""
from __future__ import annotations

import numpy as np

from kgraph import budget
from kgraph.compiler.dims import Dim
from kgraph.ops.contract import matmul
from kgraph.ops.core import as_tensor, cast_to, floating, op, size_tensor
from kgraph.ops.create import iota
from kgraph.ops.elementwise import add, cos, divide, multiply, negative, sin, subtract, where
from kgraph.ops.index import take
from kgraph.ops.joining import cut, pad
from kgraph.ops.shape import expand_dims, reshape, swapaxes

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]


def _waves(n: int, count: int, dtype: str):
    """cos and sin of 2 pi j k / n, shape (n, count). The product j k is reduced first, which keeps full precision."""
    if isinstance(n, Dim):   # known when the program runs
        turns = iota(n)[:, None] * iota(count)[None] % size_tensor(n, "int32")
        angles = cast_to(turns, dtype) * (2 * np.pi) / size_tensor(n, dtype)
        return cos(angles), sin(angles)
    budget.spend(40 * n * count, f"a Fourier transform of {n}")
    turns = np.outer(np.arange(n), np.arange(count)) % n * (2 * np.pi / n)
    return as_tensor(np.cos(turns).astype(dtype)), as_tensor(np.sin(turns).astype(dtype))


def _pair(x, what):
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"{what}: expected a pair (real part, imaginary part), received {type(x).__name__}")
    real, imaginary = floating(x[0]), floating(x[1])
    if real.shape != imaginary.shape:
        raise ValueError(f"{what}: expected parts of one shape, "
                         f"received {tuple(real.shape)} and {tuple(imaginary.shape)}")
    return real, imaginary


def _transform(real, imaginary):
    even, odd = _waves(real.shape[-1], real.shape[-1], real.dtype)
    return (add(matmul(real, even), matmul(imaginary, odd)), subtract(matmul(imaginary, even), matmul(real, odd)))


@op
def fft(x):
    """The discrete Fourier transform of the last axis of a pair (real, imaginary).

    Example:
        >>> ops.fft((np.float32([1, 0, 0, 0]), np.zeros(4, "float32")))
        (<Tensor f32[4] [1. 1. 1. 1.]>, <Tensor f32[4] [0. 0. 0. 0.]>)
    """
    return _transform(*_pair(x, "fft"))


@op
def fft2(x):
    """The discrete Fourier transform of the last two axes.

    Example:
        >>> ops.fft2((np.ones((2, 2), "float32"), np.zeros((2, 2), "float32")))[0]
        <Tensor f32[2,2] [[ 4.  0.]
         [ 0. -0.]]>
    """
    real, imaginary = _transform(*_pair(x, "fft2"))
    return tuple(swapaxes(v, -1, -2) for v in _transform(swapaxes(real, -1, -2), swapaxes(imaginary, -1, -2)))


@op
def ifft2(x):
    """The inverse of fft2.

    Example:
        >>> ops.ifft2((np.float32([[4, 0], [0, 0]]), np.zeros((2, 2), "float32")))[0]
        <Tensor f32[2,2] [[1. 1.]
         [1. 1.]]>
    """
    real, imaginary = _pair(x, "ifft2")
    scale = 1 / (real.shape[-1] * real.shape[-2])
    back = fft2((real, negative(imaginary)))
    return multiply(back[0], scale), multiply(back[1], -scale)


def _fitted(x, n):
    """The last axis cut or filled with zeros to n elements."""
    axis, have = len(x.shape) - 1, x.shape[-1]
    if have >= n:
        return cut(x, axis, 0, n)
    return pad(x, [(0, 0)] * axis + [(0, n - have)])


@op
def rfft(x, fft_length=None):
    """The first half (n // 2 + 1 frequencies) of the transform of real numbers: (real, imaginary).

    Example:
        >>> ops.rfft([1.0, 0.0, -1.0, 0.0])
        (<Tensor f32[3] [0. 2. 0.]>, <Tensor f32[3] [-0.  0. -0.]>)
    """
    x = floating(x)
    n = x.shape[-1] if fft_length is None else fft_length
    x = _fitted(x, n)
    cos, sin = _waves(n, n // 2 + 1, x.dtype)
    return matmul(x, cos), negative(matmul(x, sin))


@op
def irfft(x, fft_length=None):
    """The real numbers whose rfft a pair is; by default an even number of them.

    Example:
        >>> ops.irfft(ops.rfft([1.0, 2.0, 3.0, 4.0]))
        <Tensor f32[4] [1. 2. 3. 4.]>
    """
    real, imaginary = _pair(x, "irfft")
    n = 2 * (real.shape[-1] - 1) if fft_length is None else fft_length
    real, imaginary = _fitted(real, n // 2 + 1), _fitted(imaginary, n // 2 + 1)
    cos, sin = _waves(n, n // 2 + 1, real.dtype)
    twice = np.full(n // 2 + 1, 2.0 / n)
    twice[0] = 1.0 / n
    twice[-1] = 1.0 / n if n % 2 == 0 else 2.0 / n
    weights = as_tensor(twice.astype(real.dtype))
    back = lambda v, wave: matmul(multiply(v, weights), swapaxes(wave, 0, 1))
    return subtract(back(real, cos), back(imaginary, sin))


@op
def extract_sequences(x, sequence_length, sequence_stride):
    """Windows of the last axis, as rows of a new last but one axis.

    Example:
        >>> ops.extract_sequences([1, 2, 3, 4, 5], 3, 2)
        <Tensor i32[2,3] [[1 2 3]
         [3 4 5]]>
    """
    x = as_tensor(x)
    count = (x.shape[-1] - sequence_length) // sequence_stride + 1
    places = add(expand_dims(multiply(iota(count), sequence_stride), 1), iota(sequence_length))
    return take(x, places, axis=-1)


def _window(window, sequence_length, fft_length, dtype):
    """The window of a frame, in the middle of fft_length samples. Names mean the periodic windows."""
    if fft_length < sequence_length:
        raise ValueError(f"expected fft_length of at least sequence_length {sequence_length}, received {fft_length}")
    budget.spend(32 * fft_length, f"windows of {fft_length}")
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(f"expected window 'hann', 'hamming', a tensor or None, received {window!r}")
        a = {"hann": 0.5, "hamming": 0.54}[window]
        made = a - (1 - a) * np.cos(2 * np.pi * np.arange(sequence_length) / sequence_length)
        window = made.astype(dtype)
    left = (fft_length - sequence_length) // 2
    if window is None:
        return as_tensor(np.ones(fft_length, dtype))
    window = as_tensor(window, dtype)
    if tuple(window.shape) != (sequence_length,):
        raise ValueError(f"expected a window of shape ({sequence_length},), received {tuple(window.shape)}")
    return pad(window, ((left, fft_length - sequence_length - left),))


@op
def stft(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    """The rfft of windows of the last axis: (real, imaginary), each (..., sequences, fft_length // 2 + 1).

    Example:
        >>> [part.shape for part in ops.stft(ops.ones((16,)), 4, 2, 4)]
        [(9, 3), (9, 3)]
    """
    x = floating(x)
    window = _window(window, sequence_length, fft_length, x.dtype)
    if center:
        x = pad(x, [(0, 0)] * (len(x.shape) - 1) + [(fft_length // 2, fft_length // 2)], mode="reflect")
    return rfft(multiply(extract_sequences(x, fft_length, sequence_stride), window))


@op
def istft(x, sequence_length, sequence_stride, fft_length, length=None, window="hann", center=True):
    """The signal whose stft a pair is: windows added where they overlap, divided by the sum of their squares.

    Args:
        length: of the signal; None: as long as the windows reach.

    Example:
        >>> ops.istft(ops.stft(ops.ones((16,)), 4, 2, 4), 4, 2, 4).shape
        (16,)
    """
    real, imaginary = _pair(x, "istft")
    window = _window(window, sequence_length, fft_length, real.dtype)
    frames = multiply(irfft((real, imaginary), fft_length), window)
    count = frames.shape[-2]
    total = _overlapped(frames, sequence_stride)
    weight = _overlapped(expand_dims(multiply(window, window), 0) + as_tensor(np.zeros((count, 1), real.dtype)),
                         sequence_stride)
    signal = divide(total, where(weight > 1e-11, weight, 1))
    axis, n = len(signal.shape) - 1, signal.shape[-1]
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else n - (fft_length // 2 if center else 0)
    signal = cut(signal, axis, start, end if end < n else n)
    return signal if length is None or signal.shape[-1] == length else _fitted(signal, length)


def _overlapped(frames, stride):
    """Frames (..., count, length) added at multiples of the stride: whole blocks of that size."""
    count, length = frames.shape[-2:]
    n = (count - 1) * stride + length
    parts = -(-length // stride)
    wide = pad(frames, [(0, 0)] * (len(frames.shape) - 1) + [(0, parts * stride - length)])
    blocks = reshape(wide, (*frames.shape[:-1], parts, stride))
    rows = []
    for k in range(parts):
        block = blocks[..., k, :]
        rows.append(pad(block, [(0, 0)] * (len(block.shape) - 2) + [(k, parts - 1 - k), (0, 0)]))
    lines = rows[0]
    for row in rows[1:]:
        lines = add(lines, row)
    flat = reshape(lines, (*lines.shape[:-2], (count + parts - 1) * stride))
    return cut(flat, len(flat.shape) - 1, 0, n)
