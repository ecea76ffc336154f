"""Neural-network functions: activations, cross-entropies, normalisations.

All are short compositions, which fusion compiles into one kernel; their gradients come from the composition. Where a
tie would matter, the order of the arguments of maximum and minimum decides the gradient (the second gets it).
"""
from __future__ import annotations

import math

from kgraph.compiler.prims import elementwise as prims
from kgraph.compiler.prims.composite import log_softmax_p, softmax_p
from kgraph.compiler.trace import bind
from kgraph.config import epsilon as fuzz
from kgraph.naming import nearest
from kgraph.ops.contract import einsum
from kgraph.ops.core import as_tensor, axes_of, axis_of, cast_to, floating, op, promote
from kgraph.ops.create import iota, lower_mask
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
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    rsqrt,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)
from kgraph.ops.index import one_hot, sort
from kgraph.ops.reduce import mean, moments, sum
from kgraph.ops.shape import reshape, split, squeeze, transpose

# Klambauer et al., "Self-normalizing neural networks", 2017.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


# ------------------------------------------------------------------ activations
@op
def relu(x):
    """max(x, 0); the gradient at 0 is 0."""
    x = as_tensor(x)
    return maximum(x, 0)


@op
def relu6(x):
    """min(max(x, 0), 6)."""
    return minimum(relu(floating(x)), 6)


@op
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return bind(prims.sigmoid_p, floating(x))


@op
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    x = floating(x)
    # minimum(-x, x) is -|x| with derivative +1 at 0, which makes the whole derivative one half there.
    return add(maximum(x, 0), log1p(exp(minimum(negative(x), x))))


@op
def softsign(x):
    """x / (1 + |x|)."""
    x = floating(x)
    return divide(x, add(bind(prims.abs_p, x), 1))


@op
def silu(x):
    """x * sigmoid(x), also called swish (Elfwing et al., 2017)."""
    x = floating(x)
    return multiply(x, sigmoid(x))


swish = silu


@op
def log_sigmoid(x):
    """log(sigmoid(x)), without overflow."""
    return negative(softplus(negative(floating(x))))


@op
def leaky_relu(x, negative_slope=0.2):
    """x above 0, negative_slope * x below."""
    x = floating(x)
    return where(greater_equal(x, 0), x, multiply(x, negative_slope))


@op
def hard_sigmoid(x):
    """relu6(x + 3) / 6."""
    return multiply(relu6(add(floating(x), 3)), 1 / 6)


@op
def hard_silu(x):
    """x * hard_sigmoid(x) (Howard et al., "MobileNetV3", 2019)."""
    x = floating(x)
    return multiply(x, hard_sigmoid(x))


hard_swish = hard_silu


@op
def hard_tanh(x):
    """x kept between -1 and 1."""
    return clip(floating(x), -1, 1)


@op
def elu(x, alpha=1.0):
    """x above 0, alpha * (exp(x) - 1) below (Clevert et al., 2015)."""
    x = floating(x)
    return where(greater(x, 0), x, multiply(expm1(minimum(0, x)), alpha))


@op
def selu(x):
    """The scaled elu that keeps mean and variance (Klambauer et al., 2017)."""
    return multiply(elu(x, SELU_ALPHA), SELU_SCALE)


@op
def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)) (Barron, 2017)."""
    x = floating(x)
    return add(maximum(x, 0), multiply(expm1(divide(minimum(0, x), alpha)), alpha))


@op
def gelu(x, approximate=True):
    """x times the normal distribution function at x (Hendrycks and Gimpel, 2016); or its approximation with tanh."""
    x = floating(x)
    if approximate:
        inner = multiply(add(x, multiply(multiply(multiply(x, x), x), 0.044715)), math.sqrt(2 / math.pi))
        return multiply(x, multiply(add(tanh(inner), 1), 0.5))
    return multiply(x, multiply(add(erf(multiply(x, math.sqrt(0.5))), 1), 0.5))


@op
def glu(x, axis=-1):
    """The first half of an axis times the sigmoid of the second (Dauphin et al., 2016)."""
    first, second = split(floating(x), 2, axis)
    return multiply(first, sigmoid(second))


@op
def mish(x):
    """x * tanh(softplus(x)) (Misra, 2019)."""
    x = floating(x)
    return multiply(x, tanh(softplus(x)))


@op
def squareplus(x, b=4):
    """(x + sqrt(x*x + b)) / 2 (Barron, 2021)."""
    x = floating(x)
    return multiply(add(x, sqrt(add(square(x), b))), 0.5)


@op
def tanh_shrink(x):
    """x - tanh(x)."""
    x = floating(x)
    return subtract(x, tanh(x))


@op
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by the threshold, 0 inside it."""
    x = floating(x)
    return where(greater(x, threshold), subtract(x, threshold), where(less_equal(x, -threshold), add(x, threshold), 0))


@op
def hard_shrink(x, threshold=0.5):
    """x where |x| is above the threshold, else 0."""
    x = floating(x)
    return where(greater(bind(prims.abs_p, x), threshold), x, 0)


@op
def threshold(x, threshold, default_value):
    """x above the threshold, else the default value."""
    x = floating(x)
    return where(greater(x, threshold), x, default_value)


@op
def sparse_plus(x):
    """0 up to -1, (x + 1)**2 / 4 up to 1, x beyond."""
    x = floating(x)
    return where(less_equal(x, -1), 0, where(greater_equal(x, 1), x, multiply(square(add(x, 1)), 0.25)))


