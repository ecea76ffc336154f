"""Dense: a product with a matrix."""
from __future__ import annotations

from kgraph import activations, constraints, initializers, ops, regularizers
from kgraph.layers.float8 import TrainsInFloat8
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.lora import Adapted

__all__ = ["Dense"]


class Dense(TrainsInFloat8):
    """activation(inputs @ kernel + bias), over the last axis.

    Args:
        units: size of the last axis of the outputs
        lora_rank, lora_alpha: train a product of that rank in place of the kernel: see enable_lora

    Raises:
        ValueError: units is no int above 0.

    Example:
        >>> layers.Dense(4, activation="relu")(np.ones((2, 3), "float32")).shape
        (2, 4)
    """

    _told = ("quantization_config",)
    kernel = Adapted()
    _quantizes = True

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, bias_constraint=None, lora_rank=None, lora_alpha=None,
                 quantization_config=None, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if not isinstance(units, int) and not hasattr(units, "__index__") or units <= 0:
            raise ValueError(f"Dense: expected units to be an int above 0, received units={units!r}")
        self._take_lora(lora_rank, lora_alpha, quantization_config)
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        if self._is_packed:
            self._make_quantized({"kernel": (input_shape[-1], self.units)})
        else:
            self.kernel = self.add_weight(
                shape=(input_shape[-1], self.units), initializer=self.kernel_initializer, name="kernel",
                regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        self.bias = (
            self.add_weight(
                shape=(self.units,),
                initializer=self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
            if self.use_bias
            else None
        )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs):
        outputs = ops.matmul(inputs, self.kernel) if self.quantization_mode is None else self._quantized(inputs)
        if self.use_bias:
            outputs = outputs + self._added_bias()
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self):
        return {**super().get_config(), **self.settings(
            "units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
            "bias_regularizer", "kernel_constraint", "bias_constraint")}
