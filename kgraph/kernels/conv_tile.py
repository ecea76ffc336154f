"""The register tile of convolutions: a product tile whose k runs through nested loops.

    nest_VECTORS(rows, levels, a, a_m, b, c, c_m, columns, accumulate)

C[i, j] (+)= sum over k3, k2, k1, k0 of A[i, k3, k2, k1, k0] * B[k3, k2, k1, k0, j], for i < rows and j < columns.
``levels`` is the address of 12 words, (count, stride in A, stride in B) for k3 to k0, strides in elements and counts of
at least 1. All sums stay in registers until the last loop ends. a_m and c_m lead from row to row; a row of B and of C
is contiguous. A nest of one vector masks columns from ``columns`` on; wider ones, for which masks would cost a tenth of
their speed, are for full vectors only.

What is summed is a ``term``: "product" of a number of A and a vector of B; "pairs", the products of a vector of A with
one of B, element for element, for channels that do not mix; "sum" and "maximum" of vectors of A alone, for pooling.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.gemm_tile import GROUP, _intrinsic, _masked_load, _masked_store, _opaque, _splat

__all__ = ["LEVELS", "ConvTile", "conv_tiles"]

LEVELS = 4
_I32, _I64 = ir.IntType(32), ir.IntType(64)


@dataclass(frozen=True)
class ConvTile:
    """rows x vectors of ``lanes`` elements. column: A's rows are neighbours in memory (a_m is 1)."""

    dtype: str
    lanes: int
    rows: int
    vectors: int
    term: str
    column: bool = False

    @property
    def start(self) -> float:
        """What a sum of no terms is."""
        return float("-inf") if self.term == "maximum" else 0.0

    @property
    def itemsize(self) -> int:
        return 4 if self.dtype == "float32" else 8

    @property
    def element(self):
        return ir.FloatType() if self.dtype == "float32" else ir.DoubleType()

    @property
    def kind(self):
        return ir.VectorType(self.element, self.lanes)


def conv_tiles(shapes) -> list:
    """The Tiles of these shapes, one for each number of vectors."""
    by_vectors: dict = {}
    for shape in shapes:
        by_vectors.setdefault(shape.vectors, []).append(shape)
    return [Tile(f"nest_{vectors}", 9, False, _chooser(same), functools.partial(_sums, same[0]))
            for vectors, same in by_vectors.items()]


def _sums(shape, rows, levels, a, a_m, b, c, c_m, columns, accumulate):
    """What nest_VECTORS means."""
    dtype, item = np.dtype(shape.dtype), shape.itemsize
    words = view(levels, (LEVELS, 3), (24, 8), np.int64)
    counts = [int(n) for n in words[:, 0]]
    wide = min(columns, shape.lanes * shape.vectors)
    a_steps = [item * int(s) for s in (a_m, *words[:, 1])]
    out = view(c, (rows, wide), (item * c_m, item), dtype)
    if shape.term == "product":
        left = view(a, (rows, *counts), a_steps, dtype)[..., None]
    else:
        left = view(a, (rows, *counts, wide), (*a_steps, item), dtype)
    if shape.term in ("product", "pairs"):
        left = left * view(b, (*counts, wide), (*(item * int(s) for s in words[:, 2]), item), dtype)
    found = (np.max if shape.term == "maximum" else np.sum)(left, axis=tuple(range(1, 1 + LEVELS)))
    out[...] = out + found if accumulate else found


def _chooser(nests):
    """Emits a call of the function for the number of rows; of several, one below the other, where there is none.
    Numbers that no heights make up are not allowed."""
    heights = {nest.rows: nest for nest in nests}

    def split(rows):
        if rows in heights or rows == 0:
            return [rows] if rows else []
        tallest = max((h for h in heights if h < rows), default=None)
        rest = split(rows - tallest) if tallest else None
        return None if rest is None else [tallest, *rest]

    def emit(builder, rows, levels, a, a_m, b, c, c_m, *rest):
        item, after = _I64(nests[0].itemsize), builder.append_basic_block("after")
        switch = builder.switch(rows, after)
        for count in filter(split, range(1, max(heights) + 1)):
            block, above = builder.append_basic_block(f"rows_{count}"), 0
            switch.add_case(_I64(count), block)
            builder.position_at_end(block)
            for height in split(count):
                below = [builder.add(start, builder.mul(builder.mul(item, step), _I64(above)))
                         for start, step in ((a, a_m), (c, c_m))]
                values = (levels, below[0], a_m, b, below[1], c_m, *rest)
                builder.call(_function(builder.module, heights[height]), values)
                above += height
            builder.branch(after)
        builder.position_at_end(after)
    return emit


def _function(module, nest):
    name = f"kgraph.nest_{nest.rows}_{nest.vectors}"
    if name not in module.globals:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I64] * 8), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        _NestWriter(nest, function).write()
    return module.globals[name]


