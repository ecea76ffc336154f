"""The nodes of a `LoopNest`. All are frozen; each has one meaning, one line of text, one rule in the verifier
(verify.py) and one in the interpreter (interpret.py).

Expressions have a dtype (a name of kgraph.compiler.loopnest.dtypes); arithmetic of Python on them makes expressions:

    Number(value, dtype)        a literal
    Name(name, dtype)           a parameter, the number of a loop's round, what a Let bound or a Set gave last
    Load(buffer, position)      an element of a buffer
    Call(function, operands)    an operator or function of the language (language.py), or an instruction of a Tile

Statements:

    Buffer(name, dtype, address, scope)    memory of one dtype from an address on; no two scopes of a nest overlap
    Let(name, value)                       a local that never changes, known until its block ends
    Set(name, value)                       a local that changes: a Var of the nest
    Store(buffer, position, value)         an element becomes the value, in the buffer's dtype
    For(name, start, stop, step, kind, body)   name is start, start + step ... while below stop (above, if step < 0)
    While(test, body)
    If(test, body, otherwise)
    Do(call)                               a call for what it does
    Return()                               ends the kernel

The text form is for people: one line a node, with dtypes and kinds of loops.

    for share u1 in lo .. hi
      let t2: f32 = x0[u1] + x1[u1]
      x2[u1] <- t2

The kind of a loop says what its rounds are to each other: "share" and "vector" rounds know nothing of each other (those
of the first kind are shared by threads, of the second done many at a time), "reduce" rounds add to the same sums, and
"serial" rounds follow one another.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.language import result_of

__all__ = ["KINDS", "Buffer", "Call", "Do", "Expression", "For", "If", "Let", "Load", "LoopNest", "Name", "Number",
           "PARAMETERS", "Return", "Set", "Store", "Tile", "While", "call", "expression", "format_nest",
           "format_statements", "names_given", "names_in", "names_read"]

KINDS = ("share", "serial", "reduce", "vector")
PARAMETERS = ("args", "lo", "hi", "scratch")  # of a kernel: argument words, its share of the units, the thread's memory


class Expression:
    """What all expressions can do: Python's operators make Calls. (== and != are Python's own: see `call`.)"""

    __slots__ = ()

    def __add__(self, other):
        return self._call("+", self, other)

    def __radd__(self, other):
        return self._call("+", other, self)

    def __sub__(self, other):
        return self._call("-", self, other)

    def __rsub__(self, other):
        return self._call("-", other, self)

    def __mul__(self, other):
        return self._call("*", self, other)

    def __rmul__(self, other):
        return self._call("*", other, self)

    def __truediv__(self, other):
        return self._call("/", self, other)

    def __rtruediv__(self, other):
        return self._call("/", other, self)

    def __floordiv__(self, other):
        return self._call("//", self, other)

    def __rfloordiv__(self, other):
        return self._call("//", other, self)

    def __mod__(self, other):
        return self._call("%", self, other)

    def __lshift__(self, other):
        return self._call("<<", self, other)

    def __rshift__(self, other):
        return self._call(">>", self, other)

    def __neg__(self):
        return self._call("neg", self)

    def __lt__(self, other):
        return self._call("<", self, other)

    def __le__(self, other):
        return self._call("<=", self, other)

    def __gt__(self, other):
        return self._call(">", self, other)

    def __ge__(self, other):
        return self._call(">=", self, other)

    def __and__(self, other):
        return self._call("&", self, other)

    def __or__(self, other):
        return self._call("|", self, other)

    def __xor__(self, other):
        return self._call("^", self, other)

    def _call(self, function, *operands) -> Expression:
        """What an operator makes."""
        return call(function, *operands)

    def __str__(self):
        """Its text, with as few brackets as can be; it is Python too."""
        return _text(self, 0)

    def __format__(self, spec):
        """The same as a part of a longer expression."""
        return _text(self, _ATOM)

    def __bool__(self):
        raise TypeError("an expression of a loop nest has no truth value while the nest is written")


@dataclass(frozen=True, eq=False, slots=True)
class Number(Expression):
    value: object
    dtype: str


@dataclass(frozen=True, eq=False, slots=True)
class Name(Expression):
    name: str
    dtype: str


@dataclass(frozen=True, eq=False, slots=True)
class Buffer:
    name: str
    dtype: str
    address: Expression
    scope: int

    def __str__(self):
        return self.name

    def __getitem__(self, position) -> Load:
        return Load(self, expression(position))


@dataclass(frozen=True, eq=False, slots=True)
class Load(Expression):
    buffer: Buffer
    position: Expression

    @property
    def dtype(self) -> str:
        return self.buffer.dtype


@dataclass(frozen=True, eq=False, slots=True)
class Call(Expression):
    function: str
    operands: tuple
    dtype: str | None  # None: it has no result


@dataclass(frozen=True, eq=False, slots=True)
class Let:
    name: str
    value: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Set:
    name: str
    value: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Store:
    buffer: Buffer
    position: Expression
    value: Expression


@dataclass(frozen=True, eq=False, slots=True)
class For:
    name: str
    start: Expression
    stop: Expression
    step: Expression
    kind: str
    body: tuple


@dataclass(frozen=True, eq=False, slots=True)
class While:
    test: Expression
    body: tuple


@dataclass(frozen=True, eq=False, slots=True)
class If:
    test: Expression
    body: tuple
    otherwise: tuple = ()


@dataclass(frozen=True, eq=False, slots=True)
class Do:
    call: Call


@dataclass(frozen=True, eq=False, slots=True)
class Return:
    pass


@dataclass(frozen=True, eq=False)
class Tile:
    """What no loops can say well: an instruction made of vector registers, by a writer of LLVM instructions.

    name       as a Call has it
    operands   how many int64 there are
    result     whether it gives an int64
    write      (builder, *values): writes the instructions
    reference  (*values): its meaning in NumPy, on memory; None: it has none but speed (a prefetch)
    """

    name: str
    operands: int
    result: bool
    write: object
    reference: object


@dataclass(frozen=True, eq=False)
class LoopNest:
    """A kernel or routine. parameters: names of its int64 parameters; tiles: the Tiles that it calls, by name;
    title: what it computes, for people."""

    body: tuple
    parameters: tuple = PARAMETERS
    tiles: dict = field(default_factory=dict)
    title: str = ""

    def __str__(self):
        return format_nest(self)


def expression(x) -> Expression:
    """A Python number as a literal; an expression as it is."""
    if isinstance(x, Expression):
        return x
    if not isinstance(x, (bool, int, float)):
        raise TypeError(f"expected an expression or a number, received {x!r}")
    return Number(x, "bool" if isinstance(x, bool) else "int64" if isinstance(x, int) else "float64")


def call(function: str, *operands) -> Call:
    """A function or operator of the language."""
    operands = tuple(map(expression, operands))
    return Call(function, operands, result_of(function, tuple([x.dtype for x in operands])))


# What binds less stands first.
_LEVELS = (("or",), ("and",), ("not",), ("<", "<=", ">", ">=", "==", "!="), ("|",), ("^",), ("&",), ("<<", ">>"),
           ("+", "-"), ("*", "/", "//", "%"), ("neg",))
_RANK = {sign: rank for rank, signs in enumerate(_LEVELS) for sign in signs}
_SIGNS = {"neg": "-", "not": "not "}
_ATOM = len(_LEVELS)


def _text(x, least: int) -> str:
    """least: the rank below which it needs brackets."""
    if isinstance(x, Name):
        return x.name
    if isinstance(x, Number):
        return str(x.value)
    if isinstance(x, Load):
        return f"{x.buffer.name}[{_text(x.position, 0)}]"
    rank = _RANK.get(x.function, _ATOM)
    if rank == _ATOM:
        text = f"{x.function}({', '.join(map(str, x.operands))})"
    elif x.function in _SIGNS:
        text = _SIGNS[x.function] + _text(x.operands[0], rank + 1)
    else:
        left, right = x.operands
        chained = x.function in _LEVELS[3]  # a < b < c would be another thing
        text = f"{_text(left, rank + chained)} {x.function} {_text(right, rank + 1)}"
    return f"({text})" if rank < least else text


def expressions(statement):
    """The expressions that a statement evaluates itself, not those of its body."""
    return [x for part in _PARTS[type(statement)] if (x := getattr(statement, part)) is not None]


_PARTS = {Buffer: ("address",), Let: ("value",), Set: ("value",), Store: ("position", "value"),
          For: ("start", "stop", "step"), While: ("test",), If: ("test",), Do: ("call",), Return: ()}


def blocks(statement) -> tuple:
    """The bodies of a statement."""
    if isinstance(statement, If):
        return statement.body, statement.otherwise
    return (statement.body,) if isinstance(statement, (For, While)) else ()


def names_read(statement) -> list:
    """The names that a statement reads itself, of locals and buffers."""
    stored = [statement.buffer.name] if isinstance(statement, Store) else []
    return stored + names_in(*expressions(statement))


def names_in(*read) -> list:
    """The names that expressions read, of locals and buffers."""
    found, todo = [], list(read)
    while todo:
        x = todo.pop()
        kind = type(x)
        if kind is Name:
            found.append(x.name)
        elif kind is Call:
            todo.extend(x.operands)
        elif kind is Load:
            found.append(x.buffer.name)
            todo.append(x.position)
    return found


def names_given(statement) -> tuple:
    """The name that a statement gives to what it makes, if any."""
    return (statement.name,) if isinstance(statement, (Buffer, Let, Set, For)) else ()


def format_nest(nest: LoopNest) -> str:
    """The whole nest."""
    head = f"({', '.join(nest.parameters)})" + (f"  # {nest.title}" if nest.title else "")
    return "\n".join([head, *format_statements(nest.body, "  ")])


def format_statements(body, indent: str = "") -> list:
    """The lines of statements."""
    return [line for statement in body for line in _STATEMENTS[type(statement)](statement, indent)]


def _buffer(s, indent):
    return [f"{indent}buffer {s.name}: {short_name(s.dtype)} at {s.address!s} in scope {s.scope}"]


def _let(s, indent):
    return [f"{indent}let {s.name}: {short_name(s.value.dtype)} = {s.value!s}"]


def _set(s, indent):
    return [f"{indent}{s.name}: {short_name(s.value.dtype)} <- {s.value!s}"]


def _store(s, indent):
    return [f"{indent}{s.buffer.name}[{s.position!s}] <- {s.value!s}"]


def _for(s, indent):
    step = "" if isinstance(s.step, Number) and s.step.value == 1 else f" by {s.step!s}"
    bounds = f"{s.start!s} .. {s.stop!s}"
    return [f"{indent}for {s.kind} {s.name} in {bounds}{step}", *format_statements(s.body, indent + "  ")]


def _while(s, indent):
    return [f"{indent}while {s.test!s}", *format_statements(s.body, indent + "  ")]


def _if(s, indent):
    lines = [f"{indent}if {s.test!s}", *format_statements(s.body, indent + "  ")]
    return lines + ([f"{indent}else", *format_statements(s.otherwise, indent + "  ")] if s.otherwise else [])


_STATEMENTS = {Buffer: _buffer, Let: _let, Set: _set, Store: _store, For: _for, While: _while, If: _if,
               Do: lambda s, indent: [indent + str(s.call)],
               Return: lambda s, indent: [indent + "return"]}
