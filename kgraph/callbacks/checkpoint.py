"""Callbacks that keep models: files as training goes on, a backup to go on from, averaged weights for testing."""
from __future__ import annotations

import json
import os
import random
import shutil
import warnings
import zipfile

import numpy as np

from kgraph.callbacks.callback import Callback, History
from kgraph.callbacks.monitors import MonitorCallback
from kgraph.legacy.logs import LogTable
from kgraph.legacy.words import of_checkpoint
from kgraph.naming import check_keywords, nearest, warn_at_user
from kgraph.random import _global_generator
from kgraph.tables import first_does
from kgraph.training import processes
from kgraph.training.progress import say

__all__ = ["BackupAndRestore", "ModelCheckpoint", "SwapEMAWeights"]


class BatchCounter:
    """Says when ``every`` further batches have been seen, over the ends of epochs; never, when that is "epoch"."""

    def __init__(self, every):
        self.every = every
        self.seen = 0
        self.last = None

    def due(self, batch) -> bool:
        new = batch + 1 if self.last is None or batch <= self.last else batch - self.last
        self.seen, self.last = self.seen + new, batch
        if self.every == "epoch" or self.seen < self.every:
            return False
        self.seen = 0
        return True


def _check_freq(name, save_freq):
    if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
        raise ValueError(f"{name}: save_freq: expected 'epoch' or an int of 1 or more, received {save_freq!r}")


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, at the end of epochs or every so many batches.

    Args:
        filepath: may hold names in braces: ``{epoch:02d}-{val_loss:.2f}.keras``; ends in .keras, .h5 or .hdf5 (weights:
            .weights.h5, or a name of tf.keras 2, see save_weights)
        save_best_only: only when the watched value has improved; on initial_value_threshold, if given
        save_weights_only: the weights alone
        save_freq: "epoch", or a number of batches
        period: Keras 2: save every so many epochs
        initial_value_threshold: what the watched value has to improve on at first; None: nothing.

    Raises:
        ValueError: an ending that no format has, or another save_freq.

    Example:
        >>> saver = callbacks.ModelCheckpoint("{epoch:02d}.keras")
        >>> history = model.fit(x, y, verbose=0, callbacks=[saver])
        >>> kgraph.models.load_model("01.keras").name
        'small'
    """

    writes = reads = True

    def __init__(self, filepath, monitor="val_loss", verbose=0, save_best_only=False, save_weights_only=False,
                 mode="auto", save_freq="epoch", initial_value_threshold=None, period=1, **kwargs):
        check_keywords("ModelCheckpoint", kwargs, ModelCheckpoint)
        super().__init__(monitor, mode, initial_value_threshold)
        _check_freq("ModelCheckpoint", save_freq)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.period = period
        self._counter = BatchCounter(save_freq)
        self._epoch = 0
        endings = (".h5", ".hdf5") if save_weights_only else (".keras", ".h5", ".hdf5")
        if not self.filepath.endswith(endings) and not (save_weights_only and of_checkpoint(self.filepath)):
            raise ValueError(f"ModelCheckpoint: filepath: expected a name that ends in {', '.join(endings)}, "
                             f"received {self.filepath!r}")

    def sees_batches(self, mode) -> bool:
        return mode == "train" and self.save_freq != "epoch"

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self._counter.due(batch):
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch" and (epoch + 1) % self.period == 0:
            self._save(epoch, logs or {})

    def _save(self, epoch, logs):
        path = self._path(epoch, logs)
        if self.save_best_only and not self._is_best(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise IsADirectoryError(f"ModelCheckpoint: expected a file name, received the directory {path}")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        if self.verbose:
            say(f"Epoch {epoch + 1}: saved {path}")

    def _path(self, epoch, logs):
        try:
            return self.filepath.format_map(LogTable(logs, epoch=epoch + 1))
        except KeyError as error:
            name = error.args[0]
            raise KeyError(f"ModelCheckpoint: {self.filepath!r} names {name!r}, which is not among the logs "
                           f"(epoch, {', '.join(logs)}).{nearest(name, logs)}") from None

    def _is_best(self, epoch, logs, path) -> bool:
        current = self.get_monitor_value(logs)
        if current is None:
            return True
        if np.ndim(current):
            warnings.warn(f"ModelCheckpoint: {self.monitor!r} is no scalar: saved all the same", stacklevel=2)
            return True
        better = self.improves(current, self.best)
        if self.verbose:
            was = "nothing" if self.best is None else f"{self.best:.5f}"
            what = f"improved from {was} to {current:.5f}" if better else f"did not improve from {was}"
            say(f"Epoch {epoch + 1}: {self.monitor} {what}")
        if better:
            self.best = current
        return better


class BackupAndRestore(Callback):
    """Keeps the state of training in ``backup_dir``; fit goes on from it when it is run again after a crash.

    The state is all there is: weights, optimizer, metrics, random generators, the history, and what has changed in the
    attributes of the other callbacks since training began. A run killed at any moment and started again ends as it
    would have ended. The file is replaced in one piece. Of several processes the first writes it, and another number of
    them may go on.

    Args:
        save_freq: "epoch", or a number of batches
        double_checkpoint: keep the state before the last one too, and use it if the last cannot be read
        delete_checkpoint: remove the folder when fit has ended
        backup_dir: a folder of its own.

    Raises:
        ValueError: backup_dir is no name of a folder, or another save_freq.

    Example:
        >>> history = model.fit(x, y, verbose=0, callbacks=[callbacks.BackupAndRestore("backup")])
    """

    order = 1  # what other callbacks do at the end of an epoch belongs into the backup

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError(f"BackupAndRestore: backup_dir: expected a folder, received {backup_dir!r}")
        _check_freq("BackupAndRestore", save_freq)
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.path = os.path.join(self.backup_dir, "training.npz")
        self._counter = BatchCounter(save_freq)
        self._epoch = 0

    def sees_batches(self, mode) -> bool:
        return mode == "train" and self.save_freq != "epoch"

    def on_train_begin(self, logs=None):
        """Take up what a run before left.

        Raises:
            RuntimeError: the state that was kept belongs to another program.
        """
        run = self.model.fit_run
        if run is None:
            raise RuntimeError("BackupAndRestore: expected to be a callback of fit(), which goes on where it was; in a "
                               "loop of one's own, save_weights and load_weights do")
        run.when_begun(self._remember_callbacks)
        found = self._read(self.path)
        if found is None and self.double_checkpoint:
            found = self._read(self.path + ".bkp")
        found = processes.agree(found)
        if found is None:
            return
        about, arrays = found
        if about.get("processes", 1) != processes.count():
            warn_at_user(f"BackupAndRestore: {self.path} was written by {about.get('processes', 1)} processes, and "
                         f"there are {processes.count()} now: what comes out is the same up to rounding")
        run.first_epoch, run.first_batch, run.seed = about["epoch"], about["batch"], about["seed"]
        run.when_ready(lambda: self._restore(about, arrays))
        self._restore_callbacks(about["callbacks"], arrays)
        self._restore_random(about, arrays)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self._counter.due(batch):
            first_does(lambda: self._write(self._epoch, batch + 1))

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            first_does(lambda: self._write(epoch + 1, 0))

    def on_train_end(self, logs=None):
        if self.delete_checkpoint and processes.is_first() and os.path.isdir(self.backup_dir):
            shutil.rmtree(self.backup_dir)

    def _variables(self) -> dict:
        """Everything with a value: part -> variables."""
        model = self.model
        optimizer = [] if model.optimizer is None else model.optimizer.variables
        return {"model": model.variables, "optimizer": optimizer,
                "metrics": [part for m in model.metrics for v in m.variables for part in _with_rest(v)]}

    # -- writing

    def _write(self, epoch, batch):
        arrays = {f"{part}/{i}": v.numpy() for part, group in self._variables().items() for i, v in enumerate(group)}
        callbacks = [_changes(c, then, f"callbacks/{i}", arrays)
                     for i, (c, then) in enumerate(zip(self._others(), self._then))]
        kind, keys, *rest = np.random.get_state()
        arrays["numpy_random"] = keys
        arrays["kgraph_random"] = _global_generator().state.numpy()
        version, state, gauss = random.getstate()
        arrays["python_random"] = np.array(state, "uint64")
        about = {"epoch": epoch, "batch": batch, "seed": self.model.fit_run.seed, "callbacks": callbacks,
                 "processes": processes.count(),
                 "numpy_random": [kind, *rest], "python_random": [version, gauss]}
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self.path):
            shutil.copyfile(self.path, self.path + ".bkp")
        with open(self.path + ".tmp", "wb") as f:
            np.savez(f, about=np.array(json.dumps(about)), **arrays)
            f.flush()
            os.fsync(f.fileno())
        os.replace(self.path + ".tmp", self.path)

    def _others(self):
        return [c for c in self.model.fit_run.callbacks if c is not self]

    def _remember_callbacks(self):
        """How the other callbacks are when training begins: what they change from then on is their state."""
        self._then = [_picture(c) for c in self._others()]

    # -- reading

    def _read(self, path):
        if not os.path.exists(path):
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return json.loads(str(arrays.pop("about"))), arrays
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            if self.double_checkpoint:
                warnings.warn(f"BackupAndRestore: {path} cannot be read ({error}): the state before it is used",
                              stacklevel=3)
                return None
            raise ValueError(f"BackupAndRestore: {path} cannot be read: {error}. Remove it to start anew.") from error

    def _restore(self, about, arrays):
        pairs = []
        for part, group in self._variables().items():
            stored = [name for name in arrays if name.startswith(f"{part}/")]
            if part == "metrics" and len(stored) != len(group):
                continue  # metrics that make their variables late; at the end of an epoch they are reset anyway
            if len(stored) != len(group):
                raise ValueError(f"BackupAndRestore: expected {len(group)} variables of the {part}, received "
                                 f"{len(stored)} in {self.path}: is it the backup of another model?")
            pairs += [(v, arrays[f"{part}/{i}"]) for i, v in enumerate(group)]
        for variable, array in pairs:
            if variable.shape != array.shape:
                raise ValueError(f"BackupAndRestore: variable {variable.path}: expected shape {variable.shape}, "
                                 f"received {array.shape} in {self.path}: is it the backup of another model?")
        for variable, array in pairs:
            variable.assign(array)

    def _restore_random(self, about, arrays):
        kind, *rest = about["numpy_random"]
        np.random.set_state((kind, arrays["numpy_random"], *rest))
        version, gauss = about["python_random"]
        random.setstate((version, tuple(arrays["python_random"].tolist()), gauss))
        _global_generator().state.assign(arrays["kgraph_random"])

    def _restore_callbacks(self, states, arrays):
        """Once all of them have begun: beginning resets them."""
        others = self._others()
        if len(others) == len(states):
            self.model.fit_run.when_begun(lambda: [_restore_state(c, s, arrays) for c, s in zip(others, states)])


def _with_rest(variable) -> list:
    """A metric's variable, and what its total has lost to rounding: after it, since assigning a total clears that."""
    return [variable, variable.lost] if hasattr(variable, "lost") else [variable]


