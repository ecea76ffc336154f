"""Images of [batch, height, width, channels] or [height, width, channels]: sizes, and random changes in training.

The random layers act when called with training=True, which is their default; a model says training=False in predict
and evaluate. Each image of a batch gets numbers of its own, but for RandomCrop.
"""
from __future__ import annotations

import math

from kgraph import ops, random
from kgraph.config import image_data_format
from kgraph.layers.base import Layer
from kgraph.naming import nearest

__all__ = ["CenterCrop", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation",
           "RandomTranslation", "RandomZoom", "Resizing"]


class _ImageLayer(Layer):
    """The base: the layout of the images, and the settings in `described`, which are the config."""

    described = ()

    def __init__(self, data_format=None, **kwargs):
        kwargs.pop("bounding_box_format", None)
        super().__init__(**kwargs)
        self.data_format = self._known("data_format", data_format or image_data_format(),
                                       ("channels_last", "channels_first"))

    def _known(self, name, value, known):
        if value not in known:
            raise ValueError(f"layer {self.name!r}: expected {name} among {', '.join(known)}, received {value!r}."
                             f"{nearest(value, known)}")
        return value

    @property
    def _axes(self) -> tuple:
        """(axis of the rows, axis of the columns), from the end."""
        return (-3, -2) if self.data_format == "channels_last" else (-2, -1)

    def _sizes(self, images) -> list:
        """The shape, after a check of the rank."""
        if len(images.shape) not in (3, 4):
            raise ValueError(f"layer {self.name!r}: expected images of rank 3 or 4, received shape "
                             f"{tuple(images.shape)}")
        return list(images.shape)

    def get_config(self):
        return {**super().get_config(), **self.settings(*self.described)}


