"""`Writer`: the loop nest of one kernel, written by pulling elements.

`element(value, index)` gives the local that holds one element. What is computed outside the kernel is loaded; anything
else asks its primitive's `lower`, which pulls in turn. Each statement is placed at the outermost loop level where all
it needs is known, so whatever does not depend on the inner loop is hoisted by itself.

Statements are given as nodes (`put`, `let`), or written down in the kernel language and read (`line`, `open`, `block`).
There an expression stands for itself: f"{total} = {total} + {w.element(x, index)}".
"""
from __future__ import annotations

import dataclasses
import functools
import operator

from kgraph.compiler.dims import Size
from kgraph.compiler.ir import Program, ProgramError, Value
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.elements import Pull
from kgraph.compiler.loopnest.index import Axis, Index, Layout, Opaque
from kgraph.compiler.loopnest.language import CASTS
from kgraph.compiler.loopnest.nodes import (
    PARAMETERS,
    Buffer,
    Expression,
    If,
    Let,
    Load,
    LoopNest,
    Name,
    Number,
    Store,
    call,
    names_given,
    names_read,
)
from kgraph.compiler.loopnest.parse import Reader, settled
from kgraph.compiler.loopnest.text import format_statements
from kgraph.compiler.plan import STATUS

__all__ = ["Writer"]

SCRATCH_SCOPE = 60  # alias scopes of argument words are their numbers; those of scratch memory begin here
ARGS, SCRATCH = Name("args", "int64"), Name("scratch", "int64")
_RESERVED = frozenset((*CASTS, *PARAMETERS))  # no names for variables: i32 is a cast
_PLAIN_RESULTS = ("float32", "float64", "bool")  # arithmetic on these keeps its type under Numba
_INLINE_CONSTANTS = (0.0, 1.0, -1.0, 2.0, 0.5)   # all others are arguments, so that kernels are shared


