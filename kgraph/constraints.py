"""Constraints: functions of a weight applied after each update.

Args:
    axis: along which norms are taken, 0 by default.
    min_value, max_value: the bounds of the norms.
    rate: how far towards them, 1: all the way.
    custom_objects: {name: class} of what is not kgraph's.
    config: what get_config gave.
"""
from __future__ import annotations

from kgraph import ops
from kgraph.config import epsilon
from kgraph.legacy.paths import lookup
from kgraph.serialization import deserialize_keras_object, find_object, serialize_keras_object

__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm",
           "min_max_norm", "non_neg", "serialize", "unit_norm"]


class Constraint:
    """A function from a weight to a weight of the same shape. Subclasses write __call__ and get_config."""

    def __call__(self, w):
        raise NotImplementedError(f"{type(self).__name__} has no __call__")

    def get_config(self) -> dict:
        """The settings, as plain data.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        return {}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Returns:
            An object of that class.
        """
        return cls(**config)


def _norms(w, axis):
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Norms along `axis` of at most max_value."""

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (epsilon() + norms))

    def get_config(self):
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Negative elements become 0."""

    def __call__(self, w):
        return w * ops.cast(ops.greater_equal(w, 0.0), w.dtype)


class UnitNorm(Constraint):
    """Norms along `axis` of 1."""

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        return w / (epsilon() + _norms(w, self.axis))

    def get_config(self):
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms along `axis` moved towards [min_value, max_value], by the share `rate` of the way."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        wanted = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (epsilon() + norms))

    def get_config(self):
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
OBJECTS = {"Constraint": Constraint, "MaxNorm": MaxNorm, "MinMaxNorm": MinMaxNorm, "NonNeg": NonNeg,
           "UnitNorm": UnitNorm, "max_norm": MaxNorm, "min_max_norm": MinMaxNorm, "non_neg": NonNeg,
           "unit_norm": UnitNorm, "maxnorm": MaxNorm, "nonneg": NonNeg, "unitnorm": UnitNorm}


def get(identifier):
    """A constraint from a name, a config, a class, a function or a constraint; None stays None.

    Args:
        identifier: a name, a config, a class, a function or a Constraint; None.

    Returns:
        A callable, or None.
    """
    return find_object(identifier, OBJECTS, "constraint")


def serialize(constraint):
    """The config of a constraint, as Keras writes it.

    Args:
        constraint: a Constraint.

    Returns:
        A dict.
    """
    return serialize_keras_object(constraint)


def deserialize(config, custom_objects=None):
    """A constraint from its config.

    Args:
        config: a dict as serialize gives it.

    Returns:
        A Constraint.
    """
    return deserialize_keras_object(config, module_objects=OBJECTS, custom_objects=custom_objects)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
