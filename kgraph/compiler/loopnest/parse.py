"""Loop nests written down: the kernel language, a part of Python, read into nodes.

Routines that are long and have fixed parts (the drivers of products and convolutions, what walks a step, loops over a
table of kernels) are written so. What the printer writes reads back as the same nest.

    x = pf32(args, 0)                          Buffer; pf32_at(address, scope) for other memory
    n = word(args, 1)                          Let; Set where a name is given twice, or used outside its block
    x[i] = x[i] + 1, x[i] += 1                 Store
    for i in range(...), while, if, return     For, While, If, Return
    gemm(...)                                  Do
    g = window(block, 0), g.axes[k].taps       words of a record, by name (records.py); xs = g.axes[2], xs.taps
"""
from __future__ import annotations

import ast
import functools

from kgraph.compiler.ir import ProgramError
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
    Number,
    Return,
    Set,
    Store,
    While,
    blocks,
    call,
    names_read,
)
from kgraph.compiler.loopnest.records import RECORDS

__all__ = ["Reader", "parse", "quoted", "settled"]

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


def quoted(text: str, **operands) -> Expression:
    """The expression that a text is, with these operands for the names in it."""
    reader = Reader(())
    reader.names = operands
    return reader.expression(text)


class Reader:
    """Reads statements and expressions; remembers the buffers and the dtypes of the locals that it met."""

    def __init__(self, parameters=PARAMETERS, tiles=()):
        self.names: dict = {p: Name(p, "int64") for p in parameters}  # name -> Name or Buffer
        self.tiles = {t.name: t for t in tiles}
        self.records: dict = {}  # name of a buffer -> the record that its words are
        self.aliases: dict = {}  # name -> the part of a record that it stands for

    def know(self, name: str, dtype: str) -> Name:
        """A local, as the first statement that gives it has it."""
        return self.names.setdefault(name, Name(name, dtype))

    # --- statements -------------------------------------------------------------------------------------------------

    def statements(self, body) -> tuple:
        """The nodes of Python's statements (or of text). Every name that is given is a Let; see `settled`."""
        if isinstance(body, str):
            body = _parsed(body)
        return tuple(node for statement in body for node in self._statement(statement))

    def _statement(self, s) -> list:
        read = getattr(self, f"_{type(s).__name__.lower()}", None)
        if read is None:
            raise _refused(s, "a statement of the kernel language")
        return read(s)

    def _assign(self, s):
        target, = s.targets
        pairs = zip(target.elts, s.value.elts, strict=True) if isinstance(target, ast.Tuple) else [(target, s.value)]
        return self._give_all(s, [pair for pair in pairs if not self._is_alias(*pair)])

    def _is_alias(self, target, value) -> bool:
        """Of xs = g.axes[2]: from here on xs.size is g.axes[2].size."""
        if not isinstance(value, ast.Subscript) or not isinstance(value.value, ast.Attribute):
            return False
        self.aliases[target.id] = value
        return True

    def _augassign(self, s):
        value = ast.copy_location(ast.BinOp(s.target, s.op, s.value), s)
        return [self._give(s.target, value)]

    def _give_all(self, s, pairs):
        """a, b = x, y, where no later value reads what was given before."""
        given: set = set()
        for target, value in pairs if len(pairs) > 1 else ():
            if given & {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}:
                raise _refused(s, "values that do not read the names given with them")
            given.add(target.id if isinstance(target, ast.Name) else None)
        return [self._give(target, value) for target, value in pairs]

    def _give(self, target, value):
        if isinstance(target, (ast.Subscript, ast.Attribute)):
            element = self.expression(target)
            return Store(element.buffer, element.position, self.expression(value))
        if isinstance(value, ast.Call) and (found := self._buffer(target.id, value)) is not None:
            self.names[target.id] = found
            return found
        if isinstance(value, ast.IfExp):
            yes, no = ((self._give(target, v),) for v in (value.body, value.orelse))
            return If(self.expression(value.test), yes, no)
        value = self.expression(value)
        self.know(target.id, value.dtype)
        return Let(target.id, value)

    def _buffer(self, name, value) -> Buffer | None:
        function = value.func.id
        if function in RECORDS:
            self.records[name] = RECORDS[function]
            function = "pi64_at"
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
        """An expression from Python's, or from text."""
        if isinstance(x, str):
            x, = (s.value for s in _parsed(x))
        if isinstance(x, ast.Constant):
            return Number(x.value, {bool: "bool", int: "int64", float: "float64"}[type(x.value)])
        if isinstance(x, ast.Name):
            return self._named(x)
        if isinstance(x, ast.Subscript):
            found = self.names.get(getattr(x.value, "id", None))
            if not isinstance(found, Buffer):
                raise _refused(x, "an element of a buffer that was given before")
            return Load(found, self.expression(x.slice))
        if isinstance(x, ast.Attribute):
            return self._word(x)
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

    def _word(self, x):
        """g.field, g.group[k].field: words of a record; RECORD.field, RECORD.words: numbers."""
        part = self.aliases.get(x.value.id) if isinstance(x.value, ast.Name) else x.value
        if isinstance(part, ast.Subscript):
            name, group, k = part.value.value.id, part.value.attr, self.expression(part.slice)
            place = self.records[name].place(group, k.value if isinstance(k, Number) else k, x.attr)
        elif x.value.id in self.records:
            name, place = x.value.id, self.records[x.value.id].place(x.attr)
        else:
            record = RECORDS[x.value.id]
            return Number(record.words if x.attr == "words" else record.place(x.attr), "int64")
        return Load(self.names[name], place if isinstance(place, Expression) else Number(place, "int64"))

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


@functools.lru_cache(4096)
def _parsed(text: str) -> list:
    return ast.parse(text).body


def _refused(node, expected):
    return ProgramError(f"expected {expected}, received line {node.lineno}: {ast.unparse(node)}")


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
    found, homes = set(), {}

    def walk(block, path):
        for s in block:
            found.update(n for n in names_read(s) if path[:len(homes.get(n, ()))] != homes.get(n, ()))
            if isinstance(s, (Let, Set)):
                if s.name in homes:
                    found.add(s.name)
                homes.setdefault(s.name, path)
            for k, inner in enumerate(blocks(s)):
                walk(inner, (*path, (id(s), k)))
    walk(body, ())
    return found
