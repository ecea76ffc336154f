"""Weights and activations in 8 and 4 bits: Keras's quantizers, the configs of `layer.quantize` and `model.quantize`.

Args:
    identifier: a name, a config, a class or a Quantizer; None.
    config: a dict as serialize gives it.
    initializer: a Quantizer.
    custom_objects: {name: class} of what is not kgraph's.
    value_range: the least and the largest result.
    epsilon: added to the largest magnitude; None: kgraph.config.epsilon().
    axis: along which, 0 by default.
    dtype: of the packed numbers, "int8" or "uint8".
    to_numpy: accepted.
    block_size: rows that share a scale.
    x, inputs: reals.
    amax_history, amax: the largest magnitudes so far, and the largest of them.
    scale: what reals are multiplied by.
    dtype_max: the largest number of the dtype.
    margin: how many powers of two below.
    quantized_dtype, compute_dtype: in between, and of the result.
    num_bits: 8 by default.
    packed: what pack_int4 gave.
    orig_len: the size of the axis before.

Returns:
    A tensor, or several in the order that the text says.
"""
from __future__ import annotations

from kgraph.naming import nearest
from kgraph.quantizers.configs import (
    AWQConfig,
    Float8QuantizationConfig,
    GPTQConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
)
from kgraph.quantizers.functions import (
    abs_max_quantize,
    abs_max_quantize_grouped_with_zero_point,
    compute_float8_amax_history,
    compute_float8_scale,
    fake_quant_with_min_max_vars,
    pack_int4,
    quantize_and_dequantize,
    unpack_int4,
)
from kgraph.quantizers.quantizer import AbsMaxQuantizer, Quantizer
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

CLASSES = (AWQConfig, AbsMaxQuantizer, Float8QuantizationConfig, GPTQConfig, Int4QuantizationConfig,
           Int8QuantizationConfig, QuantizationConfig, Quantizer)
OBJECTS = {c.__name__: c for c in CLASSES}
__all__ = [*(c.__name__ for c in CLASSES), "abs_max_quantize", "abs_max_quantize_grouped_with_zero_point",
           "compute_float8_amax_history", "compute_float8_scale", "deserialize", "fake_quant_with_min_max_vars", "get",
           "pack_int4", "quantize_and_dequantize", "serialize", "unpack_int4"]


def serialize(initializer) -> dict:
    """The config of a quantizer (Keras's name of the argument), as Keras writes it."""
    return serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """The quantizer that a config describes."""
    return deserialize_keras_object(config, custom_objects=custom_objects)


def get(identifier, **kwargs):
    """A quantizer from None, a class name, a config, a class or a quantizer; kwargs are a class's arguments.

    Raises ValueError for a name that is not known.
    """
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        if identifier not in OBJECTS:
            raise ValueError(f"quantizers.get: expected a quantizer's name, received {identifier!r}."
                             f"{nearest(identifier, OBJECTS)}")
        identifier = OBJECTS[identifier]
    return identifier(**kwargs) if isinstance(identifier, type) else identifier


def __dir__():
    return sorted(__all__)
