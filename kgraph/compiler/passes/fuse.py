"""Fusion: which ops share a kernel.

Ops fall into three classes. *Inline* ops (broadcasts, slices, constants, arithmetic on scalars) cost nothing and are
written again into every kernel that reads them. *Views* (reshapes, contiguous slices, flat concatenations) are other
names for memory. All others are *members* of exactly one `Group`, which becomes one fused op and one kernel.

A member joins the group of a producer, or of a sibling that reads the same tensor, when one of FUSION_RULES says that
it fits the group's iteration domain and no path leads from the group to the member by way of another group.
"""
from __future__ import annotations

from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.loopnest.domain import Domain
from kgraph.compiler.loopnest.dtypes import NARROW
from kgraph.compiler.loopnest.elements import Probe, squeeze
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.elementwise import add_p

__all__ = ["FUSION_RULES", "Group", "fuse", "is_late", "is_view"]

MOST_READS = 40   # tensors one kernel may read: beyond it, address registers and alias checks cost more than they save
MOST_OPS = 160
FEW = 8           # elements up to which a tensor is as good as a scalar


def _example(rng):
    x = Value(TensorType((3,), "float32"), "x")
    y = Value(x.type, "y")
    body = Program("fused", (x,), (Op(add_p, (x, x), {}, (y,)),), (y,))
    return [([rng.normal(size=3).astype("float32")], {"body": body, "domain": (3,), "reduced": ()})]


def _run_body(*arrays, body, domain, reduced):
    values = interpret(body, dict(zip(body.inputs, arrays, strict=True)))
    return tuple(values[o] for o in body.outputs)


# One kernel: the plain ops it stands for are its body; domain and reduced say over which axes it loops.
fused_p = Primitive("fused", "loop", lambda *types, body, domain, reduced: tuple(o.type for o in body.outputs),
                    _run_body, NOT_DIFFERENTIABLE, "fused", _example)


class Group:
    """Members that will share one kernel. ``place``: member value -> "all" or "parallel" of the domain."""

    def __init__(self, number: int, op: Op, domain: Domain | None):
        self.number = number
        self.ops = [op]
        self.domain = domain
        self.anchor = op if domain is None or op.prim.kind in ("contract", "window") else None
        self.place: dict[Value, str] = {}
        self.depth: dict[Value, int] = {}
        self.leaves: set[Value] = set()
        self.ancestors = 0  # bit set of the numbers of groups that must run before

    @property
    def is_columns(self) -> bool:
        """Whether reduced axes lie outside of parallel ones: then there is only one pass over the domain."""
        reduced = self.domain.reduced
        return bool(reduced) and reduced[-1] != len(self.domain.sizes) - 1

    def index(self, value: Value) -> tuple:
        return self.domain.index(value.shape, self.place[value] == "parallel")


# --- the rules: (group, op) -> the place of op's result in the group's domain, or None -------------------------------

def same_domain(group: Group, op: Op) -> str | None:
    """An elementwise result of the size of the domain."""
    out = op.outputs[0]
    return "all" if op.prim.kind != "reduce" and squeeze(out.shape) == group.domain.sizes else None


def after_reduction(group: Group, op: Op) -> str | None:
    """An elementwise result of the size that the group's reductions leave."""
    if op.prim.kind == "reduce" or group.anchor or not group.domain.reduced:
        return None
    return "parallel" if squeeze(op.outputs[0].shape) == group.domain.parallel else None


def reduction(group: Group, op: Op) -> str | None:
    """A reduction over the domain, along the same axes as those that are there."""
    if op.prim.kind != "reduce" or group.anchor or squeeze(op.inputs[0].shape) != group.domain.sizes:
        return None
    return "parallel" if group.domain.reduced in ((), reduced_positions(op)) else None


FUSION_RULES = [same_domain, after_reduction, reduction]


def reduced_positions(op: Op) -> tuple:
    """The reduced axes of a reduction as positions among the axes of its input that are not 1."""
    shape = op.inputs[0].shape
    positions = [i for i, s in enumerate(shape) if not (isinstance(s, int) and s == 1)]
    return tuple(positions.index(a) for a in op.params["axes"] if a in positions)


# --- classes of ops ---------------------------------------------------------------------------------------------------

