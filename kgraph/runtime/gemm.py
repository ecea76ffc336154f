"""The native matrix products `gemm_f32` and `gemm_f64`, built from register tiles (kgraph.runtime.tiles).

    gemm(word(args, k), m, n, k, a, a_m, a_k, b, b_k, b_n, c, c_m, flags, scratch)

C[i, j] (+)= sum over p of A[i, p] B[p, j], for i < m, j < n, p < k. a, b, c, scratch are addresses in bytes; a_m, a_k,
b_k, b_n, c_m are strides in elements, of any sign and size (a_m from row to row of A, ...); a row of C is contiguous.
C overlaps neither A nor B. flags is a sum of

    1   add to C instead of replacing it
    2   B is the same as in the last call with this scratch, in this kernel call: what was packed then may be used again

Every thread has a scratch of its own, of `SCRATCH` bytes; the runtime adds that to the scratch of a kernel with such a
routine among its arguments, behind the kernel's own. Each element is one chain of multiply-adds in the order of p,
so it does not depend on m, n, the blocks a kernel cuts C into, nor on how threads share it.

How to call it well. B is packed into panels of two vectors, per strip of COLUMNS columns and DEPTH of k, unless m is
small: packing pays from some ten rows on. So a kernel should cut C into blocks of COLUMNS columns and some 200 rows, run
through the rows inside, and set flag 2 after the first block of a strip; then the epilogue of a block finds it in cache.
With few rows, threads should share the columns.
"""
from __future__ import annotations

from kgraph.runtime import kernels
from kgraph.runtime.target import machine
from kgraph.runtime.tiles import Tile

__all__ = ["COLUMNS", "DEPTH", "SCRATCH", "address", "itemsize", "tiles"]

COLUMNS = 128   # columns of a strip of B that is packed at once
DEPTH = 512     # k of a block of packed B
WHOLE = 2048    # up to this k, all of a strip is packed, and kept for the next call
SCRATCH = 64 + WHOLE * COLUMNS * 8 + 64 * DEPTH * 8  # a header; packed B; a packed strip of A; for float64

_NAMES = {"gemm_f32": "float32", "gemm_f64": "float64"}
# (rows, vectors) of the tiles, by the number of vector registers: sums, a row of B and one element of A must fit
_PACKED = {32: ((14, 2), (14, 1), (8, 2), (4, 2), (2, 2), (1, 2)), 16: ((6, 2), (6, 1), (4, 2), (2, 2), (1, 2))}
_DIRECT = {32: ((8, 2), (4, 4), (4, 2), (2, 8), (2, 2), (1, 8), (1, 2)), 16: ((4, 2), (2, 4), (2, 2), (1, 8), (1, 2))}


def address(name: str) -> int:
    """The address of gemm_f32 or gemm_f64."""
    return kernels.address(name, _source(name), 13, reason="products")


def itemsize(name: str) -> int:
    """Bytes of an element: what stands for the address where sources run as Python."""
    return 4 if _NAMES[name] == "float32" else 8


def tiles(dtype: str) -> list:
    """The tiles of this machine for a dtype."""
    lanes, registers = machine().lanes(4 if dtype == "float32" else 8), machine().registers
    return ([Tile(dtype, lanes, *shape, column, False) for shape in _PACKED[registers] for column in (False, True)]
            + [Tile(dtype, lanes, *shape, False, True) for shape in _DIRECT[registers]])


_SOURCE = '''
def {name}(m, n, k, a, a_m, a_k, b, b_k, b_n, c, c_m, flags, scratch):
    if k <= 0 and flags & 1 == 0:
        zeros = p{f}_at(c, 1)
        for i in range(m):
            for j in range(n):
                zeros[i * c_m + j] = {f}(0.0)
    if k <= 0 or m <= 0 or n <= 0:
        return
    if b_n == 1 and m <= {few}:
{direct}
        return
    header = pi64_at(scratch, 0)
    kept = flags & 2 != 0 and header[0] == b and k <= {whole} and n <= {columns}
    header[0] = b
    for j in range(0, n, {columns}):
        width = min({columns}, n - j)
        for p in range(0, k, {depth}):
            depth = min({depth}, k - p)
            packed = scratch + 64
            if k <= {whole}:
                packed += p * {columns} * {item}
            source = b + {item} * (p * b_k + j * b_n)
            if not kept:
{pack}
            more = flags & 1
            if p > 0:
                more = 1
            left = a + {item} * p * a_k
            into = c + {item} * j
            if a_m == 1:
{tiles_column}
            else:
{tiles}
'''

