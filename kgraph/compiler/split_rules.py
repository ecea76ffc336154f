"""What becomes of the batch in one op, when the rows of a batch lie on several processes. See kgraph.compiler.split.

A rule (splitter, op, states of its inputs) gives the state of each output. It says Crosses where rows of one process
would meet those of another in a way that is no sum, and the batch has to be in one place.
"""
from __future__ import annotations

from typing import NamedTuple

from kgraph.compiler import dims
from kgraph.compiler.ir import Op
from kgraph.compiler.prims.rules import is_float

__all__ = ["ANYHOW", "OWN", "PART", "RULES", "SAME", "Crosses", "Held", "Rows", "agreed", "batch_axis", "keeps_parts"]

SAME = "same"   # on every process
PART = "part"   # of a sum: that of all processes is meant
OWN = "own"     # a value of this process, which others have differently
ANYHOW = None   # lead of a value whose rows are alike


class Rows(NamedTuple):
    """Has a row for each row of the batch on this process.

    axis  where; its size may be a multiple of the rows
    lead  by how many numbers of that axis the rows come later than it: 2 where it is (2, rows) in one
    """

    axis: int
    lead: object = 1


class Held(NamedTuple):
    """Has the rows of a table that this process holds, which may be some more than are the table's.

    size  the number of rows of the table
    """

    size: int


class Crosses(Exception):
    """Rows of the batch meet."""


def batch_axis(shape, batch) -> int | None:
    """The axis with the rows of the batch, or None. Raises Crosses where there are two, or no multiple of the rows."""
    found = [i for i, size in enumerate(shape) if batch.names() & dims.names((size,))]
    if len(found) > 1 or any(not _divides(batch, shape[i]) for i in found):
        raise Crosses
    return found[0] if found else None


def _divides(a, b) -> bool:
    rest = b % a
    return isinstance(rest, int) and rest == 0


def agreed(states) -> Rows:
    """The one place that the rows have in all of these."""
    rows = [s for s in states if isinstance(s, Rows)]
    leads = {s.lead for s in rows if s.lead is not ANYHOW}
    if len({s.axis for s in rows}) != 1 or len(leads) > 1:
        raise Crosses
    return Rows(rows[0].axis, *(leads or {ANYHOW}))


def keeps_parts(op: Op, states, batch) -> bool:
    """Whether the op of parts of sums is a part of the op of the sums."""
    name, all_parts = op.prim.name, all(s == PART for s in states)
    if name in ("add", "subtract", "concatenate"):
        return all_parts
    if name == "pad":
        return all_parts and op.params["value"] == 0
    if name == "cast":
        return is_float(op.inputs[0]) and is_float(op.outputs[0])
    if name == "broadcast":
        return batch_axis(op.outputs[0].shape, batch) is None
    return name in ("neg", "stop_gradient", "reshape", "transpose", "slice", "reverse", "sum")


# --- the rules --------------------------------------------------------------------------------------------------------

def _fresh(s, op, states):
    """Rows that are made here."""
    return Rows(batch_axis(op.outputs[0].shape, s.batch), 1)


def _joined(s, op, states):
    return agreed(states)


def _unless(axes):
    """Rows stay where they are, unless the op works along their axis."""
    def rule(s, op, states):
        found = agreed(states)
        if found.axis in axes(op, found.axis):
            raise Crosses
        return found
    return rule


def _broadcast(s, op, states):
    if isinstance(states[0], Rows):
        return Rows(op.params["axes"][states[0].axis], states[0].lead)
    return Rows(batch_axis(op.outputs[0].shape, s.batch), ANYHOW)


