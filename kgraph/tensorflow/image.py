"""tf.image: pictures (height, width, channels), or batches of them."""
from __future__ import annotations

import math
from enum import StrEnum

import numpy as np

from kgraph import ops
from kgraph.compiler.trace import Tensor, current_trace
from kgraph.naming import missing
from kgraph.tensorflow.base.texts import bytes_of
from kgraph.tensorflow.boxes import (
    combined_non_max_suppression,
    crop_and_resize,
    draw_bounding_boxes,
    non_max_suppression,
    non_max_suppression_padded,
    non_max_suppression_with_scores,
)
from kgraph.tensorflow.pictures import (
    decode_bmp,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    encode_jpeg,
    encode_png,
)
from kgraph.tensorflow.random import between

__all__ = ["ResizeMethod", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
           "central_crop", "combined_non_max_suppression", "convert_image_dtype", "crop_and_resize",
           "crop_to_bounding_box", "decode_bmp", "decode_gif", "decode_image", "decode_jpeg", "decode_png",
           "draw_bounding_boxes", "encode_jpeg", "encode_png", "extract_patches", "flip_left_right", "flip_up_down",
           "grayscale_to_rgb", "hsv_to_rgb", "image_gradients", "is_jpeg", "non_max_suppression",
           "non_max_suppression_padded", "non_max_suppression_with_scores", "pad_to_bounding_box",
           "per_image_standardization", "psnr", "random_brightness", "random_contrast", "random_crop",
           "random_flip_left_right", "random_flip_up_down", "random_hue", "random_saturation", "resize",
           "resize_with_crop_or_pad", "resize_with_pad", "rgb_to_grayscale", "rgb_to_hsv", "rgb_to_yiq", "rgb_to_yuv",
           "rot90", "sobel_edges", "ssim", "total_variation", "transpose", "yiq_to_rgb", "yuv_to_rgb"]


class ResizeMethod(StrEnum):
    """How new pixels follow from old ones."""

    BILINEAR, NEAREST_NEIGHBOR, BICUBIC = "bilinear", "nearest", "bicubic"
    LANCZOS3, LANCZOS5, AREA = "lanczos3", "lanczos5", "area"
    GAUSSIAN, MITCHELLCUBIC = "gaussian", "mitchellcubic"


def resize(images, size, method=ResizeMethod.BILINEAR, preserve_aspect_ratio=False, antialias=False, name=None):
    """Pictures of another (height, width): float32, but of their own dtype with method "nearest".

    Methods: bilinear, nearest, bicubic, lanczos3, lanczos5.
    """
    method = str(getattr(method, "value", method)).lower()
    if method not in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"):
        raise NotImplementedError("tf.image.resize: expected method bilinear, nearest, bicubic, lanczos3 or lanczos5, "
                                  f"received {method!r}")
    x = ops.convert_to_tensor(images)
    height, width = (int(n) for n in size)
    if preserve_aspect_ratio:
        own = x.shape[-3:-1]
        scale = min(height / own[0], width / own[1])
        height, width = (max(1, round(scale * n)) for n in own)
    x = x if method == "nearest" else ops.cast(x, "float32")
    return ops.image.resize(x, (height, width), method, antialias, data_format="channels_last")


