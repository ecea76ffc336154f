"""Images of [batch, height, width, channels] or [height, width, channels]: sizes, mirrors and brightness.

The random layers act when called with training=True, which is their default; a model says training=False in predict
and evaluate. Each image of a batch gets numbers of its own, but for RandomCrop.
"""
from __future__ import annotations

from kgraph import ops, random
from kgraph.compiler.loopnest.dtypes import is_float
from kgraph.layers.preprocessing.image_base import Coloured, ImageLayer, RandomImage
from kgraph.utils import bounding_boxes

__all__ = ["CenterCrop", "MaxNumBoundingBoxes", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip",
           "Resizing"]


class Resizing(ImageLayer):
    """Images of another height and width; integers are rounded.

    Args:
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio, pad_to_aspect_ratio: cut, or fill with fill_value, so that nothing is distorted
        antialias: wider where images shrink. False by default.

    Example:
        >>> layers.Resizing(4, 3)(np.ones((1, 8, 8, 3), "float32")).shape
        (1, 4, 3, 3)
    """

    described = ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode",
                 "fill_value", "antialias", "data_format")

    def __init__(self, height, width, interpolation="bilinear", crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
                 fill_mode="constant", fill_value=0.0, antialias=False, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height, self.width, self.interpolation, self.antialias = height, width, interpolation, bool(antialias)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def get_random_transformation(self, data, training=True, seed=None):
        """(height, width) of the images: nothing is random."""
        return tuple(self._shape(data)[axis] for axis in self._axes)

    def transform_images(self, images, transformation=None, training=True):
        return self._resized(images, self.interpolation)

    def _moves(self, transformation, training):
        return True

    def _size(self, transformation):
        return transformation

    def _size_after(self, height, width):
        return self.height, self.width

    def _moved_boxes(self, boxes, transformation, height, width):
        """Empty boxes, of 0 or -1 alone, become 0."""
        height, width = (ops.cast(n, boxes.dtype) for n in (height, width))
        high, wide = self._whole(height, width)
        y, x = high / height, wide / width
        top, left = ops.floor((self.height - high) / 2), ops.floor((self.width - wide) / 2)
        if self.crop_to_aspect_ratio and not self.pad_to_aspect_ratio:   # half a pixel less is cut off
            top, left = -ops.floor((high - self.height) / 2), -ops.floor((wide - self.width) / 2)
        moved = boxes * ops.stack([x, y, x, y]) + ops.stack([left, top, left, top])
        empty = [ops.all(ops.equal(boxes, value), axis=-1, keepdims=True) for value in (0.0, -1.0)]
        return ops.where(ops.logical_or(*empty), ops.zeros_like(moved), moved)

    def _whole(self, height, width) -> tuple:
        """(height, width) of the whole images as they are shown, before anything is cut off or added."""
        if self.pad_to_aspect_ratio:
            least = ops.minimum(self.height / height, self.width / width)
            return height * least, width * least
        size = [ops.cast(n, height.dtype) for n in (self.height, self.width)]
        if not self.crop_to_aspect_ratio:
            return size
        wide = width / height > self.width / self.height
        return ops.where(wide, size[0], self.width / (width / height)), ops.where(wide, self.height * (width / height),
                                                                                  size[1])

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        return self._resized(segmentation_masks, "nearest")

    def _resized(self, images, interpolation):
        images = ops.convert_to_tensor(images)
        whole = not is_float(images.dtype)
        x = ops.image.resize(
            ops.cast(images, "float32") if whole else images, (self.height, self.width), interpolation,
            self.antialias, self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value,
            self.data_format)
        return ops.saturate_cast(ops.round(x), images.dtype) if whole else x


class CenterCrop(ImageLayer):
    """The middle height x width of each image; smaller images are enlarged first, undistorted.

    Example:
        >>> layers.CenterCrop(4, 3)(np.ones((1, 8, 8, 3), "float32")).shape
        (1, 4, 3, 3)
    """

    described = ("height", "width", "data_format")

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height, self.width = height, width

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(ops.convert_to_tensor(images), self.compute_dtype)
        return self._cut(images, self._middle(self._shape(images)))

    def get_random_transformation(self, data, training=True, seed=None):
        return {"input_shape": self._shape(data)}

    def _moves(self, transformation, training):
        return True

    def _size_after(self, height, width):
        return self.height, self.width

    def _moved_boxes(self, boxes, transformation, height, width):
        return self._cut_boxes(boxes, height, width, self._middle(transformation["input_shape"]))

    def _cut_boxes(self, found, height, width, starts):
        """Boxes in the part that _cut() takes at those starts: of smaller images, of the middle that is enlarged."""
        if not self._enlarges(height, width):
            return bounding_boxes.crop(found, *starts, self.height, self.width)
        h = max(1, min(height, width * self.height // self.width))
        w = max(1, min(width, height * self.width // self.height))
        part = bounding_boxes.crop(found, (height - h) // 2, (width - w) // 2, h, w)
        y, x = self.height / h, self.width / w
        return part * ops.stack([x, y, x, y])

    def _enlarges(self, height, width) -> bool:
        return any(isinstance(n, int) and n < size for n, size in ((height, self.height), (width, self.width)))

    def _middle(self, shape) -> list:
        """The first row and column of the middle of images of that shape."""
        return [(shape[axis] - size) // 2 for axis, size in self._wanted()]

    def _wanted(self):
        return zip(self._axes, (self.height, self.width))

    def _cut(self, images, starts):
        shape = list(self._shape(images))
        if self._enlarges(*(shape[axis] for axis in self._axes)):
            return ops.image.resize(images, (self.height, self.width), crop_to_aspect_ratio=True,
                                    data_format=self.data_format)
        begin = [0] * len(shape)
        for (axis, size), start in zip(self._wanted(), starts):
            begin[axis], shape[axis] = start, size
        return ops.slice(images, tuple(begin), tuple(shape))


class RandomCrop(CenterCrop):
    """In training a height x width part at a random place, the same for the whole batch; else the middle.

    Example:
        >>> layers.RandomCrop(4, 3, seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 4, 3, 3)
    """

    described = ("height", "width", "seed", "data_format")

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        super().__init__(height, width, data_format, name=name, **kwargs)
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        """First row and first column of the part; height and width of the images."""
        shape = self._shape(data)
        size = tuple(shape[axis] for axis in self._axes)
        if not training:
            return (*self._middle(shape), *size)
        seed = self.generator if seed is None else seed
        free = [ops.cast(shape[axis] - size + 1, "float32") for axis, size in self._wanted()]
        return (*(ops.cast(ops.floor(random.uniform((), seed=seed) * n), "int32") for n in free), *size)

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(ops.convert_to_tensor(images), self.compute_dtype)
        random = training and transformation is not None
        return self._cut(images, transformation[:2] if random else self._middle(self._shape(images)))

    def _size(self, transformation):
        return transformation[2:] or (None, None)   # boxes in pixels need no sizes

    def _moved_boxes(self, boxes, transformation, height, width):
        return self._cut_boxes(boxes, height, width, [ops.cast(n, boxes.dtype) for n in transformation[:2]])


class MaxNumBoundingBoxes(ImageLayer):
    """So many boxes for each image: the first ones, or boxes and labels of fill_value behind them. Images stay.

    Args:
        max_number: of each image.
        fill_value: of the boxes that are missing, -1.

    Example:
        >>> layers.MaxNumBoundingBoxes(10, bounding_box_format="xyxy").max_number
        10
    """

    described = ("max_number", "data_format")

    def __init__(self, max_number, fill_value=-1, **kwargs):
        super().__init__(**kwargs)
        self.max_number, self.fill_value = int(max_number), int(fill_value)

    def transform_images(self, images, transformation=None, training=True):
        return images

    def transform_bounding_boxes(self, bounding_boxes, transformation=None, training=True):
        def filled(x):
            x = x[:, :self.max_number]
            widths = [(0, self.max_number - x.shape[1] if axis == 1 else 0) for axis in range(len(x.shape))]
            return ops.pad(x, widths, constant_values=self.fill_value)
        return {**bounding_boxes, **{name: filled(bounding_boxes[name]) for name in ("boxes", "labels")}}

    def get_config(self):
        return {**super().get_config(), **({} if self.fill_value == -1 else self.settings("fill_value"))}


class RandomFlip(RandomImage):
    """Mirrors half of the images; mode: "horizontal", "vertical" or "horizontal_and_vertical" (both at once).

    Args:
        mode: "horizontal", "vertical" or "horizontal_and_vertical".

    Example:
        >>> layers.RandomFlip("horizontal", seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("seed", "mode", "data_format")

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.mode = self._known("mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def _drawn(self, draw, height, width):
        return {"flips": draw((), 1, 1, 1) <= 0.5}

    def _changed(self, images, transformation):
        axes = [axis for name, axis in zip(("vertical", "horizontal"), self._axes) if name in self.mode]
        return ops.where(transformation["flips"], ops.flip(images, axes), images)

    def _moved_boxes(self, boxes, transformation, height, width):
        x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)
        x1, x2 = (width - x2, width - x1) if "horizontal" in self.mode else (x1, x2)
        y1, y2 = (height - y2, height - y1) if "vertical" in self.mode else (y1, y2)
        return ops.where(ops.reshape(transformation["flips"], (-1, 1, 1)), ops.concatenate([x1, y1, x2, y2], -1), boxes)


class RandomContrast(Coloured):
    """Distances from the mean of each channel times a factor between 1 - lower and 1 + upper, cut to value_range.

    Args:
        factor: (lower, upper), or one number: upper, with a lower of 0

    Raises:
        ValueError: factor is no number in [0, 1], nor two of them.

    Example:
        >>> layers.RandomContrast(0.5, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
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


class RandomBrightness(Coloured):
    """Adds to each image a share of the value_range in [-factor, factor] (or between two factors), cut to the range.

    Raises:
        ValueError: value_range is not two numbers.

    Example:
        >>> layers.RandomBrightness(0.2, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

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