def _picture(callback) -> dict:
    """attribute -> its plain data as text, for those that are plain data."""
    return {name: found for name, value in vars(callback).items()
            if name not in ("model", "params") and (found := _text(value)) is not None}


def _text(value):
    arrays = {}
    try:
        encoded = _encode(value, "", arrays)
    except TypeError:
        return None  # files, functions, other objects: made anew by the next run
    return repr(encoded) + "".join(a.tobytes().hex() for a in arrays.values())


def _changes(callback, then, prefix, arrays) -> dict:
    """The attributes that differ from the picture `then`; arrays among them go into `arrays`."""
    return {name: _encode(value, f"{prefix}/{name}", arrays) for name, value in vars(callback).items()
            if name not in ("model", "params") and _text(value) not in (None, then.get(name))}


def _encode(value, key, arrays):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        arrays[key] = np.asarray(value)
        return {"array": key}
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {"dict": {k: _encode(v, f"{key}/{k}", arrays) for k, v in value.items()}}
    if isinstance(value, (list, tuple)):
        return [_encode(v, f"{key}/{i}", arrays) for i, v in enumerate(value)]
    if isinstance(value, BatchCounter):
        return {"counter": [value.every, value.seen, value.last]}
    raise TypeError(f"no plain data: {value!r}")


