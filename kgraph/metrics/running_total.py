"""`RunningTotal`: the state of metrics."""
from __future__ import annotations

import copy

from kgraph import ops
from kgraph.variable import Variable, zeros

__all__ = ["RunningTotal"]


class RunningTotal(Variable):
    """A Variable of reals that sees small terms however large it has grown: what `assign_add` loses to rounding is kept
    in ``lost``, and added with the next term (Kahan, Further Remarks on Reducing Truncation Errors, 1965). So a float32
    count goes on beyond 2**24."""

    def __init__(self, initializer, **kwargs):
        super().__init__(initializer, **kwargs)
        self.lost = Variable(zeros(self.shape, self.dtype), trainable=False, name=f"{self.name}_lost",
                             path=f"{self.path}_lost")

    def assign(self, value):
        result = super().assign(value)
        self.lost.assign(zeros(self.shape, self.dtype))
        return result

    def assign_add(self, value):
        before, term = self.value, self.lost.value + value
        total = before + term
        result = super().assign(total)
        self.lost.assign(ops.where(ops.isfinite(total), term - (total - before), 0.0))
        return result

    def assign_sub(self, value):
        return self.assign_add(ops.negative(value))

    def __getstate__(self):
        return {**super().__getstate__(), "lost": copy.deepcopy(self.lost)}
