"""run: the interpreter of loop nests, which is their definition. Slow; for KGRAPH_EMIT=python and for tests.

A nest becomes Python functions, one for each node, over a dict of locals. Addresses are those of the process, except of
code: `handle` gives a number that stands for the address of a nest.
"""
from __future__ import annotations

import functools
import weakref

import numpy as np

from kgraph.compiler.loopnest import meaning
from kgraph.compiler.loopnest.dtypes import NARROW, numpy_dtype, short_name
from kgraph.compiler.loopnest.functions import formula
from kgraph.compiler.loopnest.language import CALLS, OPERATORS, signature_of
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

_OF_PYTHON = ("bool", "int64")  # literals of these are Python's
_runnable: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_handles: dict = {}  # handle -> LoopNest or function


def run(nest: LoopNest, *arguments):
    """Run a nest on its int64 parameters: of a kernel the address of its words, the units from lo to hi, the address of
    scratch memory."""
    if nest not in _runnable:
        _runnable[nest] = _block(nest.body, nest.tiles)
    with np.errstate(all="ignore"):
        _runnable[nest](dict(zip(nest.parameters, map(int, arguments), strict=True)))


def handle(nest) -> int:
    """What stands for the address of a nest's code, or of a Python function of four int64."""
    found = next((number for number, known in _handles.items() if known is nest), None)
    if found is None:
        found = len(_handles) + 1
        _handles[found] = nest
    return found


def _call_code(code, *arguments):
    known = _handles[int(code)]
    run(known, *arguments) if isinstance(known, LoopNest) else known(*map(int, arguments))


_MEANING = {**meaning.FUNCTIONS, **meaning.ACTIONS, **dict.fromkeys(CALLS, _call_code)}


# --- expressions: functions of the locals -----------------------------------------------------------------------------

def _expression(x, tiles):
    if isinstance(x, Number):
        value = x.value if x.dtype in _OF_PYTHON else numpy_dtype(x.dtype).type(x.value)
        return lambda known: value
    if isinstance(x, Name):
        return lambda known: known[x.name]
    if isinstance(x, Load):
        position, name = _expression(x.position, tiles), x.buffer.name
        return lambda known: known[name][position(known)]
    operands = [_expression(operand, tiles) for operand in x.operands]
    if x.function in ("and", "or"):
        return _joined(x.function, *operands)
    function, dtypes = tiles[x.function].reference if x.function in tiles else None, [y.dtype for y in x.operands]
    if function is None:
        taken = (x.dtype, x.dtype) if x.function in OPERATORS else signature_of(x.function, dtypes)[0]
        if x.function in OPERATORS or any(dtype in NARROW for dtype in dtypes):
            operands = [_widened(*each) for each in zip(operands, dtypes, taken)]
        function = _run_formula(x.function, tuple(taken)) or _MEANING[x.function]
    return lambda known: function(*[f(known) for f in operands])


@functools.cache
def _run_formula(function, dtypes):
    """What runs the formula of a function for operands of these dtypes; None where it has none."""
    found = formula(function, dtypes)
    if found is None:
        return None
    body, result = _block(found.body, {}), _expression(found.result, {})
    given = [(p.name, _MEANING[short_name(p.dtype)]) for p in found.parameters]

    def run_formula(*values):
        known = {name: kind(value) for (name, kind), value in zip(given, values)}
        body(known)
        return result(known)
    return run_formula


def _joined(word, a, b):
    """The second operand of a test is looked at only where it decides."""
    return (lambda known: a(known) and b(known)) if word == "and" else (lambda known: a(known) or b(known))


def _widened(f, dtype, result):
    """Operators compute in the type of their result, functions of narrow floats in a wider type. int64 is Python's."""
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
