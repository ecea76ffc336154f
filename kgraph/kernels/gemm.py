"""The native matrix products `gemm_f32` and `gemm_f64`, built from register tiles (kgraph.kernels.gemm_tile).

    gemm(word(args, K), m, n, k, a, a_m, a_k, b, b_k, b_n, c, c_m, flags, scratch)

C[i, j] (+)= sum over p of A[i, p] B[p, j], for i < m, j < n, p < k. a, b, c, scratch are addresses in bytes; a_m, a_k,
b_k, b_n, c_m are strides in elements, of any sign and size (a_m from row to row of A, ...); a row of C is contiguous.
C overlaps neither A nor B. flags is a sum of those of kgraph.compiler.loopnest.records:

    ADD           add to C instead of replacing it: what it holds was made by calls with flag MORE and this scratch,
                  which came just before
    MORE          calls with flag ADD for the same C will follow
    SAME_COLUMNS  B is the same as in the last call with this scratch, which had flag KEEP_COLUMNS: what was packed then
                  is used again
    KEEP_COLUMNS  keep the packed B for calls with flag SAME_COLUMNS that follow in the same kernel call (for
                  n <= COLUMNS and k <= WHOLE; else these two have no effect)
    IN_PARTS      do a share of the sums, for m * n <= RESULT: they are made of up to PARTS parts. The scratch begins
                  with a record, SHARE: the caller gives lo, hi, units, done and routine; ``last`` becomes 1 if the call
                  was the last to finish, and has added up the parts in C, else 0

Every thread has a scratch of its own, of `SCRATCH` bytes; the runtime adds that to the scratch of a kernel with such a
routine among its arguments, behind the kernel's own. An element is made of chains of DEPTH multiply-adds in the order
of p, which for m * n <= TOTALS are added up by way of wide sums; so it depends neither on the blocks that a kernel cuts
C into, nor on how threads share it.

How to call it well. With few rows (FEW) B is read where it is, if its rows are contiguous: DEPTH of k by COLUMNS at a
time, which stay in the second-level cache until all rows have met them. Else B is packed, a panel of two vectors by
DEPTH of k at a time, just before all rows use it. So a kernel whose epilogue wants C in cache cuts C into blocks of
some BLOCK elements, rows of all columns where n <= COLUMNS, and sets KEEP_COLUMNS if there are several such blocks,
SAME_COLUMNS as well from the second on; without an epilogue one call for all rows is best. With so few rows that
reading B takes the time, threads share the sums: each reads whole rows of B, where the columns of others would come
into its cache too.
"""
from __future__ import annotations

import functools

import numpy as np

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.records import ADD, IN_PARTS, KEEP_COLUMNS, MORE, PARTS, RESULT, SAME_COLUMNS
from kgraph.kernels.gemm_tile import GemmTile, packing_tiles, walk_tile
from kgraph.kernels.wide import BLOCK as DEPTH
from kgraph.kernels.wide import PARTS as BLOCKS
from kgraph.kernels.wide import add_part

__all__ = ["BLOCK", "COLUMNS", "FEW", "SCRATCH", "TOTALS", "WHOLE", "ROUTINES", "function",
           "tiles"]

BLOCK = 131072  # elements of a block of C that a second-level cache holds until its epilogue
COLUMNS = 512   # of B that are read in place before the next DEPTH of k; with KEEP_COLUMNS: that can be kept
WHOLE = 2048    # with KEEP_COLUMNS: up to this k
ROWS = 252      # rows of A that meet a panel: they stay in the second-level cache; a multiple of the tiles' heights
FEW = {32: 56, 16: 8}  # rows up to which packing B does not pay, by the number of vector registers
WIDE = 48       # columns of C from which it pays to pack an A whose rows are neighbours
LEAST = 64      # of at least so many terms,
TOTALS = 32768  # elements of the largest C that has wide sums
PACKED = WHOLE * COLUMNS + ROWS * DEPTH * 3 // 2  # numbers of packed B and packed A
SCRATCH = 64 + 8 * (PACKED + PARTS * RESULT + TOTALS)   # a header, what is packed, parts, wide sums: of float64

