"""Layers whose product can be one of float8 in training: Micikevicius et al., "FP8 formats for deep learning", 2022.

Inputs and weights are rounded to float8_e4m3fn, gradients of the outputs to float8_e5m2, each with a scale that is made
of the largest magnitudes of the steps before. Those, and the scales, are variables that training overwrites with what
comes as their gradient. The products are of the rounded numbers, in the layer's dtype.
"""
from __future__ import annotations

from kgraph import ops
from kgraph.compiler.loopnest.dtypes import limits
from kgraph.dtype_policies import QuantizedFloat8DTypePolicy
from kgraph.layers.calls import current_training
from kgraph.layers.lora import LowRank
from kgraph.quantizers.functions import compute_float8_amax_history, compute_float8_scale, quantize_and_dequantize

__all__ = ["TrainsInFloat8"]

_ROUNDED = ("inputs", "kernel", "outputs_grad")


class TrainsInFloat8(LowRank):
    """The base of Dense and EinsumDense."""

    _modes = ("int8", "int4", "gptq", "awq", "float8")

    def _quantize(self, config, type_check=True, statistics=None):
        if config.mode != "float8":
            super()._quantize(config, type_check, statistics)
            return
        self._check_quantizes(config, type_check)
        self.dtype_policy, self.quantization_config = config._policy(self._policy().name), config
        self._make_scales()

    def _make_scales(self):
        length = getattr(self._policy(), "amax_history_length", QuantizedFloat8DTypePolicy.default_amax_history_length)
        for what in _ROUNDED:
            for end, shape, initializer in (("scale", (), "ones"), ("amax_history", (length,), "zeros")):
                setattr(self, f"{what}_{end}", self.add_weight(
                    shape=shape, initializer=initializer, dtype="float32", autocast=False,
                    overwrite_with_gradient=True, name=f"{what}_{end}"))

    def _finish_build(self, shapes):
        super()._finish_build(shapes)
        if self.quantization_mode == "float8":
            self._make_scales()

    def _quantized(self, inputs):
        if self.quantization_mode != "float8":
            return super()._quantized(inputs)
        dtype, training = self.compute_dtype, current_training()
        inputs, kernel = (_rounded(x, getattr(self, f"{what}_scale"), getattr(self, f"{what}_amax_history"), dtype,
                                   training) for what, x in zip(_ROUNDED, (inputs, self.kernel)))
        return _with_rounded_gradient(self._linear(inputs, kernel), self.outputs_grad_scale,
                                      self.outputs_grad_amax_history, dtype)

    def _added_bias(self):
        """The bias, with float8 in the digits of bfloat16."""
        if self.quantization_mode != "float8" or self.compute_dtype != "float32":
            return self.bias
        return ops.cast(ops.cast(self.bias, "bfloat16"), "float32")


def _next(x, scale, history, dtype) -> tuple:
    """(scale, history) of the coming step: the scale by the magnitudes before x."""
    limit = float(limits(dtype).max)
    return compute_float8_scale(ops.max(history), scale, limit), compute_float8_amax_history(x, history)


def _rounded(x, scale, history, dtype, training):
    @ops.custom_gradient
    def rounded(x, scale, history):
        known = _next(x, scale, history, "float8_e4m3fn") if training else (None, None)
        return quantize_and_dequantize(x, scale, "float8_e4m3fn", dtype), lambda upstream: (upstream, *known)
    return rounded(x, scale, history)


def _with_rounded_gradient(x, scale, history, dtype):
    @ops.custom_gradient
    def same(x, scale, history):
        def gradient(upstream):
            return (quantize_and_dequantize(upstream, scale, "float8_e5m2", dtype),
                    *_next(upstream, scale, history, "float8_e5m2"))
        return x, gradient
    return same(x, scale, history)