def convert_image_dtype(image, dtype, saturate=False, name=None):
    """Pixels of another dtype: floats are in [0, 1], integers use their whole range.

    Between integers the bits are shifted; floats are scaled and cut off, not rounded.
    """
    x = ops.convert_to_tensor(image)
    dtype, own = str(dtype), x.dtype
    if dtype == own:
        return x
    if "float" in own:
        if "float" in dtype:
            return ops.cast(x, dtype)
        scaled = x * (np.iinfo(dtype).max + 0.5)
        return ops.saturate_cast(scaled, dtype) if saturate else ops.cast(scaled, dtype)
    most = np.iinfo(own).max
    if "float" in dtype:
        return ops.cast(x, dtype) * (1.0 / most)
    there = np.iinfo(dtype).max
    if most > there:
        x = ops.floor_divide(x, (most + 1) // (there + 1))
        return ops.saturate_cast(x, dtype) if saturate else ops.cast(x, dtype)
    return ops.cast(x, dtype) * np.asarray((there + 1) // (most + 1), dtype)


# ------------------------------------------------------------------ turning and cutting
def flip_left_right(image):
    """The mirror image."""
    return ops.flip(image, -2)


def flip_up_down(image):
    """Upside down."""
    return ops.flip(image, -3)


def transpose(image, name=None):
    """Rows and columns exchanged."""
    return ops.swapaxes(image, -3, -2)


def rot90(image, k=1, name=None):
    """Turned by k quarters, against the clock."""
    return ops.rot90(image, k, axes=(len(ops.shape(image)) - 3, len(ops.shape(image)) - 2))


def _randomly(change, image, seed):
    """change of the picture, or of each of a batch, with probability one half."""
    x = ops.convert_to_tensor(image)
    batch = x.shape[:-3]
    coin = between((*batch, 1, 1, 1), 0, 1, seed) < 0.5
    if isinstance(coin, np.ndarray) and coin.size == 1:
        return change(x) if coin.item() else x
    return ops.where(coin, change(x), x)


def random_flip_left_right(image, seed=None):
    """The mirror image, half of the time."""
    return _randomly(flip_left_right, image, seed)


def random_flip_up_down(image, seed=None):
    """Upside down, half of the time."""
    return _randomly(flip_up_down, image, seed)


def crop_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """The part of that size from an offset on. Raises ValueError when it reaches beyond the picture."""
    x = ops.convert_to_tensor(image)
    top, left, height, width = map(int, (offset_height, offset_width, target_height, target_width))
    if min(top, left) < 0 or min(height, width) < 1 or top + height > x.shape[-3] or left + width > x.shape[-2]:
        raise ValueError(f"crop_to_bounding_box: expected a part of a picture {x.shape[-3]} x {x.shape[-2]}, received "
                         f"offset ({top}, {left}), size ({height}, {width})")
    return x[..., top:top + height, left:left + width, :]


def pad_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """The picture at an offset in a black one of that size."""
    x = ops.convert_to_tensor(image)
    top, left = int(offset_height), int(offset_width)
    below, right = int(target_height) - top - x.shape[-3], int(target_width) - left - x.shape[-2]
    if min(top, left, below, right) < 0:
        raise ValueError(f"pad_to_bounding_box: expected room for a picture {x.shape[-3]} x {x.shape[-2]}, received "
                         f"offset ({top}, {left}), size ({target_height}, {target_width})")
    return ops.pad(x, [*[(0, 0)] * (len(x.shape) - 3), (top, below), (left, right), (0, 0)])


def central_crop(image, central_fraction):
    """The middle of a picture: that fraction of its height and width."""
    if not 0 < central_fraction <= 1:
        raise ValueError(f"central_crop: expected a fraction in (0, 1], received {central_fraction}")
    x = ops.convert_to_tensor(image)
    top, left = (int((n - n * central_fraction) / 2) for n in x.shape[-3:-1])
    return x[..., top:x.shape[-3] - top, left:x.shape[-2] - left, :]


def resize_with_crop_or_pad(image, target_height, target_width):
    """The middle of the picture where it is too large, black around it where it is too small."""
    x = ops.convert_to_tensor(image)
    height, width = int(target_height), int(target_width)
    over = [max(n - m, 0) // 2 for n, m in zip(x.shape[-3:-1], (height, width))]
    x = crop_to_bounding_box(x, *over, min(height, x.shape[-3]), min(width, x.shape[-2]))
    return pad_to_bounding_box(x, (height - x.shape[-3]) // 2, (width - x.shape[-2]) // 2, height, width)


def resize_with_pad(image, target_height, target_width, method=ResizeMethod.BILINEAR, antialias=False):
    """The whole picture as large as fits, black around it."""
    x = ops.convert_to_tensor(image)
    height, width = int(target_height), int(target_width)
    ratio = max(x.shape[-3] / height, x.shape[-2] / width)
    size = [max(1, math.floor(n / ratio)) for n in x.shape[-3:-1]]
    x = resize(x, size, method, antialias=antialias)
    return pad_to_bounding_box(x, max(0, math.floor((height - x.shape[-3]) / 2)),
                               max(0, math.floor((width - x.shape[-2]) / 2)), height, width)


def random_crop(value, size, seed=None, name=None):
    """A part of that size (one for each axis), anywhere with one probability."""
    x = ops.convert_to_tensor(value)
    size = [int(n) for n in size]
    if any(n > m for n, m in zip(size, x.shape, strict=True)):
        raise ValueError(f"random_crop: expected a size within {tuple(x.shape)}, received {tuple(size)}")
    draw = between((len(size),), 0, 1, seed)
    room = np.array([m - n + 1 for n, m in zip(size, x.shape)], "float32")
    if current_trace() is None:
        starts = np.minimum(np.asarray(draw) * room, room - 1).astype(int).tolist()
        return x[tuple(slice(a, a + n) for a, n in zip(starts, size))]
    return ops.slice(x, ops.minimum(ops.cast(ops.floor(draw * room), "int32"), (room - 1).astype("int32")), size)


def extract_patches(images, sizes, strides, rates, padding, name=None):
    """The windows of pictures, each flattened into the channels of one place; [1, rows, columns, 1] as sizes."""
    return ops.image.extract_patches(images, tuple(sizes[1:3]), tuple(strides[1:3]), rates[1], padding.lower(),
                                     data_format="channels_last")


# ------------------------------------------------------------------ colours
def _as_floats(f, image):
    """f of the picture as floats in [0, 1], as the dtype it had."""
    x = ops.convert_to_tensor(image)
    return convert_image_dtype(f(convert_image_dtype(x, "float32")), x.dtype, saturate=True)


def rgb_to_grayscale(images, name=None):
    """The brightness of colours, one channel: 0.2989 R + 0.587 G + 0.114 B."""
    return _as_floats(lambda x: ops.sum(x * np.float32([0.2989, 0.587, 0.114]), -1, True), images)


def grayscale_to_rgb(images, name=None):
    """The one channel three times."""
    return ops.repeat(images, 3, -1)


def rgb_to_hsv(images, name=None):
    """Hue, saturation and value of colours in [0, 1]."""
    return ops.image.rgb_to_hsv(images, data_format="channels_last")


def hsv_to_rgb(images, name=None):
    """The colours of hue, saturation and value in [0, 1]."""
    return ops.image.hsv_to_rgb(images, data_format="channels_last")


def adjust_brightness(image, delta):
    """delta added to the picture as floats in [0, 1]."""
    return _as_floats(lambda x: x + delta, image)


def adjust_contrast(images, contrast_factor):
    """(x - mean) * factor + mean, channel by channel."""
    def change(x):
        mean = ops.mean(x, (-3, -2), True)
        return (x - mean) * contrast_factor + mean
    return _as_floats(change, images)


def adjust_gamma(image, gamma=1, gain=1):
    """gain * x ** gamma."""
    return _as_floats(lambda x: gain * x ** gamma, image)


def _in_hsv(image, change):
    def whole(x):
        hsv = rgb_to_hsv(x)
        h, s, v = (hsv[..., i:i + 1] for i in range(3))
        return hsv_to_rgb(ops.concatenate(change(h, s, v), -1))
    return _as_floats(whole, image)


def adjust_hue(image, delta, name=None):
    """delta, a part of the circle, added to the hue."""
    return _in_hsv(image, lambda h, s, v: [ops.mod(h + delta, 1.0), s, v])


def adjust_saturation(image, saturation_factor, name=None):
    """The saturation times a factor, at most 1."""
    return _in_hsv(image, lambda h, s, v: [h, ops.clip(s * saturation_factor, 0.0, 1.0), v])


def _factor(low, high, seed):
    drawn = between((), low, high, seed)
    return float(drawn) if isinstance(drawn, (float, np.floating, np.ndarray)) else drawn


def random_brightness(image, max_delta, seed=None):
    """adjust_brightness by a random number in [-max_delta, max_delta)."""
    return adjust_brightness(image, _factor(-max_delta, max_delta, seed))


def random_contrast(image, lower, upper, seed=None):
    """adjust_contrast by a random factor."""
    return adjust_contrast(image, _factor(lower, upper, seed))


def random_hue(image, max_delta, seed=None):
    """adjust_hue by a random number in [-max_delta, max_delta)."""
    return adjust_hue(image, _factor(-max_delta, max_delta, seed))


def random_saturation(image, lower, upper, seed=None):
    """adjust_saturation by a random factor."""
    return adjust_saturation(image, _factor(lower, upper, seed))


# ------------------------------------------------------------------ measures
def per_image_standardization(image):
    """Each picture with mean 0 and variance 1; its deviation counts as at least 1 / sqrt(number of its elements)."""
    x = ops.cast(image, "float32")
    axes = (-3, -2, -1)
    count = x.shape[-1] * x.shape[-2] * x.shape[-3]
    least = ops.rsqrt(ops.cast(count, "float32"))
    return (x - ops.mean(x, axes, True)) / ops.maximum(ops.std(x, axes, True), least)


def image_gradients(image):
    """(differences to the row below, to the column on the right), zero at the end, of a batch of pictures."""
    x = ops.convert_to_tensor(image)
    below, right = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]
    return (ops.pad(below, [(0, 0), (0, 1), (0, 0), (0, 0)]), ops.pad(right, [(0, 0), (0, 0), (0, 1), (0, 0)]))


def total_variation(images, name=None):
    """The sum of absolute differences of neighbours, of each picture."""
    x = ops.convert_to_tensor(images)
    axes = (-3, -2, -1)
    down, across = x[..., 1:, :, :] - x[..., :-1, :, :], x[..., :, 1:, :] - x[..., :, :-1, :]
    return ops.sum(ops.abs(down), axes) + ops.sum(ops.abs(across), axes)


def psnr(a, b, max_val, name=None):
    """The peak signal-to-noise ratio of each pair of pictures, in decibels."""
    error = ops.mean(ops.square(ops.cast(a, "float32") - ops.cast(b, "float32")), (-3, -2, -1))
    return 20 * math.log10(max_val) - 10 * ops.log10(error)


def ssim(img1, img2, max_val, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, return_index_map=False):
    """The structural similarity of each pair of pictures (Wang et al., 2004)."""
    if return_index_map:
        raise NotImplementedError("tf.image.ssim: expected return_index_map=False, received True")
    return ops.image.ssim(img1, img2, max_val, filter_size, filter_sigma, k1, k2, data_format="channels_last")


def sobel_edges(image):
    """The vertical and horizontal derivatives, along a new last axis."""
    return ops.image.sobel_edges(image, data_format="channels_last")


_YUV = [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]]
_YIQ = [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]]

_OF_YUV = [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]]
_OF_YIQ = [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]]


def _mixed(images, matrix):
    x = ops.convert_to_tensor(images)
    return ops.matmul(x, np.asarray(matrix, x.dtype))


def rgb_to_yuv(images):
    """Brightness and two differences of colour."""
    return _mixed(images, _YUV)


def yuv_to_rgb(images):
    """What rgb_to_yuv was given."""
    return _mixed(images, _OF_YUV)


def rgb_to_yiq(images):
    """Brightness and two differences of colour, as old televisions had them."""
    return _mixed(images, _YIQ)


def yiq_to_rgb(images):
    """What rgb_to_yiq was given."""
    return _mixed(images, _OF_YIQ)


def is_jpeg(contents, name=None):
    """Whether bytes begin as those of a JPEG do."""
    return Tensor(np.bool_(bytes_of(contents)[:3] == b"\xff\xd8\xff"))


def __getattr__(name):
    raise missing(__name__, name, __all__)
