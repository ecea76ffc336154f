"""Callbacks that report: files, servers, functions of the user's own."""
from __future__ import annotations

import csv
import json
import os
import warnings

import numpy as np

from kgraph.callbacks.callback import Callback
from kgraph.naming import check_keywords
from kgraph.training.progress import say

__all__ = ["BaseLogger", "CSVLogger", "LambdaCallback", "RemoteMonitor", "TerminateOnNaN"]


class BaseLogger(Callback):
    """Keras 2's averaging of batch logs over an epoch. kgraph's logs are means already: this changes nothing.

    Args:
        stateful_metrics: accepted.

    Example:
        >>> history = model.fit(x, y, verbose=0, callbacks=[callbacks.BaseLogger()])
    """

    def __init__(self, stateful_metrics=None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or [])


class CSVLogger(Callback):
    r"""A row for each epoch: its number, and the logs in the order of their names.

    The columns are those of the first epoch: no others are made up, a value that is missing later is ``NA``, and one
    that appears later is left out with a warning.

    Args:
        filename, separator, append: (append: go on with an existing file; its header is kept)
        filename: the file.
        separator: between values, "," by default.
        append: go on with an existing file; its header is kept. False by default.

    Example:
        >>> history = model.fit(x, y, verbose=0, callbacks=[callbacks.CSVLogger("log.csv")])
        >>> open("log.csv").readline()
        'epoch,loss\n'
    """

    writes = True

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.append_header = True
        self.keys = None
        self.csv_file = None
        self.writer = None

    def on_train_begin(self, logs=None):
        self.keys = self._old_columns() if self.append else None
        self.append_header = self.keys is None
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")
        self.writer = None

    def _old_columns(self):
        if not os.path.exists(self.filename):
            return None
        with open(self.filename, newline="", encoding="utf-8") as f:
            header = next(csv.reader(f, delimiter=self.sep), None)
        return header[1:] if header else None

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
        if self.writer is None:
            self.writer = csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep, lineterminator="\n")
            if self.append_header:
                self.writer.writeheader()
            extra = sorted(set(logs) - set(self.keys))
            if extra:
                warnings.warn(f"CSVLogger: {self.filename} has no column for {', '.join(extra)}: left out",
                              stacklevel=2)
        self.writer.writerow({"epoch": epoch, **{k: _cell(logs.get(k, "NA")) for k in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs=None):
        self.csv_file.close()
        self.writer = None


def _cell(value):
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f"\"[{', '.join(map(str, value))}]\""


class RemoteMonitor(Callback):
    """Posts the logs of each epoch to a server, as form field ``field`` or as a JSON body. A server that cannot be
    reached is a warning.

    Args:
        root, path: the server, http://localhost:9000, and the path on it.
        field: the form field, "data".
        headers: a dict of HTTP headers.
        send_as_json: as a JSON body in place of a form. False by default.

    Example:
        >>> callbacks.RemoteMonitor("http://localhost:9000", send_as_json=True).path
        '/publish/epoch/end/'
    """

    writes = True

    def __init__(self, root="http://localhost:9000", path="/publish/epoch/end/", field="data", headers=None,
                 send_as_json=False):
        super().__init__()
        self.root, self.path, self.field = root, path, field
        self.headers = headers or {}
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch, logs=None):
        import urllib.error  # half of the time that importing all callbacks would take
        import urllib.parse
        import urllib.request
        values = {k: np.asarray(v).tolist() for k, v in (logs or {}).items()}
        data = json.dumps({"epoch": epoch, **values})
        if self.send_as_json:
            body, kind = data, "application/json"
        else:
            body, kind = urllib.parse.urlencode({self.field: data}), "application/x-www-form-urlencoded"
        request = urllib.request.Request(self.root + self.path, body.encode(), {"Content-Type": kind, **self.headers})
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except (urllib.error.URLError, OSError) as error:
            warnings.warn(f"RemoteMonitor: could not reach {self.root}: {error}", stacklevel=2)


class LambdaCallback(Callback):
    """A callback made of functions, each named as the method it takes the place of.

    Raises TypeError for a name that is no method of callbacks, with the nearest one.

    Args:
        on_epoch_begin, on_epoch_end: functions (epoch, logs).
        on_train_begin, on_train_end: functions (logs).
        on_train_batch_begin, on_train_batch_end: functions (batch, logs).

    Example:
        >>> told = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print("epoch", epoch))
        >>> history = model.fit(x, y, verbose=0, callbacks=[told])
        epoch 0
    """

    def __init__(self, on_epoch_begin=None, on_epoch_end=None, on_train_begin=None, on_train_end=None,
                 on_train_batch_begin=None, on_train_batch_end=None, **kwargs):
        super().__init__()
        given = dict(on_epoch_begin=on_epoch_begin, on_epoch_end=on_epoch_end, on_train_begin=on_train_begin,
                     on_train_end=on_train_end, on_train_batch_begin=on_train_batch_begin,
                     on_train_batch_end=on_train_batch_end, **kwargs)
        check_keywords("LambdaCallback", given, [n for n in dir(Callback) if n.startswith("on_")])
        for name, function in given.items():
            if function is not None:
                setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops training at the first batch whose loss is not finite, and names the first op that made such a value.

    raise_error: raise RuntimeError instead.

    Args:
        raise_error: raise RuntimeError in place of stopping. False by default.

    Example:
        >>> history = model.fit(x, y, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_begin(self, logs=None):
        if self.model.fit_run is not None:  # else a loop of the user's own: there are no steps to look into
            self.model.fit_run.keep_steps = True

    def on_batch_end(self, batch, logs=None):
        """Look at the loss of the batch.

        Raises:
            RuntimeError: the loss is not finite, and raise_error is True.
        """
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        where = self.model.first_bad_op()
        text = f"Batch {batch}: the loss is {loss}" + (f"; first bad value: {where}" if where else "")
        if self.raise_error:
            raise RuntimeError(text)
        say(f"{text}; terminating training")
        self.model.stop_training = True
