"""What register tiles do to their sums before they store them: a bias for each channel, another array, and limits.

``finish`` is the address of a record, FINISH (kgraph.compiler.loopnest.records), or 0: nothing is done. ``beside``:
bytes from the first channel of the bias to the tile's.
"""
from __future__ import annotations

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.records import FINISH
from kgraph.kernels.registers import Registers

__all__ = ["finished", "meaning"]


def finished(r: Registers, sums: dict, rows, masks, finish, beside) -> dict:
    """Vectors by (row, number in the row) with what is added, and cut to the limits; NaN stays. rows: addresses of the
    rows of the result; masks: of the vectors of a row, None for those that are full."""
    return r.where(r.builder.icmp_signed("!=", finish, ir.I64(0)), lambda: _done(r, sums, rows, masks, finish, beside),
                   sums)


def _done(r: Registers, sums: dict, rows, masks, finish, beside) -> dict:
    b = r.builder
    words = b.inttoptr(finish, ir.I64.as_pointer())
    bias, other, low, high = (b.load(b.gep(words, [ir.I64(FINISH.place(field))]))
                              for field in ("bias", "other", "low", "high"))
    vector = lambda start, j: r.load(r.place(start, ir.I64(r.lanes * j)), masks[j])

    def with_bias():
        start = b.add(bias, beside)
        read = {j: vector(start, j) for j in {j for _, j in sums}}
        return {(i, j): b.fadd(x, read[j]) for (i, j), x in sums.items()}

    def with_other():
        starts = [b.add(row, other) for row in rows]
        return {(i, j): b.fadd(x, vector(starts[i], j)) for (i, j), x in found.items()}
    found = r.where(b.icmp_signed("!=", bias, ir.I64(0)), with_bias, sums)
    found = r.where(b.icmp_signed("!=", other, ir.I64(0)), with_other, found)
    for sign, limit in (("<", low), (">", high)):
        number = b.bitcast(limit, ir.MEMORY_TYPES["float64"])
        limit = r.all_lanes(number if r.item == 8 else b.fptrunc(number, r.element))
        found = {ij: b.select(b.fcmp_ordered(sign, x, limit), limit, x) for ij, x in found.items()}
    return found


def meaning(sums, out: int, step: int, finish: int, beside: int):
    """The same in NumPy, of sums [rows, channels] for an address, with so many bytes from row to row."""
    if not finish:
        return sums
    bias, other, *limits = map(int, view(finish, (FINISH.words,), (8,), np.int64))
    low, high = np.array(limits).view(np.float64)
    if bias:
        sums = sums + view(bias + beside, sums.shape[1:], (sums.itemsize,), sums.dtype)
    if other:
        sums = sums + view(out + other, sums.shape, (step, sums.itemsize), sums.dtype)
    return np.minimum(np.maximum(sums, low), high)