ROUTINES = {"gemm_f32": "float32", "gemm_f64": "float64"}
# (rows, vectors) of the tiles by the number of vector registers: the sums, a row of B and one element of A must fit.
# In _DIRECT, B is read where it is: there wide tiles make up for few rows.
_PACKED = {32: ((14, 2), (14, 1), (8, 2), (4, 2), (2, 2), (1, 2)), 16: ((6, 2), (6, 1), (4, 2), (2, 2), (1, 2))}
_DIRECT = {32: ((14, 2), (14, 1), (8, 2), (4, 4), (4, 2), (2, 8), (2, 2), (1, 8), (1, 2)),
           16: ((6, 2), (6, 1), (4, 2), (2, 4), (2, 2), (1, 8), (1, 2))}


def function(name: str) -> functions.Function:
    """gemm_f32 or gemm_f64."""
    return functions.Function(name, _source(name), "products", functools.partial(tiles, name))


def tiles(name: str) -> list:
    """The Tiles of a routine."""
    dtype, lanes, registers = ROUTINES[name], machine().lanes(np.dtype(ROUTINES[name]).itemsize), machine().registers
    walks = {"walk_row": [GemmTile(dtype, lanes, *shape, column=False, direct=False) for shape in _PACKED[registers]],
             "walk_column": [GemmTile(dtype, lanes, *shape, column=True, direct=False) for shape in _PACKED[registers]],
             "walk_direct": [GemmTile(dtype, lanes, *shape, column=False, direct=True) for shape in _DIRECT[registers]]}
    return [*packing_tiles(dtype, lanes), *(walk_tile(walk, chosen) for walk, chosen in walks.items())]


_SOURCE = """
def {name}(m, n, k, a, a_m, a_k, b, b_k, b_n, c, c_m, flags, scratch):
    if flags & {in_parts} != 0:
        mine = share(scratch, 3)
        done = mine.done
        places = pi64_at(done + 8, 4)
        length = max({least}, (k + {parts} - 1) // {parts})
        parts = (k + length - 1) // length
        first = mine.lo * parts // mine.units
        end = mine.hi * parts // mine.units
        for p in range(first, end):
            skip = {item} * p * length
            places[p] = scratch + 64 + 8 * {packed} + {item} * p * m * n
            gemm(mine.routine, m, n, min(length, k - p * length), a + skip * a_k, a_m, a_k, b + skip * b_k, b_k, b_n,
                 places[p], n, 0, scratch)
        mine.last = 0
        if first < end and atomic_add(done, end - first) + end - first == parts:
            store_release(done, 0)
            mine.last = 1
            total = p{f}_at(c, 20)
            for p in range(parts):
                part = p{f}_at(places[p], 2)
                for i in range(m):
                    for j in range(n):
                        before = total[i * c_m + j] if p > 0 else {f}(0.0)
                        total[i * c_m + j] = before + part[i * n + j]
        return
    if k <= 0 and flags & {add} == 0:
        zeros = p{f}_at(c, 20)
        for i in range(m):
            for j in range(n):
                zeros[i * c_m + j] = {f}(0.0)
    if k <= 0 or m <= 0 or n <= 0:
        return
    state = share(scratch, 3)
    totals = scratch + 64 + 8 * ({packed} + {parts} * {result})
    blocks, begun = 0, 0
    if flags & {add} != 0:
        blocks, begun = state.blocks, state.begun
    direct = b_n == 1 and m <= {few}
    keep = flags & {keep_columns} != 0 and n <= {columns} and k <= {whole}
    kept = flags & {same_columns} != 0 and keep
    packed_a = scratch + 64 + {item} * {whole} * {columns}
    for p in range(0, k, {depth}):
        depth = min({depth}, k - p)
        if direct:
            for t in range(0, n, {columns}):
                walk_direct(m, depth, a + {item} * p * a_k, a_m, a_k, b + {item} * (p * b_k + t), b_k,
                            c + {item} * t, c_m, min({columns}, n - t), blocks)
        left_over = 0 if direct else m
        for r in range(0, left_over, {rows}):
            rows = min({rows}, m - r)
            left = a + {item} * (p * a_k + r * a_m)
            if a_m == 1 and n >= {wide}:
                for q in range(depth):
                    for i in range(0, rows, {tall}):
                        to = packed_a + {item} * {strip} * (i // {tall} * depth + q)
                        for h in range(0, {strip}, {lanes}):
                            copy_{f}(left + {item} * (q * a_k + i + h), to + {item} * h, rows - i - h)
            for t in range(0, n, {pair}):
                inside = min({pair}, n - t)
                into = c + {item} * (r * c_m + t)
                panel = scratch + 64
                if keep:
                    panel += {item} * (p * {columns} + depth * t)
                if not kept and (r == 0 or not keep):
{pack_b}
                if a_m != 1:
                    walk_row(rows, depth, left, a_m, a_k, panel, {pair}, into, c_m, inside, blocks)
                elif n >= {wide}:
                    for i in range(0, rows, {tall}):
                        strip = packed_a + {item} * {strip} * (i // {tall} * depth)
                        walk_column(min({tall}, rows - i), depth, strip, 1, {strip}, panel, {pair},
                                    into + {item} * i * c_m, c_m, inside, blocks)
                else:
                    walk_column(rows, depth, left, 1, a_k, panel, {pair}, into, c_m, inside, blocks)
        blocks += 1
        last = 0
        if p + {depth} >= k and flags & {more} == 0:
            last = 1
        if m * n <= {totals} and (blocks == {blocks} and last == 0 or begun * last != 0):
{add_part}
            blocks, begun = 0, 1
    if flags & {more} != 0:
        state.blocks, state.begun = blocks, begun
"""

