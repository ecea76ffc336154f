"""The list of callbacks that fit, evaluate and predict work with."""
from __future__ import annotations

import functools
import inspect

from kgraph import tree
from kgraph.callbacks.callback import Callback, History
from kgraph.callbacks.progbar import ProgbarLogger
from kgraph.tables import first_does
from kgraph.training import processes

__all__ = ["CallbackList"]


class CallbackList(Callback):
    """Callbacks called in turn, each with the same logs.

    add_history, add_progbar: add a History (kept as ``model.history``) and a ProgbarLogger, unless given.

    Args:
        callbacks: a list.
        add_history, add_progbar: whether a History and a ProgbarLogger are added, unless given.
        model: what set_model is called with; None: nothing.

    Raises:
        TypeError: something else than a Callback.

    Example:
        >>> len(callbacks.CallbackList([], add_history=True, model=model).callbacks)
        1
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        super().__init__()
        self.callbacks = [c for c in tree.flatten(callbacks) if c is not None] if callbacks is not None else []
        for callback in self.callbacks:
            if isinstance(callback, type) or not hasattr(callback, "on_epoch_end"):
                hint = f": make one with {callback.__name__}(...)" if isinstance(callback, type) else ""
                raise TypeError(f"callbacks: expected Callback objects, received {callback!r}{hint}")
        self._add_defaults(add_history, add_progbar)
        self.set_model(model)
        self.set_params(params)

    def _add_defaults(self, add_history, add_progbar):
        histories = [c for c in self.callbacks if isinstance(c, History)]
        self.history = histories[0] if histories else History() if add_history else None
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if self.history is not None and not histories:
            self.callbacks.append(self.history)
        self.callbacks.sort(key=lambda c: getattr(c, "order", 0))

    def append(self, callback):
        """Put a callback at the end."""
        self.callbacks.append(callback)

    def set_params(self, params):
        self.params = params
        for callback in self.callbacks if params else ():
            callback.set_params(params)

    def set_model(self, model):
        self.model = model
        if model is None:
            return
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def sees_batches(self, mode) -> bool:
        return any(c.sees_batches(mode) if isinstance(c, Callback) else True for c in self.callbacks)

    def on_progress(self, mode, batch, logs):
        """Between native calls: `batch` is the last one done. Only callbacks that show progress listen."""
        for callback in self.callbacks:
            if hasattr(callback, "on_progress"):
                callback.on_progress(mode, batch, logs)

    def __iter__(self):
        return iter(self.callbacks)


def _forward(name):
    numbered = len(inspect.signature(getattr(Callback, name)).parameters) == 3  # (self, epoch or batch, logs)

    def call(self, *args, logs=None):
        args = args if len(args) > numbered else (*args, logs)
        args = (*args[:-1], {}) if args[-1] is None else args
        for callback in self.callbacks:
            do = functools.partial(getattr(callback, name), *args)
            if not getattr(callback, "writes", False):
                do()
            elif getattr(callback, "reads", False):
                first_does(do)
            elif processes.is_first():
                do()
    call.__name__ = name
    call.__doc__ = getattr(Callback, name).__doc__
    return call


for _name in [n for n in vars(Callback) if n.startswith("on_")]:
    setattr(CallbackList, _name, _forward(_name))
