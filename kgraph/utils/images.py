"""Images as arrays and as files. Files need Pillow, the extra `image`.

Args:
    img, x: a PIL image, or an array of pixels.
    path: of a file.
    color_mode: "rgb", "rgba" or "grayscale".
    target_size: (height, width), or None for the picture's own.
    interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
    keep_aspect_ratio: cut the middle out, so that nothing is distorted.
    grayscale: Keras 2's color_mode="grayscale".
    scale: to the range from 0 to 255.
    file_format: of the file; None: by its ending.

Returns:
    A PIL image or an array, as the name says.
"""
from __future__ import annotations

import numpy as np

from kgraph.config import floatx, image_data_format

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img"]

INTERPOLATIONS = {"nearest": "NEAREST", "bilinear": "BILINEAR", "bicubic": "BICUBIC", "hamming": "HAMMING",
                  "box": "BOX", "lanczos": "LANCZOS"}
MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}


def pillow():
    """Pillow's module Image. Raises ImportError that says how to get it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("image files need Pillow: pip install kgraph[image]") from error
    return Image


def _layout(data_format) -> bool:
    """Whether channels come first."""
    data_format = data_format or image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"expected data_format channels_last or channels_first, received {data_format!r}")
    return data_format == "channels_first"


def img_to_array(img, data_format=None, dtype=None):
    """A Pillow image, or an array of rank 2 or 3, as an array (height, width, channels), channels first where asked.

    Raises:
        ValueError: another rank or data_format.
    """
    x = np.asarray(img, dtype or floatx())
    if x.ndim not in (2, 3):
        raise ValueError(f"img_to_array: expected an image of rank 2 or 3, received shape {x.shape}")
    x = x[:, :, None] if x.ndim == 2 else x
    return np.ascontiguousarray(x.transpose(2, 0, 1)) if _layout(data_format) else x


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array of one image as a Pillow image; scale: its values are stretched to [0, 255].

    Raises:
        ValueError: another rank or data_format.
    """
    image = pillow()
    x = np.asarray(x, dtype or floatx())
    if x.ndim != 3:
        raise ValueError(f"array_to_img: expected one image of rank 3, received shape {x.shape}")
    x = x.transpose(1, 2, 0) if _layout(data_format) else x
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1) * 255
    modes = {1: ("L", "I"), 3: ("RGB", "RGB"), 4: ("RGBA", "RGBA")}
    if x.shape[2] not in modes:
        raise ValueError(f"array_to_img: expected 1, 3 or 4 channels, received {x.shape[2]}")
    small, large = modes[x.shape[2]]
    x = x[:, :, 0] if x.shape[2] == 1 else x
    if large == "I" and x.max() > 255:
        return image.fromarray(x.astype("int32"), "I")
    return image.fromarray(x.astype("uint8"), small)


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array of one image to a file, in the format that its name or file_format says."""
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and str(file_format or path).lower().endswith(("jpg", "jpeg")):
        image = image.convert("RGB")
    image.save(path, format="jpeg" if file_format == "jpg" else file_format, **kwargs)


def load_img(path, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False,
             grayscale=False):
    """A Pillow image from a file, in a color mode ("rgb", "rgba", "grayscale") and of a size (height, width).

    keep_aspect_ratio: the middle is cut out first so that nothing is distorted

    Raises:
        ValueError: an unknown color_mode or interpolation.
    """
    image = pillow()
    color_mode = "grayscale" if grayscale else color_mode
    if color_mode not in MODES:
        raise ValueError(f"load_img: expected color_mode among {', '.join(MODES)}, received {color_mode!r}")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"load_img: expected interpolation among {', '.join(INTERPOLATIONS)}, received "
                         f"{interpolation!r}")
    with image.open(path) as file:
        img = file.convert(MODES[color_mode])
    if target_size is None:
        return img
    height, width = target_size
    if keep_aspect_ratio:
        w = min(img.width, img.height * width // height)
        h = min(img.height, img.width * height // width)
        left, top = (img.width - w) // 2, (img.height - h) // 2
        img = img.crop((left, top, left + w, top + h))
    if img.size == (width, height):
        return img
    return img.resize((width, height), getattr(image.Resampling, INTERPOLATIONS[interpolation]))
