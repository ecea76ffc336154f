"""Activation functions by name, as layers take them. The formulas are those of kgraph.ops.

Args:
    x: a tensor.
    custom_objects: {name: function} of what is not kgraph's.

Returns:
    A tensor.
"""
from __future__ import annotations

from kgraph import ops
from kgraph.legacy.activations import of_version
from kgraph.legacy.paths import lookup
from kgraph.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from kgraph.serialization import deserialize_keras_object, find_object, serialize_keras_object
from kgraph.serialization.op_names import Revived

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def linear(x):
    """x itself."""
    return x


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """x above the threshold, at most max_value; below it negative_slope * (x - threshold).

    Without these arguments, max(x, 0), whose gradient at 0 is 0.

    Args:
        negative_slope, max_value, threshold: 0, no bound and 0 by default.
    """
    if not negative_slope and max_value is None and not threshold:
        return ops.relu(x)
    above = ops.where(x > threshold, x, ops.zeros_like(x))
    if max_value is not None:
        above = ops.minimum(above, max_value)
    if not negative_slope:
        return above
    return ops.where(x > threshold, above, negative_slope * (x - threshold))


def exponential(x):
    """e to the power x."""
    return ops.exp(x)


def mish(x):
    """x * tanh(softplus(x)): Misra, "Mish: a self regularized non-monotonic activation function" (2019)."""
    return x * ops.tanh(ops.softplus(x))


def gelu(x, approximate=False):
    """x times the normal distribution function of x: Hendrycks and Gimpel (2016). approximate: by tanh.

    Args:
        approximate: by tanh, which is faster. False by default.
    """
    return ops.gelu(x, approximate=approximate)


swish, hard_swish = silu, hard_silu
# What graphs and configs know of two of them: Keras 3 has classes for these.
relu.elementwise = mish.elementwise = True
relu.keras_identity = ("keras.src.activations.activations", "ReLU", "ReLU")
mish.keras_identity = ("keras.src.activations.activations", "Mish", "Mish")
_FUNCTIONS = {name: globals()[name] for name in __all__ if name not in ("deserialize", "get", "serialize")}
_NAMES = {function: name for name, function in _FUNCTIONS.items() if name not in ("swish", "hard_swish")}
OBJECTS = {**_FUNCTIONS, "ReLU": Revived(relu), "Mish": Revived(mish)}


def get(identifier):
    """An activation from None (linear), a name, a config, a function or a layer.

    Args:
        identifier: None, a name, a config, a function or a layer.

    Returns:
        A callable.
    """
    if identifier is None:
        return linear
    return find_object(of_version(identifier), OBJECTS, "activation")


def serialize(activation):
    """Its name for a built-in activation, else the config of the function or layer.

    Args:
        activation: a function or a layer.

    Returns:
        A name, or a dict.
    """
    return _NAMES[activation] if activation in _NAMES else serialize_keras_object(activation)


def deserialize(config, custom_objects=None):
    """An activation from what serialize() gave.

    Args:
        config: what serialize gave.

    Returns:
        A callable.
    """
    found = deserialize_keras_object(config, module_objects=OBJECTS, custom_objects=custom_objects)
    return get(found)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
