"""tf.audio: WAV files of 16 bits."""
from __future__ import annotations

import io
import wave
from typing import NamedTuple

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.texts import StringTensor, bytes_of

__all__ = ["decode_wav", "encode_wav"]


class Sound(NamedTuple):
    """Samples and how many of them there are in a second."""

    audio: object
    sample_rate: object


def decode_wav(contents, desired_channels=-1, desired_samples=-1, name=None) -> Sound:
    """The samples (number, channels) of a WAV file in [-1, 1), and their rate; missing ones are 0.

    A channel that is wanted and not there repeats the first, as in TensorFlow. Raises ValueError for other files.
    """
    try:
        with wave.open(io.BytesIO(bytes_of(contents))) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"decode_wav: expected the bytes of a WAV file of PCM samples, {error}") from error
    if width != 2:
        raise ValueError(f"decode_wav: expected samples of 16 bits, received {8 * width}")
    samples = np.frombuffer(data, "<i2").reshape(-1, channels).astype("float32") / 32768
    if desired_channels > channels:
        samples = np.repeat(samples[:, :1], desired_channels, 1)
    elif desired_channels > 0:
        samples = samples[:, :desired_channels]
    if desired_samples >= 0:
        samples = samples[:desired_samples]
        samples = np.pad(samples, [(0, desired_samples - len(samples)), (0, 0)])
    return Sound(Tensor(samples), Tensor(np.int32(rate)))


def encode_wav(audio, sample_rate, name=None) -> StringTensor:
    """The bytes of a WAV file of samples (number, channels) in [-1, 1]."""
    samples = np.asarray(audio)
    data = np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(int(sample_rate))
        file.writeframes(data.tobytes())
    return StringTensor(buffer.getvalue())


def __getattr__(name):
    raise missing(__name__, name, __all__)