@op
def sparse_sigmoid(x):
    """(x + 1) / 2, kept between 0 and 1."""
    return clip(multiply(add(floating(x), 1), 0.5), 0, 1)


@op
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis, or several."""
    x = floating(x)
    return bind(softmax_p, x, axes=axes_of(axis, len(x.shape), "softmax"))


@op
def log_softmax(x, axis=-1):
    """log(softmax(x)) along an axis, without overflow."""
    x = floating(x)
    return bind(log_softmax_p, x, axes=axes_of(axis, len(x.shape), "log_softmax"))


@op
def sparsemax(x, axis=-1):
    """max(x - t, 0). The level t is Keras's: that of Martins and Astudillo, "From softmax to sparsemax" (2016), where
    one element is above it; where more are, Keras 3.15.1 adds up running sums, and the results do not sum to 1."""
    from kgraph.ops.reduce import cumsum
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
    """-sum(target * log(output)) along an axis. output: probabilities, scaled to sum 1 and clipped, or logits."""
    target, output = promote(target, output, least=float)
    _check_same(target, output, "categorical_crossentropy")
    return negative(sum(multiply(target, _log_probabilities(output, from_logits, axis)), axis))


@op
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(output) at the target class.

    target: integers, of the shape of output without that axis, or with 1 there.
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
    """(x - mean) * scale / sqrt(variance + epsilon) + offset, the statistics given per element of an axis."""
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
    """(x - mean) / sqrt(variance + epsilon) over axes, times gamma, plus beta."""
    x = floating(x)
    epsilon = 1e-7 if epsilon is None else epsilon
    center, variance = moments(x, axes_of(axis, len(x.shape), "layer_normalization"), True)
    result = multiply(subtract(x, center), rsqrt(add(variance, epsilon)))
    result = result if gamma is None else multiply(result, _on_axes(gamma, x, axis))
    return result if beta is None else add(result, _on_axes(beta, x, axis))


@op
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x*x) + epsilon) over axes, times scale (Zhang and Sennrich, 2019)."""
    x = floating(x)
    epsilon = 1e-7 if epsilon is None else epsilon
    result = multiply(x, rsqrt(add(mean(square(x), axes_of(axis, len(x.shape), "rms_normalization"), True), epsilon)))
    return result if scale is None else multiply(result, _on_axes(scale, x, axis))


def _on_axes(v, x, axis):
    """A tensor with the sizes of x on some axes, in a shape that broadcasts to x."""
    axes = axes_of(axis, len(x.shape))
    return reshape(cast_to(as_tensor(v), x.dtype), tuple(n if i in axes else 1 for i, n in enumerate(x.shape)))


@op
def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None,
                          attn_logits_soft_cap=None):
    """softmax(query key^T * scale + bias) value, over (batch, time, heads, size); heads of key and value may be fewer.

    mask: true where a query may see a key, shape broadcast to (batch, heads, query time, key time).
    """
    query, key, value = promote(query, key, value, least=float)
    if any_differ([(len(v.shape), 4) for v in (query, key, value)]):
        raise ValueError("dot_product_attention: expected query, key and value of rank 4, received shapes "
                         f"{tuple(query.shape)}, {tuple(key.shape)}, {tuple(value.shape)}")
    heads = query.shape[2]
    if key.shape[2] != heads:
        from kgraph.ops.shape import repeat
        key, value = (repeat(v, heads // v.shape[2], 2) for v in (key, value))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    logits = multiply(einsum("btnh,bsnh->bnts", query, key), scale)
    logits = logits if bias is None else add(logits, bias)
    if attn_logits_soft_cap is not None:
        logits = multiply(tanh(divide(logits, attn_logits_soft_cap)), attn_logits_soft_cap)
    least = -0.7 * (65504.0 if query.dtype == "float16" else 3.4028235e38)
    logits = logits if mask is None else where(mask, logits, least)
    logits = where(lower_mask(logits.shape[-2], logits.shape[-1]), logits, least) if is_causal else logits
    return einsum("bnts,bsnh->btnh", softmax(logits), value)


# ------------------------------------------------------------------ blocks of space and channels
@op
def depth_to_space(x, block_size, data_format="channels_last"):
    """Channels moved into blocks of block_size x block_size pixels."""
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
    """Blocks of block_size x block_size pixels moved into channels."""
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
    """The peak signal-to-noise ratio in decibels."""
    x1, x2 = promote(x1, x2, least=float)
    _check_same(x1, x2, "psnr")
    from kgraph.ops.elementwise import log10
    error = mean(square(subtract(x1, x2)))
    return subtract(multiply(log10(as_tensor(max_val, x1.dtype)), 20), multiply(log10(error), 10))


# What Keras 3 has under keras.ops.nn too.
_ELSEWHERE = """
adaptive_average_pool adaptive_max_pool average_pool conv conv_transpose ctc_decode ctc_loss depthwise_conv fold
max_pool multi_hot normalize polar separable_conv unfold
""".split()


def __getattr__(name):
    if name in _ELSEWHERE:
        from kgraph import ops
        return getattr(ops, name)
    raise AttributeError(f"kgraph.ops.nn has no public name {name!r}.{nearest(name, [*globals(), *_ELSEWHERE])}")

