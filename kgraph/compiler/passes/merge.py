"""merge: two loop kernels over one domain that do not wait for each other become one, when they read the same tensors
(which are then read once) or are so small that starting a kernel is what they cost."""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.emit.writer import squeeze
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.passes.fuse import MOST_OPS, MOST_READS, fused_p, in_order

__all__ = ["merge"]

NOMINAL = 32      # what symbolic sizes count as
SMALL = 2048      # elements of a domain that is worth no kernel of its own


def merge(program: Program) -> Program:
    """See above. The program has been fused."""
    ops = list(program.ops)
    readers = _readers(ops)
    position = 0
    while position < len(ops):
        partner = _partner(ops, readers, position)
        if partner is None:
            position += 1
            continue
        ops[position] = _united(ops[position], ops[partner])
        del ops[partner]
        readers = _readers(ops)
    return program.with_ops(in_order(ops))


def _partner(ops, readers, position: int):
    op = ops[position]
    if not _is_loop(op):
        return None
    waits = None
    for i in range(position + 1, len(ops)):
        other = ops[i]
        if not _is_loop(other) or not _alike(op, other):
            continue
        waits = waits if waits is not None else _after(readers, op)
        if other not in waits and op not in _after(readers, other):
            return i
    return None


def _is_loop(op: Op) -> bool:
    return op.prim is fused_p and not any(o.prim.kind in ("contract", "window") for o in op.params["body"].ops)


def _alike(a: Op, b: Op) -> bool:
    if a.params["domain"] != b.params["domain"] or a.params["reduced"] != b.params["reduced"]:
        return False
    if (len(set(a.inputs) | set(b.inputs)) > MOST_READS
            or len(a.params["body"].ops) + len(b.params["body"].ops) > MOST_OPS):
        return False
    small = _elements(a.params["domain"]) <= SMALL
    return small or any(squeeze(v.shape) == a.params["domain"] for v in set(a.inputs) & set(b.inputs))


def _elements(sizes) -> int:
    size = dims.size_of(sizes)
    return dims.evaluate(size, dict.fromkeys(dims.names(size), NOMINAL))


def _after(readers, first: Op) -> set:
    """The ops that have to run after ``first``."""
    found, todo = set(), [first]
    while todo:
        for value in todo.pop().outputs:
            new = readers.get(value, set()) - found
            found |= new
            todo.extend(new)
    return found


def _readers(ops) -> dict:
    found: dict[Value, set] = {}
    for op in ops:
        for v in op.inputs:
            found.setdefault(v, set()).add(op)
    return found


def _united(a: Op, b: Op) -> Op:
    members = list(dict.fromkeys([*a.params["body"].ops, *b.params["body"].ops]))
    made = {o for op in members for o in op.outputs}
    inputs = tuple(dict.fromkeys(v for op in members for v in op.inputs if v not in made))
    outputs = (*a.outputs, *b.outputs)
    body = Program("fused", inputs, tuple(in_order(members)), outputs)
    scopes = sorted({s for op in (a, b) for s in op.scope.split(",") if s})
    return Op(fused_p, inputs, {**a.params, "body": body}, outputs, ",".join(scopes))
