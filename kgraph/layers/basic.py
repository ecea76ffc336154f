"""Layers that wrap something: a function, another layer, nothing; and a mask for what is padding."""
from __future__ import annotations

import inspect
import types

import numpy as np

from kgraph import ops
from kgraph.graph import set_mask
from kgraph.layers.base import Layer
from kgraph.serialization import deserialize_keras_object, serialize_keras_object
from kgraph.serialization.lambdas import dump_lambda

__all__ = ["Identity", "Lambda", "Masking", "Rescaling", "Wrapper"]


class Identity(Layer):
    """Its inputs.

    Example:
        >>> layers.Identity()(np.float32([1, 2]))
        <Tensor f32[2] [1. 2.]>
    """

    _has_no_state = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return inputs


class Lambda(Layer):
    """A function of the inputs, written with kgraph.ops.

    Saving: a named function must be registered; a lambda is saved as code, which loads with safe_mode=False only.

    Args:
        function: called with the inputs, with `arguments` as keywords, and with mask and training if it takes them
        output_shape: accepted as Keras has it; the shape is found by tracing
        mask: the mask of the output, or a function (inputs, mask) that gives it
        arguments: a dict of keywords for the function.

    Raises:
        TypeError: function cannot be called.

    Example:
        >>> layers.Lambda(lambda x: x * 2)(np.float32([1, 2]))
        <Tensor f32[2] [2. 4.]>
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"layer {self.name!r}: expected a function, received {function!r}")
        self.function = function
        self.output_shape_setting = output_shape
        self.mask = mask
        self.supports_masking = mask is not None
        self.arguments = dict(arguments or {})
        self._takes = _parameters(function)

    def call(self, inputs, mask=None, training=None):
        extra = {k: v for k, v in (("mask", mask), ("training", training)) if k in self._takes}
        return self.function(inputs, **{**self.arguments, **extra})

    def _is_per_sample(self, training) -> bool:
        return False

    def compute_mask(self, inputs, mask=None):
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        config = {**super().get_config(), "function": _function_config(self.function),
                  "arguments": serialize_keras_object(self.arguments)}
        if self.output_shape_setting is not None:
            config["output_shape"] = _function_config(self.output_shape_setting)
        if self.mask is not None:
            config["mask"] = _function_config(self.mask)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None, safe_mode=None):
        """The layer of a config. safe_mode: whether code in it is refused; by default as the loading around it says,
        and else it is.

        Raises:
            ValueError: the function is code, and safe_mode is True.
        """
        config = {k: v for k, v in config.items() if k not in _KERAS2_LAMBDA}
        if config.get("function_type") == "lambda":  # Keras 2's form of the same code
            config["function"] = {"class_name": "__lambda__", "config": config["function"]}
        config.pop("function_type", None)
        for name in ("function", "output_shape", "mask", "arguments"):
            if name in config:
                config[name] = deserialize_keras_object(config[name], custom_objects=custom_objects,
                                                        safe_mode=safe_mode)
        if isinstance(config["function"], str):
            raise ValueError(f"Lambda: the function {config['function']!r} is not known: pass it in custom_objects")
        return cls(**config)


def _function_config(x):
    """A function, or anything else, as Lambda layers write it: the code of a lambda by the names of its parts."""
    if isinstance(x, types.FunctionType) and x.__name__ == "<lambda>":
        return {"class_name": "__lambda__", "config": dump_lambda(x)}
    return serialize_keras_object(x)


_KERAS2_LAMBDA = ("module", "output_shape_type", "output_shape_module", "mask_type", "mask_module")


def _parameters(function) -> frozenset:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some builtins have no signature
        return frozenset()


class Masking(Layer):
    """Marks time steps whose features all equal mask_value as padding, and sets them to 0: [batch, steps, features].

    Args:
        mask_value: 0 by default.

    Example:
        >>> layers.Masking()(np.float32([[[1, 2], [0, 0]]]))
        <Tensor f32[1,2,2] [[[1. 2.]
          [0. 0.]]]>
    """

    _has_no_state = True

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value)
        self.supports_masking = True

    def compute_mask(self, inputs, mask=None):
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        counts = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.where(counts, inputs, ops.zeros_like(inputs))
        set_mask(outputs, ops.squeeze(counts, axis=-1))
        return outputs

    def get_config(self):
        return {**super().get_config(), **self.settings("mask_value")}


class Rescaling(Layer):
    """inputs * scale + offset.

    Args:
        scale, offset: numbers, or arrays that broadcast to the inputs; the offset is 0 by default.

    Example:
        >>> layers.Rescaling(1 / 255)(np.float32([0, 255]))
        <Tensor f32[2] [0. 1.]>
    """

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.offset = deserialize_keras_object(scale), deserialize_keras_object(offset)
        self.supports_masking = True

    def call(self, inputs):
        return ops.cast(inputs, self.compute_dtype) * self._factor(self.scale) + self._factor(self.offset)

    def _factor(self, x):
        return x if isinstance(x, (int, float)) else np.asarray(x, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), **self.settings("scale", "offset")}


class Wrapper(Layer):
    """The base of layers that change what another layer does.

    Raises:
        ValueError: layer is no layer.

    Example:
        >>> layers.Wrapper(layers.Dense(3)).layer.units
        3
    """

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"layer {self.name!r}: expected a layer to wrap, received {layer!r}")
        self.layer = layer

    def build(self, input_shape=None):
        self.layer.build(input_shape)

    def get_config(self):
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("layer")), **config)
