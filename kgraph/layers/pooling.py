"""Pooling over windows, and over whole images."""
from __future__ import annotations

from kgraph import ops
from kgraph.layers.base import Layer
from kgraph.layers.input_spec import InputSpec
from kgraph.ops import window

__all__ = ["AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D",
           "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
           "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
           "GlobalMaxPooling2D", "GlobalMaxPooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D"]


class _Pooling(Layer):
    """One number for each window of each channel.

    Args:
        pool_size: the window: an int, or one for each space axis
        strides: from window to window; None: the size of the window
        padding: valid (none) or same (output size ceil(size / stride)); what is padded does not count
    """

    _has_no_state = True
    rank = 2

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        what = f"layer {self.name!r}"
        self.pool_size = window.per_axis(pool_size, self.rank, "pool_size", what)
        self.strides = self.pool_size if strides is None else window.per_axis(strides, self.rank, "strides", what)
        self.padding = window.padding_of(padding, window.PADDINGS, what)
        self.data_format = window.data_format_of(data_format, what)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape):
        space = input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:]
        if self.padding == "valid" and any(n is not None and n < k for n, k in zip(space, self.pool_size)):
            raise ValueError(f"layer {self.name!r}: expected inputs at least as large as the window {self.pool_size}, "
                             f"received shape {input_shape}")

    def call(self, inputs):
        return self.pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def get_config(self):
        return {**super().get_config(), **self.settings("pool_size", "padding", "strides", "data_format")}


class _MaxPooling(_Pooling):
    pool_mode = "max"
    pool = staticmethod(ops.max_pool)


class _AveragePooling(_Pooling):
    pool_mode = "average"
    pool = staticmethod(ops.average_pool)


class MaxPooling1D(_MaxPooling):
    """The largest element of each window over one axis.

    Example:
        >>> layers.MaxPooling1D()(np.float32([[[1], [5], [2], [3]]]))[0, :, 0]
        <Tensor f32[2] [5. 3.]>
    """

    rank = 1


class MaxPooling2D(_MaxPooling):
    """The largest element of each window over images.

    Example:
        >>> layers.MaxPooling2D()(np.ones((2, 8, 8, 3), "float32")).shape
        (2, 4, 4, 3)
    """

    rank = 2


class MaxPooling3D(_MaxPooling):
    """The largest element of each window over volumes.

    Example:
        >>> layers.MaxPooling3D()(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


class AveragePooling1D(_AveragePooling):
    """The mean of each window over one axis.

    Example:
        >>> layers.AveragePooling1D()(np.float32([[[1], [5], [2], [3]]]))[0, :, 0]
        <Tensor f32[2] [3.  2.5]>
    """

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window over images.

    Example:
        >>> layers.AveragePooling2D()(np.ones((2, 8, 8, 3), "float32")).shape
        (2, 4, 4, 3)
    """

    rank = 2


class AveragePooling3D(_AveragePooling):
    """The mean of each window over volumes.

    Example:
        >>> layers.AveragePooling3D()(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


class _GlobalPooling(Layer):
    """One number for each channel. keepdims: the space axes stay, with size 1.

    Args:
        keepdims: the space axes stay, with size 1. False by default.
    """

    _has_no_state = True
    rank = 2

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = window.data_format_of(data_format, f"layer {self.name!r}")
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def space_axes(self) -> tuple:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def call(self, inputs):
        return self.reduce(inputs, axis=self.space_axes, keepdims=self.keepdims)

    def get_config(self):
        return {**super().get_config(), **self.settings("data_format", "keepdims")}


class _GlobalMaxPooling(_GlobalPooling):
    reduce = staticmethod(ops.max)


class _GlobalAveragePooling(_GlobalPooling):
    reduce = staticmethod(ops.mean)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest element of each channel over one axis.

    Example:
        >>> layers.GlobalMaxPooling1D()(np.float32([[[1], [5], [2], [3]]]))
        <Tensor f32[1,1] [[5.]]>
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest element of each channel of an image.

    Example:
        >>> layers.GlobalMaxPooling2D()(np.ones((2, 8, 8, 3), "float32")).shape
        (2, 3)
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest element of each channel of a volume.

    Example:
        >>> layers.GlobalMaxPooling3D()(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 1)
    """

    rank = 3


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of each channel over one axis; of the steps that a mask keeps, where there is one.

    Example:
        >>> layers.GlobalAveragePooling1D()(np.float32([[[1], [5], [2], [4]]]))
        <Tensor f32[1,1] [[3.]]>
    """

    rank = 1

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return super().call(inputs)
        (axis,) = self.space_axes
        kept = ops.cast(ops.expand_dims(ops.cast(mask, "bool"), 2 if axis == 1 else 1), inputs.dtype)
        return (ops.sum(inputs * kept, axis=axis, keepdims=self.keepdims)
                / ops.sum(kept, axis=axis, keepdims=self.keepdims))

    def compute_mask(self, inputs, mask=None):
        return None


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel of an image.

    Example:
        >>> layers.GlobalAveragePooling2D()(np.ones((2, 8, 8, 3), "float32")).shape
        (2, 3)
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel of a volume.

    Example:
        >>> layers.GlobalAveragePooling3D()(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 1)
    """

    rank = 3


class _AdaptivePooling(Layer):
    """Windows that cut each space axis into output_size parts, however large the inputs are.

    Args:
        output_size: an int, or one for each space axis; None keeps an axis

    Raises:
        ValueError: output_size is no int above 0 and no tuple of these.
    """

    rank = 2

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * self.rank
        if len(sizes) != self.rank or any(m is not None and (not hasattr(m, "__index__") or m < 1) for m in sizes):
            raise ValueError(f"layer {self.name!r}: expected output_size to be an int of at least 1, or {self.rank} of "
                             f"them or None, received {output_size!r}")
        self.output_size, self.data_format = sizes, window.data_format_of(data_format, f"layer {self.name!r}")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs):
        return self.pool(inputs, self.output_size, self.data_format)

    def get_config(self):
        return {**super().get_config(), **self.settings("output_size", "data_format")}


class _AdaptiveAveragePooling(_AdaptivePooling):
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The mean of each of output_size windows over one axis.

    Example:
        >>> layers.AdaptiveAveragePooling1D(2)(np.float32([[[1], [5], [2], [3]]]))[0, :, 0]
        <Tensor f32[2] [3.  2.5]>
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """The mean of each of output_size windows over images.

    Example:
        >>> layers.AdaptiveAveragePooling2D((2, 3))(np.ones((2, 8, 9, 3), "float32")).shape
        (2, 2, 3, 3)
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """The mean of each of output_size windows over volumes.

    Example:
        >>> layers.AdaptiveAveragePooling3D(2)(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


class _AdaptiveMaxPooling(_AdaptivePooling):
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The largest element of each of output_size windows over one axis.

    Example:
        >>> layers.AdaptiveMaxPooling1D(2)(np.float32([[[1], [5], [2], [3]]]))[0, :, 0]
        <Tensor f32[2] [5. 3.]>
    """

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """The largest element of each of output_size windows over images.

    Example:
        >>> layers.AdaptiveMaxPooling2D((2, 3))(np.ones((2, 8, 9, 3), "float32")).shape
        (2, 2, 3, 3)
    """

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """The largest element of each of output_size windows over volumes.

    Example:
        >>> layers.AdaptiveMaxPooling3D(2)(np.ones((1, 4, 4, 4, 1), "float32")).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3
