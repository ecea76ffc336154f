"""A part of TensorFlow over kgraph: what `import tensorflow as tf` gives under `kgraph run`.

Names, arguments and defaults are those of TensorFlow 2; tensors are kgraph's. `tf.keras` is kgraph. Names are found
when they are used: in the rooms (tf.math, tf.nn, tf.data ...) and, for `tf.NAME`, in the parts of
kgraph.tensorflow.base; names of TensorFlow 1 are those of tf.compat.v1. `python -m kgraph.tensorflow` prints which
there are; any other raises AttributeError that names it.
"""
import importlib

from kgraph.naming import missing

__version__ = "2.21.0"
ROOMS = ("audio", "autograph", "compat", "config", "data", "debugging", "distribute", "errors", "image", "io", "linalg",
         "lookup", "math", "nest", "nn", "ragged", "random", "saved_model", "sets", "signal",
         "sparse", "strings", "summary", "test", "tpu", "train", "version")
OF_KERAS = ("initializers", "losses", "metrics", "optimizers")
PARTS = ("arrays", "control", "dtypes", "functions", "maths", "moves", "reductions", "sparsity", "state", "texts")
__all__ = ["__version__", "keras"]


ELSEWHERE = {"Assert": "debugging", **dict.fromkeys(("assert_equal", "assert_greater", "assert_less", "assert_rank"),
             "debugging"), "as_string": "strings"}   # names of `tf` that rooms have


def public_names() -> list:
    """The names of `tf` itself: rooms, and what the parts of `base` offer."""
    parts = (importlib.import_module(f"{__name__}.base.{part}") for part in PARTS)
    return sorted({*__all__, *OF_KERAS, *ROOMS, *ELSEWHERE, *(name for part in parts for name in part.__all__)})


def __getattr__(name):
    if name == "keras":
        return importlib.import_module("kgraph")
    if name in OF_KERAS:
        return importlib.import_module(f"kgraph.{name}")
    if name in ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name in ELSEWHERE:
        return getattr(importlib.import_module(f"{__name__}.{ELSEWHERE[name]}"), name)
    if not name.startswith("__"):
        for part in PARTS:
            module = importlib.import_module(f"{__name__}.base.{part}")
            if name in module.__all__:
                return getattr(module, name)
        v1 = importlib.import_module(f"{__name__}.compat.v1")
        if name in v1.__all__:
            return v1.told(name)
    raise missing(__name__, name, () if name.startswith("__") else public_names())


def __dir__():
    return public_names()
