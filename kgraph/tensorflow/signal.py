"""tf.signal: frames, windows, transforms and mel scales, on host arrays."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.dtypes import as_dtype

__all__ = ["dct", "fft", "fft2d", "fft3d", "fftshift", "frame", "hamming_window", "hann_window", "ifft", "ifft2d",
           "ifft3d", "ifftshift", "inverse_stft", "inverse_stft_window_fn", "irfft", "linear_to_mel_weight_matrix",
           "mfccs_from_log_mel_spectrograms", "overlap_and_add", "rfft", "stft"]


def _complex(x) -> np.ndarray:
    array = np.asarray(x)
    return array if array.dtype == "complex128" else array.astype("complex64")


def _like(found, x) -> Tensor:
    """A transform in the precision of what it is of: NumPy works in float64."""
    wide = np.asarray(x).dtype in ("float64", "complex128")
    return Tensor(found if wide else found.astype("complex64" if found.dtype.kind == "c" else "float32"))


def fft(input, name=None):
    """The Fourier transform along the last axis."""
    return _like(np.fft.fft(_complex(input)), input)


def ifft(input, name=None):
    """The inverse Fourier transform along the last axis."""
    return _like(np.fft.ifft(_complex(input)), input)


def fft2d(input, name=None):
    """The Fourier transform along the last two axes."""
    return _like(np.fft.fft2(_complex(input)), input)


def ifft2d(input, name=None):
    """The inverse Fourier transform along the last two axes."""
    return _like(np.fft.ifft2(_complex(input)), input)


def fft3d(input, name=None):
    """The Fourier transform along the last three axes."""
    return _like(np.fft.fftn(_complex(input), axes=(-3, -2, -1)), input)


def ifft3d(input, name=None):
    """The inverse Fourier transform along the last three axes."""
    return _like(np.fft.ifftn(_complex(input), axes=(-3, -2, -1)), input)


def _length(fft_length):
    return None if fft_length is None else int(np.ravel(np.asarray(fft_length))[0])


def rfft(input_tensor, fft_length=None, name=None):
    """The half of the Fourier transform of real numbers that says all, along the last axis."""
    return _like(np.fft.rfft(np.asarray(input_tensor), _length(fft_length)), input_tensor)


def irfft(input_tensor, fft_length=None, name=None):
    """Real numbers from the half of their Fourier transform."""
    return _like(np.fft.irfft(_complex(input_tensor), _length(fft_length)), input_tensor)


def fftshift(x, axes=None, name=None):
    """x with frequency 0 in the middle."""
    return Tensor(np.fft.fftshift(np.asarray(x), axes))


def ifftshift(x, axes=None, name=None):
    """What fftshift was given."""
    return Tensor(np.fft.ifftshift(np.asarray(x), axes))


def dct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The discrete cosine transform of type 2 along the last axis, of n elements; norm: None or "ortho".

    Raises NotImplementedError for the other types.
    """
    if type != 2:
        raise NotImplementedError(f"tf.signal.dct: expected type 2, received {type!r}")
    x = np.asarray(input)
    if n is not None:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, max(n - x.shape[-1], 0))])[..., :n]
    count = x.shape[-1]
    found = np.cos(np.pi / count * np.outer(np.arange(count) + 0.5, np.arange(count)))
    if norm == "ortho":
        found *= np.where(np.arange(count) == 0, np.sqrt(0.25 / count), np.sqrt(0.5 / count))
    return Tensor((x.astype("float64") @ (2 * found)).astype(x.dtype))


def _raised_cosine(length, periodic, dtype, a, b):
    length = int(length)
    if length == 1:
        return Tensor(np.ones(1, as_dtype(dtype).name))
    around = length - 1 + (bool(periodic) and length % 2 == 0)
    return Tensor((a - b * np.cos(2 * np.pi * np.arange(length) / around)).astype(as_dtype(dtype).name))


