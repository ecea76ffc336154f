"""run: the interpreter of loop nests, which is their definition. Slow; for KGRAPH_EMIT=python and for tests.

A nest becomes Python functions, one for each node, over a dict of locals. Addresses are those of the process, except of
code: `handle` gives a number that stands for the address of a nest.
"""
from __future__ import annotations

import weakref

import numpy as np

from kgraph.compiler.loopnest import meaning
from kgraph.compiler.loopnest.language import CALLS, OPERATORS
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

__all__ = ["handle", "run"]

_runnable: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_handles: dict = {}  # handle -> LoopNest


def run(nest: LoopNest, *arguments):
    """Run a nest on its int64 parameters: of a kernel the address of its words, the units from lo to hi, the address of
    scratch memory."""
    if nest not in _runnable:
        _runnable[nest] = _block(nest.body, nest.tiles)
    with np.errstate(all="ignore"):
        _runnable[nest](dict(zip(nest.parameters, map(int, arguments), strict=True)))


def handle(nest: LoopNest) -> int:
    """What stands for the address of a nest's code."""
    found = next((number for number, known in _handles.items() if known is nest), None)
    if found is None:
        found = len(_handles) + 1
        _handles[found] = nest
    return found


def _call_code(code, *arguments):
    run(_handles[int(code)], *arguments)


_MEANING = {**meaning.FUNCTIONS, **meaning.ACTIONS, **dict.fromkeys(CALLS, _call_code)}


# --- expressions: functions of the locals -----------------------------------------------------------------------------

def _expression(x, tiles):
    if isinstance(x, Number):
        return lambda known: x.value
    if isinstance(x, Name):
        return lambda known: known[x.name]
    if isinstance(x, Load):
        position, name = _expression(x.position, tiles), x.buffer.name
        return lambda known: known[name][position(known)]
    operands = [_expression(operand, tiles) for operand in x.operands]
    if x.function in ("and", "or"):
        return _joined(x.function, *operands)
    if x.function in OPERATORS:
        operands = [_widened(f, operand.dtype, x.dtype) for f, operand in zip(operands, x.operands)]
    function = tiles[x.function].reference if x.function in tiles else _MEANING[x.function]
    return lambda known: function(*[f(known) for f in operands])


def _joined(word, a, b):
    """The second operand of a test is looked at only where it decides."""
    return (lambda known: a(known) and b(known)) if word == "and" else (lambda known: a(known) or b(known))


def _widened(f, dtype, result):
    """Operators compute in the type of their result. int64 is Python's."""
    if dtype == result:
        return f
    kind = int if result == "int64" else np.dtype(result).type
    return lambda known: kind(f(known))


# --- statements: functions of the locals that answer whether the nest has returned -----------------------------------

def _block(body, tiles):
    steps = [_STATEMENTS[type(s)](s, tiles) for s in body]

    def run_block(known):
        for step in steps:
            if step(known):
                return True
        return False
    return run_block


def _buffer(s, tiles):
    address = _expression(s.address, tiles)

    def run_buffer(known):
        known[s.name] = meaning.Memory(address(known), s.dtype)
    return run_buffer


def _give(s, tiles):
    value = _expression(s.value, tiles)

    def run_give(known):
        known[s.name] = value(known)
    return run_give


def _store(s, tiles):
    position, value, name = _expression(s.position, tiles), _expression(s.value, tiles), s.buffer.name

    def run_store(known):
        known[name][position(known)] = value(known)
    return run_store


def _for(s, tiles):
    bounds, body = [_expression(x, tiles) for x in (s.start, s.stop, s.step)], _block(s.body, tiles)

    def run_for(known):
        for i in range(*[int(f(known)) for f in bounds]):
            known[s.name] = i
            if body(known):
                return True
        return False
    return run_for


def _while(s, tiles):
    test, body = _expression(s.test, tiles), _block(s.body, tiles)

    def run_while(known):
        while test(known):
            if body(known):
                return True
        return False
    return run_while


def _if(s, tiles):
    test, body, otherwise = _expression(s.test, tiles), _block(s.body, tiles), _block(s.otherwise, tiles)
    return lambda known: body(known) if test(known) else otherwise(known)


def _do(s, tiles):
    call = _expression(s.call, tiles)

    def run_do(known):
        call(known)
    return run_do


_STATEMENTS = {Buffer: _buffer, Let: _give, Set: _give, Store: _store, For: _for, While: _while, If: _if, Do: _do,
               Return: lambda s, tiles: lambda known: True}
