"""Weights in Keras 3's layout: one HDF5 group for each object that has variables, named by the way that leads to it.

    layers/dense/vars/0                the first variable of the first Dense
    layers/lstm_1/cell/vars/0
    optimizer/vars/0

The way is made of attribute names and, in lists, of class names with a number. Keras walks its objects so when it saves
and when it loads; kgraph walks its own objects so, with Keras's names where its own differ.
"""
from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from kgraph.layers.state import Stateful
from kgraph.models.model import Model
from kgraph.models.sequential import Sequential
from kgraph.naming import to_snake_case
from kgraph.optimizers import Optimizer
from kgraph.saving.hdf5 import Dataset

__all__ = ["Fit", "describe_misfits", "load_optimizer", "load_weights", "optimizer_state",
           "save_weights", "walk"]

KERAS_NAMES = {              # class name -> {kgraph's attribute: Keras's}, where they differ
    "GroupedQueryAttention": {f"{part}_dense": f"_{part}_dense" for part in ("query", "key", "value", "output")},
}
IGNORED = {"_nodes", "_losses", "_graph", "_inputs", "_outputs", "_stack", "_symbolic_losses", "_added_weights",
           "_frozen", "_initial_weights", "activity_regularizer", "dtype_policy"}


def walk(model, with_optimizer=True) -> list:
    """[(path, object)] of everything that has variables of its own, in Keras's order, each object once."""
    found, seen = [], set()

    def visit(x, path):
        if id(x) in seen:
            return
        seen.add(id(x))
        found.append((path, x))
        for name, child in _children(x):
            descend(child, f"{path}/{name}".lstrip("/"))

    def descend(child, path):
        if isinstance(child, Stateful | Optimizer):
            if with_optimizer or not isinstance(child, Optimizer):
                visit(child, path)
        elif isinstance(child, list | tuple | dict):
            used: dict = {}
            for item in child.values() if isinstance(child, dict) else child:
                kind = "container" if isinstance(item, list | tuple | dict) else _class_name(item)
                if kind is not None:
                    number = used[kind] = used.get(kind, -1) + 1
                    descend(item, f"{path}/{kind}_{number}" if number else f"{path}/{kind}")

    visit(model, "")
    return found


def _class_name(x):
    if not isinstance(x, Stateful | Optimizer):
        return None
    is_graph = type(x) is Model and x.is_functional
    return "functional" if is_graph else to_snake_case(type(x).__name__)


def _children(x):
    """(name, value) of the attributes that may hold objects: public ones first, as Keras sorts them."""
    if isinstance(x, Sequential) or isinstance(x, Model) and x.is_functional:
        yield "layers", x.layers
    names = KERAS_NAMES.get(type(x).__name__, {})
    held = {names.get(name, name): value for name, value in vars(x).items() if name not in IGNORED}
    if isinstance(x, Model):
        held["layers"] = x.layers
    yield from sorted(held.items(), key=lambda item: f"~{item[0]}" if item[0].startswith("_") else item[0])


# ------------------------------------------------------------------ saving
def save_weights(file, model, with_optimizer=True):
    """Write into an open h5py file, straight from the variables' memory."""
    for path, x in walk(model, with_optimizer):
        group = file.create_group(f"{path}/vars".lstrip("/"))
        if isinstance(getattr(x, "name", None), str):
            group.attrs["name"] = x.name
        own = _own_variables(x)
        if own is None:
            x.save_own_variables(_Writer(group))
        for i, variable in enumerate(own or ()):
            group.create_dataset(str(i), data=variable.buffer)


def _own_variables(x):
    """The variables that an object saves; None where its class says so in its own way."""
    if isinstance(x, Optimizer):
        return optimizer_state(x) if _inherits(x, Optimizer) else None
    return x._own_variables() if _inherits(x, Stateful) else None


def optimizer_state(optimizer) -> list:
    """An optimizer's variables as files hold them: a rate with decay= is written as a schedule, without a variable."""
    return [v for v in optimizer.variables if not optimizer.decay or v.name != "learning_rate"]


def _inherits(x, base) -> bool:
    return all(getattr(type(x), m) is getattr(base, m) for m in ("save_own_variables", "load_own_variables"))


class _Writer(dict):
    """What a class's own save_own_variables fills."""

    def __init__(self, group):
        super().__init__()
        self.group = group

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.group.create_dataset(str(key), data=np.asarray(value))


