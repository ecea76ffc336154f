"""tf.version."""
from __future__ import annotations

from kgraph import tensorflow
from kgraph.naming import missing

__all__ = ["COMPILER_VERSION", "GIT_VERSION", "GRAPH_DEF_VERSION", "VERSION"]
VERSION, GIT_VERSION, COMPILER_VERSION, GRAPH_DEF_VERSION = tensorflow.__version__, "kgraph", "kgraph", 0


def __getattr__(name):
    raise missing(__name__, name, __all__)
