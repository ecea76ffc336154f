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
    """The base: the layout of the images, and the settings in `described`, which are the config.

    Called on images, or on a dict with "images" and, if wanted, "labels" and "segmentation_masks", which are changed
    alike; other entries stay. Bounding boxes are refused. The steps are methods for subclasses to override:
    get_random_transformation() draws what changes, and transform_images(), transform_labels() and
    transform_segmentation_masks() apply it to batches.
    """

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

    def call(self, data, training=True):
        transformation = self.get_random_transformation(data, training=training)
        parts = data if isinstance(data, dict) else {"images": data}
        if "bounding_boxes" in parts:
            raise NotImplementedError(f"layer {self.name!r}: expected images, labels and segmentation_masks, received "
                                      "bounding_boxes, which are not moved with the images")
        batch = len(self._shape(parts["images"])) == 4
        found = dict(parts)
        for name, one in _PARTS.items():
            if name in parts:
                transform = getattr(self, f"transform_{name}" if batch else f"transform_single_{one}")
                found[name] = transform(ops.convert_to_tensor(parts[name]), transformation, training=training)
        return found if isinstance(data, dict) else found["images"]

    def get_random_transformation(self, data, training=True, seed=None):
        """What is drawn for images (or a dict of data) of that shape; None where nothing is random."""
        return None

    def transform_images(self, images, transformation=None, training=True):
        """The images of a batch, changed by what was drawn."""
        raise NotImplementedError(f"{type(self).__name__} has no transform_images()")

    def transform_labels(self, labels, transformation=None, training=True):
        """The labels of a batch: they stay."""
        return labels

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        """The masks of a batch, changed as the images are."""
        return self.transform_images(segmentation_masks, transformation, training=training)

    def transform_single_image(self, image, transformation=None, training=True):
        """One image, without the batch axis."""
        return self._single(self.transform_images, image, transformation, training)

    def transform_single_label(self, label, transformation=None, training=True):
        """The label of one image."""
        return self._single(self.transform_labels, label, transformation, training)

    def transform_single_segmentation_mask(self, segmentation_mask, transformation=None, training=True):
        """The mask of one image."""
        return self._single(self.transform_segmentation_masks, segmentation_mask, transformation, training)

    def _single(self, transform, x, transformation, training):
        return ops.squeeze(transform(ops.expand_dims(x, 0), transformation, training=training), 0)

    @property
    def _axes(self) -> tuple:
        """(axis of the rows, axis of the columns), from the end."""
        return (-3, -2) if self.data_format == "channels_last" else (-2, -1)

    def _shape(self, data) -> tuple:
        """The shape of the images, after a check of the rank."""
        shape = tuple((data["images"] if isinstance(data, dict) else data).shape)
        if len(shape) not in (3, 4):
            raise ValueError(f"layer {self.name!r}: expected images of rank 3 or 4, received shape {shape}")
        return shape

    def get_config(self):
        return {**super().get_config(), **self.settings(*self.described)}


