# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.graph.operation import Operation
from typing import Any


class Function(Operation):
    def __init__(self, inputs: Any, outputs: Any, name: Any = None) -> None: ...
    @property
    def operations(self) -> list[Any]: ...
    @property
    def inputs(self) -> list[Any]: ...
    @property
    def outputs(self) -> list[Any]: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
def source_inputs(tensor: Any) -> list[Any]: ...

__all__ = [
    "Function",
    "source_inputs",
]
