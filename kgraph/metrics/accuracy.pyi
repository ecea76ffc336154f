# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DTypeLike, Int
from kgraph.compiler.ir import TensorLike
from kgraph.metrics.metric import MeanMetricWrapper
from typing import Any

def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: ArrayLike | None = 0.5) -> TensorLike: ...
def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: Int = 5) -> TensorLike: ...
def sparse_top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: Int = 5, from_sorted_ids: bool = False) -> TensorLike: ...

class Accuracy(MeanMetricWrapper):
    def __init__(self, name: str | None = 'accuracy', dtype: DTypeLike | None = None) -> None: ...

class BinaryAccuracy(MeanMetricWrapper):
    def __init__(self, name: str | None = 'binary_accuracy', dtype: DTypeLike | None = None, threshold: ArrayLike | None = 0.5) -> None: ...

class CategoricalAccuracy(MeanMetricWrapper):
    def __init__(self, name: str | None = 'categorical_accuracy', dtype: DTypeLike | None = None) -> None: ...

class SparseCategoricalAccuracy(MeanMetricWrapper):
    def __init__(self, name: str | None = 'sparse_categorical_accuracy', dtype: DTypeLike | None = None) -> None: ...

class TopKCategoricalAccuracy(MeanMetricWrapper):
    def __init__(self, k: Int = 5, name: str | None = 'top_k_categorical_accuracy', dtype: DTypeLike | None = None) -> None: ...

class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    def __init__(self, k: Int = 5, name: str | None = 'sparse_top_k_categorical_accuracy', dtype: DTypeLike | None = None, from_sorted_ids: bool = False) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]
