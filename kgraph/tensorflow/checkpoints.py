"""tf.train.Checkpoint and CheckpointManager. A checkpoint is one file NAME.ckpt.npz in NumPy's format; TensorFlow's own
files are not read."""
from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import numpy as np

from kgraph.tensorflow.base.state import Module
from kgraph.tensorflow.base.texts import text_of
from kgraph.variable import Variable

__all__ = ["Checkpoint", "CheckpointManager", "latest_checkpoint", "list_variables", "load_checkpoint"]
ENDING = ".ckpt.npz"


def _variables(x, path, found, seen):
    """path -> Variable, of all that lie in x."""
    if id(x) in seen:
        return found
    seen.add(id(x))
    if isinstance(x, Variable):
        found[path] = x
    elif isinstance(x, dict):
        for key, part in x.items():
            _variables(part, f"{path}/{key}", found, seen)
    elif isinstance(x, (list, tuple)):
        for i, part in enumerate(x):
            _variables(part, f"{path}/{i}", found, seen)
    elif isinstance(x, (Module, Checkpoint)):
        for key, part in sorted(vars(x).items()):
            _variables(part, f"{path}/{key}".lstrip("/"), found, seen)
    elif hasattr(x, "variables"):
        for i, v in enumerate(x.variables):
            _variables(v, f"{path}/{i}", found, seen)
    return found


def _file(path) -> str:
    path = text_of(path)
    return path if path.endswith(ENDING) else path + ENDING


class _Status:
    """What `restore` did: programs ask it to check that."""

    def __init__(self, path, missing, unused):
        self.path, self.missing, self.unused = path, missing, unused

    def assert_consumed(self):
        """Raises AssertionError unless all values of the file were used, and all objects found theirs."""
        self.assert_existing_objects_matched()
        if self.unused:
            raise AssertionError(f"{self.path}: expected objects for all its values, none has {', '.join(self.unused)}")
        return self

    def assert_existing_objects_matched(self):
        """Raises AssertionError unless all objects found their values."""
        if self.missing:
            raise AssertionError(f"{self.path}: expected values for all objects, it lacks {', '.join(self.missing)}")
        return self

    assert_nontrivial_match = assert_existing_objects_matched

    def expect_partial(self):
        """Says that it is right that not all was used."""
        return self


