# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, DTypeLike, Float, Int
from kgraph.metrics.metric import Metric
from numpy.typing import NDArray
from typing import Any


class ConfusionMetric(Metric):
    top_k: int | Any
    class_id: int | Any
    multi_label: bool
    label_weights: Sequence[Any] | Any
    counted: tuple[Any, ...]
    def __init__(self, thresholds: ArrayLike | None, top_k: Int | None = None, class_id: Int | None = None, multi_label: bool = False, label_weights: Sequence[Any] | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...
    @property
    def thresholds(self) -> list[Any]: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None: ...
def parse_thresholds(thresholds: ArrayLike | None, default: Float = 0.5) -> Any: ...
def even_thresholds(count: Int) -> NDArray[Any]: ...

class _Count(ConfusionMetric):
    init_thresholds: Any
    def __init__(self, thresholds: ArrayLike | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...
    @property
    def accumulator(self) -> Any: ...
    def result(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

class TruePositives(_Count):
    counted: tuple[Any, ...]

class FalsePositives(_Count):
    counted: tuple[Any, ...]

class TrueNegatives(_Count):
    counted: tuple[Any, ...]

class FalseNegatives(_Count):
    counted: tuple[Any, ...]

class _Rate(ConfusionMetric):
    init_thresholds: Any
    def __init__(self, thresholds: ArrayLike | None = None, top_k: Int | None = None, class_id: Int | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...
    def result(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

class Precision(_Rate):
    counted: tuple[Any, ...]

class Recall(_Rate):
    counted: tuple[Any, ...]

class _Constrained(ConfusionMetric):
    value: Any
    num_thresholds: int
    def __init__(self, value: ArrayLike, num_thresholds: Int = 200, class_id: Int | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...
    def result(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

class SensitivityAtSpecificity(_Constrained):
    argument: str
    rate: tuple[Any, ...]
    constraint: tuple[Any, ...]
    def __init__(self, specificity: Float, num_thresholds: Int = 200, class_id: Int | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...

class SpecificityAtSensitivity(_Constrained):
    argument: str
    rate: tuple[Any, ...]
    constraint: tuple[Any, ...]
    def __init__(self, sensitivity: Float, num_thresholds: Int = 200, class_id: Int | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...

class PrecisionAtRecall(_Constrained):
    argument: str
    rate: tuple[Any, ...]
    constraint: tuple[Any, ...]
    def __init__(self, recall: Float, num_thresholds: Int = 200, class_id: Int | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...

class RecallAtPrecision(_Constrained):
    argument: str
    rate: tuple[Any, ...]
    constraint: tuple[Any, ...]
    def __init__(self, precision: Float, num_thresholds: Int = 200, class_id: Int | None = None, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...

__all__ = [
    "ConfusionMetric",
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "TrueNegatives",
    "TruePositives",
    "even_thresholds",
    "parse_thresholds",
]
