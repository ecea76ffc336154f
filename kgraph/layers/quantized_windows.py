"""Convolutions whose kernels may be kept in 8 or 4 bits."""
from __future__ import annotations

import math

from kgraph import ops
from kgraph.layers.quantized import Quantizable
from kgraph.ops import window
from kgraph.quantizers.storage import Bytes, Nibbles

__all__ = ["QuantizedWindows"]


class QuantizedWindows(Quantizable):
    """The base of convolutions that can be quantized: a scale for each filter, and one for each image of the inputs, as
    windows overlap.

    Beside what Quantizable asks for, a class says which of its weights, if any, is a kernel of single channels
    (``_depthwise``), and how its weights are used (_form).
    """

    _adapted = "kernel"
    _depthwise: str | None = None

    def _form(self, name: str) -> tuple:
        """(strides, padding, dilation_rate, groups) of the convolution with the weight of that name."""
        groups = self._storages[name].shape[-2] if name == self._depthwise else getattr(self, "groups", 1)
        return self.strides, self.padding, self.dilation_rate, groups

    def _storage_of(self, name, shape, mode, block):
        taps, columns = math.prod(shape[:self.rank]), shape[-1]
        if name == self._depthwise:
            columns *= shape[-2]
            if mode == "int8":
                return Bytes(shape, tuple(range(self.rank)), scales=(columns,))
        if mode == "int8":
            return super()._storage_of(name, shape, mode, block)
        return Nibbles(shape, (taps if name == self._depthwise else taps * shape[-2], columns), block=block)

    def _with_groups(self, name, weight):
        """[taps..., channels of a group, filters]."""
        return ops.reshape(weight, (*weight.shape[:-2], 1, -1)) if name == self._depthwise else weight

    @property
    def _input_axes(self):
        return tuple(range(1, self.rank + 2))

    def _linear(self, inputs, weight, name):
        return window.grouped_conv(inputs, self._with_groups(name, weight), *self._form(name), self.data_format)

    def _linear_back(self, upstream, weight, name, inputs):
        return window.grouped_conv_back(upstream, self._with_groups(name, weight), *self._form(name), self.data_format,
                                        inputs)

    def _beside_filters(self, scale):
        return scale if self.channel_axis == -1 else ops.reshape(scale, (-1,) + (1,) * self.rank)
