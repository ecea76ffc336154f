# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DTypeLike, Int, Padding, Structure
from numpy.typing import NDArray
from typing import Any

def pad_sequences(sequences: Structure, maxlen: Int | None = None, dtype: DTypeLike = 'int32', padding: Padding = 'pre', truncating: str = 'pre', value: ArrayLike = 0.0) -> NDArray[Any]: ...

__all__ = [
    "pad_sequences",
]
