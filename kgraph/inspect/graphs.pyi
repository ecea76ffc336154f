# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike
from kgraph.models.model import Model
from typing import Any

def to_networkx(model: Model, level: ArrayLike = 'layer', which: str = 'predict', expand_nested: bool = False) -> Any: ...
def to_dot(graph: Any, rankdir: str = 'TB', **labels: Any) -> str: ...
def to_json(graph: Any) -> str: ...

__all__ = [
    "to_dot",
    "to_json",
    "to_networkx",
]
