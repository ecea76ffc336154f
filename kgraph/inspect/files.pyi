# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import PathLike
from typing import Any

def describe_file(path: PathLike) -> dict[str, Any]: ...
def format_description(found: dict[str, Any]) -> str: ...

__all__ = [
    "describe_file",
    "format_description",
]
