"""Callbacks: what happens beside training. A class of each name, and `Callback` to write one's own."""
from kgraph.callbacks.callback import Callback, CallbackList, History
from kgraph.callbacks.logs import (BaseLogger, CSVLogger, LambdaCallback, ProgbarLogger, RemoteMonitor,
                                   TerminateOnNaN)

__all__ = ["BaseLogger", "CSVLogger", "Callback", "CallbackList", "History", "LambdaCallback", "ProgbarLogger",
           "RemoteMonitor", "TerminateOnNaN"]
