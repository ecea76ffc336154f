"""hoist: products leave loops. What depends on no carry is computed for all steps at once, before the loop; what no
later step needs, after it.

- before: products of a step's x with constants (the input projections of a recurrent layer), what they are made of, and
  what is added to them; and whatever depends on constants alone.
- after: products whose results are stacked only (the gradient of the inputs); sums of products over the steps (the
  gradient of a recurrent kernel): one product in which the steps are a summed axis.

What the products after the loop read, the loop gives as further ys.
"""
from __future__ import annotations

from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.passes.cse_dce import cse, dce
from kgraph.compiler.passes.simplify import expand, simplify
from kgraph.compiler.passes.vectorize_steps import can_lift, lift
from kgraph.compiler.passes.window import lower_windows
from kgraph.compiler.prims.loop import Loop, scan_p
from kgraph.compiler.prims.rules import add, apply
from kgraph.compiler.prims.steps import together
from kgraph.compiler.rewrite import Rewriter
from kgraph.compiler.trace import at_scope, bind, suspend_recording

__all__ = ["hoist"]

_HEAVY = ("contract", "window", "reduce")
_LINEAR = ("add", "subtract", "neg", "reshape", "transpose", "slice", "concatenate")  # of sums as of what is summed


def hoist(program: Program) -> Program:
    """See above."""
    if not any(op.prim is scan_p for op in program.ops):
        return program
    new: dict[Value, Value] = {v: v for v in program.inputs}
    with suspend_recording(), Rewriter(program, {}) as trace:
        for op in program.ops:
            inputs = [new[v] for v in op.inputs]
            with at_scope(op.scope):
                if op.prim is scan_p:
                    results = _Hoist(Loop.of(op), inputs, op).run()
                else:
                    results = trace.record(op.prim, inputs, op.params)
            new.update(zip(op.outputs, results if isinstance(results, tuple) else (results,), strict=True))
    return Program(program.name, program.inputs, tuple(trace.ops), tuple(new[v] for v in program.outputs),
                   tuple((s, new[v]) for s, v in program.updates))


