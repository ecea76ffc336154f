# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, DataFormat, Int, Shape
from kgraph.applications.imagenet_utils import decode_predictions as decode_predictions
from kgraph.models.model import Model
from typing import Any

def NASNetMobile(input_shape: Shape | None = None, include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'nasnet_mobile') -> Model: ...
def NASNetLarge(input_shape: Shape | None = None, include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'nasnet_large') -> Model: ...
def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any: ...

__all__ = [
    "NASNetLarge",
    "NASNetMobile",
    "decode_predictions",
    "preprocess_input",
]
