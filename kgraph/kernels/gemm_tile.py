"""The register tiles of products, in LLVM vectors.

A tile computes ROWS x (VECTORS * lanes) elements of C = A B, or of C + A B: all its elements stay in registers while
k runs, each one a chain of fused multiply-adds in the order of k. So an element's value does not depend on the tile
that it falls into. The last vectors of a row may be partly or wholly outside C: they are loaded and stored under masks.

As Tiles of loop nests: `walk_...` covers a block of C with tiles, `transpose_...` packs a block of B
whose columns lie contiguous, `copy_...` moves one vector under a mask.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.intrinsics import while_loop, widened
from kgraph.compiler.dims import LINE
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype, short_name
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.finish import finished, meaning
from kgraph.kernels.registers import (
    GROUP,
    Registers,
    by,
    function,
    inside,
    masked_load,
    opaque,
    prefetch,
    splat,
    transposed,
)

__all__ = ["GemmTile", "GemmWriter", "PackedTile", "PanelTile", "limit_tile", "packing_tiles", "walk_tile"]

AHEAD = 48   # rows of B that are asked for ahead of time where B is read in place: the delay of memory, nearly
STRIDED = 4  # vectors of a row of B up to which that is done: the processor itself reads ahead in longer ones


@dataclass(frozen=True)
class GemmTile:
    """rows x vectors of `lanes` elements.

    column  A's rows are neighbours in memory (a_m = 1), so that they are addressed by constants; else by a_m
    direct  B lies as the user has it, its vectors are loaded under masks too; else it is packed, padded with zeros
    """

    dtype: str
    lanes: int
    rows: int
    vectors: int
    column: bool
    direct: bool
    finishes = True  # whether it is told how sums are finished: see kgraph.kernels.finish
    more = 0  # arguments of its functions, beside these and those of all tiles

    @property
    def name(self) -> str:
        return f"tile_{self.rows}_{self.vectors}" + "_column" * self.column + "_direct" * self.direct

    @property
    def itemsize(self) -> int:
        return DTYPES[self.dtype].itemsize

    def write(self, builder, *arguments):
        """The instructions of a function of this tile."""
        GemmWriter(self, builder).write(*arguments)

    def product(self, a, b, rows, depth, columns, a_m, a_k, b_k):
        """What a walk adds up, in NumPy."""
        dtype, item = np.dtype(self.dtype), self.itemsize
        left = view(a, (rows, depth), (item * a_m, item * a_k), dtype)
        return left @ view(b, (depth, columns), (item * b_k, item), dtype)

    def offset(self, builder, column):
        """Where a column of B begins, in elements."""
        return column

    def ahead(self, builder, b_k):
        """What is asked for ahead of time: how many bytes behind a row of B it lies; None for nothing."""
        return builder.mul(b_k, ir.I64(AHEAD)) if self.direct and self.vectors <= STRIDED else None


@dataclass(frozen=True)
class PackedTile(GemmTile):
    """A tile of a packed B. Its functions are told, too, how many bytes behind a row of B something lies that will be
    read when all rows have met this part of B: while they do, it comes into the second-level cache."""

    more = 1

    def product(self, *arguments):
        return super().product(*arguments[:-1])

    def offset(self, builder, column, ahead):
        return column

    def ahead(self, builder, b_k, ahead):
        return ahead


@dataclass(frozen=True)
class PanelTile(GemmTile):
    """A tile of a B in panels, of a power of two of columns. Its functions are told, too, ``apart``: times the columns
    of a panel how far apart these are."""

    panel: int
    more = 1

    @property
    def name(self) -> str:
        return super().name + "_panels"

    def product(self, a, b, rows, depth, columns, a_m, a_k, b_k, apart):
        found = [super(PanelTile, self).product(a, b + self.itemsize * t * apart, rows, depth,
                                                min(self.panel, columns - t), a_m, a_k, b_k)
                 for t in range(0, columns, self.panel)]
        return np.concatenate(found, 1)

    def offset(self, builder, column, apart):
        within = builder.and_(column, ir.I64(self.panel - 1))
        return builder.add(builder.mul(builder.sub(column, within), apart), within)

    def ahead(self, builder, b_k, apart):
        return super().ahead(builder, b_k)


def walk_tile(name: str, tiles) -> Tile:
    """NAME(rows, depth, a, a_m, a_k, b, b_k, c, c_m, columns, accumulate[, finish, beside]) and what the tiles want to
    know beside it

    covers rows x columns of C, first by the tallest of these tiles, for each height first by the widest. Addresses in
    bytes; a_m, a_k, b_k, c_m in elements: from row to row and along k of A, along k of B, from row to row of C.
    """
    def call(b, *values):
        b.call(function(b.module, name, known, functools.partial(_write_walk, tiles)), values)
    known = 11 + 2 * tiles[0].finishes + tiles[0].more
    return Tile(name, known, False, call, functools.partial(_walked, tiles[0]))


def _walked(tile, rows, depth, a, a_m, a_k, b, b_k, c, c_m, columns, accumulate, *more):
    """What a walk means."""
    out = view(c, (rows, columns), (tile.itemsize * c_m, tile.itemsize), np.dtype(tile.dtype))
    finish, more = _divided(tile, more)
    sums = tile.product(a, b, rows, depth, columns, a_m, a_k, b_k, *more) + (out if accumulate else 0)
    out[...] = meaning(sums.astype(out.dtype), c, tile.itemsize * c_m, *finish) if finish else sums


def _divided(tile, more) -> tuple:
    """(finish and beside, if a tile is told of them; what else it is told)."""
    return more[:2 * tile.finishes], more[2 * tile.finishes:]


def _write_walk(tiles, b, rows, depth, a, a_m, a_k, b_start, b_k, c, c_m, columns, accumulate, *more):
    row, column, (finish, more) = b.alloca(ir.I64), b.alloca(ir.I64), _divided(tiles[0], more)
    b.store(ir.I64(0), row)
    heights = sorted({t.rows for t in tiles}, reverse=True)
    for height, lower in zip(heights, (*heights[1:], 0)):
        twice = 2 * lower if 2 * lower > height else 0   # two of the next height are better than this and a low one

        def fits(height=height, twice=twice):
            left = b.sub(rows, b.load(row))
            return b.and_(b.icmp_signed(">=", left, ir.I64(height)), b.icmp_signed("!=", left, ir.I64(twice)))
        with while_loop(b, fits):
            i = b.load(row)
            b.store(ir.I64(0), column)
            wide_first = sorted((t for t in tiles if t.rows == height), key=lambda t: -t.vectors)
            for tile in wide_first:
                least = 0 if tile is wide_first[-1] else tile.lanes * wide_first[-1].vectors
                fits = lambda least=least: b.icmp_signed(">", b.sub(columns, b.load(column)), ir.I64(least))
                with while_loop(b, fits):
                    t, item = b.load(column), ir.I64(tile.itemsize)
                    a_at = b.add(a, b.mul(item, b.mul(i, a_m)))
                    c_at = b.add(c, b.mul(item, b.add(b.mul(i, c_m), t)))
                    b_at = b.add(b_start, b.mul(item, tile.offset(b, t, *more)))
                    beside = [*finish[:1], *(b.add(x, b.mul(item, t)) for x in finish[1:])]
                    values = [depth, a_at, a_m, a_k, b_at, b_k, c_at, c_m, b.sub(columns, t), accumulate, *beside,
                              *more]
                    b.call(function(b.module, tile.name, len(values), tile.write), values)
                    b.store(b.add(t, ir.I64(tile.lanes * tile.vectors)), column)
            b.store(b.add(i, ir.I64(height)), row)
    b.ret_void()


class GemmWriter(Registers):
    """Writes the body of one tile's function."""

    def __init__(self, tile: GemmTile, builder):
        super().__init__(builder, tile.dtype, tile.lanes)
        self.tile = tile
        self.cells = [(i, j) for i in range(tile.rows) for j in range(tile.vectors)]

    def write(self, depth, a, a_m, a_k, b_start, b_k, c, c_m, columns, accumulate, *more):
        tile, b = self.tile, self.builder
        finish, more = _divided(tile, more)
        self.offsets = [tile.offset(b, ir.I64(j * tile.lanes), *more) for j in range(tile.vectors)]
        self.ahead = tile.ahead(b, self.bytes(b_k), *more)
        self.masks = [inside(b, columns, tile.lanes, tile.lanes * j) for j in range(tile.vectors)]
        places = {(i, j): self.place(c, b.add(b.mul(c_m, ir.I64(i)), ir.I64(tile.lanes * j))) for i, j in self.cells}
        for place in places.values():
            prefetch(b, place, 1, 3)  # a result that is in no cache arrives while the sums are made
        sums = self._sums(depth, a, self.bytes(a_m), self.bytes(a_k), b_start, self.bytes(b_k))
        last = self.where(b.icmp_signed("!=", accumulate, ir.I64(0)), lambda: {
            (i, j): self.plus(self.load(places[i, j], self.masks[j]), sums[i, j]) for i, j in self.cells}, sums)
        if finish:
            starts = [b.add(c, self.bytes(b.mul(c_m, ir.I64(i)))) for i in range(tile.rows)]
            last = finished(self, last, starts, self.masks, *finish)
        for i, j in self.cells:
            self.store(last[i, j], places[i, j], self.masks[j])
        b.ret_void()

    def _sums(self, depth, a, a_m, a_k, b_start, b_k) -> dict:
        """The sums over k. All strides in bytes."""
        b, tile = self.builder, self.tile
        first = self.beginnings(b_start, b_k)
        group, row = (tile.rows, ir.I64(tile.itemsize)) if tile.column else (GROUP, a_m)
        bases = [opaque(b, b.add(a, b.mul(row, ir.I64(i)))) for i in range(0, tile.rows, group)]

        def body(left, carried):
            b_at, a_at = carried["b"], [carried["a", g] for g in range(len(bases))]
            rows = list(self.rows_of(a_at, row, tile.rows, group))
            added = self._multiply_add(carried, rows, b_at, b_k)
            return ir.I64(1), added
        steps = {"b": by(b_k), **{("a", g): by(a_k, hidden=True) for g in range(len(bases))}}
        carried = {"b": b_start, **{("a", g): base for g, base in enumerate(bases)},
                   **{(i, j): first[j] for i, j in self.cells}}
        found = self.repeat(depth, carried, body, steps, sure=False)
        return {ij: found[ij] for ij in self.cells}

    def beginnings(self, b_start, b_k) -> list:
        """What the sums of each vector of a row begin with."""
        return [self.full(0)] * self.tile.vectors

    def more(self, value, vector, so_far):
        """A sum with one product more."""
        return self.times_plus(value, vector, so_far)

    def plus(self, x, y):
        """What was in C, and a sum."""
        return self.builder.fadd(x, y)

    def _multiply_add(self, sums, rows, b_at, b_k) -> dict:
        """The sums with one k more. rows: addresses of A's elements; b_at: of the row of B."""
        b, tile = self.builder, self.tile
        vectors = [self.load(self.place(b_at, offset), self.masks[j] if tile.direct else None)
                   for j, offset in enumerate(self.offsets)]
        if self.ahead is not None:
            for offset in self.offsets[::max(1, LINE // (tile.lanes * tile.itemsize))]:
                prefetch(b, self.place(b.add(b_at, self.ahead), offset), 0, 2)
        added = {}
        for i, row in enumerate(rows):
            value = self.number(row)
            for j in range(tile.vectors):
                added[i, j] = self.more(value, vectors[j], sums[i, j])
        return added


def packing_tiles(dtype: str, lanes: int) -> list:
    """Tiles that pack B, floats of 16 bits as float32:

    copy_F(source, target, count)                            one vector, zeros from `count` on
    transpose_F(source, stride, target, step, rows, depth)   target[p * step + j] = source[j * stride + p], p < depth;
                                                             0 for rows <= j < lanes; at most `lanes` of each
    """
    short, wide, size = short_name(dtype), DTYPES[dtype].compute, DTYPES[dtype].itemsize
    read = ir.VectorType(ir.MEMORY_TYPES[dtype], lanes)

    def load(b, address, offset, mask):
        place = b.bitcast(b.gep(b.inttoptr(address, read.element.as_pointer()), [offset]), read.as_pointer())
        return widened(b, masked_load(b, place, mask, size), dtype)

    def copy(b, source, target, count):
        to, value = Registers(b, wide, lanes), load(b, source, ir.I64(0), inside(b, count, lanes))
        to.store(value, to.place(target, ir.I64(0)))

    def transpose(b, source, stride, target, step, rows, depth):
        to, mask, vectors = Registers(b, wide, lanes), inside(b, depth, lanes), []
        nothing = ir.Constant(mask.type, None)
        for j in range(lanes):
            some = b.select(b.icmp_signed("<", ir.I64(j), rows), mask, nothing)
            vectors.append(load(b, source, b.mul(stride, ir.I64(j)), some))
        for p, value in enumerate(transposed(b, vectors)):
            with b.if_then(b.icmp_signed("<", ir.I64(p), depth), likely=True):
                to.store(value, to.place(target, b.mul(step, ir.I64(p))))
    return [Tile(f"copy_{short}", 3, False, copy, functools.partial(_copied, dtype, lanes)),
            Tile(f"transpose_{short}", 6, False, transpose, functools.partial(_turned, dtype, lanes))]


def _copied(dtype, lanes, source, target, count):
    """What copy_F means."""
    given, wide = numpy_dtype(dtype), np.dtype(DTYPES[dtype].compute)
    count, out = max(0, min(count, lanes)), view(target, (lanes,), (wide.itemsize,), wide)
    out[:count] = view(source, (count,), (given.itemsize,), given)
    out[count:] = 0


def _turned(dtype, lanes, source, stride, target, step, rows, depth):
    """What transpose_F means."""
    given, wide = numpy_dtype(dtype), np.dtype(DTYPES[dtype].compute)
    size, item, rows, depth = given.itemsize, wide.itemsize, max(0, min(rows, lanes)), max(0, min(depth, lanes))
    out = view(target, (depth, lanes), (item * step, item), wide)
    out[:, :rows] = view(source, (depth, rows), (size, size * stride), given)
    out[:, rows:] = 0


def limit_tile(dtype: str, lanes: int, chains: int) -> Tile:
    """multiply_add(rounds, target) does rounds * chains fused multiply-adds of vectors
    in registers alone, and stores one vector: what the processor can do at most. The chains do not wait for each other:
    there must be more than the latency of the instruction times how many begin at once."""
    def emit(b, rounds, target):
        r = Registers(b, dtype, lanes)
        factor = splat(b, b.sitofp(rounds, r.element), r.kind)
        sums = {i: ir.Constant(r.kind, [float(i)] * lanes) for i in range(chains)}
        added = r.repeat(rounds, sums, lambda left, sums: (
            ir.I64(1), {i: r.times_plus(x, factor, factor) for i, x in sums.items()}))
        total = added[0]
        for i in range(1, chains):
            total = b.fadd(total, added[i])
        b.store(total, r.place(target)).align = 8
    return Tile("multiply_add", 2, False, emit, None)
