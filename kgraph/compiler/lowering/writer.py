"""`Writer`: the loop nest of one kernel, written by pulling elements.

`element(value, index)` gives the local that holds one element. What is computed outside the kernel is loaded; anything
else asks its primitive's `lower`, which pulls in turn. Each statement is placed at the outermost loop level where all
it needs is known, so whatever does not depend on the inner loop is hoisted by itself.
"""
from __future__ import annotations

import functools
import operator

from kgraph.compiler.dims import Size
from kgraph.compiler.ir import Program, Value
from kgraph.compiler.loopnest.builder import Builder
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.elements import Pull
from kgraph.compiler.loopnest.index import Axis, Index, Layout, Opaque
from kgraph.compiler.loopnest.nodes import (
    PARAMETERS,
    Buffer,
    Expression,
    Load,
    LoopNest,
    Name,
    Number,
    call,
    names_in,
)
from kgraph.compiler.plan import STATUS

__all__ = ["ARGS", "HI", "LO", "SCRATCH", "Writer"]

SCRATCH_SCOPE = 60  # alias scopes of argument words are their numbers; those of scratch memory begin here
ARGS, LO, HI, SCRATCH = (Name(parameter, "int64") for parameter in PARAMETERS)
_PLAIN_RESULTS = ("float32", "float64", "bool")  # arithmetic on these keeps its type under Numba
# All others are arguments, so that kernels are shared. To a bound that is known to be neither NaN nor zero, as those of
# int8 and of relu6 are, numbers are cut by one instruction instead of six.
_INLINE_CONSTANTS = (0.0, 1.0, -1.0, 2.0, 0.5, 6.0, 127.0, -127.0, -128.0)


