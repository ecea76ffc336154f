"""Variables that are overwritten with what comes as their gradient: the scales of float8."""
from __future__ import annotations

from kgraph import ops

__all__ = ["overwritten", "updated"]


def updated(variables) -> list:
    """Those of the variables that an update rule changes."""
    return [v for v in variables if not v.overwrite_with_gradient]


def overwritten(optimizer, grads, variables) -> tuple:
    """(gradients, variables) of all others, once these are assigned. Where gradients are gathered over several steps,
    the largest count."""
    steps = optimizer.gradient_accumulation_steps
    for gradient, variable in zip(grads, variables):
        if not variable.overwrite_with_gradient:
            continue
        if steps:
            due = ops.equal((optimizer._iterations + 1) % steps, 0)
            slot = optimizer.slot("gradient_accumulator", variable)
            most = ops.maximum(gradient, slot.value)
            slot.assign(ops.where(due, ops.zeros_like(most), most))
            gradient = ops.where(due, most, variable.value)
        variable.assign(gradient)
    kept = [g for g, v in zip(grads, variables) if not v.overwrite_with_gradient]
    return kept, updated(variables)
