# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DTypeLike, Reduction
from kgraph.losses.loss import LossFunctionWrapper
from typing import Any

def ctc(y_true: ArrayLike, y_pred: ArrayLike) -> Any: ...

class CTC(LossFunctionWrapper):
    def __init__(self, reduction: Reduction = 'sum_over_batch_size', name: str | None = 'ctc', dtype: DTypeLike | None = None) -> None: ...

__all__ = [
    "CTC",
    "ctc",
]
