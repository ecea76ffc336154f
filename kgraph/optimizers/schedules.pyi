# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import Float, Int
from kgraph.compiler.ir import TensorLike
from typing import Any, Self


class LearningRateSchedule:
    def __call__(self, step: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class ExponentialDecay(LearningRateSchedule):
    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool
    name: str | Any
    def __init__(self, initial_learning_rate: Float, decay_steps: Int, decay_rate: Float, staircase: bool = False, name: str | None = 'ExponentialDecay') -> None: ...
    def __call__(self, step: Any) -> TensorLike: ...

class PiecewiseConstantDecay(LearningRateSchedule):
    boundaries: Sequence[Any]
    values: Sequence[Any]
    name: str | Any
    def __init__(self, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = 'PiecewiseConstant') -> None: ...
    def __call__(self, step: Any) -> TensorLike: ...

class PolynomialDecay(LearningRateSchedule):
    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float
    power: float
    cycle: bool
    name: str | Any
    def __init__(self, initial_learning_rate: Float, decay_steps: Int, end_learning_rate: Float = 0.0001, power: Float = 1.0, cycle: bool = False, name: str | None = 'PolynomialDecay') -> None: ...
    def __call__(self, step: Any) -> TensorLike: ...

class InverseTimeDecay(LearningRateSchedule):
    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool
    name: str | Any
    def __init__(self, initial_learning_rate: Float, decay_steps: Int, decay_rate: Float, staircase: bool = False, name: str | None = 'InverseTimeDecay') -> None: ...
    def __call__(self, step: Any) -> TensorLike: ...

class CosineDecay(LearningRateSchedule):
    initial_learning_rate: float
    decay_steps: int
    alpha: float
    name: str | Any
    warmup_target: float | Any
    warmup_steps: float
    def __init__(self, initial_learning_rate: Float, decay_steps: Int, alpha: Float = 0.0, name: str | None = 'CosineDecay', warmup_target: Float | None = None, warmup_steps: Float = 0) -> None: ...
    def __call__(self, step: Any) -> TensorLike: ...

class CosineDecayRestarts(LearningRateSchedule):
    initial_learning_rate: float
    first_decay_steps: int
    alpha: float
    name: str | Any
    def __init__(self, initial_learning_rate: Float, first_decay_steps: Int, t_mul: Float = 2.0, m_mul: Float = 1.0, alpha: Float = 0.0, name: str | None = 'SGDRDecay') -> None: ...
    def __call__(self, step: Any) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...
def serialize(learning_rate_schedule: Any) -> dict[str, Any]: ...
def deserialize(config: Any, custom_objects: Any = None) -> Any: ...
def get(identifier: Any) -> Any: ...

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "get",
    "serialize",
]