class _NestWriter:
    """Writes the body of one nest's function. Addresses are int64, in bytes."""

    def __init__(self, nest: ConvTile, function):
        self.nest, self.function = nest, function
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.cells = [(i, j) for i in range(nest.rows) for j in range(nest.vectors)]

    def write(self):
        b, nest = self.builder, self.nest
        levels, a, a_m, b_start, c, c_m, columns, accumulate = self.function.args
        self.levels = self._read_levels(levels)
        self.mask = self._mask(columns) if nest.vectors == 1 else None
        self.row_bytes = _I64(nest.itemsize) if nest.column else self._bytes(a_m)
        self.group = nest.rows if nest.column else GROUP
        self.bases = [_opaque(b, b.add(a, b.mul(self.row_bytes, _I64(i)))) for i in range(0, nest.rows, self.group)]
        starts = [b.add(c, self._bytes(b.mul(c_m, _I64(i)))) for i in range(nest.rows)]
        first = self._first(starts, accumulate)
        last = self._loops(0, _I64(0), b_start, first)
        for i, j in self.cells:
            self._store(last[i, j], self._place(starts[i], j))
        b.ret_void()

    def _read_levels(self, address) -> list:
        """(count, bytes along A, bytes along B) of each level."""
        b = self.builder
        words = b.inttoptr(address, _I64.as_pointer())
        read = [b.load(b.gep(words, [_I64(k)])) for k in range(3 * LEVELS)]
        return [(read[k], self._bytes(read[k + 1]), self._bytes(read[k + 2])) for k in range(0, 3 * LEVELS, 3)]

    def _bytes(self, elements):
        return self.builder.mul(elements, _I64(self.nest.itemsize))

    def _mask(self, columns):
        """Which lanes are inside C."""
        wide = ir.VectorType(_I64, self.nest.lanes)
        lanes = ir.Constant(wide, list(range(self.nest.lanes)))
        return self.builder.icmp_signed("<", lanes, _splat(self.builder, columns, wide))

    def _place(self, address, j):
        b, size = self.builder, self.nest.lanes * self.nest.itemsize
        return b.inttoptr(b.add(address, _I64(size * j)) if j else address, self.nest.kind.as_pointer())

    def _first(self, starts, accumulate) -> dict:
        """The sums before the loops: C where accumulating, else zeros."""
        b, nest, entry = self.builder, self.nest, self.builder.block
        load, start = self.function.append_basic_block("load"), self.function.append_basic_block("start")
        b.cbranch(b.icmp_signed("!=", accumulate, _I64(0)), load, start)
        b.position_at_end(load)
        found = {(i, j): self._load(starts[i], j) for i, j in self.cells}
        b.branch(start)
        b.position_at_end(start)
        nothing = ir.Constant(nest.kind, [nest.start] * nest.lanes)
        return {ij: self._phi(nest.kind, (nothing, entry), (found[ij], load)) for ij in self.cells}

    def _phi(self, kind, *incoming):
        phi = self.builder.phi(kind)
        for value, block in incoming:
            phi.add_incoming(value, block)
        return phi

    def _load(self, address, j):
        place = self._place(address, j)
        if self.mask is not None:
            return _masked_load(self.builder, place, self.mask, self.nest.itemsize)
        value = self.builder.load(place)
        value.align = self.nest.itemsize
        return value

    def _store(self, value, place):
        if self.mask is not None:
            _masked_store(self.builder, value, place, self.mask, self.nest.itemsize)
        else:
            self.builder.store(value, place).align = self.nest.itemsize

    def _loops(self, level, a, b_start, sums) -> dict:
        """The loop of one level around those inside it; ``a``: bytes walked along A so far. Returns the sums after
        it."""
        b, (count, a_step, b_step) = self.builder, self.levels[level]
        before, innermost = b.block, level + 1 == LEVELS
        starts = [b.add(base, a) for base in self.bases] if innermost else [a]
        body, after = (self.function.append_basic_block(f"{name}{level}") for name in ("body", "after"))
        b.branch(body)
        b.position_at_end(body)
        left, b_at, *a_at = (self._phi(_I64, (v, before)) for v in (count, b_start, *starts))
        inside = {ij: self._phi(self.nest.kind, (sums[ij], before)) for ij in self.cells}
        added = self._add_terms(inside, a_at, b_at) if innermost else self._loops(level + 1, a_at[0], b_at, inside)
        latch, fewer = b.block, b.sub(left, _I64(1))
        for phi, value in ((left, fewer), (b_at, b.add(b_at, b_step)), *((p, self._step(p, a_step)) for p in a_at),
                           *((inside[ij], added[ij]) for ij in self.cells)):
            phi.add_incoming(value, latch)
        b.cbranch(b.icmp_signed(">", fewer, _I64(0)), body, after)
        b.position_at_end(after)
        return added

    def _step(self, place, step):
        """The next place, of which the optimiser knows nothing (see _opaque)."""
        return _opaque(self.builder, self.builder.add(place, step))

    def _add_terms(self, sums, a_at, b_at) -> dict:
        b, nest = self.builder, self.nest
        if nest.term in ("product", "pairs"):
            vectors = [self._load(b_at, j) for j in range(nest.vectors)]
        added = {}
        for i in range(nest.rows):
            row = b.add(a_at[i // self.group], b.mul(self.row_bytes, _I64(i % self.group)))
            if nest.term == "product":
                number = _splat(b, b.load(b.inttoptr(row, nest.element.as_pointer())), nest.kind)
            for j in range(nest.vectors):
                if nest.term == "product":
                    added[i, j] = self._intrinsic("fma", number, vectors[j], sums[i, j])
                elif nest.term == "pairs":
                    added[i, j] = self._intrinsic("fma", self._load(row, j), vectors[j], sums[i, j])
                elif nest.term == "maximum":
                    added[i, j] = self._intrinsic("maximum", sums[i, j], self._load(row, j))
                else:
                    added[i, j] = b.fadd(sums[i, j], self._load(row, j))
        return added

    def _intrinsic(self, name, *values):
        return _intrinsic(self.builder, name, self.nest.kind, self.nest.kind, list(values))
