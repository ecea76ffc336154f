"""Updates of the rows of a table that a batch reads, where an update rule leaves all others alone."""
from __future__ import annotations

from typing import Any

from kgraph import ops
from kgraph.compiler.prims.collective import link
from kgraph.compiler.prims.index import argsort_p, scatter_add_p, take_p
from kgraph.compiler.prims.scatter import put_rows_p, sum_rows_p
from kgraph.compiler.trace import bind, current_trace
from kgraph.optimizers.flat import Seen

__all__ = ["LARGE", "ReadRows", "read_rows"]

LARGE = 1 << 18  # numbers of a table from which on its gradient costs more than finding out which rows it has


class ReadRows(Seen):
    """The rows of a Variable at ``places``, which are sorted: of equal ones the first counts."""

    def __init__(self, stored: Any, places: Any):
        super().__init__(stored)
        self.places: Any = places

    def alike(self, stored: Any) -> ReadRows:
        return type(self)(stored, self.places)

    @property
    def shape(self) -> tuple[Any, ...]:
        return (*self.places.shape, *self.stored.shape[1:])

    @property
    def value(self) -> Any:
        return bind(take_p, self.stored.value, self.places)

    __kgraph_value__: Any = value.fget

    def assign(self, value: Any) -> Any:
        return self.stored.assign(bind(put_rows_p, self.stored.value, self.places, value))


def read_rows(variable: Any, gradient: Any) -> tuple[Any, Any]:
    """(the variable's ReadRows, their gradients) where the gradient is made of what was read of a large table; else the
    variable and the gradient as they are."""
    trace, size = current_trace(), getattr(variable, "size", 0)
    if trace is None or size < LARGE or getattr(variable, "home", None) is not None or link.world is not None:
        return variable, gradient
    maker = next((op for op in reversed(trace.ops) if gradient in op.outputs), None)
    if maker is None or maker.prim is not scatter_add_p or gradient.dtype not in ("float32", "float64"):
        return variable, gradient
    indices, updates = maker.inputs
    indices, updates = ops.reshape(indices, (-1,)), ops.reshape(updates, (-1, *updates.shape[indices.ndim:]))
    order = bind(argsort_p, indices, axis=0)
    places = bind(take_p, indices, order)
    return ReadRows(variable, places), bind(sum_rows_p, places, order, updates)
