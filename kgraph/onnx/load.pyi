# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import PathLike
from kgraph.models.model import Model

def load_onnx(source: PathLike) -> Model: ...

__all__ = [
    "load_onnx",
]
