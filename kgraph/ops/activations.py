"""Activations: short compositions, which fusion compiles into one kernel; their gradients come from the composition.

Where a tie would matter, the order of the arguments of maximum and minimum decides the gradient (the second gets it).

Args:
    threshold: where the function changes, 0.5 by default.
    alpha: the largest size of a negative result, 1 by default.
"""
from __future__ import annotations

import math

from kgraph.compiler.prims import elementwise as prims
from kgraph.compiler.prims.composite import log_softmax_p, softmax_p
from kgraph.compiler.trace import bind
from kgraph.ops.core import as_tensor, axes_of, axis_of, cast_to, elementwise_op, floating, op
from kgraph.ops.create import iota
from kgraph.ops.elementwise import (
    add,
    clip,
    divide,
    erf,
    exp,
    expm1,
    greater,
    greater_equal,
    less_equal,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)
from kgraph.ops.index import sort
from kgraph.ops.joining import split
from kgraph.ops.reduce import cumsum, sum
from kgraph.ops.shape import reshape

# ------------------------------------------------------------------ activations

# Klambauer et al., "Self-normalizing neural networks", 2017.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@elementwise_op
def relu(x):
    """max(x, 0); the gradient at 0 is 0.

    Example:
        >>> ops.relu([-1.0, 2.0])
        <Tensor f32[2] [0. 2.]>
    """
    x = as_tensor(x)
    return maximum(x, 0)


@elementwise_op
def relu6(x):
    """min(max(x, 0), 6).

    Example:
        >>> ops.relu6([-1.0, 2.0, 8.0])
        <Tensor f32[3] [0. 2. 6.]>
    """
    return minimum(relu(floating(x)), 6)


@elementwise_op
def sigmoid(x):
    """1 / (1 + exp(-x)).

    Example:
        >>> ops.sigmoid([0.0, 2.0])
        <Tensor f32[2] [0.5    0.8808]>
    """
    return bind(prims.sigmoid_p, floating(x))


@elementwise_op
def softplus(x):
    """log(1 + exp(x)), without overflow.

    Example:
        >>> ops.softplus([0.0, 2.0])
        <Tensor f32[2] [0.6931 2.1269]>
    """
    x = floating(x)
    # minimum(-x, x) is -|x| with derivative +1 at 0, which makes the whole derivative one half there.
    return add(maximum(x, 0), log1p(exp(minimum(negative(x), x))))


@elementwise_op
def softsign(x):
    """x / (1 + |x|).

    Example:
        >>> ops.softsign([-1.0, 3.0])
        <Tensor f32[2] [-0.5   0.75]>
    """
    x = floating(x)
    return divide(x, add(bind(prims.abs_p, x), 1))


@elementwise_op
def silu(x):
    """x * sigmoid(x), also called swish (Elfwing et al., 2017).

    Example:
        >>> ops.silu([-1.0, 2.0])
        <Tensor f32[2] [-0.2689  1.7616]>
    """
    x = floating(x)
    return multiply(x, sigmoid(x))


swish = silu


@elementwise_op
def log_sigmoid(x):
    """log(sigmoid(x)), without overflow.

    Example:
        >>> ops.log_sigmoid([0.0, -100.0])
        <Tensor f32[2] [  -0.6931 -100.    ]>
    """
    return negative(softplus(negative(floating(x))))


@elementwise_op
def leaky_relu(x, negative_slope=0.2):
    """x above 0, negative_slope * x below.

    Args:
        negative_slope: 0.2 by default.

    Example:
        >>> ops.leaky_relu([-1.0, 2.0])
        <Tensor f32[2] [-0.2  2. ]>
    """
    x = floating(x)
    return where(greater_equal(x, 0), x, multiply(x, negative_slope))


@elementwise_op
def hard_sigmoid(x):
    """relu6(x + 3) / 6.

    Example:
        >>> ops.hard_sigmoid([-4.0, 0.0, 1.0])
        <Tensor f32[3] [0.     0.5    0.6667]>
    """
    return multiply(relu6(add(floating(x), 3)), 1 / 6)


@elementwise_op
def hard_silu(x):
    """x * hard_sigmoid(x) (Howard et al., "MobileNetV3", 2019).

    Example:
        >>> ops.hard_silu([-4.0, 1.0])
        <Tensor f32[2] [-0.      0.6667]>
    """
    x = floating(x)
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


@elementwise_op
def hard_tanh(x):
    """x kept between -1 and 1.

    Example:
        >>> ops.hard_tanh([-4.0, 0.5])
        <Tensor f32[2] [-1.   0.5]>
    """
    return clip(floating(x), -1, 1)


@elementwise_op
def elu(x, alpha=1.0):
    """x above 0, alpha * (exp(x) - 1) below (Clevert et al., 2015).

    Example:
        >>> ops.elu([-1.0, 2.0])
        <Tensor f32[2] [-0.6321  2.    ]>
    """
    x = floating(x)
    return where(greater(x, 0), x, multiply(expm1(minimum(0, x)), alpha))


@elementwise_op
def selu(x):
    """The scaled elu that keeps mean and variance (Klambauer et al., 2017).

    Example:
        >>> ops.selu([-1.0, 2.0])
        <Tensor f32[2] [-1.1113  2.1014]>
    """
    return multiply(elu(x, SELU_ALPHA), SELU_SCALE)


