# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from typing import Any

def load_data() -> tuple[Any, ...]: ...

__all__ = [
    "load_data",
]
