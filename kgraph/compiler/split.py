"""split: a program for one of several processes that have some rows of the batch each, out of the program for all rows.

The batch is the name B in the program's sizes, which from then on means the rows of this process; B_all is that of all
processes, B_first that of those before this one. Each value gets a state (kgraph.compiler.split_rules): it has rows of
this process; it is a part of a sum over the batch; it is the same everywhere. Where something else is done with a part
than adding parts, a `collective` makes the sum of it. So gradients, losses and metrics are those of the whole batch,
whatever the program does with them. Collectives wait for each other as long as anything else can be computed: then
those that are due travel together. A step of training has one, with the flat gradient and the metrics.

Tables of which each process holds some rows stay so: see kgraph.compiler.split_tables.

Ops whose scope has EACH in it work by process: their sums over the batch are those of its own rows. What they leave
behind in a Variable becomes the mean over all rows, and whole numbers stay those of the process.
"""
from __future__ import annotations

import contextlib

from kgraph.compiler import dims
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.passes.simplify import expand
from kgraph.compiler.prims.collective import (
    collective_begin_p,
    collective_end_p,
    collective_p,
    link,
    send_rows_p,
    take_rows_p,
)
from kgraph.compiler.prims.loop import Loop
from kgraph.compiler.prims.rules import add, apply, div, is_float, mul, where
from kgraph.compiler.split_rules import OWN, PART, RULES, SAME, Crosses, Held, Rows, batch_axis, keeps_parts
from kgraph.compiler.split_tables import Tables
from kgraph.compiler.trace import Trace, name_scope, suspend_recording

__all__ = ["EACH", "Crosses", "each_process", "split"]

BATCH, ALL, FIRST = dim("B"), dim("B_all"), dim("B_first")
EACH = "each_process"
LARGE = 1 << 14  # elements of a gradient that may travel by itself, beside the rest of the backward pass


def each_process():
    """Inside, ops work by process, where there are several."""
    return contextlib.nullcontext() if link.world is None else name_scope(EACH)


def split(program: Program) -> Program:
    """See above. Raises Crosses, naming the op, where rows of different processes meet."""
    program = expand(program)
    states = {v: SAME if (axis := batch_axis(v.shape, BATCH)) is None else Rows(axis) for v in program.inputs}
    with suspend_recording():
        splitter = _Splitter(program, states)
        splitter.run(program.ops)
        outputs = [splitter.finished(v) for v in program.outputs]
        updates = tuple((state, splitter.finished(v)) for state, v in program.updates)
    for (state, v) in updates:
        if isinstance(splitter.states[v], Rows):
            raise Crosses(f"variable {state.name} keeps rows of the batch")
    return Program(program.name, program.inputs, _together(splitter.ops), tuple(outputs), updates)


class _Splitter(Trace):
    """Fills in the states of values as ops are added. inside: of a loop, where no value can travel."""

    batch = BATCH

    def __init__(self, program: Program, states: dict, inside=False):
        super().__init__(program.name)
        self.inputs, self._known = list(program.inputs), set(program.inputs)
        self.states, self.inside = dict(states), inside
        self.now: dict = {}       # value -> what stands for it from now on: of a part, its sum; of a table, own rows
        self.maker: dict = {}     # value -> the op that gives it
        self._zeros: set = set()  # values known to be 0 everywhere
        self.tables = Tables(self, program)

    def run(self, ops):
        for op in ops:
            try:
                self._step(op)
            except Crosses as error:
                raise error if error.args else Crosses(f"{op.prim.name} ({op.scope or 'no scope'})") from None

    def _step(self, op: Op):
        each = EACH in op.scope.split("/")
        op = op.reading([self.now.get(v, v) for v in op.inputs])
        if self.tables.step(op):
            return
        op = op.reading([self.tables.whole(v) for v in op.inputs])
        states = [self.states[v] for v in op.inputs]
        if PART in states:
            apart = link.overlap and op.prim.name == "concatenate" and any(map(_is_large, op.inputs))
            scaled = each and op.prim.name == "multiply" and states.count(PART) == 1
            if scaled and not any(isinstance(s, Rows) for s in states) or keeps_parts(op, states, BATCH) and not apart:
                self._add(op, PART)
                return
            if not each:
                op = op.reading([self.sum(v) for v in op.inputs])
            states = [OWN if (s := self.states[v]) == PART else s for v in op.inputs]
        if op.prim.name in _SPECIAL:
            _SPECIAL[op.prim.name](self, op, states)
        elif not any(isinstance(s, Rows) for s in states) and all(
                batch_axis(v.shape, BATCH) is None for v in op.outputs):
            self._add(op, OWN if OWN in states else SAME)
        else:
            rule = RULES.get(op.prim.name) or RULES.get(op.prim.kind)
            if rule is None:
                raise Crosses
            self._add(op, rule(self, op, states))

    def _add(self, op: Op, state):
        """The op, whose outputs all have that state; None: it was added before."""
        if state is None:
            return
        self.ops.append(op)
        self._known.update(op.outputs)
        self.maker.update(dict.fromkeys(op.outputs, op))
        self.states.update(dict.fromkeys(op.outputs, state))
        zero = op.prim.name == "full" and op.params["value"] == 0
        if zero or op.prim.name in ("broadcast", "reshape") and op.inputs[0] in self._zeros:
            self._zeros.update(op.outputs)

    def sum(self, value: Value) -> Value:
        """A part as the sum that it is a part of; other values as they are."""
        if self.states[value] != PART:
            return value
        if value not in self.now:
            self.now[value] = self._travelled(value, Value(value.type), "sum")
        return self.now[value]

    def _travelled(self, value, out, how, scope="") -> Value:
        if self.inside:
            raise Crosses
        self._add(Op(collective_p, (value,), {"how": (how,)}, (out,), scope), SAME)
        return out

    def joined(self, op: Op, how: str):
        """For rules: the op's result is that of this process, and they are joined."""
        if EACH in op.scope.split("/"):
            return OWN
        own = Value(op.outputs[0].type)
        self._add(Op(op.prim, op.inputs, op.params, (own,), op.scope), OWN)
        self._travelled(own, op.outputs[0], how, op.scope)
        return None

    def finished(self, value: Value) -> Value:
        """What is left when the program ends: sums, and means of what each process has of its own. Whole numbers of its
        own it keeps."""
        meant, value = value.type, self.sum(self.now.get(value, value))
        if isinstance(self.states[value], Held):
            return value if value.type == meant else self.tables.whole(value)
        if self.states[value] != OWN or not is_float(value):
            return value
        with self:
            rows, all_rows = (apply("size_value", size=size, dtype=value.dtype) for size in (BATCH, ALL))
            share = lambda v: apply("broadcast", v, shape=value.shape, axes=()) if value.shape else v
            some = apply("greater", rows, apply("full", shape=(), value=0, dtype=value.dtype))
            part = where(share(some), mul(value, share(div(rows, all_rows))), 0.0)
        self.states[part] = PART
        return self.sum(part)


