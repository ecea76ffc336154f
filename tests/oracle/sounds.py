"""Spectrograms and the STFT initializer (python tests/oracle/ask.py sounds)."""
from __future__ import annotations

import numpy as np

X = np.random.default_rng(0).normal(size=(2, 200, 2)).astype("float32")
MEL = [{"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 8, "sampling_rate": 1000},
       {"fft_length": 64, "sequence_stride": 20, "sequence_length": 40, "num_mel_bins": 5, "power_to_db": False,
        "window": "hamming"}]
STFT = [{"mode": m} for m in ("log", "magnitude", "psd", "real", "imag", "stft")] + [
    {"expand_dims": True, "padding": "same"}, {"data_format": "channels_first"}, {"fft_length": 64, "periodic": True},
    {"data_format": "channels_first", "expand_dims": True, "scaling": "spectrum", "frame_step": 7}]
WINDOWS = ("hann", "hamming", "blackman", "bartlett", "boxcar", None)


def stft(K, kw):
    layer = K.layers.STFTSpectrogram(**{"frame_length": 32, **kw})
    return K.ops.convert_to_numpy(layer(X.transpose(0, 2, 1) if "data_format" in kw else X))


def all_cases() -> dict:
    mel = lambda K, kw: K.ops.convert_to_numpy(K.layers.MelSpectrogram(**kw)(X[..., 0]))
    found = {f"mel {kw}": lambda K, kw=kw: mel(K, kw) for kw in MEL}
    found |= {f"stft {kw}": lambda K, kw=kw: stft(K, kw) for kw in STFT}
    for window in WINDOWS:
        for side, periodic in (("real", False), ("imag", True)):
            found[f"initializer {window} {side}"] = lambda K, w=window, s=side, p=periodic: K.ops.convert_to_numpy(
                K.initializers.STFT(s, w, "density", p)((9, 1, 5)))
    return found
