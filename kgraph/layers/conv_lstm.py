"""ConvLSTM: an LSTM whose products are convolutions. Shi et al., "Convolutional LSTM network" (2015)."""
from __future__ import annotations

from kgraph import ops
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.recurrent import BuiltIn
from kgraph.layers.rnn_cells import LSTMCell
from kgraph.naming import given
from kgraph.ops import window

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class _ConvLSTMCell(LSTMCell):
    """One step: inputs [B, space..., channels], states [B, new space..., filters] (channels before space with
    channels_first). The convolution of the state keeps its size."""

    rank = 2
    _quantizes = False
    _own_settings = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "recurrent_activation",
                     "unit_forget_bias")

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, **kwargs):
        super().__init__(filters, **kwargs)
        what = f"layer {self.name!r}"
        self.filters = self.units
        self.kernel_size = window.per_axis(kernel_size, self.rank, "kernel_size", what)
        self.strides = window.per_axis(strides, self.rank, "strides", what)
        self.dilation_rate = window.per_axis(dilation_rate, self.rank, "dilation_rate", what)
        self.padding = window.padding_of(padding, ("valid", "same"), what)
        self.data_format = window.data_format_of(data_format, what)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"{what}: expected strides or dilation_rate of 1, received strides={self.strides} and "
                             f"dilation_rate={self.dilation_rate}")

    @classmethod
    def _settings(cls):
        return ("filters", *(name for name in super()._settings() if name != "units"))

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    @property
    def mask_count(self) -> int:
        return 4

    def build(self, input_shape):
        space = list(input_shape[1:])
        channels = space.pop(-1 if self.channel_axis == -1 else 0)
        if None in space or channels is None:
            raise ValueError(f"layer {self.name!r}: expected known sizes of space and channels, received {input_shape}")
        self._space = tuple(map(self._output_size, space, range(self.rank)))
        width = 4 * self.filters
        make = lambda name, shape, role: self.add_weight(
            shape=shape, initializer=getattr(self, f"{role}_initializer"), name=name,
            regularizer=getattr(self, f"{role}_regularizer"), constraint=getattr(self, f"{role}_constraint"))
        self.kernel = make("kernel", (*self.kernel_size, channels, width), "kernel")
        self.recurrent_kernel = make("recurrent_kernel", (*self.kernel_size, self.filters, width), "recurrent")
        self.bias = self.add_weight(
            shape=(width,), initializer=self._initial_bias, name="bias", regularizer=self.bias_regularizer,
            constraint=self.bias_constraint) if self.use_bias else None

    def _output_size(self, size, axis):
        stride, reach = self.strides[axis], (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        found = -(-size // stride) if self.padding == "same" else (size - reach) // stride + 1
        if found < 1:
            raise ValueError(f"layer {self.name!r}: expected inputs at least as large as the kernel "
                             f"{self.kernel_size}, received a size of {size}")
        return found

    def get_initial_state(self, batch_size=None):
        shape = (*self._space, self.filters) if self.channel_axis == -1 else (self.filters, *self._space)
        return [ops.zeros((batch_size, *shape), dtype=self.compute_dtype) for _ in range(2)]

    def _projected(self, inputs):
        z = self._convolved(inputs, self.kernel, strides=self.strides, padding=self.padding,
                            dilation_rate=self.dilation_rate)
        if not self.use_bias:
            return z
        return z + (self.bias if self.channel_axis == -1 else ops.reshape(self.bias, (-1, *(1,) * self.rank)))

    def _product(self, xs, name, gates):
        return self._convolved(xs, getattr(self, name), padding="same")

    def _convolved(self, xs, kernel, **settings):
        """One convolution for all gates, or one for each where each has inputs of its own."""
        kernels = [kernel] if len(xs) == 1 else ops.split(kernel, 4, axis=-1)
        found = [ops.conv(x, k, data_format=self.data_format, **settings) for x, k in zip(xs, kernels)]
        return found[0] if len(found) == 1 else ops.concatenate(found, axis=self.channel_axis)


class _ConvLSTM(BuiltIn):
    """The recurrent layer of a convolutional LSTM cell: input [B, T, space..., channels], output [B, space...,
    filters], or one for each step with return_sequences.

    Args:
        filters: channels of the outputs
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the inputs
        unit_forget_bias: the bias of the forget gate begins as ones.
    """

    cell_name, size_name = "conv_lstm_cell", "filters"

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1,
                 activation="tanh", recurrent_activation="sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", unit_forget_bias=True,
                 kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, seed=None, return_sequences=False, return_state=False, go_backwards=False,
                 stateful=False, **kwargs):
        super().__init__(**given(locals()))
        self.input_spec = InputSpec(ndim=self.cell.rank + 3)


def _cell(rank: int) -> type:
    return type(f"ConvLSTM{rank}DCell", (_ConvLSTMCell,), {"rank": rank})


class ConvLSTM1D(_ConvLSTM):
    """An LSTM whose products are convolutions, over [batch, time, steps, channels] (Shi et al., 2015).

    Example:
        >>> layers.ConvLSTM1D(4, 3)(np.ones((2, 5, 8, 1), "float32")).shape
        (2, 6, 4)
    """

    cell_class = _cell(1)


class ConvLSTM2D(_ConvLSTM):
    """An LSTM whose products are convolutions, over [batch, time, rows, columns, channels] (Shi et al., 2015).

    Example:
        >>> layers.ConvLSTM2D(4, 3)(np.ones((1, 3, 8, 8, 1), "float32")).shape
        (1, 6, 6, 4)
    """

    cell_class = _cell(2)


class ConvLSTM3D(_ConvLSTM):
    """An LSTM whose products are convolutions, over [batch, time, depth, rows, columns, channels] (Shi et al., 2015).

    Example:
        >>> layers.ConvLSTM3D(2, 2)(np.ones((1, 2, 4, 4, 4, 1), "float32")).shape
        (1, 3, 3, 3, 2)
    """

    cell_class = _cell(3)
