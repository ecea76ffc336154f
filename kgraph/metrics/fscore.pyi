# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, Axis, DTypeLike, Float, Int
from kgraph.metrics.metric import Metric
from kgraph.variable import Variable
from typing import Any


class FBetaScore(Metric):
    average: str | Any
    beta: Variable | Any
    threshold: Any
    axis: int | Any
    true_positives: Any
    false_positives: Any
    false_negatives: Any
    intermediate_weights: Any
    def __init__(self, average: str | None = None, beta: Float = 1.0, threshold: ArrayLike | None = None, name: str | None = 'fbeta_score', dtype: DTypeLike | None = None) -> None: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None: ...
    def result(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

class F1Score(FBetaScore):
    def __init__(self, average: str | None = None, threshold: ArrayLike | None = None, name: str | None = 'f1_score', dtype: DTypeLike | None = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class IoU(Metric):
    num_classes: int
    total_cm: Variable
    target_class_ids: list[Any]
    ignore_class: int | Any
    sparse_y_true: bool
    sparse_y_pred: bool
    axis: Any
    def __init__(self, num_classes: Int, target_class_ids: Sequence[Any], name: str | None = None, dtype: DTypeLike | None = None, ignore_class: Int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: Axis = -1) -> None: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None: ...
    def result(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

class BinaryIoU(IoU):
    threshold: Any
    def __init__(self, target_class_ids: Sequence[Any] = (0, 1), threshold: ArrayLike | None = 0.5, name: str | None = None, dtype: DTypeLike | None = None) -> None: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class MeanIoU(IoU):
    def __init__(self, num_classes: Int, name: str | None = None, dtype: DTypeLike | None = None, ignore_class: Int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: Axis = -1) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class OneHotIoU(IoU):
    def __init__(self, num_classes: Int, target_class_ids: Sequence[Any], name: str | None = None, dtype: DTypeLike | None = None, ignore_class: Int | None = None, sparse_y_pred: bool = False, axis: Axis = -1) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class OneHotMeanIoU(MeanIoU):
    def __init__(self, num_classes: Int, name: str | None = None, dtype: DTypeLike | None = None, ignore_class: Int | None = None, sparse_y_pred: bool = False, axis: Axis = -1) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "BinaryIoU",
    "F1Score",
    "FBetaScore",
    "IoU",
    "MeanIoU",
    "OneHotIoU",
    "OneHotMeanIoU",
]
