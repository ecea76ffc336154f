# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike
from kgraph.compiler.ir import TensorLike
from typing import Any

def erfinv(x: ArrayLike) -> Any: ...
def i0(x: ArrayLike) -> TensorLike: ...
def kaiser(x: ArrayLike, beta: ArrayLike) -> TensorLike: ...
def gcd(x1: ArrayLike, x2: ArrayLike) -> TensorLike: ...
def lcm(x1: ArrayLike, x2: ArrayLike) -> TensorLike: ...

__all__ = [
    "erfinv",
    "gcd",
    "i0",
    "kaiser",
    "lcm",
]
