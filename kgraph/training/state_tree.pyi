# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike
from kgraph.variable import Variable
from typing import Any


class StateTree:
    @property
    def metrics_variables(self) -> list[Variable]: ...
    def get_state_tree(self, value_format: str = 'backend_tensor') -> dict[str, Any]: ...
    def set_state_tree(self, state_tree: dict[str, Any]) -> None: ...
    def stateless_compute_loss(self, trainable_variables: Sequence[Any], non_trainable_variables: Any, metrics_variables: Any, x: ArrayLike | None = None, y: ArrayLike | None = None, y_pred: ArrayLike | None = None, sample_weight: ArrayLike | None = None, training: bool = True) -> tuple[Any, ...]: ...

__all__ = [
    "StateTree",
]