def is_view(op: Op) -> bool:
    """Whether the result can be its input's memory under another name."""
    shape = op.inputs[0].shape if op.inputs else ()
    if op.prim.view == "part" and "strides" in op.params:
        return _one_run(shape, [n for n in range(len(shape)) if op.outputs[0].shape[n] != shape[n]]) and \
            all(s == 1 for s in op.params["strides"])
    return op.prim.view is not None


def _is_flattening(op: Op) -> bool:
    """A reshape that does more than add or drop axes of extent 1: free on memory, dear inside a loop."""
    return op.prim.name == "reshape" and squeeze(op.inputs[0].shape) != squeeze(op.outputs[0].shape)


def _one_run(shape, axes) -> bool:
    """Whether a part cut out along these axes is contiguous: all axes before the last of them have extent 1."""
    return all(isinstance(s, int) and s == 1 for s in shape[:max(axes, default=0)])


def _is_pulled(op: Op) -> bool:
    """Whether elements can be computed one by one: the form of kernel that loops are made of."""
    return op.prim.kind in ("elementwise", "move", "random", "index", "reduce") and (
        callable(op.prim.lower) or op.prim.kind == "reduce" and op.prim.name != "cumsum")


def _has_wider_sums(op: Op) -> bool:
    """Whether it has a place of its own for what it makes before that is rounded or scaled."""
    return op.prim.name in ("contract", "conv") and op.inputs[0].dtype != op.outputs[0].dtype


def is_late(op: Op) -> bool:
    """Whether it is a cast of 16 bits, which each reader makes of its own, or one that is marked as such; for a kernel
    that reads no elements it is made just before that, not with what it is made of."""
    return op.prim.name == "cast" and (op.inputs[0].dtype in NARROW or op.params.get("late", False))


def _is_small(value: Value) -> bool:
    size = value.size
    return isinstance(size, int) and size <= FEW


def _inline_ops(program: Program, in_memory: set) -> set:
    """Moves without branches; arithmetic on scalars; 16 bits made wider; and what is generated from a few numbers
    (random bits, masks made of them) by cheap arithmetic, unless all that goes into it is more than a kernel may read.
    These are written again wherever they are read."""
    inline, generated, leaves = set(), set(), {}
    for op in program.ops:
        from_little = all(_is_small(v) or v in generated for v in op.inputs)
        cheap = op.prim.kind in ("move", "elementwise", "random") and not op.prim.branches
        if cheap and from_little and (not op.prim.costly or op.prim.kind == "random"):
            generated.update(op.outputs)
        scalar = op.prim.kind == "elementwise" and all(squeeze(v.shape) == () for v in (*op.inputs, *op.outputs))
        moves = op.prim.kind == "move" and callable(op.prim.lower) and not op.prim.branches
        if (moves or scalar or is_late(op) or op.outputs[0] in generated) and op.outputs[0] not in in_memory:
            read = frozenset().union(*(leaves.get(v, (v,)) for v in op.inputs))
            if len(read) <= MOST_READS // 4:
                inline.add(op)
                leaves.update((out, read) for out in op.outputs)
    return inline


