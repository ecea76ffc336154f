# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, DataFormat, Float, Int, Shape
from kgraph.applications.imagenet_utils import decode_predictions as decode_predictions
from kgraph.models.model import Model
from typing import Any

def MobileNet(input_shape: Shape | None = None, alpha: Float = 1.0, depth_multiplier: Int = 1, dropout: Float = 0.001, include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = None) -> Model: ...
def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any: ...

__all__ = [
    "MobileNet",
    "decode_predictions",
    "preprocess_input",
]
