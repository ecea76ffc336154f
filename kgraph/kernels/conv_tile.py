"""The register tile of convolutions: a product tile whose k runs through nested loops.

    nest_VECTORS(rows, levels, a, a_m, b, c, c_m, columns, accumulate)

C[i, j] (+)= sum over k3, k2, k1, k0 of A[i, k3, k2, k1, k0] * B[k3, k2, k1, k0, j], for i < rows and j < columns.
``levels`` is the address of 12 words, (count, stride in A, stride in B) for k3 to k0, strides in elements and counts of
at least 1. Sums stay in registers for a block of kgraph.kernels.wide.BLOCK terms, whose sum is then added to C; maxima
until the last loop ends. a_m and c_m lead from row to row; a row of B and of C is contiguous. A nest of one vector
masks columns from ``columns`` on; wider ones, for which masks would cost a tenth of their speed, are for full vectors
only.

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
from kgraph.kernels.wide import BLOCK

__all__ = ["LEVELS", "ConvTile", "conv_tiles"]

LEVELS = 4
ROOM, ADDS = "room", "adds"  # see _NestWriter._state
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
        self.starts = [b.add(c, self._bytes(b.mul(c_m, _I64(i)))) for i in range(nest.rows)]
        state = {ROOM: _I64(2**62 if nest.term == "maximum" else BLOCK), ADDS: accumulate, **self._nothing()}
        state = self._loops(0, _I64(0), b_start, state)
        self._write_sums(state)
        b.ret_void()

    def _nothing(self) -> dict:
        nest = self.nest
        return dict.fromkeys(self.cells, ir.Constant(nest.kind, [nest.start] * nest.lanes))

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

    def _write_sums(self, state):
        """Store the sums in C, or add them to it: all is read before anything is written, as masked vectors overlap."""
        b, name = self.builder, {"product": "fadd", "pairs": "fadd", "sum": "fadd"}.get(self.nest.term)
        join = (lambda x, y: getattr(b, name)(x, y)) if name else (lambda x, y: self._intrinsic("maximum", x, y))
        with b.if_else(b.icmp_signed("!=", state[ADDS], _I64(0))) as (more, first):
            with more:
                joined = {(i, j): join(self._load(self.starts[i], j), state[i, j]) for i, j in self.cells}
                for i, j in self.cells:
                    self._store(joined[i, j], self._place(self.starts[i], j))
            with first:
                for i, j in self.cells:
                    self._store(state[i, j], self._place(self.starts[i], j))

    def _state(self, state, block) -> dict:
        """What loops carry: the sums, how many terms their block has room for, whether C holds blocks before it."""
        return {key: self._phi(value.type, (value, block)) for key, value in state.items()}

    def _loops(self, level, a, b_start, state) -> dict:
        """The loop of one level around those inside it; ``a``: bytes walked along A so far. Returns the state after
        it."""
        if level + 1 == LEVELS:
            return self._innermost(a, b_start, state)
        b, (count, a_step, b_step) = self.builder, self.levels[level]
        before, body, after = b.block, self._block(f"body{level}"), self._block(f"after{level}")
        b.branch(body)
        b.position_at_end(body)
        left, b_at, a_at = (self._phi(_I64, (v, before)) for v in (count, b_start, a))
        inside = self._state(state, before)
        found = self._loops(level + 1, a_at, b_at, inside)
        fewer = b.sub(left, _I64(1))
        self._again([(left, fewer), (b_at, b.add(b_at, b_step)), (a_at, self._step(a_at, a_step)),
                     *((inside[key], found[key]) for key in inside)])
        b.cbranch(b.icmp_signed(">", fewer, _I64(0)), body, after)
        b.position_at_end(after)
        return found

    def _innermost(self, a, b_start, state) -> dict:
        """The innermost loop, in pieces of at most a block. A block ends where another piece would not fit."""
        b, (count, a_step, b_step) = self.builder, self.levels[-1]
        most = b.select(b.icmp_signed("<", count, _I64(BLOCK)), count, _I64(BLOCK))
        starts, before = [b.add(base, a) for base in self.bases], b.block
        piece, body, end, after = map(self._block, ("piece", "terms", "end", "after"))
        b.branch(piece)
        b.position_at_end(piece)
        left, *places = (self._phi(_I64, (v, before)) for v in (count, b_start, *starts))
        inside = self._state(state, before)
        terms = b.select(b.icmp_signed("<", left, most), left, most)
        b.branch(body)
        b.position_at_end(body)
        togo, b_at, *a_at = (self._phi(_I64, (v, piece)) for v in (terms, *places))
        sums = {ij: self._phi(self.nest.kind, (inside[ij], piece)) for ij in self.cells}
        added, fewer = self._add_terms(sums, a_at, b_at), b.sub(togo, _I64(1))
        moved = [b.add(b_at, b_step), *(self._step(p, a_step) for p in a_at)]
        self._again([(togo, fewer), *zip((b_at, *a_at), moved), *((sums[ij], added[ij]) for ij in self.cells)])
        b.cbranch(b.icmp_signed(">", fewer, _I64(0)), body, end)
        b.position_at_end(end)
        found = {**inside, **added, ROOM: b.sub(inside[ROOM], terms)}
        if self.nest.term != "maximum":
            found = self._end_block(found, most)
        rest = b.sub(left, terms)
        self._again([(left, rest), *zip(places, moved), *((inside[key], found[key]) for key in inside)])
        b.cbranch(b.icmp_signed(">", rest, _I64(0)), piece, after)
        b.position_at_end(after)
        return found

    def _end_block(self, state, piece) -> dict:
        """Where the block has no room for another piece, its sums go to C, and another block begins."""
        b, before = self.builder, self.builder.block
        with b.if_then(b.icmp_signed("<", state[ROOM], piece), likely=False):
            self._write_sums(state)
            full = b.block
        anew = {ROOM: _I64(BLOCK), ADDS: _I64(1), **self._nothing()}
        return {key: self._phi(state[key].type, (state[key], before), (anew[key], full)) for key in state}

    def _block(self, name):
        return self.function.append_basic_block(name)

    def _again(self, pairs):
        """What phis are in the next round, which begins at the end of this block."""
        for phi, value in pairs:
            phi.add_incoming(value, self.builder.block)

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
