# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Float, PathLike, Seed
from typing import Any

def load_data(version: str = 'large', path: PathLike = 'california_housing.npz', test_split: Float = 0.2, seed: Seed = 113) -> tuple[Any, ...]: ...

__all__ = [
    "load_data",
]
