"""Native convolutions over channels-last images whose channels do not mix, for windows of a few taps.

    depthwise_TAPS_STRIDE_TYPE(block, x, kernel, out, lo, hi)   output rows lo to hi (of the band axis) of one image

TAPS and STRIDE are those of the last axis. As kgraph.kernels.conv has them, but: windows lie side by side (dilation 1),
each output meets one place of the input at least, a data gradient (kind 1) moves by one, and the block needs no
segments: rows of taps that lie outside are left out, places outside by the register tile
(kgraph.kernels.depthwise_tile). What the block says in ``finish`` is done before outputs are stored, if it has the
address of that in ``finishes``.

A strip of channels is made for all rows before the next one: so a row of the input is in the first-level cache while
rows of outputs meet it.
"""
from __future__ import annotations

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.builder import equal, least, most
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.records import DEPTHWISE_STRIDES, DEPTHWISE_TAPS
from kgraph.kernels.conv import Driver
from kgraph.kernels.depthwise_tile import DepthwiseTile, depthwise_tiles

__all__ = ["ROUTINES", "function", "scratch", "tile_shapes"]

MOST_ROWS = 8  # of a tile
FEW_ROWS = 4   # of one for what wider tiles leave over
ROUTINES = tuple(f"depthwise_{taps}_{stride}_{t}" for t in ("f32", "f64") for taps in DEPTHWISE_TAPS
                 for stride in DEPTHWISE_STRIDES)


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return _Depthwise.function(name, "convolutions")


def scratch() -> int:
    """The routines need no memory but the block."""
    return 0


def tile_shapes(name: str) -> list:
    """The tiles of this machine that a routine uses: sums, a row of taps and two inputs must fit into registers."""
    _, taps, stride, short = name.split("_")
    dtype, registers = "float32" if short == "f32" else "float64", machine().registers - 2
    lanes, taps = machine().lanes(DTYPES[dtype].itemsize), int(taps)
    widths = [v for v in (2, 1) if v == 1 or registers >= v * (MOST_ROWS + taps)]
    most_rows = lambda v: min(MOST_ROWS if v == widths[0] else FEW_ROWS, registers // v - taps)
    return [DepthwiseTile(dtype, lanes, rows, vectors, taps, int(stride)) for vectors in widths
            for rows in range(1, 1 + most_rows(vectors))]


class _Depthwise(Driver):
    """Writes a routine."""

    def __init__(self, name: str):
        self.chosen = tile_shapes(name)
        super().__init__(name, "block x kernel out lo hi", self.chosen, depthwise_tiles(self.chosen))

    def write(self):
        w, g, item, (_, ys, xs) = self.w, self.g, self.item, self.axes
        self.low_y, self.low_x, self.tap_row, self.tap_column, self.taps_at = w.lets(
            low_y=ys.low, low_x=xs.low, tap_row=item * ys.tap_step, tap_column=item * xs.tap_step, taps_at=self.kernel)
        with w.when(equal(g.kind, 1)):  # walked backwards it is a convolution too, with its taps in the other order
            w.let(self.taps_at, self.kernel + (ys.taps - 1) * self.tap_row + (xs.taps - 1) * self.tap_column)
            w.lets(low_y=ys.taps - 1 - ys.low, low_x=xs.taps - 1 - xs.low)
            w.lets(tap_row=-self.tap_row, tap_column=-self.tap_column)
        top, bottom, self.left, self.right = w.lets(top=self.lo, bottom=self.hi, left=0, right=xs.outs)
        with w.when(equal(g.band, 2)):
            w.lets(top=0, bottom=1, left=self.lo, right=self.hi)
        wide, self.tall = w.let("wide", self.right - self.left), {}
        for tile in self.chosen:  # tiles of about one height; the tallest of each width comes last
            self.tall[tile.vectors] = most(1, -(-wide // most(1, -(-wide // tile.rows))))
        self.tall = {vectors: w.let(f"tall_{vectors}", tall) for vectors, tall in self.tall.items()}
        widest, j = max(self.tall), w.let("j", 0)
        with w.during(j < g.far_channels):
            columns = w.let("columns", g.far_channels - j)
            if widest > 1:
                with w.when(columns >= widest * self.lanes):
                    self._strip(widest, top, bottom, j, columns)
                with w.otherwise():
                    self._strip(1, top, bottom, j, columns)
            else:
                self._strip(1, top, bottom, j, columns)

    def _strip(self, vectors: int, top, bottom, j, columns):
        """So many vectors of channels from the j-th on, row by row."""
        w = self.w
        beside = w.let("beside", self.item * j)
        with w.loop("y", top, bottom) as y:
            self._row(vectors, y, beside, columns)
        w.let(j, j + self.lanes * vectors)

    def _row(self, vectors: int, y, beside, columns):
        w, item, (_, ys, xs) = self.w, self.item, self.axes
        row = w.let("row", y * ys.stride - self.low_y)
        skip = w.let("skip", most(0, -row))
        taps = w.let("taps", least(ys.taps, ys.size - row) - skip)
        kernel, near, far = w.lets(
            kernel_at=self.taps_at + skip * self.tap_row, near=self.x + item * ((row + skip) * ys.near_step),
            far=self.out + item * (y * ys.far_step))
        tall = self.tall[vectors]
        with w.loop("i", self.left, self.right, step=tall) as i:
            first = w.let("first", i * self.chosen[0].stride - self.low_x)
            w.do(f"depthwise_tile_{vectors}", least(tall, self.right - i), taps,
                 near + beside + item * (first * xs.near_step), item * xs.near_step, item * ys.near_step,
                 kernel + beside, self.tap_column, self.tap_row, far + beside + item * (i * xs.far_step),
                 item * xs.far_step, columns, first, xs.size, self.g.finishes, beside)
