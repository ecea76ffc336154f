# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable
from kgraph._types import ArrayLike, Float, Int, Monitored, Range, Verbose
from kgraph.callbacks.callback import Callback
from typing import Any


class MonitorCallback(Callback):
    monitor: str
    mode: str
    best: float | Any
    min_delta: float
    def __init__(self, monitor: str = 'val_loss', mode: Monitored = 'auto', baseline: Float | None = None, min_delta: Float = 0) -> None: ...
    def improves(self, value: ArrayLike, reference: Any) -> bool: ...
    @property
    def monitor_op(self) -> Any: ...
    @monitor_op.setter
    def monitor_op(self, value: Any) -> None: ...
    def get_monitor_value(self, logs: Any) -> Any: ...

class EarlyStopping(MonitorCallback):
    patience: float
    verbose: int | str
    baseline: float | Any
    restore_best_weights: bool
    start_from_epoch: int
    wait: int
    stopped_epoch: int
    best_epoch: int
    best_weights: Any
    def __init__(self, monitor: str = 'val_loss', min_delta: Float = 0, patience: Float = 0, verbose: Verbose = 0, mode: Monitored = 'auto', baseline: Float | None = None, restore_best_weights: bool = False, start_from_epoch: Int = 0) -> None: ...
    def on_train_begin(self, logs: Any = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...
    def on_train_end(self, logs: Any = None) -> None: ...

class RestoreBestWeights(EarlyStopping):
    def __init__(self, monitor: str = 'val_loss', mode: Monitored = 'auto', min_delta: Float = 0, verbose: Verbose = 0, start_from_epoch: Int = 0) -> None: ...

class ReduceLROnPlateau(MonitorCallback):
    factor: Any
    patience: float
    verbose: int | str
    cooldown: int
    min_lr: float
    wait: int
    cooldown_counter: Any
    def __init__(self, monitor: str = 'val_loss', factor: Range = 0.1, patience: Float = 10, verbose: Verbose = 0, mode: Monitored = 'auto', min_delta: Float = 0.0001, cooldown: Int = 0, min_lr: Float = 0.0, **kwargs: Any) -> None: ...
    def on_train_begin(self, logs: Any = None) -> None: ...
    def in_cooldown(self) -> bool: ...
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

class LearningRateScheduler(Callback):
    schedule: Callable[..., Any]
    verbose: int | str
    def __init__(self, schedule: Callable[..., Any], verbose: Verbose = 0) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

__all__ = [
    "EarlyStopping",
    "LearningRateScheduler",
    "MonitorCallback",
    "ReduceLROnPlateau",
    "RestoreBestWeights",
]
