"""`scan`: the loop of programs. consts, carry and xs go in; the last carry and the stacked ys come out.

The body is a Program of (consts, carry, a step's xs) -> (carry, a step's ys). Its gradient is a scan the other way
round. What that reads of the forward steps, a wider forward scan gives as further ys; the pass `loop_cse` makes one
loop of the two, and a program without gradients never has them. `while` is the loop whose end depends on the data.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgraph.compiler.autodiff import backward
from kgraph.compiler.dims import Dim, Size
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.rules import add, apply, constant, is_float, require
from kgraph.compiler.trace import Trace, bind

__all__ = ["Loop", "scan_p", "while_p"]


@dataclass(frozen=True)
class Loop:
    """The params of a scan, and the parts of what goes in and comes out.

    body      Program: (*consts, *carry, *xs of a step) -> (*carry, *ys of a step)
    length    number of steps
    reverse   whether the steps run from the last to the first; ys lie where their xs lie
    n_consts, n_carry   numbers of values
    axis      the axis of xs and ys along which the steps lie (the last one of those with fewer axes)
    """

    body: Program
    length: Size
    reverse: bool
    n_consts: int
    n_carry: int
    axis: int

    @staticmethod
    def of(op: Op) -> Loop:
        return Loop(**op.params)

    @property
    def params(self) -> dict:
        return {name: getattr(self, name) for name in Loop.__dataclass_fields__}

    def split(self, inputs) -> tuple:
        """inputs as (consts, carry, xs)."""
        inputs, first = tuple(inputs), self.n_consts + self.n_carry
        return inputs[:self.n_consts], inputs[self.n_consts:first], inputs[first:]

    def split_outputs(self, outputs) -> tuple:
        """outputs as (carry, ys)."""
        return tuple(outputs[:self.n_carry]), tuple(outputs[self.n_carry:])

    def axis_of(self, step_rank: int) -> int:
        """Where the steps lie in the stack of values of that rank."""
        return min(self.axis, step_rank)

    def stacked(self, step: TensorType) -> TensorType:
        """The type of all steps of a value."""
        axis = self.axis_of(step.ndim)
        return TensorType((*step.shape[:axis], self.length, *step.shape[axis:]), step.dtype)


def _infer(*types, **params):
    loop = Loop(**params)
    body = loop.body
    require(len(types) == len(body.inputs),
            lambda: f"scan: expected {len(body.inputs)} inputs, received {len(types)}")
    consts, carry, xs = loop.split(v.type for v in body.inputs)
    new_carry, ys = loop.split_outputs([v.type for v in body.outputs])
    require(carry == new_carry,
            lambda: f"scan: expected the carry to keep its types {_texts(carry)}, received {_texts(new_carry)}")
    expected = (*consts, *carry, *map(loop.stacked, xs))
    require(all(map(_may_agree, types, expected)),
            lambda: f"scan: expected inputs {_texts(expected)}, received {_texts(types)}")
    return (*carry, *map(loop.stacked, ys))


def _may_agree(a: TensorType, b: TensorType) -> bool:
    """Whether types are equal but for symbolic sizes, which tracing may have taken as equal."""
    same = lambda m, n: m == n or isinstance(m, Dim) or isinstance(n, Dim)
    return a.dtype == b.dtype and a.ndim == b.ndim and all(map(same, a.shape, b.shape))


def _texts(types) -> str:
    return ", ".join(map(str, types))


def _reference(*arrays, **params):
    loop = Loop(**params)
    body = loop.body
    consts, carry, xs = loop.split(arrays)
    _, ys = loop.split_outputs(body.outputs)
    stacks = [np.zeros(loop.stacked(y.type).shape, y.dtype) for y in ys]
    for t in reversed(range(loop.length)) if loop.reverse else range(loop.length):
        steps = [x[_at(t, loop.axis_of(x.ndim - 1))] for x in xs]
        values = interpret(body, dict(zip(body.inputs, (*consts, *carry, *steps))))
        carry, results = loop.split_outputs([values[v] for v in body.outputs])
        for stack, y in zip(stacks, results):
            stack[_at(t, loop.axis_of(y.ndim))] = y
    return (*carry, *stacks)


def _at(t, axis) -> tuple:
    return (slice(None),) * axis + (t,)


# --- the gradient -----------------------------------------------------------------------------------------------------

def _vjp(ct, out, *inputs, **params):
    loop = Loop(**params)
    ct = ct if isinstance(ct, tuple) else (ct,)
    step = _BackwardStep(loop)
    saved = step.saved
    wide = Program(loop.body.name, loop.body.inputs, loop.body.ops, (*loop.body.outputs, *saved))
    stacks = bind(scan_p, *inputs, **{**loop.params, "body": wide})[len(loop.body.outputs):]
    ct_carry, ct_ys = loop.split_outputs([c if is_float(v) else None for c, v in zip(ct, loop.body.outputs)])
    outer = dict(zip(loop.body.inputs, inputs)) | dict(zip(saved, stacks))
    starts = [*(c for c in ct_carry if c is not None), *(constant(0, outer[v]) for v in step.summed)]
    given = [*(outer[v] for v in step.consts), *starts, *(outer[v] for v in step.xs)]
    given += [c for c in ct_ys if c is not None]
    results = bind(scan_p, *given, body=step.program, length=loop.length, reverse=not loop.reverse,
                   n_consts=len(step.consts), n_carry=len(starts), axis=loop.axis)
    found = dict(zip((*step.carry, *step.summed, *step.mapped), results))
    return tuple(found.get(v) for v in loop.body.inputs)


class _BackwardStep:
    """The body of the reverse scan, and what its inputs and outputs belong to in the forward body.

    consts, xs    forward values whose constants, or stacks, it reads (in that order)
    saved         those among xs that the forward scan has to give as ys
    carry         forward carry inputs whose cotangents are its carry; summed: consts, mapped: xs with cotangents
    """

    def __init__(self, loop: Loop):
        self.loop, body = loop, loop.body
        self.maker = {o: op for op in body.ops for o in op.outputs}
        forward_consts, forward_carry, forward_xs = loop.split(body.inputs)
        targets = [v for v in body.outputs if is_float(v)]
        self.carry = [v for v in forward_carry if is_float(v)]
        with Trace(f"{body.name}_backward") as trace:
            cts = [trace.add_input(v.type) for v in targets]
            found = dict(zip(body.inputs, backward(body.ops, targets, cts, body.inputs)))
            self.summed = [v for v in forward_consts if found[v] is not None]
            self.mapped = [v for v in forward_xs if found[v] is not None]
            sums = [trace.add_input(v.type) for v in self.summed]
            results = [constant(0, v) if found[v] is None else found[v] for v in self.carry]
            results += [add(s, found[v]) for s, v in zip(sums, self.summed)]
            results = trace.finish(results + [found[v] for v in self.mapped]).outputs
        ops, reads = self._reads(trace.captured)
        fixed, sliced = set(forward_consts), set(forward_xs)  # sets: == of traced values is an op of its own
        self.consts = [v for v in reads if v in fixed]
        self.xs = [v for v in reads if v not in fixed]
        self.saved = [v for v in self.xs if v not in sliced]
        n_carry = len(self.carry)
        order = [*(reads[v] for v in self.consts), *cts[:n_carry], *sums, *(reads[v] for v in self.xs), *cts[n_carry:]]
        self.program = Program(trace.name, tuple(order), (*ops, *trace.ops), tuple(results))

    def _reads(self, captured) -> tuple[list, dict]:
        """Ops that compute again what is cheap to compute, and forward value -> its input in the backward body."""
        ops, reads = [], {v: inner for inner, v in captured}
        free = self._free()
        made: set = set()

        def provide(v):
            op = self.maker.get(v)
            if v in made or op is None or not (op.prim.name in _AGAIN or v in free):
                return
            made.add(v)
            for x in op.inputs:
                reads.setdefault(x, Value(x.type, x.name))
                provide(x)
            ops.append(Op(op.prim, tuple(reads[x] for x in op.inputs), op.params, (reads[v],), op.scope))

        for _, v in captured:
            provide(v)
        return ops, {v: inner for v, inner in reads.items() if v not in made}

    def _free(self) -> set:
        """Values that depend on no carry, and come from consts and xs by elementwise ops and moves alone."""
        consts, _, xs = self.loop.split(self.loop.body.inputs)
        free = {*consts, *xs}
        for op in self.loop.body.ops:
            if op.prim.kind in ("elementwise", "move") and all(v in free for v in op.inputs):
                free.update(op.outputs)
        return free


_AGAIN = ("broadcast", "reshape", "full", "iota", "size_value")  # smaller to read again than to keep


# --- examples ---------------------------------------------------------------------------------------------------------

def traced_body(name: str, f, types) -> Program:
    """The Program of f over Values of these types; f gives a tuple."""
    with Trace(name) as trace:
        inputs = [trace.add_input(t) for t in types]
        return trace.finish(f(*inputs))


def _scan_examples(rng):
    def step(w, h, x):
        h = apply("tanh", add(apply("contract", h, w, a_axes=(0, 1), b_axes=(1, 2), out_axes=(0, 2)), x))
        return h, apply("multiply", h, x)

    def counting(n, total, x):
        total = add(total, apply("exp", x))
        return add(n, constant(1, n)), total, total

    def case(f, arrays, n_consts, n_carry, length, **more):
        params = {"length": length, "reverse": False, "n_consts": n_consts, "n_carry": n_carry, "axis": 0, **more}
        types = [TensorType(a.shape, a.dtype.name) for a in arrays]
        rank = n_consts + n_carry
        steps = [TensorType(_without(t.shape, min(params["axis"], t.ndim - 1)), t.dtype) for t in types[rank:]]
        return arrays, {"body": traced_body("step", f, types[:rank] + steps), **params}

    normal = lambda *shape: rng.normal(size=shape) * 0.5
    return [case(step, [normal(4, 4), normal(3, 4), normal(5, 3, 4)], 1, 1, 5),
            case(step, [normal(4, 4), normal(3, 4), normal(3, 5, 4)], 1, 1, 5, axis=1, reverse=True),
            case(counting, [np.asarray(0, "int32"), normal(2), normal(3, 2)], 0, 2, 3),
            case(counting, [np.asarray(0, "int32"), normal(2), normal(0, 2)], 0, 2, 0)]


def _without(shape, axis):
    return shape[:axis] + shape[axis + 1:]


scan_p = Primitive("scan", "loop", _infer, _reference, _vjp, "scan", _scan_examples)


# --- while ------------------------------------------------------------------------------------------------------------

# while: test and body are Programs of (consts, carry); as long as test gives True, body gives the next carry; at most
# ``most`` times, if that is not None.
def _while_infer(*types, test, body, n_consts, most):
    carry, new = tuple(v.type for v in body.inputs[n_consts:]), tuple(v.type for v in body.outputs)
    require(carry == new,
            lambda: f"while: expected the carry to keep its types {_texts(carry)}, received {_texts(new)}")
    require(types == tuple(v.type for v in body.inputs) == tuple(v.type for v in test.inputs),
            lambda: f"while: expected inputs {_texts(v.type for v in body.inputs)}, received {_texts(types)}")
    answer = [v.type for v in test.outputs]
    require(answer == [TensorType((), "bool")],
            lambda: f"while: expected a bool scalar as test, received {_texts(answer)}")
    return carry


def _while_reference(*arrays, test, body, n_consts, most):
    consts, carry = arrays[:n_consts], arrays[n_consts:]
    count = 0
    going_on = lambda: interpret(test, dict(zip(test.inputs, (*consts, *carry))))[test.outputs[0]]
    while (most is None or count < most) and going_on():
        values = interpret(body, dict(zip(body.inputs, (*consts, *carry))))
        carry = tuple(values[v] for v in body.outputs)
        count += 1
    return tuple(carry)


def _while_examples(rng):
    x = np.asarray(1.5, "float32")
    scalar = TensorType((), "float32")
    test = traced_body("test", lambda limit, x: (apply("less", x, limit),), (scalar, scalar))
    body = traced_body("body", lambda limit, x: (add(x, x),), (scalar, scalar))
    return [([np.asarray(20, "float32"), x], {"test": test, "body": body, "n_consts": 1, "most": most})
            for most in (None, 2)]


while_p = Primitive("while", "loop", _while_infer, _while_reference, NOT_DIFFERENTIABLE, "while", _while_examples)
