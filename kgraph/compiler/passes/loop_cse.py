"""Loops as ops among others: two over the same steps become one, and what nobody reads leaves them."""
from __future__ import annotations

from kgraph.compiler.ir import Op, Program
from kgraph.compiler.prims.loop import Loop, scan_p

__all__ = ["loop_cse", "trim"]


def loop_cse(program: Program) -> Program:
    """Scans with the same inputs, whose bodies are made of the same ops, become one that gives the results of all: a
    forward scan, and the wider one that its gradient asks for."""
    groups: dict = {}
    for op in program.ops:
        if op.prim is scan_p:
            body = op.params["body"]
            key = (op.inputs, body.inputs, body.ops, *(v for k, v in op.params.items() if k != "body"))
            groups.setdefault(key, []).append(op)
    new, merged = {}, {}
    for same in groups.values():
        if len(same) > 1:
            merged[same[0]] = _united(same, new)
            merged.update(dict.fromkeys(same[1:]))
    if not merged:
        return program
    ops = [_renamed(merged.get(op, op), new) for op in program.ops if merged.get(op, op) is not None]
    return Program(program.name, program.inputs, tuple(ops), tuple(new.get(v, v) for v in program.outputs),
                   tuple((s, new.get(v, v)) for s, v in program.updates))


def _united(same, new) -> Op:
    """One scan for several; notes in ``new`` which of its outputs stands for which of theirs."""
    first = same[0]
    loop, body = Loop.of(first), first.params["body"]
    carry, _ = loop.split_outputs(first.outputs)
    place = dict(zip(body.outputs[loop.n_carry:], first.outputs[loop.n_carry:]))
    for op in same[1:]:
        found, ys = loop.split_outputs(op.outputs)
        new.update(zip(found, carry))
        for inner, y in zip(op.params["body"].outputs[loop.n_carry:], ys):
            new[y] = place.setdefault(inner, y)
    outputs = (*body.outputs[:loop.n_carry], *place)
    wide = Program(body.name, body.inputs, body.ops, outputs)
    return Op(scan_p, first.inputs, {**first.params, "body": wide}, (*carry, *place.values()), first.scope)


def _renamed(op: Op, new: dict) -> Op:
    if not any(v in new for v in op.inputs):
        return op
    return Op(op.prim, tuple(new.get(v, v) for v in op.inputs), op.params, op.outputs, op.scope)


def trim(op: Op, used) -> Op:
    """A scan without the outputs that are not in ``used``, and without all that only they needed."""
    loop = Loop.of(op)
    body = loop.body
    carry, ys = loop.split_outputs(op.outputs)
    kept_ys = [i for i, y in enumerate(ys) if y in used]
    kept_carry = {i for i, c in enumerate(carry) if c in used}
    _, inner_carry, _ = loop.split(body.inputs)
    new_carry, inner_ys = loop.split_outputs(body.outputs)
    while True:
        wanted = [new_carry[i] for i in sorted(kept_carry)] + [inner_ys[i] for i in kept_ys]
        ops, needed = _needed(body.ops, wanted)
        more = {i for i, c in enumerate(inner_carry) if c in needed} - kept_carry
        if not more:
            break
        kept_carry |= more
    order = sorted(kept_carry)
    keep = [v in needed or v in {inner_carry[i] for i in order} for v in body.inputs]
    if all(keep) and len(wanted) == len(op.outputs) and len(ops) == len(body.ops):
        return op
    chosen = lambda values: tuple(v for v, k in zip(values, keep) if k)
    consts, _, _ = loop.split(keep)
    small = Program(body.name, chosen(body.inputs), tuple(ops), tuple(wanted))
    params = {**op.params, "body": small, "n_consts": sum(consts), "n_carry": len(order)}
    return Op(scan_p, chosen(op.inputs), params, (*(carry[i] for i in order), *(ys[i] for i in kept_ys)), op.scope)


def _needed(ops, wanted) -> tuple[list, set]:
    """The ops that these values need, in order, and all values that they read."""
    needed, kept = set(wanted), []
    for op in reversed(ops):
        if any(o in needed for o in op.outputs):
            needed.update(op.inputs)
            kept.append(op)
    return kept[::-1], needed
