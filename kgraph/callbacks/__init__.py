"""Callbacks: what happens beside training. A class of each name, and `Callback` to write one's own."""
from kgraph.callbacks.callback import Callback, CallbackList, History
from kgraph.callbacks.checkpoint import BackupAndRestore, ModelCheckpoint, SwapEMAWeights
from kgraph.callbacks.logs import BaseLogger, CSVLogger, LambdaCallback, ProgbarLogger, RemoteMonitor, TerminateOnNaN
from kgraph.callbacks.monitors import (
    EarlyStopping,
    LearningRateScheduler,
    MonitorCallback,
    ReduceLROnPlateau,
    RestoreBestWeights,
)

__all__ = ["BackupAndRestore", "BaseLogger", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History",
           "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "MonitorCallback", "ProgbarLogger",
           "ReduceLROnPlateau", "RemoteMonitor", "RestoreBestWeights", "SwapEMAWeights", "TerminateOnNaN"]
