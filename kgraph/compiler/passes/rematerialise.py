"""rematerialise: compute a value again where it is read, when that moves fewer bytes than storing it.

A training step keeps what its backward pass reads. Much of it (x - mean, a scaled product, a random mask) follows by a
few operations from tensors that are in memory anyway. Storing a value costs its bytes once and once more for each
kernel that reads it; computing it again costs the bytes of its sources where the reader does not read them already.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.domain import Domain
from kgraph.compiler.loopnest.elements import Probe
from kgraph.compiler.passes.fuse import MOST_OPS, fused_p, in_order

__all__ = ["rematerialise"]

MOST_AGAIN = 12      # operations computed again for one value


def rematerialise(program: Program) -> Program:
    """See above. The program has been fused."""
    ops = _Ops(program.ops)
    fixed = set(program.outputs) | {v for _, v in program.updates}
    for position, maker in enumerate(program.ops):
        if _is_loop(maker):
            for value in reversed(ops[position].outputs):
                if value not in fixed:
                    _try(ops, position, value)
    return program.with_ops(op for op in ops if op.outputs)


class _Ops(list):
    """Ops, and the positions of those that read a value."""

    def __init__(self, ops):
        super().__init__(ops)
        self.readers: dict[Value, set] = {}
        for position, op in enumerate(ops):
            self._note(position, op)

    def _note(self, position: int, op: Op):
        for v in op.inputs:
            self.readers.setdefault(v, set()).add(position)

    def replace(self, position: int, op: Op):
        for v in self[position].inputs:
            self.readers[v].discard(position)
        self[position] = op
        self._note(position, op)


def _is_loop(op: Op) -> bool:
    return op.prim is fused_p


def _try(ops: _Ops, position: int, value: Value):
    """Let the readers of a value compute it, if that pays."""
    maker = ops[position]
    readers = sorted(ops.readers.get(value, ()))
    if not readers or not all(_is_loop(ops[i]) for i in readers):
        return
    recipe = _recipe(maker, value)
    if recipe is None:
        return
    again, sources = recipe
    if any(len(ops[i].params["body"].ops) + len(again) > MOST_OPS for i in readers):
        return
    stored = dims.nominal(value.type.nbytes) * (1 + len(readers))
    recomputed = sum(dims.nominal(s.type.nbytes) for i in readers for s in sources if i not in ops.readers.get(s, ()))
    if recomputed > stored or (recomputed == stored and len(sources) > 1):
        return
    if not all(_reads_in_place(ops[i], value) for i in readers) or _holds_window(maker, value):
        return
    for i in readers:
        ops.replace(i, _with_recipe(ops[i], value, again))
    body = maker.params["body"]
    outputs = tuple(o for o in body.outputs if o is not value)
    ops.replace(position, _rebuilt(maker, body.ops, outputs))


def _holds_window(maker: Op, value: Value) -> bool:
    """Whether a window's kernel makes its result where this value will be, as no other output has its dtype."""
    body = maker.params["body"]
    made = [op.outputs[0].dtype for op in body.ops if op.prim.kind == "window"]
    rest = [o.dtype for o in body.outputs if o is not value]
    return bool(made and rest) and made[0] not in rest


def _recipe(maker: Op, value: Value):
    """(ops, sources): how the value follows from tensors in memory; None when it takes a reduction, a product, or
    anything dear."""
    body = maker.params["body"]
    producer = {o: op for op in body.ops for o in op.outputs}
    in_memory = set(body.inputs) | set(body.outputs) - {value}
    needed, sources, todo = set(), {}, [value]
    while todo:
        v = todo.pop()
        if v in in_memory:
            sources[v] = None
            continue
        op = producer[v]
        if op in needed:
            continue
        if op.prim.kind in ("reduce", "contract", "window", "index") or op.prim.costly and op.prim.kind != "random":
            return None
        needed.add(op)
        todo.extend(op.inputs)
    again = [op for op in body.ops if op in needed]
    arithmetic = sum(op.prim.kind != "move" for op in again)
    return (again, list(sources)) if arithmetic <= MOST_AGAIN else None


def _reads_in_place(reader: Op, value: Value) -> bool:
    """Whether the reader walks the value element by element in its own order (not shifted, not as a product's
    operand), so that its sources are read in good order too."""
    body = reader.params["body"]
    if any(value in op.inputs for op in body.ops if op.prim.kind in ("contract", "window")):
        return False
    domain = Domain(reader.params["domain"], reader.params["reduced"])
    probe = Probe({o: op for op in body.ops for o in op.outputs if op.prim.kind not in ("contract", "window")})
    for op in body.ops:
        if op.prim.kind == "reduce":
            probe.element(op.inputs[0], domain.index(op.inputs[0].shape, parallel=False))
            probe.producers = {k: v for k, v in probe.producers.items() if k is not op.outputs[0]}
    for out in body.outputs:
        probe.element(out, domain.index(out.shape, domain.holds(out.shape) == "parallel"))
    place = domain.holds(value.shape)
    if place is None:
        return False
    own = tuple(i.key() for i in domain.index(value.shape, place == "parallel"))
    return all(tuple(i.key() for i in index) == own for v, index in probe.reads if v is value)


def _with_recipe(reader: Op, value: Value, again) -> Op:
    """The reader with the value computed inside. Members that it shares with the recipe are there once."""
    body = reader.params["body"]
    have = set(body.ops)
    members = in_order([op for op in again if op not in have] + list(body.ops))
    return _rebuilt(reader, members, body.outputs)


def _rebuilt(op: Op, members, outputs) -> Op:
    """A fused op of these members: without those that nothing needs, reading what is left to read."""
    needed, kept = set(outputs), []
    for member in reversed(members):
        if any(o in needed for o in member.outputs):
            needed.update(member.inputs)
            kept.append(member)
    kept.reverse()
    made = {o for member in kept for o in member.outputs}
    inputs = tuple(dict.fromkeys(v for member in kept for v in member.inputs if v not in made))
    body = Program("fused", inputs, tuple(kept), tuple(outputs))
    return Op(fused_p, inputs, {**op.params, "body": body}, tuple(outputs), op.scope)