class Writer(Pull):
    """Statements, argument words and loop levels of one kernel."""

    def __init__(self, body: Program, layout: Layout | None = None, checks=None):
        """layout: how its values lie in memory. checks: list of check messages of the plan, to which this kernel's are
        appended."""
        super().__init__({o: op for op in body.ops for o in op.outputs})
        self.body = body
        self.args: list = []
        self.scratch_bytes: Size = 0
        self.layout = layout or Layout()
        self._checks = checks if checks is not None else []
        self._levels: list[list] = [[]]   # statements of each open block
        self._headers: list = []          # the loops and blocks that they belong to, or "else"
        self._reader = Reader()
        self._scope: dict = dict.fromkeys(PARAMETERS, 0)  # name -> the level that gives it
        self._names: dict = {}     # word key -> local name
        self._known: dict = {}     # (value, index key) -> (name, level)
        self._given: dict = {}     # value -> (name, level): results of reductions
        self._symbols: dict = {}
        self._count = 0
        self.sizes: dict = {}      # names of axes -> their sizes
        self._needs = [0]          # the innermost level that the expression being built depends on
        self._in_memory: set = set()  # outputs stored already: loaded when needed again
        self._guard = 0              # depth of the innermost choose(): what it guards may not move out of it
        self._rows: dict = {}        # value -> (pointer, position): kept in scratch for the length of a row
        self.strip_position = ""

    def know(self, axes):
        """The sizes of axes that go by a name in this kernel."""
        self.sizes.update((str(a.extent), a.size) for a in axes if a.extent is not a.size)

    # --- statements and loops -------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        return len(self._levels) - 1

    def line(self, text: str, level: int | None = None):
        """A statement of the kernel language, at the innermost level or another."""
        for node in self._reader.statements(text):
            self.put(node, level)

    def put(self, node, level: int | None = None):
        """A statement, at the innermost level or another."""
        level = self.depth if level is None else level
        self._note_names(node, level)
        self._levels[level].append(node)

    def read_here(self, text: str) -> Expression:
        """An expression in the kernel language that depends on the innermost loop."""
        self._needs[-1] = self.depth
        return self._reader.expression(text)

    def let(self, name: str, value: Expression, level: int | None = None) -> Name:
        """A local of that name and value."""
        self.put(Let(name, value), level)
        return self._reader.know(name, value.dtype)

    def open(self, header: str):
        """Begin a loop or block; its statements are collected until close()."""
        node = "else" if header == "else:" else self._reader.statements(f"{header} pass")[0]
        self._levels.append([])
        self._headers.append(node)
        if node != "else":
            self._note_names(node, self.depth)

    def close(self):
        header, body = self._headers.pop(), tuple(self._levels.pop())
        if header == "else":
            before = self._levels[-1].pop()
            node = If(before.test, before.body, body)
        else:
            node = dataclasses.replace(header, body=body)
        self._levels[-1].append(node)
        depth = self.depth
        self._scope = {k: v for k, v in self._scope.items() if v <= depth}
        self._known = {k: v for k, v in self._known.items() if v[1] <= depth}
        self._symbols = {k: v for k, v in self._symbols.items() if v.level <= depth}

    def loop(self, axis: Axis, start: str = "0", stop: str | None = None, name: str | None = None):
        """Open a loop over an axis."""
        stop = stop or self.size(axis.extent)
        axis.text, axis.level = name or self.fresh("i"), self.depth + 1
        self.open(f"for {axis.text} in range({start}, {stop}):")

    def block(self, text: str):
        """Lines whose own indentation opens and closes blocks."""
        outside = self.depth
        for line in text.splitlines():
            inner = line.lstrip()
            while self.depth > outside + (len(line) - len(inner)) // 4:
                self.close()
            (self.open if inner.endswith(":") else self.line)(inner)
        while self.depth > outside:
            self.close()

    def fresh(self, stem: str) -> str:
        self._count += 1
        return _variable(f"{stem}{self._count}")

    def _note_names(self, node, level: int):
        """Every name that a statement reads is given before it, in the same block or one around it; what it gives is
        known from here on. Raises ProgramError."""
        given, header = names_given(node), hasattr(node, "body")
        for name in names_read(node):
            if self._scope.get(name, level + 1) > level - (header and name not in given):
                raise ProgramError(f"expected {name} to be given before it is read, in the same block or one around "
                                   f"it: {format_statements([node])[0]}")
        for name in given:
            if name in _RESERVED:
                raise ProgramError(f"expected a free name for a variable, received {name}: "
                                   f"{format_statements([node])[0]}")
            self._scope[name] = min(level, self._scope.get(name, level))

    def forget(self):
        """Drop what is known about elements: they may have changed (a new stage begins)."""
        self._known = {}

    # --- words ----------------------------------------------------------------------------------------------------

    def word(self, key, stem: str, function: str = "word") -> Name:
        """The local that holds an argument word, read once at the top of the kernel. key: (what for, its content)."""
        if key not in self._names:
            value = call(function, ARGS, len(self.args))
            self._names[key] = self.let(_variable(f"{stem}{len(self.args)}"), value, 0)
            self.args.append(key[1])
        return self._names[key]

    def pointer(self, value: Value) -> Buffer:
        """A value's memory. Each argument word is an alias scope of its own."""
        value = self.layout.same.get(value, value)
        key = "buffer", value
        if key not in self._names:
            number = len(self.args)
            self._names[key] = self._buffer(_variable(f"x{number}"), value.dtype, call("word", ARGS, number), number)
            self.args.append(value)
        return self._names[key]

    def scratch_pointer(self, dtype: str, offset: Size, number: int) -> Buffer:
        """Memory of the thread's scratch, from ``offset`` bytes on; each number is its own memory."""
        key = "scratch", number
        if key not in self._names:
            at = SCRATCH if _is(offset, 0) else SCRATCH + self.size(offset)
            self._names[key] = self._buffer(f"w{number}", dtype, at, SCRATCH_SCOPE + number)
        return self._names[key]

    def _buffer(self, name, dtype, address, scope) -> Buffer:
        buffer = self._reader.names[name] = Buffer(name, dtype, address, scope)
        self.put(buffer, 0)
        return buffer

    def address(self, value: Value) -> Name:
        """The address of a value's memory, for native routines."""
        return self.word(("address", self.layout.same.get(value, value)), "a")

    def routine(self, symbol) -> Name:
        """The address of a native routine."""
        return self.word(("symbol", symbol), "f")

    def size(self, size: Size) -> Expression:
        """A size. 0 and 1 are written out, all others are words, so that kernels of other sizes are equal. For the same
        reason a plain number is a new word each time: that two are equal says nothing."""
        if isinstance(size, int):
            return Number(size, "int64") if size in (0, 1) else self.number(size, f"number {len(self.args)}")
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
        return self.word(("real", float(value), dtype), "c", f"real{DTYPES[dtype].bits}")

    # --- elements -------------------------------------------------------------------------------------------------

    def element(self, value: Value, index) -> Expression:
        key = (value, tuple(i.key() for i in index))
        if value in self._given:
            name, level = self._given[value]
        elif key in self._known:
            name, level = self._known[key]
        else:
            self._needs.append(0)
            found = self._expression(value, index)
            level = max(self._needs.pop(), self._guard)
            name = self._hold(found, value, level)
            self._known[key] = (name, level)
        self._needs[-1] = max(self._needs[-1], level)
        return name

    def _expression(self, value: Value, index) -> Expression:
        if value in self._rows:
            pointer, position = self._rows[value]
            return pointer[self.at(position)]
        if value in self.producers and value not in self._in_memory:
            return self.lowered(self.producers[value], index)
        return self._load(value, index)

    def _hold(self, found: Expression, value: Value, level: int) -> Name:
        if value in self.producers and value.dtype not in _PLAIN_RESULTS:
            found = call(short_name(value.dtype), found)
        return found if isinstance(found, Name) else self.let(self.fresh("t"), found, level)

    def _load(self, value: Value, index) -> Load:
        return self.pointer(value)[self.at(self.layout.position(value, index))]

    def store_elements(self, places):
        """Compute the elements at (value, index) pairs, then store them: a state may be read for one of them and
        overwritten by another."""
        found = [(value, index, self.element(value, index)) for value, index in places]
        for value, index, element in found:
            place = self._load(value, index)
            self.put(Store(place.buffer, place.position, element))

    def give(self, value: Value, name):
        """From now on (until this loop closes and it is given anew) the value's element is in that local."""
        self._given[value] = (name if isinstance(name, Name) else self._reader.names[name], self.depth)

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
            if axis.text is None:
                continue
            self._needs[-1] = max(self._needs[-1], axis.level)
            variable = Name(axis.text, "int64")
            parts.append(variable if _is(factor, 1) else variable * self._factor(factor))
        if not _is(index.constant, 0) or not parts:
            parts.append(self._factor(index.constant))
        return functools.reduce(operator.add, parts)

    def _factor(self, size: Size) -> Expression:
        return Number(size, "int64") if isinstance(size, int) and size < 0 else self.size(size)

    def _symbol(self, name: Name, level: int) -> Index:
        """A local as an index."""
        if name.name not in self._symbols:
            axis = Axis(None)
            axis.text, axis.level = name.name, level
            self._symbols[name.name] = axis
        return Index({self._symbols[name.name]: 1})

    def checked(self, x: Expression, extent: Size) -> Index:
        """An integer element as an index that is reported and clamped when it lies outside [0, extent)."""
        level = max(self._needs[-1], self._guard)
        self._checks.append((self.op.scope or self.op.prim.name, extent))
        status, number = self.routine(STATUS), self.word(("size", len(self._checks), "check"), "n")
        found = call("checked", status, number, call("i64", x), self.size(extent))
        return self._symbol(self.let(self.fresh("r"), found, level), level)

    def clamp(self, x: Expression, limit: Size) -> Index:
        """An integer element as an index moved into [0, limit]."""
        level = max(self._needs[-1], self._guard)
        found = call("minimum", call("maximum", call("i64", x), 0), self.size(limit))
        return self._symbol(self.let(self.fresh("r"), found, level), level)

    def choose(self, test: Expression, value, otherwise) -> Name:
        """value() where the test holds, else otherwise(): what is not chosen is not read."""
        name, guard = self.fresh("t"), self._guard
        for header, branch in ((f"if {test!s}:", value), ("else:", otherwise)):
            self.open(header)
            self._guard = self.depth
            self._needs.append(0)
            found = self.let(name, branch())
            self._needs.pop()
            self._guard = guard
            self.close()
        self._scope[name] = self.depth  # both branches give it
        self._needs[-1] = max(self._needs[-1], self.depth)
        return found

    # --- the end --------------------------------------------------------------------------------------------------

    def nest(self, described=()) -> LoopNest:
        """All that was written. ``described``: what the kernel computes, for people."""
        assert self.depth == 0, "a loop was left open"
        return LoopNest(settled(self._levels[0]), title=" ".join(described))


def _variable(name: str) -> str:
    return f"{name}_" if name in _RESERVED else name


def _is(size, number) -> bool:
    return isinstance(size, int) and size == number
