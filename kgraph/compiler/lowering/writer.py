"""`Writer`: the text of one kernel, written by pulling elements.

`element(value, index)` gives the name of a local variable that holds one element. What is computed outside the
kernel is loaded; anything else asks its primitive's `lower`, which pulls in turn. Each statement is placed at the
outermost loop level where all it needs is known, so whatever does not depend on the inner loop is hoisted by itself.
"""
from __future__ import annotations

import dataclasses

from kgraph.compiler.dims import Size
from kgraph.compiler.ir import Program, ProgramError, Value
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.elements import Pull
from kgraph.compiler.loopnest.index import Axis, Index, Layout, Opaque
from kgraph.compiler.loopnest.language import CASTS
from kgraph.compiler.loopnest.nodes import PARAMETERS, If, LoopNest, names_given, names_read
from kgraph.compiler.loopnest.parse import Reader, settled
from kgraph.compiler.loopnest.text import format_statements
from kgraph.compiler.plan import STATUS

__all__ = ["Writer"]

SCRATCH_SCOPE = 60  # alias scopes of argument words are their numbers; those of scratch memory begin here
_RESERVED = frozenset((*CASTS, *PARAMETERS))  # no names for variables: i32 is a cast
_PLAIN_RESULTS = ("float32", "float64", "bool")  # arithmetic on these keeps its type under Numba
_INLINE_CONSTANTS = (0.0, 1.0, -1.0, 2.0, 0.5)   # all others are arguments, so that kernels are shared


