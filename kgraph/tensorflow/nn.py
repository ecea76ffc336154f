"""tf.nn."""
from __future__ import annotations

import numpy as np

from kgraph import ops, random
from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.maths import sigmoid, tanh
from kgraph.tensorflow.base.signatures import functions_of
from kgraph.tensorflow.base.sparsity import SparseTensor
from kgraph.tensorflow.math import (
    in_top_k,
    l2_normalize,
    log_sigmoid,
    softmax,
    softplus,
    softsign,
    top_k,
    zero_fraction,
)

_TABLE = """
    elu(features)
    gelu(features, approximate=False)
    leaky_relu(features, alpha=0.2)
    log_softmax(logits, axis=-1)
    relu(features)
    relu6(features)
    selu(features)
"""
_functions = functions_of(_TABLE, __name__)
globals().update(_functions)
__all__ = [*_functions, "atrous_conv2d", "avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_normalization",
           "bias_add", "compute_average_loss", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "convolution",
           "crelu", "ctc_beam_search_decoder", "ctc_greedy_decoder", "ctc_loss", "depth_to_space", "depthwise_conv2d",
           "dropout", "embedding_lookup", "in_top_k", "l2_loss", "l2_normalize", "local_response_normalization",
           "log_poisson_loss", "log_sigmoid", "lrn", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "moments",
           "scale_regularization_loss", "separable_conv2d", "sigmoid", "sigmoid_cross_entropy_with_logits", "silu",
           "softmax", "softmax_cross_entropy_with_logits", "softplus", "softsign", "space_to_depth",
           "sparse_softmax_cross_entropy_with_logits", "swish", "tanh", "top_k", "weighted_cross_entropy_with_logits",
           "zero_fraction"]


def silu(features, beta=1.0):
    """features times sigmoid(beta features)."""
    x = ops.convert_to_tensor(features)
    return x * ops.sigmoid(beta * x)


swish = silu


def crelu(features, axis=-1, name=None):
    """relu of features and of their negatives, joined along axis."""
    x = ops.convert_to_tensor(features)
    return ops.concatenate([ops.relu(x), ops.relu(-x)], axis)


def moments(x, axes, shift=None, keepdims=False, name=None):
    """(mean, variance) over axes."""
    return ops.moments(x, axes, keepdims)


def l2_loss(t, name=None):
    """Half the sum of squares."""
    return ops.sum(ops.square(t)) / 2


def bias_add(value, bias, data_format=None, name=None):
    """value with a bias added to each channel: the last axis, or axis 1 where data_format begins with NC."""
    value = ops.convert_to_tensor(value)
    if _channels_first(data_format):
        bias = ops.reshape(bias, (-1, *[1] * (len(value.shape) - 2)))
    return value + bias


def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    """(x - mean) / sqrt(variance + epsilon), times scale and plus offset where these are given."""
    factor = ops.rsqrt(variance + variance_epsilon)
    factor = factor if scale is None else factor * scale
    return x * factor + ((0 if offset is None else offset) - mean * factor)


def dropout(x, rate, noise_shape=None, seed=None, name=None):
    """x with a share `rate` of its elements set to 0 and the rest scaled up. It is always active."""
    from kgraph.tensorflow.random import generator_of
    return random.dropout(ops.convert_to_tensor(x), rate, noise_shape, generator_of(seed))


def embedding_lookup(params, ids, max_norm=None, name=None):
    """The rows of params with these numbers."""
    if max_norm is not None:
        raise NotImplementedError(f"tf.nn.embedding_lookup: expected max_norm=None, received {max_norm}")
    return ops.take(params, ids, 0)


# ------------------------------------------------------------------ losses
def softmax_cross_entropy_with_logits(labels, logits, axis=-1, name=None):
    """-sum(labels log softmax(logits)) along axis."""
    logits = ops.convert_to_tensor(logits)
    return -ops.sum(ops.cast(labels, logits.dtype) * ops.log_softmax(logits, axis), axis)


