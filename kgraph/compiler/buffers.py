"""memory: where each value lives. Inputs, outputs and states have memory of their own; all else shares slots.

A slot is taken when a value is made and free again after its last reader, so the arena of a program is far smaller
than the sum of its values. Views and parts of flat concatenations are offsets into another value's memory.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

from kgraph.compiler import dims
from kgraph.compiler.ir import Program, Value
from kgraph.compiler.loopnest.index import row_major
from kgraph.compiler.passes.schedule import Views
from kgraph.compiler.plan import Buffer

__all__ = ["Memory", "plan_memory"]

NOMINAL = 32        # the size that names stand for when slots are compared
WASTE = 4           # a free slot this many times too large is not taken


@dataclass(frozen=True)
class Memory:
    """buffers: Value -> Buffer; slots: bytes of each; naive_bytes: what they would take without sharing."""

    buffers: dict
    slots: tuple
    naive_bytes: object


def plan_memory(program: Program, states=(), constants=(), strides=None) -> Memory:
    """Assign buffers. ``states`` and ``constants``: those of the program's inputs, in the order the runtime gives them.
    strides: those of values that lie in memory with gaps, in elements."""
    views = Views(program.ops)
    buffers: dict[Value, Buffer] = {}
    real = [v for v in program.inputs if v not in set(states) | set(constants)]
    for kind, values in (("input", real), ("state", states), ("constant", constants), ("output", program.outputs)):
        buffers.update((v, Buffer(kind, i)) for i, v in enumerate(values))
    for state, new in program.updates:
        buffers[new] = buffers[state]
    homes = _concatenated(program, views, strides or {})
    slots, naive = _share_slots(program, views, homes, buffers)
    for op in program.ops:
        for out in op.outputs:
            if out not in buffers:
                buffers[out] = _find(out, views, homes, buffers)
    return Memory(buffers, slots, naive)


def _concatenated(program, views, strides) -> dict:
    """Part -> (the concatenation whose memory it is written into, offset)."""
    homes = {}
    for op in program.ops:
        if op.prim.view == "whole":
            offset = 0
            for v in op.inputs:
                homes[views.root(v)[0]] = (op.outputs[0], offset)
                step = (strides.get(op.outputs[0]) or row_major(v.shape))[op.params["axis"]]
                offset = offset + v.shape[op.params["axis"]] * step * v.type.itemsize
    return homes


def _home(value, views, homes):
    """The value that owns the memory, and the offset in it."""
    value, offset = views.root(value)
    while value in homes:
        value, more = homes[value]
        offset = offset + more
        value, more = views.root(value)
        offset = offset + more
    return value, offset


def _find(value, views, homes, buffers) -> Buffer:
    owner, offset = _home(value, views, homes)
    at = buffers[owner]
    return Buffer(at.kind, at.index, at.offset + offset)


def _share_slots(program, views, homes, buffers):
    """One walk over the ops: take a slot for what is made, give back what is not read any more."""
    last: dict[Value, int] = {}
    for position, op in enumerate(program.ops):
        for v in op.inputs + op.outputs:
            last[_home(v, views, homes)[0]] = position
    slots, free, naive = [], [], 0
    for position, op in enumerate(program.ops):
        for out in op.outputs:
            owner, _ = _home(out, views, homes)
            if owner in buffers or op.prim.view and owner is not out:
                continue
            naive = naive + owner.type.nbytes
            buffers[owner] = Buffer("slot", _take(owner.type.nbytes, slots, free))
        for v in dict.fromkeys(op.inputs + op.outputs):
            owner, _ = _home(v, views, homes)
            if last.get(owner) == position and owner in buffers and buffers[owner].kind == "slot":
                del last[owner]
                free.append(buffers[owner].index)
    return tuple(slots), naive


def _take(size, slots, free) -> int:
    """The index of a slot of that many bytes: the free one that fits best, else a new one."""
    need = _nominal(size)
    fits = [i for i in free if need <= WASTE * _nominal(slots[i]) and _nominal(slots[i]) <= WASTE * need]
    if not fits:
        slots.append(size)
        return len(slots) - 1
    best = min(fits, key=lambda i: abs(_nominal(slots[i]) - need))
    free.remove(best)
    slots[best] = dims.maximum(slots[best], size)
    return best


@functools.cache
def _nominal(size) -> int:
    return dims.evaluate(size, dict.fromkeys(dims.names(size), NOMINAL))
