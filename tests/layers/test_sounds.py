"""Spectrograms and the STFT initializer give what Keras 3.15.1 gives (tests/oracle/sounds.py)."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kgraph

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("sounds", HERE / "oracle" / "sounds.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
CASES = oracle.all_cases()
with np.load(HERE / "data" / "sounds.npz") as stored:
    ANSWERS = dict(stored)


@pytest.mark.parametrize("case", CASES)
def test_as_keras(case):
    found, expected = CASES[case](kgraph), ANSWERS[case]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("make, words", [
    (lambda: kgraph.layers.STFTSpectrogram("logs"), "mode among"),
    (lambda: kgraph.layers.STFTSpectrogram(frame_length=8, frame_step=9), "frame_step"),
    (lambda: kgraph.layers.MelSpectrogram(fft_length=8, sequence_length=9), "fft_length of at least"),
    (lambda: kgraph.initializers.STFT(window="han"), "Did you mean 'hann'"),
    (lambda: kgraph.initializers.STFT(window=[1.0, 2.0])((3, 1, 3)), r"shape \(3,\)")])
def test_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
