"""The text form of loop nests, for people: one line a node, with dtypes and kinds of loops.

    for share u1 in lo .. hi
      let t2: f32 = x0[u1] + x1[u1]
      x2[u1] <- t2
"""
from __future__ import annotations

from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.nodes import (
    Buffer,
    Do,
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
)

__all__ = ["format_expression", "format_nest", "format_statements"]

_LEVELS = (("or",), ("and",), ("not",), ("<", "<=", ">", ">=", "==", "!="), ("|",), ("^",), ("&",), ("<<", ">>"),
           ("+", "-"), ("*", "/", "//", "%"), ("neg",))
_RANK = {sign: rank for rank, signs in enumerate(_LEVELS) for sign in signs}
_SIGNS = {"neg": "-", "not": "not "}
_ATOM = len(_LEVELS)


def format_expression(x, least: int = 0) -> str:
    """An expression with as few brackets as can be; it is Python too. least: the rank below which it needs some."""
    if isinstance(x, Name):
        return x.name
    if isinstance(x, Number):
        return str(x.value)
    if isinstance(x, Load):
        return f"{x.buffer.name}[{format_expression(x.position)}]"
    rank = _RANK.get(x.function, _ATOM)
    if rank == _ATOM:
        text = f"{x.function}({', '.join(map(format_expression, x.operands))})"
    elif x.function in _SIGNS:
        text = _SIGNS[x.function] + format_expression(x.operands[0], rank + 1)
    else:
        left, right = x.operands
        chained = x.function in _LEVELS[3]  # a < b < c would be another thing
        text = f"{format_expression(left, rank + chained)} {x.function} {format_expression(right, rank + 1)}"
    return f"({text})" if rank < least else text


def format_nest(nest: LoopNest) -> str:
    """The whole nest."""
    head = f"({', '.join(nest.parameters)})" + (f"  # {nest.title}" if nest.title else "")
    return "\n".join([head, *format_statements(nest.body, "  ")])


def format_statements(body, indent: str = "") -> list:
    """The lines of statements."""
    return [line for statement in body for line in _STATEMENTS[type(statement)](statement, indent)]


def _buffer(s, indent):
    return [f"{indent}buffer {s.name}: {short_name(s.dtype)} at {format_expression(s.address)} in scope {s.scope}"]


def _let(s, indent):
    return [f"{indent}let {s.name}: {short_name(s.value.dtype)} = {format_expression(s.value)}"]


def _set(s, indent):
    return [f"{indent}{s.name}: {short_name(s.value.dtype)} <- {format_expression(s.value)}"]


def _store(s, indent):
    return [f"{indent}{s.buffer.name}[{format_expression(s.position)}] <- {format_expression(s.value)}"]


def _for(s, indent):
    step = "" if isinstance(s.step, Number) and s.step.value == 1 else f" by {format_expression(s.step)}"
    bounds = f"{format_expression(s.start)} .. {format_expression(s.stop)}"
    return [f"{indent}for {s.kind} {s.name} in {bounds}{step}", *format_statements(s.body, indent + "  ")]


def _while(s, indent):
    return [f"{indent}while {format_expression(s.test)}", *format_statements(s.body, indent + "  ")]


def _if(s, indent):
    lines = [f"{indent}if {format_expression(s.test)}", *format_statements(s.body, indent + "  ")]
    return lines + ([f"{indent}else", *format_statements(s.otherwise, indent + "  ")] if s.otherwise else [])


_STATEMENTS = {Buffer: _buffer, Let: _let, Set: _set, Store: _store, For: _for, While: _while, If: _if,
               Do: lambda s, indent: [indent + format_expression(s.call)],
               Return: lambda s, indent: [indent + "return"]}
