# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Float, Int, LearningRate, OptimizerLike
from kgraph.optimizers.optimizer import Optimizer
from kgraph.variable import Variable
from typing import Any


class Adam(Optimizer):
    beta_1: float
    beta_2: float
    epsilon: float
    amsgrad: bool
    elementwise: bool
    def __init__(self, learning_rate: LearningRate = 0.001, beta_1: Float = 0.9, beta_2: Float = 0.999, epsilon: Float = 1e-07, amsgrad: bool = False, weight_decay: Float | None = None, clipnorm: Float | None = None, clipvalue: Float | None = None, global_clipnorm: Float | None = None, use_ema: bool = False, ema_momentum: Float = 0.99, ema_overwrite_frequency: Int | None = None, loss_scale_factor: Float | None = None, gradient_accumulation_steps: Int | None = None, name: str | None = None, **kwargs: Any) -> None: ...
    def build(self, variables: Any) -> None: ...
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class AdamW(Adam):
    def __init__(self, learning_rate: LearningRate = 0.001, weight_decay: Float | None = 0.004, beta_1: Float = 0.9, beta_2: Float = 0.999, epsilon: Float = 1e-07, amsgrad: bool = False, clipnorm: Float | None = None, clipvalue: Float | None = None, global_clipnorm: Float | None = None, use_ema: bool = False, ema_momentum: Float = 0.99, ema_overwrite_frequency: Int | None = None, loss_scale_factor: Float | None = None, gradient_accumulation_steps: Int | None = None, name: str | None = None, **kwargs: Any) -> None: ...

class TwoMoments(Optimizer):
    beta_1: float
    beta_2: float
    epsilon: float
    def __init__(self, learning_rate: LearningRate = 0.001, beta_1: Float = 0.9, beta_2: Float = 0.999, epsilon: Float = 1e-07, weight_decay: Float | None = None, clipnorm: Float | None = None, clipvalue: Float | None = None, global_clipnorm: Float | None = None, use_ema: bool = False, ema_momentum: Float = 0.99, ema_overwrite_frequency: Int | None = None, loss_scale_factor: Float | None = None, gradient_accumulation_steps: Int | None = None, name: str | None = None, **kwargs: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class Adamax(TwoMoments):
    elementwise: bool
    def build(self, variables: Any) -> None: ...
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None: ...

class Nadam(TwoMoments):
    elementwise: bool
    schedule_decay: float
    def build(self, variables: Any) -> None: ...
    def update_all(self, groups: Any, learning_rate: Any) -> None: ...
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None: ...

class ScheduleFreeAdamW(Optimizer):
    beta_1: float
    beta_2: float
    epsilon: float
    warmup_steps: float
    elementwise: bool
    def __init__(self, learning_rate: LearningRate = 0.0025, beta_1: Float = 0.9, beta_2: Float = 0.999, epsilon: Float = 1e-08, warmup_steps: Float = 0, weight_decay: Float | None = None, clipnorm: Float | None = None, clipvalue: Float | None = None, global_clipnorm: Float | None = None, use_ema: bool = False, ema_momentum: Float = 0.99, ema_overwrite_frequency: Int | None = None, loss_scale_factor: Float | None = None, gradient_accumulation_steps: Int | None = None, name: str | None = None, **kwargs: Any) -> None: ...
    def build(self, variables: Any) -> None: ...
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...
def adam_moments(optimizer: OptimizerLike, gradient: ArrayLike, variable: Variable) -> tuple[Any, ...]: ...

__all__ = [
    "Adam",
    "AdamW",
    "Adamax",
    "Nadam",
    "ScheduleFreeAdamW",
    "TwoMoments",
    "adam_moments",
]
