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
    LoopNest,
    Number,
    Return,
    Set,
    Store,
    While,
)

__all__ = ["format_nest", "format_statements"]

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
