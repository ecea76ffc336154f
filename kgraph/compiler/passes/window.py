"""lower_windows: convolutions in the form that kernels take.

- A convolution of one tap that moves by one is a product; so is its data gradient. (Its weight gradient sums over so
  many places that the kernel for convolutions is faster.)
  One that moves further reads some places, which are copied first; its data gradient has zeros between.
- So is one whose window covers the whole input, and its gradients; a pooling that does is a plain reduction.
- The data gradient reads a kernel whose channels and filters have changed places, so that what it makes is contiguous.
- The weight gradient is made by parts of the batch, then summed: threads share the parts, always in the same way.
- Where there are few places and many weights, a matrix of windows is made, so that weights are read once for all images
  rather than once for each: a product with it, and of it the weight gradient.
- Zeros around an input are places that a window skips: the padding of the convolution, and of its weight gradient.
"""
from __future__ import annotations

import math

from kgraph.compiler import dims
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.dtypes import REALS
from kgraph.compiler.prims.rules import apply
from kgraph.compiler.rewrite import rewrite

__all__ = ["is_winograd", "lower_windows"]

PARTS = ((1 << 17, 8), (1 << 13, 4), (0, 2))  # (least number of terms of a sum, parts)


# Channels and filters from which a convolution pays for the transforms of kgraph.kernels.winograd.
LEAST_CHANNELS = {"conv": 24, "conv_data_grad": 24, "conv_weight_grad": 16}
MOST_WEIGHTS = 1 << 19  # channels times filters: each thread holds 16 times as many numbers
# Places of an image up to which, and weights from which on, a matrix of windows pays: where windows move by one
# Winograd's way is better for more places. And the most elements of such a matrix.
FEW_PLACES, FEW_PLACES_FAR, MANY_WEIGHTS, MOST_ELEMENTS = 64, 256, 1 << 18, 1 << 20


def is_winograd(op: Op, near: Value, far: Value) -> bool:
    """Whether kgraph.kernels.winograd can do a convolution, and in less time."""
    params = op.params
    window = params.get("window") or op.inputs[1].shape[:-2]
    channels = [v.shape[-1] for v in (near, far)]
    return (near.dtype in REALS and tuple(window) == (3, 3)
            and {*params["strides"], *params["dilation"], params["groups"]} == {1}
            and all(isinstance(n, int) and n >= LEAST_CHANNELS[op.prim.name] for n in channels)
            and channels[0] * channels[1] <= MOST_WEIGHTS)


def _is_few(op, places, taps, channels, filters) -> bool:
    """Whether a matrix of windows pays: [places, taps * channels] times [taps * channels, filters]."""
    sizes = (*places, *taps, channels, filters)
    if not all(isinstance(n, int) for n in sizes) or op.params["groups"] != 1 or op.inputs[0].dtype not in REALS:
        return False
    still = {*op.params["strides"], *op.params["dilation"]} == {1}
    many = math.prod(taps) * channels * filters >= MANY_WEIGHTS
    small = math.prod(places) * math.prod(taps) * max(channels, filters) <= MOST_ELEMENTS
    return many and small and math.prod(places) <= (FEW_PLACES if still else FEW_PLACES_FAR)


def _is_pointwise(params, window) -> bool:
    ones = all(isinstance(n, int) and n == 1 for n in (*window, *params["strides"], params["groups"]))
    return ones and all(pair == (0, 0) for pair in params["padding"])


def _labels(rank):
    return tuple(range(rank + 1))


def _is_whole(params, size, window) -> bool:
    """Whether a window covers an input of that size, at one place."""
    return (tuple(size) == tuple(window) and all(isinstance(n, int) for n in size) and params.get("groups", 1) == 1
            and all(n == 1 for n in params.get("dilation", ())) and all(pair == (0, 0) for pair in params["padding"]))


def _sums(op) -> dict:
    """The param of a product that says what it is added up in."""
    return {"dtype": op.params["dtype"]} if "dtype" in op.params else {}


def zeros_around(t, op, inputs):
    before = t.made_by(inputs[0], "pad")
    if before is None or before.params["value"] != 0:
        return None
    amounts = list(zip(before.params["low"], before.params["high"], strict=True))
    if {amounts[0], amounts[-1]} != {(0, 0)} or not all(isinstance(n, int) and n >= 0 for p in amounts for n in p):
        return None
    padding = tuple((a + low, b + high) for (a, b), (low, high) in zip(op.params["padding"], amounts[1:-1]))
    return apply(op.prim.name, before.inputs[0], inputs[1], **{**op.params, "padding": padding})


