# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.layers.base import Layer
from typing import Any


class Weighted(Layer):
    described: tuple[Any, ...]
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "Weighted",
]
