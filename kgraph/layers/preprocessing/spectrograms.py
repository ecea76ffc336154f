"""Spectra of sounds over time."""
from __future__ import annotations

import numpy as np

from kgraph import initializers, ops
from kgraph.config import epsilon, image_data_format
from kgraph.layers.base import Layer

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class MelSpectrogram(Layer):
    """Sounds [samples] or [batch, samples] as the power in num_mel_bins bands over time: [..., num_mel_bins, time].

    Args:
        fft_length, sequence_length, sequence_stride: samples of a transform, of a window and between two windows
        window: "hann", "hamming", a tensor or None
        sampling_rate: samples a second; min_freq, max_freq: the range of the bands in Hz, by default up to half the
            rate
        mag_exp: the power of magnitudes; 2 is energy
        power_to_db: 10 log10(power / ref_power), with powers of at least min_power, cut top_db below the highest
        num_mel_bins: how many bands, 128.
        min_freq, max_freq: the range of the bands in Hz; by default 20 to half the sampling rate.
        top_db, min_power, ref_power: of power_to_db: 80, 1e-10 and 1.

    Raises:
        ValueError: fft_length is below sequence_length.

    Example:
        >>> layers.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8)(np.ones((1, 256), "float32")).shape
        (1, 8, 9)
    """

    def __init__(self, fft_length=2048, sequence_stride=512, sequence_length=None, window="hann", sampling_rate=16000,
                 num_mel_bins=128, min_freq=20.0, max_freq=None, power_to_db=True, top_db=80.0, mag_exp=2.0,
                 min_power=1e-10, ref_power=1.0, **kwargs):
        super().__init__(**kwargs)
        self.fft_length, self.sequence_stride = fft_length, sequence_stride
        self.sequence_length = sequence_length or fft_length
        if fft_length < self.sequence_length:
            raise ValueError(f"layer {self.name!r}: expected fft_length of at least sequence_length "
                             f"{self.sequence_length}, received {fft_length}")
        self.window, self.sampling_rate, self.num_mel_bins = window, sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power

    def call(self, inputs):
        x = ops.cast(inputs, self.compute_dtype)
        real, imaginary = ops.stft(x, self.sequence_length, self.sequence_stride, self.fft_length, self.window)
        power = ops.sqrt(ops.square(real) + ops.square(imaginary)) ** self.mag_exp
        weights = self.linear_to_mel_weight_matrix(self.num_mel_bins, self.fft_length // 2 + 1, self.sampling_rate,
                                                   self.min_freq, self.max_freq)
        mel = ops.matmul(power, weights.astype(self.compute_dtype))
        return ops.swapaxes(self._in_db(mel) if self.power_to_db else mel, -1, -2)

    def _in_db(self, mel):
        db = ops.log10(ops.maximum(mel, self.min_power)) * 10.0
        db = db - 10.0 * float(np.log10(max(abs(self.ref_power), self.min_power)))
        return ops.maximum(db, ops.max(db) - self.top_db)

    def linear_to_mel_weight_matrix(self, num_mel_bins=20, num_spectrogram_bins=129, sampling_rate=8000,
                                    lower_edge_hertz=125.0, upper_edge_hertz=3800.0, dtype="float32") -> np.ndarray:
        """Weights [num_spectrogram_bins, num_mel_bins] of triangles that overlap, by the mel scale of HTK.

        Args:
            num_mel_bins, num_spectrogram_bins: columns and rows of the matrix.
            sampling_rate, lower_edge_hertz, upper_edge_hertz: samples a second, and the range of the bands.
            dtype: of the matrix.
        """
        mel = lambda hertz: 1127.0 * np.log(1.0 + hertz / 700.0)
        places = mel(np.linspace(0, sampling_rate / 2, num_spectrogram_bins)[:, None])
        edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), num_mel_bins + 2)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        found = np.maximum(0, np.minimum((places - low) / (middle - low), (high - places) / (high - middle)))
        found[0] = 0   # HTK leaves the constant part out
        return found.astype(dtype)

    def get_config(self):
        return {**super().get_config(), **self.settings(
            "fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins", "min_freq",
            "max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power")}


