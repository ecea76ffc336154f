"""Functions of kgraph.ops under TensorFlow's names, with TensorFlow's argument names and defaults."""
from __future__ import annotations

import ast
import inspect

from kgraph import ops

__all__ = ["functions_of"]


def functions_of(table: str, module: str) -> dict:
    """Functions, by name, of lines such as ``reduce_sum(input_tensor, axis=None, keepdims=False) = sum``.

    The arguments go to the function of kgraph.ops after ``=`` (by default the one of the same name) in their order;
    `name`, which every function of TensorFlow takes last, goes nowhere.
    """
    found = {}
    for line in filter(None, map(str.strip, table.splitlines())):
        head, _, target = line.partition(") = ")
        name, _, arguments = head.removesuffix(")").partition("(")
        found[name] = _function(name, arguments, target or name, module)
    return found


def _function(name, arguments, target, module):
    parameters = [_parameter(text) for text in (*arguments.split(", "), "name=None")]
    signature = inspect.Signature(parameters)
    path = target.split(".")

    def call(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        values = given.arguments
        values.pop("name")
        f = ops
        for part in path:
            f = getattr(f, part)
        return f(*values.values())

    call.__name__ = call.__qualname__ = name
    call.__module__ = module
    call.__signature__ = signature
    call.__doc__ = f"kgraph.ops.{target} with the argument names and defaults of TensorFlow's {name}."
    return call


def _parameter(text):
    name, has_default, default = text.partition("=")
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD,
                             default=ast.literal_eval(default) if has_default else inspect.Parameter.empty)
