"""Settings, variables, constants and what can be asked about tensors."""
from __future__ import annotations

import contextlib

import numpy as np

from kgraph import naming, ops, random, utils
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.loopnest.dtypes import kind_of
from kgraph.compiler.trace import Tensor, name_scope
from kgraph.config import backend, epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from kgraph.graph import KTensor
from kgraph.layers.input_layer import Input, InputLayer
from kgraph.ops import core
from kgraph.variable import Variable

__all__ = ["backend", "batch_get_value", "batch_set_value", "cast_to_floatx", "clear_session", "constant",
           "count_params", "dtype", "epsilon", "eval", "floatx", "get_uid", "get_value",
           "image_data_format", "image_dim_ordering", "in_test_phase", "in_train_phase", "int_shape", "is_float_dtype",
           "is_int_dtype", "is_keras_tensor", "is_placeholder", "is_sparse", "is_tensor", "is_variable",
           "learning_phase", "manual_variable_initialization", "moving_average_update", "name_scope", "ndim",
           "placeholder", "print_tensor", "random_normal_variable", "random_uniform_variable", "reset_uids",
           "result_type", "set_epsilon", "set_floatx", "set_image_data_format", "set_image_dim_ordering",
           "set_learning_phase", "set_value", "shape", "size", "standardize_dtype", "to_dense",
           "update", "update_add", "update_sub", "variable"]

_phase = {"learning": 0}
is_float_dtype = core.is_float_dtype
result_type, standardize_dtype = core.result_type, core.standardize_dtype
ndim, size, dtype, is_tensor = ops.ndim, ops.size, ops.dtype, ops.is_tensor
clear_session = utils.clear_session
reset_uids = naming.reset_names
_counts: dict = {}


def is_int_dtype(dtype) -> bool:
    """Whether a dtype is one of the integers, signed or not."""
    return "int" in standardize_dtype(dtype)


def cast_to_floatx(x):
    """x as floatx: arrays stay arrays."""
    return ops.cast(x, floatx()) if isinstance(x, TensorLike) else np.asarray(x, floatx())


def image_dim_ordering() -> str:
    """The image layout as Keras 1 called it: "tf" or "th"."""
    return "tf" if image_data_format() == "channels_last" else "th"


def set_image_dim_ordering(dim_ordering: str):
    """Set the image layout in the words of Keras 1: "tf" (channels last) or "th" (channels first)."""
    if dim_ordering not in ("tf", "th"):
        raise ValueError(f"set_image_dim_ordering: expected 'tf' or 'th', received {dim_ordering!r}")
    set_image_data_format("channels_last" if dim_ordering == "tf" else "channels_first")


def get_uid(prefix="") -> int:
    """1, 2, 3 ... for each prefix."""
    _counts[prefix] = _counts.get(prefix, 0) + 1
    return _counts[prefix]


def manual_variable_initialization(value):
    """Accepted: variables have their values from the beginning."""


# ------------------------------------------------------------------ training or not
def learning_phase() -> int:
    """1 when set_learning_phase(1) was called, else 0. Among the inputs of K.function it stands for `training`."""
    return _phase["learning"]


def set_learning_phase(value):
    """Set what in_train_phase takes for granted when it is not told whether it trains: 0 or 1."""
    if value not in (0, 1):
        raise ValueError(f"set_learning_phase: expected 0 or 1, received {value!r}")
    _phase["learning"] = int(value)


def in_train_phase(x, alt, training=None):
    """x (or x(), if it can be called) in training, else alt (or alt())."""
    chosen = x if (learning_phase() if training is None else training) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x, alt, training=None):
    """in_train_phase the other way round."""
    return in_train_phase(alt, x, training)


# ------------------------------------------------------------------ variables and constants
def variable(value, dtype=None, name=None, constraint=None):
    """A Variable that begins with a value."""
    array = np.asarray(value)
    dtype = dtype or (floatx() if kind_of(array.dtype) == "f" else None)
    return Variable(array.astype(dtype or array.dtype), name=name or "variable", constraint=constraint)


def constant(value, dtype=None, shape=None, name=None):
    """A tensor of a value, filled up to a shape."""
    array = np.asarray(value, dtype or floatx())
    return Tensor(array if shape is None else np.broadcast_to(array, shape).copy())


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    """An input of a graph, with its batch axis: for K.function and Model."""
    if shape is None and ndim is None:
        raise ValueError("placeholder: expected shape or ndim, received neither")
    shape = (None,) * ndim if shape is None else tuple(shape)
    return Input(batch_shape=shape, dtype=dtype, sparse=sparse, name=name)


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """A Variable of numbers drawn evenly from [low, high)."""
    return variable(random.uniform(shape, low, high, dtype, seed).numpy(), dtype, name)


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """A Variable of normally distributed numbers."""
    return variable(random.normal(shape, mean, scale, dtype, seed).numpy(), dtype, name)


def get_value(x) -> np.ndarray:
    """The value of a variable or tensor as an array. TypeError for a KTensor, which has none."""
    return np.array(ops.convert_to_numpy(x))


eval = get_value


def set_value(x, value):
    """Give a Variable another value."""
    x.assign(value)


def batch_get_value(xs) -> list:
    return [get_value(x) for x in xs]


def batch_set_value(tuples):
    for x, value in tuples:
        set_value(x, value)


def update(x, new_x):
    """Assign, also inside a graph."""
    return x.assign(new_x)


def update_add(x, increment):
    return x.assign_add(increment)


def update_sub(x, decrement):
    return x.assign_sub(decrement)


def moving_average_update(x, value, momentum):
    """x = momentum * x + (1 - momentum) * value."""
    return x.assign(x.value * momentum + ops.cast(value, x.dtype) * (1 - momentum))


def print_tensor(x, message=""):
    """x; a concrete value is printed. Inside graphs there is none: run_eagerly=True shows it."""
    with contextlib.suppress(TypeError):
        print(message, ops.convert_to_numpy(x))
    return x


# ------------------------------------------------------------------ questions
def shape(x) -> tuple:
    """The shape: ints, and sizes of the graph where they are not known."""
    return ops.shape(x)


def int_shape(x) -> tuple:
    """The shape with None for sizes that are not known."""
    return tuple(n if isinstance(n, int) else None for n in ops.shape(x))


def count_params(x) -> int:
    """The number of elements."""
    return int(np.prod(int_shape(x)))


def is_variable(x) -> bool:
    return isinstance(x, Variable)


def is_keras_tensor(x) -> bool:
    """Whether x came from an Input or a layer.

    Args:
        x: anything.
    """
    return isinstance(x, KTensor)


def is_placeholder(x) -> bool:
    return isinstance(x, KTensor) and isinstance(x.operation, InputLayer)


def is_sparse(tensor) -> bool:
    """No tensor is."""
    return False


def to_dense(tensor):
    """The tensor: all are dense."""
    return tensor
