"""Reverse-mode differentiation: one walk back over a list of ops, for traces and for tapes alike.

The vjps bind into whatever records now: into the same Trace when a graph is traced, to NumPy when a Tape is open or
nothing records. So derivatives of derivatives need nothing more.
"""
from __future__ import annotations

from kgraph.compiler.ir import Value
from kgraph.compiler.primitive import FROM_DEFINITION, NOT_DIFFERENTIABLE
from kgraph.compiler.prims.rules import add, apply, constant, is_float
from kgraph.compiler.trace import Tape, at_scope, current_trace

__all__ = ["backward", "pull_back"]


def backward(ops, targets, cotangents, sources) -> list:
    """The cotangents of sources, given those of targets (each of the shape of its target).

    ops      in execution order: those of a Trace or a Tape, or a part of them
    sources  Values (or Tensors) that the ops read
    A source that no target depends on, or whose dtype is no float, gets None.
    """
    reached, alive = _reached(ops, sources)
    found = {}
    for target, ct in zip(targets, cotangents):
        _accumulate(found, target, ct)
    for op in reversed(reached):
        cts = [found.get(o) for o in op.outputs]
        if all(ct is None for ct in cts):
            continue
        with at_scope(f"{op.scope}/backward" if op.scope else "backward"):
            for x, ct in zip(op.inputs, pull_back(op, cts)):
                if ct is not None and x in alive:
                    _accumulate(found, x, ct)
    return [found.get(s) if is_float(s) else None for s in sources]


def _reached(ops, sources) -> tuple:
    """The ops through which a source can act on a target, in order; and the set of values on the way."""
    alive, reached = set(sources), []
    for op in ops:
        if op.prim.vjp is NOT_DIFFERENTIABLE or not any(x in alive for x in op.inputs):
            continue
        outputs = [o for o in op.outputs if is_float(o)]
        if outputs:
            alive.update(outputs)
            reached.append(op)
    return reached, alive


def pull_back(op, cts):
    """The op's vjp. An op with several outputs gets zeros for those that nothing depends on (a ct of None)."""
    if op.prim.vjp is FROM_DEFINITION:
        return _through_definition(op, cts)
    if len(op.outputs) == 1:
        return op.prim.vjp(cts[0], op.outputs[0], *op.inputs, **op.params)
    filled = tuple(constant(0, o) if ct is None else ct for ct, o in zip(cts, op.outputs))
    return op.prim.vjp(filled, op.outputs, *op.inputs, **op.params)


def _through_definition(op, cts):
    """The vjp of what a composite stands for. Inputs are copied, as one value may be several of them."""
    inputs = [apply("broadcast", x, shape=x.shape, axes=tuple(range(len(x.shape)))) for x in op.inputs]
    with Tape() as tape:
        ops = current_trace().ops if isinstance(inputs[0], Value) else tape.ops
        start = len(ops)
        outputs = op.prim.lower(*inputs, **op.params)
    pairs = [(o, ct) for o, ct in zip(outputs if isinstance(outputs, tuple) else (outputs,), cts) if ct is not None]
    return backward(ops[start:], *zip(*pairs), inputs)


def _accumulate(found, x, ct):
    found[x] = add(found[x], ct) if x in found else ct
