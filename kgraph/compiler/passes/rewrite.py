"""Rewriting a program by tracing it again: a rule sees an op with its new inputs and may answer with other values."""
from __future__ import annotations

from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.trace import Trace, at_scope, suspend_recording

__all__ = ["Rewriter", "rewrite"]


class Rewriter(Trace):
    """A Trace that starts from a program's own inputs and knows the producer of each value."""

    def __init__(self, program: Program):
        super().__init__(program.name)
        self.inputs = list(program.inputs)
        self._known = set(program.inputs)
        self.producer: dict[Value, Op] = {}

    def record(self, prim, args, params):
        outputs = super().record(prim, args, params)
        for o in self.ops[-1].outputs:
            self.producer[o] = self.ops[-1]
        return outputs

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


def rewrite(program: Program, rules: dict) -> Program:
    """Rebuild the program; ``rules`` maps a primitive's name to rules (rewriter, op, inputs) -> value(s) or None."""
    with suspend_recording():
        trace = Rewriter(program)
        new: dict[Value, Value] = {v: v for v in program.inputs}
        with trace:
            for op in program.ops:
                inputs = [new[v] for v in op.inputs]
                with at_scope(op.scope):
                    results = _apply(trace, rules, op, inputs)
                new.update(zip(op.outputs, results, strict=True))
    return Program(program.name, program.inputs, tuple(trace.ops), tuple(new[v] for v in program.outputs),
                   tuple((s, new[v]) for s, v in program.updates))


def _apply(trace, rules, op, inputs) -> tuple:
    for rule in rules.get(op.prim.name, ()):
        answer = rule(trace, op, inputs)
        if answer is not None:
            answer = answer if isinstance(answer, tuple) else (answer,)
            for old, value in zip(op.outputs, answer, strict=True):
                if old.type != value.type:
                    raise TypeError(f"{rule.__name__} on {op.prim.name}: expected {old.type}, received {value.type}")
            return answer
    result = trace.record(op.prim, inputs, op.params)
    return result if isinstance(result, tuple) else (result,)
