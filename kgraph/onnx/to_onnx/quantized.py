"""Patterns of models that kgraph.quantize made: numbers in int8 between QuantizeLinear and DequantizeLinear.

What is multiplied stands there in reals, which is what runtimes look for to do it in integers.
"""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.ir import Op, TensorType, Value
from kgraph.compiler.prims.rules import apply
from kgraph.onnx.to_onnx.contract import contract
from kgraph.onnx.to_onnx.held import identity
from kgraph.onnx.to_onnx.matching import PATTERNS, Pattern, by_form, made_by
from kgraph.onnx.to_onnx.window import channels_first, conv, kernel_order

__all__ = ["PATTERNS"]


def _roundings(op, makers):
    if op.outputs[0].dtype == "int8" and made_by(op.inputs[0], makers, "minimum") is not None:
        x = op.inputs[0].type
        yield (lambda x, step: ops.cast(ops.clip(ops.round(x * ops.reciprocal(step)), -128, 127), "int8"),
               [x, TensorType((), x.dtype)], {})


def _write_rounding(g, op, x, step):
    return g.elementwise([x], lambda name: g.node("QuantizeLinear", name, g.whole(step), g.scalar(0, "int8")))


def _products(op, makers):
    """Sums of integers, times the steps of both sides, and a bias."""
    scaled = made_by(op.inputs[0], makers, "multiply")
    cast = scaled and made_by(scaled.inputs[0], makers, "cast")
    made = cast and (made_by(cast.inputs[0], makers, "conv") or made_by(cast.inputs[0], makers, "contract"))
    if not made or {v.dtype for v in made.inputs} != {"int8"}:
        return
    real = op.outputs[0].dtype
    steps = TensorType(op.outputs[0].shape[-1:], real)

    def function(x, kernel, kernel_step, input_step, bias):
        sums = apply(made.prim.name, x, kernel, **made.params)
        return ops.cast(sums, real) * (kernel_step * input_step) + bias
    yield function, [*(v.type for v in made.inputs), steps, TensorType((), real), steps], {"made": made}


def _write_product(g, op, x, kernel, kernel_step, input_step, bias, made):
    real, rank, is_conv = op.outputs[0].dtype, op.outputs[0].ndim, made.prim.name == "conv"
    orders = [order(v.ndim) for order, v in zip((channels_first, kernel_order) if is_conv else (identity, identity),
                                                (x, kernel))]
    zeros = g.constant(np.zeros(kernel.shape[-1], "int8"))

    def in_reals(value, order, step, zero, axis=None):
        name = g.node("DequantizeLinear", g.whole(value, order), g.whole(step), zero, axis=axis)
        made = Value(TensorType(value.shape, real), value.name)
        g.put(made, g.tensor(name, value.shape, order))
        return made
    inputs = (in_reals(x, orders[0], input_step, g.scalar(0, "int8")),
              in_reals(kernel, orders[1], kernel_step, zeros, orders[1].index(kernel.ndim - 1)))
    plain = Op(made.prim, inputs, made.params, op.outputs, op.scope)
    if is_conv:
        return conv(g, plain, bias)
    return g.combined([contract(g, plain), g.held(bias).relabelled((rank - 1,), rank)],
                      lambda a, b: g.node("Add", a, b))


PATTERNS[:0] = [
    Pattern(("cast",), by_form(_roundings), _write_rounding),
    Pattern(("add",), by_form(_products), _write_product),
]
