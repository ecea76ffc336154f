# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, DataFormat, Int, Shape
from kgraph.applications.imagenet_utils import decode_predictions as decode_predictions
from kgraph.models.model import Model
from typing import Any

def ConvNeXtTiny(include_top: bool = True, include_preprocessing: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'convnext_tiny') -> Model: ...
def ConvNeXtSmall(include_top: bool = True, include_preprocessing: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'convnext_small') -> Model: ...
def ConvNeXtBase(include_top: bool = True, include_preprocessing: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'convnext_base') -> Model: ...
def ConvNeXtLarge(include_top: bool = True, include_preprocessing: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'convnext_large') -> Model: ...
def ConvNeXtXLarge(include_top: bool = True, include_preprocessing: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'convnext_xlarge') -> Model: ...
def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any: ...

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]