class Checkpoint:
    """Saves and restores the Variables of objects: models, optimizers, Modules, Variables, and lists and dicts of them.

    root  one object; or objects by name, which become attributes
    Objects without Variables are left out. Optimizers have theirs from the first step, or `build`, on: values that come
    before are used then.
    """

    def __init__(self, root=None, **kwargs):
        if root is not None:
            kwargs = {"root": root, **kwargs}
        self.__dict__.update(kwargs)
        if "save_counter" not in kwargs:
            self.save_counter = Variable(0, dtype="int64", trainable=False, name="save_counter")

    def write(self, file_prefix, options=None) -> str:
        """Write the values to a file. Returns its name without the ending."""
        prefix = text_of(file_prefix)
        target = Path(_file(prefix))
        target.parent.mkdir(parents=True, exist_ok=True)
        arrays = {path: v.numpy() for path, v in _variables(self, "", {}, set()).items()}
        draft = target.with_name(target.name + ".draft")
        with open(draft, "wb") as file:
            np.savez(file, **arrays)
        os.replace(draft, target)
        return prefix.removesuffix(ENDING)

    def save(self, file_prefix, options=None) -> str:
        """Write the values to PREFIX-NUMBER, counting up, which becomes the latest. Returns that name."""
        self.save_counter.assign(self.save_counter.numpy() + 1)
        name = self.write(f"{text_of(file_prefix)}-{int(self.save_counter.numpy())}")
        _note_latest(name)
        return name

    def read(self, save_path, options=None) -> _Status:
        """Give the Variables the values of a file that `write` made; None: nothing is done.

        Raises FileNotFoundError, and ValueError (before anything is changed) for another shape.
        """
        if save_path is None:
            return _Status(None, [], [])
        with np.load(_file(save_path), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        found = _variables(self, "", {}, set())
        shared = {path: v for path, v in found.items() if path in arrays}
        for path, v in shared.items():
            if arrays[path].shape != v.shape:
                raise ValueError(f"{save_path}: {path}: expected shape {v.shape}, received {arrays[path].shape}")
        for path, v in shared.items():
            v.assign(arrays[path])
        unused = sorted(set(arrays) - set(found))
        if unused:
            warnings.warn(f"{text_of(save_path)}: no object here has {', '.join(unused[:5])} (models and optimizers "
                          "have Variables once they are built)", stacklevel=3)
        return _Status(save_path, sorted(set(found) - set(arrays)), unused)

    restore = read


def _note_latest(name):
    path = Path(name)
    (path.parent / "checkpoint").write_text(f'model_checkpoint_path: "{path.name}"\n', encoding="utf-8")


def latest_checkpoint(checkpoint_dir, latest_filename=None):
    """The name of the checkpoint that was saved last in a folder, or None."""
    folder = Path(text_of(checkpoint_dir))
    note = folder / (latest_filename or "checkpoint")
    match = re.search(r'model_checkpoint_path: "(.*)"', note.read_text(encoding="utf-8")) if note.exists() else None
    name = str(folder / match[1]) if match else None
    return name if name and os.path.exists(_file(name)) else None


class load_checkpoint:
    """Reads a checkpoint value by value."""

    def __init__(self, ckpt_dir_or_file):
        name = text_of(ckpt_dir_or_file)
        with np.load(_file(latest_checkpoint(name) if os.path.isdir(name) else name), allow_pickle=False) as file:
            self._arrays = {key: file[key] for key in file.files}

    def get_variable_to_shape_map(self) -> dict:
        return {name: list(a.shape) for name, a in self._arrays.items()}

    def get_tensor(self, name) -> np.ndarray:
        return self._arrays[name]

    def has_tensor(self, name) -> bool:
        return name in self._arrays


def list_variables(ckpt_dir_or_file) -> list:
    """(name, shape) of the values of a checkpoint."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


class CheckpointManager:
    """Keeps the last max_to_keep checkpoints of a folder; None: all."""

    def __init__(self, checkpoint, directory, max_to_keep, keep_checkpoint_every_n_hours=None,
                 checkpoint_name="ckpt", step_counter=None, checkpoint_interval=None, init_fn=None):
        self._checkpoint, self._directory = checkpoint, text_of(directory)
        self._keep, self._name = max_to_keep, checkpoint_name
        self._counter, self._interval, self._init = step_counter, checkpoint_interval, init_fn
        self._last = None

    @property
    def directory(self) -> str:
        return self._directory

    @property
    def checkpoint(self):
        return self._checkpoint

    @property
    def checkpoints(self) -> list:
        """Their names, the oldest first."""
        pattern = re.compile(re.escape(self._name) + r"-(\d+)" + re.escape(ENDING))
        folder = Path(self._directory)
        names = [(int(m[1]), p) for p in folder.glob("*") if (m := pattern.fullmatch(p.name))]   # none: no folder
        return [str(p)[:-len(ENDING)] for _, p in sorted(names)]

    @property
    def latest_checkpoint(self):
        """The name of the last, or None."""
        return latest_checkpoint(self._directory)

    def save(self, checkpoint_number=None, check_interval=True, options=None):
        """Save, and delete what is too old. Returns the name, or None where the interval is not over."""
        if check_interval and self._interval and self._counter is not None and self._last is not None and \
                int(self._counter) - self._last < self._interval:
            return None
        if self._counter is not None:
            self._last = int(self._counter)
        prefix = os.path.join(self._directory, self._name)
        if checkpoint_number is None:
            name = self._checkpoint.save(prefix)
        else:
            name = self._checkpoint.write(f"{prefix}-{int(checkpoint_number)}")
            _note_latest(name)
        for old in self.checkpoints[:-self._keep] if self._keep else ():
            os.remove(_file(old))
        return name

    def restore_or_initialize(self):
        """Restore the latest and return its name; without one call init_fn and return None."""
        latest = self.latest_checkpoint
        if latest is not None:
            self._checkpoint.restore(latest)
        elif self._init is not None:
            self._init()
        return latest
