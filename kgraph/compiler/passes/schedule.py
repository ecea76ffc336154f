"""schedule: copies where a result must not be a view, and an order in which states can be overwritten in place.

After this pass every update (state, new) fulfils `overwrites`: the kernel that makes `new` may write into the state's
buffer, because whatever else reads the state runs before it, and it reads each element of the state itself at most
before writing that same element.
"""
from __future__ import annotations

from kgraph.compiler.ir import Op, Program, Value, Values
from kgraph.compiler.loopnest.domain import Domain, probe_body
from kgraph.compiler.loopnest.elements import squeeze
from kgraph.compiler.loopnest.index import linear, row_major
from kgraph.compiler.passes.fuse import fused_p, in_order
from kgraph.compiler.prims.collective import collective_begin_p
from kgraph.compiler.prims.move import broadcast_p

__all__ = ["Views", "part_strides", "schedule", "with_gaps"]

FIRST_COME = 2**31  # more than there are numbers of collectives


class Views:
    """Which value's memory a view lies in: root(v) -> (value, byte offset); a concatenation is a root of its own."""

    def __init__(self, ops):
        self.maker = {o: op for op in ops for o in op.outputs}

    def root(self, value: Value):
        offset = 0
        while (op := self.maker.get(value)) is not None and op.prim.view == "part":
            source = op.inputs[0]
            starts = op.params.get("starts", (0,) * source.ndim)
            offset = offset + linear(starts, source.shape).constant * source.type.itemsize
            value = op.inputs[0]
        return value, offset

    def parts(self, value: Value) -> Values:
        """The roots whose memory a value's memory may be made of: its own, and those of a concatenation's inputs."""
        root, _ = self.root(value)
        op = self.maker.get(root)
        if op is not None and op.prim.view == "whole":
            return Values([root] + [p for v in op.inputs for p in self.parts(v)])
        return Values([root])


def copy_op(value: Value, scope: str = "") -> Op:
    """A kernel that copies a value."""
    out = Value(value.type)
    inner = Op(broadcast_p, (value,), {"shape": value.shape, "axes": tuple(range(value.ndim))}, (out,), scope)
    body = Program("fused", (value,), (inner,), (out,))
    return Op(fused_p, (value,), {"body": body, "domain": squeeze(value.shape), "reduced": ()}, (out,), scope)


def schedule(program: Program) -> Program:
    """See above. The program has been fused."""
    program = _own_memory(program)
    before: dict[Op, set] = {}
    maker = {o: op for op in program.ops for o in op.outputs}
    views = Views(program.ops)
    touching = _touching(program.ops, views)
    final: list = []
    updates = []
    for state, new in program.updates:
        kernel = maker.get(new)
        waits = {op for op in touching.get(state, ()) if op is not kernel}
        taken = kernel in {maker.get(o) for o in program.outputs if o is new}
        if kernel is None or taken or not _same_places(kernel, state, new, views) or \
                any(_depends(op, kernel, before, maker) for op in waits):
            copy = copy_op(new, kernel.scope if kernel else "")
            final.append(copy)
            updates.append((state, copy.outputs[0]))
        else:
            before.setdefault(kernel, set()).update(waits)
            updates.append((state, new))
    order = in_order(sorted(program.ops, key=_early), before)
    return Program(program.name, program.inputs, tuple(order + final), program.outputs, tuple(updates))


def _early(op: Op) -> int:
    """What others wait for comes first, with what it needs; all else stays in the order it has."""
    return op.params["number"] if op.prim is collective_begin_p else FIRST_COME


def _own_memory(program: Program) -> Program:
    """Copies for results that are views or are asked for twice, and for parts of a flat concatenation that cannot be
    written in place there; and for new states that are other states."""
    views = Views(program.ops)
    inputs = set(program.inputs)
    ops = []
    placed: set[Value] = set()

    def copied(value):
        op = copy_op(value)
        ops.append(op)
        return op.outputs[0]

    kept = set(program.outputs) | {v for _, v in program.updates}
    for op in program.ops:
        if op.prim.view == "whole":
            parts = []
            for v in op.inputs:
                root, _ = views.root(v)
                free = root not in inputs and root not in placed and root not in kept and root.size == v.size
                free = free and views.maker[root].prim.view != "whole"
                free = free and (is_flat(op) or root is v and _can_lie_apart(v, program, views))
                parts.append(v if free else copied(v))
                placed.add(root if free else parts[-1])
            op = Op(op.prim, tuple(parts), op.params, op.outputs, op.scope)
        ops.append(op)
    outputs, seen = [], set()
    for v in program.outputs:
        root, _ = views.root(v)
        own = root is v and v not in inputs and v not in seen and v not in placed
        outputs.append(v if own else copied(v))
        seen.add(v)
    updates = []
    for state, v in program.updates:
        root, _ = views.root(v)
        if root in inputs:
            v = copied(v)
        updates.append((state, v))
    return Program(program.name, program.inputs, tuple(ops), tuple(outputs), tuple(updates))


