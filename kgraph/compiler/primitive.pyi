# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable
from typing import Any

KINDS: tuple[Any, ...]
PRIMITIVES: dict[Any, Any]
def NOT_DIFFERENTIABLE(ct: Any, out: Any, *inputs: Any, **params: Any) -> Any: ...
def FROM_DEFINITION(ct: Any, out: Any, *inputs: Any, **params: Any) -> Any: ...

class Primitive:
    name: str
    kind: str
    infer: Callable[..., Any]
    reference: Callable[..., Any]
    vjp: Callable[..., Any]
    lower: object
    examples: Callable[..., Any]
    in_place: bool
    branches: bool
    costly: bool
    def compute(self, *arrays: Any, **params: Any) -> Any: ...
    def __init__(self, name: str, kind: str, infer: Callable[..., Any], reference: Callable[..., Any], vjp: Callable[..., Any], lower: Any, examples: Callable[..., Any], view: str | None = None, in_place: bool = False, branches: bool = False, costly: bool = False, batch_rule: Callable[..., Any] | None = None, lift_rule: Any = None, shape_param: str | None = None, whole: Callable[..., Any] | None = None) -> None: ...

__all__ = [
    "FROM_DEFINITION",
    "KINDS",
    "NOT_DIFFERENTIABLE",
    "PRIMITIVES",
    "Primitive",
]
