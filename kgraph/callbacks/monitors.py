"""Callbacks that watch one value of the logs, or set the learning rate by the epoch."""
from __future__ import annotations

import inspect
import warnings

import numpy as np

from kgraph.callbacks.callback import Callback
from kgraph.legacy.logs import LogTable
from kgraph.naming import nearest
from kgraph.training.progress import say

__all__ = ["EarlyStopping", "LearningRateScheduler", "MonitorCallback", "ReduceLROnPlateau", "RestoreBestWeights"]


class MonitorCallback(Callback):
    """Watches ``logs[monitor]``. mode: min or max says which way is better, auto asks the metric of that name.

    Example:
        >>> callbacks.MonitorCallback("loss", mode="min").monitor
        'loss'
    """

    def __init__(self, monitor="val_loss", mode="auto", baseline=None, min_delta=0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{type(self).__name__}: expected mode auto, min or max, received {mode!r}; auto is used",
                          stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self._sign = None  # 1 where larger is better, -1 where smaller is

    def improves(self, value, reference) -> bool:
        """Whether value is better than reference by more than min_delta; anything is better than None."""
        if self._sign is None:
            self._sign = self._find_sign()
        return reference is None or self._sign * (value - reference) > self.min_delta

    @property
    def monitor_op(self):
        """np.greater where larger is better, np.less where smaller is; None before a model can tell."""
        try:
            return np.greater if (self._sign or self._find_sign()) == 1 else np.less
        except ValueError:
            return None

    @monitor_op.setter
    def monitor_op(self, compare):
        self._sign = 1 if compare(1, 0) else -1

    def _find_sign(self):
        if self.mode != "auto":
            return 1 if self.mode == "max" else -1
        name = self.monitor.removeprefix("val_")
        if name.endswith("loss"):
            return -1
        compiled = getattr(self.model, "_compile_metrics", None)
        named = LogTable({m.name: m for m in getattr(self.model, "metrics", ())})
        named.update(compiled.names() if compiled is not None else ())
        metric = named.get(name)
        direction = getattr(metric, "_direction", None)
        if direction is None:
            raise ValueError(f"{type(self).__name__}: whether {self.monitor!r} should be large or small is not known: "
                             "give mode='max' or mode='min'")
        return 1 if direction == "up" else -1

    def get_monitor_value(self, logs):
        """The watched value; None, with a warning, when the logs do not have it.

        Returns:
            A number, or None.
        """
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(f"{type(self).__name__}: {self.monitor!r} is not among the logs ({', '.join(logs)})."
                          f"{nearest(self.monitor, logs)}", stacklevel=3)
        return value


class EarlyStopping(MonitorCallback):
    """Stops when the watched value has not improved for ``patience`` epochs.

    Args:
        min_delta: how much better counts as an improvement
        baseline: an epoch must also beat this to be forgiven
        restore_best_weights: put back the weights of the best epoch at the end
        start_from_epoch: do not look at earlier epochs

    Example:
        >>> stop = callbacks.EarlyStopping("loss", patience=1, min_delta=100.0)
        >>> len(model.fit(x, y, epochs=9, verbose=0, callbacks=[stop]).epoch)
        2
    """

    def __init__(self, monitor="val_loss", min_delta=0, patience=0, verbose=0, mode="auto", baseline=None,
                 restore_best_weights=False, start_from_epoch=0):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self):
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_train_begin(self, logs=None):
        self._reset()

    def on_epoch_end(self, epoch, logs=None):
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.improves(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                say(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)


class RestoreBestWeights(EarlyStopping):
    """Puts back the weights of the best epoch at the end, and never stops early.

    Example:
        >>> history = model.fit(x, y, verbose=0, callbacks=[callbacks.RestoreBestWeights("loss")])
    """

    def __init__(self, monitor="val_loss", mode="auto", min_delta=0, verbose=0, start_from_epoch=0):
        super().__init__(monitor, min_delta, float("inf"), verbose, mode, None, True, start_from_epoch)


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by ``factor`` when the watched value has not improved for ``patience`` epochs.

    Args:
        min_delta: how much better counts as an improvement (Keras 2: epsilon)
        cooldown: epochs to wait after a reduction
        min_lr: the lowest rate
        factor: what the rate is multiplied by, below 1; 0.1.

    Raises:
        TypeError: an unknown argument.
        ValueError: factor is 1 or above.

    Example:
        >>> slower = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100.0)
        >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[slower])
        >>> float(model.optimizer.learning_rate)
        0.0024999999441206455
    """

    def __init__(self, monitor="val_loss", factor=0.1, patience=10, verbose=0, mode="auto", min_delta=1e-4, cooldown=0,
                 min_lr=0.0, **kwargs):
        if "epsilon" in kwargs:
            min_delta = kwargs.pop("epsilon")
            warnings.warn("ReduceLROnPlateau: epsilon= is now min_delta=", FutureWarning, stacklevel=2)
        for name in kwargs:
            known = inspect.signature(ReduceLROnPlateau).parameters
            raise TypeError(f"ReduceLROnPlateau: unknown argument {name!r}, received {name}={kwargs[name]!r}."
                            f"{nearest(name, known)}")
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor: expected a number below 1, received {factor}")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self):
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs=None):
        self._reset()

    def in_cooldown(self) -> bool:
        """Whether it waits after a reduction."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch, logs=None):
        report_rates(self.model, logs)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                reduced = [self._reduce(o, epoch) for o in optimizers_of(self.model)]
                if any(reduced):
                    self.cooldown_counter = self.cooldown
                    self.wait = 0

    def _reduce(self, optimizer, epoch) -> bool:
        old = rate_of(optimizer)
        if old <= np.float32(self.min_lr):
            return False
        optimizer.learning_rate = max(old * self.factor, self.min_lr)
        if self.verbose:
            say(f"Epoch {epoch + 1}: ReduceLROnPlateau sets the learning rate to {rate_of(optimizer):.6g}")
        return True


