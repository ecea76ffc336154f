# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Mapping
from kgraph.layers.base import Layer
from typing import Any


class Quantizable(Layer):
    quantization_config: Mapping[str, Any]
    def __init__(self, *args: Any, quantization_config: Any = None, **kwargs: Any) -> None: ...
    @property
    def quantization_mode(self) -> str | None: ...
    def quantize(self, mode: Any = None, type_check: bool = True, config: Mapping[str, Any] | None = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class Holder(Layer):
    def quantize(self, mode: Any = None, type_check: bool = True, config: Mapping[str, Any] | None = None) -> None: ...

__all__ = [
    "Holder",
    "Quantizable",
]
