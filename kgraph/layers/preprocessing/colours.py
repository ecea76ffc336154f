"""Layers that change the colours of images, masks staying: by what was drawn for each image, in training."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.config import epsilon
from kgraph.layers.preprocessing.image_base import Coloured, rescaled

__all__ = ["AutoContrast", "RandomColorDegeneration", "RandomGaussianBlur", "RandomGrayscale", "RandomHue",
           "RandomInvert", "RandomPosterization", "RandomSaturation", "RandomSharpness", "Solarization"]


class _Ranged(Coloured):
    """Draws by a factor; the values of the images lie in value_range."""

    described = ("factor", "value_range", "seed", "data_format")

    def __init__(self, factor=1.0, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.factor, self.value_range = self._interval("factor", factor), self._range(value_range)

    def _drawn(self, draw, height, width):
        return {"factor": draw(self.factor)}

    def _each(self, drawn):
        """One number for each image, to be used with images."""
        return ops.reshape(ops.cast(drawn, self.compute_dtype), (-1, 1, 1, 1))


class Solarization(_Ranged):
    """Adds a share of up to addition_factor of the range; then values from a threshold on, of up to threshold_factor,
    are turned over: 255 less them.

    Args:
        addition_factor: how much is added before, up to a share of the range; 0.
        threshold_factor: where values turn round, as a share of the range; 0.

    Example:
        >>> layers.Solarization(threshold_factor=0.5, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    described = ("value_range", "addition_factor", "threshold_factor", "seed", "data_format")

    def __init__(self, addition_factor=0.0, threshold_factor=0.0, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(value_range=value_range, seed=seed, **kwargs)
        self.addition_factor = self._interval("addition_factor", addition_factor)
        self.threshold_factor = self._interval("threshold_factor", threshold_factor)

    def _drawn(self, draw, height, width):
        # As Keras has it, only the upper end is in values of [0, 255].
        return {name: draw((low, high * 255), 1, 1, 1) for name, (low, high) in (
            ("additions", self.addition_factor), ("thresholds", self.threshold_factor))}

    def _changed(self, images, transformation):
        x = rescaled(images, self.value_range, (0, 255))
        x = ops.clip(x + self._each(transformation["additions"]), 0, 255)
        x = ops.where(x < self._each(transformation["thresholds"]), x, 255 - x)
        return rescaled(x, (0, 255), self.value_range)


class AutoContrast(_Ranged):
    """Each channel of each image stretched to the whole value_range, in training and else; flat ones stay.

    Example:
        >>> layers.AutoContrast()(np.float32([[[[10.0], [20.0]]]]))[0, 0, :, 0]
        <Tensor f32[2] [  0. 255.]>
    """

    described = ("value_range", "data_format")

    def __init__(self, value_range=(0, 255), **kwargs):
        super().__init__(value_range=value_range, **kwargs)

    def get_random_transformation(self, data, training=True, seed=None):
        return {}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(ops.convert_to_tensor(images), self.compute_dtype)
        x = rescaled(images, self.value_range, (0, 255))
        low, high = ops.min(x, axis=self._axes, keepdims=True), ops.max(x, axis=self._axes, keepdims=True)
        span = high - low
        x = ops.clip((x - low) * (255.0 / ops.where(span == 0, ops.ones_like(span), span)), 0, 255)
        return ops.where(span == 0, images, rescaled(x, (0, 255), self.value_range))


class RandomGrayscale(Coloured):
    """A share `factor` of the images becomes gray, in three equal channels.

    Args:
        factor: the share of images that become grey, 0.5.

    Example:
        >>> layers.RandomGrayscale(1.0, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    described = ("factor", "seed", "data_format")

    def __init__(self, factor=0.5, data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.factor = factor
        self._bounds("factor", (0, factor), 0.0, 1.0)

    def _drawn(self, draw, height, width):
        return {"grays": draw((), 1, 1, 1) < self.factor}

    def _changed(self, images, transformation):
        return ops.where(transformation["grays"], ops.image.rgb_to_grayscale(images, self.data_format), images)


class RandomInvert(_Ranged):
    """Turns values over, value_range[1] less them, with a probability between the two of factor.

    Args:
        factor: the probability of an image is drawn between two; one number f means (0, f).

    Example:
        >>> layers.RandomInvert((1.0, 1.0), seed=0)(np.float32([[[[10.0, 20.0, 30.0]]]]), training=True)
        <Tensor f32[1,1,1,3] [[[[245. 235. 225.]]]]>
    """

    def __init__(self, factor=1.0, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def _drawn(self, draw, height, width):
        probability = draw(self.factor)
        return {"apply_inversion": draw(()) < probability}

    def _changed(self, images, transformation):
        return ops.where(ops.reshape(transformation["apply_inversion"], (-1, 1, 1, 1)), self.value_range[1] - images,
                         images)


class RandomHue(_Ranged):
    """Turns hues by half the factor of a full circle, to either side.

    Example:
        >>> layers.RandomHue(0.2, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def _drawn(self, draw, height, width):
        side = ops.where(draw(()) > 0.5, -1.0, 1.0)
        return {"factor": side * draw(self.factor) * 0.5}

    def _changed(self, images, transformation):
        hue, *others = self._hsv(rescaled(images, self.value_range, (0, 1)))
        hue = hue + self._each(transformation["factor"])
        hue = ops.where(hue > 1.0, hue - 1.0, hue)
        x = self._rgb([ops.where(hue < 0.0, hue + 1.0, hue), *others])
        return rescaled(ops.clip(x, 0, 1), (0, 1), self.value_range)

    def _hsv(self, images) -> list:
        return ops.split(ops.image.rgb_to_hsv(images, self.data_format), 3, axis=self._channel)

    def _rgb(self, parts):
        return ops.image.hsv_to_rgb(ops.concatenate(parts, axis=self._channel), self.data_format)


class RandomSaturation(RandomHue):
    """Saturations times f / (1 - f), f between the two of factor: 0.5 changes nothing, 0 gives grays.

    Example:
        >>> layers.RandomSaturation(0.5, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    least = -1.0

    def _drawn(self, draw, height, width):
        factor = draw(self.factor)
        return {"factor": factor / (1 - factor + epsilon())}

    def _changed(self, images, transformation):
        hue, saturation, value = self._hsv(images)
        return self._rgb([hue, ops.clip(saturation * self._each(transformation["factor"]), *self.value_range), value])


class RandomPosterization(_Ranged):
    """Keeps the highest bits of values in [0, 255]: from factor[0] to below factor[1] of them, 1 to 8.

    Args:
        factor: how many bits stay, 1 to 8; two: at least, and below.

    Example:
        >>> layers.RandomPosterization(4, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    least, most = 1.0, 8.0

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def _drawn(self, draw, height, width):
        return {"shift_factor": 8 - ops.floor(draw(self.factor))}

    def _changed(self, images, transformation):
        step = 2.0 ** self._each(transformation["shift_factor"])
        x = ops.floor(rescaled(images, self.value_range, (0, 255)))
        return rescaled(ops.floor(x / step) * step, (0, 255), self.value_range)


class RandomSharpness(_Ranged):
    """Away from a smoothed image: twice the factor; 0 gives the smoothed image, 0.5 changes nothing.

    Example:
        >>> layers.RandomSharpness(0.5, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def _changed(self, images, transformation):
        last = self.data_format == "channels_last"
        x = images if last else ops.transpose(images, (0, 2, 3, 1))
        kernel = np.full((3, 3, x.shape[-1], 1), 1 / 13, self.compute_dtype)
        kernel[1, 1] = 5 / 13
        smooth = ops.depthwise_conv(x, kernel, padding="same", data_format="channels_last")
        x = x + (1.0 - 2 * self._each(transformation["factor"])) * (smooth - x)
        x = ops.clip(x, *self.value_range)
        return x if last else ops.transpose(x, (0, 3, 1, 2))


class RandomColorDegeneration(_Ranged):
    """Images mixed with their gray: factor 1 is gray, 0 changes nothing.

    Example:
        >>> layers.RandomColorDegeneration(0.5, seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    least = -1.0

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def _changed(self, images, transformation):
        gray = ops.image.rgb_to_grayscale(images, self.data_format)
        return ops.clip(images + self._each(transformation["factor"]) * (gray - images), *self.value_range)


class RandomGaussianBlur(_Ranged):
    """Blurs images with a Gaussian bell, with a probability between the two of factor.

    Args:
        kernel_size: of the bell, an odd number or two
        sigma: the deviation of the bell is drawn for the whole batch, twice, between the two of sigma, within [0, 1]

    Raises:
        ValueError: a kernel_size that is not odd.

    Example:
        >>> layers.RandomGaussianBlur(seed=0)(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    described = ("factor", "kernel_size", "sigma", "value_range", "seed", "data_format")

    def __init__(self, factor=1.0, kernel_size=3, sigma=1.0, value_range=(0, 255), data_format=None, seed=None,
                 **kwargs):
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        self.kernel_size = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 2
        if len(self.kernel_size) != 2 or not all(hasattr(k, "__index__") and k % 2 for k in self.kernel_size):
            raise ValueError(f"layer {self.name!r}: expected kernel_size to be an odd number or two, received "
                             f"{kernel_size!r}")
        self.sigma = self._interval("sigma", sigma)

    def _drawn(self, draw, height, width):
        probability = draw(self.factor)
        return {"should_apply_blur": draw(()) < probability, "blur_factor": draw(self.sigma, 2, each=False) + 1e-6}

    def _changed(self, images, transformation):
        first, second = ops.unstack(ops.cast(transformation["blur_factor"], images.dtype), 2)
        blurred = ops.image.gaussian_blur(images, self.kernel_size, (first, second), self.data_format)
        chosen = ops.reshape(transformation["should_apply_blur"], (-1, 1, 1, 1))
        return ops.clip(ops.where(chosen, blurred, images), *self.value_range)