class LearningRateScheduler(Callback):
    """Before each epoch sets the learning rate to ``schedule(epoch, rate)``, or ``schedule(epoch)``.

    Args:
        schedule: a function (epoch, rate) -> rate, or (epoch) -> rate.

    Raises:
        ValueError: schedule cannot be called.

    Example:
        >>> halved = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> history = model.fit(x, y, verbose=0, callbacks=[halved])
        >>> float(model.optimizer.learning_rate)
        0.004999999888241291
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        if not callable(schedule):
            raise ValueError(f"LearningRateScheduler: expected a function of the epoch, received {schedule!r}")
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        """Set the rate of the epoch.

        Raises:
            ValueError: schedule gave something else than a number.
        """
        for optimizer in optimizers_of(self.model):
            rate = self._scheduled(epoch, rate_of(optimizer))
            if not isinstance(rate, (float, np.floating)):
                raise ValueError("LearningRateScheduler: expected the schedule to return a float, "
                                 f"received {rate!r} for epoch {epoch}")
            optimizer.learning_rate = float(rate)
            if self.verbose:
                say(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {float(rate):.6g}")

    def _scheduled(self, epoch, rate):
        rate = self.schedule(epoch, rate) if _takes_two(self.schedule) else self.schedule(epoch)
        return np.asarray(rate).item() if hasattr(rate, "shape") else rate

    def on_epoch_end(self, epoch, logs=None):
        report_rates(self.model, logs)


def optimizers_of(model) -> list:
    """The optimizers that have a learning rate: the model's, or those inside a MultiOptimizer."""
    return list(getattr(model.optimizer, "optimizers", None) or [model.optimizer])


def rate_of(optimizer) -> float:
    """The learning rate as a number."""
    return float(np.asarray(optimizer.learning_rate))


def report_rates(model, logs):
    """Add the learning rate to the logs, one for each optimizer."""
    if logs is not None:
        found = optimizers_of(model)
        logs.update({f"learning_rate_{o.name}" if len(found) > 1 else "learning_rate": rate_of(o) for o in found})


def _takes_two(function) -> bool:
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a built-in without a signature
        return True
    return True
