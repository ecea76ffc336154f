# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Axis, DTypeLike, Float, Int, Reduction
from kgraph.compiler.ir import TensorLike
from kgraph.losses.loss import LossFunctionWrapper
from typing import Any

def binary_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1) -> TensorLike: ...
def categorical_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1) -> Any: ...
def sparse_categorical_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, ignore_class: Int | None = None, axis: Axis = -1) -> TensorLike: ...
def binary_focal_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, apply_class_balancing: bool = False, alpha: Float = 0.25, gamma: Float = 2.0, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1) -> TensorLike: ...
def categorical_focal_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, alpha: Float = 0.25, gamma: Float = 2.0, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1) -> TensorLike: ...
def categorical_generalized_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike, q: Any) -> TensorLike: ...

class BinaryCrossentropy(LossFunctionWrapper):
    def __init__(self, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'binary_crossentropy', dtype: DTypeLike | None = None) -> None: ...

class CategoricalCrossentropy(LossFunctionWrapper):
    def __init__(self, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'categorical_crossentropy', dtype: DTypeLike | None = None) -> None: ...

class SparseCategoricalCrossentropy(LossFunctionWrapper):
    def __init__(self, from_logits: bool = False, ignore_class: Int | None = None, reduction: Reduction = 'sum_over_batch_size', axis: Axis = -1, name: str | None = 'sparse_categorical_crossentropy', dtype: DTypeLike | None = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class BinaryFocalCrossentropy(LossFunctionWrapper):
    def __init__(self, apply_class_balancing: bool = False, alpha: Float = 0.25, gamma: Float = 2.0, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'binary_focal_crossentropy', dtype: DTypeLike | None = None) -> None: ...

class CategoricalFocalCrossentropy(LossFunctionWrapper):
    def __init__(self, alpha: Float = 0.25, gamma: Float = 2.0, from_logits: bool = False, label_smoothing: Float = 0.0, axis: Axis = -1, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'categorical_focal_crossentropy', dtype: DTypeLike | None = None) -> None: ...

class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    def __init__(self, q: Float = 0.5, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'categorical_generalized_cross_entropy', dtype: DTypeLike | None = None) -> None: ...

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "sparse_categorical_crossentropy",
]
