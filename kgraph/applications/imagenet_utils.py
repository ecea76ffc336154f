"""What the models of `kgraph.applications` need around them: pictures as they were trained on, class numbers as names,
input shapes."""
from __future__ import annotations

import json

import numpy as np

from kgraph import activations, config, ops
from kgraph.naming import warn_at_user
from kgraph.utils.files import get_file

__all__ = ["decode_predictions", "preprocess_input"]

CLASSES = 1000
_INDEX = ("imagenet_class_index.json",
          "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
          "c2c37ea517e94d9795004a39431a14cb")
_MODES = {  # mode -> what pixels are divided by, then the mean and the deviation of the channels
    "tf": (127.5, (1.0, 1.0, 1.0), None),
    "torch": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": (None, (103.939, 116.779, 123.68), None),     # of blue, green, red
}
_class_index: dict = {}


def preprocess_input(x, data_format=None, mode="caffe"):
    """Pictures with pixels from 0 to 255 as a model was trained on them.

    Raises ValueError for another mode or data_format.

    Args:
        x: an array, a tensor or a KTensor, 3-D or 4-D, RGB. An array of a floating type is written over, as Keras does
            (pass a copy to keep it); any other becomes one of `config.floatx()`
        data_format: "channels_last" or "channels_first"; default: `config.image_data_format()`
        mode: "caffe": BGR, less the means of ImageNet; "tf": scaled to -1..1; "torch": scaled to 0..1, less the means
            of ImageNet, over its deviations

    Example:
        >>> preprocess_input(np.full((1, 1, 3), 255), mode="tf").tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    if mode not in _MODES:
        raise ValueError(f"preprocess_input: expected mode 'caffe', 'tf' or 'torch', received {mode!r}")
    if data_format not in (None, "channels_first", "channels_last"):
        raise ValueError("preprocess_input: expected data_format 'channels_first' or 'channels_last', received "
                         f"{data_format!r}")
    axis = -3 if (data_format or config.image_data_format()) == "channels_first" else -1
    return (_standardize_array if isinstance(x, np.ndarray) else _standardize_tensor)(x, axis, *_MODES[mode])


def _standardize_array(x, axis, scale, mean, deviation):
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(config.floatx())
    elif not x.flags.writeable:
        x = x.copy()
    if scale is None:
        x = np.flip(x, axis)
    else:
        x /= scale
    sizes = (3, 1, 1) if axis == -3 else (3,)
    x -= np.reshape(mean, sizes).astype(x.dtype)
    if deviation is not None:
        x /= np.reshape(deviation, sizes).astype(x.dtype)
    return x


def _standardize_tensor(x, axis, scale, mean, deviation):
    x = ops.convert_to_tensor(x) if not hasattr(x, "dtype") else x
    if "float" not in str(x.dtype):
        x = ops.cast(x, config.floatx())
    x = ops.flip(x, len(x.shape) + axis) if scale is None else x / scale
    sizes = (3, 1, 1) if axis == -3 else (3,)
    x = x - ops.reshape(ops.convert_to_tensor(np.asarray(mean), dtype=x.dtype), sizes)
    if deviation is not None:
        x = x / ops.reshape(ops.convert_to_tensor(np.asarray(deviation), dtype=x.dtype), sizes)
    return x


def decode_predictions(preds, top=5):
    """For each row of class probabilities the `top` most likely classes: lists of (WordNet number, name, score).

    The names are in a small file of Keras's cache folder, downloaded the first time. Raises ValueError for another
    shape, OSError when the file is not there and cannot be fetched.

    Args:
        preds: [samples, 1000]
    """
    if len(preds.shape) != 2 or preds.shape[1] != CLASSES:
        raise ValueError(f"decode_predictions: expected predictions of shape (samples, {CLASSES}), received shape "
                         f"{tuple(preds.shape)}")
    if not _class_index:
        name, address, digest = _INDEX
        with open(get_file(name, address, cache_subdir="models", file_hash=digest), encoding="utf-8") as f:
            _class_index.update(json.load(f))
    return [[(*_class_index[str(i)], row[i]) for i in row.argsort()[::-1][:top]]
            for row in ops.convert_to_numpy(preds)]


def standardizer(mode: str | None):
    """A module's own `preprocess_input`: `mode` as above, or None where the models contain it."""
    def preprocess_input(x, data_format=None):
        return _standardize(x, data_format, mode=mode) if mode else x

    what = "x, changed as `imagenet_utils.preprocess_input` says for mode " + repr(mode) if mode else \
        "x itself: the models begin with layers that do this"
    preprocess_input.__doc__ = f"{what}.\n\nx: RGB pixels from 0 to 255, 3-D or 4-D. data_format: as there."
    return preprocess_input


_standardize = preprocess_input


def obtain_input_shape(input_shape, default_size, min_size, data_format, require_flatten, weights=None) -> tuple:
    """The shape of a model's pictures: input_shape if it is one that the model can take, else the default.

    Raises ValueError for a shape that the model cannot take.

    Args:
        require_flatten: whether the sizes must be known, as a classifier on top asks for
    """
    first, imagenet = data_format == "channels_first", weights == "imagenet"
    given = None if input_shape is None else tuple(input_shape)
    channels = 3
    if given and len(given) == 3 and not imagenet:
        channels = given[0 if first else -1]
        if channels not in (1, 3):
            warn_at_user(f"this model is for pictures with 1 or 3 channels, received input_shape={given}")
    default = (channels, *[default_size] * 2) if first else (*[default_size] * 2, channels)
    if imagenet and require_flatten:
        if given is not None and given != default:
            raise ValueError(f"expected input_shape={default} with include_top=True and weights='imagenet', received "
                             f"{given}")
        return default
    if not given:
        return default if require_flatten else (3, None, None) if first else (None, None, 3)
    if len(given) != 3:
        raise ValueError(f"expected input_shape with three sizes, received {given}")
    if imagenet and given[0 if first else -1] != 3:
        raise ValueError(f"expected input_shape with 3 channels, received {given}")
    if any(size is not None and size < min_size for size in (given[1:] if first else given[:2])):
        raise ValueError(f"expected pictures of at least {min_size}x{min_size} pixels, received input_shape={given}")
    if require_flatten and None in given:
        raise ValueError(f"expected input_shape with known sizes, because include_top is true, received {given}")
    return given


_obtain_input_shape = obtain_input_shape   # as it was called until Keras 2.2, in programs that build such models


def correct_pad(inputs, kernel_size) -> tuple:
    """((top, bottom), (left, right)): the zeros before a strided window that lets "valid" see what "same" would."""
    at = 2 if config.image_data_format() == "channels_first" else 1
    half = kernel_size // 2
    sizes = inputs.shape[at:at + 2]
    odd = (0, 0) if sizes[0] is None else (sizes[0] % 2, sizes[1] % 2)
    return tuple((half - 1 + o, half) for o in odd)


def validate_activation(classifier_activation, weights):
    """Raises ValueError for a classifier with weights from a file that is not softmax or linear."""
    if weights is None:
        return
    activation = activations.get(classifier_activation)
    if activation not in (activations.get("softmax"), activations.get(None)):
        raise ValueError("expected classifier_activation None or 'softmax' with pretrained weights, received "
                         f"{classifier_activation!r}")


def __dir__():
    return sorted(__all__)
