"""The callback behind the progress bar of fit, evaluate and predict."""
from __future__ import annotations

import numpy as np

from kgraph.callbacks.callback import Callback
from kgraph.training.progress import Progbar, say

__all__ = ["ProgbarLogger"]


class ProgbarLogger(Callback):
    """The progress bar of fit, evaluate and predict. Keras 2's arguments are accepted.

    Args:
        count_mode, stateful_metrics: accepted.

    Example:
        >>> history = model.fit(x, y, verbose=0, callbacks=[callbacks.ProgbarLogger()])
    """

    writes = True

    def __init__(self, count_mode="steps", stateful_metrics=None):
        super().__init__()
        self.count_mode = count_mode
        self.stateful_metrics = stateful_metrics
        self.bar = None
        self.in_fit = False

    @property
    def progbar(self):
        """The bar that is drawn, or None."""
        return self.bar

    @property
    def seen(self) -> int:
        """How many batches the bar stands at."""
        return self.bar._seen if self.bar is not None else 0

    @property
    def target(self):
        """How many batches there are, or None."""
        return (self.params or {}).get("steps")

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return (self.params or {}).get("epochs", 1)

    @property
    def verbose(self):
        """How much is written."""
        return (self.params or {}).get("verbose", 1)

    def sees_batches(self, mode) -> bool:
        return False

    def on_train_begin(self, logs=None):
        self.in_fit = True

    def on_train_end(self, logs=None):
        self.in_fit = False

    def on_epoch_begin(self, epoch, logs=None):
        epochs = self.params.get("epochs") or 1
        prefix = f"Epoch {epoch + 1}/{epochs}" if epochs > 1 else ""
        self._start(prefix)
        if prefix and self.bar.redraws:
            say(prefix)

    def on_test_begin(self, logs=None):
        if not self.in_fit:
            self._start()

    def on_predict_begin(self, logs=None):
        self._start()

    def on_progress(self, mode, batch, logs):
        """Redraw the bar between native calls."""
        if self.bar is not None and self.bar.redraws and not (mode == "test" and self.in_fit):
            self._update(batch + 1, logs, False)

    def on_epoch_end(self, epoch, logs=None):
        self._finish(logs)

    def on_test_end(self, logs=None):
        if not self.in_fit:
            self._finish(logs)

    def on_predict_end(self, logs=None):
        self._finish(None)

    def _start(self, prefix=""):
        verbose = self.params.get("verbose", 1)
        self.bar = Progbar(self.params.get("steps"), verbose=int(verbose) if verbose != "auto" else 1, prefix=prefix)

    def _update(self, done, logs, finalize):
        numbers = [(k, v) for k, v in (logs or {}).items() if np.ndim(v) == 0 or isinstance(v, np.ndarray)]
        self.bar.stateful_metrics.update(k for k, _ in numbers)
        self.bar.update(done, numbers, finalize)

    def _finish(self, logs):
        if self.bar is None:
            return
        done = self.params.get("done") or self.bar.target or self.bar._seen
        if self.bar.target is None and done:
            self.bar.target = done
        self._update(done, logs, True)
