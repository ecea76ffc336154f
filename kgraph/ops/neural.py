"""Neural-network functions: cross-entropies, normalisations, blocks of space and channels.

All are short compositions, which fusion compiles into one kernel; their gradients come from the composition. Where a
tie would matter, the order of the arguments of maximum and minimum decides the gradient (the second gets it).

Args:
    target: what should come out.
    output: what came out: probabilities, or with from_logits what softmax or sigmoid would be taken of.
    from_logits: whether output are logits. False by default.
    epsilon: added under the square root, against division by 0.
    scale, offset, gamma, beta: factor and summand of each element of the axis; None: 1 and 0.
    block_size: the side of a block.
    data_format: "channels_last" (the default) or "channels_first".
"""
from __future__ import annotations

from kgraph.config import epsilon as fuzz
from kgraph.ops.activations import log_softmax, softplus
from kgraph.ops.composed import log10
from kgraph.ops.core import as_tensor, axes_of, axis_of, cast_to, floating, op, promote
from kgraph.ops.elementwise import (
    add,
    clip,
    divide,
    log,
    multiply,
    negative,
    rsqrt,
    square,
    subtract,
    where,
)
from kgraph.ops.index import one_hot
from kgraph.ops.reduce import mean, moments, sum
from kgraph.ops.shape import reshape, squeeze, transpose


# ------------------------------------------------------------------ cross-entropies
def _check_same(target, output, what):
    known = [(n, m) for n, m in zip(target.shape, output.shape) if isinstance(n, int) and isinstance(m, int)]
    if len(target.shape) != len(output.shape) or any_differ(known):
        raise ValueError(f"{what}: expected target and output of one shape, "
                         f"received target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}")


def any_differ(pairs) -> bool:
    """Whether a pair of known sizes is unequal."""
    return next((True for n, m in pairs if n != m), False)


def _log_probabilities(output, from_logits, axis):
    if from_logits:
        return log_softmax(output, axis)
    output = divide(output, sum(output, axis, True))
    return log(clip(output, fuzz(), 1 - fuzz()))


@op
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(output)) along an axis. output: probabilities, scaled to sum 1 and clipped, or logits.

    Example:
        >>> ops.categorical_crossentropy([0.0, 1.0], [0.2, 0.8])
        <Tensor f32[] 0.2231>
    """
    target, output = promote(target, output, least=float)
    _check_same(target, output, "categorical_crossentropy")
    return negative(sum(multiply(target, _log_probabilities(output, from_logits, axis)), axis))


@op
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(output) at the target class.

    target: integers, of the shape of output without that axis, or with 1 there.

    Raises:
        ValueError: a target of another shape than output without its class axis.

    Example:
        >>> ops.sparse_categorical_crossentropy([1], [[0.2, 0.8]])
        <Tensor f32[1] [0.2231]>
    """
    target, output = cast_to(as_tensor(target), "int32"), floating(output)
    axis = axis_of(axis, len(output.shape), "sparse_categorical_crossentropy")
    if len(target.shape) == len(output.shape) and target.shape[axis] == 1:
        target = squeeze(target, axis)
    rest = (*output.shape[:axis], *output.shape[axis + 1:])
    known = [(n, m) for n, m in zip(target.shape, rest) if isinstance(n, int) and isinstance(m, int)]
    if len(target.shape) != len(rest) or any_differ(known):
        raise ValueError("sparse_categorical_crossentropy: expected a target of the shape of output without axis "
                         f"{axis}, received target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}")
    code = one_hot(target, output.shape[axis], axis, "bool")
    return negative(sum(where(code, _log_probabilities(output, from_logits, axis), 0), axis))


@op
def binary_crossentropy(target, output, from_logits=False):
    """-(target * log(output) + (1 - target) * log(1 - output)), elementwise.

    output: probabilities, which are clipped, or logits.

    Example:
        >>> ops.binary_crossentropy([0.0, 1.0], [0.5, 0.8])
        <Tensor f32[2] [0.6931 0.2231]>
    """
    target, output = promote(target, output, least=float)
    _check_same(target, output, "binary_crossentropy")
    if from_logits:
        return add(multiply(target, softplus(negative(output))), multiply(subtract(1, target), softplus(output)))
    output = clip(output, fuzz(), 1 - fuzz())
    return negative(add(multiply(target, log(output)), multiply(subtract(1, target), log(subtract(1, output)))))


