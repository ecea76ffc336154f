# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DTypeLike
from kgraph.compiler.ir import TensorLike
from typing import Any

def nextafter(x1: ArrayLike, x2: ArrayLike) -> Any: ...
def view(x: ArrayLike, dtype: DTypeLike | None = None) -> TensorLike: ...
def view_as_complex(x: ArrayLike) -> Any: ...
def view_as_real(x: ArrayLike) -> Any: ...
def polar(abs_: ArrayLike, angle: ArrayLike) -> Any: ...

__all__ = [
    "nextafter",
    "polar",
    "view",
    "view_as_complex",
    "view_as_real",
]
