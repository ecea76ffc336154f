"""Callbacks: what happens beside training. A class of each name, and `Callback` to write one's own.

Args:
    monitor: the name of the value in the logs, "val_loss" by default.
    mode: "min" or "max": which way is better; "auto": as the metric says.
    patience: epochs without an improvement.
    verbose: 1: say what is done. 0 by default.
    baseline: what is to be better than; None: the first value.
    min_delta: how much better counts as an improvement, 0.
    epoch, batch: its number, from 0.
    logs: loss and metrics so far, a dict of floats.
    params: verbose, epochs and steps.
    model: the Model that is trained.
    callback: a Callback.
    value, reference: two values of the watched one.
    name: "train" or "validation".
    args: as for the method of each callback.
"""
import importlib

from kgraph.legacy.paths import lookup

_WHERE = {
    "callback": ("Callback", "History"), "callback_list": ("CallbackList",),
    "checkpoint": ("BackupAndRestore", "ModelCheckpoint", "SwapEMAWeights"),
    "logs": ("BaseLogger", "CSVLogger", "LambdaCallback", "RemoteMonitor", "TerminateOnNaN"),
    "monitors": ("EarlyStopping", "LearningRateScheduler", "MonitorCallback", "ReduceLROnPlateau",
                 "RestoreBestWeights"),
    "progbar": ("ProgbarLogger",),
    "tensorboard": ("TensorBoard",),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name):
    if name not in _MODULE_OF:
        return lookup(__name__, name, __all__)
    return getattr(importlib.import_module(f"kgraph.callbacks.{_MODULE_OF[name]}"), name)


def __dir__():
    return __all__
