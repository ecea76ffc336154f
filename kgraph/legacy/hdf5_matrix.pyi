# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable
from kgraph._types import Float
from typing import Any


class HDF5Matrix:
    data: Any
    start: float
    end: Any
    normalizer: Callable[..., Any] | Any
    def __init__(self, datapath: Any, dataset: Any, start: Float = 0, end: Any = None, normalizer: Callable[..., Any] | None = None) -> None: ...
    def __len__(self) -> int: ...
    @property
    def shape(self) -> tuple[Any, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    def __getitem__(self, key: Any) -> Any: ...

__all__ = [
    "HDF5Matrix",
]
