# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Int, PathLike, Structure
from kgraph.export.loader import Bundle
from kgraph.models.model import Model
from typing import Any

def export_bundle(model: Model, path: PathLike, input_signature: Any = None, cpu: Any = None, classes: Int | None = None, threads: Int = True, which: str = 'predict', data: Structure | None = None) -> None: ...
def load_bundle(path: PathLike, threads: int | None = None) -> Bundle: ...

__all__ = [
    "export_bundle",
    "load_bundle",
]
