# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable, Sequence
from kgraph._types import PathLike
from kgraph.callbacks.callback import Callback
from typing import Any


class BaseLogger(Callback):
    stateful_metrics: set[Any]
    def __init__(self, stateful_metrics: Sequence[Any] | None = None) -> None: ...

class CSVLogger(Callback):
    filename: Any
    sep: str
    append: bool
    append_header: bool
    keys: Any
    csv_file: Any
    writer: Any
    writes: bool
    def __init__(self, filename: PathLike, separator: str = ',', append: bool = False) -> None: ...
    def on_train_begin(self, logs: Any = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...
    def on_train_end(self, logs: Any = None) -> None: ...

class RemoteMonitor(Callback):
    root: str
    path: Any
    field: str
    headers: Any
    send_as_json: bool
    writes: bool
    def __init__(self, root: str = 'http://localhost:9000', path: PathLike = '/publish/epoch/end/', field: str = 'data', headers: Any = None, send_as_json: bool = False) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

class LambdaCallback(Callback):
    def __init__(self, on_epoch_begin: Callable[..., Any] | None = None, on_epoch_end: Callable[..., Any] | None = None, on_train_begin: Callable[..., Any] | None = None, on_train_end: Callable[..., Any] | None = None, on_train_batch_begin: Callable[..., Any] | None = None, on_train_batch_end: Callable[..., Any] | None = None, **kwargs: Any) -> None: ...

class TerminateOnNaN(Callback):
    raise_error: bool
    def __init__(self, raise_error: bool = False) -> None: ...
    def on_train_begin(self, logs: Any = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Any = None) -> None: ...

__all__ = [
    "BaseLogger",
    "CSVLogger",
    "LambdaCallback",
    "RemoteMonitor",
    "TerminateOnNaN",
]
