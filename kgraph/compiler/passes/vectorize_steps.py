"""lift: an op of a loop's body, done for all steps at once on stacks of its operands."""
from __future__ import annotations

from kgraph.compiler.ir import Op
from kgraph.compiler.prims.loop import Loop
from kgraph.compiler.prims.rules import apply

__all__ = ["can_lift", "lift"]


def can_lift(loop: Loop, op: Op, varying) -> bool:
    """Whether the op can be done on stacks. varying: which of its inputs differ from step to step."""
    if not any(varying):
        return op.prim.kind not in ("loop", "random")
    return op.prim.lift_rule is not None and op.prim.lift_rule.fits(loop, op, varying)


def lift(loop: Loop, op: Op, operands):
    """The result for all steps. operands: (value, whether it is a stack) for each input."""
    if not any(stacked for _, stacked in operands):
        return apply(op.prim.name, *(x for x, _ in operands), **op.params)
    return op.prim.lift_rule.run(loop, op, operands)
