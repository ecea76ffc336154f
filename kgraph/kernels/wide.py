"""Sums that stay right however long they are: what registers have added up is added to a part in memory, block by
block; after each PARTS blocks that part is added to a sum in float64, and begins anew.

`add_part(...)` is that step, in the kernel language, for routines to be written with.
"""
from __future__ import annotations

import textwrap

__all__ = ["BLOCK", "PARTS", "add_part"]

BLOCK = 256  # terms of a block: it is one chain of multiply-adds
PARTS = 32   # blocks whose sums are added one after another, in their own type

# The first part replaces what was in the wide sums; the last one brings their totals back.
_ADD_PART = """\
half, whole = p{f}_at({part}, 20), pf64_at({wide}, 21)
for wide_row in range({rows}):
    for wide_column in range({columns}):
        sum = f64(half[wide_row * {line} + wide_column])
        if begun != 0:
            sum += whole[wide_row * {columns} + wide_column]
        if last != 0:
            half[wide_row * {line} + wide_column] = {f}(sum)
        else:
            whole[wide_row * {columns} + wide_column] = sum
            half[wide_row * {line} + wide_column] = {f}(0.0)
"""


def add_part(indent: int, **names) -> str:
    """The text that adds a part, ``rows`` x ``columns`` numbers of type ``f`` at address ``part``, ``line`` from row to
    row, to the wide sums at address ``wide``. It reads the variables ``begun``, 0 before the first part, and ``last``,
    not 0 for the last one."""
    return textwrap.indent(_ADD_PART.format(**names).rstrip(), " " * indent)