class Writer(Builder, Pull):
    """Statements, argument words and loop levels of one kernel; see Builder for how statements are written."""

    def __init__(self, body: Program, layout: Layout | None = None, checks=None):
        """layout: how its values lie in memory. checks: list of check messages of the plan, to which this kernel's are
        appended."""
        Builder.__init__(self)
        Pull.__init__(self, {o: op for op in body.ops for o in op.outputs})
        self.body = body
        self.args: list = []
        self.layout = layout or Layout()
        self._checks = checks if checks is not None else []
        self._names: dict = {}     # word key -> local name
        self._known: dict = {}     # (value, index key) -> name
        self._given: dict = {}     # value -> name: results of reductions
        self.sizes: dict = {}      # names of axes -> their sizes
        self._in_memory: set = set()  # outputs stored already: loaded when needed again
        self._guard = 0              # depth of the innermost choose(): what it guards may not move out of it
        self._rows: dict = {}        # value -> (pointer, position): kept in scratch for the length of a row
        self.strip_position = None   # an expression

    def know(self, axes):
        """The sizes of axes that go by a name in this kernel."""
        self.sizes.update((str(a.extent), a.size) for a in axes if a.extent is not a.size)

    # --- statements and loops -------------------------------------------------------------------------------------

    def close(self):
        super().close()
        self._known = {key: name for key, name in self._known.items() if name.name in self._scope}

    def share(self, name: str) -> Name:
        """Open the loop over the units of this call's share."""
        return self.repeat(name, LO, HI, "share")

    def _level_of(self, x: Expression) -> int:
        """The outermost level where all that it reads is known, and which choose() allows."""
        return max([self._guard, *(self._scope.get(name, self.depth) for name in names_in(x))])

    # --- words ----------------------------------------------------------------------------------------------------

    def word(self, key, stem: str, function: str = "word") -> Name:
        """The local that holds an argument word, read once at the top of the kernel. key: (what for, its content)."""
        if key not in self._names:
            value = call(function, ARGS, len(self.args))
            self._names[key] = self.let(self.free(f"{stem}{len(self.args)}"), value, 0)
            self.args.append(key[1])
        return self._names[key]

    def pointer(self, value: Value) -> Buffer:
        """A value's memory. Each argument word is an alias scope of its own."""
        value = self.layout.same.get(value, value)
        key = "buffer", value
        if key not in self._names:
            number = len(self.args)
            name, at = self.free(f"x{number}"), call("word", ARGS, number)
            self._names[key] = self.buffer(name, value.dtype, at, number, 0)
            self.args.append(value)
        return self._names[key]

    def scratch_pointer(self, dtype: str, offset: Size, number: int) -> Buffer:
        """Memory of the thread's scratch, from ``offset`` bytes on; each number is its own memory."""
        key = "scratch", number
        if key not in self._names:
            at = SCRATCH if _is(offset, 0) else SCRATCH + self.size(offset)
            self._names[key] = self.buffer(f"w{number}", dtype, at, SCRATCH_SCOPE + number, 0)
        return self._names[key]

    def address(self, value: Value) -> Name:
        """The address of a value's memory, for native routines."""
        return self.word(("address", self.layout.same.get(value, value)), "a")

    def routine(self, symbol) -> Name:
        """The address of a native routine."""
        return self.word(("symbol", symbol), "f")

    def size(self, size: Size) -> Expression:
        """A size. 0, 1 and what is below are written out, all others are words, so that kernels of other sizes are
        equal. For the same reason a plain number is a new word each time: that two are equal says nothing."""
        if isinstance(size, int):
            return Number(size, "int64") if size < 2 else self.number(size, f"number {len(self.args)}")
        return self.word(("size", size), "n")

    def number(self, size: Size, role: str) -> Name:
        """A size that is a word of its own whatever its value, so that kernels of other sizes are equal."""
        return self.word((role, size), "n")

    def constant(self, value, dtype: str) -> Expression:
        if dtype == "bool":
            return call("b1", int(bool(value)))
        if not DTYPES[dtype].is_float:
            return call(short_name(dtype), int(value))
        if float(value) in _INLINE_CONSTANTS:
            return call(short_name(dtype), float(value))
        if DTYPES[dtype].is_narrow:
            return call(short_name(dtype), self.constant(value, DTYPES[dtype].compute))
        return self.word(("real", float(value), dtype), "c", f"real{DTYPES[dtype].bits}")

    # --- elements -------------------------------------------------------------------------------------------------

    def element(self, value: Value, index) -> Expression:
        if value in self._given:
            return self._given[value]
        key = (value, tuple(i.key() for i in index))
        if key not in self._known:
            self._known[key] = self._hold(self._expression(value, index), value)
        return self._known[key]

    def _expression(self, value: Value, index) -> Expression:
        if value in self._rows:
            pointer, position = self._rows[value]
            return pointer[self.at(position)]
        if value in self.producers and value not in self._in_memory:
            return self.lowered(self.producers[value], index)
        return self._load(value, index)

    def _hold(self, found: Expression, value: Value) -> Name:
        known = found.dtype == value.dtype and DTYPES[value.dtype].is_float  # Numba's integers may be wider
        if value in self.producers and value.dtype not in _PLAIN_RESULTS and not known:
            found = call(short_name(value.dtype), found)
        return found if isinstance(found, Name) else self.let(self.fresh("t"), found, self._level_of(found))

    def _load(self, value: Value, index) -> Load:
        return self.pointer(value)[self.at(self.layout.position(value, index))]

    def store_elements(self, places):
        """Compute the elements at (value, index) pairs, then store them: a state may be read for one of them and
        overwritten by another."""
        found = [(value, index, self.element(value, index)) for value, index in places]
        for value, index, element in found:
            place = self._load(value, index)
            self.store(place, element)

    def give(self, value: Value, name: Name):
        """From now on (until this loop closes and it is given anew) the value's element is in that local."""
        self._given[value] = name

    def stored(self, value: Value):
        """From now on the value is loaded from its buffer instead of computed again."""
        self._in_memory.add(value)

    def saved(self, value: Value, pointer: Buffer, position: Index):
        """From now on the value is read from a row buffer in scratch."""
        self._rows[value] = (pointer, position)

    def at(self, index) -> Expression:
        """The number that an Index is. Of axes that run as one loop only the last has a variable; it stands for all."""
        index = Index.of(index)
        if isinstance(index, Opaque):
            return call(index.sign, self.at(index.a), self.at(index.b))
        parts = []
        for axis, factor in index.terms.items():
            if axis.variable is None:
                continue
            parts.append(axis.variable if _is(factor, 1) else axis.variable * self.size(factor))
        if not _is(index.constant, 0) or not parts:
            parts.append(self.size(index.constant))
        return functools.reduce(operator.add, parts)

    def _symbol(self, found: Expression) -> Index:
        """A local of that value, as an index."""
        axis = Axis(None)
        axis.variable = self.let(self.fresh("r"), found, self._level_of(found))
        return Index({axis: 1})

    def checked(self, x: Expression, extent: Size, scope=None) -> Index:
        """An integer element as an index that is reported and clamped when it lies outside [0, extent). scope: of
        whom that is said, if not the op's."""
        self._checks.append((scope or self.op.scope or self.op.prim.name, extent))
        status, number = self.routine(STATUS), self.word(("size", len(self._checks), "check"), "n")
        return self._symbol(call("checked", status, number, call("i64", x), self.size(extent)))

    def clamp(self, x: Expression, limit: Size) -> Index:
        """An integer element as an index moved into [0, limit]."""
        return self._symbol(call("minimum", call("maximum", call("i64", x), 0), self.size(limit)))

    def choose(self, test: Expression, value, otherwise) -> Name:
        """value() where the test holds, else otherwise(): what is not chosen is not read."""
        name, guard = self.fresh("t"), self._guard
        for block, branch in ((self.when(test), value), (self.otherwise(), otherwise)):
            with block:
                self._guard = self.depth
                found = self.let(name, branch())
                self._guard = guard
        return found

    # --- the end --------------------------------------------------------------------------------------------------

    def nest(self, described=()) -> LoopNest:
        """All that was written. ``described``: what the kernel computes, for people."""
        return super().nest(" ".join(described))


def _is(size, number) -> bool:
    return isinstance(size, int) and size == number
