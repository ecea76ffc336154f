"""Defaults that changed between versions of Keras: followed when `kgraph.config.set_keras_version` asks for it."""
from __future__ import annotations

import functools
import inspect

from kgraph import config

__all__ = ["older_than", "with_defaults_of_version"]

_EPSILON = {"epsilon": ((2, 1, 3), 1e-8)}
# class -> {parameter: (first version that has it otherwise, what it was before)}
CHANGED = {
    "Adadelta": {"learning_rate": ((2, 4), 1.0), **_EPSILON},
    "Adagrad": {"learning_rate": ((2, 4), 0.01), "initial_accumulator_value": ((2, 4), 0.0), **_EPSILON},
    "Adam": _EPSILON,
    "Adamax": {"learning_rate": ((2, 4), 0.002), **_EPSILON},
    "Nadam": {"learning_rate": ((2, 4), 0.002), **_EPSILON},
    "RMSprop": _EPSILON,
    "GRU": {"reset_after": ((2, 4), False), "recurrent_activation": ((2, 3), "hard_sigmoid")},
    "GRUCell": {"reset_after": ((2, 4), False), "recurrent_activation": ((2, 3), "hard_sigmoid")},
    "LSTM": {"recurrent_activation": ((2, 3), "hard_sigmoid")},
    "LSTMCell": {"recurrent_activation": ((2, 3), "hard_sigmoid")},
    **{f"ConvLSTM{n}D": {"recurrent_activation": ((3, 0), "hard_sigmoid")} for n in (1, 2, 3)},
}
RENAMED = {"Optimizer": {"clipnorm": ((2, 4), "global_clipnorm")}}   # where an argument's name meant another


def older_than(*version: int) -> bool:
    """Whether the Keras that is followed is older than a version, such as ``older_than(2, 4)``."""
    return tuple(int(n) for n in config.keras_version().split(".")) < version


def with_defaults_of_version(init):
    """A class's __init__ whose defaults are those of the Keras that is followed when it is called."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def init_of_version(self, *args, **kwargs):
        if config.keras_version() == config.KERAS_VERSION:
            init(self, *args, **kwargs)
            return
        bound = signature.bind(self, *args, **kwargs)
        named = {**bound.arguments, **bound.arguments.get("kwargs", {})}
        own = next(c for c in type(self).__mro__ if c.__module__.startswith("kgraph."))
        if own.__init__.__qualname__ == init.__qualname__:   # once for an object, not again in its base classes
            added = {p: value for p, value in _old_defaults(own) if p not in named}
            bound.arguments["kwargs"] = {**bound.arguments.get("kwargs", {}), **added}
        for parameter, (until, new) in RENAMED.get(init.__qualname__.partition(".")[0], {}).items():
            if named.get(parameter) is not None and older_than(*until):
                bound.arguments[new] = bound.arguments.pop(parameter)
        given = bound.arguments.pop("kwargs", {})
        init(*bound.args, **bound.kwargs, **given)
    return init_of_version


def _old_defaults(cls):
    """(parameter, value) pairs of a class and the classes that it inherits from."""
    for base in cls.__mro__:
        for parameter, (until, value) in CHANGED.get(base.__name__, {}).items():
            if older_than(*until):
                yield parameter, value
