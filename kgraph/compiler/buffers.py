"""memory: where each value lives. Inputs, outputs and states have memory of their own; all else shares slots.

A value needs memory from where it is made to its last reader. Values whose sizes have a known ratio (all that are so
many bytes a row of the batch) lie in one region, the largest placed first, each at the first place that is free for its
life; regions whose lives do not overlap share a slot. Where that takes less, each value is a region of its own: it can
share memory with others then, whatever their sizes. Views and parts of flat concatenations are offsets into another
value's memory.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.dims import LINE, Dim
from kgraph.compiler.ir import Program, Value
from kgraph.compiler.loopnest.index import row_major
from kgraph.compiler.passes.schedule import Views
from kgraph.compiler.plan import Buffer
from kgraph.compiler.prims.collective import LARGE, collective_p

__all__ = ["Memory", "plan_memory"]

WASTE = 4           # a free slot this many times too large is not taken


@dataclass(frozen=True)
class Memory:
    """buffers: Value -> Buffer; slots: bytes of each; naive_bytes: what they would take without sharing; exchanged:
    bytes of what processes exchange."""

    buffers: dict
    slots: tuple
    naive_bytes: object
    exchanged: int


def plan_memory(program: Program, states=(), constants=(), strides=None, made=()) -> Memory:
    """Assign buffers. ``states``, ``constants`` and ``made`` (by a preparation): those of the program's inputs, in the
    order the runtime gives them.
    strides: those of values that lie in memory with gaps, in elements."""
    views = Views(program.ops)
    buffers: dict[Value, Buffer] = {}
    real = [v for v in program.inputs if v not in {*states, *constants, *made}]
    for kind, values in (("input", real), ("state", states), ("constant", constants), ("prepared", made),
                         ("output", program.outputs)):
        buffers.update((v, Buffer(kind, i)) for i, v in enumerate(values))
    for state, new in program.updates:
        buffers[new] = buffers[state]
    aliases = _concatenated(program, views, strides or {})
    exchanged = _place_exchanged(program, views, aliases, buffers)
    slots, naive = _share_slots(program, views, aliases, buffers)
    for op in program.ops:
        for out in op.outputs:
            if out not in buffers:
                buffers[out] = _find(out, views, aliases, buffers)
    return Memory(buffers, slots, naive, exchanged)


def _concatenated(program, views, strides) -> dict:
    """Part -> (the concatenation whose memory it is written into, offset)."""
    aliases = {}
    for op in program.ops:
        if op.prim.view == "whole":
            offset = 0
            for v in op.inputs:
                aliases[views.root(v)[0]] = (op.outputs[0], offset)
                step = (strides.get(op.outputs[0]) or row_major(v.shape))[op.params["axis"]]
                offset = offset + v.shape[op.params["axis"]] * step * v.type.itemsize
    return aliases


def _owner(value, views, aliases):
    """The value that owns the memory, and the offset in it."""
    value, offset = views.root(value)
    while value in aliases:
        value, more = aliases[value]
        offset = offset + more
        value, more = views.root(value)
        offset = offset + more
    return value, offset


def _find(value, views, aliases, buffers) -> Buffer:
    owner, offset = _owner(value, views, aliases)
    at = buffers[owner]
    return Buffer(at.kind, at.index, at.offset + offset)


def _place_exchanged(program, views, aliases, buffers) -> int:
    """What is large, of one size, and exchanged with other processes lies in memory that they may see, and so does what
    comes of it. Gives the bytes of each of the two."""
    end = 0
    for op in program.ops:
        for x, out in zip(op.inputs, op.outputs) if op.prim is collective_p else ():
            own = [_owner(v, views, aliases) for v in (x, out)]
            alone = own == [(own[0][0], 0), (out, 0)] and not any(v in buffers for v, _ in own)
            nbytes = own[0][0].type.nbytes
            if alone and nbytes == out.type.nbytes and isinstance(nbytes, int) and nbytes >= LARGE:
                buffers.update({own[0][0]: Buffer("given", 0, end), out: Buffer("joined", 0, end)})
                end += dims.in_lines(nbytes)
    return end


def _share_slots(program, views, aliases, buffers):
    """Places for all that has no memory of its own. Returns (the sizes of the slots, what they would be unshared)."""
    together: dict = {}
    for owner, life in _lives(program, views, aliases, buffers).items():
        unit, count = _unit(owner.type.nbytes)
        together.setdefault(unit, []).append((owner, count, *life))
    alone = [(unit, [piece]) for unit, pieces in together.items() for piece in pieces]
    slots, found = min(map(_laid, (together.items(), alone)), key=lambda laid: sum(map(dims.nominal, laid[0])))
    buffers.update(found)
    return slots, sum(owner.type.nbytes for owner in found)


def _laid(regions) -> tuple:
    """(sizes of slots, value -> its Buffer) of regions: (unit, [(value, units, first op, last op)])."""
    slots, free, taken, found = [], [], [], {}
    for unit, pieces in sorted(regions, key=lambda region: min(first for _, _, first, _ in region[1])):
        owners, counts, firsts, lasts = zip(*pieces)
        free += [slot for slot, last in taken if last < min(firsts)]
        taken = [(slot, last) for slot, last in taken if last >= min(firsts)]
        places, end = _packed(counts, np.array(firsts), np.array(lasts), 1 if isinstance(unit, Dim) else LINE)
        slot = _take(end * unit, slots, free)
        taken.append((slot, max(lasts)))
        found.update((owner, Buffer("slot", slot, place * unit)) for owner, place in zip(owners, places))
    return tuple(slots), found


def _lives(program, views, aliases, buffers) -> dict:
    """Value -> [the op that makes it, or its first part; the last that reads it]."""
    lives: dict[Value, list] = {}
    for position, op in enumerate(program.ops):
        for out in op.outputs:
            owner, _ = _owner(out, views, aliases)
            if owner not in buffers and not (op.prim.view and owner is not out):
                lives.setdefault(owner, [position, position])
        for v in op.inputs + op.outputs:
            owner, _ = _owner(v, views, aliases)
            if owner in lives:
                lives[owner][1] = position
    return lives


def _unit(size) -> tuple:
    """A size as (unit, how many of it): of one unit are sizes of a known ratio."""
    if isinstance(size, int):
        return 1, size
    count = math.gcd(*size.terms.values())
    return Dim({monomial: factor // count for monomial, factor in size.terms.items()}), count


def _packed(counts, firsts, lasts, least) -> tuple:
    """(where each piece of these sizes lies, the end of them all): the largest first, each at the lowest place where it
    overlaps none that lives at the same time. Places are multiples of `least`, and of LINE where sizes are."""
    order = sorted(range(len(counts)), key=lambda i: (-counts[i], firsts[i]))
    starts, ends = np.zeros(len(counts), np.int64), np.zeros(len(counts), np.int64)
    for done, i in enumerate(order):
        align = max(least, min(LINE, counts[i] & -counts[i] or 1))
        others = np.array(order[:done], np.intp)
        others = others[(firsts[others] <= lasts[i]) & (lasts[others] >= firsts[i])]
        others = others[np.argsort(starts[others], kind="stable")]
        free = -(-np.maximum.accumulate(np.append(0, ends[others])) // align) * align
        fits = free[:-1] + counts[i] <= starts[others]
        starts[i] = free[np.argmax(np.append(fits, True))]
        ends[i] = starts[i] + counts[i]
    return starts.tolist(), int(ends.max(initial=0))


def _take(size, slots, free) -> int:
    """The index of a slot of that many bytes: the free one that fits best, else a new one."""
    need = dims.nominal(size)
    fits = [i for i in free if need <= WASTE * dims.nominal(slots[i]) and dims.nominal(slots[i]) <= WASTE * need]
    if not fits:
        slots.append(size)
        return len(slots) - 1
    best = min(fits, key=lambda i: abs(dims.nominal(slots[i]) - need))
    free.remove(best)
    slots[best] = dims.maximum(slots[best], size)
    return best
