"""Callbacks: what happens beside training. A class of each name, and `Callback` to write one's own."""
import importlib

from kgraph.legacy.paths import lookup

_WHERE = {
    "callback": ("Callback", "CallbackList", "History"),
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
