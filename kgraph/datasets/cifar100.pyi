# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from typing import Any

def load_data(label_mode: str | None = 'fine') -> tuple[Any, ...]: ...

__all__ = [
    "load_data",
]
