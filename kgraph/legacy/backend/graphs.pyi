# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable, Sequence
from kgraph._types import ArrayLike, Structure
from typing import Any

def function(inputs: Structure, outputs: Structure, updates: ArrayLike | None = None, **kwargs: Any) -> Callable[..., Any]: ...
def gradients(loss: Any, variables: Sequence[Any]) -> Any: ...

__all__ = [
    "function",
    "gradients",
]
