"""Patterns for activations, means, normalisations and rows of tables."""
from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from kgraph import activations, ops
from kgraph.compiler.ir import TensorType
from kgraph.compiler.prims.rules import apply
from kgraph.onnx.to_onnx.matching import PATTERNS, Pattern, by_form, made_by, traced
from kgraph.onnx.to_onnx.reduce import reduce
from kgraph.onnx.to_onnx.window import channels_first, conv, pool

__all__ = ["PATTERNS"]


# --- activations: functions of one tensor, and of numbers that become attributes --------------------------------------

_remembered = functools.lru_cache(256)(traced)


def _activation(kind, function, root, *numbers, since=17, **attributes):
    def candidates(op, makers):
        if op.outputs[0].dtype == "float32":  # ONNX Runtime has not all of them for others
            yield function, [op.outputs[0].type], attributes

    def write(g, op, x, **attributes):
        return g.elementwise([x], lambda name: g.node(kind, name, **attributes))
    return Pattern((root,), by_form(candidates, numbers, _remembered), write, since)


def _clipped(function):
    """Between 0 and 6. What is no number stays none, where relu(max_value=6) has 0."""
    def write(g, op, x):
        return g.elementwise([x], lambda name: g.node("Clip", name, g.scalar(0, x.dtype), g.scalar(6, x.dtype)))
    return replace(_activation("Clip", function, "minimum"), write=write)


ACTIVATIONS = [
    _activation("Gelu", activations.gelu, "multiply", since=20, approximate="none"),
    _activation("Gelu", lambda x: activations.gelu(x, approximate=True), "multiply", since=20, approximate="tanh"),
    _activation("Relu", activations.relu, "maximum"),
    _clipped(activations.relu6), _clipped(lambda x: activations.relu(x, max_value=6.0)),
    _activation("LeakyRelu", activations.leaky_relu, "where", "alpha"),
    _activation("Elu", activations.elu, "where", "alpha"),
    _activation("Selu", activations.selu, "multiply", alpha=1.6732632423543772, gamma=1.0507009873554805),
    _activation("Softplus", activations.softplus, "add"),
    _activation("Softsign", activations.softsign, "divide"),
    _activation("HardSigmoid", activations.hard_sigmoid, "multiply", alpha=1 / 6, beta=0.5),
    _activation("HardSwish", activations.hard_silu, "multiply"),
    _activation("Mish", activations.mish, "multiply", since=18),
]


# --- means ------------------------------------------------------------------------------------------------------------

def _means(op, makers):
    kept = made_by(op.inputs[0], makers, "reshape")
    made = made_by(op.inputs[0] if kept is None else kept.inputs[0], makers, "sum")
    axes = made.params["axes"] if made is not None else ()
    if axes and all(isinstance(made.inputs[0].shape[a], int) for a in axes):  # ONNX leaves the mean of none open
        mean = lambda x: ops.mean(x, axis=axes, keepdims=kept is not None)
        yield mean, [made.inputs[0].type], {"axes": axes, "keepdims": kept is not None}


def _write_mean(g, op, x, axes, keepdims):
    held = reduce(g, "ReduceMean", x, axes)
    return held.relabelled([a for a in range(x.ndim) if a not in axes], x.ndim) if keepdims else held


def _pools(op, makers):
    made = made_by(op.inputs[0], makers, "sum_pool")
    if made is None or any(not isinstance(n, int) or n >= m for pads, m in zip(
            made.params["padding"], made.params["window"]) for n in pads):
        return  # ONNX Runtime wants less padding than window
    p = made.params
    for padding in ("same",) if any(map(any, p["padding"])) else ("valid", "same"):
        mean = lambda x, padding=padding: ops.average_pool(x, p["window"], p["strides"], padding)
        yield mean, [made.inputs[0].type], {"made": made}


def _write_pool(g, op, x, made):
    return g.tensor(pool(g, made, "AveragePool", 0), op.outputs[0].shape, channels_first(x.ndim))


# --- normalisations ---------------------------------------------------------------------------------------------------