# --- ops that become others -------------------------------------------------------------------------------------------

def _size_value(s, op, states):
    size = op.params["size"]
    if EACH in op.scope.split("/"):
        least = size
        if is_float(op.outputs[0]):  # the mean of no rows is 0, which adds nothing to those of others
            least = dims.substitute(size, {"B": dims.maximum(BATCH, 1)})
        s._add(Op(op.prim, (), {**op.params, "size": least}, op.outputs, op.scope), OWN)
    else:
        state = OWN if "B_first" in dims.names((size,)) else SAME
        s._add(Op(op.prim, (), {**op.params, "size": dims.substitute(size, {"B": ALL})}, op.outputs, op.scope), state)


def _iota(s, op, states):
    axis = batch_axis(op.outputs[0].shape, BATCH)
    if axis is None:
        s._add(op, SAME)
        return
    with s:
        own = apply("iota", **op.params)
        first = apply("size_value", size=dims.substitute(op.params["size"], {"B": FIRST}), dtype=own.dtype)
        total = add(own, apply("broadcast", first, shape=own.shape, axes=()))
    s.now[op.outputs[0]] = total
    s.states[total] = Rows(0)


def _random_bits(s, op, states):
    """The same numbers for a row, whichever process has it."""
    shape = op.params["shape"]
    axis = batch_axis(shape, BATCH)
    if axis is None:
        s._add(op, OWN if OWN in states else SAME)
        return
    whole = dims.substitute(shape, {"B": ALL})
    starts = tuple(dims.substitute(n, {"B": FIRST}) if i == axis else 0 for i, n in enumerate(shape))
    s._add(Op(op.prim, op.inputs, {"shape": shape, "whole": whole, "starts": starts}, op.outputs, op.scope), Rows(axis))


def _attention(s, op, states):
    """Row by row of the batch. What is dropped of a row is the same, whichever process has it."""
    if not any(isinstance(state, Rows) for state in states):
        s._add(op, OWN if OWN in states else SAME)
        return
    leads = {state.lead for state in states if isinstance(state, Rows)} - {None}
    dropped = op.params["rate"] > 0 and leads - {1}
    if dropped or len(leads) > 1 or any(isinstance(state, Rows) != (batch_axis(v.shape, BATCH) == 0)
                                        for v, state in zip(op.inputs, states)):
        raise Crosses
    first = dims.substitute(op.inputs[0].shape[0], {"B": FIRST})
    s._add(Op(op.prim, op.inputs, {**op.params, "first": first}, op.outputs, op.scope), Rows(0, *leads))


def _scan(s, op, states):
    """First taking for granted that carries which begin with zeros add up parts of sums, as those of gradients do."""
    loop = Loop.of(op)
    _, carry, _ = loop.split(op.inputs)
    parts = [v in s._zeros and is_float(v) and batch_axis(v.shape, BATCH) is None for v in carry]
    try:
        body, found = _body(s, op, loop, states, parts)
    except Crosses:
        if not any(parts):
            raise
        body, found = _body(s, op, loop, states, [False] * len(parts))
    s._add(Op(op.prim, op.inputs, {**op.params, "body": body}, op.outputs, op.scope), SAME)
    s.states.update(zip(op.outputs, found))


