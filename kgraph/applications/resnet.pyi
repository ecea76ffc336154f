# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, DataFormat, Int, Shape
from kgraph.applications.imagenet_utils import decode_predictions as decode_predictions
from kgraph.models.model import Model
from typing import Any

def ResNet50(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'resnet50') -> Model: ...
def ResNet101(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'resnet101') -> Model: ...
def ResNet152(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'resnet152') -> Model: ...
def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any: ...

__all__ = [
    "ResNet101",
    "ResNet152",
    "ResNet50",
    "decode_predictions",
    "preprocess_input",
]
