"""verify: the grammar of loop nests. Every kernel is checked with KGRAPH_CHECK=1.

- A name is given before it is read, on every way there, in the same block or one around it, and keeps its dtype. A Let
  gives a name that nothing else has; a Set may give it again.
- Calls are of functions of the language, or of the nest's Tiles, with operands that these take.
- Positions, addresses and bounds are whole numbers; tests are bools; what is stored has its buffer's dtype.
- Rounds of a "share" or "vector" loop know nothing of each other: no local goes from one to the next. Share loops walk
  units from lo to hi and stand in no other loop.
- One address has one scope: the optimiser is told that memory of different scopes does not overlap.
"""
from __future__ import annotations

import weakref

from kgraph.compiler.ir import ProgramError
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.language import ACTIONS, result_of
from kgraph.compiler.loopnest.nodes import (
    KINDS,
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
    Number,
    Return,
    Set,
    Store,
    While,
    blocks,
    expressions,
    format_statements,
)

__all__ = ["verify_nest"]


def verify_nest(nest: LoopNest) -> LoopNest:
    """Check the grammar, once. Raises ProgramError with the statement that breaks it. Returns the nest."""
    if nest not in _verified:
        _Verifier(nest).block(nest.body, dict.fromkeys(nest.parameters, "int64"))
        _verified.add(nest)
    return nest


_verified: weakref.WeakSet = weakref.WeakSet()


class _Verifier:
    def __init__(self, nest: LoopNest):
        self.nest = nest
        self.changing: dict = {}   # name -> dtype of its Sets
        self.places: dict = {}     # text of an address -> its scope
        self.loops: list = []      # those around the statement
        self.statement = None

    def require(self, test, expected: str, received=""):
        if not test:
            where = format_statements([self.statement])[0].strip() if self.statement else "the parameters"
            raise ProgramError(f"{self.nest.title or 'loop nest'}: expected {expected}"
                               + (f", received {received}" if received else "") + f": {where}")

    def block(self, body, known: dict) -> dict | None:
        """Check statements in a block. known: name -> dtype, or Buffer. Returns what is known after it, of names that
        live on; None if its end is never reached. The checks of statements add to what is known inside."""
        inside = dict(known)
        for statement in body:
            self.require(inside is not None, "no statement after the end of the kernel", type(statement).__name__)
            self.statement = statement
            for x in expressions(statement):
                self.expression(x, inside)
            inside = self._CHECKS[type(statement)](self, statement, inside)
        if inside is None:
            return None
        return {n: t for n, t in inside.items() if n in known or n in self.changing}

    # --- statements -------------------------------------------------------------------------------------------------

    def _buffer(self, s, known):
        self.whole(s.address)
        place = str(s.address)
        scope = self.places.setdefault(place, s.scope)
        self.require(scope == s.scope, f"the memory at {place} to have one scope", f"{scope} and {s.scope}")
        known[s.name] = s
        return known

    def _let(self, s, known):
        self.require(s.name not in known and s.name not in self.changing, "a name of its own", s.name)
        self.require(s.value.dtype is not None, "a value")
        known[s.name] = s.value.dtype
        return known

    def _set(self, s, known):
        self.require(s.name not in known or s.name in self.changing, "a local that changes", s.name)
        old = self.changing.setdefault(s.name, s.value.dtype)
        self.require(old == s.value.dtype, f"{s.name} to stay {old}", s.value.dtype)
        known[s.name] = old
        return known

    def _store(self, s, known):
        self.whole(s.position)
        self.require(known.get(s.buffer.name) is s.buffer, "a buffer of this block or one around it", s.buffer.name)
        self.require(s.value.dtype == s.buffer.dtype, f"a value of {s.buffer.dtype}", s.value.dtype)
        return known

    def _for(self, s, known):
        for x in expressions(s):
            self.whole(x)
        self.require(s.kind in KINDS, f"a kind of loop among {', '.join(KINDS)}", s.kind)
        self.require(isinstance(s.step, Number) is False or s.step.value != 0, "a step that is not 0")
        self.require(s.name not in known and s.name not in self.changing, "a name of its own", s.name)
        if s.kind == "share":
            bounds = [str(x) for x in (s.start, s.stop)]
            self.require(not self.loops, "a share loop around all others")
            self.require(bounds == ["lo", "hi"], "a share loop from lo to hi", " .. ".join(bounds))
        carried = _given_in(s.body) if s.kind in ("share", "vector") else set()
        self._inside(s, {n: t for n, t in {**known, s.name: "int64"}.items() if n not in carried})
        return known

    def _while(self, s, known):
        self.test(s.test)
        self._inside(s, known)
        return known

    def _inside(self, loop, known):
        self.loops.append(loop)
        self.block(loop.body, known)
        self.loops.pop()

    def _if(self, s, known):
        self.test(s.test)
        ends = [after for body in blocks(s) if (after := self.block(body, known)) is not None]
        if not ends:
            return None
        return {n: t for n, t in ends[0].items() if all(n in after for after in ends)}

    def _do(self, s, known):
        acts = isinstance(s.call, Call) and (s.call.function in ACTIONS or s.call.function in self.nest.tiles)
        self.require(acts, "a call that does something")
        return known

    _CHECKS = {Buffer: _buffer, Let: _let, Set: _set, Store: _store, For: _for, While: _while, If: _if, Do: _do,
               Return: lambda self, s, known: None}

    # --- expressions ------------------------------------------------------------------------------------------------

    def expression(self, x: Expression, known):
        if isinstance(x, Name):
            self.require(x.name in known, f"{x.name} to be given before it is read")
            self.require(known[x.name] == x.dtype, f"{x.name} of {x.dtype}", known[x.name])
        elif isinstance(x, Load):
            self.require(known.get(x.buffer.name) is x.buffer, "a buffer of this block or one around it", x.buffer.name)
            self.expression(x.position, known)
            self.whole(x.position)
        elif isinstance(x, Call):
            for operand in x.operands:
                self.expression(operand, known)
            self.call(x)

    def call(self, x: Call):
        dtypes = [operand.dtype for operand in x.operands]
        tile = self.nest.tiles.get(x.function)
        try:
            found = result_of(x.function, tuple(dtypes)) if tile is None else "int64" if tile.result else None
        except ValueError as error:
            self.require(False, "a call of the language", error)
        if tile is not None:
            self.require(dtypes == ["int64"] * tile.operands, f"{tile.operands} operands of int64", dtypes)
        self.require(found == x.dtype, f"{x.function} to give {found}", x.dtype)

    def whole(self, x):
        if x.dtype not in DTYPES or DTYPES[x.dtype].kind not in ("int", "uint"):
            self.require(False, "a whole number", f"{x.dtype} {str(x)}")

    def test(self, x):
        if x.dtype != "bool":
            self.require(False, "a test", f"{x.dtype} {str(x)}")


def _given_in(body) -> set:
    """The names of the Sets in a block."""
    found = set()
    for s in body:
        if isinstance(s, Set):
            found.add(s.name)
        for inner in blocks(s):
            found |= _given_in(inner)
    return found