class _Fusion:
    """The walk over a program that makes groups."""

    def __init__(self, program: Program):
        self.program = program
        self.producer = {o: op for op in program.ops for o in op.outputs}
        self.users = program.users()
        self.groups: list[Group] = []
        self.group_of: dict[Value, Group] = {}
        self.readers: dict[Value, list[Group]] = {}
        self.scalar_groups: list[Group] = []
        self.in_memory = self._needed_in_memory()
        self.inline = _inline_ops(program, self.in_memory)
        self.inline_producers = {o: op for op in self.inline for o in op.outputs}
        self.views = {op for op in program.ops if op.outputs[0] in self.in_memory and is_view(op)}

    def _needed_in_memory(self) -> set:
        """Values that must have a buffer: results, what kernels that are no loops read, and what views stand on."""
        needed = set(self.program.outputs) | {v for _, v in self.program.updates}
        for op in reversed(self.program.ops):
            if _is_flattening(op) or op.prim.view == "whole" and is_view(op):
                needed.add(op.outputs[0])
            if not _is_pulled(op) or any(o in needed for o in op.outputs) and is_view(op):
                needed.update(op.inputs)
        return needed

    def run(self):
        for op in self.program.ops:
            if op not in self.inline and op not in self.views:
                self._place(op)
        return self

    def _place(self, op: Op):
        if not _is_pulled(op):
            group = self._open(op, self._anchor_domain(op))
            self._add_leaves(group, op.inputs, len(op.inputs))
            for out in op.outputs:
                self.group_of[out] = group
                group.place[out], group.depth[out] = "all", 0
            return
        late = is_late(op) and any(not _is_pulled(x) and not is_view(x) for x in self.users.get(op.outputs[0], ()))
        for group in () if late else self._candidates(op):
            if self._join(group, op):
                return
        domain = Domain(squeeze((op.inputs[0] if op.prim.kind == "reduce" else op.outputs[0]).shape))
        group = self._open(op, domain)
        group.ops.clear()
        if not self._join(group, op):
            raise AssertionError(f"{op.prim.name} does not fit a kernel of its own")

    def _anchor_domain(self, op: Op) -> Domain | None:
        joins = op.prim.kind in ("contract", "window") and op.prim.name != "conv_weight_grad"
        return Domain(squeeze(op.outputs[0].shape)) if joins else None

    def _open(self, op: Op, domain) -> Group:
        group = Group(len(self.groups), op, domain)
        self.groups.append(group)
        return group

    def _candidates(self, op: Op) -> list:
        """Groups of producers, the latest first; then those that read the same tensors; then other scalar kernels."""
        leaves = {v for v, _ in self._reads(op)}
        near = {self.group_of[v] for v in leaves if v in self.group_of}
        siblings = {g for v in leaves if v.ndim for g in self.readers.get(v, ())} - near
        order = sorted(near, key=lambda g: -g.number) + sorted(siblings, key=lambda g: -g.number)
        if squeeze(op.outputs[0].shape) == ():
            order += [g for g in reversed(self.scalar_groups) if g not in order]
        return [g for g in order if g.domain is not None]

    def _reads(self, op: Op, group: Group | None = None, place: str = "all") -> list:
        """(value, index) of what op reads, seen through inline ops, at its place in a group's domain."""
        probe = Probe(self.inline_producers)
        if op.prim.kind == "reduce":
            x = op.inputs[0]
            domain = group.domain if group else Domain(squeeze(x.shape))
            probe.element(x, domain.index(x.shape, parallel=False))
        else:
            out = op.outputs[0]
            domain = group.domain if group else Domain(squeeze(out.shape))
            probe.lowered(op, domain.index(out.shape, place == "parallel"))
        return probe.reads

    def _join(self, group: Group, op: Op) -> bool:
        place = next((p for rule in FUSION_RULES if (p := rule(group, op))), None)
        if place is None or len(group.ops) >= MOST_OPS:
            return False
        reads = self._reads(op, group, place)
        if not self._fits(group, op, place, reads) or not self._add_leaves(group, [v for v, _ in reads]):
            return False
        if op.prim.kind == "reduce":
            self._reduce_along(group, reduced_positions(op))
        depth = max((group.depth.get(v, 0) for v, _ in reads), default=0) + (op.prim.kind == "reduce")
        for out in op.outputs:
            self.group_of[out] = group
            group.place[out], group.depth[out] = place, depth
        group.ops.append(op)
        if group.domain.parallel == () if group.domain.reduced else group.domain.sizes == ():
            if group not in self.scalar_groups:
                self.scalar_groups.append(group)
        return True

    def _fits(self, group: Group, op: Op, place: str, reads) -> bool:
        """Members are read at their own place only, and in one pass where there is only one."""
        for value, index in reads:
            owner = self.group_of.get(value)
            if owner is not group:
                continue
            if value not in group.place or tuple(i.key() for i in index) != tuple(i.key() for i in group.index(value)):
                return False
            reduced = group.domain.reduced or (reduced_positions(op) if op.prim.kind == "reduce" else ())
            one_pass = reduced and reduced[-1] != len(group.domain.sizes) - 1
            if one_pass and group.depth[value] and (place == "all" or op.prim.kind == "reduce"):
                return False
        return True

    def _reduce_along(self, group: Group, positions: tuple):
        group.domain.reduced = positions

    def _add_leaves(self, group: Group, values, most=MOST_READS) -> bool:
        """Note what the group reads. False (and nothing noted) when it would have to wait for itself, or read more
        than so many values."""
        ancestors = 0
        for v in values:
            for owner in self._owners(v):
                if owner is group and v in group.place:
                    continue
                if owner is group or owner.ancestors >> group.number & 1:
                    return False
                ancestors |= owner.ancestors | 1 << owner.number
        leaves = {v for v in values if v not in group.place}
        if len(group.leaves | leaves) > most:
            return False
        group.leaves |= leaves
        for v in leaves:
            self.readers.setdefault(v, []).append(group)
        if ancestors & ~group.ancestors:
            group.ancestors |= ancestors
            for other in self.groups:
                if other.ancestors >> group.number & 1:
                    other.ancestors |= group.ancestors
        return True

    def _owners(self, value: Value) -> list:
        """The groups that fill the value's memory, seen through views."""
        if value in self.group_of:
            return [self.group_of[value]]
        op = self.producer.get(value)
        return [g for v in op.inputs for g in self._owners(v)] if op in self.views else []


