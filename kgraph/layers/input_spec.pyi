# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Shape, Structure
from typing import Any, Self


class InputSpec:
    axes: dict[str, Any] | Any
    shape: tuple[Any, ...]
    ndim: int
    allow_last_axis_squeeze: bool
    optional: bool
    def problem(self, shape: Shape, dtype: str) -> str | None: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...
    def __init__(self, dtype: str | None = None, shape: Shape | None = None, ndim: int | None = None, max_ndim: int | None = None, min_ndim: int | None = None, axes: dict[str, Any] | None = ..., allow_last_axis_squeeze: bool = False, name: str | None = None, optional: bool = False) -> None: ...
    def __eq__(self, other: Any) -> Any: ...
def check_inputs(spec: Any, inputs: Structure, layer_name: str) -> None: ...

__all__ = [
    "InputSpec",
    "check_inputs",
]