# packed[q * pair + h] = B[p + q, t + h], 0 for columns outside B
_PACK = """
of = b + {item} * (p * b_k + t * b_n)
if b_n == 1:
    for q in range(depth):
        for h in range(0, {pair}, {lanes}):
            copy_{f}(of + {item} * (q * b_k + h), panel + {item} * (q * {pair} + h), inside - h)
elif b_k == 1:
    for h in range(0, {pair}, {lanes}):
        for q in range(0, depth, {lanes}):
            transpose_{f}(of + {item} * (h * b_n + q), b_n, panel + {item} * (q * {pair} + h), {pair}, inside - h,
                          depth - q)
else:
    target = p{f}_at(panel, 2)
    source = p{f}_at(of, 3)
    for q in range(depth):
        for h in range({pair}):
            target[q * {pair} + h] = {f}(0.0)
        for h in range(inside):
            target[q * {pair} + h] = source[h * b_n + q * b_k]
"""


def _source(name: str) -> str:
    item = np.dtype(ROUTINES[name]).itemsize
    lanes = machine().lanes(item)
    tall = _PACKED[machine().registers][0][0]
    values = {"name": name, "f": "f32" if item == 4 else "f64", "item": item, "lanes": lanes, "pair": 2 * lanes,
              "tall": tall, "strip": -(-tall // lanes) * lanes, "rows": ROWS // tall * tall,
              "few": FEW[machine().registers], "columns": COLUMNS, "depth": DEPTH, "whole": WHOLE, "wide": WIDE,
              "parts": PARTS, "least": LEAST, "packed": PACKED, "result": RESULT, "totals": TOTALS,
              "blocks": BLOCKS, "in_parts": IN_PARTS, "add": ADD, "keep_columns": KEEP_COLUMNS,
              "same_columns": SAME_COLUMNS, "more": MORE}
    pack = "\n".join(" " * 20 + line for line in _PACK.format(**values).strip().split("\n"))
    add = add_part(12, f=values["f"], part="c", wide="totals", rows="m", columns="n", line="c_m")
    return _SOURCE.format(**values, pack_b=pack, add_part=add)