def _batch_norms(op, makers):
    """mean, variance and whichever of scale and offset there are, on the last axis or on that after the batch."""
    x = op.outputs[0]
    if made_by(op.inputs[0], makers, "multiply") is None or made_by(op.inputs[1], makers, "broadcast") is None:
        return
    for axis in dict.fromkeys((x.ndim - 1, 1)) if x.ndim > 1 else ():
        if isinstance(x.shape[axis], int):
            for parts in (("scale", "offset"), ("scale",), ("offset",), ()):
                yield (_batch_norm(axis, parts), [x.type, *[TensorType((x.shape[axis],), x.dtype)] * (2 + len(parts))],
                       {"axis": axis, "parts": parts})


def _batch_norm(axis, parts):
    def function(x, mean, variance, *rest):
        given = dict(zip(parts, rest))
        return ops.batch_normalization(x, mean, variance, axis, given.get("offset"), given.get("scale"), rest[-1])
    return function


def _write_batch_norm(g, op, x, mean, variance, *rest, axis, parts, epsilon):
    given, count = dict(zip(parts, rest)), x.shape[axis]
    part = lambda name, value: g.whole(given[name]) if name in given else g.constant(np.full(count, value, x.dtype))
    order = (0, axis, *(a for a in range(1, x.ndim) if a != axis))
    name = g.node("BatchNormalization", g.whole(x, order), part("scale", 1), part("offset", 0), g.whole(mean),
                  g.whole(variance), epsilon=epsilon)
    return g.tensor(name, x.shape, order)


def _layer_norms(op, makers):
    inner, parts = op, []
    for root, name in (("add", "offset"), ("multiply", "scale")):
        if inner is not None and inner.prim.name == root:
            inner, parts = makers.get(inner.inputs[0]), [name, *parts]
    if inner is None or inner.prim.name != "standardize" or not parts:
        return
    x, axes = inner.inputs[0], inner.params["axes"]
    sizes = tuple(x.shape[a] for a in axes)
    if axes != tuple(range(x.ndim - len(axes), x.ndim)) or not all(isinstance(n, int) for n in sizes):
        return

    def function(x, *rest):
        y, given = apply("standardize", x, **inner.params), dict(zip(parts, rest))
        wide = lambda v: ops.reshape(v, (1,) * (x.ndim - len(axes)) + sizes)
        y = y * wide(given["scale"]) if "scale" in given else y
        return y + wide(given["offset"]) if "offset" in given else y
    more = {"axis": axes[0], "epsilon": inner.params["epsilon"], "parts": parts}
    yield function, [x.type, *[TensorType(sizes, x.dtype)] * len(parts)], more


def _write_layer_norm(g, op, x, *rest, axis, epsilon, parts):
    given = {name: g.whole(v) for name, v in zip(parts, rest)}
    scale = given.get("scale") or g.constant(np.ones(x.shape[axis:], x.dtype))
    offset = [given["offset"]] if "offset" in given else []
    return g.tensor(g.node("LayerNormalization", g.whole(x), scale, *offset, axis=axis, epsilon=epsilon), x.shape)


# --- rows of a table --------------------------------------------------------------------------------------------------

def _rows(op, makers):
    """A row number below 0 counts from the end, for Gather as for ops.take."""
    where = made_by(op.inputs[1], makers, "where")
    if where is not None:
        yield lambda x, i: ops.take(x, i, axis=0), [op.inputs[0].type, op.inputs[1].type], {}


def _write_rows(g, op, x, indices):
    return g.tensor(g.node("Gather", g.whole(x), g.whole(indices), axis=0), op.outputs[0].shape)


# --- convolutions with a bias -----------------------------------------------------------------------------------------

def _biased(op, makers, graph):
    made, wide = made_by(op.inputs[0], makers, "conv"), made_by(op.inputs[1], makers, "broadcast")
    if made is None or wide is None or wide.params["axes"] != (op.outputs[0].ndim - 1,):
        return None
    bias = wide.inputs[0]
    return ((*made.inputs, bias), {"made": made}) if bias.shape == op.outputs[0].shape[-1:] else None


PATTERNS += [
    Pattern(("add",), _biased, lambda g, op, x, w, bias, made: conv(g, made, bias)),
    *ACTIVATIONS,
    Pattern(("multiply", "divide"), by_form(_means), _write_mean),
    Pattern(("multiply", "divide"), by_form(_pools), _write_pool),
    Pattern(("add",), by_form(_batch_norms, ("epsilon",)), _write_batch_norm),
    Pattern(("add", "multiply"), by_form(_layer_norms), _write_layer_norm),
    Pattern(("take",), by_form(_rows), _write_rows),
]