# B's columns are neighbours; B's rows are neighbours; neither
_PACK = '''
for t in range(0, width, {pair}):
    panel = packed + {item} * depth * t
    if b_n == 1:
        for q in range(depth):
            copy_{f}(source + {item} * (q * b_k + t), panel + {item} * {pair} * q, width - t)
            copy_{f}(source + {item} * (q * b_k + t + {lanes}), panel + {item} * ({pair} * q + {lanes}), width - t - {lanes})
    elif b_k == 1:
        for h in range(0, {pair}, {lanes}):
            for q in range(0, depth, {lanes}):
                transpose_{f}(source + {item} * ((t + h) * b_n + q), b_n, panel + {item} * ({pair} * q + h), {pair},
                    width - t - h, depth - q)
    else:
        to = p{f}_at(panel, 2)
        of = p{f}_at(source, 3)
        for h in range({pair}):
            inside = min(1, max(0, width - t - h))
            for q in range(depth * inside):
                to[{pair} * q + h] = of[(t + h) * b_n + q * b_k]
            for q in range(depth * (1 - inside)):
                to[{pair} * q + h] = {f}(0.0)
'''


def _source(name: str) -> str:
    dtype = _NAMES[name]
    item = 4 if dtype == "float32" else 8
    lanes = machine().lanes(item)
    values = {"name": name, "f": "f32" if item == 4 else "f64", "item": item, "lanes": lanes, "pair": 2 * lanes,
              "columns": COLUMNS, "depth": DEPTH, "whole": WHOLE, "few": max(t.rows for t in tiles(dtype) if t.direct)}
    return _SOURCE.format(**values, direct=_indented(_direct(dtype, lanes, item), 2), pack=_indented(_PACK.format(**values), 4),
                          tiles=_indented(_packed(dtype, lanes, item, False), 4),
                          tiles_column=_indented(_packed(dtype, lanes, item, True), 4))


def _indented(text: str, level: int) -> str:
    return "\n".join("    " * level + line for line in text.strip("\n").split("\n"))


def _packed(dtype, lanes, item, column) -> str:
    """All rows of a block, by the tallest tiles that fit; for each, all panels."""
    chosen = [t for t in tiles(dtype) if not t.direct and t.column == column]
    lines = ["i = 0", "while i < m:"]
    for word, rows in _tallest_first(chosen):
        lines += [f"    {word}:", f"        for t in range(0, width, {2 * lanes}):"]
        arguments = (f"(depth, left + {item} * i * a_m, a_m, a_k, packed + {item} * depth * t, {2 * lanes}, "
                     f"into + {item} * (i * c_m + t), c_m, width - t, more)")
        by_vectors = {t.vectors: t.name for t in chosen if t.rows == rows}
        if 1 in by_vectors:
            lines += [f"            if width - t <= {lanes}:", f"                {by_vectors[1]}{arguments}",
                      "            else:", f"                {by_vectors[2]}{arguments}"]
        else:
            lines += [f"            {by_vectors[2]}{arguments}"]
        lines += [f"        i += {rows}"]
    return "\n".join(lines)


def _direct(dtype, lanes, item) -> str:
    """Few rows: B is read where it is, in tiles as wide as registers allow."""
    chosen = [t for t in tiles(dtype) if t.direct]
    lines = ["i = 0", "while i < m:"]
    for word, rows in _tallest_first(chosen):
        lines += [f"    {word}:", "        t = 0", "        while t < n:"]
        arguments = (f"(k, a + {item} * i * a_m, a_m, a_k, b + {item} * t, b_k, c + {item} * (i * c_m + t), c_m, n - t, "
                     "flags & 1)")
        wide, *narrow = sorted((t for t in chosen if t.rows == rows), key=lambda t: -t.vectors)
        if narrow:
            lines += [f"            if n - t > {lanes * narrow[0].vectors}:", f"                {wide.name}{arguments}",
                      f"                t += {lanes * wide.vectors}", "            else:",
                      f"                {narrow[0].name}{arguments}", f"                t += {lanes * narrow[0].vectors}"]
        else:
            lines += [f"            {wide.name}{arguments}", f"            t += {lanes * wide.vectors}"]
        lines += [f"        i += {rows}"]
    return "\n".join(lines)


def _tallest_first(chosen) -> list:
    """(if or elif test, rows) for the remaining rows m - i."""
    heights = sorted({t.rows for t in chosen}, reverse=True)
    return [(f"{'if' if k == 0 else 'elif'} m - i >= {rows}" if rows > 1 else "else", rows) for k, rows in enumerate(heights)]
