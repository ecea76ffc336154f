"""Layers that enlarge, pad and crop images."""
from __future__ import annotations

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
    """Zeros around the space axes. padding: an int, one for each axis, or (before, after) for each axis.

    Args:
        padding: an int, one for each space axis, or (before, after) for each.
    """

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
    """Zeros before and after one axis.

    Example:
        >>> layers.ZeroPadding1D()(np.float32([[[1], [2]]]))[0, :, 0]
        <Tensor f32[4] [0. 1. 2. 0.]>
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.

    Example:
        >>> layers.ZeroPadding2D((1, 2))(np.ones((1, 4, 4, 1), "float32")).shape
        (1, 6, 8, 1)
    """

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes.

    Example:
        >>> layers.ZeroPadding3D()(np.ones((1, 2, 2, 2, 1), "float32")).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3


class _Cropping(_Spatial):
    """Leaves out what lies at the ends of the space axes. cropping: as the padding of ZeroPadding.

    Args:
        cropping: an int, one for each space axis, or (before, after) for each.
    """

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
    """Leaves out steps at the ends of one axis.

    Example:
        >>> layers.Cropping1D(1)(np.float32([[[1], [2], [3]]]))[0, :, 0]
        <Tensor f32[1] [2.]>
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Leaves out rows and columns at the borders of images.

    Example:
        >>> layers.Cropping2D(((1, 0), (0, 2)))(np.ones((1, 4, 4, 1), "float32")).shape
        (1, 3, 2, 1)
    """

    rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Leaves out what lies at the borders of volumes.

    Example:
        >>> layers.Cropping3D(1)(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class _UpSampling(_Spatial):
    """Repeats each element along the space axes. size: how often, an int or one for each axis.

    Args:
        size: how often each element stands, an int or one for each space axis.
    """

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
    """Repeats each step: [batch, steps, channels] to [batch, size * steps, channels].

    Example:
        >>> layers.UpSampling1D(2)(np.float32([[[1], [2]]]))[0, :, 0]
        <Tensor f32[4] [1. 1. 2. 2.]>
    """

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


INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class UpSampling2D(_UpSampling):
    """Images made larger by whole factors.

    Args:
        size: the factors of rows and columns
        interpolation: nearest, bilinear, bicubic, lanczos3 or lanczos5; pixels are squares, so that the first of an
            enlarged row lies half a (new) pixel inside

    Raises:
        ValueError: another interpolation.

    Example:
        >>> layers.UpSampling2D((2, 3))(np.ones((1, 4, 4, 1), "float32")).shape
        (1, 8, 12, 1)
    """

    rank = 2

    def __init__(self, size=2, data_format=None, interpolation="nearest", **kwargs):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"layer {self.name!r}: expected interpolation to be one of "
                             f"{', '.join(INTERPOLATIONS)}, received {interpolation!r}")

    def call(self, inputs):
        if self.interpolation == "nearest":
            return super().call(inputs)
        size = [inputs.shape[axis] * times for axis, times in zip(self.space_axes, self.size)]
        return ops.image.resize(inputs, size, self.interpolation, data_format=self.data_format)

    def get_config(self):
        return {**super().get_config(), **self.settings("interpolation")}


class UpSampling3D(_UpSampling):
    """Repeats each element of volumes.

    Example:
        >>> layers.UpSampling3D()(np.ones((1, 2, 2, 2, 1), "float32")).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3