def sparse_softmax_cross_entropy_with_logits(labels, logits, name=None):
    """-log softmax(logits) at each label."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def sigmoid_cross_entropy_with_logits(labels=None, logits=None, name=None):
    """-labels log p - (1 - labels) log(1 - p), elementwise, with p = sigmoid(logits)."""
    logits = ops.convert_to_tensor(logits)
    return ops.binary_crossentropy(ops.cast(labels, logits.dtype), logits, from_logits=True)


def weighted_cross_entropy_with_logits(labels=None, logits=None, pos_weight=None, name=None):
    """The sigmoid's cross-entropy with the part of the positive labels times pos_weight."""
    labels, logits = ops.convert_to_tensor(labels), ops.convert_to_tensor(logits)
    return labels * ops.softplus(-logits) * pos_weight + (1 - labels) * ops.softplus(logits)


def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
    """exp(log_input) - log_input * targets."""
    if compute_full_loss:
        raise NotImplementedError("tf.nn.log_poisson_loss: expected compute_full_loss=False, received True")
    return ops.exp(log_input) - log_input * targets


def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None):
    """The sum of the losses of a batch's examples over the batch's size."""
    loss = ops.convert_to_tensor(per_example_loss)
    if sample_weight is not None:
        loss = loss * sample_weight
    return ops.sum(loss) / ops.cast(loss.shape[0] if global_batch_size is None else global_batch_size, loss.dtype)


def scale_regularization_loss(regularization_loss):
    """The sum of the losses: there is one replica."""
    return ops.sum(ops.convert_to_tensor(regularization_loss))


# ------------------------------------------------------------------ windows
def _channels_first(data_format) -> bool:
    return data_format is not None and data_format.startswith("NC")


def _layout(data_format, what):
    if data_format is not None and data_format not in ("NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW"):
        raise ValueError(f"tf.nn.{what}: expected data_format such as 'NHWC' or 'NCHW', received {data_format!r}")
    return "channels_first" if _channels_first(data_format) else "channels_last"


def _space(value, rank, data_format):
    """A number for each axis of space from one number, one for each, or one for each axis of the tensor."""
    if value is None or isinstance(value, int):
        return value
    value = [int(v) for v in value]
    if len(value) == rank + 2:
        value = value[2:] if _channels_first(data_format) else value[1:-1]
    return value[0] if len(value) == 1 else tuple(value)


def _convolved(f, input, filters, strides, padding, data_format, dilations, what):
    rank = len(filters.shape) - 2
    input, before = _padded(input, padding, data_format)
    return f(input, filters, _space(strides, rank, data_format) or 1, before, _layout(data_format, what),
             _space(dilations, rank, data_format) or 1)


def _padded(input, padding, data_format):
    """Explicit amounts, a pair for each axis, are put around the input."""
    if isinstance(padding, str):
        return input, padding.lower()
    return ops.pad(input, [tuple(p) for p in padding]), "valid"


def convolution(input, filters, strides=None, padding="VALID", data_format=None, dilations=None, name=None):
    """The convolution of (batch, space ..., channels) by filters (taps ..., channels / groups, filters)."""
    filters = ops.convert_to_tensor(filters)
    return _convolved(ops.conv, input, filters, strides, padding, data_format, dilations, "convolution")


def conv1d(input, filters, stride, padding, data_format="NWC", dilations=None, name=None):
    """See `convolution`."""
    return convolution(input, filters, stride, padding, data_format, dilations)


def conv2d(input, filters, strides, padding, data_format="NHWC", dilations=None, name=None):
    """See `convolution`."""
    return convolution(input, filters, strides, padding, data_format, dilations)


def conv3d(input, filters, strides, padding, data_format="NDHWC", dilations=None, name=None):
    """See `convolution`."""
    return convolution(input, filters, strides, padding, data_format, dilations)


def depthwise_conv2d(input, filter, strides, padding, data_format=None, dilations=None, name=None):
    """Each channel convolved by itself, with filters (height, width, channels, multiplier)."""
    filter = ops.convert_to_tensor(filter)
    return _convolved(ops.depthwise_conv, input, filter, strides, padding, data_format, dilations, "depthwise_conv2d")


def separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, data_format=None, dilations=None,
                     name=None):
    """A depthwise convolution, then one of single places."""
    x = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return convolution(x, pointwise_filter, 1, "VALID", data_format)


