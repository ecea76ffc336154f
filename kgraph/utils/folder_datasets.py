"""Datasets of the images, texts and sounds in a folder. Arguments that they share: see FolderArguments.

Returns:
    Batches: a dataset that fit, evaluate and predict take.
"""
from __future__ import annotations

import wave

import numpy as np

from kgraph import ops
from kgraph.compiler.loopnest.dtypes import is_float
from kgraph.config import image_data_format
from kgraph.naming import nearest
from kgraph.utils.folders import FolderArguments
from kgraph.utils.images import MODES, img_to_array, load_img, pillow

__all__ = ["audio_dataset_from_directory", "image_dataset_from_directory", "smart_resize",
           "text_dataset_from_directory"]

IMAGES, TEXTS, SOUNDS = (".bmp", ".gif", ".jpeg", ".jpg", ".png"), (".txt",), (".wav",)
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


def _known(name, value, known):
    if value not in known:
        raise ValueError(f"expected {name} among {', '.join(known)}, received {value!r}.{nearest(value, known)}")
    return value


def image_dataset_from_directory(directory, labels="inferred", label_mode="int", class_names=None, color_mode="rgb",
                                 batch_size=32, image_size=(256, 256), shuffle=True, seed=None, validation_split=None,
                                 subset=None, interpolation="bilinear", follow_links=False, crop_to_aspect_ratio=False,
                                 pad_to_aspect_ratio=False, data_format=None, format="tf", verbose=True):
    """Batches (images, labels) of the bmp, gif, jpeg and png files in a folder: float32 in [0, 255], of one size.

    Raises ImportError without Pillow (the extra `image`), ValueError for a folder without images.

        train, validation = image_dataset_from_directory("cats_and_dogs", validation_split=0.2, subset="both", seed=1)
        train.class_names    # ["cats", "dogs"]

    Args:
        directory, labels, label_mode, class_names, validation_split, subset: see FolderArguments
        color_mode: "rgb", "rgba" or "grayscale"
        image_size: (height, width), or one int
        interpolation: "bilinear", "nearest" (which keeps uint8), "bicubic", "lanczos3" or "lanczos5"
        crop_to_aspect_ratio, pad_to_aspect_ratio: cut the middle out, or add zeros, so that nothing is distorted
        format: "tf" or "grain", which mean the same here
    """
    pillow()
    _known("format", format, ("tf", "grain"))
    _known("color_mode", color_mode, tuple(MODES))
    interpolation = _known("interpolation", interpolation.lower(), INTERPOLATIONS)
    size = (image_size,) * 2 if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2:
        raise ValueError(f"image_size: expected (height, width), received {image_size!r}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("expected crop_to_aspect_ratio or pad_to_aspect_ratio, received both")
    first = _known("data_format", data_format or image_data_format(),
                   ("channels_last", "channels_first")) == "channels_first"
    change = smart_resize if crop_to_aspect_ratio else _padded if pad_to_aspect_ratio else _resized

    def load(path):
        image = img_to_array(load_img(path, color_mode), "channels_last", "uint8")
        image = np.asarray(change(image, size, interpolation))
        return image.transpose(2, 0, 1) if first else image
    return FolderArguments("image", IMAGES, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
                           validation_split, subset, follow_links, verbose).dataset(load)


def _resized(image, size, interpolation) -> np.ndarray:
    image = image if interpolation == "nearest" else image.astype("float32")
    return np.asarray(ops.image.resize(image, size, interpolation, data_format="channels_last"))


def _padded(image, size, interpolation) -> np.ndarray:
    have, want = (np.array(x[:2], "float32") for x in (image.shape, size))   # as TensorFlow rounds
    exact = have / np.max(have / want)
    inner = [max(1, int(n)) for n in exact]
    before = [int(n) for n in (want - exact) / 2]
    margins = [(b, whole - n - b) for b, n, whole in zip(before, inner, size)]
    return np.pad(_resized(image, tuple(inner), interpolation), [*margins, (0, 0)])


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last", **kwargs):
    """Images of another size, undistorted: the largest middle part of the wanted shape is cut out and resized.

    Args:
        x: an array or tensor [height, width, channels], or a batch of them; an array gives an array
        size: (height, width)
    """
    kwargs.pop("backend_module", None)
    if kwargs:
        raise TypeError(f"smart_resize: unexpected arguments {', '.join(kwargs)}")
    size = tuple(size)
    if len(size) != 2:
        raise ValueError(f"smart_resize: expected size (height, width), received {size}")
    images = ops.convert_to_tensor(x)
    if len(images.shape) not in (3, 4):
        raise ValueError(f"smart_resize: expected images of rank 3 or 4, received shape {tuple(images.shape)}")
    rows = -3 if data_format == "channels_last" else -2
    height, width = images.shape[rows], images.shape[rows + 1]
    wanted = {rows: (height, width * size[0] / size[1]), rows + 1: (width, height * size[1] / size[0])}
    part = [slice(None)] * len(images.shape)
    for axis, (have, share) in wanted.items():
        keep = max(min(have, int(share)), 1)
        part[axis] = slice((have - keep) // 2, (have - keep) // 2 + keep)
    if interpolation != "nearest" and not is_float(images.dtype):
        images = ops.cast(images, "float32")
    images = ops.image.resize(images[tuple(part)], size, interpolation, data_format=data_format)
    return np.array(images) if isinstance(x, np.ndarray) else images


def text_dataset_from_directory(directory, labels="inferred", label_mode="int", class_names=None, batch_size=32,
                                max_length=None, shuffle=True, seed=None, validation_split=None, subset=None,
                                follow_links=False, format="tf", verbose=True):
    """Batches (texts, labels) of the txt files in a folder. Texts are arrays of str, which TextVectorization takes.

    Args:
        directory, labels, label_mode, class_names, validation_split, subset: see FolderArguments
        max_length: longer files are cut after so many bytes
    """
    _known("format", format, ("tf", "grain"))

    def load(path):
        with open(path, "rb") as file:
            return file.read(-1 if max_length is None else max_length).decode("utf-8", "replace")
    return FolderArguments("text", TEXTS, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
                           validation_split, subset, follow_links, verbose).dataset(
        load, lambda texts: np.array(texts, dtype=object))


def audio_dataset_from_directory(directory, labels="inferred", label_mode="int", class_names=None, batch_size=32,
                                 sampling_rate=None, output_sequence_length=None, ragged=False, shuffle=True, seed=None,
                                 validation_split=None, subset=None, follow_links=False, verbose=True):
    """Batches (sounds, labels) of the wav files in a folder: float32 in [-1, 1), [batch, samples, channels].

    Args:
        directory, labels, label_mode, class_names, validation_split, subset: see FolderArguments
        output_sequence_length: longer sounds are cut, shorter ones get zeros; None: zeros up to the longest of a batch
        sampling_rate: what the files must have, in samples a second; a file of another rate raises ValueError
        ragged: not possible here: raises ValueError

    Raises:
        ValueError: ragged with an output_sequence_length.
    """
    if ragged:
        raise ValueError("audio_dataset_from_directory: expected ragged=False: tensors here have one length, received "
                         "ragged=True. Set output_sequence_length, or take the padded batches")
    if sampling_rate is not None and (not isinstance(sampling_rate, int) or sampling_rate <= 0):
        raise ValueError(f"sampling_rate: expected an int above 0, received {sampling_rate!r}")

    def load(path):
        sound = _sound(path, sampling_rate)
        return sound if output_sequence_length is None else _joined([sound[:output_sequence_length]],
                                                                    output_sequence_length)[0]
    return FolderArguments("audio", SOUNDS, directory, labels, label_mode, class_names, batch_size, shuffle, seed,
                           validation_split, subset, follow_links, verbose).dataset(load, _joined)


def _sound(path, rate) -> np.ndarray:
    """[samples, channels] of a wav file of whole numbers, 8 to 32 bits each."""
    with wave.open(path, "rb") as file:
        width, channels, found = file.getsampwidth(), file.getnchannels(), file.getframerate()
        data = np.frombuffer(file.readframes(file.getnframes()), "uint8").reshape(-1, width)
    if rate not in (None, found):
        raise ValueError(f"{path}: expected {rate} samples a second, received {found}: resample the file first")
    if width == 1:   # bytes of wav files have no sign
        data = data ^ 128
    numbers = np.zeros((len(data), 4), "uint8")
    numbers[:, 4 - width:] = data   # the highest bytes of an int32
    return (numbers.view("<i4").reshape(-1, channels) / 2.0 ** 31).astype("float32")


def _joined(sounds, length=0) -> np.ndarray:
    shape = np.maximum(np.max([s.shape for s in sounds], axis=0), (length, 0))
    return np.stack([np.pad(s, [(0, want - have) for want, have in zip(shape, s.shape)]) for s in sounds])