# ------------------------------------------------------------------ loading
@dataclass(frozen=True)
class Fit:
    """What a file holds for one object: pairs of (dataset, variable), and what does not fit, in words."""

    path: str
    object: object
    pairs: tuple
    misfits: tuple
    store: object = None   # where the class has its own way of loading


def load_weights(root, model, skip_mismatch=False, with_optimizer=False):
    """Fill the variables of a model from the root Group of a file. Shapes are compared before anything is read.

    Raises ValueError naming everything that does not fit, and changes nothing then; skip_mismatch leaves those objects
    as they are, with a warning.
    """
    fits = [_fit(root, path, x) for path, x in walk(model, with_optimizer)]
    misfits = [m for fit in fits for m in fit.misfits]
    if misfits and not skip_mismatch:
        raise ValueError(describe_misfits(root.file_name, misfits))
    if misfits:
        warnings.warn(describe_misfits(root.file_name, misfits) + "\nThese keep their values.", stacklevel=2)
    for fit in fits:
        if not fit.misfits:
            _take(fit)


def describe_misfits(file_name, misfits) -> str:
    return f"{file_name}: the file does not fit the model:\n  " + "\n  ".join(misfits)


def _take(fit):
    if fit.store is not None:
        fit.object.load_own_variables(fit.store)
    for dataset, variable in fit.pairs:
        dataset.read_into(variable.buffer)


def _vars_group(root, path):
    """The group of an object's variables, or None; Keras 2.12 and 2.13 had another name for `layers`."""
    group = root.get(f"{path}/vars".lstrip("/"))
    if group is None and "_layer_checkpoint_dependencies" in root:
        group = root.get(f"{path}/vars".lstrip("/").replace("layers", "_layer_checkpoint_dependencies"))
    return group


def _fit(root, path, x) -> Fit:
    group = _vars_group(root, path)
    where = path or "the model itself"
    if hasattr(x, "name"):
        where = f"{where} ({x.name})"
    stored = {} if group is None else {name: group.dataset(name) for name in group.names()}
    own = _own_variables(x)
    if own is None:
        return Fit(path, x, (), (), _Reader(stored))
    if len(stored) != len(own):
        unbuilt = "" if getattr(x, "built", True) else "; it is not built yet: call the model on data first"
        expected = ", ".join(f"{v.name} {v.shape}" for v in own) or "none"
        misfit = f"{where}: expected {len(own)} variables ({expected}), received {len(stored)}{unbuilt}"
        return Fit(path, x, (), (misfit,))
    misfits, pairs = [], []
    for i, variable in enumerate(own):
        dataset = stored.get(str(i))
        if not isinstance(dataset, Dataset) or dataset.shape != variable.shape:
            received = "nothing" if dataset is None else dataset.shape
            misfits.append(f"{where}: expected shape {variable.shape} for {variable.name}, received {received}")
        else:
            dataset.check()
            pairs.append((dataset, variable))
    return Fit(path, x, tuple(pairs), tuple(misfits))


class _Reader:
    """What a class's own load_own_variables reads from: a mapping of names to arrays."""

    def __init__(self, datasets):
        self._datasets = datasets

    def keys(self):
        return self._datasets.keys()

    def __len__(self):
        return len(self._datasets)

    def __contains__(self, key):
        return key in self._datasets

    def __getitem__(self, key):
        dataset = self._datasets[key]
        return dataset.read(dataset.shape)


def load_optimizer(root, model, required=True):
    """Fill the optimizer's state. State that does not fit is left fresh, with a warning if it is `required`."""
    optimizer = model.optimizer
    group = _vars_group(root, "optimizer")
    if optimizer is None or group is None:
        return
    stored = [group.get(str(i)) for i in range(len(group.names()))]
    shapes = [getattr(d, "shape", None) for d in stored]
    own = next((own for own in _possible_states(optimizer) if [v.shape for v in own] == shapes), None)
    if own is None:
        if required:
            warnings.warn(f"{root.file_name}: the optimizer's state in the file does not fit "
                          f"{type(optimizer).__name__}; it begins afresh", stacklevel=2)
        return
    for dataset, variable in zip(stored, own):
        dataset.read_into(variable.buffer)


def _possible_states(optimizer):
    """The variables that a file may hold: all; as Keras 2 had them, the rate not among them; those before the first
    step, a counter and a rate without slots."""
    own = optimizer_state(optimizer)
    yield own
    yield [v for v in own if v.name != "learning_rate"]
    yield [v for v in own if v.name in ("iteration", "learning_rate")]
