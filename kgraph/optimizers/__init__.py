"""Optimizers: update rules and learning rate schedules. By class or by name (`get`).

Args:
    beta_1, beta_2, rho: how much of a running mean stays at each step: of the gradients, and of their squares.
    epsilon: added to what is divided by.
    amsgrad: divide by the largest mean of squares so far (Reddi et al., 2018). False by default.
    momentum: how much of the last step stays, 0 by default.
    nesterov: look ahead by the momentum. False by default.
    initial_accumulator_value: what the sums of squares begin as, 0.1.
    custom_objects: {name: class} of what is not kgraph's.
    gradient, grads: of a variable, or of each.
    variable, reference_variable: a Variable.
    variables, trainable_variables, var_list: Variables.
    learning_rate: of this step, a scalar.
    grads_and_vars: pairs (gradient, Variable).
    var_names: patterns of paths.
    initializer: what a slot begins as.
    name: of a slot.
    loss: a scalar.
    value: a tensor of the variable's shape.
    groups: variables that are updated together.
    config: what get_config gave.
    shape, dtype: of the variable that is made.
"""
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

    Args:
        identifier: a name, a config, a class or an Optimizer.

    Returns:
        An Optimizer.

    Example:
        >>> type(optimizers.get("adam")).__name__
        'Adam'
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
    """The config of an optimizer, as Keras writes it.

    Args:
        optimizer: an Optimizer.

    Returns:
        A dict.

    Example:
        >>> optimizers.serialize(optimizers.SGD(0.1))["config"]["momentum"]
        0.0
    """
    from kgraph.serialization import serialize_keras_object
    return serialize_keras_object(optimizer)


def deserialize(config, custom_objects=None):
    """An optimizer from its config; class names of Keras 2 in lower case are understood.

    Args:
        config: a dict as serialize gives it.

    Returns:
        An Optimizer.

    Example:
        >>> float(optimizers.deserialize(optimizers.serialize(optimizers.SGD(0.5))).learning_rate)
        0.5
    """
    from kgraph.serialization import deserialize_keras_object
    return deserialize_keras_object(config, module_objects={**NAMES, **OBJECTS}, custom_objects=custom_objects)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
