# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable
from kgraph._types import ArrayLike, Structure
from kgraph.compiler.ir import TensorLike
from typing import Any

def sized_by_data(what: Any, function: Callable[..., Any], xs: Structure, types: Any) -> list[Any]: ...
def nonzero(x: ArrayLike) -> tuple[TensorLike, ...]: ...

__all__ = [
    "nonzero",
    "sized_by_data",
]