def hann_window(window_length, periodic=True, dtype="float32", name=None):
    """A bell of cosine: 0 at its ends."""
    return _raised_cosine(window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(window_length, periodic=True, dtype="float32", name=None):
    """A bell of cosine, raised by 0.08."""
    return _raised_cosine(window_length, periodic, dtype, 0.54, 0.46)


def frame(signal, frame_length, frame_step, pad_end=False, pad_value=0, axis=-1, name=None):
    """Frames of frame_length samples, each frame_step after the one before, in two axes in place of one.

    pad_end: also frames that are not whole, filled up with pad_value
    """
    x = np.moveaxis(np.asarray(signal), axis, -1)
    length, step, count = int(frame_length), int(frame_step), x.shape[-1]
    frames = -(-count // step) if pad_end else max(0, 1 + (count - length) // step)
    missing_end = max(0, length + step * (frames - 1) - count) if pad_end else 0
    x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing_end)], constant_values=pad_value)
    index = step * np.arange(frames)[:, None] + np.arange(length)
    found = x[..., index]
    return Tensor(np.moveaxis(found, (-2, -1), (axis, axis + 1) if axis >= 0 else (axis - 1, axis)))


def overlap_and_add(signal, frame_step, name=None):
    """Frames along the last two axes, added up where they lie over one another."""
    x, step = np.asarray(signal), int(frame_step)
    frames, length = x.shape[-2:]
    found = np.zeros((*x.shape[:-2], length + step * (frames - 1) if frames else 0), x.dtype)
    for i in range(frames):
        found[..., i * step:i * step + length] += x[..., i, :]
    return Tensor(found)


def stft(signals, frame_length, frame_step, fft_length=None, window_fn=hann_window, pad_end=False, name=None):
    """Spectra [..., frames, fft_length // 2 + 1], complex, of frames under a window.

    fft_length  by default the power of two that holds a frame
    window_fn   (length, dtype=) -> a window, or None
    """
    x = np.asarray(signals)
    size = _fft_length(frame_length, fft_length)
    frames = np.asarray(frame(x, frame_length, frame_step, pad_end))
    if window_fn is not None:
        frames = frames * np.asarray(window_fn(int(frame_length), dtype=x.dtype.name))
    return rfft(frames, size)


def _fft_length(frame_length, fft_length) -> int:
    return 1 << (int(frame_length) - 1).bit_length() if fft_length is None else int(fft_length)


def inverse_stft(stfts, frame_length, frame_step, fft_length=None, window_fn=hann_window, name=None):
    """Samples of spectra: frames, under a window once more, added up."""
    frames = np.asarray(irfft(stfts, _fft_length(frame_length, fft_length)))[..., :int(frame_length)]
    frames = np.pad(frames, [(0, 0)] * (frames.ndim - 1) + [(0, int(frame_length) - frames.shape[-1])])
    if window_fn is not None:
        frames = frames * np.asarray(window_fn(int(frame_length), dtype=frames.dtype.name))
    return overlap_and_add(frames, frame_step)


def inverse_stft_window_fn(frame_step, forward_window_fn=hann_window, name=None):
    """The window for inverse_stft with which it gives back what stft, under forward_window_fn, was given."""
    def window(frame_length, dtype="float32"):
        forward = np.asarray(forward_window_fn(frame_length, dtype=dtype))
        step = int(frame_step)
        squares = np.pad(np.square(forward), (0, -len(forward) % step)).reshape(-1, step).sum(0)
        return Tensor(forward / np.resize(squares, len(forward)))
    return window


def linear_to_mel_weight_matrix(num_mel_bins=20, num_spectrogram_bins=129, sample_rate=8000, lower_edge_hertz=125.0,
                                upper_edge_hertz=3800.0, dtype="float32", name=None):
    """[num_spectrogram_bins, num_mel_bins]: what each frequency adds to each band of the mel scale."""
    mel = lambda hertz: 1127.0 * np.log1p(np.asarray(hertz, "float64") / 700.0)
    bins = mel(np.linspace(0.0, float(sample_rate) / 2, int(num_spectrogram_bins))[1:])[:, None]
    edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), int(num_mel_bins) + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0.0, np.minimum((bins - lower) / (center - lower), (upper - bins) / (upper - center)))
    return Tensor(np.pad(weights, [(1, 0), (0, 0)]).astype(as_dtype(dtype).name))


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms, name=None):
    """Mel-frequency cepstral coefficients: the cosine transform of logarithms of mel bands."""
    x = np.asarray(log_mel_spectrograms)
    return Tensor((np.asarray(dct(x)) / np.sqrt(2.0 * x.shape[-1])).astype(x.dtype))


def __getattr__(name):
    raise missing(__name__, name, __all__)
