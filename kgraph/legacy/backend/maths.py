"""Elements, sums, shapes and products, with the argument names of Keras 2."""
from __future__ import annotations

import builtins

import numpy as np

from kgraph import ops, random
from kgraph.config import floatx
from kgraph.legacy.backend import values
from kgraph.ops.core import axis_of

_SAME = """abs all any cast clip cos equal exp eye flip greater greater_equal less less_equal log logsumexp max
maximum mean min minimum not_equal one_hot ones_like prod reshape round sign sin sqrt square squeeze stack std
stop_gradient sum tile var zeros_like""".split()
for _name in _SAME:
    globals()[_name] = getattr(ops, _name)

__all__ = [*_SAME, "arange", "argmax", "argmin", "batch_dot", "batch_flatten", "concatenate", "cumprod", "cumsum",
           "dot", "expand_dims", "flatten", "foldl", "foldr", "gather", "identity", "l2_normalize", "map_fn", "ones",
           "permute_dimensions", "pow", "random_bernoulli", "random_binomial", "random_normal", "random_uniform",
           "repeat", "repeat_elements", "reverse", "slice", "switch", "transpose", "truncated_normal", "zeros"]


def zeros(shape, dtype=None, name=None):
    """A Variable of zeros, as in Keras 2."""
    return values.variable(np.zeros(tuple(shape), dtype or floatx()), dtype, name)


def ones(shape, dtype=None, name=None):
    """A Variable of ones, as in Keras 2."""
    return values.variable(np.ones(tuple(shape), dtype or floatx()), dtype, name)


def argmax(x, axis=-1):
    return ops.argmax(x, axis)


def argmin(x, axis=-1):
    return ops.argmin(x, axis)


def concatenate(tensors, axis=-1):
    return ops.concatenate(tensors, axis)


def cumsum(x, axis=0):
    return ops.cumsum(x, axis)


def cumprod(x, axis=0):
    return ops.cumprod(x, axis)


def expand_dims(x, axis=-1):
    return ops.expand_dims(x, axis)


def identity(x, name=None):
    """The same values."""
    return ops.convert_to_tensor(x)


def pow(x, a):
    return ops.power(x, a)


def arange(start, stop=None, step=1, dtype="int32"):
    return ops.arange(start, stop, step, dtype)


def transpose(x):
    """All axes in reverse order."""
    return ops.transpose(x)


def permute_dimensions(x, pattern):
    """Axis pattern[i] of x becomes axis i."""
    return ops.transpose(x, tuple(pattern))


def flatten(x):
    return ops.reshape(x, (-1,))


def batch_flatten(x):
    """[batch, ...] to [batch, everything else]."""
    return ops.reshape(x, (-1, int(np.prod(values.int_shape(x)[1:]))))


def reverse(x, axes):
    return ops.flip(x, axes)


def repeat(x, n):
    """[batch, features] n times in a row: [batch, n, features]."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x, rep, axis):
    """Each element of an axis rep times."""
    return ops.repeat(x, rep, axis=axis)


def gather(reference, indices):
    """Rows of a tensor."""
    return ops.take(reference, indices, axis=0)


def slice(x, start, size):
    """The part of a size that begins at start."""
    return ops.slice(x, tuple(start), tuple(size))


def l2_normalize(x, axis=None):
    """x with a norm of 1 along an axis."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


# ------------------------------------------------------------------ products
def dot(x, y):
    """The product over the last axis of x and the last but one of y (its only one for vectors)."""
    return ops.dot(x, y)


def batch_dot(x, y, axes=None):
    """The product over one axis of each, sample by sample; vectors give [batch, 1].

    axes: an int for both, or one for x and one for y; by default the last of x and the last but one of y
    """
    a, b = len(ops.shape(x)), len(ops.shape(y))
    if a < 2 or b < 2:
        raise ValueError(f"batch_dot: expected tensors of rank 2 at least, received ranks {a} and {b}")
    axes = (a - 1, builtins.max(b - 2, 1)) if axes is None else (axes, axes) if isinstance(axes, int) else tuple(axes)
    axes = axis_of(axes[0], a, "batch_dot"), axis_of(axes[1], b, "batch_dot")
    if 0 in axes:
        raise ValueError(f"batch_dot: expected axes other than the batch axis, received {axes}")
    letters = "bcdefghijklmn"
    of_x = ["a", *letters[:a - 1]]
    of_y = ["a", *letters[a - 1:a + b - 2]]
    of_x[axes[0]] = of_y[axes[1]] = "z"
    left = [c for c in (*of_x, *of_y[1:]) if c != "z"]
    result = ops.einsum(f"{''.join(of_x)},{''.join(of_y)}->{''.join(left)}", x, y)
    return ops.expand_dims(result, 1) if len(left) == 1 else result


# ------------------------------------------------------------------ control
def switch(condition, then_expression, else_expression):
    """One of two tensors, or of what two functions give: by a scalar, or row by row, element by element."""
    then = then_expression() if callable(then_expression) else then_expression
    other = else_expression() if callable(else_expression) else else_expression
    condition = ops.cast(condition, "bool")
    for _ in range(len(ops.shape(then)) - len(ops.shape(condition))):
        condition = ops.expand_dims(condition, -1) if ops.shape(condition) else condition
    return ops.where(condition, then, other)


def map_fn(fn, elems, name=None, dtype=None):
    """fn of each row, stacked."""
    return ops.map(fn, elems)


def foldl(fn, elems, initializer=None, name=None):
    """fn(fn(fn(initializer, row 0), row 1), ...); without an initializer it begins with row 0."""
    elems = ops.convert_to_tensor(elems)
    start, rest = (elems[0], elems[1:]) if initializer is None else (initializer, elems)
    return ops.scan(lambda carry, x: (fn(carry, x), None), start, rest)[0]


def foldr(fn, elems, initializer=None, name=None):
    """foldl from the last row to the first."""
    return foldl(fn, ops.flip(elems, 0), initializer)


# ------------------------------------------------------------------ random numbers
def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    return random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_binomial(shape, p=0.0, dtype=None, seed=None):
    """1 with probability p, else 0."""
    return ops.cast(random_uniform(shape, seed=seed) < p, dtype or floatx())


def random_bernoulli(shape, p=0.0, dtype=None, seed=None):
    """1 with probability p, else 0."""
    return random_binomial(shape, p, dtype, seed)
