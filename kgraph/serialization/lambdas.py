"""The code of Python lambdas in configs, as Keras writes it: marshalled, in base64. Loading it runs foreign code."""
from __future__ import annotations

import codecs
import marshal
import types

import numpy as np

from kgraph import ops

__all__ = ["dump_lambda", "load_lambda"]


def dump_lambda(function) -> dict:
    """The code, the defaults and the closure of a function."""
    cells = function.__closure__
    return {"code": codecs.encode(marshal.dumps(function.__code__), "base64").decode("ascii"),
            "defaults": None if function.__defaults__ is None else list(function.__defaults__),
            "closure": None if not cells else [cell.cell_contents for cell in cells]}


def _parts(config):
    """code, defaults and closure: by name in Lambda layers, as "value" elsewhere, a list in Keras 2."""
    if not isinstance(config, dict):
        return config
    return config["value"] if "value" in config else (config["code"], config.get("defaults"), config.get("closure"))


def load_lambda(config):
    """The function that dump_lambda wrote. For trusted configs only; its code must be of this version of Python.

    Its globals are kgraph's ops, as `ops`, `tf`, `K` and `keras.ops` would be, and NumPy as `np`.
    """
    code, defaults, closure = _parts(config)
    try:
        body = marshal.loads(codecs.decode(code.encode("ascii"), "base64"))
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(
            f"the lambda in the config cannot be read, perhaps it is of another Python: {error}"
        ) from error
    names = {
        "ops": ops,
        "K": ops,
        "tf": ops,
        "np": np,
        "keras": types.SimpleNamespace(ops=ops),
        "__builtins__": __builtins__,
    }
    cells = None if closure is None else tuple(types.CellType(value) for value in closure)
    return types.FunctionType(body, names, "<lambda>", None if defaults is None else tuple(defaults), cells)
