"""Composites: as one operator where ONNX has it, else as the primitives that they stand for."""
from __future__ import annotations

import numpy as np

from kgraph.onnx.to_onnx.table import rule


@rule("softmax", "log_softmax")
def softmax(g, op):
    (x,), axes = op.inputs, op.params["axes"]
    if len(axes) != 1:
        return g.written_out(op)
    order = g.held(x).full_order
    kind = "Softmax" if op.prim.name == "softmax" else "LogSoftmax"
    return g.tensor(g.node(kind, g.whole(x, order), axis=order.index(axes[0])), x.shape, order)


@rule("custom", "erfinv", "batch_standardize", "attention", "attention_grad")
def written_out(g, op):
    return g.written_out(op)


@rule("standardize")
def standardize(g, op):
    """LayerNormalization has the last axes, and a scale."""
    (x,), axes = op.inputs, op.params["axes"]
    sizes = [x.shape[a] for a in axes]
    if axes != tuple(range(x.ndim - len(axes), x.ndim)) or not all(isinstance(n, int) for n in sizes):
        return g.written_out(op)
    scale = g.constant(np.ones(sizes, x.dtype))
    name = g.node("LayerNormalization", g.whole(x), scale, axis=axes[0], epsilon=op.params["epsilon"])
    return g.tensor(name, x.shape)


@rule("det")
def det(g, op):
    return g.tensor(g.node("Det", g.whole(op.inputs[0])), op.outputs[0].shape)
