# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Axis, DTypeLike, Float, Reduction
from kgraph.compiler.ir import TensorLike
from kgraph.losses.loss import LossFunctionWrapper
from typing import Any

def pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Any, ...]: ...
def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> TensorLike: ...
def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: Float = 1.0) -> TensorLike: ...
def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...

class MeanSquaredError(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'mean_squared_error', dtype: DTypeLike | None = None) -> None: ...

class MeanAbsoluteError(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'mean_absolute_error', dtype: DTypeLike | None = None) -> None: ...

class MeanAbsolutePercentageError(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'mean_absolute_percentage_error', dtype: DTypeLike | None = None) -> None: ...

class MeanSquaredLogarithmicError(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'mean_squared_logarithmic_error', dtype: DTypeLike | None = None) -> None: ...

class CosineSimilarity(LossFunctionWrapper):
    def __init__(self, axis: Axis = -1, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'cosine_similarity', dtype: DTypeLike | None = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class Huber(LossFunctionWrapper):
    def __init__(self, delta: Float = 1.0, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'huber_loss', dtype: DTypeLike | None = None) -> None: ...

class LogCosh(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'log_cosh', dtype: DTypeLike | None = None) -> None: ...

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pair",
]
