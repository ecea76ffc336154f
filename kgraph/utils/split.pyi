# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Float, Seed
from typing import Any

def split_dataset(dataset: Any, left_size: Float | None = None, right_size: Float | None = None, shuffle: bool = False, seed: Seed | None = None, preferred_backend: Any = None) -> tuple[Any, ...]: ...

__all__ = [
    "split_dataset",
]