_PARTS = {"images": "image", "labels": "label", "segmentation_masks": "segmentation_mask"}  # and what one of them is


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

    def transform_images(self, images, transformation=None, training=True):
        return self._resized(images, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        return self._resized(segmentation_masks, "nearest")

    def _resized(self, images, interpolation):
        images = ops.convert_to_tensor(images)
        whole = not images.dtype.startswith("float")
        x = ops.image.resize(
            ops.cast(images, "float32") if whole else images, (self.height, self.width), interpolation,
            self.antialias, self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value,
            self.data_format)
        return ops.saturate_cast(ops.round(x), images.dtype) if whole else x


class CenterCrop(_ImageLayer):
    """The middle height x width of each image; smaller images are enlarged first, undistorted."""

    described = ("height", "width", "data_format")

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height, self.width = height, width

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(ops.convert_to_tensor(images), self.compute_dtype)
        return self._cut(images, self._middle(images))

    def _middle(self, images) -> list:
        return [(self._shape(images)[axis] - size) // 2 for axis, size in self._wanted()]

    def _wanted(self):
        return zip(self._axes, (self.height, self.width))

    def _cut(self, images, starts):
        shape = list(self._shape(images))
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

    def get_random_transformation(self, data, training=True, seed=None):
        """(first row, first column) of the part."""
        if not training:
            return self._middle(data)
        seed = self.generator if seed is None else seed
        free = [ops.cast(self._shape(data)[axis] - size + 1, "float32") for axis, size in self._wanted()]
        return tuple(ops.cast(ops.floor(random.uniform((), seed=seed) * n), "int32") for n in free)

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(ops.convert_to_tensor(images), self.compute_dtype)
        return self._cut(images, transformation if training and transformation is not None else self._middle(images))


class _RandomImage(_ImageLayer):
    """Changes floats in training, image by image: _drawn gives the numbers, _changed uses them."""

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        """The numbers for each image, by name; None where nothing is to change."""
        if not training:
            return None
        shape = self._shape(data)
        count = shape[0] if len(shape) == 4 else 1
        seed = self.generator if seed is None else seed
        draw = lambda bounds, *ones: random.uniform((count, *ones), *bounds, dtype=self.compute_dtype, seed=seed)
        return {**self._drawn(draw, *(ops.cast(shape[axis], "float32") for axis in self._axes)), "input_shape": shape}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(ops.convert_to_tensor(images), self.compute_dtype)
        return self._changed(images, transformation) if training and transformation is not None else images

    def _drawn(self, draw, height, width) -> dict:
        """draw(bounds, *ones): a number between bounds for each image, in an array of shape (batch, *ones)."""
        raise NotImplementedError(f"{type(self).__name__} has no _drawn()")

    def _changed(self, images, transformation):
        raise NotImplementedError(f"{type(self).__name__} has no _changed()")

    def _bounds(self, name, value, least=-1.0, most=1.0) -> tuple:
        """A factor as (lower, upper): a number stands for both directions."""
        pair = tuple(value) if isinstance(value, (tuple, list)) else (-abs(value), abs(value))
        if len(pair) != 2 or not all(least <= v <= most for v in pair):
            raise ValueError(f"layer {self.name!r}: expected {name} to be a number or two in [{least}, {most}], "
                             f"received {value!r}")
        return tuple(sorted(map(float, pair)))


class RandomFlip(_RandomImage):
    """Mirrors half of the images; mode: "horizontal", "vertical" or "horizontal_and_vertical" (both at once)."""

    described = ("seed", "mode", "data_format")

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.mode = self._known("mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def _drawn(self, draw, height, width):
        return {"flips": draw((), 1, 1, 1) <= 0.5}

    def _changed(self, images, transformation):
        axes = [axis for name, axis in zip(("vertical", "horizontal"), self._axes) if name in self.mode]
        return ops.where(transformation["flips"], ops.flip(images, axes), images)


class _Moved(_RandomImage):
    """Images read at places that are moved by a matrix."""

    def __init__(self, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0, data_format=None,
                 **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.fill_mode = self._known("fill_mode", fill_mode, ("reflect", "wrap", "constant", "nearest"))
        self.interpolation = self._known("interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_value = fill_value

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        if not training or transformation is None:
            return segmentation_masks
        moved = self._changed(ops.cast(segmentation_masks, self.compute_dtype), transformation, "nearest")
        return ops.cast(moved, segmentation_masks.dtype)

    def _changed(self, images, transformation, interpolation=None):
        rows = self._matrix(transformation, *(ops.cast(images.shape[axis], "float32") for axis in self._axes))
        zeros = ops.zeros_like(rows[0])
        matrix = ops.stack([*rows, zeros, zeros], axis=1)
        return ops.image.affine_transform(images, matrix, interpolation or self.interpolation, self.fill_mode,
                                          self.fill_value, self.data_format)

    def _matrix(self, transformation, height, width) -> list:
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

    def _drawn(self, draw, height, width):
        return {"angle": draw([f * 360 for f in self.factor])}

    def _matrix(self, transformation, height, width):
        angle = transformation["angle"] * (math.pi / 180)
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

    def _drawn(self, draw, height, width):
        y = 1 + draw(self._height, 1)
        return {"height_zoom": y, "width_zoom": y if self._width is None else 1 + draw(self._width, 1)}

    def _matrix(self, transformation, height, width):
        x, y = (ops.squeeze(transformation[name], 1) for name in ("width_zoom", "height_zoom"))
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

    def _drawn(self, draw, height, width):
        y, x = draw(self._height, 1) * height, draw(self._width, 1) * width
        return {"translations": ops.concatenate([x, y], axis=1)}

    def _matrix(self, transformation, height, width):
        x, y = transformation["translations"][:, 0], transformation["translations"][:, 1]
        one, none = ops.ones_like(x), ops.zeros_like(x)
        return [one, none, -x, none, one, -y]


class _Coloured(_RandomImage):
    """Other colours at the same places: masks stay."""

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        return segmentation_masks


class RandomContrast(_Coloured):
    """Distances from the mean of each channel times a factor between 1 - lower and 1 + upper, cut to value_range.

    factor  (lower, upper), or one number: upper, with a lower of 0
    """

    described = ("factor", "value_range", "seed", "data_format")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        pair = tuple(sorted(factor)) if isinstance(factor, (tuple, list)) else (0, factor)
        if len(pair) != 2 or not all(0 <= f <= 1 for f in pair):
            raise ValueError(f"layer {self.name!r}: expected factor to be a number or two in [0, 1], received "
                             f"{factor!r}")
        self.factor, self.value_range = pair, tuple(value_range)

    def _drawn(self, draw, height, width):
        return {"contrast_factor": draw((1.0 - self.factor[0], 1.0 + self.factor[1]), 1, 1, 1)}

    def _changed(self, images, transformation):
        mean = ops.mean(images, axis=self._axes, keepdims=True)
        return ops.clip((images - mean) * transformation["contrast_factor"] + mean, *self.value_range)


class RandomBrightness(_Coloured):
    """Adds to each image a share of the value_range in [-factor, factor] (or between two factors), cut to the range."""

    described = ("factor", "value_range", "seed", "data_format")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor = self._bounds("factor", factor)
        if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
            raise ValueError(f"layer {self.name!r}: expected value_range of two numbers, received {value_range!r}")
        self.value_range = tuple(sorted(value_range))

    def _drawn(self, draw, height, width):
        return {"rgb_delta": draw(self.factor, 1, 1, 1) * (self.value_range[1] - self.value_range[0])}

    def _changed(self, images, transformation):
        return ops.clip(images + transformation["rgb_delta"], *self.value_range)
