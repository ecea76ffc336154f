"""Layers that enlarge, pad and crop images."""
from __future__ import annotations

import math

from kgraph import ops
from kgraph.layers.base import Layer
from kgraph.layers.input_spec import InputSpec
from kgraph.ops import window

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D",
           "ZeroPadding2D", "ZeroPadding3D"]


class _Spatial(Layer):
    """What these layers share: where the space axes are."""

    rank = 2

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = window.data_format_of(data_format, f"layer {self.name!r}")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def space_axes(self) -> tuple:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def _amounts(self, value, name) -> tuple:
        """An int, one for each axis, or (before, after) for each axis, as the last of these."""
        what, values = f"layer {self.name!r}", value
        if hasattr(values, "__index__"):
            values = (values,) * self.rank
        elif self.rank == 1 and isinstance(values, (tuple, list)) and len(values) == 2:
            values = (values,)
        if not isinstance(values, (tuple, list)) or len(values) != self.rank:
            raise ValueError(f"{what}: expected {name} to be an int, or {self.rank} ints or pairs, received {value!r}")
        return tuple(window.per_axis(v, 2, name, what, 0) for v in values)

    def _plain(self, amounts):
        """The form in which Keras writes amounts: one pair for one axis."""
        return amounts[0] if self.rank == 1 else amounts


class _ZeroPadding(_Spatial):
    """Zeros around the space axes. padding: an int, one for each axis, or (before, after) for each axis."""

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.amounts = self._amounts(padding, "padding")

    @property
    def padding(self):
        return self._plain(self.amounts)

    def call(self, inputs):
        widths = [(0, 0)] * (self.rank + 2)
        for axis, amount in zip(self.space_axes, self.amounts):
            widths[axis] = amount
        return ops.pad(inputs, widths)

    def get_config(self):
        return {**super().get_config(), **self.settings("padding", "data_format")}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after one axis."""

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images."""

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes."""

    rank = 3


class _Cropping(_Spatial):
    """Leaves out what lies at the ends of the space axes. cropping: as the padding of ZeroPadding."""

    def __init__(self, cropping=1, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.amounts = self._amounts(cropping, "cropping")

    @property
    def cropping(self):
        return self._plain(self.amounts)

    def build(self, input_shape):
        for axis, (before, after) in zip(self.space_axes, self.amounts):
            if input_shape[axis] is not None and before + after >= input_shape[axis]:
                raise ValueError(f"layer {self.name!r}: expected cropping below the sizes of the inputs, received "
                                 f"cropping={self.cropping}, inputs of shape {input_shape}")

    def call(self, inputs):
        places = [slice(None)] * (self.rank + 2)
        for axis, (before, after) in zip(self.space_axes, self.amounts):
            places[axis] = slice(before, -after if after else None)
        return inputs[tuple(places)]

    def get_config(self):
        config = {**super().get_config(), **self.settings("cropping", "data_format")}
        if self.rank == 1:
            del config["data_format"]
        return config


class Cropping1D(_Cropping):
    """Leaves out steps at the ends of one axis."""

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Leaves out rows and columns at the borders of images."""

    rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Leaves out what lies at the borders of volumes."""

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class _UpSampling(_Spatial):
    """Repeats each element along the space axes. size: how often, an int or one for each axis."""

    def __init__(self, size=2, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.size = window.per_axis(size, self.rank, "size", f"layer {self.name!r}")

    def call(self, inputs):
        for axis, times in zip(self.space_axes, self.size):
            inputs = ops.repeat(inputs, times, axis)
        return inputs

    def get_config(self):
        return {**super().get_config(), **self.settings("size", "data_format")}


class UpSampling1D(_UpSampling):
    """Repeats each step: [batch, steps, channels] to [batch, size * steps, channels]."""

    rank = 1

    def __init__(self, size=2, **kwargs):
        super().__init__(size, "channels_last", **kwargs)

    @property
    def size(self):
        return self._size[0]

    @size.setter
    def size(self, value):
        self._size = value

    def call(self, inputs):
        return ops.repeat(inputs, self.size, 1)

    def get_config(self):
        config = super().get_config()
        del config["data_format"]
        return config


# Weights of neighbours at a distance (in pixels of the input), and how far they reach. Cubic: R. G. Keys, "Cubic
# convolution interpolation for digital image processing" (1981), a = -0.5. Lanczos: sinc(x) sinc(x / radius).
def _triangle(x):
    return ops.maximum(1.0 - x, 0.0)


def _cubic(x):
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return ops.where(x < 1.0, near, ops.where(x < 2.0, far, 0.0))


def _lanczos(radius):
    def weight(x):
        angle = math.pi * ops.maximum(x, 1e-3)
        inside = radius * ops.sin(angle) * ops.sin(angle / radius) / (angle * angle)
        return ops.where(x > 1e-3, ops.where(x < radius, inside, 0.0), 1.0)
    return weight


INTERPOLATIONS = {"bilinear": _triangle, "bicubic": _cubic, "lanczos3": _lanczos(3.0), "lanczos5": _lanczos(5.0)}


class UpSampling2D(_UpSampling):
    """Images made larger by whole factors.

    size           the factors of rows and columns
    interpolation  nearest, bilinear, bicubic, lanczos3 or lanczos5; pixels are squares, so that the first of an
                   enlarged row lies half a (new) pixel inside
    """

    rank = 2

    def __init__(self, size=2, data_format=None, interpolation="nearest", **kwargs):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in ("nearest", *INTERPOLATIONS):
            raise ValueError(f"layer {self.name!r}: expected interpolation to be one of nearest, "
                             f"{', '.join(INTERPOLATIONS)}, "
                             f"received {interpolation!r}")

    def call(self, inputs):
        if self.interpolation == "nearest":
            return super().call(inputs)
        for axis, times in zip(self.space_axes, self.size):
            inputs = ops.moveaxis(ops.tensordot(inputs, self._weights(inputs.shape[axis], times, inputs.dtype),
                                                [[axis], [1]]),
                                  -1, axis)
        return inputs

    def _weights(self, size, times, dtype):
        """What each pixel of the enlarged axis takes of each pixel of the axis: [size * times, size], rows sum to 1."""
        places = (ops.arange(size * times, dtype=dtype) + 0.5) / times - 0.5
        distances = ops.abs(ops.expand_dims(places, 1) - ops.arange(size, dtype=dtype))
        weights = INTERPOLATIONS[self.interpolation](distances)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def get_config(self):
        return {**super().get_config(), **self.settings("interpolation")}


class UpSampling3D(_UpSampling):
    """Repeats each element of volumes."""

    rank = 3
