"""Convolutions without shared weights, of Keras 1 and 2: every place has a kernel of its own."""
from __future__ import annotations

import itertools
import math

from kgraph import activations, ops
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.weighted import Weighted
from kgraph.ops import window

__all__ = ["LocallyConnected1D", "LocallyConnected2D"]


class _LocallyConnected(Weighted):
    """Each place of the outputs is activation(window @ kernel + bias), with a kernel and a bias of that place.

    The sizes of the inputs have to be known. Kernel: [places, window size * channels, filters].

    Args:
        filters: number of output channels
        kernel_size, strides: an int, or one for each space axis
        padding: valid
        data_format: channels_last or channels_first, by default config.image_data_format()
    """

    rank = 2

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, activation=None,
                 use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
                 **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        what = f"layer {self.name!r}"
        self.filters = filters
        self.kernel_size = window.per_axis(kernel_size, self.rank, "kernel_size", what)
        self.strides = window.per_axis(strides, self.rank, "strides", what)
        self.padding = window.padding_of(padding, ("valid",), what)
        self.data_format = window.data_format_of(data_format, what)
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._describe(kernel=(kernel_initializer, kernel_regularizer, kernel_constraint),
                       bias=(bias_initializer, bias_regularizer, bias_constraint))

    @property
    def _first(self) -> bool:
        return self.data_format == "channels_first"

    def build(self, input_shape):
        channels = input_shape[1 if self._first else -1]
        space = input_shape[2:] if self._first else input_shape[1:-1]
        if None in (channels, *space) or any(n < k for n, k in zip(space, self.kernel_size)):
            raise ValueError(f"layer {self.name!r}: expected inputs of known sizes, at least the kernel's "
                             f"{self.kernel_size}, received shape {tuple(input_shape)}")
        self._places = tuple((n - k) // s + 1 for n, k, s in zip(space, self.kernel_size, self.strides))
        size = math.prod(self.kernel_size) * channels
        self.kernel = self._make("kernel", (math.prod(self._places), size, self.filters))
        self.bias = self._make("bias", (*self._places, self.filters)) if self.use_bias else None

    def call(self, inputs):
        x = ops.moveaxis(inputs, 1, -1) if self._first else inputs
        windows = ops.reshape(self._windows(x), (-1, *self.kernel.shape[:2]))
        outputs = ops.reshape(ops.einsum("bpk,pkf->bpf", windows, self.kernel), (-1, *self._places, self.filters))
        outputs = outputs if self.bias is None else outputs + self.bias
        outputs = outputs if self.activation is None else self.activation(outputs)
        return ops.moveaxis(outputs, -1, 1) if self._first else outputs

    def _windows(self, x):
        """[batch, *space, channels] to [batch, *places, numbers of a window, in the order of the input's axes]."""
        shifts = itertools.product(*map(range, self.kernel_size))
        steps = list(zip(self._places, self.strides))
        parts = [x[(slice(None), *(slice(i, i + (n - 1) * s + 1, s) for i, (n, s) in zip(at, steps)))] for at in shifts]
        found = ops.stack(parts, axis=-1 if self._first else -2)
        return ops.reshape(found, (-1, *self._places, self.kernel.shape[1]))

    def get_config(self):
        return {**super().get_config(), **self.settings(
            "filters", "kernel_size", "strides", "padding", "data_format", "activation", "use_bias")}


class LocallyConnected1D(_LocallyConnected):
    """A convolution over one axis with a kernel for each place: [batch, steps, channels] to [batch, places, filters].

    Example:
        >>> layers.LocallyConnected1D(4, 3)(np.ones((2, 8, 2), "float32")).shape
        (2, 6, 4)
    """

    rank = 1


class LocallyConnected2D(_LocallyConnected):
    """A convolution over images with a kernel for each place: [batch, rows, columns, channels] to
    [batch, places down, places across, filters].

    Example:
        >>> layers.LocallyConnected2D(4, 3)(np.ones((2, 8, 8, 2), "float32")).shape
        (2, 6, 6, 4)
    """
