# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, DataFormat, Int, Shape
from kgraph.applications.imagenet_utils import decode_predictions as decode_predictions
from kgraph.models.model import Model
from typing import Any

def DenseNet121(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'densenet121') -> Model: ...
def DenseNet169(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'densenet169') -> Model: ...
def DenseNet201(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'densenet201') -> Model: ...
def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any: ...

__all__ = [
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "decode_predictions",
    "preprocess_input",
]
