# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Axis, DTypeLike, Float, Reduction
from kgraph.compiler.ir import TensorLike
from kgraph.losses.loss import LossFunctionWrapper

def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> TensorLike: ...
def dice(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis | None = None) -> TensorLike: ...
def tversky(y_true: ArrayLike, y_pred: ArrayLike, alpha: Float = 0.5, beta: Float = 0.5, axis: Axis | None = None) -> TensorLike: ...
def circle(y_true: ArrayLike, y_pred: ArrayLike, ref_labels: ArrayLike | None = None, ref_embeddings: ArrayLike | None = None, remove_diagonal: bool = True, gamma: Float = 80, margin: Float = 0.4) -> TensorLike: ...

class KLDivergence(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'kl_divergence', dtype: DTypeLike | None = None) -> None: ...

class Poisson(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'poisson', dtype: DTypeLike | None = None) -> None: ...

class Hinge(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'hinge', dtype: DTypeLike | None = None) -> None: ...

class SquaredHinge(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'squared_hinge', dtype: DTypeLike | None = None) -> None: ...

class CategoricalHinge(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'categorical_hinge', dtype: DTypeLike | None = None) -> None: ...

class Dice(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'dice', axis: Axis | None = None, dtype: DTypeLike | None = None) -> None: ...

class Tversky(LossFunctionWrapper):
    def __init__(self, alpha: Float = 0.5, beta: Float = 0.5, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'tversky', axis: Axis | None = None, dtype: DTypeLike | None = None) -> None: ...

class Circle(LossFunctionWrapper):
    def __init__(self, gamma: Float = 80.0, margin: Float = 0.4, remove_diagonal: bool = True, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'circle', dtype: DTypeLike | None = None) -> None: ...

__all__ = [
    "CategoricalHinge",
    "Circle",
    "Dice",
    "Hinge",
    "KLDivergence",
    "Poisson",
    "SquaredHinge",
    "Tversky",
    "categorical_hinge",
    "circle",
    "dice",
    "hinge",
    "kl_divergence",
    "poisson",
    "squared_hinge",
    "tversky",
]
