"""verify_plan: memory as the kernels of a plan find it, byte by byte, for small sizes. With KGRAPH_CHECK=1.

- What an op reads was written before, all of it, and nothing was written over it since: lifetimes of values that share
  memory do not overlap.
- Results and updated states are there at the end.
- A value lies where its numbers are aligned, and inside its memory.
- What a kernel writes does not overlap what else it has pointers to, or hands to a routine by its address: they are
  told apart (alias scopes).
"""
from __future__ import annotations

import itertools

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.ir import Op, ProgramError, Value
from kgraph.compiler.loopnest.index import row_major
from kgraph.compiler.loopnest.nodes import Buffer, Call, Let, Number, Set, Store, blocks
from kgraph.compiler.passes.schedule import Views
from kgraph.compiler.plan import Kernel, Plan

__all__ = ["verify_plan"]

SIZES = 7, 61, 521, 4099, 32771, 262147  # what names of sizes stand for: the least with which no axis is below zero
MOST = 1 << 24     # bytes of memory that are watched; larger ones are not


def verify_plan(plan: Plan, strides=None) -> Plan:
    """Check a plan. strides: of values that lie in memory with gaps, in elements. Raises ProgramError naming the op and
    the value. Returns the plan."""
    memory, views = _Memory(plan, strides or {}), Views(plan.program.ops)
    for v in plan.program.inputs:
        memory.write(v)
    kernels = iter(plan.kernels)
    for op in plan.program.ops:
        if op.prim.view:
            continue
        where = f"{plan.program.name}: {op.prim.name} ({op.scope or 'no scope'})"
        for v in op.inputs:
            memory.read(v, views, where)
        memory.tell_apart(next(kernels), op, where)
        for v in op.outputs:
            memory.write(v)
    for v in (*plan.program.outputs, *(new for _, new in plan.program.updates)):
        memory.read(v, views, f"{plan.program.name}: the end")
    return plan


def _extents(names, values) -> dict:
    tried = [dict.fromkeys(names, size) for size in SIZES]
    fits = lambda extents: all(n >= 0 for v in values for n in dims.evaluate(v.shape, extents))
    return next(filter(fits, tried), tried[-1])


class _Memory:
    """For each memory of a plan, which value every byte of it belongs to."""

    def __init__(self, plan: Plan, strides: dict):
        self.plan, self.strides = plan, strides
        values = [*plan.program.inputs, *(v for op in plan.program.ops for v in op.outputs)]
        self.numbers = {v: i for i, v in enumerate(values)}
        self.extents = _extents(_names(plan, values, strides), values)
        self.bytes: dict = {}
        for v in values:
            self._grow(v)

    def _grow(self, v: Value):
        buffer, places = self.plan.buffer(v), self.places(v)
        key = buffer.kind, buffer.index
        most = int(places.max(initial=-v.type.itemsize)) + v.type.itemsize
        if buffer.kind == "slot":
            size = dims.evaluate(self.plan.slots[buffer.index], self.extents)
            if most > size:
                raise ProgramError(f"{self.plan.program.name}: {v!r}: expected to lie inside the {size} bytes of its "
                                   f"slot, received {most}")
        if places.size and int(places.flat[0]) % v.type.itemsize:
            raise ProgramError(f"{self.plan.program.name}: {v!r}: expected an offset that is a multiple of "
                               f"{v.type.itemsize}, received {int(places.flat[0])}")
        known = self.bytes.get(key, np.zeros(0, np.int32))
        if most > known.size:
            self.bytes[key] = np.concatenate([known, np.full(min(most, MOST) - known.size, -1, np.int32)])

    def places(self, v: Value) -> np.ndarray:
        """The offsets of a value's elements in its memory, in bytes; none of a value that is too large."""
        if self._is_too_large(v):
            return np.zeros(0, np.int64)
        shape = dims.evaluate(v.shape, self.extents)
        steps = dims.evaluate(self.strides.get(v) or row_major(v.shape), self.extents)
        place = np.int64(dims.evaluate(self.plan.buffer(v).offset, self.extents))
        for size, step in zip(shape, steps):
            place = np.add.outer(place, np.arange(size) * step * v.type.itemsize)
        return np.asarray(place).reshape(-1)

    def _is_too_large(self, v: Value) -> bool:
        return dims.evaluate(v.type.nbytes, self.extents) > MOST

    def _of(self, v: Value):
        buffer = self.plan.buffer(v)
        return self.bytes[buffer.kind, buffer.index] if (buffer.kind, buffer.index) in self.bytes else np.zeros(0)

    def write(self, v: Value):
        owners, places = self._of(v), self.places(v)
        for byte in range(v.type.itemsize):
            inside = places[places + byte < owners.size]
            owners[inside + byte] = self.numbers[v]

    def read(self, v: Value, views: Views, where: str):
        """All of the value is there: its own bytes, those of what it is a view of, those of its parts."""
        if any(map(self._is_too_large, views.parts(v))):
            return
        places, owners = self.places(v), self._of(v)
        allowed = [self.numbers[p] for p in (v, *views.parts(v))]
        found = owners[places[places < owners.size]]
        wrong = found[~np.isin(found, allowed)]
        if wrong.size:
            other = next((o for o, number in self.numbers.items() if number == wrong[0]), None)
            raise ProgramError(f"{where}: expected {v!r} in its memory, received "
                               + (f"{other!r}, which was written over it" if other is not None else "nothing"))

    def tell_apart(self, kernel: Kernel, op: Op, where: str):
        """The memory that a kernel writes, against all else that it has pointers to."""
        results, pointers = [self.plan.buffer(v) for v in op.outputs], {}
        for word, stored in _pointers(kernel.nest.body):
            argument = kernel.args[word]
            if isinstance(argument, Value):
                buffer = self.plan.buffer(argument)
                writes = stored or buffer in results or pointers.get(argument, (None, False))[1]
                pointers[argument] = (buffer.kind, buffer.index), writes
        for (a, (memory, writes)), (b, (other, too)) in itertools.combinations(pointers.items(), 2):
            if memory == other and (writes or too) and np.intersect1d(self.places(a), self.places(b)).size:
                raise ProgramError(f"{where}: expected pointers that do not overlap, received {a!r} and {b!r}")


def _pointers(body) -> list:
    """The argument words that are read: (its number, whether something is stored where it points to)."""
    found, stored, todo = {}, set(), list(body)
    while todo:
        s = todo.pop()
        word = s.address if isinstance(s, Buffer) else s.value if isinstance(s, (Let, Set)) else None
        if isinstance(word, Call) and word.function == "word" and isinstance(word.operands[1], Number):
            found[s.name] = word.operands[1].value
        elif isinstance(s, Store):
            stored.add(s.buffer.name)
        todo.extend(itertools.chain(*blocks(s)))
    return [(word, name in stored) for name, word in found.items()]


def _names(plan: Plan, values, strides) -> set:
    offsets = [b.offset for b in plan.buffers.values()]
    return dims.names([*(v.shape for v in values), *plan.slots, *offsets, *strides.values()])
