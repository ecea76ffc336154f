"""Primitives that move data, in ONNX. What only repeats, permutes or adds axes of size 1 becomes another Held of the
same tensor."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.dims import Dim
from kgraph.onnx.to_onnx.elementwise import cast
from kgraph.onnx.to_onnx.held import Held, common_form, is_one
from kgraph.onnx.to_onnx.table import rule


@rule("broadcast")
def broadcast(g, op):
    return g.held(op.inputs[0]).relabelled(op.params["axes"], len(op.params["shape"]))


@rule("transpose")
def transpose(g, op):
    perm = op.params["perm"]
    return g.held(op.inputs[0]).relabelled(tuple(map(perm.index, range(len(perm)))), len(perm))


@rule("reshape")
def reshape(g, op):
    x, shape = op.inputs[0], op.params["shape"]
    held = g.held(x)
    kept = [a for a in range(x.ndim) if not is_one(x.shape[a])]
    places = [i for i, n in enumerate(shape) if not is_one(n)]
    if [x.shape[a] for a in kept] == [shape[i] for i in places] and all(a in kept for a in held.order):
        return held.without([a for a in range(x.ndim) if a not in kept]).relabelled(places, len(shape))
    return g.tensor(reshaped(g, g.whole(x), shape, x.shape), shape)


def reshaped(g, name, shape, before) -> str:
    """A tensor of shape `before` with another shape. Sizes that are not known are those of the same axes before, or one
    of them is what is left: then nothing has to be computed."""
    unknown = [i for i, n in enumerate(shape) if isinstance(n, Dim)]
    if not any(map(is_zero, shape)):
        if all(i < len(before) and before[i] == shape[i] for i in unknown):
            return g.node("Reshape", name, g.numbers([0 if i in unknown else n for i, n in enumerate(shape)]))
        if len(unknown) == 1:
            return g.node("Reshape", name, g.numbers([-1 if i in unknown else n for i, n in enumerate(shape)]))
    return g.node("Reshape", name, g.numbers(shape), allowzero=1)


@rule("slice")
def slice_rule(g, op):
    x, p = op.inputs[0], op.params
    ends = zip(p["starts"], p["limits"], p["strides"], x.shape, strict=True)
    axes = [i for i, (a, b, s, n) in enumerate(ends) if not (is_zero(a) and b == n and s == 1)]
    if not axes:
        return g.held(x)
    order = g.held(x).full_order
    pick = lambda name: [p[name][a] for a in axes]
    name = sliced(g, g.whole(x, order), pick("starts"), pick("limits"), [order.index(a) for a in axes], pick("strides"))
    return g.tensor(name, op.outputs[0].shape, order)


def sliced(g, name, starts, limits, axes, strides=None) -> str:
    numbers = [g.numbers(starts), g.numbers(limits), g.numbers(axes)]
    return g.node("Slice", name, *numbers, *([g.numbers(strides)] if strides and set(strides) != {1} else []))


def is_zero(size) -> bool:
    return isinstance(size, int) and size == 0


@rule("pad")
def pad(g, op):
    x, p = op.inputs[0], op.params
    order = g.held(x).full_order
    pads = [p["low"][a] for a in order] + [p["high"][a] for a in order]
    return g.tensor(padded(g, g.whole(x, order), pads, p["value"], x.dtype), op.outputs[0].shape, order)


def padded(g, name, pads, value, dtype) -> str:
    if all(map(is_zero, pads)):
        return name
    if dtype == "bool":
        return cast(g, padded(g, cast(g, name, "int32"), pads, int(bool(value)), "int32"), "bool")
    return g.node("Pad", name, g.numbers(pads), g.scalar(value, dtype))


@rule("concatenate")
def concatenate(g, op):
    order, _, _ = common_form([g.held(x) for x in op.inputs])
    name = g.node("Concat", *[g.whole(x, order) for x in op.inputs], axis=order.index(op.params["axis"]))
    return g.tensor(name, op.outputs[0].shape, order)


@rule("reverse")
def reverse(g, op):
    axes = list(op.params["axes"])
    count = len(axes)
    name = sliced(g, g.whole(op.inputs[0]), [-1] * count, [np.iinfo("int64").min] * count, axes, [-1] * count)
    return g.tensor(name if axes else g.whole(op.inputs[0]), op.outputs[0].shape)


@rule("full")
def full(g, op):
    shape = op.params["shape"]
    return Held((1,) * len(shape), (), "", np.asarray(op.params["value"], op.params["dtype"]))


def counted(g, size) -> str:
    """A tensor int64[size] of 0, 1, 2 ..."""
    return g.node("Range", g.scalar(0, "int64"), g.node("Squeeze", g.sizes.one(size)), g.scalar(1, "int64"))


@rule("iota")
def iota(g, op):
    return g.tensor(cast(g, counted(g, op.params["size"]), op.params["dtype"]), op.outputs[0].shape)


@rule("size_value")
def size_value(g, op):
    return g.tensor(cast(g, g.node("Squeeze", g.sizes.one(op.params["size"])), op.params["dtype"]), ())


def first_places(g, starts, sizes, shape) -> list:
    """For each axis a tensor int64[1]: the start, moved back inside where the window would leave the tensor; None where
    the window is the whole axis."""
    found = []
    for start, size, whole in zip(starts, sizes, shape):
        if size == whole:
            found.append(None)
            continue
        start = g.node("Unsqueeze", cast(g, g.whole(start), "int64"), g.numbers([0]))
        most = g.sizes.one(whole - size)
        found.append(g.node("Max", g.node("Min", start, most), g.numbers([0])))
    return found


@rule("dynamic_slice")
def dynamic_slice(g, op):
    x, *starts = op.inputs
    sizes, name = op.params["sizes"], g.whole(x)
    for axis, start in enumerate(first_places(g, starts, sizes, x.shape)):
        if start is not None:
            end = g.node("Add", start, g.sizes.one(sizes[axis]))
            name = g.node("Slice", name, start, end, g.numbers([axis]))
    return g.tensor(name, op.outputs[0].shape)


@rule("dynamic_update_slice")
def dynamic_update_slice(g, op):
    x, update, *starts = op.inputs
    places = first_places(g, starts, update.shape, x.shape)
    return g.tensor(_updated(g, g.whole(x), g.whole(update), places, update.shape, 0), x.shape)


def _updated(g, whole, update, places, sizes, axis):
    """What lies before the window, the window with the later axes done, and what lies after it."""
    while axis < len(places) and places[axis] is None:
        axis += 1
    if axis == len(places):
        return update
    start, end = places[axis], g.node("Add", places[axis], g.sizes.one(sizes[axis]))
    part = lambda a, b: g.node("Slice", whole, a, b, g.numbers([axis]))
    inner = _updated(g, part(start, end), update, places, sizes, axis + 1)
    return g.node("Concat", part(g.numbers([0]), start), inner, part(end, g.numbers([np.iinfo("int64").max])),
                  axis=axis)
