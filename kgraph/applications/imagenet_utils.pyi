# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DataFormat
from typing import Any

def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None, mode: str = 'caffe') -> Any: ...
def decode_predictions(preds: ArrayLike, top: ArrayLike = 5) -> Any: ...

__all__ = [
    "decode_predictions",
    "preprocess_input",
]
