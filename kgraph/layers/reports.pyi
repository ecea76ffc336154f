# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.variable import Variable
from typing import Any


class Reports:
    def add_loss(self, loss: Any, inputs: Any = None) -> None: ...
    metrics: Any
    @property
    def metrics_variables(self) -> list[Variable]: ...
    @property
    def losses(self) -> list[Any]: ...

__all__ = [
    "Reports",
]
