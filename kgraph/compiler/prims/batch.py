"""batch_rule of primitives: what becomes of a batch on axis 0 (see kgraph.compiler.batch_rows).

A value is OWN when axis 0 is the batch and row i depends on rows i alone, SAME when axis 0 is the batch but all rows
are equal (a broadcast), ALL when it has no such axis (weights). A rule ``(op, states of the inputs, size of the
batch)`` gives the state of the result, or None where rows would meet.
"""
from __future__ import annotations

__all__ = ["ALL", "OWN", "SAME", "attention", "broadcast", "contract", "joined", "keeps"]

OWN, SAME, ALL = "own", "same", "all"


def joined(op, mine, batch):
    """An elementwise op: own if an input is; then none may be without batch."""
    if all(s == ALL for s in mine):
        return ALL
    return None if ALL in mine else OWN if OWN in mine else SAME


def broadcast(op, mine, batch):
    axes, shape = op.params["axes"], op.params["shape"]
    if mine[0] in (OWN, SAME):
        return mine[0] if axes[0] == 0 else None
    fresh = not axes or axes[0] != 0 or op.inputs[0].shape[0] == 1
    return SAME if shape and shape[0] == batch and fresh else ALL


def attention(op, mine, batch):
    """Every input that is no broadcast has the batch; dropped weights have places in all of it."""
    if all(s == ALL for s in mine):
        return ALL
    alike = all((s == ALL) == (v.shape[0] == 1) for v, s in zip(op.inputs, mine))
    return OWN if alike and not op.params["rate"] else None


def keeps(test):
    """One input, whose state the output has if the batch axis stays where it is and whole."""
    def rule(op, mine, batch):
        return mine[0] if mine[0] == ALL or test(op, batch) else None
    return rule


def contract(op, mine, batch):
    a_axes, b_axes, out_axes = (op.params[k] for k in ("a_axes", "b_axes", "out_axes"))
    rows = {labels[0] for labels, s in zip((a_axes, b_axes), mine) if s != ALL}
    if not rows:
        return ALL
    (row, *others) = rows
    crossed = any(row in labels and s == ALL for labels, s in zip((a_axes, b_axes), mine))
    return None if others or crossed or not out_axes or out_axes[0] != row else OWN if OWN in mine else SAME
