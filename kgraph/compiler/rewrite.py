"""Rewriting a program by tracing it again: a rule sees an op with its new inputs and may answer with other values."""
from __future__ import annotations

from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.trace import Trace, at_scope, current_scope, suspend_recording

__all__ = ["Rewriter", "rewrite"]


class Rewriter(Trace):
    """A Trace that starts from a program's own inputs, knows the producer of each value, and applies rules to each op
    that is recorded: those of the program, and those that rules bring in. So every rule must make something simpler."""

    def __init__(self, program: Program, rules: dict):
        super().__init__(program.name)
        self.inputs = list(program.inputs)
        self._known = set(program.inputs)
        self.producer: dict[Value, Op] = {}
        self.rules = rules

    def record(self, prim, args, params):
        inferred = prim.infer(*[a.type for a in args], **params)
        many = isinstance(inferred, tuple)
        outputs = tuple(map(Value, inferred if many else (inferred,)))
        results = self.add(Op(prim, tuple(args), params, outputs, current_scope()))
        return results if many else results[0]

    def add(self, op: Op) -> tuple:
        """The values that stand for an op's outputs: a rule's answer, else its own, and the op is there."""
        rules = self.rules.get(op.prim.name)
        if rules:
            with at_scope(op.scope):
                for rule in rules:
                    answer = rule(self, op, op.inputs)
                    if answer is not None:
                        return _checked(rule, op, answer)
        self.ops.append(op)
        self._known.update(op.outputs)
        self.producer.update(dict.fromkeys(op.outputs, op))
        return op.outputs

    def made_by(self, value: Value, *names: str) -> Op | None:
        """The op that makes the value, if it is one of those primitives."""
        op = self.producer.get(value)
        return op if op is not None and op.prim.name in names else None

    def constant(self, value: Value):
        """The number that every element of the value is known to be, or None."""
        while (op := self.made_by(value, "broadcast", "reshape")) is not None:
            value = op.inputs[0]
        op = self.made_by(value, "full")
        return op.params["value"] if op is not None else None


def _checked(rule, op, answer) -> tuple:
    values = answer if isinstance(answer, tuple) else (answer,)
    for old, value in zip(op.outputs, values, strict=True):
        if old.type != value.type:
            raise TypeError(f"{rule.__name__} on {op.prim.name}: expected {old.type}, received {value.type}")
    return values


def rewrite(program: Program, rules: dict) -> Program:
    """Rebuild the program; ``rules`` maps a primitive's name to rules (rewriter, op, inputs) -> value(s) or None."""
    with suspend_recording():
        trace = Rewriter(program, rules)
        new: dict[Value, Value] = {v: v for v in program.inputs}
        with trace:
            for op in program.ops:
                new.update(zip(op.outputs, trace.add(op.reading([new[v] for v in op.inputs])), strict=True))
    return Program(program.name, program.inputs, tuple(trace.ops), tuple(new[v] for v in program.outputs),
                   tuple((s, new[v]) for s, v in program.updates))
