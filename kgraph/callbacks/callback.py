"""The base class of callbacks, and History."""
from __future__ import annotations

from kgraph import doors
from kgraph.legacy.logs import LogTable

__all__ = ["Callback", "History", "overrides"]


class Callback:
    """What happens at certain moments of training. A subclass overrides the methods it needs.

    params  set by fit: verbose, epochs, steps
    model   set by fit
    logs    a dict of floats: loss and metrics so far. At an epoch's end a callback may add to it.

    A callback that overrides a batch method is called for every batch; without one, many batches run in one go.

    Example:
        >>> class Told(kgraph.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, sorted(logs))
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[Told()])
        0 ['loss']
        1 ['loss']
    """

    order = 0  # callbacks of a higher order come after all others
    writes = False  # whether all it does is writing files or text: then of several processes only the first calls it
    reads = False   # and whether it reads weights for that

    def __init__(self):
        self.params = None
        self.model = None

    def set_params(self, params):
        """What the loop tells before it begins.

        Args:
            params: epochs, steps and verbose
        """
        self.params = params

    def set_model(self, model):
        """The model whose loop it follows."""
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
    """The logs of all epochs: ``history`` maps a name to a list, ``epoch`` lists the epochs. fit returns it.

    Example:
        >>> model.fit(x, y, epochs=2, verbose=0).epoch
        [0, 1]
    """

    def __init__(self):
        super().__init__()
        self.epoch = []
        self.history = LogTable()

    def _repr_svg_(self):
        return doors.displays.history(self)

    def on_train_begin(self, logs=None):
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


def overrides(callback, name) -> bool:
    """Whether a callback does something of its own in the method of that name."""
    return name in callback.__dict__ or getattr(type(callback), name) is not getattr(Callback, name)
