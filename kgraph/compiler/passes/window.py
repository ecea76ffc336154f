"""lower_windows: convolutions in the form that kernels take.

- A convolution of one tap that moves by one is a product; so is its data gradient. (Its weight gradient sums over so
  many places that the kernel for convolutions is faster.)
- So is one whose window covers the whole input, and its gradients; a pooling that does is a plain reduction.
- The data gradient reads a kernel whose channels and filters have changed places, so that what it makes is contiguous.
- The weight gradient is made by parts of the batch, then summed: threads share the parts, always in the same way.
- Float16 is computed in float32.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.ir import Program
from kgraph.compiler.prims.rules import apply, cast
from kgraph.compiler.rewrite import rewrite

__all__ = ["lower_windows"]

NOMINAL = 32                                  # the size that names stand for
PARTS = ((1 << 17, 8), (1 << 13, 4), (0, 2))  # (least number of terms of a sum, parts)


def _is_pointwise(params, window) -> bool:
    ones = all(isinstance(n, int) and n == 1 for n in (*window, *params["strides"], params["groups"]))
    return ones and all(pair == (0, 0) for pair in params["padding"])


def _labels(rank):
    return tuple(range(rank + 1))


def _is_whole(params, size, window) -> bool:
    """Whether a window covers an input of that size, at one place."""
    return (tuple(size) == tuple(window) and all(isinstance(n, int) for n in size) and params.get("groups", 1) == 1
            and all(n == 1 for n in params.get("dilation", ())) and all(pair == (0, 0) for pair in params["padding"]))


def whole_conv(t, op, inputs):
    x, w = inputs
    if not _is_whole(op.params, x.shape[1:-1], w.shape[:-2]):
        return None
    terms = tuple(range(1, x.ndim))
    result = apply("contract", x, w, a_axes=(0, *terms), b_axes=(*terms, 90), out_axes=(0, 90))
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
    return apply("contract", x, matrix, a_axes=(*places, 90), b_axes=(90, 91), out_axes=(*places, 91))


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
    terms = dims.size_of(inputs[1].shape[:-1])
    terms = dims.evaluate(terms, dict.fromkeys(dims.names(terms), NOMINAL))
    parts = next(n for least, n in PARTS if terms >= least)
    return apply("sum", apply("conv_weight_grad", *inputs, **{**op.params, "parts": parts}), axes=(0,))


def in_float32(t, op, inputs):
    if inputs[0].dtype != "float16":
        return None
    return cast(apply(op.prim.name, *(cast(x, "float32") for x in inputs), **op.params), "float16")


RULES = {"conv": [in_float32, pointwise_conv, whole_conv],
         "conv_data_grad": [in_float32, pointwise_data_grad, whole_data_grad, transposed_kernel],
         "conv_weight_grad": [in_float32, whole_weight_grad, parts_of_the_batch],
         **{name: [in_float32, whole_pool] for name in ("max_pool", "sum_pool")},
         **{name: [in_float32] for name in ("max_pool_grad", "max_pool_pick", "sum_pool_grad")}}


def lower_windows(program: Program) -> Program:
    """Apply RULES to each op once, in order."""
    return rewrite(program, RULES)
