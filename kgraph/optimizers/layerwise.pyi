# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import Float, Int, LearningRate
from kgraph.optimizers.adaptive import TwoMoments
from kgraph.optimizers.optimizer import Optimizer
from typing import Any


class Lamb(TwoMoments):
    def build(self, variables: Any) -> None: ...
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None: ...

class Adafactor(Optimizer):
    beta_2_decay: float
    epsilon_1: float
    epsilon_2: float
    clip_threshold: float
    relative_step: bool
    def __init__(self, learning_rate: LearningRate = 0.001, beta_2_decay: Float = -0.8, epsilon_1: Float = 1e-30, epsilon_2: Float = 0.001, clip_threshold: Float = 1.0, relative_step: bool = True, weight_decay: Float | None = None, clipnorm: Float | None = None, clipvalue: Float | None = None, global_clipnorm: Float | None = None, use_ema: bool = False, ema_momentum: Float = 0.99, ema_overwrite_frequency: Int | None = None, loss_scale_factor: Float | None = None, gradient_accumulation_steps: Int | None = None, name: str | None = None, **kwargs: Any) -> None: ...
    def build(self, variables: Any) -> None: ...
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class Muon(Optimizer):
    adam_beta_1: float
    adam_beta_2: float
    beta_1: float
    beta_2: float
    adam_weight_decay: float
    epsilon: float
    exclude_layers: Sequence[Any] | list[Any] | Any
    exclude_embeddings: bool
    muon_a: float
    muon_b: float
    muon_c: float
    adam_lr_ratio: float
    momentum: float
    ns_steps: int
    nesterov: bool
    rms_rate: float
    def __init__(self, learning_rate: LearningRate = 0.001, adam_beta_1: Float = 0.9, adam_beta_2: Float = 0.999, adam_weight_decay: Float = 0.004, epsilon: Float = 1e-07, weight_decay: Float | None = 0.004, clipnorm: Float | None = None, clipvalue: Float | None = None, global_clipnorm: Float | None = None, use_ema: bool = False, ema_momentum: Float = 0.99, ema_overwrite_frequency: Int | None = None, loss_scale_factor: Float | None = None, gradient_accumulation_steps: Int | None = None, name: str | None = None, exclude_layers: Sequence[Any] | None = None, exclude_embeddings: bool = True, muon_a: Float = 3.4445, muon_b: Float = -4.775, muon_c: Float = 2.0315, adam_lr_ratio: Float = 1, momentum: Float = 0.95, ns_steps: Int = 5, nesterov: bool = True, rms_rate: Float = 0.2, **kwargs: Any) -> None: ...
    def build(self, variables: Any) -> None: ...
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "Adafactor",
    "Lamb",
    "Muon",
]
