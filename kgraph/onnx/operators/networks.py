"""Products, softmax and losses."""
from __future__ import annotations

from kgraph import ops
from kgraph.compiler.dims import size_of
from kgraph.onnx.registry import onnx_op


@onnx_op("MatMul", since=1)
def matmul(a, b):
    return ops.cast(ops.matmul(a, b), a.dtype)


@onnx_op("Gemm", since=1)
def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0, broadcast=1):
    y = ops.matmul(ops.transpose(a) if transA else a, ops.transpose(b) if transB else b)
    y = _scaled(y, alpha)
    return y if c is None else ops.add(y, _scaled(c, beta))


def _scaled(x, factor):
    return x if factor == 1 else ops.cast(ops.multiply(x, factor), x.dtype)


@onnx_op("Einsum", since=12)
def einsum(*xs, equation):
    return ops.einsum(equation.replace(" ", ""), *xs)


@onnx_op("Det", since=11)
def det(x):
    return ops.det(x)


# ------------------------------------------------------------------ softmax and its kin
def _over_axis(name, f):
    def along(x, *, axis=-1):
        return f(x, axis)

    def over_rest(x, *, axis=1):
        """Before version 13: over all axes from that one on."""
        axis = axis % len(x.shape)
        flat = ops.reshape(x, (size_of(tuple(x.shape[:axis])), size_of(tuple(x.shape[axis:]))))
        return ops.reshape(f(flat, -1), x.shape)
    onnx_op(name, since=13)(along)
    onnx_op(name, since=1)(over_rest)


def _hardmax(x, axis):
    """1 at the first of the largest elements."""
    places = ops.argmax(x, axis)
    return ops.one_hot(places, x.shape[axis], axis=axis, dtype=x.dtype)


_over_axis("Softmax", ops.softmax)
_over_axis("LogSoftmax", ops.log_softmax)
_over_axis("Hardmax", _hardmax)


# ------------------------------------------------------------------ losses
@onnx_op("NegativeLogLikelihoodLoss", since=12)
def negative_log_likelihood(x, target, weight=None, *, ignore_index=None, reduction="mean"):
    """-weight[target] * x[target] for x [n, classes, ...]; "mean" is by the sum of the weights."""
    counted = None if ignore_index is None else ops.not_equal(target, ignore_index)
    place = target if counted is None else ops.where(counted, target, ops.zeros_like(target))
    loss = -ops.squeeze(ops.take_along_axis(x, ops.expand_dims(place, 1), 1), 1)
    weights = ops.ones_like(loss) if weight is None else ops.take(weight, place)
    if counted is not None:
        weights = ops.where(counted, weights, ops.zeros_like(weights))
    loss = loss * weights
    if reduction == "none":
        return loss
    return ops.sum(loss) if reduction == "sum" else ops.divide(ops.sum(loss), ops.sum(weights))


@onnx_op("SoftmaxCrossEntropyLoss", since=12)
def softmax_cross_entropy(scores, labels, weights=None, *, ignore_index=None, reduction="mean"):
    log_prob = ops.log_softmax(scores, 1)
    return negative_log_likelihood(log_prob, labels, weights, ignore_index=ignore_index, reduction=reduction), log_prob
