"""tf.autograph: Python code is not rewritten here."""
from __future__ import annotations

import types

from kgraph.naming import missing

__all__ = ["experimental", "set_verbosity"]


def set_verbosity(level, alsologtostdout=False):
    """Nothing: there is nothing to tell."""


def do_not_convert(func=None):
    """func itself, as a decorator with or without arguments."""
    return func if func is not None else lambda f: f


experimental = types.SimpleNamespace(do_not_convert=do_not_convert)


def __getattr__(name):
    raise missing(__name__, name, __all__)
