"""Convolutions over one, two and three space axes: plain, transposed, depthwise and separable."""
from __future__ import annotations

from kgraph import activations, ops
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.lora import Adapted, LowRank
from kgraph.layers.quantized_windows import QuantizedWindows
from kgraph.layers.weighted import Weighted
from kgraph.naming import given
from kgraph.ops import window

__all__ = ["Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "DepthwiseConv1D",
           "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]


class _Convolution(Weighted):
    """What all convolutions share: the arguments, the checks of shapes, bias and activation.

    Args:
        kernel_size, strides, dilation_rate: an int, or one for each space axis; not both strides and dilations above 1
        padding: valid (none), same (output size ceil(size / stride)), or, over one axis, causal (all of it before)
        data_format: channels_last or channels_first, by default config.image_data_format()

    Raises:
        ValueError: a size that is no int above 0, an unknown padding or data_format, or both strides and dilation_rate
            above 1.
    """

    rank = 2
    paddings = ("valid", "same")

    _told = ("activity_regularizer",)

    def __init__(self, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **kwargs):
        super().__init__(**kwargs)
        what = f"layer {self.name!r}"
        self.kernel_size = window.per_axis(kernel_size, self.rank, "kernel_size", what)
        self.strides = window.per_axis(strides, self.rank, "strides", what)
        self.dilation_rate = window.per_axis(dilation_rate, self.rank, "dilation_rate", what)
        self.padding = window.padding_of(padding, self.paddings, what)
        self.data_format = window.data_format_of(data_format, what)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"{what}: expected strides or dilation_rate of 1, received strides={self.strides} and "
                             f"dilation_rate={self.dilation_rate}")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _positive(self, **counts):
        """The counts as ints. Raises ValueError below 1."""
        for name, n in counts.items():
            if not hasattr(n, "__index__") or isinstance(n, bool) or n < 1:
                raise ValueError(f"layer {self.name!r}: expected {name} to be an int above 0, received {n!r}")
            setattr(self, name, int(n))

    def _channels(self, input_shape) -> int:
        channels = input_shape[self.channel_axis]
        if channels is None:
            raise ValueError(f"layer {self.name!r}: expected a known number of channels, received inputs of shape "
                             f"{input_shape}")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        return channels

    def _check_window(self, input_shape):
        """The kernel has to fit into the input."""
        space = input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:]
        for n, k, d in zip(space, self.kernel_size, self.dilation_rate):
            if self.padding == "valid" and n is not None and n < (k - 1) * d + 1:
                raise ValueError(f"layer {self.name!r}: expected inputs at least as large as the kernel "
                                 f"{self.kernel_size} "
                                 f"with dilation_rate {self.dilation_rate}, received shape {input_shape}")

    def _finish(self, outputs):
        """Bias and activation."""
        if self.bias is not None:
            bias = self.bias if self.channel_axis == -1 else ops.reshape(self.bias, (-1,) + (1,) * self.rank)
            outputs = outputs + bias
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self):
        return {**super().get_config(), **self.settings(
            "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias")}


