"""The interpreter: runs a Program with the NumPy references. Slow, and the definition of what programs mean."""
from __future__ import annotations

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.trace import at_scope

__all__ = ["interpret"]


def interpret(program: Program, values: dict, extents: dict | None = None) -> dict:
    """Run the program: values maps each input Value to an array, extents each name of a Dim to an integer.

    Returns a dict of every Value to its array; `outputs` and `updates` of the program say which ones matter.
    Raises ValueError when an input is missing or has another shape or dtype than its type says.
    """
    extents = extents or {}
    values = dict(values)
    for v in program.inputs:
        _check_input(program, v, values, extents)
    for op in program.ops:
        params = {k: _bound(p, extents) for k, p in op.params.items()}
        with at_scope(op.scope):
            result = op.prim.compute(*[values[x] for x in op.inputs], **params)
        results = result if isinstance(result, tuple) else (result,)
        values.update(zip(op.outputs, map(np.asarray, results)))
    return values


def _check_input(program, v, values, extents):
    if v not in values:
        raise ValueError(f"{program.name}: expected an array for input {v!r}, received none")
    array = values[v] = np.asarray(values[v])
    expected = dims.evaluate(v.shape, extents)
    if array.shape != expected or array.dtype.name != v.dtype:
        raise ValueError(f"{program.name}: expected {v.dtype}{list(expected)} for input {v!r}, "
                         f"received {array.dtype.name}{list(array.shape)}")


def _bound(param, extents):
    """A param with its Dims evaluated; of a body (a Program), those in the params of its ops."""
    return bind_extents(param, extents) if isinstance(param, Program) else dims.evaluate(param, extents)


def bind_extents(program: Program, extents: dict) -> Program:
    """The program with every Dim replaced by its integer, bodies included: what a loop's reference runs."""
    renamed = {}

    def fixed(v):
        if v not in renamed:
            renamed[v] = Value(TensorType(dims.evaluate(v.shape, extents), v.dtype), v.name)
        return renamed[v]

    inputs = tuple(map(fixed, program.inputs))
    ops = tuple(Op(op.prim, tuple(map(fixed, op.inputs)), {k: _bound(p, extents) for k, p in op.params.items()},
                         tuple(map(fixed, op.outputs)), op.scope) for op in program.ops)
    updates = tuple((fixed(a), fixed(b)) for a, b in program.updates)
    return Program(program.name, inputs, ops, tuple(map(fixed, program.outputs)), updates)
