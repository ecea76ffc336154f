# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, DTypeLike, Int
from kgraph.metrics.confusion import ConfusionMetric
from typing import Any


class AUC(ConfusionMetric):
    curve: str
    summation_method: str
    num_thresholds: int
    num_labels: int | Any
    def __init__(self, num_thresholds: Int = 200, curve: str = 'ROC', summation_method: str = 'interpolation', name: str | None = None, dtype: DTypeLike | None = None, thresholds: ArrayLike | None = None, multi_label: bool = False, num_labels: Int | None = None, label_weights: Sequence[Any] | None = None, from_logits: bool = False) -> None: ...
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None: ...
    def result(self) -> Any: ...
    def interpolate_pr_auc(self) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "AUC",
]