@elementwise_op
def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)) (Barron, 2017).

    Example:
        >>> ops.celu([-1.0, 2.0])
        <Tensor f32[2] [-0.6321  2.    ]>
    """
    x = floating(x)
    return add(maximum(x, 0), multiply(expm1(divide(minimum(0, x), alpha)), alpha))


@elementwise_op
def gelu(x, approximate=True):
    """x times the normal distribution function at x (Hendrycks and Gimpel, 2016); or its approximation with tanh.

    Args:
        approximate: by tanh, which is faster. True by default.

    Example:
        >>> ops.gelu([-1.0, 2.0])
        <Tensor f32[2] [-0.1588  1.9546]>
    """
    x = floating(x)
    if approximate:
        inner = multiply(add(x, multiply(multiply(multiply(x, x), x), 0.044715)), math.sqrt(2 / math.pi))
        return multiply(x, multiply(add(tanh(inner), 1), 0.5))
    return multiply(x, multiply(add(erf(multiply(x, math.sqrt(0.5))), 1), 0.5))


@op
def glu(x, axis=-1):
    """The first half of an axis times the sigmoid of the second (Dauphin et al., 2016).

    Args:
        axis: of an even size, the last by default.

    Example:
        >>> ops.glu([1.0, 2.0, 0.0, 0.0])
        <Tensor f32[2] [0.5 1. ]>
    """
    first, second = split(floating(x), 2, axis)
    return multiply(first, sigmoid(second))


@elementwise_op
def mish(x):
    """x * tanh(softplus(x)) (Misra, 2019).

    Example:
        >>> ops.mish([-1.0, 2.0])
        <Tensor f32[2] [-0.3034  1.944 ]>
    """
    x = floating(x)
    return multiply(x, tanh(softplus(x)))


@elementwise_op
def squareplus(x, b=4):
    """(x + sqrt(x*x + b)) / 2 (Barron, 2021).

    Args:
        b: how round the bend is, 4 by default.

    Example:
        >>> ops.squareplus([-1.0, 2.0])
        <Tensor f32[2] [0.618  2.4142]>
    """
    x = floating(x)
    return multiply(add(x, sqrt(add(square(x), b))), 0.5)


@elementwise_op
def tanh_shrink(x):
    """x - tanh(x).

    Example:
        >>> ops.tanh_shrink([-1.0, 2.0])
        <Tensor f32[2] [-0.2384  1.036 ]>
    """
    x = floating(x)
    return subtract(x, tanh(x))


@elementwise_op
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by the threshold, 0 inside it.

    Example:
        >>> ops.soft_shrink([-1.0, 0.2, 2.0])
        <Tensor f32[3] [-0.5  0.   1.5]>
    """
    x = floating(x)
    return where(greater(x, threshold), subtract(x, threshold), where(less_equal(x, -threshold), add(x, threshold), 0))


@elementwise_op
def hard_shrink(x, threshold=0.5):
    """x where |x| is above the threshold, else 0.

    Example:
        >>> ops.hard_shrink([-1.0, 0.2, 2.0])
        <Tensor f32[3] [-1.  0.  2.]>
    """
    x = floating(x)
    return where(greater(bind(prims.abs_p, x), threshold), x, 0)


@elementwise_op
def threshold(x, threshold, default_value):
    """x above the threshold, else the default value.

    Args:
        threshold: the least x that is kept.
        default_value: what others become.

    Example:
        >>> ops.threshold([-1.0, 0.5, 2.0], 1.0, 0.0)
        <Tensor f32[3] [0. 0. 2.]>
    """
    x = floating(x)
    return where(greater(x, threshold), x, default_value)


@elementwise_op
def sparse_plus(x):
    """0 up to -1, (x + 1)**2 / 4 up to 1, x beyond.

    Example:
        >>> ops.sparse_plus([-2.0, 0.0, 2.0])
        <Tensor f32[3] [0.   0.25 2.  ]>
    """
    x = floating(x)
    return where(less_equal(x, -1), 0, where(greater_equal(x, 1), x, multiply(square(add(x, 1)), 0.25)))


@elementwise_op
def sparse_sigmoid(x):
    """(x + 1) / 2, kept between 0 and 1.

    Example:
        >>> ops.sparse_sigmoid([-2.0, 0.0, 2.0])
        <Tensor f32[3] [0.  0.5 1. ]>
    """
    return clip(multiply(add(floating(x), 1), 0.5), 0, 1)


@op
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis, or several.

    Example:
        >>> ops.softmax([1.0, 2.0, 3.0])
        <Tensor f32[3] [0.09   0.2447 0.6652]>
    """
    x = floating(x)
    return bind(softmax_p, x, axes=axes_of(axis, len(x.shape), "softmax"))


@op
def log_softmax(x, axis=-1):
    """log(softmax(x)) along an axis, without overflow.

    Example:
        >>> ops.log_softmax([1.0, 2.0, 3.0])
        <Tensor f32[3] [-2.4076 -1.4076 -0.4076]>
    """
    x = floating(x)
    return bind(log_softmax_p, x, axes=axes_of(axis, len(x.shape), "log_softmax"))


@op
def sparsemax(x, axis=-1):
    """max(x - t, 0). The level t is Keras's: that of Martins and Astudillo, "From softmax to sparsemax" (2016), where
    one element is above it; where more are, Keras 3.15.1 adds up running sums, and the results do not sum to 1.

    Example:
        >>> ops.sparsemax([1.0, 2.5, 0.0])
        <Tensor f32[3] [0. 1. 0.]>
    """
    x = floating(x)
    axis = axis_of(axis, len(x.shape), "sparsemax")
    falling = negative(sort(negative(x), axis))
    total = cumsum(falling, axis)
    counts = add(iota(x.shape[axis], x.dtype), 1)
    counts = reshape(counts, tuple(n if i == axis else 1 for i, n in enumerate(x.shape)))
    support = greater(falling, divide(subtract(total, 1), counts))
    size = sum(cast_to(support, x.dtype), axis, True)
    level = divide(subtract(sum(where(support, total, 0), axis, True), 1), size)
    return maximum(subtract(x, level), 0)
