# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Axis, Int
from numpy.typing import NDArray
from typing import Any

def to_categorical(x: Any, num_classes: Int | None = None) -> NDArray[Any]: ...
def normalize(x: Any, axis: Axis = -1, order: Int = 2) -> NDArray[Any]: ...

__all__ = [
    "normalize",
    "to_categorical",
]
