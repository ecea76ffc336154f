"""KerasFileEditor: the weights of a file by their names, to be looked at, compared, renamed and written again."""
from __future__ import annotations

import os

import numpy as np

from kgraph.naming import nearest
from kgraph.saving import keras3
from kgraph.saving.archive import Archive
from kgraph.saving.files import CONFIG, METADATA, WEIGHTS, writing
from kgraph.saving.hdf5 import Group, open_file, write_array
from kgraph.saving.text import read_json
from kgraph.training.progress import say
from kgraph.utils.files import durable_write

__all__ = ["KerasFileEditor"]


class KerasFileEditor:
    """The weights of a .keras or .weights.h5 file, nested by the objects that own them.

        >>> kgraph.Sequential([kgraph.Input((2,)), layers.Dense(1, name="dense")]).save_weights("model.weights.h5")
        >>> editor = KerasFileEditor("model.weights.h5")
        >>> editor.rename_object("dense", new_name="hidden")
        >>> editor.save("renamed.weights.h5")

    weights_dict  {object: {object: ... {"0": array}}}; an object is named by its path, "layers/dense", or by its last
                  name where only one has it
    config, metadata  of a .keras file, as dicts; None else
    Raises ValueError for another ending, and from the methods for what is not in the file.
    """

    def __init__(self, filepath):
        self.filepath = os.fspath(filepath)
        self.config = self.metadata = None
        if self.filepath.endswith(".keras"):
            with Archive(self.filepath) as archive:
                self.config, self.metadata = (read_json(archive.read(name), self.filepath)
                                              for name in (CONFIG, METADATA))
                with archive.open_seekable(WEIGHTS) as file, open_file(file, self.filepath) as root:
                    self.weights_dict = _weights_in(root)
        elif self.filepath.endswith(".weights.h5"):
            with open_file(self.filepath) as root:
                self.weights_dict = _weights_in(root)
        else:
            raise ValueError("KerasFileEditor: expected a name that ends in .keras or .weights.h5, received "
                             f"{self.filepath!r}")

    def summary(self):
        """Print the objects and the shapes of their weights."""
        say(f"Weights of {self.filepath}")
        _print(self.weights_dict, "  ")

    def compare(self, reference_model) -> dict:
        """{"status": "success" or "error", "error_count", "match_count"} against the weights of a model. What differs
        is printed."""
        reference: dict = {}
        for path, x in keras3.walk(reference_model, False):
            store: dict = {}
            x.save_own_variables(store)
            if store:
                target = reference
                for name in filter(None, path.split("/")):
                    target = target.setdefault(name, {})
                target.update((key, np.asarray(value)) for key, value in store.items())
        ours, theirs = _shapes(self.weights_dict), _shapes(reference)
        wrong = [f"{path}: in the model only" for path in theirs if path not in ours]
        wrong += [f"{path}: in the file only" for path in ours if path not in theirs]
        both = [path for path in theirs if path in ours]
        wrong += [f"{path}: expected shape {theirs[path]}, in the file {ours[path]}" for path in both
                  if ours[path] != theirs[path]]
        for line in wrong:
            say(line)
        say(f"{len(wrong)} errors: the file does not fit the model" if wrong else
            f"The file fits the model: {len(both)} weights")
        return {"status": "error" if wrong else "success", "error_count": len(wrong),
                "match_count": sum(ours[path] == theirs[path] for path in both)}

    def rename_object(self, object_name, new_name):
        """Give an object another last name.

        Raises:
            ValueError: no object of that name, or one that has the new name.
        """
        if "/" in new_name:
            raise ValueError(f"rename_object: expected a last name without '/', received {new_name!r}")
        parent, name = self._place(object_name)
        parent[new_name] = parent.pop(name)

    def delete_object(self, object_name):
        """Take an object and its weights out."""
        parent, name = self._place(object_name)
        del parent[name]

    def add_object(self, object_path, weights):
        """Put an object in: weights are {"0": array, "1": ...}."""
        _check(weights, "add_object")
        *outer, name = object_path.split("/")
        parent = self.weights_dict
        for part in outer:
            parent = self._child(parent, part, object_path)
        parent[name] = weights

    def delete_weight(self, object_name, weight_name):
        """Take one weight of an object out."""
        parent, name = self._place(object_name)
        self._child(parent[name], weight_name, object_name)
        del parent[name][weight_name]

    def add_weights(self, object_name, weights):
        """Add weights, {"2": array}, to those of an object, or replace them."""
        _check(weights, "add_weights")
        parent, name = self._place(object_name)
        parent[name].update(weights)

    def save(self, filepath):
        """Write the weights into a file that ends in .weights.h5.

        Raises:
            ValueError: the file's name ends otherwise.
        """
        path = os.fspath(filepath)
        if not path.endswith(".weights.h5"):
            raise ValueError(f"save: expected a name that ends in .weights.h5, received {path!r}")
        with durable_write(path) as part, writing(part) as file:
            _write(file, self.weights_dict, "")

    resave_weights = save

    def _place(self, name) -> tuple:
        """(the dict that holds an object, its last name)."""
        if "/" in name:
            *outer, last = name.split("/")
            parent = self.weights_dict
            for part in outer:
                parent = self._child(parent, part, name)
            self._child(parent, last, name)
            return parent, last
        holders = list(_holders(self.weights_dict, name))
        if len(holders) != 1:
            every = {key for path in _shapes(self.weights_dict) for key in path.split("/")}
            raise ValueError(f"KerasFileEditor: expected the name of one object, received {name!r}, which "
                             + (f"{len(holders)} have: give its path" if holders else
                                f"none has.{nearest(name, every)}"))
        return holders[0], name

    def _child(self, parent, name, path):
        if not isinstance(parent, dict) or name not in parent:
            known = parent if isinstance(parent, dict) else ()
            raise ValueError(f"KerasFileEditor: expected a path of the file, received {path!r}: no {name!r} there."
                             f"{nearest(name, known)}")
        return parent[name]


def _weights_in(group) -> dict:
    """{name: array or dict} of a group; `vars` is no level of its own, and what is empty is left out."""
    found = {}
    for name in group.names():
        child = group.get(name)
        if not isinstance(child, Group):
            child.check()
            found[name] = child.read(child.shape)
        elif inner := _weights_in(child):
            found.update(inner) if name == "vars" else found.update({name: inner})
    return found


def _write(file, weights, path):
    arrays = {name: value for name, value in weights.items() if not isinstance(value, dict)}
    if arrays:
        group = file.create_group(f"{path}/vars".lstrip("/"))
        for name, value in arrays.items():
            write_array(group, name, np.asarray(value))
    for name, value in weights.items():
        if isinstance(value, dict):
            _write(file, value, f"{path}/{name}")


def _shapes(weights, path="") -> dict:
    """{path: shape} of the arrays."""
    found = {}
    for name, value in weights.items():
        at = f"{path}/{name}".lstrip("/")
        found.update(_shapes(value, at) if isinstance(value, dict) else {at: np.shape(value)})
    return found


def _holders(weights, name):
    for value in weights.values():
        if isinstance(value, dict):
            yield from _holders(value, name)
    if name in weights:
        yield weights


def _check(weights, what):
    if not isinstance(weights, dict):
        raise ValueError(f"{what}: expected weights to be a dict of arrays, received {type(weights).__name__}")


def _print(weights, indent):
    for name, value in weights.items():
        if isinstance(value, dict):
            say(f"{indent}{name}")
            _print(value, indent + "  ")
        else:
            say(f"{indent}{name}: shape={np.shape(value)}, dtype={np.asarray(value).dtype}")
