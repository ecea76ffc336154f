"""Loops: one kernel for all steps. Its source is the same for every loop: it walks a table of the body's own kernels.

The body is compiled like any program. Where its rows are independent (batch_rows) threads share the batch rows: each
runs all steps of its rows, as a batch of its own, without waiting for anybody. Carries lie in the loop's results and
are updated in place; xs and ys are the slices of step t of their stacks, whose addresses move on from step to step;
what else the body needs lies in the thread's scratch memory.

Its argument block is made of records (loopnest.records): LOOP, then kernels, words and movers.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from kgraph.compiler import dims
from kgraph.compiler.batch_rows import split_rows
from kgraph.compiler.dims import Dim, Size
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.affine import NotAffine, affine
from kgraph.compiler.loopnest.builder import Builder, equal
from kgraph.compiler.loopnest.index import row_major
from kgraph.compiler.loopnest.nodes import Expression, LoopNest, Number
from kgraph.compiler.loopnest.records import LOOP, LOOP_KERNEL, LOOP_MOVER, LOOP_WORD, Words
from kgraph.compiler.plan import Address, Code, Kernel, Plan
from kgraph.compiler.prims.loop import Loop
from kgraph.compiler.prims.move import broadcast_p

__all__ = ["emit_scan", "emit_while"]

GRAIN = 4        # shares of rows begin at multiples of it
FOREVER = 2**62

_WORD = Number(8, "int64")  # bytes


@functools.cache
def _walker() -> LoopNest:
    return _Walker().nest()


class _Walker:
    """Writes the kernel of all loops: fill in the words of the body's kernels, then step by step call those."""

    def __init__(self):
        self.b = b = Builder()
        self.args, self.lo, hi, self.scratch = b.given
        self.head = b.record("head", LOOP, self.args, 0)
        self.rows = b.let("rows", hi - self.lo)
        self.block = b.buffer("block", "int64", self.scratch, 1)

    def nest(self) -> LoopNest:
        b, head, scratch = self.b, self.head, self.scratch
        words = b.let("words", self.args + _WORD * (LOOP.words + LOOP_KERNEL.words * head.kernels))
        movers = b.let("movers", words + _WORD * LOOP_WORD.words * head.words)
        with b.loop("i", 0, head.words) as i:
            w = b.record("w", LOOP_WORD, words + _WORD * LOOP_WORD.words * i, 0)
            value = b.let("value", self._affine(w))
            b.store(self.block[i], value + w.row * self.lo + w.step * head.first + w.in_scratch * scratch)
        inner = b.let("inner", scratch + head.inner)
        with b.loop("step", -1, head.steps) as step:
            first, last = b.lets(first=head.before, last=head.kernels)
            with b.when(step < 0):
                b.lets(first=0, last=head.before)
            with b.loop("c", first, last) as c:
                self._call(c, inner)
            with b.when(step >= 0), b.loop("i", 0, head.movers) as i:
                m = b.record("m", LOOP_MOVER, movers + _WORD * LOOP_MOVER.words * i, 0)
                b.accumulate(self.block[m.place], head.sign * m.step)
        return b.nest("loop")

    def _affine(self, record: Words) -> Expression:
        """A number for this share of the rows, of the five words that `affine` gives."""
        return record.c0 + record.c1 * ((record.a * self.rows + record.b) // record.d)

    def _call(self, c, inner):
        """Call kernel c; a test that does not hold ends the loop."""
        b, head, scratch = self.b, self.head, self.scratch
        k = b.record("k", LOOP_KERNEL, self.args + _WORD * (LOOP.words + LOOP_KERNEL.words * c), 0)
        extent = b.let("extent", self._affine(k))
        b.do("call_kernel", k.code, scratch + _WORD * k.block, 0, extent, inner)
        with b.when(equal(c, head.tested - 1)):
            answer = b.buffer("answer", "int8", scratch + head.answer, 2)
            with b.when(equal(answer[0], 0)):
                b.end()


@dataclass(frozen=True)
class Part:
    """A compiled part of the body; places: (kind, index) of a buffer -> (outer Value, bytes from row to row, bytes from
    step to step), or (None, 0, place) for one in scratch."""

    plan: Plan
    places: dict


class _Table:
    """Collects the words of a loop's argument block. rows: the Dim for the rows of a share, or None."""

    def __init__(self, rows: Dim | None, batch: Size):
        self.rows, self.batch = rows, batch
        self.kernels: list = []
        self.words: list = []
        self.movers: list = []
        self.slot_bytes: Size = 0
        self.inner: Size = 0

    def add(self, part: Part):
        """The kernels of a part. Its slots come after those of the parts before it."""
        base = []
        for size in part.plan.slots:
            base.append(self.slot_bytes)
            self.slot_bytes = self.slot_bytes + dims.in_lines(self._whole(size))
        for kernel in part.plan.kernels:
            self.kernels += [Code(kernel), len(self.words) // LOOP_WORD.words, *affine(kernel.extent, self.rows)]
            for argument in kernel.args:
                self._add_word(part, argument, base)
            self.inner = dims.maximum(self.inner, self._whole(kernel.scratch))

    def _add_word(self, part, argument, base):
        if isinstance(argument, Value):
            argument = Address(argument)
        if isinstance(argument, Address):
            self.words += self._address(part, argument, base)
        elif isinstance(argument, (int, Dim)):
            self.words += [*affine(argument, self.rows), 0, 0, 0]
        else:
            self.words += [argument, 0, 1, 0, 1, 0, 0, 0]

    def _address(self, part, address, base) -> list:
        buffer = part.plan.buffer(address.value)
        offset = buffer.offset + address.offset
        if buffer.kind == "slot":
            return [*affine(base[buffer.index] + offset, self.rows), 0, 0, 1]
        outer, row, step = part.places[buffer.kind, buffer.index]
        if outer is None:
            return [step, 0, 1, 0, 1, 0, 0, 1]
        if self.rows is not None and self.rows.names() & dims.names(offset):
            raise NotAffine(f"an offset of {offset}")
        if not _is_zero(step):
            self.movers += [len(self.words) // LOOP_WORD.words, step]
        return [Address(outer, offset), 0, 1, 0, 1, row if self.rows is not None else 0, step, 0]

    @property
    def count(self) -> int:
        """How many kernels there are."""
        return len(self.kernels) // LOOP_KERNEL.words

    def _whole(self, size: Size) -> Size:
        """A size for all rows together."""
        return size if self.rows is None else dims.substitute(size, {str(self.rows): self.batch})

    def kernel(self, op: Op, steps: Size, first: Size, sign: int, before: int, answer: tuple = (0, 0)) -> Kernel:
        """The loop's kernel. answer: (kernels up to the test, place of its answer among the slots)."""
        blocks = 8 * (len(self.words) // LOOP_WORD.words)
        start = dims.in_lines(blocks)
        for w in range(0, len(self.words), LOOP_WORD.words):
            if self.words[w + LOOP_WORD.place("in_scratch")] == 1:
                self.words[w] = self.words[w] + start
        inner = start + self.slot_bytes
        header = LOOP.filled(steps=steps, first=first, sign=sign, before=before, tested=answer[0],
                             kernels=self.count, words=len(self.words) // LOOP_WORD.words,
                             movers=len(self.movers) // LOOP_MOVER.words, answer=start + answer[1], inner=inner)
        children = [k.kernel for k in self.kernels[::LOOP_KERNEL.words]]
        count = 1 if steps is FOREVER else steps
        each = lambda name: self._whole(sum((getattr(k, name) for k in children), start=0)) * count
        moved = sum((v.type.nbytes for v in (*op.inputs, *op.outputs)), start=0)
        args = (*header, *self.kernels, *self.words, *self.movers)
        return Kernel(_walker(), args,
                      self.batch if self.rows is not None else 1, GRAIN if self.rows is not None else 1,
                      work=each("work"), flops=each("flops"), bytes=moved, scratch=inner + self.inner, op=op,
                      scopes=tuple(s for s in op.scope.split(",") if s))


def _is_zero(size) -> bool:
    return isinstance(size, int) and size == 0


def emit_scan(op: Op, compile_body: Callable) -> Kernel:
    """The kernel of a scan. compile_body(program, states, strides) -> Plan."""
    loop = Loop.of(op)
    rows = split_rows(loop)
    if rows is not None:
        try:
            return _emit_scan(op, loop, rows.body, rows.size, rows.batch, rows.own, compile_body)
        except NotAffine:
            pass  # a body whose kernels cannot be told how many rows there are runs on one thread
    return _emit_scan(op, loop, loop.body, None, 1, set(), compile_body)


def _emit_scan(op, loop: Loop, body: Program, rows, batch, own, compile_body) -> Kernel:
    consts, carry, xs = loop.split(body.inputs)
    new_carry, ys = loop.split_outputs(body.outputs)
    outer_consts, outer_carry, outer_xs = loop.split(op.inputs)
    last_carry, outer_ys = loop.split_outputs(op.outputs)
    updates = tuple((a, b) for a, b in zip(carry, new_carry) if a is not b)
    program, ys = _separated(Program(body.name, body.inputs, body.ops, ys, updates))
    strides = {v: s for v in (*xs, *ys) if (s := _step_strides(loop, v)) is not None}
    plan = compile_body(program, carry, strides)
    row = lambda v: v.type.nbytes // v.shape[0] if v in own else 0
    places = {("input", i): (w, row(v), 0) for i, (v, w) in enumerate(zip(consts, outer_consts))}
    moves = lambda v: _moves(loop, v, v in own, {str(rows): batch})
    places |= {("input", len(consts) + i): (w, *moves(v)) for i, (v, w) in enumerate(zip(xs, outer_xs))}
    places |= {("output", i): (w, *moves(v)) for i, (v, w) in enumerate(zip(ys.values(), outer_ys))}
    places |= {("state", i): (w, row(v), 0) for i, (v, w) in enumerate(zip(carry, last_carry))}
    table = _Table(rows, batch)
    table.add(_copies(carry, outer_carry, last_carry, row, compile_body))
    before = table.count
    table.add(Part(plan, places))
    first, sign = (loop.length - 1, -1) if loop.reverse else (0, 1)
    return table.kernel(op, loop.length, first, sign, before)


def _step_strides(loop: Loop, v: Value) -> tuple | None:
    """Strides of one step of a stack; None where it is contiguous."""
    axis = loop.axis_of(v.ndim)
    strides = row_major(loop.stacked(v.type).shape)
    return strides[:axis] + strides[axis + 1:] if axis else None


def _moves(loop: Loop, v: Value, own: bool, whole: dict) -> tuple:
    """Bytes from row to row (of a value with batch rows) and from step to step in a stack."""
    axis = loop.axis_of(v.ndim)
    strides = row_major(dims.substitute(loop.stacked(v.type).shape, whole))
    return strides[0 if axis else 1] * v.type.itemsize if own else 0, strides[axis] * v.type.itemsize


def _separated(program: Program) -> tuple[Program, dict]:
    """The program with a value of its own, which no other result is, for each output and update. Also: new output ->
    the one it stands for."""
    taken, ops = set(program.inputs), list(program.ops)

    def own(v):
        if v in taken:
            copy = Value(v.type)
            ops.append(Op(broadcast_p, (v,), {"shape": v.shape, "axes": tuple(range(v.ndim))}, (copy,)))
            v = copy
        taken.add(v)
        return v

    updates = tuple((state, own(v)) for state, v in program.updates)
    outputs = {own(v): v for v in program.outputs}
    return Program(program.name, program.inputs, tuple(ops), tuple(outputs), updates), outputs


def _copies(carry, sources, targets, row, compile_body) -> Part:
    """The carry's first values go where the carry lies."""
    program, _ = _separated(Program("start", tuple(carry), (), tuple(carry)))
    places = {("input", i): (v, row(c), 0) for i, (c, v) in enumerate(zip(carry, sources))}
    places |= {("output", i): (v, row(c), 0) for i, (c, v) in enumerate(zip(carry, targets))}
    return Part(compile_body(program, (), {}), places)


def emit_while(op: Op, compile_body: Callable) -> Kernel:
    """The kernel of a while loop: the kernels of the test, whose answer ends it, then those of the body."""
    test, body, n, most = (op.params[k] for k in ("test", "body", "n_consts", "most"))
    carry = body.inputs[n:]
    zero = lambda v: 0
    consts = {("input", i): (w, 0, 0) for i, w in enumerate(op.inputs[:n])}
    table = _Table(None, 1)
    table.add(_copies(carry, op.inputs[n:], op.outputs, zero, compile_body))
    before = table.count
    program, _ = _separated(Program(test.name, test.inputs, test.ops, test.outputs))
    plan = compile_body(program, (), {})
    place = table.slot_bytes
    table.slot_bytes = table.slot_bytes + dims.LINE
    table.add(Part(plan, {**consts, **{("input", n + i): (w, 0, 0) for i, w in enumerate(op.outputs)},
                          ("output", 0): (None, 0, place)}))
    tested = table.count
    updates = tuple((a, b) for a, b in zip(carry, body.outputs) if a is not b)
    program, _ = _separated(Program(body.name, body.inputs, body.ops, (), updates))
    states = {("state", i): (w, 0, 0) for i, w in enumerate(op.outputs)}
    table.add(Part(compile_body(program, carry, {}), {**consts, **states}))
    return table.kernel(op, FOREVER if most is None else most, 0, 1, before, (tested, place))
