# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from contextlib import AbstractContextManager
from kgraph._types import ArrayLike, Float, Int, Verbose
from typing import Any

def resolve_verbose(verbose: Verbose) -> int: ...
def say(text: str, end: str = '\n') -> None: ...
def reporting(verbose: Verbose) -> AbstractContextManager[Any]: ...
def setting_up() -> AbstractContextManager[Any]: ...

class Progbar:
    target: int | Any
    width: int
    verbose: int | str
    interval: float
    stateful_metrics: set[Any] | Any
    stateless_metrics: set[Any] | Any
    unit_name: str
    prefix: str
    redraws: bool
    def __init__(self, target: Int | None, width: Int = 20, verbose: Verbose = 1, interval: Float = 0.2, stateful_metrics: Sequence[Any] | None = None, stateless_metrics: Any = None, unit_name: str = 'step', prefix: str = '') -> None: ...
    def update(self, current: Int, values: ArrayLike | None = None, finalize: bool | None = None) -> None: ...
    def add(self, n: Int, values: ArrayLike | None = None) -> None: ...

__all__ = [
    "Progbar",
    "reporting",
    "resolve_verbose",
    "say",
    "setting_up",
]
