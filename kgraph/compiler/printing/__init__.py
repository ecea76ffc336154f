"""LoopNest -> kernel source: what people read, what KGRAPH_EMIT=python runs, and what names a kernel's object file.
Machine code is made of the nest itself (kgraph.codegen.nest_ir). The only place that writes kernel text
(tests/compiler/test_printing.py)."""
from __future__ import annotations

import hashlib
import textwrap
import weakref

from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.nodes import (
    Buffer,
    Call,
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

__all__ = ["kernel_source", "printed"]


_printed: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def kernel_source(nest: LoopNest, name: str) -> str:
    """The Python function ``name`` that the nest is."""
    return _head(nest, name) + _body(nest)


def printed(nest: LoopNest) -> tuple[str, str]:
    """(name, source) of a kernel: the name holds the hash of what stands below it."""
    if nest not in _printed:
        body = _body(nest)
        name = "kg_" + hashlib.sha256(body.encode()).hexdigest()[:16]
        _printed[nest] = name, _head(nest, name) + body
    return _printed[nest]


def _head(nest, name) -> str:
    return f"def {name}({', '.join(nest.parameters)}):\n"


def _body(nest) -> str:
    title = [f"    # {line}" for line in textwrap.wrap(nest.title, 110)]
    return "\n".join(title + _lines(nest.body, "    ")) + "\n"


def _lines(body, indent) -> list:
    return [indent + line for statement in body for line in _STATEMENTS[type(statement)](statement)] or \
        [indent + "pass"]


def _buffer(s):
    word = s.address
    if isinstance(word, Call) and word.function == "word" and _is(word.operands[1], s.scope):
        return [f"{s.name} = p{short_name(s.dtype)}({word.operands[0]!s}, {s.scope})"]
    return [f"{s.name} = p{short_name(s.dtype)}_at({word!s}, {s.scope})"]


def _for(s):
    bounds = [s.start, s.stop, s.step]
    if _is(s.step, 1):
        bounds = bounds[1:2] if _is(s.start, 0) else bounds[:2]
    return [f"for {s.name} in range({', '.join(map(str, bounds))}):", *_lines(s.body, "    ")]


def _if(s):
    lines = [f"if {s.test!s}:", *_lines(s.body, "    ")]
    if len(s.otherwise) == 1 and isinstance(s.otherwise[0], If):
        first, *rest = _if(s.otherwise[0])
        return [*lines, f"el{first}", *rest]
    return lines + (["else:", *_lines(s.otherwise, "    ")] if s.otherwise else [])


def _is(x, number) -> bool:
    return isinstance(x, Number) and x.value == number


_STATEMENTS = {
    Buffer: _buffer, For: _for, If: _if,
    Let: lambda s: [f"{s.name} = {s.value!s}"], Set: lambda s: [f"{s.name} = {s.value!s}"],
    Store: lambda s: [f"{s.buffer.name}[{s.position!s}] = {s.value!s}"],
    While: lambda s: [f"while {s.test!s}:", *_lines(s.body, "    ")],
    Do: lambda s: [str(s.call)], Return: lambda s: ["return"],
}
