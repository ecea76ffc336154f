# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Mapping
from kgraph._types import Int
from typing import Any, Self


class QuantizationConfig:
    weight_quantizer: Any
    activation_quantizer: Any
    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None) -> None: ...
    @property
    def mode(self) -> str: ...
    @staticmethod
    def weight_quantizer_or_default(config: Mapping[str, Any], default: Any) -> Any: ...
    @staticmethod
    def activation_quantizer_or_default(config: Mapping[str, Any], default: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class Int8QuantizationConfig(QuantizationConfig):
    mode: str
    def __init__(self, weight_quantizer: Any = None, activation_quantizer: str = 'default') -> None: ...

class Int4QuantizationConfig(QuantizationConfig):
    block_size: int
    mode: str
    def __init__(self, weight_quantizer: Any = None, activation_quantizer: str = 'default', block_size: Int = 128) -> None: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class Float8QuantizationConfig(QuantizationConfig):
    mode: str
    def __init__(self) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class SampledConfig(QuantizationConfig):
    dataset: Any
    tokenizer: Any
    def __init__(self, dataset: Any, tokenizer: Any, **settings: Any) -> None: ...
    def dtype_policy_string(self) -> str: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class GPTQConfig(SampledConfig):
    quantization_layer_structure: dict[str, Any] | Any
    mode: str
    def __init__(self, dataset: Any, tokenizer: Any, *, weight_bits: int = 4, num_samples: int = 128, per_channel: bool = True, sequence_length: int = 512, hessian_damping: float = 0.01, group_size: int = 128, symmetric: bool = False, activation_order: bool = False, quantization_layer_structure: dict[str, Any] | None = None) -> None: ...

class AWQConfig(SampledConfig):
    quantization_layer_structure: dict[str, Any] | Any
    mode: str
    def __init__(self, dataset: Any, tokenizer: Any, *, weight_bits: int = 4, num_samples: int = 128, sequence_length: int = 512, group_size: int = 128, num_grid_points: int = 20, quantization_layer_structure: dict[str, Any] | None = None) -> None: ...
def config_for(mode: Any, config: Mapping[str, Any]) -> QuantizationConfig: ...

__all__ = [
    "AWQConfig",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "SampledConfig",
    "config_for",
]
