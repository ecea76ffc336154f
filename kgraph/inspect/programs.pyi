# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike
from kgraph.models.model import Model
from typing import Any


class KernelInfo:
    name: str
    source: str
    layers: tuple[Any, ...]
    flops: object
    bytes: object
    op: str
    nest: str
    def __init__(self, name: str, source: str, layers: tuple[Any, ...], flops: object, bytes: object, op: str, nest: str) -> None: ...
    def __eq__(self, other: Any) -> Any: ...
    def __hash__(self) -> int: ...
def compiled_step(model: Model, which: str = 'train', x: ArrayLike | None = None, y: ArrayLike | None = None) -> Any: ...
def program(model: Model, which: str = 'train', after: bool = True, x: ArrayLike | None = None, y: ArrayLike | None = None) -> str: ...
def kernels(model: Model, which: str = 'train', x: ArrayLike | None = None, y: ArrayLike | None = None) -> list[KernelInfo]: ...
def compiles() -> list[Any]: ...

__all__ = [
    "KernelInfo",
    "compiled_step",
    "compiles",
    "kernels",
    "program",
]
