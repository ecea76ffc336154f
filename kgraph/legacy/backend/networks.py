"""Activations, losses, convolutions, recurrence, with the argument names of Keras 2."""
from __future__ import annotations

import math

import numpy as np

from kgraph import ops, random, tree
from kgraph.config import epsilon, image_data_format

__all__ = ["batch_normalization", "bias_add", "binary_crossentropy", "binary_focal_crossentropy",
           "categorical_crossentropy", "categorical_focal_crossentropy", "conv1d", "conv2d",
           "conv2d_transpose", "conv3d", "conv3d_transpose", "ctc_batch_cost", "ctc_decode",
           "ctc_label_dense_to_sparse", "depthwise_conv2d", "dropout", "elu", "hard_sigmoid", "in_top_k",
           "normalize_batch_in_training", "pool2d", "pool3d", "relu", "resize_images", "resize_volumes", "rnn",
           "separable_conv1d", "separable_conv2d", "sigmoid", "softmax", "softplus", "softsign",
           "sparse_categorical_crossentropy", "spatial_2d_padding", "spatial_3d_padding", "tanh", "temporal_padding"]

sigmoid, softplus, softsign, tanh = ops.sigmoid, ops.softplus, ops.softsign, ops.tanh
elu, softmax = ops.elu, ops.softmax


# ------------------------------------------------------------------ activations and losses
def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """x above the threshold (at most max_value), alpha * (x - threshold) below it."""
    below = alpha * (x - threshold)
    above = x if max_value is None else ops.minimum(x, max_value)
    return ops.where(x >= threshold, above, below) if threshold or alpha else ops.maximum(above, 0)


def hard_sigmoid(x):
    """0.2 x + 0.5 between 0 and 1, which Keras 2 meant; kgraph.ops has Keras 3's x / 6 + 0.5."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    return ops.categorical_crossentropy(target, output, from_logits, axis)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    return ops.sparse_categorical_crossentropy(target, output, from_logits, axis)


def binary_crossentropy(target, output, from_logits=False):
    return ops.binary_crossentropy(target, output, from_logits)


def binary_focal_crossentropy(target, output, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False):
    """binary_crossentropy times (1 - the probability of the target) ** gamma; with balancing, alpha for ones."""
    target, output = ops.convert_to_tensor(target), ops.convert_to_tensor(output)
    p = ops.sigmoid(output) if from_logits else output
    found = (1 - (target * p + (1 - target) * (1 - p))) ** gamma * binary_crossentropy(target, output, from_logits)
    return (target * alpha + (1 - target) * (1 - alpha)) * found if apply_class_balancing else found


def categorical_focal_crossentropy(target, output, alpha=0.25, gamma=2.0, from_logits=False, axis=-1):
    """alpha (1 - p) ** gamma times the crossentropy of each class, added up along axis."""
    output = ops.softmax(output, axis) if from_logits else ops.convert_to_tensor(output)
    p = ops.clip(output / ops.sum(output, axis, True), epsilon(), 1 - epsilon())
    return ops.sum(alpha * (1 - p) ** gamma * -target * ops.log(p), axis)


def in_top_k(predictions, targets, k):
    return ops.in_top_k(targets, predictions, k)


def dropout(x, level, noise_shape=None, seed=None):
    """x with a share `level` of its elements set to 0, the others enlarged."""
    return random.dropout(x, level, noise_shape, seed)


# ------------------------------------------------------------------ normalization, bias
def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


def normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """(x normalized by its own mean and variance over some axes, mean, variance)."""
    mean, variance = ops.moments(x, tuple(reduction_axes), keepdims=True)
    kept = [n if i not in reduction_axes else 1 for i, n in enumerate(ops.shape(x))]
    y = (x - mean) * ops.rsqrt(variance + epsilon)
    y = y if gamma is None else y * ops.reshape(gamma, kept)
    y = y if beta is None else y + ops.reshape(beta, kept)
    return y, ops.squeeze(mean, tuple(reduction_axes)), ops.squeeze(variance, tuple(reduction_axes))


def bias_add(x, bias, data_format=None):
    """x plus a bias for each channel."""
    if (data_format or image_data_format()) == "channels_first" and len(ops.shape(x)) > 2:
        bias = ops.reshape(bias, (-1,) + (1,) * (len(ops.shape(x)) - 2))
    return x + bias


# ------------------------------------------------------------------ convolutions and pooling
def _conv(rank):
    def conv(x, kernel, strides=(1,) * rank, padding="valid", data_format=None, dilation_rate=(1,) * rank):
        return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)
    conv.__name__ = f"conv{rank}d"
    conv.__doc__ = f"A convolution over {rank} space axes, with a kernel [*sizes, channels, filters]."
    return conv


conv1d, conv2d, conv3d = map(_conv, (1, 2, 3))


def _conv_transpose(rank):
    def conv_transpose(x, kernel, output_shape, strides=(1,) * rank, padding="valid", data_format=None,
                       dilation_rate=(1,) * rank):
        return ops.conv_transpose(x, kernel, strides, padding, None, data_format, dilation_rate)
    conv_transpose.__name__ = f"conv{rank}d_transpose"
    conv_transpose.__doc__ = f"A transposed convolution over {rank} space axes; the sizes follow from the padding."
    return conv_transpose


conv2d_transpose, conv3d_transpose = map(_conv_transpose, (2, 3))


def depthwise_conv2d(x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv1d(x, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None,
                     dilation_rate=1):
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(x, depthwise_kernel, pointwise_kernel, strides=(1, 1), padding="valid", data_format=None,
                     dilation_rate=(1, 1)):
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def _pool(x, pool_size, strides, padding, data_format, pool_mode):
    if pool_mode not in ("max", "avg"):
        raise ValueError(f"pool: expected pool_mode 'max' or 'avg', received {pool_mode!r}")
    function = ops.max_pool if pool_mode == "max" else ops.average_pool
    return function(x, pool_size, strides, padding, data_format)


def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(x, pool_size, strides=(1, 1, 1), padding="valid", data_format=None, pool_mode="max"):
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def _space(x, data_format) -> range:
    rank = len(ops.shape(x))
    return range(2, rank) if (data_format or image_data_format()) == "channels_first" else range(1, rank - 1)


def _padded(x, padding, data_format):
    widths = [(0, 0)] * len(ops.shape(x))
    for axis, width in zip(_space(x, data_format), padding):
        widths[axis] = tuple(width)
    return ops.pad(x, widths)


def temporal_padding(x, padding=(1, 1)):
    """Zeros before and after the steps of [batch, steps, features]."""
    return _padded(x, [padding], "channels_last")


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Zeros around images."""
    return _padded(x, padding, data_format)