def whole_conv(t, op, inputs):
    x, w = inputs
    if not _is_whole(op.params, x.shape[1:-1], w.shape[:-2]):
        return None
    terms = tuple(range(1, x.ndim))
    result = apply("contract", x, w, a_axes=(0, *terms), b_axes=(*terms, 90), out_axes=(0, 90), **_sums(op))
    return apply("reshape", result, shape=op.outputs[0].shape)


def whole_data_grad(t, op, inputs):
    ct, w = inputs
    if op.params.get("transposed") or not _is_whole(op.params, op.params["size"], w.shape[:-2]):
        return None
    terms = tuple(range(1, ct.ndim))
    rows = apply("reshape", ct, shape=(ct.shape[0], ct.shape[-1]))
    return apply("contract", rows, w, a_axes=(0, 90), b_axes=(*terms, 90), out_axes=(0, *terms))


def whole_weight_grad(t, op, inputs):
    x, ct = inputs
    if op.params.get("parts") or not _is_whole(op.params, x.shape[1:-1], op.params["window"]):
        return None
    terms = tuple(range(1, x.ndim))
    rows = apply("reshape", ct, shape=(ct.shape[0], ct.shape[-1]))
    return apply("contract", x, rows, a_axes=(0, *terms), b_axes=(0, 90), out_axes=(*terms, 90))


def whole_pool(t, op, inputs):
    (x,) = inputs
    if not _is_whole(op.params, x.shape[1:-1], op.params["window"]):
        return None
    reduce = {"max_pool": "max", "sum_pool": "sum"}[op.prim.name]
    return apply("reshape", apply(reduce, x, axes=tuple(range(1, x.ndim - 1))), shape=op.outputs[0].shape)


def pointwise_conv(t, op, inputs):
    x, w = inputs
    if not _is_pointwise(op.params, w.shape[:-2]):
        return None
    places = _labels(x.ndim - 2)
    matrix = apply("reshape", w, shape=w.shape[-2:])
    return apply("contract", x, matrix, a_axes=(*places, 90), b_axes=(90, 91), out_axes=(*places, 91), **_sums(op))


def strided_pointwise(t, op, inputs):
    """The places that are read, then a product."""
    x, w = inputs
    places = _places(op, x.shape, w.shape[:-2])
    return places and apply("conv", apply("slice", x, **places), w, **_still(op))


def _still(op) -> dict:
    """The params of a window that moves by one."""
    return {**op.params, "strides": (1,) * len(op.params["strides"])}


def _places(op, shape, window) -> dict | None:
    """The slice of an input, of that shape, that a window of one tap reads, if it moves further than by one."""
    strides, still = op.params["strides"], _still(op)
    known = all(isinstance(n, int) for n in shape[1:])
    if not known or not _is_pointwise(still, window) or strides == still["strides"]:
        return None
    return {"starts": (0,) * len(shape), "limits": tuple(shape), "strides": (1, *strides, 1)}


def strided_data_grad(t, op, inputs):
    """A product, then its places among zeros."""
    ct, w = inputs
    shape = (ct.shape[0], *op.params["size"], w.shape[-2])
    if op.params.get("transposed") or _places(op, shape, w.shape[:-2]) is None:
        return None
    made = apply("conv_data_grad", ct, w, **{**_still(op), "size": tuple(ct.shape[1:-1])})
    ones = (1,) * (len(shape) - 2)
    found = _windows(made, ones, op.params["size"], ones, ones, (0,) * len(ones), op.params["strides"])
    return apply("reshape", found, shape=shape)


def strided_weight_grad(t, op, inputs):
    """The places that are read, then the gradient of a product."""
    x, ct = inputs
    places = _places(op, x.shape, op.params["window"])
    return places and apply("conv_weight_grad", apply("slice", x, **places), ct, **_still(op))


def pointwise_weight_grad(t, op, inputs):
    """Of few places and many weights."""
    x, ct = inputs
    window, places = op.params["window"], _labels(len(op.params["window"]))
    if not _is_pointwise(op.params, window) or not _is_few(op, ct.shape[1:-1], window, x.shape[-1], ct.shape[-1]):
        return None
    product = apply("contract", x, ct, a_axes=(*places, 90), b_axes=(*places, 91), out_axes=(90, 91))
    return apply("reshape", product, shape=op.outputs[0].shape)


