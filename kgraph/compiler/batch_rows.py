"""split_rows: a loop's body for any number of its batch rows, where each row is computed by itself.

Then threads can share the rows and each run all steps of its own. A value is *own* when axis 0 is the batch and row i
depends on rows i alone, *same* when axis 0 is the batch but all rows are equal (a broadcast), *all* when it has no such
axis (weights).
"""
from __future__ import annotations

from kgraph.compiler.dims import Dim, dim, names
from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.prims.loop import Loop

__all__ = ["Rows", "split_rows"]

OWN, SAME, ALL = "own", "same", "all"


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
        rule = _RULES.get(op.prim.name, _RULES.get(op.prim.kind))
        state = rule(op, mine, batch) if rule else None if OWN in mine or SAME in mine else ALL
        if state is None:
            return next((v for v, s in zip(op.inputs, mine) if s == ALL), op.inputs[0] if op.inputs else op.outputs[0])
        states.update(dict.fromkeys(op.outputs, state))
    return None


def _joined(op, mine, batch):
    """An elementwise op: own if an input is; then none may be without batch."""
    if all(s == ALL for s in mine):
        return ALL
    return None if ALL in mine else OWN if OWN in mine else SAME


def _broadcast(op, mine, batch):
    axes, shape = op.params["axes"], op.params["shape"]
    if mine[0] in (OWN, SAME):
        return mine[0] if axes[0] == 0 else None
    fresh = not axes or axes[0] != 0 or op.inputs[0].shape[0] == 1
    return SAME if shape and shape[0] == batch and fresh else ALL


def _keeps(test):
    """One input, whose state the output has if the batch axis stays where it is and whole."""
    def rule(op, mine, batch):
        return mine[0] if mine[0] == ALL or test(op, batch) else None
    return rule


def _contract(op, mine, batch):
    a_axes, b_axes, out_axes = (op.params[k] for k in ("a_axes", "b_axes", "out_axes"))
    rows = {labels[0] for labels, s in zip((a_axes, b_axes), mine) if s != ALL}
    if not rows:
        return ALL
    (row, *others) = rows
    crossed = any(row in labels and s == ALL for labels, s in zip((a_axes, b_axes), mine))
    return None if others or crossed or not out_axes or out_axes[0] != row else OWN if OWN in mine else SAME


_RULES = {
    "elementwise": _joined,
    "broadcast": _broadcast,
    "reshape": _keeps(lambda op, batch: bool(op.params["shape"]) and op.params["shape"][0] == batch),
    "transpose": _keeps(lambda op, batch: op.params["perm"][0] == 0),
    "slice": _keeps(lambda op, batch: op.params["starts"][0] == 0 and op.params["limits"][0] == batch
                    and op.params["strides"][0] == 1),
    "pad": _keeps(lambda op, batch: op.params["low"][0] == 0 and op.params["high"][0] == 0),
    "reverse": _keeps(lambda op, batch: 0 not in op.params["axes"]),
    "concatenate": lambda op, mine, batch: _joined(op, mine, batch) if op.params["axis"] or {*mine} == {ALL} else None,
    "cumsum": _keeps(lambda op, batch: op.params["axis"] != 0),
    "reduce": _keeps(lambda op, batch: 0 not in op.params["axes"]),
    "contract": _contract,
    "take": lambda op, mine, batch: mine[1] if mine[0] == ALL else None,
    "take_along": lambda op, mine, batch: _joined(op, mine, batch) if op.params["axis"] else None,
    "conv": lambda op, mine, batch: mine[0] if mine[1] == ALL else None,
    "conv_data_grad": lambda op, mine, batch: mine[0] if mine[1] == ALL else None,
}
_FIRST_SIZE = {"broadcast": "shape", "reshape": "shape", "slice": "limits"}  # params with a size for axis 0


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
        params, name = op.params, _FIRST_SIZE.get(op.prim.name)
        if name and states[op.outputs[0]] != ALL:
            params = {**params, name: (size, *params[name][1:])}
        moved = Op(op.prim, tuple(new[v] for v in op.inputs), params, tuple(map(renamed, op.outputs)), op.scope)
        inferred = op.prim.infer(*[v.type for v in moved.inputs], **params)
        if (inferred if isinstance(inferred, tuple) else (inferred,)) != tuple(v.type for v in moved.outputs):
            return None
        ops.append(moved)
    own = {new[v] for v in (*body.inputs, *body.outputs) if states[v] != ALL}
    return Rows(Program(body.name, inputs, tuple(ops), tuple(new[v] for v in body.outputs)), size, batch, own)
