"""The layers of models in int8: one with integers, and one that can be switched to what integers would give."""
from __future__ import annotations

from kgraph import activations, ops
from kgraph.layers import Layer
from kgraph.ops.window import convolved
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["IntegerProduct", "Restored", "Rounded", "RoundingTrial", "Trial", "linear"]

LEAST, MOST = -128, 127


def rounded(inputs, step):
    """In steps, as numbers of int8."""
    return ops.clip(ops.round(inputs * ops.reciprocal(step)), LEAST, MOST)


def linear(inputs, kernel, strides, padding, dilation_rate, groups):
    """inputs @ kernel, or where there are strides, their convolution; int32 where both are int8."""
    if strides is None:
        return ops.matmul(inputs, kernel)
    return convolved(inputs, kernel, tuple(strides), padding, tuple(dilation_rate), groups)


class IntegerProduct(Layer):
    """activation((round(inputs * (1 / input_step)) @ kernel) * (kernel_step * input_step) + bias) with a kernel in
    int8: a Dense layer, or with strides a convolution of channels-last images. kgraph.quantize makes them. Inputs of
    int8 are rounded already.

    Args:
        kernel_shape: its last axis are the filters
        activation: as for Dense
        strides, padding, dilation_rate: those of the convolution; None: a product over the last axis
        groups: of its channels
        before: layers that only move or choose numbers, for what the inputs have become by rounding
    """

    def __init__(self, kernel_shape, activation=None, strides=None, padding=None, dilation_rate=None, before=(),
                 groups=1, **kwargs):
        super().__init__(**kwargs)
        self.kernel_shape, self.activation = tuple(kernel_shape), activations.get(activation)
        self.strides, self.padding, self.dilation_rate, self.groups = strides, padding, dilation_rate, groups
        self.before = [deserialize_keras_object(la) if isinstance(la, dict) else la for la in before]

    def build(self, input_shape=None):
        add = lambda name, shape, dtype=None: self.add_weight(shape, "zeros", dtype, trainable=False, name=name)
        filters = self.kernel_shape[-1:]
        self.kernel, self.kernel_step = add("kernel", self.kernel_shape, "int8"), add("kernel_step", filters)
        self.bias, self.input_step = add("bias", filters), add("input_step", ())

    def call(self, inputs):
        x = inputs if inputs.dtype == "int8" else ops.cast(rounded(inputs, self.input_step), "int8")
        for layer in self.before:
            x = layer(x)
        sums = linear(x, self.kernel, self.strides, self.padding, self.dilation_rate, self.groups)
        return self.activation(ops.cast(sums, "float32") * (self.kernel_step * self.input_step) + self.bias)

    def get_config(self):
        return {**super().get_config(), **self.settings("kernel_shape", "activation", "strides", "padding",
                                                        "dilation_rate", "groups"),
                "before": [serialize_keras_object(la) for la in self.before]}


class _InSteps(Layer):
    """Has a step, of which int8 are multiples."""

    def build(self, input_shape=None):
        self.step = self.add_weight((), "ones", "float32", trainable=False, name="step")


class Rounded(_InSteps):
    """Inputs in steps, as int8: what several layers read."""

    def call(self, inputs):
        return ops.cast(rounded(inputs, self.step), "int8")


class Restored(_InSteps):
    """Reals of what is Rounded, for layers that want these."""

    def call(self, inputs):
        return ops.cast(inputs, "float32") * self.step


class Trial(Layer):
    """The same layer in reals; where `flag` is 1, with inputs and kernel that are rounded as integers would be.

    Args:
        unit: a kgraph.calibration.units.Unit
        limit: the largest magnitude of the inputs
    """

    def __init__(self, unit, limit, **kwargs):
        super().__init__(**kwargs)
        self.form, self.activation = unit.form, unit.layer.activation
        self.values = {"kernel": unit.kernel, "rounded": unit.integers * unit.steps, "bias": unit.bias,
                       "step": limit / MOST, "flag": 0.0}

    def build(self, input_shape=None):
        for name, value in self.values.items():
            value = ops.convert_to_numpy(value).astype("float32")
            setattr(self, name, self.add_weight(value.shape, "zeros", trainable=False, name=name))
            getattr(self, name).assign(value)

    def call(self, inputs):
        on = self.flag > 0
        x = ops.where(on, rounded(inputs, self.step) * self.step, inputs)
        sums = linear(x, ops.where(on, self.rounded, self.kernel), *self.form)
        return self.activation(sums + self.bias)


class RoundingTrial(Layer):
    """Its inputs; where `flag` is 1, rounded as several layers would read them.

    Args:
        limit: their largest magnitude
    """

    def __init__(self, limit, **kwargs):
        super().__init__(**kwargs)
        self.limit = limit

    def build(self, input_shape=None):
        self.flag = self.add_weight((), "zeros", trainable=False, name="flag")

    def call(self, inputs):
        step = self.limit / MOST
        return ops.where(self.flag > 0, rounded(inputs, step) * step, inputs)


OBJECTS = {la.__name__: la for la in (IntegerProduct, Rounded, Restored)}
