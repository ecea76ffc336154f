"""Layers that act in training only: dropout and noise; and a penalty on activity.

Their random numbers come from a SeedGenerator, so that eager and compiled training draw the same masks.
"""
from __future__ import annotations

import math

from kgraph import ops, random, regularizers
from kgraph.config import image_data_format
from kgraph.layers.base import Layer
from kgraph.layers.input_spec import InputSpec

__all__ = ["ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D",
           "SpatialDropout2D", "SpatialDropout3D"]


class _Random(Layer):
    """The base of layers with one strength in [0, 1], whose setting is called `setting`.

    Raises:
        ValueError: a strength outside of [0, 1].
    """

    _has_no_state = True
    setting = "rate"

    def __init__(self, strength, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(strength, (int, float)) or not 0 <= strength <= 1:
            raise ValueError(f"layer {self.name!r}: expected {self.setting} in [0, 1], received {strength!r}")
        setattr(self, self.setting, strength)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed) if strength > 0 else None
        self.supports_masking = True

    def call(self, inputs, training=False):
        return self._disturb(inputs) if training and getattr(self, self.setting) > 0 else inputs

    def get_config(self):
        return {**super().get_config(), **self.settings(self.setting, "seed")}


class _Masked(_Random):
    """The base of layers whose mask may have a shape of its own."""

    def _checked(self, noise_shape):
        if noise_shape is None:
            return None
        if not isinstance(noise_shape, (list, tuple)) or not all(
                n is None or hasattr(n, "__index__") and n > 0 for n in noise_shape):
            raise ValueError(f"layer {self.name!r}: expected noise_shape to be a tuple of ints above 0 or None, "
                             f"received {noise_shape!r}")
        return tuple(noise_shape)


class Dropout(_Masked):
    """In training, sets a share `rate` of the elements to 0 and multiplies the others by 1 / (1 - rate).

    Srivastava et al., "Dropout" (2014).

    Args:
        noise_shape: the shape of the mask, broadcast to the inputs: 1 for axes dropped together, None for the input's
            size
        rate: the share of the elements that is dropped, in [0, 1].

    Example:
        >>> x = np.ones((4, 64), "float32")
        >>> layers.Dropout(0.5)(x[:1, :4])
        <Tensor f32[1,4] [[1. 1. 1. 1.]]>
        >>> layers.Dropout(0.5)(x, training=True).numpy().max()
        np.float32(2.0)
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.noise_shape = self._checked(noise_shape)

    def _disturb(self, inputs):
        return random.dropout(inputs, self.rate, noise_shape=self._mask_shape(inputs), seed=self.seed_generator)

    def _mask_shape(self, inputs):
        return self.noise_shape

    def _is_per_sample(self, training) -> bool:
        return super()._is_per_sample(training) and not (training and self.noise_shape)

    def get_config(self):
        return {**super().get_config(), **self.settings("noise_shape")}


class _SpatialDropout(Dropout):
    """Drops whole channels: Tompson et al. (2014)."""

    rank = 3
    _dtype_by_name = True

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(f"layer {self.name!r}: expected data_format channels_last or channels_first, received "
                             f"{data_format!r}")
        self.data_format = data_format or (image_data_format() if self.rank > 3 else "channels_last")
        self.input_spec = InputSpec(ndim=self.rank)

    def _mask_shape(self, inputs):
        ones = (1,) * (self.rank - 2)
        return (None, None, *ones) if self.data_format == "channels_first" else (None, *ones, None)

    def get_config(self):
        config = {k: v for k, v in super().get_config().items() if k not in ("noise_shape", "trainable")}
        return {**config, **self.settings("data_format")} if self.rank > 3 else config


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of [batch, steps, channels].

    Example:
        >>> layers.SpatialDropout1D(0.5)(np.ones((1, 4, 2), "float32"), training=True).shape
        (1, 4, 2)
    """

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of [batch, rows, columns, channels].

    Example:
        >>> layers.SpatialDropout2D(0.5)(np.ones((1, 4, 4, 2), "float32"), training=True).shape
        (1, 4, 4, 2)
    """

    rank = 4


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of [batch, depth, rows, columns, channels].

    Example:
        >>> layers.SpatialDropout3D(0.5)(np.ones((1, 4, 4, 4, 2), "float32"), training=True).shape
        (1, 4, 4, 4, 2)
    """

    rank = 5


class GaussianDropout(_Random):
    """In training, multiplies by normal numbers of mean 1 and variance rate / (1 - rate).

    Example:
        >>> layers.GaussianDropout(0.5)(np.ones((1, 4), "float32"))
        <Tensor f32[1,4] [[1. 1. 1. 1.]]>
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)

    def _disturb(self, inputs):
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random.normal(inputs.shape, 1.0, stddev, dtype=self.compute_dtype, seed=self.seed_generator)


class GaussianNoise(_Random):
    """In training, adds normal numbers of mean 0 and standard deviation stddev.

    Args:
        stddev: the standard deviation, in [0, 1].

    Example:
        >>> layers.GaussianNoise(0.1)(np.ones((1, 4), "float32"))
        <Tensor f32[1,4] [[1. 1. 1. 1.]]>
    """

    setting = "stddev"

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(stddev, seed=seed, **kwargs)

    def _disturb(self, inputs):
        return inputs + random.normal(
            inputs.shape, 0.0, self.stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


_ALPHA_P = -1.6732632423543772 * 1.0507009873554805  # what selu tends to for very negative inputs


class AlphaDropout(_Masked):
    """Dropout that keeps mean and variance of selu's outputs: Klambauer et al. (2017).

    Args:
        noise_shape: as for Dropout.

    Example:
        >>> layers.AlphaDropout(0.5)(np.ones((1, 4), "float32"))
        <Tensor f32[1,4] [[1. 1. 1. 1.]]>
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.noise_shape = self._checked(noise_shape)

    def _disturb(self, inputs):
        sizes = self.noise_shape or (None,) * inputs.ndim
        shape = tuple(n if size is None else size for size, n in zip(sizes, inputs.shape))
        keep = random.uniform(shape, dtype="float32", seed=self.seed_generator) >= self.rate
        a = ((1 - self.rate) * (1 + self.rate * _ALPHA_P**2)) ** -0.5
        kept = ops.where(keep, inputs, ops.full_like(inputs, _ALPHA_P))
        return a * kept - a * _ALPHA_P * self.rate

    def get_config(self):
        return {**super().get_config(), **self.settings("noise_shape")}


class ActivityRegularization(Layer):
    """Hands its inputs on and adds l1 * sum(abs(x)) + l2 * sum(x**2) per sample to the loss.

    Args:
        l1, l2: the two factors, 0 by default.

    Example:
        >>> layer = layers.ActivityRegularization(l2=0.5)
        >>> outputs = layer(np.float32([[1, 2]]))
        >>> layer.losses
        [<Tensor f32[] 2.5>]
    """

    _has_no_state = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        kwargs.pop("activity_regularizer", None)
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True

    def call(self, inputs):
        return inputs

    def get_config(self):
        config = {k: v for k, v in super().get_config().items() if k != "activity_regularizer"}
        return {**config, **self.settings("l1", "l2")}