class Resizing(_ImageLayer):
    """Images of another height and width; integers are rounded.

    interpolation   "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5"; antialias: wider where images shrink
    crop_to_aspect_ratio, pad_to_aspect_ratio   cut, or fill with fill_value, so that nothing is distorted
    """

    described = ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode",
                 "fill_value", "antialias", "data_format")

    def __init__(self, height, width, interpolation="bilinear", crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
                 fill_mode="constant", fill_value=0.0, antialias=False, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height, self.width, self.interpolation, self.antialias = height, width, interpolation, bool(antialias)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def call(self, images):
        images = ops.convert_to_tensor(images)
        whole = not images.dtype.startswith("float")
        x = ops.image.resize(
            ops.cast(images, "float32") if whole else images, (self.height, self.width), self.interpolation,
            self.antialias, self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value,
            self.data_format)
        return ops.saturate_cast(ops.round(x), images.dtype) if whole else x


class CenterCrop(_ImageLayer):
    """The middle height x width of each image; smaller images are enlarged first, undistorted."""

    described = ("height", "width", "data_format")

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height, self.width = height, width

    def call(self, images):
        images = ops.cast(images, self.compute_dtype)
        return self._cut(images, [(self._sizes(images)[axis] - size) // 2 for axis, size in self._wanted()])

    def _wanted(self):
        return zip(self._axes, (self.height, self.width))

    def _cut(self, images, starts):
        shape = self._sizes(images)
        if any(isinstance(shape[axis], int) and shape[axis] < size for axis, size in self._wanted()):
            return ops.image.resize(images, (self.height, self.width), crop_to_aspect_ratio=True,
                                    data_format=self.data_format)
        begin = [0] * len(shape)
        for (axis, size), start in zip(self._wanted(), starts):
            begin[axis], shape[axis] = start, size
        return ops.slice(images, tuple(begin), tuple(shape))


class RandomCrop(CenterCrop):
    """In training a height x width part at a random place, the same for the whole batch; else the middle."""

    described = ("height", "width", "seed", "data_format")

    def __init__(self, height, width, seed=None, data_format=None, **kwargs):
        super().__init__(height, width, data_format, **kwargs)
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def call(self, images, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return super().call(images)
        shape = self._sizes(images)
        starts = [ops.cast(ops.floor(self._unit() * ops.cast(shape[axis] - size + 1, "float32")), "int32")
                  for axis, size in self._wanted()]
        return self._cut(images, starts)

    def _unit(self):
        return random.uniform((), seed=self.generator)


class _RandomImage(_ImageLayer):
    """Changes floats in training, image by image, in _change."""

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def call(self, images, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        single = len(self._sizes(images)) == 3
        changed = self._change(ops.expand_dims(images, 0) if single else images)
        return ops.squeeze(changed, 0) if single else changed

    def _change(self, images):
        raise NotImplementedError(f"{type(self).__name__} has no _change()")

    def _draw(self, images, bounds, *ones):
        """A number for each image, in an array of shape (batch, *ones)."""
        return random.uniform((images.shape[0], *ones), *bounds, dtype=self.compute_dtype, seed=self.generator)

    def _bounds(self, name, value, least=-1.0, most=1.0) -> tuple:
        """A factor as (lower, upper): a number stands for both directions."""
        pair = tuple(value) if isinstance(value, (tuple, list)) else (-abs(value), abs(value))
        if len(pair) != 2 or not all(least <= v <= most for v in pair):
            raise ValueError(f"layer {self.name!r}: expected {name} to be a number or two in [{least}, {most}], "
                             f"received {value!r}")
        return tuple(sorted(map(float, pair)))


class RandomFlip(_RandomImage):
    """Mirrors half of the images; mode: "horizontal", "vertical" or "horizontal_and_vertical"."""

    described = ("seed", "mode", "data_format")

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.mode = self._known("mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def _change(self, images):
        for name, axis in zip(("vertical", "horizontal"), self._axes):
            if name in self.mode:
                flips = self._draw(images, (), 1, 1, 1) <= 0.5
                images = ops.where(flips, ops.flip(images, axis), images)
        return images


class _Moved(_RandomImage):
    """Images read at places that are moved by a matrix."""

    def __init__(self, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0, data_format=None,
                 **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.fill_mode = self._known("fill_mode", fill_mode, ("reflect", "wrap", "constant", "nearest"))
        self.interpolation = self._known("interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_value = fill_value

    def _change(self, images):
        height, width = (ops.cast(images.shape[axis], "float32") for axis in self._axes)
        rows = self._matrix(images, height, width)
        zeros = ops.zeros_like(rows[0])
        matrix = ops.stack([*rows, zeros, zeros], axis=1)
        return ops.image.affine_transform(images, matrix, self.interpolation, self.fill_mode, self.fill_value,
                                          self.data_format)

    def _matrix(self, images, height, width) -> list:
        """Vectors a0, a1, a2, b0, b1, b2: pixel (x, y) shows what was at (a0 x + a1 y + a2, b0 x + b1 y + b2)."""
        raise NotImplementedError(f"{type(self).__name__} has no _matrix()")


class RandomRotation(_Moved):
    """Turns images around their middle by an angle in [-factor, factor] (or between two factors) of a full turn.

    fill_mode  what is outside: "reflect", "wrap", "constant" (fill_value) or "nearest"
    """

    described = ("factor", "data_format", "fill_mode", "fill_value", "interpolation", "seed")

    def __init__(self, factor, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0,
                 data_format=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = self._bounds("factor", factor)

    def _matrix(self, images, height, width):
        angle = self._draw(images, [f * 2 * math.pi for f in self.factor])
        cos, sin = ops.cos(angle), ops.sin(angle)
        x, y = (width - 1) / 2, (height - 1) / 2
        return [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos]


class RandomZoom(_Moved):
    """Shows images smaller (positive factors) or larger, by factors 1 + uniform(-factor, factor) of the height and the
    width; without a width_factor the shape of things is kept."""

    described = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(self, height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear", seed=None,
                 fill_value=0.0, data_format=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = self._bounds("height_factor", height_factor)
        self._width = None if width_factor is None else self._bounds("width_factor", width_factor)

    def _matrix(self, images, height, width):
        zoom = lambda bounds: 1 + self._draw(images, bounds)
        y = zoom(self._height)
        x = y if self._width is None else zoom(self._width)
        none = ops.zeros_like(x)
        return [x, none, (width - 1) / 2 * (1 - x), none, y, (height - 1) / 2 * (1 - y)]


class RandomTranslation(_Moved):
    """Shifts images down and to the right by shares of their height and width in [-factor, factor]."""

    described = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(self, height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", seed=None,
                 fill_value=0.0, data_format=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = self._bounds("height_factor", height_factor)
        self._width = self._bounds("width_factor", width_factor)

    def _matrix(self, images, height, width):
        y, x = self._draw(images, self._height) * height, self._draw(images, self._width) * width
        one, none = ops.ones_like(x), ops.zeros_like(x)
        return [one, none, -x, none, one, -y]


class RandomContrast(_RandomImage):
    """Distances from the mean of each channel times a factor between 1 - lower and 1 + upper, cut to value_range.

    factor  one number for both, or (lower, upper)
    """

    described = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        pair = tuple(factor) if isinstance(factor, (tuple, list)) else (factor, factor)
        if len(pair) != 2 or not all(0 <= f <= 1 for f in pair):
            raise ValueError(f"layer {self.name!r}: expected factor to be a number or two in [0, 1], received "
                             f"{factor!r}")
        self.factor, self.value_range = pair, tuple(value_range)

    def _change(self, images):
        factor = self._draw(images, (1.0 - self.factor[0], 1.0 + self.factor[1]), 1, 1, 1)
        mean = ops.mean(images, axis=self._axes, keepdims=True)
        return ops.clip((images - mean) * factor + mean, *self.value_range)


class RandomBrightness(_RandomImage):
    """Adds to each image a share of the value_range in [-factor, factor] (or between two factors), cut to the range."""

    described = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor = self._bounds("factor", factor)
        if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
            raise ValueError(f"layer {self.name!r}: expected value_range of two numbers, received {value_range!r}")
        self.value_range = tuple(sorted(value_range))

    def _change(self, images):
        low, high = self.value_range
        return ops.clip(images + self._draw(images, self.factor, 1, 1, 1) * (high - low), low, high)
