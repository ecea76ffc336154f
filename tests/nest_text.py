"""Loop nests from text: what the printer writes reads back as the same nest, and tests write nests down.

    x = pf32(args, 0)                          Buffer; pf32_at(address, scope) for other memory
    n = word(args, 1)                          Let; Set where a name is given twice, or used outside its block
    x[i] = x[i] + 1, x[i] += 1                 Store
    for i in range(...), while, if, return     For, While, If, Return
    report(...)                                Do
"""
from __future__ import annotations

import ast
import functools

from kgraph.compiler.ir import ProgramError
from kgraph.compiler.loopnest.builder import settled
from kgraph.compiler.loopnest.language import CASTS
from kgraph.compiler.loopnest.nodes import (
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
    Store,
    While,
    call,
)

_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.LShift: "<<",
          ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">",
          ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.And: "and", ast.Or: "or", ast.USub: "neg", ast.Not: "not"}


def parse(source: str, tiles=(), title: str = "") -> LoopNest:
    """The nest of a function in the kernel language. tiles: the Tiles that it may call.

    Raises ProgramError for what is no part of the language, naming the line.
    """
    function, = ast.parse(source.strip()).body
    parameters = tuple(a.arg for a in function.args.args)
    reader = Reader(parameters, tiles)
    return LoopNest(settled(reader.statements(function.body)), parameters, {t.name: t for t in tiles}, title)


class Reader:
    """Reads statements and expressions; remembers the buffers and the dtypes of the locals that it met."""

    def __init__(self, parameters, tiles):
        self.names: dict = {p: Name(p, "int64") for p in parameters}  # name -> Name or Buffer
        self.tiles = {t.name: t for t in tiles}

    # --- statements -------------------------------------------------------------------------------------------------

    def statements(self, body) -> tuple:
        """The nodes of Python's statements. Every name that is given is a Let; see `settled`."""
        return tuple(node for statement in body for node in self._statement(statement))

    def _statement(self, s) -> list:
        read = getattr(self, f"_{type(s).__name__.lower()}", None)
        if read is None:
            raise _refused(s, "a statement of the kernel language")
        return read(s)

    def _assign(self, s):
        target, = s.targets
        return [self._give(target, s.value)]

    def _augassign(self, s):
        value = ast.copy_location(ast.BinOp(s.target, s.op, s.value), s)
        return [self._give(s.target, value)]

    def _give(self, target, value):
        if isinstance(target, ast.Subscript):
            element = self.expression(target)
            return Store(element.buffer, element.position, self.expression(value))
        if isinstance(value, ast.Call) and (found := self._buffer(target.id, value)) is not None:
            self.names[target.id] = found
            return found
        value = self.expression(value)
        self.names.setdefault(target.id, Name(target.id, value.dtype))  # of the dtype that it has first
        return Let(target.id, value)

    def _buffer(self, name, value) -> Buffer | None:
        function = value.func.id
        dtype = CASTS.get(function[1:].removesuffix("_at"))
        if function[0] != "p" or dtype is None:
            return None
        place, number = map(self.expression, value.args)
        if not function.endswith("_at"):
            place = call("word", place, number)
        return Buffer(name, dtype, place, number.value)

    def _for(self, s):
        bounds = [self.expression(a) for a in s.iter.args]
        start, stop = (Number(0, "int64"), bounds[0]) if len(bounds) == 1 else bounds[:2]
        step = bounds[2] if len(bounds) == 3 else Number(1, "int64")
        self.names[s.target.id] = Name(s.target.id, "int64")
        shared = [getattr(b, "name", None) for b in bounds] == ["lo", "hi"]
        return [For(s.target.id, start, stop, step, "share" if shared else "serial", self.statements(s.body))]

    def _while(self, s):
        return [While(self.expression(s.test), self.statements(s.body))]

    def _if(self, s):
        return [If(self.expression(s.test), self.statements(s.body), self.statements(s.orelse))]

    def _expr(self, s):
        return [Do(self.expression(s.value))]

    def _return(self, s):
        return [Return()]

    def _pass(self, s):
        return []

    # --- expressions ------------------------------------------------------------------------------------------------

    def expression(self, x) -> Expression:
        if isinstance(x, ast.Constant):
            return Number(x.value, {bool: "bool", int: "int64", float: "float64"}[type(x.value)])
        if isinstance(x, ast.Name):
            return self._named(x)
        if isinstance(x, ast.Subscript):
            found = self.names.get(getattr(x.value, "id", None))
            if not isinstance(found, Buffer):
                raise _refused(x, "an element of a buffer that was given before")
            return Load(found, self.expression(x.slice))
        if isinstance(x, ast.UnaryOp):
            return self._negated(x)
        if isinstance(x, ast.BinOp):
            return call(_SIGNS[type(x.op)], self.expression(x.left), self.expression(x.right))
        if isinstance(x, ast.Compare) and len(x.ops) == 1:
            return call(_SIGNS[type(x.ops[0])], self.expression(x.left), self.expression(x.comparators[0]))
        if isinstance(x, ast.BoolOp):
            return functools.reduce(lambda a, b: call(_SIGNS[type(x.op)], a, b), map(self.expression, x.values))
        if isinstance(x, ast.Call):
            return self._called(x)
        raise _refused(x, "an expression of the kernel language")

    def _named(self, x):
        found = self.names.get(x.id)
        if not isinstance(found, Expression):
            raise ProgramError(f"expected {x.id} to be given before it is read, received line {x.lineno}")
        return found

    def _negated(self, x):
        operand = self.expression(x.operand)
        if isinstance(x.op, ast.USub) and isinstance(operand, Number):
            return Number(-operand.value, operand.dtype)
        return call(_SIGNS[type(x.op)], operand)

    def _called(self, x):
        operands = tuple(map(self.expression, x.args))
        tile = self.tiles.get(x.func.id)
        if tile is not None:
            return Call(tile.name, operands, "int64" if tile.result else None)
        return call(x.func.id, *operands)


def _refused(node, expected):
    return ProgramError(f"expected {expected}, received line {node.lineno}: {ast.unparse(node)}")
