# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import InitializerLike
from kgraph.quantizers.configs import AWQConfig as AWQConfig, Float8QuantizationConfig as Float8QuantizationConfig, GPTQConfig as GPTQConfig, Int4QuantizationConfig as Int4QuantizationConfig, Int8QuantizationConfig as Int8QuantizationConfig, QuantizationConfig as QuantizationConfig
from kgraph.quantizers.functions import abs_max_quantize as abs_max_quantize, abs_max_quantize_grouped_with_zero_point as abs_max_quantize_grouped_with_zero_point, compute_float8_amax_history as compute_float8_amax_history, compute_float8_scale as compute_float8_scale, fake_quant_with_min_max_vars as fake_quant_with_min_max_vars, pack_int4 as pack_int4, quantize_and_dequantize as quantize_and_dequantize, unpack_int4 as unpack_int4
from kgraph.quantizers.quantizer import AbsMaxQuantizer as AbsMaxQuantizer, Quantizer as Quantizer
from typing import Any

def serialize(initializer: InitializerLike) -> dict[str, Any]: ...
def deserialize(config: Any, custom_objects: Any = None) -> Any: ...
def get(identifier: Any, **kwargs: Any) -> Any: ...

__all__ = [
    "AWQConfig",
    "AbsMaxQuantizer",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "Quantizer",
    "abs_max_quantize",
    "abs_max_quantize_grouped_with_zero_point",
    "compute_float8_amax_history",
    "compute_float8_scale",
    "deserialize",
    "fake_quant_with_min_max_vars",
    "get",
    "pack_int4",
    "quantize_and_dequantize",
    "serialize",
    "unpack_int4",
]