def _reshape(s, op, states):
    (found,), source, target = states, op.inputs[0].shape, op.outputs[0].shape
    axis = batch_axis(target, s.batch)
    if found.lead is ANYHOW:
        return Rows(axis, ANYHOW)
    before, inside = dims.size_of(source[:found.axis]) * found.lead, dims.size_of(target[:axis])
    if not _divides(inside, before) or not _divides(before // inside * s.batch, target[axis]):
        raise Crosses
    return Rows(axis, before // inside)


def _transpose(s, op, states):
    return Rows(op.params["perm"].index(states[0].axis), states[0].lead)


def _cut(op, axis):
    """The axes that a slice does not take whole."""
    p, shape = op.params, op.inputs[0].shape
    return [a for a in (axis,) if not (p["limits"][a] - p["starts"][a] == shape[a] and p["strides"][a] == 1)]


def _padded(op, axis):
    """The axes that something is added to."""
    added = op.outputs[0].shape[axis] - op.inputs[0].shape[axis]
    return () if isinstance(added, int) and added == 0 else (axis,)


def _along(op, axis):
    return (op.params["axis"],)


def _dynamic_slice(s, op, states):
    if isinstance(states[0], Rows):
        axis = states[0].axis
        if op.params["sizes"][axis] != op.inputs[0].shape[axis]:
            raise Crosses
        return states[0]
    return _fresh(s, op, states)  # its starts say which rows are those of this process


def _dynamic_update_slice(s, op, states):
    found = agreed(states[:2])
    if SAME in states[:2] or op.inputs[1].shape[found.axis] != op.inputs[0].shape[found.axis]:
        raise Crosses
    return found


def _sum(s, op, states):
    axes, (axis, lead) = op.params["axes"], states[0]
    return PART if axis in axes else Rows(axis - sum(a < axis for a in axes), lead)


def _reduced(s, op, states):
    found = _sum(s, op, states)
    if found == PART:
        raise Crosses
    return found


def _extreme(s, op, states):
    found = _sum(s, op, states)
    return s.joined(op, op.prim.name) if found == PART else found


def _contract(s, op, states):
    both = list(zip((op.params["a_axes"], op.params["b_axes"]), states))
    rows = {(axes[state.axis], state.lead) for axes, state in both if isinstance(state, Rows)}
    label = next(iter(rows))[0]
    if len({label for label, _ in rows}) > 1 or len({lead for _, lead in rows} - {ANYHOW}) > 1:
        raise Crosses
    leads = {lead for _, lead in rows} - {ANYHOW} or {ANYHOW}
    out = op.params["out_axes"]
    return Rows(out.index(label), *leads) if label in out else PART


def _take(s, op, states):
    x, indices = states
    if isinstance(indices, Rows) and not isinstance(x, Rows):
        return indices
    if isinstance(x, Rows) and x.axis and not isinstance(indices, Rows):
        return Rows(op.inputs[1].ndim + x.axis - 1, x.lead)
    raise Crosses


def _scatter_add(s, op, states):
    indices, updates = states
    rank = op.inputs[0].ndim
    if isinstance(updates, Rows) and updates.axis >= rank and not isinstance(indices, Rows):
        return Rows(updates.axis - rank + 1, updates.lead)
    agreed(states)
    return PART


def _images(s, op, states):
    if any(isinstance(x, Rows) and x.axis for x in states):
        raise Crosses
    return agreed(states)


def _weight_grad(s, op, states):
    _images(s, op, states)
    return PART


def _batched(s, op, states):
    """Of matrices."""
    found = agreed(states)
    if any(found.axis > x.ndim - 3 for x in op.inputs):
        raise Crosses
    return found


RULES = {
    "broadcast": _broadcast, "full": lambda s, op, states: Rows(batch_axis(op.outputs[0].shape, s.batch), ANYHOW),
    "reshape": _reshape, "transpose": _transpose, "slice": _unless(_cut), "pad": _unless(_padded),
    "concatenate": _unless(_along), "reverse": _unless(lambda op, axis: op.params["axes"]),
    "dynamic_slice": _dynamic_slice, "dynamic_update_slice": _dynamic_update_slice,
    "sum": _sum, "max": _extreme, "min": _extreme,
    **dict.fromkeys(("prod", "argmax", "argmin"), _reduced),
    **dict.fromkeys(("cumsum", "argsort", "take_along", "scatter_along"), _unless(_along)),
    "contract": _contract, "take": _take, "scatter_add": _scatter_add,
    "conv_weight_grad": _weight_grad,
    **dict.fromkeys(("conv", "conv_data_grad", "max_pool", "max_pool_grad", "max_pool_pick", "sum_pool",
                     "sum_pool_grad"), _images),
    "elementwise": _joined, "linalg": _batched,
}

