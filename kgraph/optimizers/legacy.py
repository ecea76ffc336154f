"""``kgraph.optimizers.legacy``: Keras 2's names for the optimizers, which are the same classes here."""
from __future__ import annotations

from kgraph.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Ftrl, Nadam, Optimizer, RMSprop

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]
