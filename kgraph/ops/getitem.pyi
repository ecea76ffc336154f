# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.compiler.ir import TensorLike
from typing import Any

def wrapped(indices: Any, n: Any) -> TensorLike: ...
def get_item(x: Any, key: Any) -> TensorLike: ...
def any_differs(starts: Any, limits: Any, strides: Any, shape: Any) -> bool: ...
def flat_positions(indices: Any, sizes: Any) -> Any: ...

__all__ = [
    "any_differs",
    "flat_positions",
    "get_item",
    "wrapped",
]