class Writer(Pull):
    """Text, argument words and loop levels of one kernel."""

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

    # --- text and loops -------------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        return len(self._levels) - 1

    def line(self, text: str, level: int | None = None):
        """A statement of the kernel language, at the innermost level or another."""
        level = self.depth if level is None else level
        for node in self._reader.statements(text):
            self._note_names(node, level)
            self._levels[level].append(node)

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

    def word(self, key, template: str, stem: str) -> str:
        """The local name of an argument word, read once at the top of the kernel. key: (what for, its content)."""
        if key not in self._names:
            name = self._names[key] = _variable(f"{stem}{len(self.args)}")
            self.line(f"{name} = {template.format(k=len(self.args))}", 0)
            self.args.append(key[1])
        return self._names[key]

    def pointer(self, value: Value) -> str:
        value = self.layout.same.get(value, value)
        return self.word(("buffer", value), f"p{short_name(value.dtype)}(args, {{k}})", "x")

    def address(self, value: Value) -> str:
        """The address of a value's buffer, for native routines."""
        value = self.layout.same.get(value, value)
        return self.word(("address", value), "word(args, {k})", "a")

    def size(self, size: Size) -> str:
        """The text of a size. 0 and 1 are written out, all others are words, so that kernels of other sizes are equal.
        For the same reason a plain number is a new word each time: that two are equal says nothing."""
        if isinstance(size, int):
            return str(size) if size in (0, 1) else self.number(size, f"number {len(self.args)}")
        return self.word(("size", size), "word(args, {k})", "n")

    def number(self, size: Size, role: str) -> str:
        """The text of a size that is a word of its own whatever its value, so that kernels of other sizes are equal."""
        return self.word((role, size), "word(args, {k})", "n")

    def constant(self, value, dtype: str) -> str:
        cast = short_name(dtype)
        if dtype == "bool":
            return f"b1({int(bool(value))})"
        if dtype.startswith("float"):
            if float(value) in _INLINE_CONSTANTS:
                return f"{cast}({float(value)})"
            return self.word(("real", float(value), dtype), f"real{cast[1:]}(args, {{k}})", "c")
        return f"{cast}({int(value)})"

    def scratch_pointer(self, dtype: str, offset: Size, number: int) -> str:
        """A typed pointer into the thread's scratch, ``offset`` bytes in; each number is its own memory."""
        key = ("scratch", number)
        if key not in self._names:
            self._names[key] = f"w{number}"
            at = "scratch" if _is(offset, 0) else f"scratch + {self.size(offset)}"
            self.line(f"w{number} = p{short_name(dtype)}_at({at}, {SCRATCH_SCOPE + number})", 0)
        return self._names[key]

    def routine(self, symbol) -> str:
        return self.word(("symbol", symbol), "word(args, {k})", "f")

    # --- elements -------------------------------------------------------------------------------------------------

    def element(self, value: Value, index) -> str:
        key = (value, tuple(i.key() for i in index))
        if value in self._given:
            name, level = self._given[value]
        elif key in self._known:
            name, level = self._known[key]
        else:
            self._needs.append(0)
            text = self._expression(value, index)
            level = max(self._needs.pop(), self._guard)
            name = self._hold(text, value, level)
            self._known[key] = (name, level)
        self._needs[-1] = max(self._needs[-1], level)
        return name

    def _expression(self, value: Value, index) -> str:
        if value in self._rows:
            pointer, position = self._rows[value]
            return f"{pointer}[{self.at(position)}]"
        if value in self.producers and value not in self._in_memory:
            return self.lowered(self.producers[value], index)
        return self._load(value, index)

    def _hold(self, text: str, value: Value, level: int) -> str:
        if value in self.producers and value.dtype not in _PLAIN_RESULTS:
            text = f"{short_name(value.dtype)}({text})"
        if text.isidentifier():
            return text
        name = self.fresh("t")
        self.line(f"{name} = {text}", level)
        return name

    def _load(self, value: Value, index) -> str:
        return f"{self.pointer(value)}[{self.at(self.layout.position(value, index))}]"

    def store_elements(self, places):
        """Compute the elements at (value, index) pairs, then store them: a state may be read for one of them and
        overwritten by another."""
        texts = [(value, index, self.element(value, index)) for value, index in places]
        for value, index, text in texts:
            self.store(value, index, text)

    def store(self, value: Value, index, text: str):
        self.line(f"{self.pointer(value)}[{self.at(self.layout.position(value, index))}] = {text}")

    def give(self, value: Value, name: str):
        """From now on (until this loop closes and it is given anew) the value's element is in that variable."""
        self._given[value] = (name, self.depth)

    def stored(self, value: Value):
        """From now on the value is loaded from its buffer instead of computed again."""
        self._in_memory.add(value)

    def saved(self, value: Value, pointer: str, position: Index):
        """From now on the value is read from a row buffer in scratch."""
        self._rows[value] = (pointer, position)

    def at(self, index) -> str:
        """Text of an Index. Of axes that run as one loop only the last has a variable; it stands for all."""
        index = Index.of(index)
        if isinstance(index, Opaque):
            a, b = self.at(index.a), self.at(index.b)
            return f"({a} {index.sign} {b})"
        parts = []
        for axis, factor in index.terms.items():
            if axis.text is None:
                continue
            self._needs[-1] = max(self._needs[-1], axis.level)
            parts.append(axis.text if _is(factor, 1) else f"{axis.text} * {self._factor(factor)}")
        if not _is(index.constant, 0) or not parts:
            parts.append(self._factor(index.constant))
        return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"

    def _factor(self, size: Size) -> str:
        return str(size) if isinstance(size, int) and size < 0 else self.size(size)

    def _symbol(self, text: str, level: int) -> Index:
        """A variable of the text as an index."""
        if text not in self._symbols:
            axis = Axis(None)
            axis.text, axis.level = text, level
            self._symbols[text] = axis
        return Index({self._symbols[text]: 1})

    def checked(self, text: str, extent: Size) -> Index:
        """An integer element as an index that is reported and clamped when it lies outside [0, extent)."""
        level = max(self._needs[-1], self._guard)
        self._checks.append((self.op.scope or self.op.prim.name, extent))
        status = self.word(("symbol", STATUS), "word(args, {k})", "f")
        number = self.word(("size", len(self._checks), "check"), "word(args, {k})", "n")
        name = self.fresh("r")
        self.line(f"{name} = checked({status}, {number}, i64({text}), {self.size(extent)})", level)
        return self._symbol(name, level)

    def clamp(self, text: str, limit: Size) -> Index:
        """An integer element as an index moved into [0, limit]."""
        level = max(self._needs[-1], self._guard)
        name = self.fresh("r")
        self.line(f"{name} = minimum(maximum(i64({text}), 0), {self.size(limit)})", level)
        return self._symbol(name, level)

    def choose(self, test: str, value, otherwise) -> str:
        """value() where the test holds, else otherwise(): what is not chosen is not read."""
        name, guard = self.fresh("t"), self._guard
        for header, branch in ((f"if {test}:", value), ("else:", otherwise)):
            self.open(header)
            self._guard = self.depth
            self._needs.append(0)
            self.line(f"{name} = {branch()}")
            self._needs.pop()
            self._guard = guard
            self.close()
        self._scope[name] = self.depth  # both branches give it
        self._needs[-1] = max(self._needs[-1], self.depth)
        return name

    # --- the end --------------------------------------------------------------------------------------------------

    def nest(self, described=()) -> LoopNest:
        """All that was written. ``described``: what the kernel computes, for people."""
        assert self.depth == 0, "a loop was left open"
        return LoopNest(settled(self._levels[0]), title=" ".join(described))


def _variable(name: str) -> str:
    return f"{name}_" if name in _RESERVED else name


def _is(size, number) -> bool:
    return isinstance(size, int) and size == number
