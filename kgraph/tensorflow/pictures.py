"""Images out of bytes and back, by Pillow (the extra `image`)."""
from __future__ import annotations

import io

import numpy as np

from kgraph import ops
from kgraph.compiler.trace import Tensor
from kgraph.tensorflow.base.texts import StringTensor, bytes_of
from kgraph.utils.images import pillow

__all__ = ["decode_bmp", "decode_gif", "decode_image", "decode_jpeg", "decode_png", "encode_jpeg", "encode_png"]

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _opened(contents, what):
    image = pillow()
    data = bytes_of(contents)
    try:
        return image.open(io.BytesIO(data))
    except OSError as error:
        raise ValueError(f"{what}: expected the bytes of an image, received {len(data)} bytes that begin with "
                         f"{data[:8]!r}") from error


def _pixels(img, channels, what) -> np.ndarray:
    if channels not in (0, *_MODES, None):
        raise ValueError(f"{what}: expected channels 0, 1, 3 or 4, received {channels}")
    own = {"1": "L", "P": "RGBA" if "transparency" in img.info else "RGB", "CMYK": "RGB", "YCbCr": "RGB"}
    mode = _MODES[channels] if channels else own.get(img.mode, img.mode)
    wide = img.mode.startswith("I") and not channels
    array = np.asarray(img if wide else img.convert(mode))
    array = array.astype("uint16") if wide else array
    return array[..., None] if array.ndim == 2 else array


def _decoded(contents, channels, dtype, what):
    array = _pixels(_opened(contents, what), channels, what)
    if dtype == "uint16" and array.dtype == np.uint8:
        array = array.astype("uint16") * np.uint16(257)
    elif dtype in ("float32", "float16", "float64"):
        array = (array / np.iinfo(array.dtype).max).astype(str(dtype))
    return Tensor(array if array.dtype.name != "uint16" or dtype == "uint16" else (array >> 8).astype("uint8"))


def decode_jpeg(contents, channels=0, ratio=1, fancy_upscaling=True, try_recover_truncated=False,
                acceptable_fraction=1, dct_method="", name=None):
    """A picture as uint8 (height, width, channels); channels 0: as many as it has. ratio: of downscaling, 1 here."""
    if ratio != 1:
        raise NotImplementedError(f"decode_jpeg: expected ratio=1, received {ratio}")
    return _decoded(contents, channels, "uint8", "decode_jpeg")


def decode_png(contents, channels=0, dtype="uint8", name=None):
    """A picture as uint8 or uint16 (height, width, channels); channels 0: as many as it has."""
    return _decoded(contents, channels, dtype, "decode_png")


def decode_bmp(contents, channels=0, name=None):
    """A picture as uint8 (height, width, channels)."""
    return _decoded(contents, channels, "uint8", "decode_bmp")


def decode_gif(contents, name=None):
    """The pictures of an animation, uint8 (frames, height, width, 3)."""
    img = _opened(contents, "decode_gif")
    frames = []
    for i in range(getattr(img, "n_frames", 1)):
        img.seek(i)
        frames.append(np.asarray(img.convert("RGB")))
    return Tensor(np.stack(frames))


def decode_image(contents, channels=None, dtype="uint8", name=None, expand_animations=True):
    """A picture of any format; a GIF as its frames unless expand_animations is False. Floats are in [0, 1]."""
    if expand_animations and bytes_of(contents)[:3] == b"GIF":
        frames = decode_gif(contents)
        return frames if dtype == "uint8" else ops.cast(frames, dtype) / 255
    return _decoded(contents, channels, dtype, "decode_image")


def _encoded(image, form, **options) -> StringTensor:
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3:
        raise ValueError(f"encode_{form}: expected uint8 (height, width, channels), received {array.dtype} "
                         f"{array.shape}")
    file = io.BytesIO()
    pillow().fromarray(array[..., 0] if array.shape[2] == 1 else array).save(file, form, **options)
    return StringTensor(file.getvalue())


def encode_jpeg(image, format="", quality=95, name=None, **kwargs) -> StringTensor:
    """The bytes of a JPEG file of uint8 pixels."""
    return _encoded(image, "jpeg", quality=quality)


def encode_png(image, compression=-1, name=None) -> StringTensor:
    """The bytes of a PNG file of uint8 pixels."""
    return _encoded(image, "png", **({} if compression < 0 else {"compress_level": compression}))
