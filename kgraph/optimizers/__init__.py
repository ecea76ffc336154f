"""Optimizers: update rules and learning rate schedules. By class or by name (`get`)."""
from __future__ import annotations

from kgraph import naming
from kgraph.legacy.paths import lookup
from kgraph.optimizers import schedules
from kgraph.optimizers.adaptive import Adam, Adamax, AdamW, Nadam, ScheduleFreeAdamW
from kgraph.optimizers.combined import LossScaleOptimizer, MultiOptimizer, OptimizerMap
from kgraph.optimizers.layerwise import Adafactor, Lamb, Muon
from kgraph.optimizers.optimizer import Optimizer
from kgraph.optimizers.rules import SGD, Adadelta, Adagrad, Ftrl, Lion, RMSprop

__all__ = ["Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
           "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop", "SGD", "ScheduleFreeAdamW",
           "deserialize", "get", "schedules", "serialize"]

OBJECTS = {c.__name__: c for c in (SGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion,
                                   LossScaleOptimizer, MultiOptimizer, Muon, Nadam, Optimizer, OptimizerMap, RMSprop,
                                   ScheduleFreeAdamW)}
NAMES = {name.lower(): c for name, c in OBJECTS.items()}


def get(identifier):
    """An optimizer from a name (in any case), a config, a class or an Optimizer; None stays None.

    Raises ValueError for a name that is not known (with the nearest one) and for anything else.
    """
    from kgraph.serialization import find_object
    if isinstance(identifier, Optimizer):
        return identifier
    found = find_object(identifier.lower() if isinstance(identifier, str) and identifier not in OBJECTS else identifier,
                        {**OBJECTS, **NAMES}, "optimizer")
    if found is None or isinstance(found, Optimizer):
        return found
    raise ValueError(f"optimizer: expected a name or an Optimizer, received {identifier!r}")


def serialize(optimizer):
    """The config of an optimizer, as Keras writes it."""
    from kgraph.serialization import serialize_keras_object
    return serialize_keras_object(optimizer)


def deserialize(config, custom_objects=None):
    """An optimizer from its config; class names of Keras 2 in lower case are understood."""
    from kgraph.serialization import deserialize_keras_object
    return deserialize_keras_object(config, module_objects={**NAMES, **OBJECTS}, custom_objects=custom_objects)


def __getattr__(name):
    return lookup(__name__, name, __all__)
