# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable
from typing import Any


class Compiled:
    traced: Any
    prepare: Any
    variables: list[Any]
    size_rules: tuple[Any, ...]
    before_again: Any
    def __init__(self, name: str, f: Any, types: Any, change: Any = None, prepare: Any = False, trace: Any = ...) -> None: ...
    plan: Any
    @property
    def program(self) -> Any: ...
    executable: Any
    def extents(self, arrays: Any) -> dict[str, Any]: ...
    def run(self, arrays: Any, extents: Any = None, outputs: Any = None, steps: Any = 1) -> list[Any]: ...
    def __call__(self, *arrays: Any, extents: Any = None, steps: Any = 1) -> Any: ...
    def interpret(self, arrays: Any, extents: Any = None) -> list[Any]: ...
def build(name: str, f: Any, types: Any, change: Any = None, prepare: Any = False, trace: Any = ...) -> Compiled: ...
def function(f: Any) -> Callable[..., Any]: ...

__all__ = [
    "Compiled",
    "build",
    "function",
]
