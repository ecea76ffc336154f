"""Sums that stay right however long they are: what registers have added up is added to a part in memory, block by
block; after each PARTS blocks that part is added to a sum in float64, and begins anew.

`add_part` writes that step into the nest of a routine.
"""
from __future__ import annotations

from kgraph.compiler.loopnest.builder import Builder, differ
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.nodes import Expression, Name, call

__all__ = ["BLOCK", "PARTS", "add_part"]

BLOCK = 256  # terms of a block: it is one chain of multiply-adds
PARTS = 32   # blocks whose sums are added one after another, in their own type


def add_part(w: Builder, dtype: str, part: Expression, wide: Expression, rows, columns, line, begun: Name, last: Name):
    """Adds a part, ``rows`` x ``columns`` numbers at an address, ``line`` from row to row, to the wide sums at the
    address ``wide``. begun: 0 before the first part, which replaces what was there; last: not 0 for the last one, which
    brings the totals back."""
    half, whole = w.buffer("half", dtype, part, 20), w.buffer("whole", "float64", wide, 21)
    with w.loop("wide_row", 0, rows) as i, w.loop("wide_column", 0, columns) as j:
        total = w.let("sum", call("f64", half[i * line + j]))
        with w.when(differ(begun, 0)):
            w.let(total, total + whole[i * columns + j])
        with w.when(differ(last, 0)):
            w.store(half[i * line + j], call(short_name(dtype), total))
        with w.otherwise():
            w.store(whole[i * columns + j], total)
            w.store(half[i * line + j], call(short_name(dtype), 0.0))