def fuse(program: Program) -> Program:
    """Replace members by fused ops, one for each group, in an order that respects what they read."""
    return _Emission(_Fusion(program).run()).program()


class _Emission:
    """Groups as fused ops of a new program."""

    def __init__(self, fusion: _Fusion):
        self.fusion = fusion
        self.users = fusion.users
        self.place = {op: i for i, op in enumerate(fusion.program.ops)}
        self.results = set(fusion.program.outputs) | {v for _, v in fusion.program.updates}

    def program(self) -> Program:
        nodes = [self._fused(g) for g in self.fusion.groups]
        nodes += [op for op in self.fusion.program.ops if op in self.fusion.views]
        return self.fusion.program.with_ops(in_order(nodes))

    def _fused(self, group: Group) -> Op:
        outputs = tuple(o for op in group.ops for o in op.outputs if self._leaves_group(o, group))
        if group.anchor is not None and all(o.dtype != group.anchor.outputs[0].dtype for o in outputs) and not (
                _has_wider_sums(group.anchor)):
            outputs = (*group.anchor.outputs, *outputs)  # its kernel makes it where a result of its dtype will be
        ops, inputs = self._body(group, outputs)
        if len(ops) == 1 and group.domain is None:
            return ops[0]
        body = Program("fused", inputs, tuple(ops), outputs)
        scopes = sorted({op.scope for op in group.ops if op.scope})
        return Op(fused_p, inputs, {"body": body, "domain": group.domain.sizes, "reduced": group.domain.reduced},
                  outputs, ",".join(scopes))

    def _leaves_group(self, value: Value, group: Group) -> bool:
        if value in self.results:
            return True
        return any(op not in group.ops and (op not in self.fusion.inline or self._read_elsewhere(op, group))
                   for op in self.users.get(value, ()))

    def _read_elsewhere(self, inline: Op, group: Group) -> bool:
        return any(op not in group.ops and (op not in self.fusion.inline or self._read_elsewhere(op, group))
                   for o in inline.outputs for op in self.users.get(o, ()))

    def _body(self, group: Group, outputs) -> tuple[list, tuple]:
        """The members and the inline ops that they need, in order; and the leaves."""
        needed, todo = set(), list(group.ops)
        members = set(group.ops)
        inputs = {}
        while todo:
            op = todo.pop()
            if op in needed:
                continue
            needed.add(op)
            for v in op.inputs:
                maker = self.fusion.producer.get(v)
                if maker in members or maker in self.fusion.inline:
                    todo.append(maker)
                else:
                    inputs[v] = None
        ops = sorted(needed, key=self.place.get)
        order = [v for op in ops for v in op.inputs if v in inputs]
        return ops, tuple(dict.fromkeys(order))


def in_order(ops, before=None) -> list:
    """Ops in an order in which each comes after what it reads and after ``before[op]``; else as they were given."""
    before = before or {}
    maker = {o: op for op in ops for o in op.outputs}
    place = {op: i for i, op in enumerate(ops)}
    done, order = set(), []
    for first in ops:
        stack = [first]
        while stack:
            op = stack[-1]
            needs = [maker[v] for v in op.inputs if v in maker] + sorted(before.get(op, ()), key=place.get)
            waiting = [x for x in needs if x not in done]
            if op in done or not waiting:
                stack.pop()
                if op not in done:
                    done.add(op)
                    order.append(op)
            else:
                stack.extend(reversed(waiting))
    return order
