# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DataFormat
from kgraph.applications.imagenet_utils import decode_predictions as decode_predictions
from kgraph.applications.resnet import ResNet50 as ResNet50
from typing import Any

def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any: ...

__all__ = [
    "ResNet50",
    "decode_predictions",
    "preprocess_input",
]