def _restore_state(callback, state, arrays):
    for name, value in state.items():
        value = _decode(value, arrays)
        setattr(callback, name, LogTable(value) if isinstance(callback, History) and name == "history" else value)


def _decode(value, arrays):
    if isinstance(value, list):
        return [_decode(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        array = arrays[value["array"]]
        return array[()] if array.ndim == 0 else array
    if "counter" in value:
        counter = BatchCounter(value["counter"][0])
        counter.seen, counter.last = value["counter"][1:]
        return counter
    return {k: _decode(v, arrays) for k, v in value["dict"].items()}


class SwapEMAWeights(Callback):
    """Tests and predicts with the averaged weights of an optimizer with use_ema=True, and trains with the others.

    swap_on_epoch: also swap at the end of each epoch, so that what is saved then are the averages.

    Args:
        swap_on_epoch: also swap at the end of each epoch, so that what is saved then are the averages.

    Example:
        >>> model.compile(optimizers.SGD(use_ema=True), "mse")
        >>> history = model.fit(x, y, verbose=0, callbacks=[callbacks.SwapEMAWeights()])
    """

    def __init__(self, swap_on_epoch=False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self.swapped = False

    def _swap(self, wanted):
        if self.swapped != wanted:
            for variable, average in self._pairs():
                value = variable.numpy()
                variable.assign(average.numpy())
                average.assign(value)
            self.swapped = wanted

    def _pairs(self):
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        found = [o for o in getattr(optimizer, "optimizers", None) or [optimizer] if getattr(o, "use_ema", False)]
        if not found:
            raise ValueError(f"SwapEMAWeights: expected an optimizer with use_ema=True, received {optimizer!r}")
        return [(v, o.slot("average", v)) for o in found for v in o.trainable_variables]

    def on_epoch_begin(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._swap(True)
            if epoch == self.params["epochs"] - 1:
                for variable, average in self._pairs():
                    average.assign(variable.numpy())

    def on_test_begin(self, logs=None):
        self._swap(True)

    def on_test_end(self, logs=None):
        self._swap(False)

    def on_predict_begin(self, logs=None):
        self._swap(True)

    def on_predict_end(self, logs=None):
        self._swap(False)
