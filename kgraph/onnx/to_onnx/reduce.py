"""Reductions in ONNX. Their axes became an input with opset 18, that of ReduceSum with 13."""
from __future__ import annotations

from kgraph.onnx.to_onnx.elementwise import cast
from kgraph.onnx.to_onnx.held import Held
from kgraph.onnx.to_onnx.table import rule

REDUCTIONS = {"sum": "ReduceSum", "prod": "ReduceProd", "max": "ReduceMax", "min": "ReduceMin"}


def reduce(g, kind, x, axes) -> Held:
    """Whatever order the axes of x are held in: those that stay keep theirs."""
    order = g.held(x).full_order
    name, places = g.whole(x, order), sorted(order.index(a) for a in axes)
    if x.dtype == "bool":
        name = cast(g, name, "int32")
    if places and (kind == "ReduceSum" or g.opset >= 18):
        name = g.node(kind, name, g.numbers(places), keepdims=0)
    elif places:
        name = g.node(kind, name, axes=places, keepdims=0)
    if x.dtype == "bool":  # of none the largest is the smallest number
        name = g.node("Greater", name, g.scalar(0, "int32"))
    kept = [a for a in range(x.ndim) if a not in axes]
    return g.tensor(name, [x.shape[a] for a in kept], [kept.index(a) for a in order if a not in axes])


@rule(*REDUCTIONS)
def reduce_rule(g, op):
    return reduce(g, REDUCTIONS[op.prim.name], op.inputs[0], op.params["axes"])


@rule("argmax", "argmin")
def position(g, op):
    x, (axis,) = op.inputs[0], op.params["axes"]
    name = g.whole(x) if x.dtype != "bool" else cast(g, g.whole(x), "int32")
    name = g.node("ArgMax" if op.prim.name == "argmax" else "ArgMin", name, axis=axis, keepdims=0)
    return g.tensor(cast(g, name, op.outputs[0].dtype), op.outputs[0].shape)


@rule("cumsum")
def cumsum(g, op):
    axis = g.scalar(op.params["axis"], "int64")
    name = g.node("CumSum", g.whole(op.inputs[0]), axis, reverse=int(op.params["reverse"]))
    return g.tensor(name, op.outputs[0].shape)
