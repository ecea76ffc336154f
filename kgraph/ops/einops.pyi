# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike
from kgraph.compiler.ir import TensorLike
from typing import Any

def rearrange(tensor: ArrayLike, pattern: str, **axes_lengths: Any) -> TensorLike: ...

__all__ = [
    "rearrange",
]
