"""`Builder`: writes a loop nest statement by statement. Python's blocks are the nest's:

    b = Builder(("x", "n"))
    x, n = b.given
    numbers = b.buffer("numbers", "float32", x, 0)
    with b.loop("i", 0, n) as i:
        with b.when(numbers[i] < 0.0):
            b.store(numbers[i], 0.0)
    nest = b.nest("what it does")

A local is given by `let`, and changes when it is given again.
"""
from __future__ import annotations

import contextlib
import dataclasses
import functools

from kgraph.compiler.ir import ProgramError
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.language import CASTS
from kgraph.compiler.loopnest.nodes import (
    PARAMETERS,
    Buffer,
    Call,
    Do,
    Expression,
    For,
    If,
    Let,
    Load,
    LoopNest,
    Name,
    Return,
    Set,
    Store,
    While,
    blocks,
    call,
    expression,
    format_statements,
    names_given,
    names_read,
)
from kgraph.compiler.loopnest.records import Record, Words

__all__ = ["Builder", "both", "differ", "either", "equal", "least", "most", "settled"]

equal, differ, least, most = (functools.partial(call, sign) for sign in ("==", "!=", "min", "max"))


def both(*tests) -> Expression:
    """Whether all tests hold; those after one that does not hold are not asked."""
    return functools.reduce(functools.partial(call, "and"), tests)


def either(*tests) -> Expression:
    """Whether one of the tests holds; those after it are not asked."""
    return functools.reduce(functools.partial(call, "or"), tests)


