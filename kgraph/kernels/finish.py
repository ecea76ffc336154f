"""What register tiles do to their sums before they store them: a bias for each channel, and limits.

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


def finished(r: Registers, sums: dict, finish, beside, mask) -> dict:
    """Vectors by (row, number in the row) with the bias, if there is one, and cut to the limits; NaN stays."""
    return r.where(r.builder.icmp_signed("!=", finish, ir.I64(0)), lambda: _done(r, sums, finish, beside, mask), sums)


def _done(r: Registers, sums: dict, finish, beside, mask) -> dict:
    b = r.builder
    words = b.inttoptr(finish, ir.I64.as_pointer())
    bias, low, high = (b.load(b.gep(words, [ir.I64(FINISH.place(field))])) for field in ("bias", "low", "high"))

    def with_bias():
        start = b.add(bias, beside)
        read = {j: r.load(r.place(start, ir.I64(r.lanes * j)), mask) for j in {j for _, j in sums}}
        return {(i, j): b.fadd(x, read[j]) for (i, j), x in sums.items()}
    found = r.where(b.icmp_signed("!=", bias, ir.I64(0)), with_bias, sums)
    for sign, limit in (("<", low), (">", high)):
        number = b.bitcast(limit, ir.MEMORY_TYPES["float64"])
        limit = r.all_lanes(number if r.item == 8 else b.fptrunc(number, r.element))
        found = {ij: b.select(b.fcmp_ordered(sign, x, limit), limit, x) for ij, x in found.items()}
    return found


def meaning(sums, finish: int, beside: int):
    """The same in NumPy, of sums [rows, channels]."""
    if not finish:
        return sums
    bias, *limits = view(finish, (FINISH.words,), (8,), np.int64)
    low, high = np.array(limits).view(np.float64)
    if bias:
        sums = sums + view(int(bias) + beside, sums.shape[1:], (sums.itemsize,), sums.dtype)
    return np.minimum(np.maximum(sums, low), high)
