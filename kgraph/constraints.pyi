# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Axis, ConstraintLike, Float
from kgraph.compiler.ir import TensorLike
from typing import Any, Self


class Constraint:
    def __call__(self, w: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class MaxNorm(Constraint):
    max_value: float
    axis: Any
    def __init__(self, max_value: Float = 2, axis: Axis = 0) -> None: ...
    def __call__(self, w: Any) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class NonNeg(Constraint):
    def __call__(self, w: Any) -> TensorLike: ...

class UnitNorm(Constraint):
    axis: Any
    def __init__(self, axis: Axis = 0) -> None: ...
    def __call__(self, w: Any) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class MinMaxNorm(Constraint):
    min_value: float
    max_value: float
    rate: float
    axis: Any
    def __init__(self, min_value: Float = 0.0, max_value: Float = 1.0, rate: Float = 1.0, axis: Axis = 0) -> None: ...
    def __call__(self, w: Any) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...
max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
def get(identifier: Any) -> Any: ...
def serialize(constraint: ConstraintLike) -> dict[str, Any]: ...
def deserialize(config: Any, custom_objects: Any = None) -> Any: ...

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
