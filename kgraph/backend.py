"""kgraph.backend: the functions that Keras 2 had as `K`, for old losses, metrics, Lambda layers and layers.

They work on arrays, on tensors inside layers and losses, and on KTensors. New code uses kgraph.ops.
"""
from kgraph.legacy import backend
from kgraph.legacy.paths import lookup

__path__: list = []   # old modules below this one: kgraph.legacy.paths
__all__ = list(backend.__all__)
globals().update({name: getattr(backend, name) for name in __all__})


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
