"""Accumulators of reductions: sums of reals are made in blocks, in their own type; the sums of blocks are added in
float64. So no accumulator grows until it no longer sees what is added to it, and results do not depend on threads.
"""
from __future__ import annotations

from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Op
from kgraph.compiler.loopnest.builder import both, differ, either, equal
from kgraph.compiler.loopnest.domain import ARG_SIGNS
from kgraph.compiler.loopnest.dtypes import REALS, short_name
from kgraph.compiler.loopnest.elements import Probe
from kgraph.compiler.loopnest.index import Index, Opaque
from kgraph.compiler.loopnest.nodes import Expression, call
from kgraph.compiler.lowering.writer import Writer
from kgraph.compiler.prims.reduce import highest, lowest

__all__ = ["BLOCK", "RowAccumulators", "combined", "grows", "initial", "is_short"]

BLOCK = 1024  # terms of a row that the lanes of some vectors share
SHORT = 16    # terms that may be added one after another


def grows(op: Op) -> bool:
    """Whether an op is a sum of reals, which loses small terms as it grows."""
    return op.prim.name == "sum" and op.outputs[0].dtype in REALS


def is_short(groups, most: int) -> bool:
    """Whether loops over these groups of axes are known to have at most so many rounds."""
    rounds = size_of([axis.size for group in groups for axis in group])
    return isinstance(rounds, int) and rounds <= most


def initial(w: Writer, op: Op) -> Expression:
    """A reduction's start value."""
    dtype = op.outputs[0].dtype
    return w.constant(op.prim.lower.init(dtype), dtype)


def combined(op: Op, a: Expression, x: Expression) -> Expression:
    """An accumulator and the next element in one, in the output's type."""
    joined = call(op.prim.lower.combine, a, x)
    dtype = op.outputs[0].dtype
    return joined if dtype in REALS else call(short_name(dtype), joined)


class RowAccumulators:
    """The accumulators of some reductions in loops over groups of axes, the last of them innermost. In order: create;
    open the loops but the last; `open_block`; open the last loop; `add`; close it; `close_block`; close the others;
    `give_results`.

    A sum that may be long has a total in float64. Where its loop becomes one of vectors, a part of it is made in its
    own type for each block; elsewhere each term is added to the total.
    """

    def __init__(self, w: Writer, domain, reductions, groups):
        self.w, self.domain, self.group = w, domain, groups[-1]
        self.names: dict = {}   # op -> the variables that terms are added to
        self.totals: dict = {}  # op -> its total
        self.parts: list = []   # ops of which each block has a part
        one_block = len(groups) == 1 and is_short(groups, BLOCK)
        for op in reductions:
            vectors = self._is_walked_in_order(op)
            if not grows(op) or is_short(groups, SHORT) or one_block and vectors:
                self.names[op] = self._begin(op)
            else:
                self.totals[op] = w.let(w.fresh("s"), call("f64", 0.0))
                self.names[op] = [self.totals[op]]
                if vectors:
                    self.parts.append(op)
        self._cut = bool(self.parts) and not is_short(groups[-1:], BLOCK)

    def _is_walked_in_order(self, op: Op) -> bool:
        """Whether the terms of neighbouring rounds are made of neighbours in memory, in one and the same way."""
        probe, x = Probe({v: o for v, o in self.w.producers.items() if o.prim.kind != "reduce"}), op.inputs[0]
        probe.element(x, self.domain.index(x.shape, parallel=False))
        return not probe.branches and all(map(self._steps_by_one, (self.w.layout.position(*r) for r in probe.reads)))

    def _steps_by_one(self, position: Index) -> bool:
        """Whether the innermost loop walks neighbours, or stays where it is."""
        if isinstance(position, Opaque) or not set(position.terms) <= set(self.domain.axes):
            return False
        steps = [position.terms.get(axis, 0) for axis in self.group]
        return isinstance(steps[-1], int) and (steps[-1] == 1 or set(steps) == {0})

    def _begin(self, op: Op) -> list:
        w = self.w
        if op.prim.lower in ARG_SIGNS:
            best, where, start = w.fresh("s"), w.fresh("s"), lowest if op.prim.lower == "argmax" else highest
            return [w.let(best, w.constant(start(op.inputs[0].dtype), op.inputs[0].dtype)),
                    w.let(where, call(short_name(op.outputs[0].dtype), 0))]
        return [w.let(w.fresh("s"), initial(w, op))]

    def open_block(self, extent: Expression) -> tuple:
        """Begin the parts. Returns the bounds of the innermost loop."""
        w, bounds = self.w, (0, extent)
        if self._cut:
            start = w.repeat(w.fresh("b"), 0, extent, step=BLOCK)
            bounds = start, call("minimum", start + BLOCK, extent)
        for op in self.parts:
            self.names[op] = self._begin(op)
        return bounds

    def add(self, op: Op, x: Expression):
        """One more term."""
        w, names = self.w, self.names[op]
        if op.prim.lower in ARG_SIGNS:
            best, where = names
            (axis,) = self.domain.reduction_axes
            first_nan = both(differ(x, x), equal(best, best))
            with w.when(either(call(ARG_SIGNS[op.prim.lower], x, best), first_nan)):
                w.let(best, x)
                w.let(where, call(short_name(op.outputs[0].dtype), w.at(axis)))
        elif names[0] is self.totals.get(op):
            w.let(names[0], call("sum_so_far", names[0], call("f64", x)))
        else:
            w.let(names[0], combined(op, names[0], x))

    def close_block(self):
        for op in self.parts:
            self.w.let(self.totals[op], self.totals[op] + call("f64", self.names[op][0]))
        if self._cut:
            self.w.close()

    def give_results(self):
        w = self.w
        for op, names in self.names.items():
            name = names[-1]
            if op in self.totals:
                name = w.let(w.fresh("s"), call(short_name(op.outputs[0].dtype), self.totals[op]))
            w.give(op.outputs[0], name)
