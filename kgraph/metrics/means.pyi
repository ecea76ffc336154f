# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Axis, DTypeLike, Float, Int
from kgraph.compiler.ir import TensorLike
from kgraph.metrics.metric import Mean, MeanMetricWrapper, Metric
from kgraph.variable import Variable
from typing import Any


class MeanSquaredError(MeanMetricWrapper):
    def __init__(self, name: str | None = 'mean_squared_error', dtype: DTypeLike | None = None) -> None: ...

class MeanAbsoluteError(MeanMetricWrapper):
    def __init__(self, name: str | None = 'mean_absolute_error', dtype: DTypeLike | None = None) -> None: ...

class MeanAbsolutePercentageError(MeanMetricWrapper):
    def __init__(self, name: str | None = 'mean_absolute_percentage_error', dtype: DTypeLike | None = None) -> None: ...

class MeanSquaredLogarithmicError(MeanMetricWrapper):
    def __init__(self, name: str | None = 'mean_squared_logarithmic_error', dtype: DTypeLike | None = None) -> None: ...

class LogCoshError(MeanMetricWrapper):
    def __init__(self, name: str | None = 'logcosh', dtype: DTypeLike | None = None) -> None: ...

class Hinge(MeanMetricWrapper):
    def __init__(self, name: str | None = 'hinge', dtype: DTypeLike | None = None) -> None: ...

class SquaredHinge(MeanMetricWrapper):
    def __init__(self, name: str | None = 'squared_hinge', dtype: DTypeLike | None = None) -> None: ...

class CategoricalHinge(MeanMetricWrapper):
    def __init__(self, name: str | None = 'categorical_hinge', dtype: DTypeLike | None = None) -> None: ...

class KLDivergence(MeanMetricWrapper):
    def __init__(self, name: str | None = 'kl_divergence', dtype: DTypeLike | None = None) -> None: ...

class Poisson(MeanMetricWrapper):
    def __init__(self, name: str | None = 'poisson', dtype: DTypeLike | None = None) -> None: ...

class BinaryCrossentropy(MeanMetricWrapper):
    def __init__(self, name: str | None = 'binary_crossentropy', dtype: DTypeLike | None = None, from_logits: bool = False, label_smoothing: Float = 0) -> None: ...

class CategoricalCrossentropy(MeanMetricWrapper):
    def __init__(self, name: str | None = 'categorical_crossentropy', dtype: DTypeLike | None = None, from_logits: bool = False, label_smoothing: Float = 0, axis: Axis = -1) -> None: ...

class SparseCategoricalCrossentropy(MeanMetricWrapper):
    def __init__(self, name: str | None = 'sparse_categorical_crossentropy', dtype: DTypeLike | None = None, from_logits: bool = False, ignore_class: Int | None = None, axis: Axis = -1) -> None: ...

class CosineSimilarity(MeanMetricWrapper):
    def __init__(self, name: str | None = 'cosine_similarity', dtype: DTypeLike | None = None, axis: Axis = -1) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class PearsonCorrelation(MeanMetricWrapper):
    def __init__(self, name: str | None = 'pearson_correlation', dtype: DTypeLike | None = None, axis: Axis = -1) -> None: ...

class ConcordanceCorrelation(MeanMetricWrapper):
    def __init__(self, name: str | None = 'concordance_correlation', dtype: DTypeLike | None = None, axis: Axis = -1) -> None: ...
def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> TensorLike: ...
def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> TensorLike: ...
def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> TensorLike: ...

class RootMeanSquaredError(Mean):
    def __init__(self, name: str | None = 'root_mean_squared_error', dtype: DTypeLike | None = None) -> None: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None: ...
    def result(self) -> Any: ...

class R2Score(Metric):
    class_aggregation: str
    num_regressors: float
    num_samples: Variable
    count: int
    squared_sum: Any
    sum: Any
    residual: Any
    def __init__(self, class_aggregation: str = 'uniform_average', num_regressors: Float = 0, name: str | None = 'r2_score', dtype: DTypeLike | None = None) -> None: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None: ...
    def result(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "PearsonCorrelation",
    "Poisson",
    "R2Score",
    "RootMeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "concordance_correlation",
    "cosine_similarity",
    "pearson_correlation",
]
