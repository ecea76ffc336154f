"""pack_residuals: what one loop keeps for another lies side by side in one tensor.

The steps of a training loop write several values that only the backward loop reads. Apart, they are as many streams of
small pieces through memory, more than the processor's prefetchers follow; as columns of one tensor they are one.
"""
from __future__ import annotations

from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.prims.loop import Loop, scan_p
from kgraph.compiler.prims.move import broadcast_p, concatenate_p, slice_p

__all__ = ["pack_residuals"]


def pack_residuals(program: Program) -> Program:
    """See above."""
    groups = _groups(program)
    if not groups:
        return program
    ops = {op: op for op in program.ops}
    for (writer, reader), members in groups:
        ops[writer], whole = _written(ops[writer], members)
        ops[reader] = _read(ops[reader], members, whole)
    return program.with_ops(ops[op] for op in program.ops)


def _groups(program: Program) -> list:
    """((writing scan, reading scan), stacks that go from one to the other and can lie side by side)."""
    results = set(program.outputs) | {v for _, v in program.updates}
    users, found = program.users(), {}
    for op in program.ops:
        if op.prim is not scan_p:
            continue
        loop = Loop.of(op)
        for y, step in zip(*(loop.split_outputs(x)[1] for x in (op.outputs, op.params["body"].outputs))):
            readers = users.get(y, [])
            if y not in results and len(readers) == 1 and step.ndim >= 2 and _walks(readers[0], y, loop):
                found.setdefault((op, readers[0], step.shape[:-1], step.dtype), []).append(y)
    return [((writer, reader), members) for (writer, reader, *_), members in found.items() if len(members) > 1]


def _walks(op: Op, stack: Value, loop: Loop) -> bool:
    """Whether the op is a scan along the same axis that has the stack among its xs, once."""
    if op.prim is not scan_p or op.params["axis"] != loop.axis:
        return False
    return sum(v is stack for v in Loop.of(op).split(op.inputs)[2]) == 1 == sum(v is stack for v in op.inputs)


def _written(op: Op, members) -> tuple[Op, Value]:
    """The scan with one y for these, and that y."""
    loop, body = Loop.of(op), op.params["body"]
    inner = dict(zip(op.outputs, body.outputs))
    ops, parts = list(body.ops), []
    for y in members:
        part = Value(inner[y].type)
        same = {"shape": part.shape, "axes": tuple(range(part.ndim))}
        ops.append(Op(broadcast_p, (inner[y],), same, (part,), op.scope))
        parts.append(part)
    axis = parts[0].ndim - 1
    step = Value(TensorType((*parts[0].shape[:-1], sum(p.shape[-1] for p in parts)), parts[0].dtype))
    ops.append(Op(concatenate_p, tuple(parts), {"axis": axis}, (step,), op.scope))
    whole = Value(loop.stacked(step.type))
    gone = set(members)
    kept = [y for y in op.outputs if y not in gone]
    body = Program(body.name, body.inputs, tuple(ops), (*(inner[y] for y in kept), step))
    return Op(op.prim, op.inputs, {**op.params, "body": body}, (*kept, whole), op.scope), whole


def _read(op: Op, members, whole: Value) -> Op:
    """The scan with that stack as an x, which it takes apart again."""
    body = op.params["body"]
    inner, gone = dict(zip(op.inputs, body.inputs)), set(members)
    first = [inner[y] for y in members]
    step = Value(TensorType((*first[0].shape[:-1], sum(x.shape[-1] for x in first)), first[0].dtype))
    ops, start = [], 0
    for x in first:
        end, rank = start + x.shape[-1], x.ndim
        params = {"starts": (0,) * (rank - 1) + (start,), "limits": (*x.shape[:-1], end), "strides": (1,) * rank}
        ops.append(Op(slice_p, (step,), params, (x,), op.scope))
        start = end
    keep = [v not in gone for v in op.inputs]
    chosen = lambda values: tuple(v for v, k in zip(values, keep) if k)
    body = Program(body.name, (*chosen(body.inputs), step), (*ops, *body.ops), body.outputs)
    return Op(op.prim, (*chosen(op.inputs), whole), {**op.params, "body": body}, op.outputs, op.scope)
