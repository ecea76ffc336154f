# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, Axis, DTypeLike, Float
from typing import Any, Self


class Quantizer:
    output_dtype: str
    def __init__(self, output_dtype: DTypeLike = 'int8') -> None: ...
    def __call__(self, x: ArrayLike) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class AbsMaxQuantizer(Quantizer):
    axis: tuple[Any, ...] | Any
    value_range: tuple[Any, ...]
    epsilon: float | Any
    def __init__(self, axis: Axis | None = None, value_range: Sequence[float] = (-127, 127), epsilon: Float | None = None, output_dtype: DTypeLike = 'int8') -> None: ...
    def __call__(self, x: ArrayLike, axis: Axis | None = None, to_numpy: bool = False) -> tuple[Any, ...]: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "AbsMaxQuantizer",
    "Quantizer",
]
