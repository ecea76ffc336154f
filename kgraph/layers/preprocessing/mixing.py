"""Layers that mix the images of a batch, and cut parts out of images."""
from __future__ import annotations

from kgraph import ops, random
from kgraph.layers.preprocessing.image_base import RandomImage, Still

__all__ = ["CutMix", "MixUp", "RandomErasing"]


class MixUp(RandomImage):
    """Each image and its label mixed with another of the batch, by weights of the Beta distribution of alpha and alpha
    (Zhang et al., https://arxiv.org/abs/1710.09412). Labels are one-hot or other floats.

    Args:
        alpha: of the Beta distribution, 0.2.

    Example:
        >>> batch = {"images": np.ones((2, 4, 4, 3), "float32"), "labels": np.eye(2, dtype="float32")}
        >>> layers.MixUp(seed=0)(batch, training=True)["labels"].shape
        (2, 2)
    """

    described = ("alpha", "seed", "data_format")

    def __init__(self, alpha=0.2, data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.alpha = alpha

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape = self._shape(data)
        count = shape[0] if len(shape) == 4 else 1
        seed = self.generator if seed is None else seed
        order = ops.argsort(random.uniform((count,), seed=seed))
        return {"mix_weight": random.beta((count,), self.alpha, self.alpha, seed=seed), "permutation_order": order}

    def _is_per_sample(self, training) -> bool:
        return not training

    def _changed(self, images, transformation):
        weight = ops.cast(transformation["mix_weight"], images.dtype)
        weight = ops.reshape(weight, (-1,) + (1,) * (len(images.shape) - 1))
        return weight * images + (1.0 - weight) * ops.take(images, transformation["permutation_order"], axis=0)

    def transform_labels(self, labels, transformation=None, training=True):
        return self.transform_images(labels, transformation, training)

    def transform_bounding_boxes(self, bounding_boxes, transformation=None, training=True):
        """The boxes of both images."""
        if not self._moves(transformation, training):
            return bounding_boxes
        both = lambda x: ops.concatenate([x, ops.take(x, transformation["permutation_order"], axis=0)], axis=1)
        return {**bounding_boxes, **{name: both(bounding_boxes[name]) for name in ("boxes", "labels")}}


class _Parts(RandomImage):
    """A rectangle in each image."""

    def _part(self, draw, length, share):
        """Where a part of that share of a length begins and ends."""
        size = share * length
        start = draw(()) * (length - size)
        return start, start + size

    def _inside(self, shape, x, y):
        """Whether a pixel lies between the two of x and of y: [batch, height, width, 1], or as the layout has it."""
        return ops.logical_and(*(self._between(shape[axis], axis, ends) for axis, ends in zip(self._axes, (y, x))))

    def _between(self, length, axis, ends):
        place = ops.arange(length, dtype=self.compute_dtype)
        place = ops.reshape(place, [-1 if a == axis else 1 for a in range(-4, 0)])
        first, last = (ops.reshape(end, (-1, 1, 1, 1)) for end in ends)
        return ops.logical_and(place >= first, place < last)


class CutMix(_Parts):
    """A rectangle of each image comes from another image of the batch, and its label is mixed by their areas (Yun et
    al., https://arxiv.org/abs/1905.04899). Labels are one-hot or other floats; a single image stays.

    Args:
        factor: the two parameters of the Beta distribution of the area that stays are drawn between the two of factor

    Example:
        >>> batch = {"images": np.ones((2, 4, 4, 3), "float32"), "labels": np.eye(2, dtype="float32")}
        >>> layers.CutMix(seed=0)(batch, training=True)["images"].shape
        (2, 4, 4, 3)
    """

    described = ("factor", "seed", "data_format")

    def __init__(self, factor=1.0, seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.factor = self._interval("factor", factor)

    def _is_per_sample(self, training) -> bool:
        return not training

    def get_random_transformation(self, data, training=True, seed=None):
        return None if len(self._shape(data)) == 3 else super().get_random_transformation(data, training, seed)

    def _drawn(self, draw, height, width):
        alpha = draw(self.factor, each=False) + 1e-6
        order = ops.argsort(draw(()))
        stays = random.beta(order.shape, alpha, alpha, dtype=self.compute_dtype, seed=draw.seed)
        share = ops.sqrt(1.0 - stays)
        x, y = self._part(draw, width, share), self._part(draw, height, share)
        weight = 1.0 - (x[1] - x[0]) * (y[1] - y[0]) / (width * height)
        return {"permutation_order": order, "mix_weight": ops.reshape(weight, (-1, 1, 1, 1)),
                "batch_masks": self._inside(draw.shape, x, y)}

    def _changed(self, images, transformation):
        return ops.where(transformation["batch_masks"], ops.take(images, transformation["permutation_order"], axis=0),
                         images)

    def transform_labels(self, labels, transformation=None, training=True):
        if not self._moves(transformation, training):
            return labels
        weight = ops.reshape(transformation["mix_weight"], (-1,) + (1,) * (len(labels.shape) - 1))
        return weight * labels + (1.0 - weight) * ops.take(labels, transformation["permutation_order"], axis=0)


class RandomErasing(Still, _Parts):
    """Fills a rectangle of each image, with a probability between the two of factor (Zhong et al.,
    https://arxiv.org/abs/1708.04896).

    Args:
        scale: the share of the area is drawn between the two of scale, for each side by itself
        fill_value: a number, three for the channels, or None: normal numbers times value_range[1]; cut to value_range

    Raises:
        ValueError: fill_value is neither None nor a number nor three.

    Example:
        >>> layers.RandomErasing(seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("factor", "scale", "fill_value", "value_range", "seed", "data_format")

    def __init__(self, factor=1.0, scale=(0.02, 0.33), fill_value=None, value_range=(0, 255), seed=None,
                 data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.factor, self.scale = self._interval("factor", factor), self._interval("scale", scale)
        self.value_range, self.fill_value = self._range(value_range), fill_value
        if isinstance(fill_value, (tuple, list)) and len(fill_value) != 3 or isinstance(fill_value, str):
            raise ValueError(f"layer {self.name!r}: expected fill_value to be None, a number or three, received "
                             f"{fill_value!r}")

    def _drawn(self, draw, height, width):
        shares = ops.sqrt(draw(self.scale, 2))
        x, y = self._part(draw, width, shares[:, 0]), self._part(draw, height, shares[:, 1])
        probability = draw(self.factor)
        return {"apply_erasing": draw(()) < probability, "batch_masks": self._inside(draw.shape, x, y),
                "fill_value": ops.clip(self._filling(draw), *self.value_range)}

    def _filling(self, draw):
        if self.fill_value is None:
            noise = random.normal(draw.shape, dtype=self.compute_dtype, seed=draw.seed)
            return noise * self.value_range[1]
        filling = ops.convert_to_tensor(self.fill_value, self.compute_dtype)
        return ops.reshape(filling, [-1 if a == self._channel else 1 for a in range(-3, 0)])

    def _changed(self, images, transformation):
        chosen = ops.reshape(transformation["apply_erasing"], (-1, 1, 1, 1))
        return ops.where(ops.logical_and(chosen, transformation["batch_masks"]), transformation["fill_value"], images)
