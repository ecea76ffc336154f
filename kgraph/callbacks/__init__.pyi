# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.callbacks.callback import Callback as Callback, History as History
from kgraph.callbacks.callback_list import CallbackList as CallbackList
from kgraph.callbacks.checkpoint import BackupAndRestore as BackupAndRestore, ModelCheckpoint as ModelCheckpoint, SwapEMAWeights as SwapEMAWeights
from kgraph.callbacks.logs import BaseLogger as BaseLogger, CSVLogger as CSVLogger, LambdaCallback as LambdaCallback, RemoteMonitor as RemoteMonitor, TerminateOnNaN as TerminateOnNaN
from kgraph.callbacks.monitors import EarlyStopping as EarlyStopping, LearningRateScheduler as LearningRateScheduler, MonitorCallback as MonitorCallback, ReduceLROnPlateau as ReduceLROnPlateau, RestoreBestWeights as RestoreBestWeights
from kgraph.callbacks.progbar import ProgbarLogger as ProgbarLogger
from kgraph.callbacks.tensorboard import TensorBoard as TensorBoard

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "RestoreBestWeights",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
