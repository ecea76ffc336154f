"""The classes that Keras 3 has for the functions of kgraph.ops in configs: Relu of nn for relu.

op_classes.txt lists them with their parameters, those of __init__ and, after a semicolon, those of the call:
`keras.src.ops.numpy Clip(x_min, x_max; x)`. tests/oracle/op_models.py writes it.
"""
from __future__ import annotations

import functools
import importlib.resources
from dataclasses import dataclass

from kgraph.naming import to_snake_case

__all__ = ["OpClass", "call_parameters", "classes", "function_name_of", "identity_of"]

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
        return function_name_of(self.name)


def function_name_of(class_name: str) -> str:
    return _NAMES.get(class_name) or to_snake_case(class_name)


@functools.cache
def classes() -> dict:
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
    return {entry.function_name: entry for entry in classes().values()}


def call_parameters(function) -> tuple | None:
    """The parameters of a function that Keras 3 keeps with the call; None for a function that it does not have."""
    entry = _by_function().get(function.__name__)
    return None if entry is None else entry.operands


def identity_of(name: str) -> tuple:
    """(module, class name, registered name) of the function of kgraph.ops with that name."""
    entry = _by_function().get(name)
    class_name = entry.name if entry else "".join(part.capitalize() for part in name.split("_"))
    return entry.module if entry else "keras.src.ops.numpy", class_name, class_name
