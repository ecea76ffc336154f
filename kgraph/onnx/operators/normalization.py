"""Normalizations."""
from __future__ import annotations

from kgraph import ops
from kgraph.compiler.dims import size_of
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.onnx.registry import Fixed, onnx_op


def _by_channel(v, x, axis=1):
    """A vector as what multiplies the channels of x."""
    return ops.reshape(v, tuple(-1 if i == axis else 1 for i in range(len(x.shape))))


@onnx_op("BatchNormalization", since=14)
def batch_normalization(x, scale, bias, mean: Fixed, var: Fixed, *, epsilon=1e-5, momentum=0.9, training_mode=0,
                        n_outputs):
    """In training_mode by the batch's own statistics, which the running ones then follow."""
    if not training_mode:
        return _normalized(x, scale, bias, mean, var, epsilon)
    axes = tuple(i for i in range(len(x.shape)) if i != 1)
    own_mean, own_var = ops.moments(x, axes)
    y = _normalized(x, scale, bias, own_mean, own_var, epsilon)
    follow = lambda old, new: old * momentum + ops.cast(new, old.dtype) * (1 - momentum)
    return [y, follow(mean, own_mean), follow(var, own_var)][:n_outputs]


@onnx_op("BatchNormalization", since=1)
def batch_normalization_1(x, scale, bias, mean: Fixed, var: Fixed, *, epsilon=1e-5, momentum=0.9, spatial=1, is_test=0,
                          consumed_inputs=None, n_outputs):
    if not spatial or n_outputs > 1:
        raise ValueError("BatchNormalization: expected spatial=1 and one output, as when a model predicts")
    return _normalized(x, scale, bias, mean, var, epsilon)


def _normalized(x, scale, bias, mean, var, epsilon):
    if len({x.dtype, scale.dtype, mean.dtype}) > 1:
        x_, *rest = (ops.cast(v, "float32") for v in (x, scale, bias, mean, var))
        return ops.cast(_normalized(x_, *rest, epsilon), x.dtype)
    return ops.batch_normalization(x, mean, var, 1, bias, scale, epsilon)


@onnx_op("InstanceNormalization", since=6)
def instance_normalization(x, scale, bias, *, epsilon=1e-5):
    y = _standard(x, tuple(range(2, len(x.shape))), epsilon)[0]
    return y * _by_channel(scale, x) + _by_channel(bias, x)


def _standard(x, axes, epsilon):
    """x with mean 0 and variance 1 along axes, the mean, and one over the deviation."""
    mean, variance = ops.moments(x, axes, keepdims=True)
    inverse = ops.rsqrt(variance + epsilon)
    return (x - mean) * inverse, mean, inverse


@onnx_op("LayerNormalization", since=17)
def layer_normalization(x, scale, bias=None, *, axis=-1, epsilon=1e-5, stash_type=1, n_outputs):
    axes = tuple(range(axis % len(x.shape), len(x.shape)))
    wide = ops.cast(x, "float32") if DTYPES[x.dtype].is_narrow else x
    if n_outputs == 1 and wide is x:
        y = ops.layer_normalization(x, axis=axes, epsilon=epsilon) * scale
        return y if bias is None else y + bias
    y, mean, inverse = _standard(wide, axes, epsilon)
    y = ops.cast(y, x.dtype) * scale
    return [y if bias is None else y + bias, mean, inverse][:n_outputs]


@onnx_op("RMSNormalization", since=23)
def rms_normalization(x, scale, *, axis=-1, epsilon=1e-5, stash_type=1):
    axes = tuple(range(axis % len(x.shape), len(x.shape)))
    wide = ops.cast(x, "float32") if DTYPES[x.dtype].is_narrow else x
    y = wide * ops.rsqrt(ops.mean(ops.square(wide), axes, True) + epsilon)
    return ops.cast(y, x.dtype) * scale


def _in_groups(x, groups, epsilon):
    n, c, *space = x.shape
    y = ops.reshape(x, (n, groups, c // groups * size_of(tuple(space))))
    return ops.reshape(_standard(y, (2,), epsilon)[0], x.shape)


@onnx_op("GroupNormalization", since=21)
def group_normalization(x, scale, bias, *, num_groups, epsilon=1e-5, stash_type=1):
    return _in_groups(x, num_groups, epsilon) * _by_channel(scale, x) + _by_channel(bias, x)


@onnx_op("GroupNormalization", since=18)
def group_normalization_18(x, scale, bias, *, num_groups, epsilon=1e-5):
    """Before version 21, a scale and a bias for each group."""
    of_channels = lambda v: ops.repeat(v, x.shape[1] // num_groups, axis=0)
    return group_normalization(x, of_channels(scale), of_channels(bias), num_groups=num_groups, epsilon=epsilon)


@onnx_op("MeanVarianceNormalization", since=9)
def mean_variance_normalization(x, *, axes=(0, 2, 3)):
    centered = x - ops.mean(x, tuple(axes), True)
    return centered / (ops.sqrt(ops.mean(ops.square(centered), tuple(axes), True)) + 1e-9)


@onnx_op("LpNormalization", since=1)
def lp_normalization(x, *, axis=-1, p=2):
    total = ops.sum(ops.abs(x), axis, True) if p == 1 else ops.sqrt(ops.sum(ops.square(x), axis, True))
    return ops.divide_no_nan(x, total)