def is_flat(concatenate: Op) -> bool:
    """Whether the parts lie one after the other in memory, each contiguous."""
    return all(isinstance(s, int) and s == 1 for s in concatenate.outputs[0].shape[:concatenate.params["axis"]])


def part_strides(ops, strides: dict) -> dict:
    """``strides`` (value -> strides in elements, of values in memory with gaps), and those of the parts of
    concatenations."""
    views, found = Views(ops), dict(strides)
    for op in ops:
        out = op.outputs[0]
        if op.prim.view == "whole" and not (is_flat(op) and out not in strides):
            found.update((views.root(v)[0], strides.get(out) or row_major(out.shape)) for v in op.inputs)
    return found


def with_gaps(program: Program, strides: dict) -> Program:
    """Copies where an input or output that lies in memory with gaps is made or read by what takes it for contiguous."""
    gapped = lambda op: op.prim is fused_p and all(x.prim.kind != "window" for x in op.params["body"].ops)
    new, ops, outputs = {}, [], []
    for v in program.inputs:
        if v in strides and not all(gapped(op) for op in program.ops if v in set(op.inputs)):
            ops.append(copy_op(v))
            new[v] = ops[-1].outputs[0]
    for op in program.ops:
        if not gapped(op) and any(v in new for v in op.inputs):
            op = Op(op.prim, tuple(new.get(v, v) for v in op.inputs), op.params, op.outputs, op.scope)
        ops.append(op)
    maker = {o: op for op in ops for o in op.outputs}
    for v in program.outputs:
        readers = all(gapped(op) for op in ops if v in set(op.inputs))
        if v in strides and not (readers and (gapped(maker[v]) or maker[v].prim.view == "whole")):
            ops.append(copy_op(v))
            v = ops[-1].outputs[0]
        outputs.append(v)
    return Program(program.name, program.inputs, tuple(ops), tuple(outputs), program.updates)


def _can_lie_apart(value: Value, program: Program, views: Views) -> bool:
    """Whether a kernel writes the value that can write it with gaps, and nothing else takes it for contiguous."""
    body = views.maker[value].params.get("body")
    loops = views.maker[value].prim is fused_p and not any(op.prim.kind == "window" for op in body.ops)
    readers = [op for op in program.ops if value in op.inputs]
    if value.dtype == "bfloat16" and any(_reads_window(op, value) for op in readers):
        return False  # convolutions read words of it, which need not be whole there
    return loops and all(op.prim is fused_p for op in readers if op.prim.view != "whole") and \
        sum(op.prim.view == "whole" for op in readers) == 1


def _reads_window(op: Op, value: Value) -> bool:
    """Whether there is a convolution in a kernel that reads the value where it lies."""
    return op.prim is fused_p and any(x.prim.kind == "window" and value in x.inputs for x in op.params["body"].ops)


def _touching(ops, views: Views) -> dict:
    """Value -> the ops that read its memory."""
    found: dict[Value, dict] = {}
    for op in ops:
        if not op.prim.view:
            for v in op.inputs:
                for part in views.parts(v):
                    found.setdefault(part, {})[op] = None
    return found


def _same_places(kernel: Op, state: Value, new: Value, views: Views) -> bool:
    """Whether the kernel reads the state only at the element that it then writes."""
    readers = Values(v for v in kernel.inputs if state in views.parts(v))
    if kernel.prim is not fused_p and not kernel.prim.in_place:
        return not readers and not kernel.prim.view
    if not readers:
        return True
    if any(views.root(v)[0] is not state or views.root(v)[1] != 0 for v in readers):
        return False
    if kernel.prim.in_place:
        return not any(v in readers for v in kernel.inputs[1:])
    domain = Domain(kernel.params["domain"], kernel.params["reduced"])
    body = kernel.params["body"]
    if any(op.prim.kind in ("contract", "window") for op in body.ops):
        return False
    place = domain.holds(new.shape)
    if place == "all" and domain.reduced:
        return False
    written = linear(domain.index(new.shape, place == "parallel"), new.shape).key()
    return all(linear(index, v.shape).key() == written for v, index in probe_body(body, domain).reads if v in readers)


def _depends(op: Op, on: Op, before: dict, maker: dict) -> bool:
    """Whether op has to run after ``on``."""
    todo, seen = [op], set()
    while todo:
        x = todo.pop()
        if x is on:
            return True
        if x in seen:
            continue
        seen.add(x)
        todo.extend(maker[v] for v in x.inputs if v in maker)
        todo.extend(before.get(x, ()))
    return False

