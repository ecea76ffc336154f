"""Weights in Keras 3's layout: one HDF5 group for each object that has variables, named by the way that leads to it.

    layers/dense/vars/0                the first variable of the first Dense
    layers/lstm_1/cell/vars/0
    optimizer/vars/0

The way is made of attribute names and, in lists, of class names with a number. Keras walks its objects so when it saves
and when it loads; kgraph walks its own objects so, with Keras's names where its own differ.
"""
from __future__ import annotations

import warnings

import numpy as np

from kgraph.layers.lora import LowRank
from kgraph.layers.state import Stateful
from kgraph.models.model import Model
from kgraph.models.sequential import Sequential
from kgraph.naming import to_snake_case
from kgraph.optimizers import Optimizer
from kgraph.saving.hdf5 import write_array, write_variable

__all__ = ["find_optimizer", "find_weights", "optimizer_state", "save_weights", "walk"]

KERAS_NAMES = {              # class name -> {kgraph's attribute: Keras's}, where they differ
    "GroupedQueryAttention": {f"{part}_dense": f"_{part}_dense" for part in ("query", "key", "value", "output")},
}
IGNORED = {"_nodes", "_losses", "_graph", "_inputs", "_outputs", "_stack", "_extras", "_reported", "_added_weights",
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
            write_variable(group, str(i), variable)


def _own_variables(x):
    """The variables that an object saves; None where its class says so in its own way."""
    if isinstance(x, Optimizer):
        return optimizer_state(x) if _inherits(x, Optimizer) else None
    return x._stored_variables() if _inherits(x, Stateful) or _inherits(x, LowRank) else None


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
        write_array(self.group, str(key), np.asarray(value))


# ------------------------------------------------------------------ loading
def find_weights(root, model, filling, with_optimizer=False):
    """Add to a Filling what the root Group of a file holds for the variables of a model. Shapes are compared."""
    for path, x in walk(model, with_optimizer):
        _find(root, path, x, filling)


def _vars_group(root, path):
    """The group of an object's variables, or None; Keras 2.12 and 2.13 had another name for `layers`."""
    path = f"{path}/vars".lstrip("/")
    if path not in root and "_layer_checkpoint_dependencies" in root:
        path = path.replace("layers", "_layer_checkpoint_dependencies")
    return root.group(path) if path in root else None


def _find(root, path, x, filling):
    group = _vars_group(root, path)
    where = path or "the model itself"
    if hasattr(x, "name"):
        where = f"{where} ({x.name})"
    stored = {} if group is None else {name: group.dataset(name) for name in group.names()}
    own = _own_variables(x)
    if own is None:
        filling.add_own(x, stored)
        return
    if len(stored) != len(own):
        unbuilt = "" if getattr(x, "built", True) else "; it is not built yet: call the model on data first"
        expected = ", ".join(f"{v.name} {v.shape}" for v in own) or "none"
        filling.misfits.append(f"{where}: expected {len(own)} variables ({expected}), received {len(stored)}{unbuilt}")
        return
    datasets = [stored.get(str(i)) for i in range(len(own))]
    misfits = [f"{where}: expected shape {variable.shape} for {variable.name}, received "
               f"{'nothing' if dataset is None else dataset.shape}"
               for variable, dataset in zip(own, datasets) if dataset is None or dataset.shape != variable.shape]
    filling.misfits += misfits
    if not misfits:
        for dataset in datasets:
            dataset.check()
        filling.add(own, datasets)


def find_optimizer(root, model, filling, required=True):
    """Add the optimizer's state. State that does not fit is left out, with a warning if it is `required`."""
    optimizer = model.optimizer
    group = None if optimizer is None else _vars_group(root, "optimizer")
    if group is None:
        return
    if not _inherits(optimizer, Optimizer):
        filling.add_own(optimizer, {name: group.dataset(name) for name in group.names()})
        return
    stored = [group.get(str(i)) for i in range(len(group.names()))]
    shapes = [getattr(d, "shape", None) for d in stored]
    own = next((own for own in _possible_states(optimizer) if [v.shape for v in own] == shapes), None)
    if own is not None:
        filling.add(own, stored)
    elif required:
        warnings.warn(f"{root.file_name}: the optimizer's state in the file does not fit "
                      f"{type(optimizer).__name__}; it begins afresh", stacklevel=2)


def _possible_states(optimizer):
    """The variables that a file may hold: all; as Keras 2 had them, the rate not among them; those before the first
    step, a counter and a rate without slots."""
    own = optimizer_state(optimizer)
    yield own
    yield [v for v in own if v.name != "learning_rate"]
    yield [v for v in own if v.name in ("iteration", "learning_rate")]
