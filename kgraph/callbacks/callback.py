"""The base class of callbacks, the list of them that fit works with, and History."""
from __future__ import annotations

import inspect

from kgraph import tree

__all__ = ["Callback", "CallbackList", "History"]


class Callback:
    """What happens at certain moments of training. A subclass overrides the methods it needs.

    params  set by fit: verbose, epochs, steps
    model   set by fit
    logs    a dict of floats: loss and metrics so far. At an epoch's end a callback may add to it.

    A callback that overrides a batch method is called for every batch; without one, many batches run in one go.
    """

    order = 0  # callbacks of a higher order come after all others

    def __init__(self):
        self.params = None
        self.model = None

    def set_params(self, params):
        self.params = params

    def set_model(self, model):
        self.model = model

    def on_batch_begin(self, batch, logs=None):
        """Keras 2's name for on_train_batch_begin."""

    def on_batch_end(self, batch, logs=None):
        """Keras 2's name for on_train_batch_end."""

    def on_epoch_begin(self, epoch, logs=None):
        """Before epoch number ``epoch``, from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """After an epoch and its validation."""

    def on_train_batch_begin(self, batch, logs=None):
        """Before batch number ``batch`` of the epoch, from 0."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        """After a training batch; logs are those of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Before a batch of evaluate, or of validation."""

    def on_test_batch_end(self, batch, logs=None):
        """After a batch of evaluate, or of validation."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Before a batch of predict."""

    def on_predict_batch_end(self, batch, logs=None):
        """After a batch of predict; logs hold its ``outputs``."""

    def on_train_begin(self, logs=None):
        """Before the first epoch."""

    def on_train_end(self, logs=None):
        """After the last epoch; also when training stopped early, but not after an error."""

    def on_test_begin(self, logs=None):
        """Before evaluate, or validation."""

    def on_test_end(self, logs=None):
        """After evaluate, or validation."""

    def on_predict_begin(self, logs=None):
        """Before predict."""

    def on_predict_end(self, logs=None):
        """After predict."""

    def sees_batches(self, mode) -> bool:
        """Whether it has to be called for every batch. mode: train, test or predict."""
        names = [f"on_{mode}_batch_begin", f"on_{mode}_batch_end"]
        names += ["on_batch_begin", "on_batch_end"] if mode == "train" else []
        return any(overrides(self, name) for name in names)


class History(Callback):
    """The logs of all epochs: ``history`` maps a name to a list, ``epoch`` lists the epochs. fit returns it."""

    def __init__(self):
        super().__init__()
        self.epoch = []
        self.history = LogTable()

    def on_train_begin(self, logs=None):
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class LogTable(dict):
    """name -> values, where Keras 2's names are understood too: ``acc`` for ``accuracy``, and the other way round."""

    def __missing__(self, name):
        for old, new in (("acc", "accuracy"), ("accuracy", "acc"), ("lr", "learning_rate")):
            other = new if name == old else f"val_{new}" if name == f"val_{old}" else None
            if other is not None and dict.__contains__(self, other):
                return dict.__getitem__(self, other)
        raise KeyError(name)


class CallbackList(Callback):
    """Callbacks called in turn, each with the same logs.

    add_history, add_progbar: add a History (kept as ``model.history``) and a ProgbarLogger, unless given.
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
        if add_progbar:
            from kgraph.callbacks.progbar import ProgbarLogger
            if not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
                self.callbacks.append(ProgbarLogger())
        if self.history is not None and not histories:
            self.callbacks.append(self.history)
        self.callbacks.sort(key=lambda c: getattr(c, "order", 0))

    def append(self, callback):
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


def overrides(callback, name) -> bool:
    """Whether a callback does something of its own in the method of that name."""
    return name in callback.__dict__ or getattr(type(callback), name) is not getattr(Callback, name)


def _forward(name):
    numbered = len(inspect.signature(getattr(Callback, name)).parameters) == 3  # (self, epoch or batch, logs)

    def call(self, *args, logs=None):
        args = args if len(args) > numbered else (*args, logs)
        args = (*args[:-1], {}) if args[-1] is None else args
        for callback in self.callbacks:
            getattr(callback, name)(*args)
    call.__name__ = name
    call.__doc__ = getattr(Callback, name).__doc__
    return call


for _name in [n for n in vars(Callback) if n.startswith("on_")]:
    setattr(CallbackList, _name, _forward(_name))
