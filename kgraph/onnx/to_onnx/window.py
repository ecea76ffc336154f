"""Convolutions and pooling in ONNX, which has the channels before the space axes."""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.dims import maximum
from kgraph.compiler.prims.reduce import lowest
from kgraph.onnx.to_onnx.elementwise import cast
from kgraph.onnx.to_onnx.move import padded, sliced
from kgraph.onnx.to_onnx.table import rule


def channels_first(rank) -> tuple:
    return (0, rank - 1, *range(1, rank - 1))


def kernel_order(rank) -> tuple:
    """Of kernels [taps..., channels, filters]: filters, channels, taps."""
    return (rank - 1, rank - 2, *range(rank - 2))


def _fits(*amounts) -> bool:
    """Whether these amounts of padding are known, and none is negative."""
    return all(isinstance(n, int) and n >= 0 for n in amounts)


def within(g, x, padding, value, most) -> tuple:
    """(x with channels first, (lows, highs)): what Conv and pools do not pad themselves is padded, or cut off, before:
    negative amounts, those that are not known yet, and where `most` is given those of that and more."""
    rank = x.ndim
    name = g.whole(x, channels_first(rank))
    cut = [(i, maximum(-low, 0), maximum(-high, 0)) for i, (low, high) in enumerate(padding) if not _fits(low, high)]
    if cut:
        ends = [x.shape[1 + i] - high for i, _, high in cut]
        name = sliced(g, name, [low for _, low, _ in cut], ends, [2 + i for i, *_ in cut])
    lows, highs = ([maximum(p[k], 0) for p in padding] for k in (0, 1))
    if not _fits(*lows, *highs) or most is not None and any(n >= m for n, m in zip(lows + highs, (*most, *most))):
        name = padded(g, name, [0, 0, *lows, 0, 0, *highs], value, x.dtype)
        lows = highs = [0] * len(padding)
    return name, (lows, highs)


@rule("conv")
def conv(g, op, *bias):
    """bias: a value with one number for each filter, if there is one."""
    x, w = op.inputs
    p, order = op.params, channels_first(x.ndim)
    name, (lows, highs) = within(g, x, p["padding"], 0, None)
    kind = "Conv" if x.dtype == op.outputs[0].dtype else "ConvInteger"
    name = g.node(kind, name, g.whole(w, kernel_order(w.ndim)), *map(g.whole, bias), kernel_shape=w.shape[:-2],
                  strides=p["strides"], dilations=p["dilation"], pads=(*lows, *highs), group=p["groups"])
    return g.tensor(name, op.outputs[0].shape, order)


@rule("conv_data_grad")
def transposed_conv(g, op):
    """The places of the whole result of ConvTranspose that the convolution would read from."""
    x, w = op.inputs
    p, order, rank = op.params, channels_first(x.ndim), x.ndim - 2
    whole = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(x.shape[1:-1], p["strides"], w.shape, p["dilation"])]
    lows = [low for low, _ in p["padding"]]
    highs = [n - low - size for n, low, size in zip(whole, lows, p["size"])]  # what is left out at the end
    spare = (0,) * rank
    if all(isinstance(n, int) for n in highs) and min(lows) >= 0:
        spare = tuple(max(0, -n) for n in highs)
        fits = all(m < max(s, d) for m, s, d in zip(spare, p["strides"], p["dilation"]))
        pads = (*lows, *(max(0, n) for n in highs))
    else:
        fits = False
    attributes = {"kernel_shape": w.shape[:-2], "strides": p["strides"], "dilations": p["dilation"],
                  "group": p["groups"]}
    name, kernel = g.whole(x, order), g.whole(w, kernel_order(w.ndim))
    if fits:
        name = g.node("ConvTranspose", name, kernel, pads=pads, output_padding=spare, **attributes)
    else:
        name = _cut(g, g.node("ConvTranspose", name, kernel, **attributes), x.dtype, whole, lows, p["size"])
    return g.tensor(name, op.outputs[0].shape, order)


def _cut(g, name, dtype, whole, lows, sizes):
    """The places from low on, so many of them: zeros where there are none."""
    before = [max(0, -low) for low in lows]
    after = [maximum(low + size - n, 0) for n, low, size in zip(whole, lows, sizes)]
    name = padded(g, name, [0, 0, *before, 0, 0, *after], 0, dtype)
    starts = [max(0, low) for low in lows]
    return sliced(g, name, starts, [a + n for a, n in zip(starts, sizes)], range(2, 2 + len(lows)))


def pool(g, op, kind, value, **attributes):
    x, p = op.inputs[0], op.params
    name, (lows, highs) = within(g, x, p["padding"], value, p["window"])
    wide = kind == "MaxPool" and x.dtype not in ("float16", "float32", "float64")
    name = cast(g, name, "float64") if wide else name
    name = g.node(kind, name, kernel_shape=p["window"], strides=p["strides"], pads=(*lows, *highs), **attributes)
    return cast(g, name, x.dtype) if wide else name


@rule("max_pool")
def max_pool(g, op):
    x = op.inputs[0]
    return g.tensor(pool(g, op, "MaxPool", lowest(x.dtype)), op.outputs[0].shape, channels_first(x.ndim))


@rule("sum_pool")
def sum_pool(g, op):
    mean = pool(g, op, "AveragePool", 0, count_include_pad=1)
    count = g.constant(np.asarray(math.prod(op.params["window"]), op.inputs[0].dtype))
    return g.tensor(g.node("Mul", mean, count), op.outputs[0].shape, channels_first(op.inputs[0].ndim))
