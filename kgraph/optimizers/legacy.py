"""``kgraph.optimizers.legacy``: Keras 2's names for the optimizers, which are the same classes here."""
from __future__ import annotations

from kgraph.legacy.paths import lookup
from kgraph.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Ftrl, Nadam, Optimizer, RMSprop

__path__: list = []   # old modules below this one: kgraph.legacy.paths
__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]


def __getattr__(name):
    return lookup(__name__, name, __all__)
