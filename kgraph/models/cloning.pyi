# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable
from kgraph._types import ArrayLike
from kgraph.layers.base import Layer
from kgraph.models.model import Model
from typing import Any

def clone_model(model: Layer, input_tensors: Any = None, clone_function: Callable[..., Any] | None = None, call_function: Callable[..., Any] | None = None, recursive: bool = False) -> Model: ...
def fresh(layer: Layer) -> Any: ...
def input_like(x: ArrayLike, old: Any, anew: Any) -> Any: ...
def same_function(operation: Any) -> Any: ...

__all__ = [
    "clone_model",
    "fresh",
    "input_like",
    "same_function",
]
