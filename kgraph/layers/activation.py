"""Activations as layers."""
from __future__ import annotations

from kgraph import activations, constraints, initializers, ops, regularizers
from kgraph.layers.base import Layer
from kgraph.layers.input_spec import InputSpec

__all__ = ["Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU"]


class _Elementwise(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _not_negative(self, **settings):
        for name, value in settings.items():
            if value is None or value < 0:
                raise ValueError(
                    f"layer {self.name!r}: expected {name} to be a number of at least 0, received {value!r}"
                )
            setattr(self, name, value)


class Activation(_Elementwise):
    """An activation function by name, class or function, applied to the inputs.

    Args:
        activation: a name such as "relu", a class or a function of a tensor.

    Example:
        >>> layers.Activation("relu")(np.float32([-1, 2]))
        <Tensor f32[2] [0. 2.]>
    """

    _has_no_state = True

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs):
        return self.activation(inputs)

    def get_config(self):
        return {**super().get_config(), **self.settings("activation")}


class ReLU(_Elementwise):
    """x above the threshold, at most max_value; below it negative_slope * (x - threshold).

    Args:
        max_value: the largest output; None: no bound.
        negative_slope: the slope below the threshold, 0 by default.
        threshold: 0 by default.

    Raises:
        ValueError: a negative max_value or slope, or another threshold than a number of at least 0.

    Example:
        >>> layers.ReLU(max_value=1.0)(np.float32([-1, 0.5, 2]))
        <Tensor f32[3] [0.  0.5 1. ]>
    """

    _has_no_state = True

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        self._not_negative(negative_slope=negative_slope, threshold=threshold)
        if max_value is not None and max_value < 0:
            raise ValueError(f"layer {self.name!r}: expected max_value of at least 0 or None, received {max_value}")
        self.max_value = max_value

    def call(self, inputs):
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self):
        return {**super().get_config(), **self.settings("max_value", "negative_slope", "threshold")}


class LeakyReLU(_Elementwise):
    """x where it is positive, else negative_slope * x (Keras 2 called it alpha).

    Args:
        negative_slope: of the part below 0, 0.3 by default.

    Example:
        >>> layers.LeakyReLU()(np.float32([-1, 2]))
        <Tensor f32[2] [-0.3  2. ]>
    """

    _has_no_state = True

    def __init__(self, negative_slope=0.3, **kwargs):
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self._not_negative(negative_slope=negative_slope)

    def call(self, inputs):
        return ops.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self):
        return {**super().get_config(), **self.settings("negative_slope")}


class ELU(_Elementwise):
    """x where it is positive, else alpha * (exp(x) - 1): Clevert et al. (2016).

    Args:
        alpha: the largest size of a negative output, 1 by default.

    Example:
        >>> layers.ELU()(np.float32([-1, 2]))
        <Tensor f32[2] [-0.6321  2.    ]>
    """

    _has_no_state = True

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs):
        return ops.elu(inputs, alpha=self.alpha)

    def get_config(self):
        return {**super().get_config(), **self.settings("alpha")}


class ThresholdedReLU(_Elementwise):
    """x above theta, else 0 (a layer of Keras 2).

    Args:
        theta: 1 by default.

    Example:
        >>> layers.ThresholdedReLU()(np.float32([0.5, 2]))
        <Tensor f32[2] [0. 2.]>
    """

    def __init__(self, theta=1.0, **kwargs):
        super().__init__(**kwargs)
        self._not_negative(theta=theta)

    def call(self, inputs):
        return ops.where(inputs > self.theta, inputs, ops.zeros_like(inputs))

    def get_config(self):
        return {**super().get_config(), **self.settings("theta")}


class PReLU(_Elementwise):
    """x where it is positive, else alpha * x with a learned alpha for each feature: He et al. (2015).

    Args:
        shared_axes: axes (from 1) along which one alpha serves

    Example:
        >>> layers.PReLU("ones")(np.float32([[-1, 2]]))
        <Tensor f32[1,2] [[-1.  2.]]>
    """

    def __init__(self, alpha_initializer="zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None,
                 **kwargs):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes and list(shared_axes)

    def build(self, input_shape):
        shared = self.shared_axes or []
        shape = [1 if axis in shared else size for axis, size in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(shape=shape, initializer=self.alpha_initializer, name="alpha",
                                     regularizer=self.alpha_regularizer, constraint=self.alpha_constraint)
        axes = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in shared} if shared else {}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs):
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def get_config(self):
        return {**super().get_config(),
                **self.settings("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes")}


class Softmax(_Elementwise):
    """Softmax over one axis or several; positions that `mask` leaves out get 0.

    Args:
        axis: the last by default, or several.

    Example:
        >>> layers.Softmax()(np.float32([[1, 2, 3]]))
        <Tensor f32[1,3] [[0.09   0.2447 0.6652]]>
    """

    _has_no_state = True

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs, mask=None):
        axis = tuple(self.axis) if isinstance(self.axis, (list, tuple)) else self.axis
        if mask is not None:
            mask = mask if mask.dtype == "bool" else mask > 0.5
            if mask.shape == inputs.shape[:-1]:  # the mask of time steps that a layer before attached
                mask = ops.expand_dims(mask, -1)
            inputs = ops.where(mask, inputs, ops.full_like(inputs, -6e4 if inputs.dtype == "float16" else -1e9))
        if isinstance(axis, tuple) and len(axis) > 1:
            outputs = ops.exp(inputs - ops.logsumexp(inputs, axis=axis, keepdims=True))
        else:
            outputs = ops.softmax(inputs, axis=axis[0] if isinstance(axis, tuple) else axis)
        return outputs if mask is None else ops.where(mask, outputs, ops.zeros_like(outputs))

    def get_config(self):
        return {**super().get_config(), **self.settings("axis")}
