"""Fourier transforms, windows and mel filters."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.onnx.registry import Ints, Known, onnx_op
from kgraph.onnx.sizes import DATA_TYPES


@onnx_op("DFT", since=20)
def dft(x, dft_length: Ints = None, axis: Ints = None, *, inverse=0, onesided=0):
    """x [..., 1 or 2]: real and imaginary parts on the last axis; onesided leaves out what is mirrored."""
    axis = (-2 if axis is None else axis[0]) % len(x.shape)
    n = x.shape[axis] if dft_length is None else dft_length[0]
    full = 2 * (n - 1) if inverse and onesided and dft_length is None else n
    parts = [ops.get_item(x, (Ellipsis, k)) for k in range(x.shape[-1])]
    parts = [ops.moveaxis(p, axis, -1) for p in (parts if len(parts) == 2 else [parts[0], ops.zeros_like(parts[0])])]
    if inverse and onesided:
        parts = _mirrored(parts, full)
    real, imaginary = (_fit(p, full) for p in parts)
    if inverse:
        real, imaginary = ops.fft((real, -imaginary))
        real, imaginary = real / float(full), -imaginary / float(full)
        found = [real] if onesided else [real, imaginary]
    else:
        found = ops.fft((real, imaginary))
        if onesided:
            found = [ops.get_item(p, (Ellipsis, slice(0, full // 2 + 1))) for p in found]
    return ops.stack([ops.moveaxis(p, -1, axis) for p in found], -1)


@onnx_op("DFT", since=17)
def dft_17(x, dft_length: Ints = None, *, axis=1, inverse=0, onesided=0):
    return dft(x, dft_length, (axis,), inverse=inverse, onesided=onesided)


def _fit(x, n):
    if x.shape[-1] >= n:
        return ops.get_item(x, (Ellipsis, slice(0, n)))
    return ops.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(0, n - x.shape[-1])])


def _mirrored(parts, n):
    """The whole spectrum of a real signal, of its first n // 2 + 1 places."""
    real, imaginary = (_fit(p, n // 2 + 1) for p in parts)
    back = lambda p: ops.flip(ops.get_item(p, (Ellipsis, slice(1, (n + 1) // 2))), -1)
    return [ops.concatenate([real, back(real)], -1), ops.concatenate([imaginary, -back(imaginary)], -1)]


@onnx_op("STFT", since=17)
def stft(x, frame_step: Ints, window=None, frame_length: Ints = None, *, onesided=1):
    """x [batch, length, 1 or 2] -> [batch, frames, bins, 2]."""
    length = window.shape[0] if frame_length is None else frame_length[0]
    parts = [ops.get_item(x, (Ellipsis, k)) for k in range(x.shape[-1])]
    frames = [ops.extract_sequences(p, length, frame_step[0]) for p in parts]
    if window is not None:
        frames = [f * window for f in frames]
    return dft(ops.stack(frames, -1), None, (-2,), onesided=onesided)


def _cosines(size, periodic, *weights):
    n = int(size.item())
    turns = np.arange(n) * 2 * np.pi / (n if periodic else max(n - 1, 1))
    return sum(w * np.cos(k * turns) for k, w in enumerate(weights))


@onnx_op("HannWindow", since=17)
def hann(size: Known, *, output_datatype=1, periodic=1):
    return _cosines(size, periodic, 0.5, -0.5).astype(DATA_TYPES[output_datatype])


@onnx_op("HammingWindow", since=17)
def hamming(size: Known, *, output_datatype=1, periodic=1):
    return _cosines(size, periodic, 25 / 46, -21 / 46).astype(DATA_TYPES[output_datatype])


@onnx_op("BlackmanWindow", since=17)
def blackman(size: Known, *, output_datatype=1, periodic=1):
    return _cosines(size, periodic, 0.42, -0.5, 0.08).astype(DATA_TYPES[output_datatype])


@onnx_op("MelWeightMatrix", since=17)
def mel_weights(bins: Known, dft_length: Known, rate: Known, low: Known, high: Known, *, output_datatype=1):
    """Triangles, evenly spaced on the mel scale 2595 log10(1 + f / 700), over the bins of a transform. ONNX divides
    the range into bins + 2 parts, so that the last triangle ends before its upper edge."""
    bins, n_bins = int(bins.item()), int(dft_length.item()) // 2 + 1
    mel = lambda f: 2595 * np.log10(1 + float(f.item()) / 700)
    edges = mel(low) + np.arange(bins + 2) * (mel(high) - mel(low)) / (bins + 2)
    edges = 700 * (10 ** (edges / 2595) - 1)
    edges = np.floor((int(dft_length.item()) + 1) * edges / int(rate.item())).astype("int64")
    matrix = np.zeros((n_bins, bins))
    for k, (a, b, c) in enumerate(zip(edges, edges[1:], edges[2:])):
        if a == b:
            matrix[b, k] = 1
        else:
            matrix[a:b + 1, k] = (np.arange(a, b + 1) - a) / (b - a)
        if c > b:
            matrix[b:c, k] = (c - np.arange(b, c)) / (c - b)
    return matrix.astype(DATA_TYPES[output_datatype])
