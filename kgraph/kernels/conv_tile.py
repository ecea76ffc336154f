"""The register tile of convolutions: a product tile whose k runs through nested loops.

    conv_tile_VECTORS(rows, levels, a, a_m, b, c, c_m, columns, accumulate[, finish, beside])

C[i, j] (+)= sum over k3, k2, k1, k0 of A[i, k3, k2, k1, k0] * B[k3, k2, k1, k0, j], for i < rows and j < columns.
``levels`` is the address of 12 words, (count, stride in A, stride in B) for k3 to k0, strides in elements and counts of
at least 1. Sums stay in registers for a block of kgraph.kernels.wide.BLOCK terms, whose sum is then added to C; maxima
until the last loop ends. a_m and c_m lead from row to row; a row of B and of C is contiguous. A tile of one vector
masks columns from ``columns`` on; wider ones, for which masks would cost a tenth of their speed, are for full vectors
only.

What is summed is a ``term``: "product" of a number of A and a vector of B; "dots" of words of two bfloat16 instead, in
float32 (kgraph.kernels.dot_tile); "pairs", the products of a vector of A with
one of B, element for element, for channels that do not mix; "sum" and "maximum" of vectors of A alone, for pooling.

Tiles that are told of it finish their sums before they store them (kgraph.kernels.finish).
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.dot_tile import dot, numbers_of
from kgraph.kernels.finish import finished, meaning
from kgraph.kernels.registers import GROUP, Registers, by, function, inside, opaque
from kgraph.kernels.wide import BLOCK

__all__ = ["LEVELS", "MIXES", "ConvTile", "conv_tiles"]

LEVELS = 4
MIXES = ("product", "dots")  # terms of which each sum has those of all channels
ROOM, ADDS = "room", "adds"  # see ConvWriter._write_sums


@dataclass(frozen=True)
class ConvTile:
    """rows x vectors of ``lanes`` elements. column: A's rows are neighbours in memory (a_m is 1). finishes: whether it
    is told how sums are finished."""

    dtype: str
    lanes: int
    rows: int
    vectors: int
    term: str
    column: bool = False
    finishes: bool = False

    @property
    def operands(self) -> int:
        """Of its functions."""
        return 8 + 2 * self.finishes

    @property
    def start(self) -> float:
        """What a sum of no terms is."""
        return float("-inf") if self.term == "maximum" else 0.0

    @property
    def itemsize(self) -> int:
        return DTYPES[self.dtype].itemsize

    def write(self, builder, *arguments):
        """The instructions of a function of this tile."""
        ConvWriter(self, builder).write(*arguments)


def conv_tiles(shapes) -> list:
    """The Tiles of these shapes, one for each number of vectors."""
    by_vectors: dict = {}
    for shape in shapes:
        by_vectors.setdefault(shape.vectors, []).append(shape)
    return [Tile(f"conv_tile_{vectors}", 1 + same[0].operands, False, _chooser(same), functools.partial(_sums, same[0]))
            for vectors, same in by_vectors.items()]


def _sums(shape, rows, levels, a, a_m, b, c, c_m, columns, accumulate, finish=0, beside=0):
    """What conv_tile_VECTORS means."""
    dtype, item = np.dtype(shape.dtype), shape.itemsize
    words = view(levels, (LEVELS, 3), (24, 8), np.int64)
    counts = [int(n) for n in words[:, 0]]
    wide = min(columns, shape.lanes * shape.vectors)
    a_steps = [item * int(s) for s in (a_m, *words[:, 1])]
    out = view(c, (rows, wide), (item * c_m, item), dtype)
    if shape.term in MIXES:
        left = view(a, (rows, *counts), a_steps, dtype)[..., None]
    else:
        left = view(a, (rows, *counts, wide), (*a_steps, item), dtype)
    if shape.term in (*MIXES, "pairs"):
        right = view(b, (*counts, wide), (*(item * int(s) for s in words[:, 2]), item), dtype)
        left = left * right if shape.term != "dots" else (numbers_of(left) * numbers_of(right)).sum(-1)
    found = (np.max if shape.term == "maximum" else np.sum)(left, axis=tuple(range(1, 1 + LEVELS)))
    out[...] = meaning(out + found if accumulate else found, c, item * c_m, finish, beside)


def _chooser(tiles):
    """Emits a call of the function for the number of rows; of several, one below the other, where there is none.
    Numbers that no heights make up are not allowed."""
    heights = {tile.rows: tile for tile in tiles}

    def split(rows):
        if rows in heights or rows == 0:
            return [rows] if rows else []
        tallest = max((h for h in heights if h < rows), default=None)
        rest = split(rows - tallest) if tallest else None
        return None if rest is None else [tallest, *rest]

    def emit(builder, rows, levels, a, a_m, b, c, c_m, *rest):
        item, after = ir.I64(tiles[0].itemsize), builder.append_basic_block("after")
        switch = builder.switch(rows, after)
        for count in filter(split, range(1, max(heights) + 1)):
            block, above = builder.append_basic_block(f"rows_{count}"), 0
            switch.add_case(ir.I64(count), block)
            builder.position_at_end(block)
            for height in split(count):
                below = [builder.add(start, builder.mul(builder.mul(item, step), ir.I64(above)))
                         for start, step in ((a, a_m), (c, c_m))]
                values = (levels, below[0], a_m, b, below[1], c_m, *rest)
                tile = heights[height]
                builder.call(function(builder.module, f"conv_tile_{height}_{tile.vectors}", tile.operands,
                                      tile.write), values)
                above += height
            builder.branch(after)
        builder.position_at_end(after)
    return emit


class ConvWriter(Registers):
    """Writes the body of one tile's function.

    What loops carry beside places: the sums, how many terms their block has room for (ROOM), whether C holds blocks
    before it (ADDS).
    """

    def __init__(self, tile: ConvTile, builder):
        super().__init__(builder, tile.dtype, tile.lanes)
        self.tile = tile
        self.cells = [(i, j) for i in range(tile.rows) for j in range(tile.vectors)]

    def write(self, levels, a, a_m, b_start, c, c_m, columns, accumulate, *finish):
        b, tile = self.builder, self.tile
        self.levels = self._read_levels(levels)
        self.mask = inside(b, columns, tile.lanes) if tile.vectors == 1 else None
        self.row_bytes = ir.I64(tile.itemsize) if tile.column else self.bytes(a_m)
        self.group = tile.rows if tile.column else GROUP
        self.bases = [opaque(b, b.add(a, b.mul(self.row_bytes, ir.I64(i)))) for i in range(0, tile.rows, self.group)]
        self.starts = [b.add(c, self.bytes(b.mul(c_m, ir.I64(i)))) for i in range(tile.rows)]
        state = {ROOM: ir.I64(2**62 if tile.term == "maximum" else BLOCK), ADDS: accumulate, **self._nothing()}
        self._write_sums(self._loops(0, ir.I64(0), b_start, state), *finish)
        b.ret_void()

    def _nothing(self) -> dict:
        return dict.fromkeys(self.cells, self.full(self.tile.start))

    def _read_levels(self, address) -> list:
        """(count, bytes along A, bytes along B) of each level."""
        b = self.builder
        words = b.inttoptr(address, ir.I64.as_pointer())
        read = [b.load(b.gep(words, [ir.I64(k)])) for k in range(3 * LEVELS)]
        return [(read[k], self.bytes(read[k + 1]), self.bytes(read[k + 2])) for k in range(0, 3 * LEVELS, 3)]

    def _vector(self, address, j):
        """Where vector j of a row lies."""
        return self.place(self.builder.add(address, ir.I64(self.lanes * self.item * j)) if j else address)

    def _load(self, address, j):
        return self.load(self._vector(address, j), self.mask)

    def _write_sums(self, state, *finish):
        """Store the sums in C, or add them to it: all is read before anything is written, as masked vectors overlap."""
        b, sums = self.builder, {ij: state[ij] for ij in self.cells}
        join = (lambda x, y: self.call("maximum", x, y)) if self.tile.term == "maximum" else b.fadd
        sums = self.where(b.icmp_signed("!=", state[ADDS], ir.I64(0)), lambda: {
            (i, j): join(self._load(self.starts[i], j), x) for (i, j), x in sums.items()}, sums)
        if finish:
            sums = finished(self, sums, self.starts, [self.mask] * self.tile.vectors, *finish)
        for (i, j), x in sums.items():
            self.store(x, self._vector(self.starts[i], j), self.mask)

    def _loops(self, level, a, b_start, state) -> dict:
        """The loop of one level around those inside it; ``a``: bytes walked along A so far. Returns the state after
        it."""
        if level + 1 == LEVELS:
            return self._innermost(a, b_start, state)
        count, a_step, b_step = self.levels[level]

        def body(left, carried):
            found = self._loops(level + 1, carried["a"], carried["b"], {key: carried[key] for key in state})
            return ir.I64(1), found
        steps = {"b": by(b_step), "a": by(a_step, hidden=True)}
        found = self.repeat(count, {"b": b_start, "a": a, **state}, body, steps)
        return {key: found[key] for key in state}

    def _innermost(self, a, b_start, state) -> dict:
        """The innermost loop, in pieces of at most a block. A block ends where another piece would not fit."""
        b, (count, a_step, b_step) = self.builder, self.levels[-1]
        most = b.select(b.icmp_signed("<", count, ir.I64(BLOCK)), count, ir.I64(BLOCK))
        places = {"b": b_start, **{("a", g): b.add(base, a) for g, base in enumerate(self.bases)}}

        steps = {"b": by(b_step), **{key: by(a_step, hidden=True) for key in places if key != "b"}}

        def piece(left, carried):
            terms = b.select(b.icmp_signed("<", left, most), left, most)
            done = self.repeat(terms, {key: carried[key] for key in (*places, *self.cells)},
                               lambda left, carried: (ir.I64(1), self._add_terms(carried)), steps)
            found = {**{key: carried[key] for key in state}, **{ij: done[ij] for ij in self.cells},
                     ROOM: b.sub(carried[ROOM], terms)}
            if self.tile.term != "maximum":
                found = self._end_block(found, most)
            return terms, {**{key: done[key] for key in places}, **found}
        found = self.repeat(count, {**places, **state}, piece)
        return {key: found[key] for key in state}

    def _end_block(self, state, piece) -> dict:
        """Where the block has no room for another piece, its sums go to C, and another block begins."""
        def end():
            self._write_sums(state)
            return {ROOM: ir.I64(BLOCK), ADDS: ir.I64(1), **self._nothing()}
        return self.where(self.builder.icmp_signed("<", state[ROOM], piece), end, state, likely=False)

    def _add_terms(self, carried) -> dict:
        b, tile = self.builder, self.tile
        places = [carried["a", g] for g in range(len(self.bases))]
        if tile.term in (*MIXES, "pairs"):
            vectors = [self._load(carried["b"], j) for j in range(tile.vectors)]
        added = {}
        for i, row in enumerate(self.rows_of(places, self.row_bytes, tile.rows, self.group)):
            number = self.number(row) if tile.term in MIXES else None
            for j in range(tile.vectors):
                if tile.term == "dots":
                    added[i, j] = dot(b, 2, number, vectors[j], carried[i, j])
                elif tile.term in ("product", "pairs"):
                    left = self._load(row, j) if number is None else number
                    added[i, j] = self.times_plus(left, vectors[j], carried[i, j])
                elif tile.term == "maximum":
                    added[i, j] = self.call("maximum", carried[i, j], self._load(row, j))
                else:
                    added[i, j] = b.fadd(carried[i, j], self._load(row, j))
        return added
