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
def config_for(mode: Any, config: Mapping[str, Any]) -> QuantizationConfig: ...

__all__ = [
    "Float8QuantizationConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "config_for",
]
