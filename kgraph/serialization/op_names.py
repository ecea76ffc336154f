"""The functions of kgraph.ops under the classes that Keras 3 has for them in configs: the way back from a config."""
from __future__ import annotations

from collections.abc import Mapping

from kgraph import ops
from kgraph.graph import MaskOf, OpFunction
from kgraph.graph.op_classes import classes, function_name_of, identity_of
from kgraph.ops.core import OPS
from kgraph.serialization import deserialize_keras_object

__all__ = ["OBJECTS", "Revived"]


def _function(class_name):
    """kgraph's function for a class, or None."""
    name = function_name_of(str(class_name))
    return OPS.get(name) or (getattr(ops, name, None) if class_name in classes() else None)


class Revived:
    """A class of Keras: its from_config gives a recorded call of the function that it stands for."""

    def __init__(self, function):
        self.function = function

    def from_config(self, config):
        return OpFunction(self.function, **{name: deserialize_keras_object(value) for name, value in config.items()})


class _Table(Mapping):
    """class name -> the maker of that operation, for every function of kgraph.ops."""

    def __getitem__(self, class_name):
        function = _function(class_name)
        if class_name == "MaskOf":
            return MaskOf
        if function is None:
            raise KeyError(class_name)
        return Revived(function)

    def __contains__(self, class_name):
        return class_name == "MaskOf" or _function(class_name) is not None

    def __iter__(self):
        known = [*classes(), *(identity_of(name)[1] for name in OPS)]
        return iter(dict.fromkeys(name for name in known if _function(name) is not None))

    def __len__(self):
        return len(list(iter(self)))


OBJECTS = _Table()
