"""split_rows: a loop's body for any number of its batch rows, where each row is computed by itself.

Then threads can share the rows and each run all steps of its own. A value is *own* when axis 0 is the batch and row i
depends on rows i alone, *same* when axis 0 is the batch but all rows are equal (a broadcast), *all* when it has no such
axis (weights).
"""
from __future__ import annotations

from kgraph.compiler.dims import Dim, dim, names
from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.prims.batch import ALL, OWN, SAME
from kgraph.compiler.prims.loop import Loop

__all__ = ["Rows", "split_rows"]


class Rows:
    """The body for ``size`` rows (a Dim), and which of its inputs and outputs have the batch as axis 0."""

    def __init__(self, body: Program, size: Dim, batch, own: set):
        self.body, self.size, self.batch, self.own = body, size, batch, own


def split_rows(loop: Loop) -> Rows | None:
    """None where rows depend on each other, or the loop has no batch axis."""
    body = loop.body
    consts, carry, xs = loop.split(body.inputs)
    first = carry or loop.split_outputs(body.outputs)[1]
    if not first or not first[0].shape:
        return None
    batch = first[0].shape[0]
    states = {v: OWN if v.shape and v.shape[0] == batch else ALL for v in (*carry, *xs)}
    states |= {v: OWN if isinstance(batch, Dim) and v.shape and v.shape[0] == batch else ALL for v in consts}
    while True:
        guilty = _propagate(body, states, batch)
        if guilty is None:
            break
        if guilty not in set(consts) or states[guilty] == OWN:
            return None
        states = {v: states[v] for v in body.inputs} | {guilty: OWN}
    if any(states[v] == ALL for v in (*carry, *body.outputs)) or any(states[v] != OWN for v in carry):
        return None
    return _retyped(body, states, batch)


def _propagate(body: Program, states: dict, batch) -> Value | None:
    """Fill in the states of all values. Returns the first value that does not fit, or None."""
    for op in body.ops:
        mine = [states[v] for v in op.inputs]
        rule = op.prim.batch_rule
        state = rule(op, mine, batch) if rule else None if OWN in mine or SAME in mine else ALL
        if state is None:
            return next((v for v, s in zip(op.inputs, mine) if s == ALL), op.inputs[0] if op.inputs else op.outputs[0])
        states.update(dict.fromkeys(op.outputs, state))
    return None


def _retyped(body: Program, states: dict, batch) -> Rows | None:
    """The body with a new name for the size of the batch axis."""
    values = [*body.inputs, *(v for op in body.ops for v in op.outputs)]
    taken = set().union(*(names(v.shape) for v in values))
    size = dim(next(n for n in ("rows" + "_" * k for k in range(len(taken) + 1)) if n not in taken))
    new = {}

    def renamed(v):
        shape = (size, *v.shape[1:]) if states[v] != ALL else v.shape
        return new.setdefault(v, Value(TensorType(shape, v.dtype), v.name))

    inputs = tuple(map(renamed, body.inputs))
    ops = []
    for op in body.ops:
        params, name = op.params, op.prim.shape_param
        if name and states[op.outputs[0]] != ALL:
            params = {**params, name: (size, *params[name][1:])}
        moved = Op(op.prim, tuple(new[v] for v in op.inputs), params, tuple(map(renamed, op.outputs)), op.scope)
        inferred = op.prim.infer(*[v.type for v in moved.inputs], **params)
        if (inferred if isinstance(inferred, tuple) else (inferred,)) != tuple(v.type for v in moved.outputs):
            return None
        ops.append(moved)
    own = {new[v] for v in (*body.inputs, *body.outputs) if states[v] != ALL}
    return Rows(Program(body.name, inputs, tuple(ops), tuple(new[v] for v in body.outputs)), size, batch, own)
