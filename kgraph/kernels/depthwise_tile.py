"""The register tile of convolutions whose channels do not mix: neighbouring outputs of a row, whose taps along the row
are written out, so that an input that is loaded once serves all outputs and taps that read it.

    depthwise_tile_VECTORS(rows, taps, x, x_column, x_row, kernel, tap_column, tap_row, out, out_step, columns, first,
                           size, finish, beside)

out[i, j] = sum over p < taps, q < TAPS of x[p, STRIDE * i + q, j] * kernel[p, q, j], finished (kgraph.kernels.finish),
for i < rows and j < columns. Addresses and distances are bytes. Place c of a row of x is there where 0 <= first + c <
size; taps that meet none are left out. Each output must meet one at least. A tile of one vector masks columns from
``columns`` on; wider ones are for full vectors only.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.finish import finished, meaning
from kgraph.kernels.registers import GROUP, Registers, by, function, inside, opaque

__all__ = ["DepthwiseTile", "depthwise_tiles"]

OPERANDS = 15


@dataclass(frozen=True)
class DepthwiseTile:
    """rows x vectors of ``lanes`` elements; taps and stride along a row."""

    dtype: str
    lanes: int
    rows: int
    vectors: int
    taps: int
    stride: int

    @property
    def name(self) -> str:
        return f"depthwise_tile_{self.taps}_{self.stride}_{self.rows}_{self.vectors}"

    @property
    def itemsize(self) -> int:
        return DTYPES[self.dtype].itemsize

    @property
    def places(self) -> int:
        """Of a row of the input."""
        return (self.rows - 1) * self.stride + self.taps

    def write(self, builder, *arguments):
        """The instructions of a function of this tile."""
        _Writer(self, builder).write(*arguments)


def depthwise_tiles(shapes) -> list:
    """The Tiles of these shapes, one for each number of vectors."""
    by_vectors: dict = {}
    for shape in shapes:
        by_vectors.setdefault(shape.vectors, []).append(shape)
    return [Tile(f"depthwise_tile_{vectors}", OPERANDS, False, functools.partial(_call, same),
                 functools.partial(_meaning, same[0])) for vectors, same in by_vectors.items()]


def _call(tiles, b, rows, *values):
    """A call of the function for so many rows."""
    after = b.append_basic_block("after")
    switch = b.switch(rows, after)
    for tile in tiles:
        block = b.append_basic_block(f"rows_{tile.rows}")
        switch.add_case(ir.I64(tile.rows), block)
        b.position_at_end(block)
        b.call(function(b.module, tile.name, OPERANDS - 1, tile.write), values)
        b.branch(after)
    b.position_at_end(after)


def _meaning(tile, rows, taps, x, x_column, x_row, kernel, tap_column, tap_row, out, out_step, columns, first, size,
             finish, beside):
    """What depthwise_tile_VECTORS means."""
    dtype, wide = np.dtype(tile.dtype), min(columns, tile.lanes * tile.vectors)
    sums, weights = np.zeros((rows, wide), dtype), view(kernel, (taps, tile.taps, wide),
                                                        (tap_row, tap_column, dtype.itemsize), dtype)
    for i in range(rows):
        for q in range(tile.taps):
            c = i * tile.stride + q
            if 0 <= first + c < size:
                read = view(x + c * x_column, (taps, wide), (x_row, dtype.itemsize), dtype)
                sums[i] += (read * weights[:, q]).sum(0)
    view(out, (rows, wide), (out_step, dtype.itemsize), dtype)[...] = meaning(sums, out, out_step, finish, beside)


class _Writer(Registers):
    """Writes the body of one tile's function."""

    def __init__(self, tile: DepthwiseTile, builder):
        super().__init__(builder, tile.dtype, tile.lanes)
        self.tile = tile
        self.cells = [(i, j) for i in range(tile.rows) for j in range(tile.vectors)]

    def write(self, taps, x, x_column, x_row, kernel, tap_column, tap_row, out, out_step, columns, first, size, finish,
              beside):
        b, tile = self.builder, self.tile
        self.mask = inside(b, columns, tile.lanes) if tile.vectors == 1 else None
        self.x_column, self.tap_column = x_column, tap_column
        self.there = {c: b.icmp_unsigned("<", b.add(first, ir.I64(c)), size) for c in range(tile.places)
                      if c < tile.taps - 1 or c > (tile.rows - 1) * tile.stride}
        bases = {("x", g): opaque(b, b.add(x, b.mul(x_column, ir.I64(c))))
                 for g, c in enumerate(range(0, tile.places, GROUP))}
        steps = {"kernel": by(tap_row), **{key: by(x_row, hidden=True) for key in bases}}
        carried = {"kernel": kernel, **bases, **dict.fromkeys(self.cells, self.full(0.0))}
        found = self.repeat(taps, carried, lambda left, carried: (ir.I64(1), self._row(carried)), steps)
        rows = [b.add(out, b.mul(out_step, ir.I64(i))) for i in range(tile.rows)]
        done = finished(self, {ij: found[ij] for ij in self.cells}, rows, [self.mask] * tile.vectors, finish, beside)
        for i, j in self.cells:
            self.store(done[i, j], self._vector(rows[i], j), self.mask)
        b.ret_void()

    def _vector(self, address, j):
        """Where vector j of a row lies."""
        return self.place(self.builder.add(address, ir.I64(self.lanes * self.item * j)) if j else address)

    def _row(self, carried) -> dict:
        """The sums with one row of taps more: place by place, so that each output meets its taps in their order."""
        b, tile = self.builder, self.tile
        weights = {(q, j): self.load(self._vector(b.add(carried["kernel"], b.mul(self.tap_column, ir.I64(q))), j),
                                     self.mask) for q in range(tile.taps) for j in range(tile.vectors)}
        bases = [carried["x", g] for g in range(-(-tile.places // GROUP))]
        sums = {ij: carried[ij] for ij in self.cells}
        for c, place in enumerate(self.rows_of(bases, self.x_column, tile.places, GROUP)):
            met = [(i, c - i * tile.stride) for i in range(tile.rows) if 0 <= c - i * tile.stride < tile.taps]
            add = functools.partial(self._add, sums, weights, place, met)
            more = add() if c not in self.there else self.where(
                self.there[c], add, {(i, j): sums[i, j] for i, _ in met for j in range(tile.vectors)}, likely=True)
            sums = {**sums, **more}
        return sums

    def _add(self, sums, weights, place, met) -> dict:
        """What meets one place of the input: pairs of an output and its tap."""
        read = [self.load(self._vector(place, j), self.mask) for j in range(self.tile.vectors)]
        return {(i, j): self.times_plus(x, weights[q, j], sums[i, j]) for i, q in met for j, x in enumerate(read)}