class Builder:
    """Statements of the blocks that are open, outermost first, and the names that they give."""

    def __init__(self, parameters=PARAMETERS, tiles=()):
        """tiles: the Tiles that the nest may call."""
        self.given = tuple(Name(p, "int64") for p in parameters)
        self.locals: dict = {n.name: n for n in self.given}
        self.tiles = {t.name: t for t in tiles}
        self._levels: list[list] = [[]]
        self._headers: list = []          # the nodes that they belong to, without bodies yet, or "else"
        self._scope: dict = dict.fromkeys(parameters, 0)  # name -> the level that gives it
        self._count = 0
        self._reserved = frozenset((*CASTS, *parameters))  # no names for variables: i32 is a cast

    @property
    def depth(self) -> int:
        return len(self._levels) - 1

    # --- statements -------------------------------------------------------------------------------------------------

    def put(self, node, level: int | None = None):
        """A statement, at the innermost level or another."""
        level = self.depth if level is None else level
        self._note_names(node, level)
        self._levels[level].append(node)

    def let(self, name: str | Name, value, level: int | None = None) -> Name:
        """A local of that name and value; given again, it changes."""
        name, value = str(name), expression(value)
        self.put(Let(name, value), level)
        return self.locals.setdefault(name, Name(name, value.dtype))

    def lets(self, **values) -> list:
        """Locals of these names and values, none of which reads another of them."""
        return [self.let(name, value) for name, value in values.items()]

    def store(self, place: Load, value):
        """The element at that place becomes the value."""
        self.put(Store(place.buffer, place.position, expression(value)))

    def buffer(self, name: str, dtype: str, address: Expression, scope: int, level: int | None = None) -> Buffer:
        """Memory from an address on; see nodes.Buffer."""
        buffer = self.locals[name] = Buffer(name, dtype, address, scope)
        self.put(buffer, level)
        return buffer

    def record(self, name: str, record: Record, address: Expression, scope: int) -> Words:
        """The words of a record that begins at an address."""
        return Words(record, self.buffer(name, "int64", address, scope))

    def fill(self, words: Words, **values):
        """Fields of a record become these values."""
        for field, value in values.items():
            self.store(getattr(words, field), value)

    def call(self, function: str, *operands) -> Call:
        """A call of a Tile or of a function of the language."""
        tile = self.tiles.get(function)
        if tile is None:
            return call(function, *operands)
        return Call(function, tuple(map(expression, operands)), "int64" if tile.result else None)

    def accumulate(self, place: Load, x: Expression):
        """x is added to the element at that place."""
        total = place + x
        self.store(place, total if total.dtype == place.dtype else call(short_name(place.dtype), total))

    def do(self, function: str, *operands):
        """Such a call for what it does."""
        self.put(Do(self.call(function, *operands)))

    def end(self):
        """Ends the kernel."""
        self.put(Return())

    # --- blocks -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def block_of(self, header):
        """``with`` this, the body of a node, or what is otherwise done than in the If before it ("else")."""
        self.open(header)
        yield
        self.close()

    @contextlib.contextmanager
    def loop(self, name: str, start, stop, kind: str = "serial", step: int = 1):
        """``with`` this, a loop over start, start + step ... below stop, as the number of its round."""
        yield self.repeat(name, start, stop, kind, step)
        self.close()

    def when(self, test: Expression):
        """``with`` this, what is done where the test holds."""
        return self.block_of(If(test, ()))

    def otherwise(self):
        """``with`` this, what is done where the test of the last `when` does not hold."""
        return self.block_of("else")

    def during(self, test: Expression | bool):
        """``with`` this, what is done again and again while the test holds."""
        return self.block_of(While(expression(test), ()))

    def open(self, header):
        """Begin a loop or block, a node without body; its statements are collected until close()."""
        self._levels.append([])
        self._headers.append(header)
        if header != "else":
            self._note_names(header, self.depth)

    def close(self):
        header, body = self._headers.pop(), tuple(self._levels.pop())
        self._scope = {name: level for name, level in self._scope.items() if level <= self.depth}
        if header == "else":
            before = self._levels[-1].pop()
            node = If(before.test, before.body, body)
            for name in _given_by(before.body) & _given_by(body):
                self._scope.setdefault(name, self.depth)
        else:
            node = dataclasses.replace(header, body=body)
        self._levels[-1].append(node)

    def repeat(self, name: str, start, stop, kind: str = "serial", step: int = 1) -> Name:
        """Open a loop over start, start + step ... below stop. Returns the number of its round."""
        self.open(For(name, expression(start), expression(stop), expression(step), kind, ()))
        return self.locals.setdefault(name, Name(name, "int64"))

    def fresh(self, stem: str) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return self.free(f"{stem}{self._count}")

    def free(self, name: str) -> str:
        """The name, or one like it that is no word of the language."""
        return f"{name}_" if name in self._reserved else name

    def _note_names(self, node, level: int):
        """Every name that a statement reads is given before it, in the same block or one around it; what it gives is
        known from here on. Raises ProgramError."""
        given, header = names_given(node), hasattr(node, "body")
        for name in names_read(node):
            if self._scope.get(name, level + 1) > level - (header and name not in given):
                raise ProgramError(f"expected {name} to be given before it is read, in the same block or one around "
                                   f"it: {format_statements([node])[0]}")
        for name in given:
            if name in self._reserved:
                raise ProgramError(f"expected a free name for a variable, received {name}: "
                                   f"{format_statements([node])[0]}")
            self._scope[name] = min(level, self._scope.get(name, level))

    def nest(self, title: str = "") -> LoopNest:
        """All that was written. title: what it computes, for people."""
        assert self.depth == 0, "a loop was left open"
        return LoopNest(settled(self._levels[0]), tuple(n.name for n in self.given), self.tiles, title)


def _given_by(block) -> set:
    """The locals that a block gives, whatever happens in it."""
    found = {s.name for s in block if isinstance(s, Let)}
    return found.union(*(_given_by(s.body) & _given_by(s.otherwise) for s in block if isinstance(s, If)))


def settled(body) -> tuple:
    """The statements with a Set for each Let whose name is given more than once, or used outside its block."""
    changing = _changing(body)

    def of(block):
        return tuple(map(one, block))

    def one(s):
        if isinstance(s, Let):
            return Set(s.name, s.value) if s.name in changing else s
        if isinstance(s, For):
            return For(s.name, s.start, s.stop, s.step, s.kind, of(s.body))
        if isinstance(s, While):
            return While(s.test, of(s.body))
        return If(s.test, of(s.body), of(s.otherwise)) if isinstance(s, If) else s
    return of(body)


def _changing(body) -> set:
    found, given = set(), {}

    def walk(block, path):
        for s in block:
            found.update(n for n in names_read(s) if path[:len(given.get(n, ()))] != given.get(n, ()))
            if isinstance(s, (Let, Set)):
                if s.name in given:
                    found.add(s.name)
                given.setdefault(s.name, path)
            for k, inner in enumerate(blocks(s)):
                walk(inner, (*path, (id(s), k)))
    walk(body, ())
    return found
