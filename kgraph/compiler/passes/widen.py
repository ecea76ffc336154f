"""widen: where numbers of 16 bits are added up, sorted or searched, it is done in float32; what comes out is rounded.

Elementwise ops, moves and loops keep their types: kernels compute such elements in float32, and round each value where
its type says so. The others get float32 by casts, which fusion makes part of what is around them.
"""
from __future__ import annotations

import dataclasses

from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.prims.rules import apply, cast
from kgraph.compiler.rewrite import rewrite

__all__ = ["read_narrow", "round_again", "widen", "widen_late", "widens"]

LARGE = 1 << 19  # numbers of a matrix of weights that is rounded again rather than kept
AS_THEY_ARE = ("elementwise", "move", "random", "loop", "host")


def _wide(dtype: str) -> str:
    known = DTYPES.get(dtype)
    return known.compute if known is not None and known.is_narrow else dtype


def in_float32(t, op, inputs):
    wide = [cast(x, _wide(x.dtype)) for x in inputs]
    if all(a is b for a, b in zip(wide, inputs)):
        return None
    results = apply(op.prim.name, *wide, **op.params)
    if isinstance(results, tuple):
        return tuple(cast(r, o.dtype) for r, o in zip(results, op.outputs))
    return cast(results, op.outputs[0].dtype)


def _takes_elements(prim) -> bool:
    """Whether kernels may ask it for one element, of any type, or it moves them alone."""
    return prim.kind in AS_THEY_ARE or prim.kind == "index" and callable(prim.lower) or prim.lower == "rows"


def widen(program: Program) -> Program:
    """The program, and the bodies of its loops, without 16-bit numbers where one element is made of many."""
    ops = tuple(_with_bodies(op) for op in program.ops)
    if not any(v.dtype in DTYPES and DTYPES[v.dtype].is_narrow for op in ops for v in (*op.inputs, *op.outputs)):
        return program if all(a is b for a, b in zip(ops, program.ops)) else program.with_ops(ops)
    rules = {p.name: [in_float32] for p in PRIMITIVES.values() if not _takes_elements(p)}
    return rewrite(program.with_ops(ops), rules)


def widen_late(program: Program) -> Program:
    """What moves numbers that were made wider to products and windows moves them before that."""
    wanted: set = set()
    for op in reversed(program.ops):
        if op.prim.kind in ("contract", "window") or op.prim.kind == "move" and op.outputs[0] in wanted:
            wanted.update(op.inputs)

    def late(t, op, inputs):
        if op.outputs[0] not in wanted:
            return None
        before = t.made_by(inputs[0], "cast") if len(inputs) == 1 and inputs[0].dtype == op.outputs[0].dtype else None
        if before is None or not widens(before):
            return None
        return cast(apply(op.prim.name, before.inputs[0], **op.params), inputs[0].dtype)
    return rewrite(program, {p.name: [late] for p in PRIMITIVES.values() if p.kind == "move"})


def read_narrow(program: Program) -> Program:
    """Products read 16 bits where they lie; each other reader of a value made wider has a cast of its own, so that
    what is kept for the way back are the 16 bits."""
    made = {op.outputs[0]: op for op in program.ops if widens(op)}
    if not made:
        return program
    kept, ops = {*program.outputs, *(new for _, new in program.updates)}, []
    for op in program.ops:
        if op.outputs[0] in made and op.outputs[0] not in kept:
            continue
        sources = [made[v].inputs[0] for v in op.inputs if v in made]
        if op.prim.name == "contract" and len(sources) == 2 and sources[0].dtype == sources[1].dtype:
            ops.append(Op(op.prim, tuple(sources), {**op.params, "dtype": op.outputs[0].dtype}, op.outputs, op.scope))
            continue
        own = {v: Value(v.type) for v in op.inputs if v in made}
        ops += [Op(made[v].prim, made[v].inputs, made[v].params, (new,), op.scope) for v, new in own.items()]
        ops.append(op.reading([own.get(v, v) for v in op.inputs]))
    return program.with_ops(ops)


def round_again(program: Program) -> Program:
    """Large weights are rounded to 16 bits for each product that reads them: rounded once, they would be kept from
    their first product to the gradient of the last."""
    made, ops = {op.outputs[0]: op for op in program.ops}, []
    for op in program.ops:
        if op.prim.name == "contract":
            op = op.reading([_rounded_again(v, made, ops) for v in op.inputs])
        ops.append(op)
    return program.with_ops(ops)


def _rounded_again(value: Value, made: dict, ops: list) -> Value:
    """The same weights rounded by an op of their own, or the value."""
    shaped = made.get(value)
    cut = made.get(shaped.inputs[0]) if shaped is not None and shaped.prim.name == "reshape" else shaped
    if cut is None or cut.prim.name != "cast" or not DTYPES[cut.outputs[0].dtype].is_narrow:
        return value
    root = cut.inputs[0]
    while (part := made.get(root)) is not None and part.prim.view == "part":
        root = part.inputs[0]
    if root in made or not isinstance(value.size, int) or value.size < LARGE:
        return value
    ops.append(Op(cut.prim, cut.inputs, {**cut.params, "late": True}, (Value(cut.outputs[0].type),), cut.scope))
    if cut is not shaped:
        ops.append(Op(shaped.prim, ops[-1].outputs, shaped.params, (Value(value.type),), shaped.scope))
    return ops[-1].outputs[0]


def widens(op: Op) -> bool:
    """Whether it is a cast of a float of 16 bits to a wider one."""
    if op.prim.name != "cast" or op.inputs[0].dtype not in DTYPES:
        return False
    return DTYPES[op.inputs[0].dtype].is_narrow and op.outputs[0].dtype == DTYPES[op.inputs[0].dtype].compute


def _with_bodies(op: Op) -> Op:
    bodies = {k: widen(p) for k, p in op.params.items() if isinstance(p, Program)}
    if all(bodies[k] is op.params[k] for k in bodies):
        return op
    return dataclasses.replace(op, params={**op.params, **bodies})
