# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike
from typing import Any


class Keras2Layer:
    def add_metric(self, value: ArrayLike, name: str | None = None, aggregation: Any = None) -> None: ...

__all__ = [
    "Keras2Layer",
]
