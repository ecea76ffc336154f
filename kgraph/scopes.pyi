# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from kgraph._types import Float
from typing import Any, Self

def device(device_name: str) -> AbstractContextManager[Any]: ...
def name_scope(name: str, **kwargs: Any) -> AbstractContextManager[Any]: ...

class SymbolicScope:
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: Any) -> None: ...
def remat(f: Callable[..., Any]) -> Callable[..., Any]: ...

class RematScope:
    mode: str
    output_size_threshold: float
    layer_names: Sequence[Any] | list[Any] | Any
    MODES: tuple[Any, ...]
    def __init__(self, mode: str = 'full', output_size_threshold: Float = 1024, layer_names: Sequence[Any] | None = None) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: Any) -> None: ...

__all__ = [
    "RematScope",
    "SymbolicScope",
    "device",
    "name_scope",
    "remat",
]