def _body(s, op, loop, states, parts) -> tuple:
    """The body for rows of this process, and the states of the loop's results."""
    consts, carry, xs = loop.split(states)
    carry = [PART if part else state for part, state in zip(parts, carry)]
    _, _, steps = loop.split(loop.body.inputs)
    xs = [_moved(x, -1, loop.axis_of(v.ndim)) for x, v in zip(xs, steps)]
    while True:
        inner = _Splitter(loop.body, dict(zip(loop.body.inputs, (*consts, *carry, *xs))), inside=True)
        with inner:
            inner.run(loop.body.ops)
        outputs = tuple(inner.now.get(v, v) for v in loop.body.outputs)
        last, ys = loop.split_outputs([inner.states[v] for v in outputs])
        last = [old if isinstance(old, Rows) and _same_place(old, new) else new for old, new in zip(carry, last)]
        if last == carry:
            break
        if any(not (old == PART and new == SAME or old == SAME and new == OWN) for old, new in zip(carry, last)
               if old != new):
            raise Crosses
        carry = last
    ys = [_moved(y, 1, loop.axis_of(v.ndim)) for y, v in zip(ys, loop.split_outputs(loop.body.outputs)[1])]
    body = Program(loop.body.name, loop.body.inputs, tuple(inner.ops), outputs, loop.body.updates)
    return body, [*carry, *ys]


def _same_place(a, b) -> bool:
    return isinstance(b, Rows) and a.axis == b.axis and (a.lead == b.lead or None in (a.lead, b.lead))


def _moved(state, by, steps):
    """Where the rows are without the axis of the steps, or with it."""
    if not isinstance(state, Rows):
        return state
    if by < 0 and state.axis == steps:
        raise Crosses
    return Rows(state.axis + by * (state.axis >= steps + (by < 0)), state.lead)


def _while(s, op, states):
    if any(isinstance(x, Rows) for x in states) or _mentions_batch(op):
        raise Crosses
    s._add(op, OWN if OWN in states else SAME)


def _mentions_batch(op: Op) -> bool:
    bodies = [p for p in op.params.values() if isinstance(p, Program)]
    named = "B" in dims.names([v.shape for v in op.outputs]) | dims.names(list(op.params.values()))
    return named or any(_mentions_batch(inner) for body in bodies for inner in body.ops)


_SPECIAL = {"size_value": _size_value, "iota": _iota, "random_bits": _random_bits, "scan": _scan, "while": _while,
            "attention": _attention, "attention_grad": _attention}


# --- collectives that travel together ---------------------------------------------------------------------------------

def _is_large(value) -> bool:
    return isinstance(value.size, int) and value.size >= LARGE


def _begun_early(ops) -> list:
    """The ops, where large sums begin as soon as what they are of is there, and end where they were."""
    begins, ends, order, place = {}, {}, [], {}
    for i, op in enumerate(ops):  # what a view shows was there before
        place.update(dict.fromkeys(op.outputs, place.get(op.inputs[0], i) if op.prim.view == "part" else i))
    large = [op for op in ops if link.overlap and op.prim is collective_p and _is_large(op.inputs[0])]
    for number, op in enumerate(sorted(large, key=lambda op: place[op.inputs[0]])):
        params, ticket = {**op.params, "number": number}, Value(TensorType((), "int32"))
        begins[op.inputs[0]] = Op(collective_begin_p, op.inputs, params, (ticket,), op.scope)
        ends[op] = Op(collective_end_p, (ticket, *op.inputs), params, op.outputs, op.scope)
    for op in ops:
        order.append(ends.get(op, op))
        order += [begins[v] for v in op.outputs if v in begins]
    return order


def _together(ops) -> tuple:
    """The ops, those that wait for other processes as late as can be, and those due at the same time as one."""
    order, rest = [], _begun_early(ops)
    while rest:
        due, waiting, late = [], [], set()
        for op in rest:
            if any(v in late for v in op.inputs):
                waiting.append(op)
            elif op.prim in (collective_end_p, *_JOINED):
                due.append(op)
            else:
                order.append(op)
                continue
            late.update(op.outputs)
        order += [op for op in due if op.prim is collective_end_p]
        for prim, params in _JOINED.items():
            same = [op for op in due if op.prim is prim]
            if same:
                order.append(_as_one(same, params))
        rest = waiting
    return tuple(order)


# What becomes one op, and its params, which have something for each of the values.
_JOINED = {take_rows_p: ("sizes",), send_rows_p: ("sizes", "rooms"), collective_p: ("how",)}


def _as_one(ops, params) -> Op:
    """One op for several: the first inputs of all, then the second ones."""
    columns = lambda values: tuple(x for column in zip(*values) for x in column)
    joined = {name: tuple(x for op in ops for x in op.params[name]) for name in params}
    if ops[0].prim is not collective_p:
        joined["scopes"] = tuple(op.scope for op in ops)
    return Op(ops[0].prim, columns([op.inputs for op in ops]), joined, columns([op.outputs for op in ops]),
              "collective")