def conv2d_transpose(input, filters, output_shape, strides, padding="SAME", data_format="NHWC", dilations=None,
                     name=None):
    """The gradient of a convolution by its input: filters (height, width, channels out, channels in)."""
    filters = ops.convert_to_tensor(filters)
    stride, taps = _space(strides, 2, data_format), filters.shape[:2]
    stride = (stride, stride) if isinstance(stride, int) else stride
    space = _space(output_shape, 2, data_format)
    sizes = ops.shape(input)[2:] if _channels_first(data_format) else ops.shape(input)[1:-1]
    usual = [n * s if padding.upper() == "SAME" else (n - 1) * s + max(t, s) for n, s, t in zip(sizes, stride, taps)]
    margin = [t // 2 * 2 if padding.upper() == "SAME" else 0 for t in taps]
    extra = None if list(space) == usual else tuple(
        n - ((size - 1) * s + t - m) for n, size, s, t, m in zip(space, sizes, stride, taps, margin))
    return ops.conv_transpose(input, filters, stride, padding.lower(), extra, _layout(data_format, "conv2d_transpose"),
                              _space(dilations, 2, data_format) or 1)


def _pooled(f, input, ksize, strides, padding, data_format, what):
    rank = len(input.shape) - 2
    return f(input, _space(ksize, rank, data_format), _space(strides, rank, data_format), padding.lower(),
             _layout(data_format, what))


def max_pool(input, ksize, strides, padding, data_format=None, name=None):
    """The largest element of each window."""
    return _pooled(ops.max_pool, input, ksize, strides, padding, data_format, "max_pool")


def avg_pool(input, ksize, strides, padding, data_format=None, name=None):
    """The mean of each window."""
    return _pooled(ops.average_pool, input, ksize, strides, padding, data_format, "avg_pool")


max_pool2d = max_pool1d = max_pool3d = max_pool
avg_pool2d = avg_pool1d = avg_pool3d = avg_pool


def atrous_conv2d(value, filters, rate, padding, name=None):
    """A convolution whose taps are `rate` apart."""
    return convolution(value, filters, 1, padding, None, rate)


def local_response_normalization(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None):
    """Each element divided by (bias + alpha sum of squares of the depth_radius channels to each side) ** beta."""
    x, r = ops.convert_to_tensor(input), int(depth_radius)
    squares = ops.pad(ops.square(x), [(0, 0)] * (len(x.shape) - 1) + [(r, r)])
    total = sum(squares[..., i:i + x.shape[-1]] for i in range(2 * r + 1))
    return x / (bias + alpha * total) ** beta


lrn = local_response_normalization


def ctc_loss(labels, logits, label_length, logit_length, logits_time_major=True, unique=None, blank_index=None,
             name=None):
    """The losses [batch] of labels [batch, length]; blank_index: the class that is the blank, 0 by default."""
    logits = ops.swapaxes(logits, 0, 1) if logits_time_major else logits
    return ops.ctc_loss(labels, logits, label_length, logit_length, (blank_index or 0) % logits.shape[-1])


def ctc_greedy_decoder(inputs, sequence_length, merge_repeated=True, blank_index=None):
    """([a SparseTensor of labels], minus the sums of the best logits [batch, 1]) of inputs [time, batch, classes]."""
    last = inputs.shape[-1] - 1 if blank_index is None else blank_index
    labels, scores = ops.ctc_decode(ops.swapaxes(inputs, 0, 1), sequence_length, "greedy",
                                    merge_repeated=merge_repeated, mask_index=last)
    return [_labels(labels[0])], scores


def ctc_beam_search_decoder(inputs, sequence_length, beam_width=100, top_paths=1):
    """(top_paths SparseTensors of labels, log-probabilities [batch, top_paths]); the last class is the blank."""
    labels, scores = ops.ctc_decode(ops.swapaxes(inputs, 0, 1), sequence_length, "beam_search", beam_width, top_paths,
                                    mask_index=inputs.shape[-1] - 1)
    return [_labels(x) for x in labels], scores


def _labels(labels):
    """The labels of each sample, without what fills them up, as int64."""
    labels = labels.numpy()
    places = np.argwhere(labels >= 0)
    return SparseTensor(places, Tensor(labels[labels >= 0].astype("int64")),
                        (len(labels), int((labels >= 0).sum(1).max(initial=0))))


def depth_to_space(input, block_size, data_format="NHWC", name=None):
    """Blocks of channels as blocks of space."""
    return ops.depth_to_space(input, block_size, _layout(data_format, "depth_to_space"))


def space_to_depth(input, block_size, data_format="NHWC", name=None):
    """Blocks of space as blocks of channels."""
    return ops.space_to_depth(input, block_size, _layout(data_format, "space_to_depth"))


def __getattr__(name):
    raise missing(__name__, name, __all__)
