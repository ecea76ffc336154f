# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Mapping
from typing import Any


class Keras2Optimizer:
    decay: float
    def minimize(self, loss: Any, var_list: Any, tape: Any = None, grad_loss: Any = None, name: str | None = None) -> Any: ...
    def compute_gradients(self, loss: Any, var_list: Any, tape: Any = None, grad_loss: Any = None) -> list[Any]: ...
    def get_gradients(self, loss: Any, params: Mapping[str, Any]) -> list[Any]: ...
    def get_updates(self, *args: Any, **kwargs: Any) -> list[Any]: ...

__all__ = [
    "Keras2Optimizer",
]
