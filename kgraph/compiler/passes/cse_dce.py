"""cse and dce: equal ops once, unused ops never."""
from __future__ import annotations

from kgraph.compiler.ir import Program, Value, frozen
from kgraph.compiler.passes.loop_cse import trim
from kgraph.compiler.prims.loop import scan_p

__all__ = ["cse", "dce"]


def cse(program: Program) -> Program:
    """Ops with the same primitive, inputs and params become one."""
    new: dict[Value, Value] = {v: v for v in program.inputs}
    seen: dict = {}
    ops = []
    for op in program.ops:
        op = op.reading([new[v] for v in op.inputs])
        key = (op.prim, op.inputs, frozen(op.params))
        if key in seen:
            new.update(zip(op.outputs, seen[key].outputs))
            continue
        seen[key] = op
        ops.append(op)
        new.update((o, o) for o in op.outputs)
    return Program(program.name, program.inputs, tuple(ops), tuple(new[v] for v in program.outputs),
                   tuple((s, new[v]) for s, v in program.updates))


def dce(program: Program) -> Program:
    """Only ops that an output or an update needs, and of loops only what is needed of them."""
    needed = set(program.outputs) | {v for _, v in program.updates}
    kept = []
    for op in reversed(program.ops):
        if any(o in needed for o in op.outputs):
            if op.prim is scan_p:
                op = trim(op, needed)
            needed.update(op.inputs)
            kept.append(op)
    return program.with_ops(reversed(kept))
