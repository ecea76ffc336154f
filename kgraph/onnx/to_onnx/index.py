"""Gathering, scattering and sorting in ONNX."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.prims.reduce import highest, lowest
from kgraph.onnx.to_onnx.elementwise import cast
from kgraph.onnx.to_onnx.move import counted, reshaped
from kgraph.onnx.to_onnx.table import rule


def places(g, indices) -> str:
    """Indices in a dtype that ONNX gathers by."""
    name = g.whole(indices)
    return name if indices.dtype in ("int32", "int64") else cast(g, name, "int64")


@rule("take")
def take(g, op):
    x, indices = op.inputs
    return g.tensor(g.node("Gather", g.whole(x), places(g, indices), axis=0), op.outputs[0].shape)


@rule("take_along")
def take_along(g, op):
    x, indices = op.inputs
    name = g.node("GatherElements", g.whole(x), places(g, indices), axis=op.params["axis"])
    return g.tensor(name, op.outputs[0].shape)


def filled(g, shape, value, dtype) -> str:
    return g.node("Expand", g.scalar(value, dtype), g.numbers(shape))


@rule("scatter_along")
def scatter_along(g, op):
    indices, updates = op.inputs
    name = g.node("ScatterElements", filled(g, op.outputs[0].shape, 0, updates.dtype), places(g, indices),
                  g.whole(updates), axis=op.params["axis"], reduction="add")
    return g.tensor(name, op.outputs[0].shape)


SCATTERS = {"scatter_add": ("add", lambda dtype: 0), "scatter_prod": ("mul", lambda dtype: 1),
            "scatter_max": ("max", lowest), "scatter_min": ("min", highest)}


@rule(*SCATTERS)
def scatter(g, op):
    indices, updates = op.inputs
    (how, first), t = SCATTERS[op.prim.name], op.outputs[0].type
    return g.tensor(scattered(g, op, filled(g, t.shape, first(t.dtype), t.dtype), indices, g.whole(updates), how),
                    t.shape)


def scattered(g, op, first, indices, updates, how) -> str:
    if how in ("max", "min"):
        g.need_opset(op, 18)
    where = g.node("Unsqueeze", cast(g, g.whole(indices), "int64"), g.numbers([-1]))
    return g.node("ScatterND", first, where, updates, reduction=how)


@rule("scatter_last")
def scatter_last(g, op):
    (indices,), shape = op.inputs, op.outputs[0].shape
    updates = reshaped(g, counted(g, indices.size), indices.shape, (indices.size,))
    return g.tensor(scattered(g, op, filled(g, shape, -1, "int64"), indices, updates, "max"), shape)


@rule("argsort")
def argsort(g, op):
    """The smallest first, of equal ones that which comes first; ONNX leaves NaN open, which is to come last."""
    x, axis = op.inputs[0], op.params["axis"]
    name = g.whole(x)
    if np.dtype(x.dtype).kind not in "f" or x.dtype == "float16":
        name = cast(g, name, "float32" if x.dtype == "float16" else "int64")
    else:
        name = g.node("Where", g.node("IsNaN", name), g.scalar(np.inf, x.dtype), name)
    _, order = g.node("TopK", name, g.sizes.one(x.shape[axis]), outputs=2, axis=axis, largest=0, sorted=1)
    return g.tensor(cast(g, order, op.outputs[0].dtype), x.shape)
