# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Mapping
from kgraph._types import Int
from typing import Any


class Quantizing:
    def get_quantization_layer_structure(self, mode: Any = None) -> None: ...
    def quantize(self, mode: Any = None, config: Mapping[str, Any] | None = None, filters: Int | None = None, **kwargs: Any) -> None: ...

__all__ = [
    "Quantizing",
]
