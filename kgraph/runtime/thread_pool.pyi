# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from contextlib import AbstractContextManager
from kgraph.runtime.memory import Block
from numpy.typing import NDArray
from typing import Any

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...

class _Team:
    threads: int
    busy: Any
    words: NDArray[Any]
    address: Any
    def __init__(self, threads: int) -> None: ...
    def scratch(self, size: int) -> Block: ...
    def end(self) -> None: ...
def take(threads: int, wait: bool = False) -> _Team | None: ...
def stopwatch(threads: int, scratch_bytes: int) -> AbstractContextManager[Any]: ...

__all__ = [
    "get_num_threads",
    "set_num_threads",
    "stopwatch",
    "take",
]
