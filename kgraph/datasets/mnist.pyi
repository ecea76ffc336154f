# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import PathLike
from typing import Any

def load_data(path: PathLike = 'mnist.npz') -> tuple[Any, ...]: ...

__all__ = [
    "load_data",
]
