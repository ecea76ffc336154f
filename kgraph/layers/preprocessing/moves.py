"""Layers that turn, shift, zoom, shear and bend images, each by numbers of its own; boxes and masks move too."""
from __future__ import annotations

import math

from kgraph import ops, random
from kgraph.layers.preprocessing.boxes import boxes_behind
from kgraph.layers.preprocessing.image_base import RandomImage
from kgraph.ops.image.images import sampled_images
from kgraph.ops.image.warps import homography
from kgraph.utils.bounding_boxes import around, corners

__all__ = ["RandomElasticTransform", "RandomPerspective", "RandomRotation", "RandomShear", "RandomTranslation",
           "RandomZoom"]


class _Moved(RandomImage):
    """Images read at places that are moved by a matrix."""

    fill_modes = ("reflect", "wrap", "constant", "nearest")

    def __init__(self, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0, data_format=None,
                 **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.fill_mode = self._known("fill_mode", fill_mode, self.fill_modes, NotImplementedError)
        self.interpolation = self._known("interpolation", interpolation, ("nearest", "bilinear"), NotImplementedError)
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

    def _moved_boxes(self, boxes, transformation, height, width):
        return boxes_behind(boxes, self._matrix(transformation, *(ops.cast(n, boxes.dtype) for n in (height, width))))

    def _matrix(self, transformation, height, width) -> list:
        """Vectors a0, a1, a2, b0, b1, b2: pixel (x, y) shows what was at (a0 x + a1 y + a2, b0 x + b1 y + b2)."""
        raise NotImplementedError(f"{type(self).__name__} has no _matrix()")


class RandomRotation(_Moved):
    """Turns images around their middle by an angle in [-factor, factor] (or between two factors) of a full turn.

    Args:
        fill_mode: what is outside: "reflect", "wrap", "constant" (fill_value) or "nearest"
        factor: the largest angle as a share of a full turn, or two.

    Example:
        >>> layers.RandomRotation(0.1, seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
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
    width; without a width_factor the shape of things is kept.

    Args:
        height_factor, width_factor: a number f for [-f, f], or (lower, upper).

    Example:
        >>> layers.RandomZoom(0.2, seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(self, height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear", seed=None,
                 fill_value=0.0, data_format=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = self._bounds("height_factor", height_factor)
        self._width = None if width_factor is None else self._bounds("width_factor", width_factor)
        self.height_lower, self.height_upper = self._height
        self.width_lower, self.width_upper = self._width or self._height

    def _drawn(self, draw, height, width):
        y = 1 + draw(self._height, 1)
        return {"height_zoom": y, "width_zoom": y if self._width is None else 1 + draw(self._width, 1)}

    def _matrix(self, transformation, height, width):
        x, y = (ops.squeeze(transformation[name], 1) for name in ("width_zoom", "height_zoom"))
        none = ops.zeros_like(x)
        return [x, none, (width - 1) / 2 * (1 - x), none, y, (height - 1) / 2 * (1 - y)]


class RandomTranslation(_Moved):
    """Shifts images down and to the right by shares of their height and width in [-factor, factor].

    Args:
        height_factor, width_factor: a share f for [-f, f], or (lower, upper).

    Example:
        >>> layers.RandomTranslation(0.2, 0.2, seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(self, height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", seed=None,
                 fill_value=0.0, data_format=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = self._bounds("height_factor", height_factor)
        self._width = self._bounds("width_factor", width_factor)
        self.height_lower, self.height_upper = self._height
        self.width_lower, self.width_upper = self._width

    def _drawn(self, draw, height, width):
        y, x = draw(self._height, 1) * height, draw(self._width, 1) * width
        return {"translations": ops.concatenate([x, y], axis=1)}

    def _matrix(self, transformation, height, width):
        x, y = transformation["translations"][:, 0], transformation["translations"][:, 1]
        one, none = ops.ones_like(x), ops.zeros_like(x)
        return [one, none, -x, none, one, -y]


class RandomShear(_Moved):
    """Shears images: rows by shares of up to x_factor of their distance from the top, columns by y_factor likewise.

    Args:
        x_factor, y_factor: a number f for [-f, f], or (lower, upper); half of the images go the other way
        fill_mode: as for RandomRotation

    Example:
        >>> layers.RandomShear(0.2, seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("x_factor", "y_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(self, x_factor=0.0, y_factor=0.0, interpolation="bilinear", fill_mode="reflect", fill_value=0.0,
                 data_format=None, seed=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor, self.y_factor = (self._shares(name, value) for name, value in (
            ("x_factor", x_factor), ("y_factor", y_factor)))

    def _shares(self, name, value):
        if not isinstance(value, (tuple, list)):
            self._bounds(name, (0, value), 0.0, 1.0)
        return self._bounds(name, value)   # negative ends too: a config has them

    def _moved_boxes(self, boxes, transformation, height, width):
        """As Keras has it: rows first, then columns, by shares of the height and the width."""
        sizes = ops.stack([ops.cast(n, boxes.dtype) for n in (width, height, width, height)])
        factor = ops.cast(transformation["shear_factor"], boxes.dtype)[:, None, :]
        x, y = corners(boxes / sizes)
        x, y = corners(around(x - factor[..., :1] * y, y))
        return around(x, y - factor[..., 1:] * x) * sizes

    def _drawn(self, draw, height, width):
        side = ops.where(draw((), 1) > 0.5, -1.0, 1.0)
        y, x = draw(self.y_factor, 1), draw(self.x_factor, 1)
        return {"shear_factor": ops.concatenate([x, y], axis=1) * side}

    def _matrix(self, transformation, height, width):
        x, y = transformation["shear_factor"][:, 0], transformation["shear_factor"][:, 1]
        one, none = ops.ones_like(x), ops.zeros_like(x)
        return [one, x, none, y, one, none]


class RandomPerspective(_Moved):
    """Shows images from elsewhere, with a probability between the two of factor: each corner moves by a share of its
    distance from the top left one, of up to half the scale, in each direction.

    Args:
        factor: the share of images that are changed, or two to draw it between.
        scale: how far corners move, in [0, 1].

    Raises:
        ValueError: scale is no number in [0, 1].

    Example:
        >>> layers.RandomPerspective(seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("factor", "scale", "interpolation", "fill_value", "seed", "data_format")

    def __init__(self, factor=1.0, scale=1.0, interpolation="bilinear", fill_value=0.0, seed=None, data_format=None,
                 **kwargs):
        super().__init__("constant", interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = self._interval("factor", factor)
        if not isinstance(scale, (int, float)) or not 0 <= scale <= 1:
            raise ValueError(f"layer {self.name!r}: expected scale to be a number in [0, 1], received {scale!r}")
        self.scale = scale

    def _drawn(self, draw, height, width):
        probability, last = draw(self.factor), ops.cast(ops.stack([width - 1, height - 1]), self.compute_dtype)
        apply = draw(()) < probability
        moves = draw((-0.5 * self.scale, 0.5 * self.scale), 4, 2)
        start = ops.cast([[0, 0], [1, 0], [0, 1], [1, 1]], self.compute_dtype) * last + ops.zeros_like(moves)
        return {"apply_perspective": apply, "start_points": start, "end_points": start + start * moves}

    def _changed(self, images, transformation, interpolation=None):
        moved = ops.image.perspective_transform(
            images, transformation["start_points"], transformation["end_points"],
            interpolation or self.interpolation, self.fill_value, self.data_format)
        return ops.where(ops.reshape(transformation["apply_perspective"], (-1, 1, 1, 1)), moved, images)

    def _moved_boxes(self, boxes, transformation, height, width):
        start, end = (ops.cast(transformation[name], "float32") for name in ("start_points", "end_points"))
        matrix = [[ops.reshape(n, (-1, 1, 1)) for n in row] for row in homography(start, end)]
        x, y = corners(boxes)
        x, y, depth = (row[0] * x + row[1] * y + row[2] for row in matrix)
        moved = around(x / depth, y / depth)
        return ops.where(ops.reshape(transformation["apply_perspective"], (-1, 1, 1)), moved, boxes)


class RandomElasticTransform(_Moved):
    """Bends images, with a probability between the two of factor: smooth random moves, whose size is drawn for the
    whole batch between the two of scale. Simard et al., "Best practices for convolutional neural networks" (2003).

    Args:
        factor: the share of images that are changed, or two to draw it between.
        scale: how far places move, or two to draw it between.

    Example:
        >>> layers.RandomElasticTransform(seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("factor", "scale", "interpolation", "fill_mode", "fill_value", "value_range", "seed", "data_format")
    fill_modes = (*_Moved.fill_modes, "mirror")

    def __init__(self, factor=1.0, scale=1.0, interpolation="bilinear", fill_mode="reflect", fill_value=0.0,
                 value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor, self.scale = self._interval("factor", factor), self._interval("scale", scale)
        self.value_range = self._range(value_range)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training or not self.scale[1] or not self.factor[1]:
            return None
        drawn = super().get_random_transformation(data, training, seed)
        height, width = self._size(drawn)
        distortion, count = drawn["distortion_factor"], drawn["apply_transform"].shape[0]
        sigma = ops.maximum(min(height, width) * 0.05 * distortion, 1e-6)
        size = 6 * int(min(height, width) * 0.05 * self.scale[1]) | 1   # wide enough for the largest deviation
        noise = random.normal((count, height, width, 1), dtype=self.compute_dtype,
                              seed=self.generator if seed is None else seed) * sigma
        smooth = ops.image.gaussian_blur(noise, (size, size), (sigma, sigma), "channels_last")
        return {**drawn, "moves": ops.squeeze(smooth, -1) * (max(height, width) * 0.1 * distortion)}

    def _drawn(self, draw, height, width):
        probability = draw(self.factor)
        return {"apply_transform": draw(()) < probability, "distortion_factor": draw(self.scale, each=False)}

    def _changed(self, images, transformation, interpolation=None):
        x, moves = ops.moveaxis(images, self._channel, -1), transformation["moves"]
        rows, columns = (ops.arange(n, dtype=moves.dtype) for n in x.shape[1:3])
        bent = sampled_images(x, [moves + rows[:, None], moves + columns], interpolation or self.interpolation,
                              self.fill_mode, self.fill_value)
        chosen = ops.reshape(transformation["apply_transform"], (-1, 1, 1, 1))
        return ops.clip(ops.where(chosen, ops.moveaxis(bent, -1, self._channel), images), *self.value_range)

    def _moved_boxes(self, boxes, transformation, height, width):
        raise NotImplementedError(f"layer {self.name!r}: RandomElasticTransform bends boxes, which it cannot say")
