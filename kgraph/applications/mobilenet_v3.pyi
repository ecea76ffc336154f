# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, DataFormat, Float, Int, Shape
from kgraph.applications.imagenet_utils import decode_predictions as decode_predictions
from kgraph.models.model import Model
from typing import Any

def MobileNetV3Small(input_shape: Shape | None = None, alpha: Float = 1.0, minimalistic: bool = False, include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, classes: Int = 1000, pooling: str | None = None, dropout_rate: Float = 0.2, classifier_activation: ActivationLike = 'softmax', include_preprocessing: bool = True, name: str | None = 'MobileNetV3Small') -> Model: ...
def MobileNetV3Large(input_shape: Shape | None = None, alpha: Float = 1.0, minimalistic: bool = False, include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, classes: Int = 1000, pooling: str | None = None, dropout_rate: Float = 0.2, classifier_activation: ActivationLike = 'softmax', include_preprocessing: bool = True, name: str | None = 'MobileNetV3Large') -> Model: ...
def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any: ...

__all__ = [
    "MobileNetV3Large",
    "MobileNetV3Small",
    "decode_predictions",
    "preprocess_input",
]