class _Hoist:
    """One scan that is taken apart. ``outside``: body value -> (value outside, whether it is a stack of all steps)."""

    def __init__(self, loop: Loop, inputs, op: Op):
        self.loop, self.op = loop, op
        self.body = _tidy(loop.body)
        self.maker = {o: inner for inner in self.body.ops for o in inner.outputs}
        consts, carry, xs = loop.split(inputs)
        inner_consts, self.carry, inner_xs = loop.split(self.body.inputs)
        self.first = carry
        self.outside = {v: (x, False) for v, x in zip(inner_consts, consts)}
        self.outside |= {v: (x, True) for v, x in zip(inner_xs, xs)}
        self.new_carry, self.ys = loop.split_outputs(self.body.outputs)
        self.stacked: list[Value] = []   # values that the loop has to give as ys

    def run(self) -> tuple:
        early = self._early()
        for op in self.body.ops:
            if op in early:
                self._lift(op)
        rest = [op for op in self.body.ops if op not in early]
        sums = self._sums(rest)
        kept = [i for i in range(len(self.carry)) if i not in sums]
        core = self._core(rest, [self.new_carry[i] for i in kept])
        stacks = self._core(rest, self.ys)  # without what only sums need
        late = self._late([op for op in rest if op in stacks and op not in core])
        inside_ys = [y for y in self.ys if y not in self.outside and self.maker.get(y) not in late]
        for op in late:
            for v in op.inputs:
                if self.maker.get(v) not in late:
                    self._stack(v)
        self.stacked = list(dict.fromkeys([*inside_ys, *self.stacked]))
        carry = self._loop(rest, kept)
        for op in late:
            self._lift(op)
        results = [carry[i] if i in carry else add(self.first[i], sums[i]()) for i in range(len(self.carry))]
        return (*results, *map(self._all_steps, self.ys))

    # --- before ---------------------------------------------------------------------------------------------------

    def _early(self) -> set:
        """The ops to compute before the loop."""
        free, liftable = set(self.outside), []
        varying = {v for v, (_, stacked) in self.outside.items() if stacked}
        for op in self.body.ops:
            if all(v in free for v in op.inputs) and can_lift(self.loop, op, [v in varying for v in op.inputs]):
                liftable.append(op)
                free.update(op.outputs)
                if any(v in varying for v in op.inputs):
                    varying.update(op.outputs)
        chosen, results = set(), set()
        for op in liftable:
            constant = op.inputs and not any(v in varying for v in op.inputs) and op.prim.kind != "move"
            heavy = op.prim.kind in _HEAVY and op.outputs[0] in varying
            follows = op.prim.kind == "elementwise" and any(v in results for v in op.inputs)
            if constant or heavy or follows:
                self._with_sources(op, chosen)
                results.update(op.outputs if heavy or follows else ())
        return chosen

    def _with_sources(self, op: Op, chosen: set):
        if op not in chosen:
            chosen.add(op)
            for v in op.inputs:
                if v in self.maker:
                    self._with_sources(self.maker[v], chosen)

    def _lift(self, op: Op):
        operands = [self.outside[v] for v in op.inputs]
        stacked = any(s for _, s in operands)
        self.outside[op.outputs[0]] = (lift(self.loop, op, operands), stacked)

    # --- after ----------------------------------------------------------------------------------------------------

    def _core(self, ops, wanted) -> set:
        """The ops that some values need."""
        needed, core = set(wanted), set()
        for op in reversed(ops):
            if any(o in needed for o in op.outputs):
                core.add(op)
                needed.update(op.inputs)
        return core

    def _late(self, ops) -> list:
        """The ops to compute after the loop, of those that no carry needs: products with constants, and elementwise
        ops on these."""
        late, made = [], set()
        for op in ops:
            fixed = [v in self.outside and not self.outside[v][1] for v in op.inputs]
            product = op.prim.name in ("contract", "conv", "conv_data_grad") and any(fixed)
            follows = op.prim.kind in ("elementwise", "move") and any(v in made for v in op.inputs)
            if (product or follows) and can_lift(self.loop, op, [not f for f in fixed]):
                late.append(op)
                made.update(op.outputs)
        return [op for op in late if self._only_late(op, ops, set(late))]

    def _only_late(self, op, ops, late) -> bool:
        return all(other in late for other in ops if any(_among(o, other.inputs) for o in op.outputs))

    def _sums(self, ops) -> dict:
        """Carry index -> a function that gives, after the loop, what the steps add up to: for carries that are only
        added to."""
        readers: dict = {}
        for op in ops:
            for v in op.inputs:
                readers.setdefault(v, []).append(op)
        found, stacked = {}, set(self.ys)
        for i, (before, after) in enumerate(zip(self.carry, self.new_carry)):
            op = self.maker.get(after)
            if op is None or op.prim.name != "add" or not _among(before, op.inputs) or op.inputs[0] is op.inputs[1]:
                continue
            if readers[before] != [op] or after in readers or after in stacked or before in stacked:
                continue
            term = op.inputs[1] if op.inputs[0] is before else op.inputs[0]
            saved = list(self.stacked)
            found[i] = self._sum(term)
            if found[i] is None:
                self.stacked = saved
                del found[i]
        return found

    def _sum(self, v: Value):
        """A function that gives the sum of v over the steps, or None where it is better made in the loop."""
        op = self.maker.get(v)
        if v in self.outside:
            return (lambda: self._total(v)) if self.outside[v][1] else None
        if op is None:
            return None
        if op.prim.name == "contract":
            for x in op.inputs:
                self._stack(x)
            return lambda: self._summed_product(op)
        if op.prim.name == "conv_weight_grad" and self.loop.axis < 2:
            for x in op.inputs:
                self._stack(x)
            stacks = lambda: [together(self._all_steps(x)) for x in op.inputs]
            return lambda: apply(op.prim.name, *stacks(), **op.params)
        if op.prim.name == "sum":
            self._stack(op.inputs[0])
            return lambda: self._summed_sum(op)
        if op.prim.name in _LINEAR or op.prim.name == "pad" and op.params["value"] == 0:
            parts = [self._sum(x) for x in op.inputs]
            return None if None in parts else lambda: apply(op.prim.name, *(part() for part in parts), **op.params)
        return None

    def _total(self, v: Value):
        return apply("sum", self.outside[v][0], axes=(self.loop.axis_of(v.ndim),))

    def _summed_sum(self, op: Op):
        (x,) = op.inputs
        stack, stacked = self.outside[x]
        axis = self.loop.axis_of(x.ndim)
        axes = tuple(sorted([axis, *(a + (a >= axis) for a in op.params["axes"])]))
        assert stacked, "a sum of constants is computed before the loop"
        return apply("sum", stack, axes=axes)

    def _summed_product(self, op: Op):
        (a, a_stacked), (b, b_stacked) = (self.outside[v] for v in op.inputs)
        labels = [op.params["a_axes"], op.params["b_axes"]]
        if not (a_stacked and b_stacked):
            operands = [self._total(v) if self.outside[v][1] else self.outside[v][0] for v in op.inputs]
            return apply("contract", *operands, **op.params)
        step = 1 + max(*labels[0], *labels[1])
        for k, v in enumerate(op.inputs):
            axis = self.loop.axis_of(v.ndim)
            labels[k] = (*labels[k][:axis], step, *labels[k][axis:])
        return apply("contract", a, b, **{**op.params, "a_axes": labels[0], "b_axes": labels[1]})

    def _stack(self, v: Value):
        if v not in self.outside and not _among(v, self.stacked):
            self.stacked.append(v)

    def _all_steps(self, v: Value):
        """The stack of a y."""
        x, stacked = self.outside[v]
        if stacked:
            return x
        type = self.loop.stacked(v.type)
        axis = self.loop.axis_of(v.ndim)
        return apply("broadcast", x, shape=type.shape, axes=tuple(i for i in range(type.ndim) if i != axis))

    # --- the loop that is left ------------------------------------------------------------------------------------

    def _loop(self, ops, kept) -> dict:
        """Bind the loop; note its ys in ``outside``. Returns carry index -> its last value."""
        outputs = [*(self.new_carry[i] for i in kept), *self.stacked]
        if not outputs:
            return {}
        body = dce(Program(self.body.name, self.body.inputs, tuple(ops), tuple(outputs)))
        read = {v for op in body.ops for v in op.inputs} | set(outputs)
        consts = {v: x for v, (x, stacked) in self.outside.items() if v in read and not stacked}
        xs = {v: x for v, (x, stacked) in self.outside.items() if v in read and stacked}
        carry = [self.carry[i] for i in kept]
        body = lower_windows(Program(body.name, (*consts, *carry, *xs), body.ops, body.outputs))
        body, consts = _columns_last(*_without_invariants(body, consts))
        body = Program(body.name, (*consts, *carry, *xs), body.ops, body.outputs)
        results = bind(self.op.prim, *consts.values(), *(self.first[i] for i in kept), *xs.values(),
                       **{**self.loop.params, "body": body, "n_consts": len(consts), "n_carry": len(kept)})
        for v, y in zip(self.stacked, results[len(kept):]):
            self.outside.setdefault(v, (y, True))
        return dict(zip(kept, results))


