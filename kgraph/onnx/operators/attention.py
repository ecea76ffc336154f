"""Attention, with groups of heads, caches, masks and windows; rotary embeddings."""
from __future__ import annotations

import math

import numpy as np

from kgraph import ops
from kgraph.onnx.registry import Fixed, onnx_op


def _heads(x, count):
    """[batch, length, heads * size] as [batch, heads, length, size]."""
    if len(x.shape) == 4:
        return x
    if not count:
        raise ValueError("Attention: expected q_num_heads and kv_num_heads for inputs of three axes")
    n, length, size = x.shape
    return ops.swapaxes(ops.reshape(x, (n, length, count, size // count)), 1, 2)


def _joined(past, x):
    return x if past is None else ops.concatenate([past, x], 2)


@onnx_op("Attention", since=23)
def attention(q, k, v, mask: Fixed = None, past_key=None, past_value=None, lengths=None, *, is_causal=0,
              kv_num_heads=None, left_window_size=-1, q_num_heads=None, qk_matmul_output_mode=0, right_window_size=-1,
              scale=None, softcap=0.0, softmax_precision=None, n_outputs):
    """softmax(scale q k' + bias) v (Vaswani et al., 2017). lengths: of the keys that count, for each batch.

    A query at place i is the (i + offset)th: offset keys are in the cache. A row without a key that counts gives 0.
    """
    flat = len(q.shape) == 3
    q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    keys, values = _joined(past_key, k), _joined(past_value, v)
    k, v = (x if q.shape[1] == x.shape[1] else ops.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (keys, values))
    root = math.sqrt(scale or 1 / math.sqrt(q.shape[-1]))
    raw = scores = ops.matmul(q * root, ops.swapaxes(k, 2, 3) * root)
    if softcap:
        scores = ops.tanh(scores / softcap) * softcap
    offset = 0 if past_key is None else past_key.shape[2]
    if lengths is not None:
        lengths = ops.reshape(ops.cast(lengths, "int64"), (-1, 1, 1, 1))
        offset = lengths - ops.convert_to_tensor(q.shape[2], "int64")
    bias = _bias(q, k, mask, offset, lengths, is_causal, left_window_size, right_window_size)
    biased = scores if bias is None else scores + bias
    weights = _weights(scores, bias)
    y = ops.matmul(weights, v)
    if flat:
        y = ops.swapaxes(y, 1, 2)
        y = ops.reshape(y, (y.shape[0], y.shape[1], y.shape[2] * y.shape[3]))
    told = (raw if not softcap else scores, scores, biased, weights)[qk_matmul_output_mode]
    return [y, keys, values, told][:n_outputs]


def _weights(scores, bias):
    if bias is None:
        return ops.softmax(scores, -1)
    empty = ops.equal(ops.max(bias, -1, True), -np.inf)
    weights = ops.softmax(scores + ops.where(empty, 0.0, bias), -1)
    return ops.where(empty, 0.0, weights)


def _bias(q, k, mask, offset, lengths, causal, left, right):
    """What is added to the scores: -inf for what must not be seen; None where all is seen."""
    allowed = _seen(q, k, offset, lengths, causal, left, right)
    if mask is not None:
        missing = k.shape[2] - mask.shape[-1] if isinstance(k.shape[2], int) else 0
        none = False if mask.dtype == "bool" else -np.inf
        if missing:
            mask = ops.where(_row(ops.arange(k.shape[2]) < mask.shape[-1]), _padded(mask, missing), none)
        if mask.dtype == "bool":
            allowed = mask if allowed is None else ops.logical_and(allowed, mask)
            mask = None
    if allowed is None:
        return mask
    bias = ops.where(allowed, ops.zeros((), q.dtype) if mask is None else mask, -np.inf)
    return ops.cast(bias, q.dtype)


def _padded(mask, missing):
    widths = [(0, 0)] * (len(mask.shape) - 1) + [(0, missing)]
    if mask.dtype != "bool":
        return ops.pad(mask, widths)
    return ops.cast(ops.pad(ops.cast(mask, "uint8"), widths), "bool")


def _row(x):
    return ops.reshape(x, (1, -1))


def _seen(q, k, offset, lengths, causal, left, right):
    if not causal and left < 0 and right < 0 and lengths is None:
        return None
    place = ops.reshape(ops.arange(q.shape[2], dtype="int64"), (-1, 1)) + offset
    key = _row(ops.arange(k.shape[2], dtype="int64"))
    tests = [(causal, lambda: key <= place), (left >= 0, lambda: place - key <= left),
             (right >= 0, lambda: key - place <= right), (lengths is not None, lambda: key < lengths)]
    allowed = None
    for wanted, test in tests:
        if wanted:
            allowed = test() if allowed is None else ops.logical_and(allowed, test())
    return allowed


@onnx_op("RotaryEmbedding", since=23)
def rotary_embedding(x, cos: Fixed, sin: Fixed, positions=None, *, interleaved=0, num_heads=None,
                     rotary_embedding_dim=0):
    """Pairs of features turned by angles that grow with the position (Su et al., "RoFormer", 2021)."""
    shape = x.shape
    if len(shape) == 3:
        x = ops.reshape(x, (shape[0], shape[1], num_heads, shape[2] // num_heads))
    else:
        x = ops.swapaxes(x, 1, 2)
    size = rotary_embedding_dim or x.shape[-1]
    turned, kept = ops.get_item(x, (Ellipsis, slice(0, size))), ops.get_item(x, (Ellipsis, slice(size, None)))
    if positions is not None:
        cos, sin = ops.take(cos, positions, 0), ops.take(sin, positions, 0)
    cos, sin = ops.expand_dims(cos, -2), ops.expand_dims(sin, -2)
    if interleaved:
        a, b = (ops.get_item(turned, (Ellipsis, slice(i, None, 2))) for i in range(2))
    else:
        a, b = ops.split(turned, 2, -1)
    real, imaginary = cos * a - sin * b, sin * a + cos * b
    if interleaved:
        y = ops.reshape(ops.stack([real, imaginary], -1), turned.shape)
    else:
        y = ops.concatenate([real, imaginary], -1)
    y = y if size == x.shape[-1] else ops.concatenate([y, kept], -1)
    return ops.reshape(y, shape) if len(shape) == 3 else ops.swapaxes(y, 1, 2)
