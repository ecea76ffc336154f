"""The functions of kgraph.ops under the classes that Keras 3 has for them in configs: relu is nn's Relu.

op_classes.txt lists Keras's classes with their parameters, those of __init__ and, after a semicolon, those of the call:
`keras.src.ops.numpy Clip(x_min, x_max; x)`. tests/oracle/op_models.py writes it.
"""
from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass

from kgraph import ops
from kgraph.graph import MaskOf, OpFunction
from kgraph.naming import to_snake_case
from kgraph.ops.core import OPS
from kgraph.serialization import deserialize_keras_object

__all__ = ["OBJECTS", "Revived", "call_parameters", "identity_of"]

_NAMES = {"AllClose": "allclose", "BatchNorm": "batch_normalization", "CDist": "cdist", "IsIn": "isin",
          "LayerNorm": "layer_normalization", "PSNR": "psnr", "RMSNorm": "rms_normalization",
          "SearchSorted": "searchsorted"}  # class -> function, where it is not that in snake case


@dataclass(frozen=True)
class OpClass:
    """A class of Keras: where it is, and the parameters of its __init__ and of its call."""

    module: str
    name: str
    settings: tuple
    operands: tuple

    @property
    def function_name(self) -> str:
        return _function_name(self.name)


def _function_name(class_name: str) -> str:
    return _NAMES.get(class_name) or to_snake_case(class_name)


def _function(class_name):
    """kgraph's function for a class, or None."""
    name = _function_name(str(class_name))
    return OPS.get(name) or (getattr(ops, name, None) if class_name in _classes() else None)


@functools.cache
def _classes() -> dict:
    """class name -> OpClass, for the classes of kgraph.ops; those of activations are in kgraph.activations."""
    text = importlib.resources.files(__package__).joinpath("op_classes.txt").read_text()
    found = {}
    for line in text.splitlines():
        where, _, parameters = line.rstrip(")").partition("(")
        module, name = where.split()
        settings, operands = (tuple(filter(None, part.strip().split(", "))) for part in parameters.split(";"))
        if ".activations." not in module:
            found[name] = OpClass(module, name, settings, operands)
    return found


@functools.cache
def _by_function() -> dict:
    """function name -> OpClass."""
    return {entry.function_name: entry for entry in _classes().values()}


def call_parameters(function) -> tuple | None:
    """The parameters of a function that Keras 3 keeps with the call; None for a function that it does not have."""
    entry = _by_function().get(function.__name__)
    return None if entry is None else entry.operands


def identity_of(name: str) -> tuple:
    """(module, class name, registered name) of the function of kgraph.ops with that name."""
    entry = _by_function().get(name)
    class_name = entry.name if entry else "".join(part.capitalize() for part in name.split("_"))
    return entry.module if entry else "keras.src.ops.numpy", class_name, class_name


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
        known = [*_classes(), *(identity_of(name)[1] for name in OPS)]
        return iter(dict.fromkeys(name for name in known if _function(name) is not None))

    def __len__(self):
        return len(list(iter(self)))


OBJECTS = _Table()