def pointwise_data_grad(t, op, inputs):
    ct, w = inputs
    if not _is_pointwise(op.params, w.shape[:-2]):
        return None
    places = _labels(ct.ndim - 2)
    matrix = apply("reshape", w, shape=w.shape[-2:])
    return apply("contract", ct, matrix, a_axes=(*places, 91), b_axes=(90, 91), out_axes=(*places, 90))


def transposed_kernel(t, op, inputs):
    ct, w = inputs
    if op.params.get("transposed"):
        return None
    *window, channels, filters = w.shape
    groups, rank = op.params["groups"], len(window)
    split = apply("reshape", w, shape=(*window, channels, groups, filters // groups))
    turned = apply("transpose", split, perm=(*range(rank), rank + 2, rank + 1, rank))
    turned = apply("reshape", turned, shape=(*window, filters // groups, groups * channels))
    return apply("conv_data_grad", ct, turned, **{**op.params, "transposed": True})


def parts_of_the_batch(t, op, inputs):
    if op.params.get("parts"):
        return None
    terms = dims.nominal(dims.size_of(inputs[1].shape[:-1]))
    parts = next(n for least, n in PARTS if terms >= least)
    return apply("sum", apply("conv_weight_grad", *inputs, **{**op.params, "parts": parts}), axes=(0,))


def few_places_conv(t, op, inputs):
    x, w = inputs
    if not _is_few(op, op.outputs[0].shape[1:-1], *_split(w)):
        return None
    rank = len(w.shape) - 2
    places, taps = _labels(rank), tuple(range(20, 20 + rank))
    return apply("contract", _matrix(op, x, w.shape[:-2], op.outputs[0].shape[1:-1]), w, a_axes=(*places, *taps, 90),
                 b_axes=(*taps, 90, 91), out_axes=(*places, 91))


def _split(w) -> tuple:
    """The taps, channels and filters of a kernel."""
    return w.shape[:-2], w.shape[-2], w.shape[-1]


def _matrix(op, x, window, outs):
    """The windows that a convolution reads."""
    p = op.params
    return _windows(x, window, outs, p["strides"], p["dilation"], tuple(pair[0] for pair in p["padding"]))


def _windows(x, window, outs, strides, steps, low, apart=None):
    return apply("windows", x, window=tuple(window), outs=tuple(outs), strides=tuple(strides), steps=tuple(steps),
                 low=tuple(low), apart=tuple(apart or (1,) * len(window)))


def few_places_data_grad(t, op, inputs):
    """Windows over the gradient, walked backwards."""
    ct, w = inputs
    size, p, rank = op.params["size"], op.params, len(w.shape) - 2
    taps, channels, filters = _split(w)
    if p.get("transposed") or {*p["strides"]} != {1} or not _is_few(op, size, taps, channels, filters):
        return None
    places, labels = _labels(rank), tuple(range(20, 20 + rank))
    read = _windows(ct, taps, size, p["strides"], [-d for d in p["dilation"]], [-low for low, _ in p["padding"]])
    return apply("contract", read, w, a_axes=(*places, *labels, 91), b_axes=(*labels, 90, 91), out_axes=(*places, 90))


def few_places_weight_grad(t, op, inputs):
    x, ct = inputs
    window = op.params["window"]
    if op.params.get("parts") or not _is_few(op, ct.shape[1:-1], window, x.shape[-1], ct.shape[-1]):
        return None
    places, taps = _labels(len(window)), tuple(range(20, 20 + len(window)))
    return apply("contract", _matrix(op, x, window, ct.shape[1:-1]), ct, a_axes=(*places, *taps, 90),
                 b_axes=(*places, 91), out_axes=(*taps, 90, 91))


RULES = {"conv": [zeros_around, pointwise_conv, strided_pointwise, whole_conv, few_places_conv],
         "conv_data_grad": [pointwise_data_grad, strided_data_grad, whole_data_grad, few_places_data_grad,
                            transposed_kernel],
         "conv_weight_grad": [zeros_around, strided_weight_grad, pointwise_weight_grad, whole_weight_grad,
                              few_places_weight_grad, parts_of_the_batch],
         **{name: [whole_pool] for name in ("max_pool", "sum_pool")}}


def lower_windows(program: Program) -> Program:
    """Apply RULES to each op once, in order."""
    return rewrite(program, RULES)