def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Zeros around volumes."""
    return _padded(x, padding, data_format)


def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Images enlarged by whole factors."""
    rows, columns = _space(x, data_format)
    size = ops.shape(x)[rows] * height_factor, ops.shape(x)[columns] * width_factor
    return ops.image.resize(x, size, interpolation, data_format=data_format)


def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Volumes enlarged by whole factors: each element is repeated."""
    for axis, factor in zip(_space(x, data_format), (depth_factor, height_factor, width_factor)):
        x = ops.repeat(x, factor, axis=axis)
    return x


# ------------------------------------------------------------------ recurrence
def rnn(step_function, inputs, initial_states, go_backwards=False, mask=None, constants=None, unroll=False,
        input_length=None, time_major=False, zero_output_for_mask=False):
    """Run step_function(x, states) -> (output, new states) along the steps of inputs [batch, steps, ...].

    mask  [batch, steps]: where it is False, states stay and the output before is repeated (or 0, if so asked)
    constants  are appended to the states that the function gets
    Returns (last output, outputs [batch, steps, ...], last states).
    """
    swap = lambda x: x if time_major else ops.swapaxes(x, 0, 1)
    xs = tree.map_structure(swap, inputs)
    states, constants = list(initial_states), list(constants or ())
    xs = tree.map_structure(lambda x: ops.flip(x, 0), xs) if go_backwards else xs
    first = tree.map_structure(lambda x: x[0], xs)
    example = step_function(first, [*states, *constants])[0]

    def step(carry, given):
        (before, states), (x, keep) = carry, given
        output, new = step_function(x, [*states, *constants])
        if keep is not None:
            wide = lambda v: ops.reshape(keep, (-1,) + (1,) * (len(ops.shape(v)) - 1))
            new = [ops.where(wide(n), n, s) for n, s in zip(new, states)]
            output = ops.where(wide(output), output, ops.zeros_like(output) if zero_output_for_mask else before)
        return (output, list(new)), output

    keep = None
    if mask is not None:
        keep = swap(ops.cast(mask, "bool"))
        keep = ops.squeeze(keep, -1) if len(ops.shape(keep)) == 3 else keep
        keep = ops.flip(keep, 0) if go_backwards else keep
    (last, states), outputs = ops.scan(step, (ops.zeros_like(example), states), (xs, keep), unroll=unroll)
    return last, swap(outputs), states


# ------------------------------------------------------------------ labels without times
def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """Connectionist temporal classification of probabilities, [batch, 1]. The last class is the blank.

    y_true [batch, labels]; y_pred [batch, steps, classes], probabilities; lengths [batch, 1]
    """
    flat = lambda length: ops.reshape(ops.cast(length, "int32"), (-1,))
    blank = y_pred.shape[-1] - 1
    loss = ops.ctc_loss(y_true, ops.log(y_pred + epsilon()), flat(label_length), flat(input_length), mask_index=blank)
    return ops.expand_dims(loss, 1)


def ctc_label_dense_to_sparse(labels, label_lengths):
    """The labels that count, one row after the other, as a vector. Not inside graphs."""
    labels, lengths = ops.convert_to_numpy(labels), ops.convert_to_numpy(label_lengths).ravel()
    return ops.convert_to_tensor(np.concatenate([row[:n] for row, n in zip(labels, lengths)]))


def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    """The likeliest labels of each row, by the best class of each step or by a beam search. Not inside graphs.

    Returns (top_paths times labels [batch, steps], -1 where a row is shorter; minus the log-probability of the path
    [batch, 1], of a beam search the log-probabilities [batch, top_paths]).
    """
    if not greedy:
        logits = ops.log(ops.convert_to_tensor(y_pred) + epsilon())
        paths, scores = ops.ctc_decode(logits, ops.ravel(input_length), "beam_search", beam_width, top_paths,
                                       mask_index=None)
        return [ops.cast(path, "int64") for path in paths], scores
    p, lengths = ops.convert_to_numpy(y_pred), ops.convert_to_numpy(input_length).ravel()
    blank, rows, scores = p.shape[-1] - 1, [], []
    for steps, n in zip(p, lengths):
        best = steps[:int(n)].argmax(-1)
        kept = best[np.diff(best, prepend=-1) != 0]
        rows.append(kept[kept != blank])
        scores.append(-math.fsum(np.log(steps[:int(n)].max(-1) + epsilon())))
    found = np.full(p.shape[:2], -1, "int64")
    for row, kept in zip(found, rows):
        row[:len(kept)] = kept
    return [ops.convert_to_tensor(found)], ops.convert_to_tensor(np.array(scores, p.dtype)[:, None])