def _among(v: Value, values) -> bool:
    """Whether it is one of them: inside a trace, == of values is an op of its own."""
    return any(x is v for x in values)


def _tidy(body: Program) -> Program:
    """The body after the cheap passes; loops inside it too."""
    for run in (expand, simplify, cse, dce, simplify, cse, dce, hoist):
        body = run(body)
    return body


def _without_invariants(body: Program, consts: dict) -> tuple[Program, dict]:
    """The body without what it makes of constants alone, which become constants (broadcasts cost nothing inside)."""
    consts, ops = dict(consts), []
    for op in body.ops:
        fixed = op.inputs and all(v in consts for v in op.inputs) and len(op.outputs) == 1
        if fixed and op.prim.name != "broadcast" and op.prim.kind not in ("loop", "random"):
            consts[op.outputs[0]] = apply(op.prim.name, *(consts[v] for v in op.inputs), **op.params)
        else:
            ops.append(op)
    read = {v for op in ops for v in op.inputs} | set(body.outputs)
    return body.with_ops(ops), {v: x for v, x in consts.items() if v in read}


def _columns_last(body: Program, consts: dict) -> tuple[Program, dict]:
    """Constants of products laid out, once before the loop, as products read them best: columns of the result last."""
    new, inputs, ops = dict(consts), {}, []
    for op in body.ops:
        if op.prim.name == "contract":
            op = _with_columns_last(op, consts, new, inputs)
        ops.append(op)
    return body.with_ops(ops), new


def _with_columns_last(op: Op, consts, new, inputs) -> Op:
    operands, labels = list(op.inputs), [op.params["a_axes"], op.params["b_axes"]]
    for k, v in enumerate(op.inputs):
        if v not in consts or not labels[k] or labels[k][-1] in op.params["out_axes"]:
            continue
        perm = tuple(sorted(range(v.ndim), key=lambda i: labels[k][i] in op.params["out_axes"]))
        if (v, perm) not in inputs:
            moved = apply("transpose", consts[v], perm=perm)
            inputs[v, perm] = Value(moved.type)
            new[inputs[v, perm]] = moved
        operands[k], labels[k] = inputs[v, perm], tuple(labels[k][p] for p in perm)
    params = {**op.params, "a_axes": labels[0], "b_axes": labels[1]}
    return Op(op.prim, tuple(operands), params, op.outputs, op.scope)
