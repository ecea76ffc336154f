"""`contract` as MatMul, or as Mul where nothing is summed."""
from __future__ import annotations

import numpy as np

from kgraph.compiler import dims
from kgraph.onnx.to_onnx.move import reshaped
from kgraph.onnx.to_onnx.table import rule


@rule("contract")
def contract(g, op):
    (a, b), p = op.inputs, op.params
    a_axes, b_axes, out = p["a_axes"], p["b_axes"], p["out_axes"]
    if not set(a_axes) - set(out):
        return _outer(g, a, b, a_axes, b_axes, op)
    rows, columns = [x for x in out if x not in b_axes], [x for x in out if x not in a_axes]
    if rows and columns and out.index(columns[0]) < out.index(rows[0]):  # so that the result need not be turned round
        a, b, a_axes, b_axes, rows, columns = b, a, b_axes, a_axes, columns, rows
    batch = [x for x in out if x in a_axes and x in b_axes]
    summed = [x for x in a_axes if x not in out]
    sizes = {**dict(zip(a_axes, a.shape)), **dict(zip(b_axes, b.shape))}
    left = _matrices(g, a, a_axes, batch, rows, summed, sizes, flat_rows=bool(batch))
    right = _matrices(g, b, b_axes, batch, summed, columns, sizes, flat_rows=True)
    product = g.node("MatMulInteger" if a.dtype != op.outputs[0].dtype else "MatMul", left, right)
    labels = batch + rows + columns
    if len(columns) != 1 or batch and len(rows) != 1:
        flat = [sizes[x] for x in batch + rows] if not batch or len(rows) == 1 else [sizes[x] for x in batch]
        product = reshaped(g, product, [sizes[x] for x in labels], flat)
    places = tuple(map(out.index, labels))
    return g.tensor(product, op.outputs[0].shape, places)


def _matrices(g, x, axes, batch, rows, columns, sizes, flat_rows):
    """x as [batch..., rows, columns]: groups of axes made one; without batch the rows may stay several axes."""
    order = tuple(axes.index(label) for label in batch + rows + columns)
    if len(columns) == 1 and (not flat_rows or len(rows) == 1):
        return g.whole(x, order)
    size = lambda labels: dims.size_of([sizes[label] for label in labels])
    shape = [sizes[label] for label in batch]
    shape += [size(rows)] if flat_rows else [sizes[label] for label in rows]
    shape = (*shape, size(columns))
    if g.array(x) is not None:
        return g.form_of_constant(g.held(x), lambda _: g.array(x).transpose(order).reshape(shape), order, shape)
    return reshaped(g, g.whole(x, order), shape, [x.shape[a] for a in order])


def _outer(g, a, b, a_axes, b_axes, op):
    """Nothing is summed: each becomes a value with all axes of the result."""
    out, dtype = op.params["out_axes"], op.outputs[0].dtype
    helds = [g.held(v).relabelled(tuple(map(out.index, axes)), len(out)) for v, axes in ((a, a_axes), (b, b_axes))]
    wide = (lambda x: x) if a.dtype == dtype else lambda x: g.node("Cast", x, to=np.dtype(dtype))
    return g.combined(helds, lambda x, y: g.node("Mul", wide(x), wide(y)))