class _Conv(LowRank, QuantizedWindows, _Convolution):
    """A convolution: each output is the sum of a window of the inputs, times a kernel, plus a bias.

    Args:
        filters: number of output channels
        groups: the channels are cut into so many groups, each with filters / groups filters of its own
        lora_rank, lora_alpha: train a product of that rank in place of the kernel: see enable_lora
    """

    kernel = Adapted()

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, groups=1,
                 activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, lora_rank=None, lora_alpha=None, **kwargs):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         activity_regularizer=activity_regularizer, **kwargs)
        self._take_lora(lora_rank, lora_alpha, self.quantization_config)
        self._positive(filters=filters, groups=groups)
        if filters % groups:
            raise ValueError(f"layer {self.name!r}: expected groups that divide the filters, received groups={groups}, "
                             f"filters={filters}")
        self._describe(kernel=(kernel_initializer, kernel_regularizer, kernel_constraint),
                       bias=(bias_initializer, bias_regularizer, bias_constraint))

    def build(self, input_shape):
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(f"layer {self.name!r}: expected groups that divide the input channels, received "
                             f"groups={self.groups}, input shape {input_shape}")
        self._check_window(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        if self._is_packed:
            self._make_quantized({"kernel": shape})
        else:
            self.kernel = self._make("kernel", shape)
        self.bias = self._make("bias", (self.filters,)) if self.use_bias else None

    def convolution_op(self, inputs, kernel):
        """The convolution itself, without bias and activation: for subclasses that change the kernel or the product."""
        return ops.conv(inputs, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def call(self, inputs):
        quantized = self._is_packed
        return self._finish(self._quantized(inputs) if quantized else self.convolution_op(inputs, self.kernel))

    def _added(self, inputs):
        return self._linear(inputs, ops.cast(self._product(), inputs.dtype), "kernel")

    def get_config(self):
        return {**super().get_config(), **self.settings("filters", "groups")}


class Conv1D(_Conv):
    """A convolution over one axis: [batch, steps, channels] to [batch, new steps, filters].

    Example:
        >>> layers.Conv1D(8, 3)(np.ones((2, 10, 4), "float32")).shape
        (2, 8, 8)
    """

    rank, paddings = 1, ("valid", "same", "causal")
    _quantizes = True


class Conv2D(_Conv):
    """A convolution over images: [batch, rows, columns, channels] to [batch, new rows, new columns, filters].

    Example:
        >>> layers.Conv2D(8, 3, padding="same", activation="relu")(np.ones((2, 28, 28, 1), "float32")).shape
        (2, 28, 28, 8)
    """

    rank = 2
    _quantizes = True


class Conv3D(_Conv):
    """A convolution over volumes: [batch, space 1, space 2, space 3, channels] to filters in place of channels.

    Example:
        >>> layers.Conv3D(4, 2)(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 3, 3, 3, 4)
    """

    rank = 3
    _quantizes = True


class _ConvTranspose(_Convolution):
    """A transposed convolution: the gradient of a convolution, which makes images larger by its strides.

    Args:
        output_padding: how much is added at the end of each axis of the outputs; None: what the padding's name asks for
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", output_padding=None, data_format=None,
                 dilation_rate=1, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, bias_constraint=None, **kwargs):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         activity_regularizer=activity_regularizer, **kwargs)
        self._positive(filters=filters)
        self.output_padding = None if output_padding is None else window.per_axis(
            output_padding, self.rank, "output_padding", f"layer {self.name!r}", 0)
        if self.output_padding and any(p >= s for p, s in zip(self.output_padding, self.strides)):
            raise ValueError(f"layer {self.name!r}: expected output_padding below the strides, received "
                             f"output_padding={self.output_padding}, strides={self.strides}")
        self._describe(kernel=(kernel_initializer, kernel_regularizer, kernel_constraint),
                       bias=(bias_initializer, bias_regularizer, bias_constraint))

    def build(self, input_shape):
        self.kernel = self._make("kernel", (*self.kernel_size, self.filters, self._channels(input_shape)))
        self.bias = self._make("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs):
        return self._finish(ops.conv_transpose(inputs, self.kernel, self.strides, self.padding, self.output_padding,
                                               self.data_format, self.dilation_rate))

    def get_config(self):
        return {**super().get_config(), **self.settings("filters", "output_padding")}


class Conv1DTranspose(_ConvTranspose):
    """A transposed convolution over one axis.

    Example:
        >>> layers.Conv1DTranspose(8, 3, strides=2)(np.ones((2, 10, 4), "float32")).shape
        (2, 21, 8)
    """

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """A transposed convolution over images.

    Example:
        >>> layers.Conv2DTranspose(8, 3, strides=2, padding="same")(np.ones((2, 7, 7, 4), "float32")).shape
        (2, 14, 14, 8)
    """

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """A transposed convolution over volumes.

    Example:
        >>> layers.Conv3DTranspose(4, 2)(np.ones((1, 3, 3, 3, 1), "float32")).shape
        (1, 4, 4, 4, 4)
    """

    rank = 3

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, output_padding=None,
                 dilation_rate=1, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, bias_constraint=None, **kwargs):   # data_format first, here alone
        super().__init__(**given(locals()))


class _DepthwiseConv(QuantizedWindows, _Convolution):
    """A convolution of each channel by itself.

    Args:
        depth_multiplier: number of output channels for each input channel
    """

    paddings = ("valid", "same")
    _depthwise = "kernel"

    def __init__(self, kernel_size, strides=1, padding="valid", depth_multiplier=1, data_format=None, dilation_rate=1,
                 activation=None, use_bias=True, depthwise_initializer="glorot_uniform", bias_initializer="zeros",
                 depthwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None,
                 bias_constraint=None, **kwargs):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         activity_regularizer=activity_regularizer, **kwargs)
        self._positive(depth_multiplier=depth_multiplier)
        self._describe(depthwise=(depthwise_initializer, depthwise_regularizer, depthwise_constraint),
                       bias=(bias_initializer, bias_regularizer, bias_constraint))

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self._check_window(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        if self._is_packed:
            self._make_quantized({"kernel": shape})
        else:
            self.kernel = self._make("depthwise", shape, name="kernel")
        self.bias = self._make("bias", (channels * self.depth_multiplier,)) if self.use_bias else None

    def call(self, inputs):
        if self._is_packed:
            return self._finish(self._quantized_product(inputs))
        return self._finish(ops.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.data_format,
                                               self.dilation_rate))

    def get_config(self):
        return {**super().get_config(), **self.settings("depth_multiplier")}


class DepthwiseConv1D(_DepthwiseConv):
    """A depthwise convolution over one axis.

    Example:
        >>> layers.DepthwiseConv1D(3)(np.ones((2, 10, 4), "float32")).shape
        (2, 8, 4)
    """

    rank = 1
    _quantizes = True


class DepthwiseConv2D(_DepthwiseConv):
    """A depthwise convolution over images.

    Example:
        >>> layers.DepthwiseConv2D(3, depth_multiplier=2)(np.ones((2, 8, 8, 4), "float32")).shape
        (2, 6, 6, 8)
    """

    rank = 2
    _quantizes = True


class _SeparableConv(QuantizedWindows, _Convolution):
    """A depthwise convolution, then one of 1 tap that mixes the channels.

    Args:
        filters: number of output channels
        depth_multiplier: number of channels between the two for each input channel
    """

    _adapted = _depthwise = "depthwise_kernel"
    _modes = ("int8",)

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1,
                 depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
                 pointwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
                 pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None,
                 pointwise_constraint=None, bias_constraint=None, **kwargs):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         activity_regularizer=activity_regularizer, **kwargs)
        self._positive(filters=filters, depth_multiplier=depth_multiplier)
        self._describe(depthwise=(depthwise_initializer, depthwise_regularizer, depthwise_constraint),
                       pointwise=(pointwise_initializer, pointwise_regularizer, pointwise_constraint),
                       bias=(bias_initializer, bias_regularizer, bias_constraint))

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self._check_window(input_shape)
        shapes = {"depthwise_kernel": (*self.kernel_size, channels, self.depth_multiplier),
                  "pointwise_kernel": (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)}
        if self._is_packed:
            self._make_quantized(shapes)
        else:
            for name, shape in shapes.items():
                setattr(self, name, self._make(name.removesuffix("_kernel"), shape, name=name))
        self.bias = self._make("bias", (self.filters,)) if self.use_bias else None

    def _large(self) -> tuple:
        return "depthwise_kernel", "pointwise_kernel"

    def _form(self, name):
        ones = (1,) * self.rank
        return super()._form(name) if name == self._depthwise else (ones, "valid", ones, 1)

    def call(self, inputs):
        if self._is_packed:
            for name in self._large():
                inputs = self._quantized_product(inputs, name)
            return self._finish(inputs)
        return self._finish(ops.separable_conv(inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides,
                                               self.padding, self.data_format, self.dilation_rate))

    def get_config(self):
        return {**super().get_config(), **self.settings("filters", "depth_multiplier")}


class SeparableConv1D(_SeparableConv):
    """A separable convolution over one axis.

    Example:
        >>> layers.SeparableConv1D(8, 3)(np.ones((2, 10, 4), "float32")).shape
        (2, 8, 8)
    """

    rank, paddings = 1, ("valid", "same", "causal")
    _quantizes = True


class SeparableConv2D(_SeparableConv):
    """A separable convolution over images.

    Example:
        >>> layers.SeparableConv2D(8, 3)(np.ones((2, 8, 8, 4), "float32")).shape
        (2, 6, 6, 8)
    """

    rank = 2
    _quantizes = True
