# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable, Sequence
from typing import Any

def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]: ...
def jvp(fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any: ...

__all__ = [
    "custom_gradient",
    "jvp",
]
