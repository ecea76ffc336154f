"""merge: two loop kernels over one domain that do not wait for each other become one, when they read the same tensors
(which are then read once) or are so small that starting a kernel is what they cost."""
from __future__ import annotations

import functools
import operator

from kgraph.compiler import dims
from kgraph.compiler.ir import Op, Program
from kgraph.compiler.loopnest.elements import squeeze
from kgraph.compiler.passes.fuse import MOST_OPS, MOST_READS, fused_p, in_order, is_late

__all__ = ["horizontal_fusion"]

SMALL = 2048      # elements of a domain that is worth no kernel of its own


def horizontal_fusion(program: Program) -> Program:
    """See above. The program has been fused."""
    nodes = _nodes(program.ops)
    later: dict = {}  # domain -> the loops over it that have not had their turn
    for node in nodes:
        if node.domain is not None:
            later.setdefault(node.domain, []).append(node)
    for node in nodes:
        if node.op is not None and node.domain is not None:
            others = later[node.domain]
            del others[0]  # the node itself
            while (partner := _partner(node, others)) is not None:
                others.remove(partner)
                _unite(node, partner, nodes)
    return program.with_ops(in_order([node.op for node in nodes if node.op is not None]))


class _Node:
    """An op. As bit sets of positions in the program: the ops that it stands for, and those that run before it."""

    def __init__(self, op: Op, own: int, before: int):
        self.op, self.own, self.before = op, own, before
        self.inputs = set(op.inputs)
        self.domain = (op.params["domain"], op.params["reduced"]) if _is_loop(op) else None


def _nodes(ops) -> list:
    nodes, ready = [], {}  # ready: value -> the ops that have run when it is there
    for position, op in enumerate(ops):
        before = functools.reduce(operator.or_, [ready.get(v, 0) for v in op.inputs], 0)
        nodes.append(_Node(op, 1 << position, before))
        ready.update(dict.fromkeys(op.outputs, before | 1 << position))
    return nodes


def _is_loop(op: Op) -> bool:
    if op.prim is not fused_p:
        return False
    ops = op.params["body"].ops
    return not any(o.prim.kind in ("contract", "window") for o in ops) and not (len(ops) == 1 and is_late(ops[0]))


def _partner(node: _Node, others):
    """The first of the others that pays and waits for the node as little as the node for it."""
    small = _elements(node.domain[0]) <= SMALL
    for other in others:
        if not (node.before & other.own or other.before & node.own) and _pays(node, other, small):
            return other
    return None


def _pays(a: _Node, b: _Node, small: bool) -> bool:
    if len(a.op.params["body"].ops) + len(b.op.params["body"].ops) > MOST_OPS or len(a.inputs | b.inputs) > MOST_READS:
        return False
    return small or any(squeeze(v.shape) == a.domain[0] for v in a.inputs & b.inputs)


@functools.cache
def _elements(sizes) -> int:
    return dims.nominal(dims.size_of(sizes))


def _unite(node: _Node, partner: _Node, nodes):
    """The node stands for both; whatever waits for one of them waits for both."""
    node.op, partner.op = _united(node.op, partner.op), None
    node.inputs = set(node.op.inputs)
    node.own |= partner.own
    node.before |= partner.before
    for other in nodes:
        if other.before & node.own:
            other.before |= node.before | node.own


def _united(a: Op, b: Op) -> Op:
    members = list(dict.fromkeys([*a.params["body"].ops, *b.params["body"].ops]))
    made = {o for op in members for o in op.outputs}
    inputs = tuple(dict.fromkeys(v for op in members for v in op.inputs if v not in made))
    outputs = (*a.outputs, *b.outputs)
    body = Program("fused", inputs, tuple(in_order(members)), outputs)
    scopes = sorted({s for op in (a, b) for s in op.scope.split(",") if s})
    return Op(fused_p, inputs, {**a.params, "body": body}, outputs, ",".join(scopes))