# ------------------------------------------------------------------ normalisation and attention
@op
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) * scale / sqrt(variance + epsilon) + offset, the statistics given per element of an axis.

    Args:
        mean, variance: vectors, one element for each of the axis.

    Example:
        >>> ops.batch_normalization(np.float32([[1, 2]]), [1.0, 1.0], [1.0, 4.0], axis=-1, epsilon=0.0)
        <Tensor f32[1,2] [[0.  0.5]]>
    """
    x = floating(x)
    axis = axis_of(axis, len(x.shape), "batch_normalization")
    along = lambda v: reshape(cast_to(as_tensor(v), x.dtype),
                              tuple(n if i == axis else 1 for i, n in enumerate(x.shape)))
    factor = rsqrt(add(along(variance), epsilon))
    factor = factor if scale is None else multiply(factor, along(scale))
    shift = multiply(negative(along(mean)), factor)
    return add(multiply(x, factor), shift if offset is None else add(shift, along(offset)))


@op
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, **kwargs):
    """(x - mean) / sqrt(variance + epsilon) over axes, times gamma, plus beta.

    Example:
        >>> ops.layer_normalization([1.0, 3.0], epsilon=0.0)
        <Tensor f32[2] [-1.  1.]>
    """
    x = floating(x)
    epsilon = 1e-7 if epsilon is None else epsilon
    center, variance = moments(x, axes_of(axis, len(x.shape), "layer_normalization"), True)
    result = multiply(subtract(x, center), rsqrt(add(variance, epsilon)))
    result = result if gamma is None else multiply(result, _on_axes(gamma, x, axis))
    return result if beta is None else add(result, _on_axes(beta, x, axis))


@op
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x*x) + epsilon) over axes, times scale (Zhang and Sennrich, 2019).

    Example:
        >>> ops.rms_normalization([3.0, 4.0])
        <Tensor f32[2] [0.8485 1.1314]>
    """
    x = floating(x)
    epsilon = 1e-7 if epsilon is None else epsilon
    result = multiply(x, rsqrt(add(mean(square(x), axes_of(axis, len(x.shape), "rms_normalization"), True), epsilon)))
    return result if scale is None else multiply(result, _on_axes(scale, x, axis))


def _on_axes(v, x, axis):
    """A tensor with the sizes of x on some axes, in a shape that broadcasts to x."""
    axes = axes_of(axis, len(x.shape))
    return reshape(cast_to(as_tensor(v), x.dtype), tuple(n if i in axes else 1 for i, n in enumerate(x.shape)))


# ------------------------------------------------------------------ blocks of space and channels
@op
def depth_to_space(x, block_size, data_format="channels_last"):
    """Channels moved into blocks of block_size x block_size pixels.

    Example:
        >>> ops.depth_to_space(ops.reshape(ops.arange(4), (1, 1, 1, 4)), 2)[0, :, :, 0]
        <Tensor i32[2,2] [[0 1]
         [2 3]]>
    """
    x, s = as_tensor(x), block_size
    if data_format == "channels_first":
        b, c, h, w = x.shape
        x = transpose(reshape(x, (b, c // (s * s), s, s, h, w)), (0, 1, 4, 2, 5, 3))
        return reshape(x, (b, c // (s * s), h * s, w * s))
    b, h, w, c = x.shape
    x = transpose(reshape(x, (b, h, w, s, s, c // (s * s))), (0, 1, 3, 2, 4, 5))
    return reshape(x, (b, h * s, w * s, c // (s * s)))


@op
def space_to_depth(x, block_size, data_format="channels_last"):
    """Blocks of block_size x block_size pixels moved into channels.

    Example:
        >>> ops.space_to_depth(ops.ones((1, 4, 4, 3)), 2).shape
        (1, 2, 2, 12)
    """
    x, s = as_tensor(x), block_size
    if data_format == "channels_first":
        b, c, h, w = x.shape
        x = transpose(reshape(x, (b, c, h // s, s, w // s, s)), (0, 1, 3, 5, 2, 4))
        return reshape(x, (b, c * s * s, h // s, w // s))
    b, h, w, c = x.shape
    x = transpose(reshape(x, (b, h // s, s, w // s, s, c)), (0, 1, 3, 2, 4, 5))
    return reshape(x, (b, h // s, w // s, c * s * s))


@op
def psnr(x1, x2, max_val):
    """The peak signal-to-noise ratio in decibels.

    Args:
        max_val: the largest value that x1 and x2 can have.

    Example:
        >>> ops.psnr([0.0, 1.0], [0.0, 0.9], 1.0)
        <Tensor f32[] 23.0103>
    """
    x1, x2 = promote(x1, x2, least=float)
    _check_same(x1, x2, "psnr")
    error = mean(square(subtract(x1, x2)))
    return subtract(multiply(log10(as_tensor(max_val, x1.dtype)), 20), multiply(log10(error), 10))
