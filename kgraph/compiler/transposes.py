"""Transposes that cancel: models with channels first compute as if channels were last.

Such a model turns the input of each convolution and pooling round, and the result back. Elementwise ops between two of
them are the same in either order of axes; so a transpose of elementwise ops moves through them to the opposite one in
front of them, and a reduction reads what was there before a transpose.
"""
from __future__ import annotations

from kgraph.compiler.prims.rules import apply

__all__ = ["lifted_transpose", "reduction_before_transpose"]

DEEPEST = 40  # of elementwise ops in a row


def lifted_transpose(t, op, inputs):
    """A transpose of elementwise ops, all of whose tensors are made by the opposite transpose; or of a broadcast."""
    before = t.producer.get(inputs[0])
    elementwise = before is not None and before.prim.kind == "elementwise" and _turned(t, inputs[0])
    if not elementwise and not t.made_by(inputs[0], "broadcast"):
        return None
    return _transposed(t, inputs[0], op.params["perm"], {}, DEEPEST)


def reduction_before_transpose(t, op, inputs):
    """A reduction of a transpose, or of elementwise ops of transposes, over the axes as they were before, where that
    leaves the others in order."""
    perm = _turned(t, inputs[0])
    kept = [perm[a] for a in range(len(perm)) if a not in op.params["axes"]] if perm else []
    if perm is None or kept != sorted(kept):
        return None
    before = _transposed(t, inputs[0], _inverse(perm), {}, DEEPEST)
    axes = tuple(sorted(perm[a] for a in op.params["axes"]))
    return None if before is None else apply(op.prim.name, before, axes=axes)


def _inverse(perm) -> tuple:
    return tuple(perm.index(k) for k in range(len(perm)))


def _turned(t, value, deepest=DEEPEST):
    """The axes' order of the first transpose in front of elementwise ops, or None."""
    op = t.producer.get(value)
    if op is None or not deepest:
        return None
    if op.prim.name == "transpose":
        return op.params["perm"]
    if op.prim.kind != "elementwise":
        return None
    return next((perm for v in op.inputs if (perm := _turned(t, v, deepest - 1))), None)


def _transposed(t, value, perm, known: dict, deepest: int):
    """The value with its axes in that order, made without a transpose; None where there is no way."""
    if value not in known:
        known[value] = _make_transposed(t, value, perm, known, deepest)
    return known[value]


def _make_transposed(t, value, perm, known, deepest):
    op = t.producer.get(value)
    if op is None or not deepest:
        return None
    if op.prim.name == "transpose":
        return op.inputs[0] if op.params["perm"] == _inverse(perm) else None
    if op.prim.name == "broadcast":
        return _broadcast_in_order(op, perm)
    if op.prim.kind != "elementwise":
        return None
    inputs = []
    for v in op.inputs:
        inputs.append(_transposed(t, v, perm, known, deepest - 1))
        if inputs[-1] is None:
            return None
    return apply(op.prim.name, *inputs, **op.params)


def _broadcast_in_order(op, perm):
    """A broadcast with its result's axes in another order, if those of what is repeated keep theirs."""
    x, shape = op.inputs[0], op.params["shape"]
    real = [(size, perm.index(axis)) for size, axis in zip(x.shape, op.params["axes"])
            if not (isinstance(size, int) and size == 1)]
    axes = tuple(axis for _, axis in real)
    if list(axes) != sorted(axes):
        return None
    if len(real) < x.ndim:
        x = apply("reshape", x, shape=tuple(size for size, _ in real))
    return apply("broadcast", x, shape=tuple(shape[a] for a in perm), axes=axes)