class STFTSpectrogram(Layer):
    """Short-time Fourier transforms of [batch, samples, channels] by convolutions whose kernels are trainable.

    Args:
        mode: "log", "magnitude", "psd", "real", "imag", "angle", or "stft": real parts, then imaginary ones
        frame_length, frame_step, fft_length: defaults of the last two: half a frame, and the next power of two
        window, scaling, periodic: see initializers.STFT
        expand_dims: an axis of its own for channels, [batch, time, frequencies, channels]; else they lie in one
        padding: "valid" or "same".

    Raises:
        ValueError: a frame_step outside of [1, frame_length], an fft_length below it, or an unknown name.

    Example:
        >>> layers.STFTSpectrogram(frame_length=16, frame_step=8, fft_length=16)(np.ones((1, 64, 1), "float32")).shape
        (1, 7, 9)
    """

    def __init__(self, mode="log", frame_length=256, frame_step=None, fft_length=None, window="hann", periodic=False,
                 scaling="density", padding="valid", expand_dims=False, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.mode, self.frame_length, self.frame_step, self.fft_length = mode, frame_length, frame_step, fft_length
        self.window, self.periodic, self.scaling, self.padding = window, periodic, scaling, padding
        self.expand_dims, self.data_format = expand_dims, data_format or image_data_format()
        initializers.STFT("real", window, scaling, periodic)   # refuses what it does not know
        for name, value, known in (("mode", mode, MODES), ("padding", padding, ("valid", "same"))):
            if value not in known:
                raise ValueError(f"layer {self.name!r}: expected {name} among {', '.join(known)}, received {value!r}")
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(f"layer {self.name!r}: expected frame_step in [1, {frame_length}], received {frame_step}")
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(f"layer {self.name!r}: expected fft_length of at least frame_length {frame_length}, "
                             f"received {fft_length}")

    def build(self, input_shape=None):
        whole = self.fft_length or 2 ** int(np.ceil(np.log2(self.frame_length)))
        for side, other in (("real", "imag"), ("imag", "real")):
            if self.mode != other:
                kernel = self.add_weight(
                    name=f"{side}_kernel", shape=(self.frame_length, 1, whole // 2 + 1),
                    initializer=initializers.STFT(side, self.window, self.scaling, self.periodic))
                setattr(self, f"{side}_kernel", kernel)

    def call(self, inputs):
        x = inputs if self.data_format == "channels_first" else ops.swapaxes(inputs, 1, 2)
        channels, samples = x.shape[1:]
        x = ops.reshape(x, (-1, samples, 1))
        parts = {side: self._part(x, getattr(self, f"{side}_kernel"), channels)
                 for side in ("real", "imag") if hasattr(self, f"{side}_kernel")}
        return self._laid_out(self._found(**parts))

    def _part(self, x, kernel, channels):
        """[batch, channels, time, frequencies]."""
        y = ops.conv(x, kernel, strides=self.frame_step or self.frame_length // 2, padding=self.padding,
                     data_format="channels_last")
        return ops.reshape(y, (-1, channels, *y.shape[1:]))

    def _found(self, real=None, imag=None):
        if self.mode in ("real", "imag"):
            return real if imag is None else imag
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        if self.mode == "stft":
            return ops.concatenate([real, imag], axis=3)
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":   # frequencies inside stand for the negative ones too
            return power + ops.pad(power[..., 1:-1], [(0, 0), (0, 0), (0, 0), (1, 1)])
        magnitude = ops.sqrt(ops.maximum(power, epsilon()))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, epsilon()))

    def _laid_out(self, x):
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return ops.transpose(x, (0, 2, 3, 1)) if last else x
        _, channels, time, frequencies = x.shape
        if last:
            return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, time, channels * frequencies))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2)), (-1, channels * frequencies, time))

    def get_config(self):
        return {**super().get_config(), **self.settings(
            "mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding",
            "data_format", "expand_dims")}
