"""Penalties on weights or outputs, added to the loss.

Args:
    l1, l2: the two factors, 0 by default (0.01 where there is one only).
    custom_objects: {name: class} of what is not kgraph's.
    config: what get_config gave.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph import ops
from kgraph.legacy.paths import lookup
from kgraph.serialization import deserialize_keras_object, find_object, serialize_keras_object

__all__ = ["L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2",
           "orthogonal_regularizer", "serialize"]


class Regularizer:
    """A function from a tensor to a scalar penalty. Subclasses write __call__ and get_config."""

    def __call__(self, x):
        return 0.0

    def get_config(self) -> dict:
        """The settings, as plain data.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a get_config() to be saved")

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Returns:
            An object of that class.
        """
        return cls(**config)


def _factor(name, value, default):
    value = default if value is None else value
    if (
        not isinstance(value, (int, float, np.number))
        or isinstance(value, bool)
        or not math.isfinite(value)
        or value < 0
    ):
        raise ValueError(f"regularizer: expected {name} to be a number of at least 0, received {value!r}")
    return float(value)


class L1L2(Regularizer):
    """l1 * sum(abs(x)) + l2 * sum(x**2)."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor("l1", l1, 0.0)
        self.l2 = _factor("l2", l2, 0.0)

    def __call__(self, x):
        penalty = 0.0
        if self.l1:
            penalty = penalty + self.l1 * ops.sum(ops.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty

    def get_config(self):
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(abs(x))."""

    def __init__(self, l1=0.01, **kwargs):
        self.l1 = _factor("l1", kwargs.pop("l", l1), 0.01)

    def __call__(self, x):
        return self.l1 * ops.sum(ops.abs(x))

    def get_config(self):
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x**2)."""

    def __init__(self, l2=0.01, **kwargs):
        self.l2 = _factor("l2", kwargs.pop("l", l2), 0.01)

    def __call__(self, x):
        return self.l2 * ops.sum(ops.square(x))

    def get_config(self):
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """Pulls the rows (or columns) of a matrix apart: factor times the mean absolute cosine of each pair.

    Args:
        mode: "rows" or "columns"
        factor: 0.01.

    Raises:
        ValueError: another mode.
    """

    def __init__(self, factor=0.01, mode="rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: expected mode 'rows' or 'columns', received {mode!r}")
        self.factor = _factor("factor", factor, 0.01)
        self.mode = mode

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer: expected a matrix, received shape {x.shape}")
        axis = 1 if self.mode == "rows" else 0
        x = x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))
        product = ops.matmul(x, ops.transpose(x)) if axis else ops.matmul(ops.transpose(x), x)
        size = x.shape[1 - axis]
        pairs = size * (size - 1.0) / 2.0
        return self.factor * 0.5 * ops.sum(ops.abs(product * (1.0 - ops.eye(size, dtype=x.dtype)))) / pairs

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
OBJECTS = {"Regularizer": Regularizer, "L1": L1, "L2": L2, "L1L2": L1L2, "OrthogonalRegularizer": OrthogonalRegularizer,
           "l1": L1, "l2": L2, "l1_l2": L1L2, "orthogonal_regularizer": OrthogonalRegularizer}


def get(identifier):
    """A regularizer from a name, a config, a class, a function or a regularizer; None stays None.

    Args:
        identifier: a name, a config, a class, a function or a Regularizer; None.

    Returns:
        A callable, or None.
    """
    return find_object(identifier, OBJECTS, "regularizer")


def serialize(regularizer):
    """The config of a regularizer, as Keras writes it.

    Args:
        regularizer: a Regularizer.

    Returns:
        A dict.
    """
    return serialize_keras_object(regularizer)


def deserialize(config, custom_objects=None):
    """A regularizer from its config.

    Args:
        config: a dict as serialize gives it.

    Returns:
        A Regularizer.
    """
    return deserialize_keras_object(config, module_objects=OBJECTS, custom_objects=custom_objects)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
