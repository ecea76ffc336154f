"""Finding what ONNX has one operator for and kgraph writes as several primitives.

A pattern is a function written with kgraph.ops. It is traced for the types at hand, and found where the ops of the
program that lead to a value are those of the trace: so a pattern follows the layers when they change.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kgraph.compiler.ir import Op, Program, TensorType, frozen
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.trace import Trace, suspend_recording

__all__ = ["PATTERNS", "Match", "Pattern", "by_form", "chosen", "made_by", "traced", "unify"]

NARROW = {name for name, t in DTYPES.items() if t.is_narrow}  # for which ONNX has few operators
PATTERNS: list = []  # in the order in which they are tried


@dataclass(frozen=True, eq=False)
class Pattern:
    """roots   primitives that may be the last one of it
    find    (op, makers, graph) -> (arguments, what else write() is told), or None; makers: value -> its op
    write   (graph, op, *arguments, **what else) -> Held, or a tuple of them
    since   the opset that the operator came with
    """

    roots: tuple
    find: Callable
    write: Callable
    since: int = 17


@dataclass(frozen=True, eq=False)
class Match:
    """Where a pattern was found: it stands for the ops that lead to the outputs of `op`."""

    op: Op
    pattern: Pattern
    inputs: tuple
    more: dict

    @property
    def outputs(self):
        return self.op.outputs

    @property
    def scope(self):
        return self.op.scope

    def write(self, graph):
        return self.pattern.write(graph, self.op, *self.inputs, **self.more)


def chosen(program, graph) -> list:
    """The ops that the outputs and updates need, with a Match in place of those that a pattern stands for."""
    makers = {v: op for op in program.ops for v in op.outputs}
    needed, kept = {*program.outputs, *(new for _, new in program.updates)}, []
    for op in reversed(program.ops):
        if any(v in needed for v in op.outputs):
            op = _match(op, makers, graph) or op
            needed.update(op.inputs)
            kept.append(op)
    return kept[::-1]


def _match(op, makers, graph):
    if any(v.dtype in NARROW for v in op.outputs):
        return None
    for pattern in PATTERNS:
        likely = op.prim.name in pattern.roots and graph.opset >= pattern.since
        found = pattern.find(op, makers, graph) if likely else None
        if found is not None:
            return Match(op, pattern, *found)
    return None


def by_form(candidates, numbers=(), trace=None):
    """A `find` that looks for traced functions. candidates(op, makers) -> for each way it could be, (function, types of
    its tensors, what else write() is told); after the tensors the function takes numbers, which write() gets by these
    names. trace: traced, or a form of it that remembers."""
    def find(op, makers, graph):
        for function, types, more in candidates(op, makers):
            form = (trace or traced)(function, (*types, *[TensorType((), op.outputs[0].dtype)] * len(numbers)))
            found = unify(zip(form.outputs, op.outputs), form, makers)
            values = [found[v] for v in form.inputs] if found else []
            given = [made_by(v, makers, "full") for v in values[len(types):]]
            if values and None not in given:
                return tuple(values[:len(types)]), {
                    **more, **{name: float(op.params["value"]) for name, op in zip(numbers, given)}}
        return None
    return find


def traced(function, types) -> Program:
    """The Program of a function of values of these types."""
    with suspend_recording(), Trace("pattern") as trace:
        inputs = [trace.add_input(t) for t in types]
        found = function(*inputs)
        return trace.finish(found if isinstance(found, tuple) else (found,))


def unify(pairs, form, makers):
    """Values of the form -> values of the program, its inputs among them, such that these pairs of them come from the
    same ops; or None. makers: value of the program -> its op."""
    form_makers = {v: op for op in form.ops for v in op.outputs}
    found, left, free = {}, list(pairs), set(form.inputs)
    while left:
        mine, theirs = left.pop()
        if mine in found:
            if found[mine] is not theirs:
                return None
            continue
        found[mine] = theirs
        if mine in free:
            if mine.type != theirs.type:
                return None
            continue
        a, b = form_makers[mine], makers.get(theirs)
        if b is None or a.prim is not b.prim or len(a.inputs) != len(b.inputs) or (
                frozen(a.params) != frozen(b.params)) or (
                a.outputs.index(mine) != [v is theirs for v in b.outputs].index(True)):
            return None
        left += zip(a.inputs, b.inputs, strict=True)
    return found if all(v in found for v in form.inputs) else None


def made_by(value, makers, name):
    """The op that made a value, if it is of that primitive."""
    op = makers.get(value)
    return op if op is not None and op.prim.name == name else None
