"""The native product of int8 with sums in int32, `gemm_i8`, and the convolution `conv_i8`; built from register tiles
(kgraph.kernels.dot_tile). `depthwise_i8` is written in kgraph.kernels.dot_channels.

Called as the products of kgraph.kernels.gemm are: gemm(word(args, K), m, n, k, a, a_m, a_k, b, b_k, b_n, c, c_m,
flags, scratch); C is int32. Of the flags, ADD and ONTO both add to C, MORE says nothing and IN_PARTS is not known.
KEEP_COLUMNS works for n <= COLUMNS and k <= WHOLE. Sums wrap around where int32 cannot hold them.

A block of DEPTH words of k of both is packed into words first, rows of A and panels of two vectors of columns of B;
what is not there is zero. Rows of A whose numbers do not lie side by side, and columns of a B of which neither do, are
laid so first.

    convolve_packed(routine, block, x, w, out, lo, hi, scratch)

makes rows lo to hi (of the band axis) of one image, as the routines of kgraph.kernels.conv do: of WINDOW_ROWS windows
at a time, packed from where the numbers lie, and all of the kernel, which is packed when WINDOW.transformed is 0.
Windows and kernel are whole rows of words there: depth is not cut.
"""
from __future__ import annotations

from types import SimpleNamespace

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.builder import both, differ, either, equal, least, most
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.loopnest.records import (
    ADD,
    IN_PANELS,
    KEEP_COLUMNS,
    ONTO,
    SAME_COLUMNS,
    WINDOW,
    WINDOW_ROWS,
)
from kgraph.kernels.dot_channels import Channels
from kgraph.kernels.dot_panels import panel_tiles
from kgraph.kernels.dot_tile import DotTile, dot_packing_tiles, group
from kgraph.kernels.gemm import HEADER, PACKED, Product
from kgraph.kernels.gemm_tile import walk_tile
from kgraph.kernels.routine import Routine

__all__ = ["ROUTINES", "function", "scratch", "tiles"]

ROUTINES = {"gemm_i8": "int8", "conv_i8": "int8", "depthwise_i8": "int8"}
DEPTH = 256    # words of a block
COLUMNS = 256  # of B that can be kept
BLOCKS = 4     # of k that can be kept
ROWS = 266     # of A that meet a panel
LITTLE = 64, 1, 84  # COLUMNS, BLOCKS and ROWS of a machine with little memory


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    writers = {"gemm_i8": _Product, "conv_i8": _Conv, "depthwise_i8": Channels}
    return writers[name].function(name, "products of int8")


def scratch() -> int:
    """Bytes that the routine needs for each thread: panels, rows of A, and numbers that are laid side by side."""
    columns, blocks, rows = _kept()
    return HEADER + 4 * (blocks * columns * (DEPTH + 1) + rows * DEPTH) + 4 * DEPTH * _pair()


def _kept() -> tuple:
    return LITTLE if machine().little else (COLUMNS, BLOCKS, ROWS)


def _pair() -> int:
    return 2 * machine().lanes(4)


def tiles() -> list:
    """The routine's Tiles."""
    lanes, known = machine().lanes(4), group()
    shapes = [DotTile("int32", lanes, *shape, column=False, direct=False, group=known)
              for shape in PACKED[machine().registers]]
    return [*dot_packing_tiles(lanes, known), walk_tile("walk_row", shapes), *panel_tiles(lanes, known)]


class _Product(Product):
    """Writes the product."""

    def __init__(self, name: str):
        super().__init__(name, "int32", tiles())
        self.group, (self.columns, blocks, self.rows) = group(), _kept()
        self.depth, self.whole, self.panels = self.group * DEPTH, self.group * DEPTH * blocks, blocks * self.columns

    def write(self):
        w, more = self.w, self.w.let("more", 0)
        with w.when(self._has(ADD | ONTO)):
            w.let(more, 1)
        self._end_without_terms()
        with w.when(self._has(IN_PANELS)):
            self._by_panels(more)
            w.end()
        self._in_blocks(more)

    def _in_blocks(self, more):
        w = self.w
        self.keep = w.let("keep", both(self._has(KEEP_COLUMNS), self.n <= self.columns, self.k <= self.whole))
        self.kept = w.let("kept", both(self._has(SAME_COLUMNS), self.keep))
        self.packed_a = w.let("packed_a", self.scratch + HEADER + 4 * self.panels * (DEPTH + 1))
        self.side = w.let("side", self.packed_a + 4 * self.rows * DEPTH)
        self.beside = w.buffer("beside", "int8", self.side, 2)
        with w.loop("p", 0, self.k, step=self.depth) as p:
            depth = w.let("depth", least(self.depth, self.k - p))
            words = w.let("words", (depth + self.group - 1) // self.group)
            with w.loop("r", 0, self.m, step=self.rows) as r:
                rows = w.let("rows", least(self.rows, self.m - r))
                self._pack_a("words_a", rows, depth, words, self.a + p * self.a_k + r * self.a_m)
                with w.loop("t", 0, self.n, step=self.pair) as t:
                    inside = w.let("inside", least(self.pair, self.n - t))
                    panel = self._panel(p, depth, r, t, inside)
                    w.do("walk_row", rows, words, self.packed_a, words, 1, panel, self.pair,
                         self.c + 4 * (r * self.c_m + t), self.c_m, inside, more)
            w.let(more, 1)

    def _by_panels(self, more):
        """The same by a B that was packed beforehand."""
        w, wide = self.w, 4 * DEPTH   # bytes of a row of packed A
        begins = w.let("begins", self.scratch + HEADER)
        self.packed_a = w.let("packed_a", begins + 4 * self.panels * (DEPTH + 1))
        self.side = w.let("side", self.packed_a + self.rows * wide)
        self.beside = w.buffer("beside", "int8", self.side, 2)
        with w.loop("p", 0, self.k, step=wide) as p:
            depth = w.let("depth", least(wide, self.k - p))
            lines = w.let("lines", (depth + 63) // 64)
            with w.loop("r", 0, self.m, step=self.rows) as r:
                rows = w.let("rows", least(self.rows, self.m - r))
                at, row = w.lets(a_at=self.a + p * self.a_k + r * self.a_m, a_row=self.a_m)
                with w.when(either(differ(self.a_k, 1), differ(depth % 64, 0))):   # else they are read where they are
                    self._pack_a("row_bytes", rows, depth, 16 * lines, at)
                    w.let(at, self.packed_a)
                    w.let(row, 64 * lines)
                with w.loop("i", 0, rows) as i:
                    w.do("row_beginning", at + i * row, 16 * lines, begins + 4 * i)
                with w.loop("t", 0, self.n, step=32) as t:
                    w.do("walk_panel", rows, lines, at, row, begins, self.b + t * self.b_n + 32 * p,
                         self.c + 4 * (r * self.c_m + t), self.c_m, least(32, self.n - t), more)
            w.let(more, 1)

    def _pack_a(self, tile, rows, depth, words, left):
        """So many words of each row, one row behind the other; each may write beyond its end what the next makes good.
        Rows that lie so are packed as one."""
        w, group = self.w, self.group if tile == "words_a" else 4
        many, long, step = w.lets(many=rows, long=depth, step=4 * words)
        with w.when(both(equal(self.a_k, 1), equal(self.a_m, depth), equal(depth, group * words))):
            w.let(many, 1)
            w.let(long, rows * depth)
        with w.loop("i", 0, many) as i:
            start = w.let("start", left + i * self.a_m)
            with w.when(differ(self.a_k, 1)):
                numbers = w.buffer("numbers", "int8", start, 3)
                with w.loop("q", 0, depth) as q:
                    w.store(self.beside[q], numbers[q * self.a_k])
                w.let(start, self.side)
            with w.loop("q", 0, most(long, group * words), step=group * self.lanes) as q:
                w.do(tile, start + q, self.packed_a + i * step + 4 * (q // group), long - q)

    def _panel(self, p, depth, r, t, inside):
        """Where words of B's columns t, t + 1 ... are, behind a row of what sums begin with; made now, unless it is
        done already."""
        w = self.w
        panel = w.let("panel", self.scratch + HEADER + 4 * self.pair)
        with w.when(self.keep):
            w.let(panel, panel + 4 * (p // self.depth * self.columns + t) * (DEPTH + 1))
        with w.when(both(call("not", self.kept), either(equal(r, 0), call("not", self.keep)))):
            self._pack_b(w.let("of", self.b + p * self.b_k + t * self.b_n), depth, inside, panel)
        return panel

    def _pack_b(self, of, depth, inside, panel):
        w, pair = self.w, self.pair
        turned = both(equal(self.b_k, 1), differ(self.b_n, 1))
        with w.when(turned), w.loop("h", 0, pair, step=self.lanes) as h:
            w.do("panel_b_turned", of + h * self.b_n, self.b_n, depth, panel + 4 * h, pair, inside - h)
        with w.otherwise():
            step = w.let("step", self.b_k)
            with w.when(differ(self.b_n, 1)):
                source = w.buffer("source", "int8", of, 4)
                with w.loop("q", 0, depth) as q, w.loop("h", 0, inside) as h:
                    w.store(self.beside[q * pair + h], source[q * self.b_k + h * self.b_n])
                w.let(of, self.side)
                w.let(step, pair)
            with w.loop("h", 0, pair, step=self.lanes) as h:
                w.do("panel_b", of + h, step, depth, panel + 4 * h, pair, inside - h)


class _Conv(Routine):
    """Writes the convolution."""

    def __init__(self, name: str):
        super().__init__(name, "block x weights out lo hi scratch", tiles())
        self.group, self.lanes, self.pair = group(), machine().lanes(4), _pair()
        self.size = 4 // self.group   # bytes of a number in a word

    def write(self):
        w = self.w
        g = w.record("g", WINDOW, self.block, 0)
        self.channels, self.filters, band = w.lets(channels=g.near_channels, filters=g.far_channels, band=g.band)
        self.groups = w.let("groups", g.groups)
        fields = "size outs taps stride dilation low near_step far_step".split()
        self.axes = [SimpleNamespace(**{f: w.let(f"{f}{k}", getattr(g.axes[k], f)) for f in fields}) for k in range(3)]
        self.terms = w.let("terms", self.axes[0].taps * self.axes[1].taps * self.axes[2].taps * self.channels)
        self.words = w.let("words", (self.terms + self.group - 1) // self.group)
        self.panels = w.let("panels", self.scratch + 4 * (WINDOW_ROWS * self.words + self.lanes))
        with w.when(equal(g.transformed, 0)):
            self._pack_kernel()
            w.store(g.transformed, 1)
        with w.loop("of_group", 0, self.groups) as of_group:
            self.of_group = of_group
            self._walk(band)

    def _panel(self, of_group, t):
        wide = (self.filters + self.pair - 1) // self.pair * self.pair
        return self.panels + 4 * ((of_group * wide + t) * (self.words + 1) + self.pair)

    def _pack_kernel(self):
        w = self.w
        with w.loop("of", 0, self.groups) as of, w.loop("t", 0, self.filters, step=self.pair) as t, \
                w.loop("h", 0, self.pair, step=self.lanes) as h:
            w.do("panel_b", self.weights + of * self.filters + t + h, self.groups * self.filters, self.terms,
                 self._panel(of, t) + 4 * h, self.pair, self.filters - t - h)

    def _walk(self, band):
        """Places in order; as many together as lie at one distance from each other in the result."""
        w, (first, middle, last) = self.w, self.axes
        inner = w.let("inner", 1)   # places of a row of the band axis, before which all axes have one place
        with w.when(band < 2):
            w.let(inner, last.outs)
        with w.when(band < 1):
            w.let(inner, last.outs * middle.outs)
        dense = w.let("dense", both(either(band > 1, equal(middle.far_step, last.outs * last.far_step)),
                                    either(band > 0, equal(first.far_step, middle.outs * middle.far_step))))
        self.at = [w.let(f"at{k}", 0) for k in range(3)]
        for k, place in enumerate(self.at):
            with w.when(equal(band, k)):
                w.let(place, self.lo)
        left = w.let("left", (self.hi - self.lo) * inner)
        with w.during(left > 0):
            rows = w.let("rows", least(WINDOW_ROWS, left))
            with w.when(call("not", dense)):
                w.let(rows, least(rows, last.outs - self.at[2]))
            target = self.out + 4 * self.of_group * self.filters
            for o, axis in zip(self.at, self.axes):
                target = target + 4 * o * axis.far_step
            target = w.let("target", target)
            with w.loop("i", 0, rows) as i:
                self._pack_window(self.scratch + 4 * i * self.words)
                self._next()
            with w.loop("t", 0, self.filters, step=self.pair) as t:
                w.do("walk_row", rows, self.words, self.scratch, self.words, 1, self._panel(self.of_group, t),
                     self.pair, target + 4 * t, last.far_step, least(self.pair, self.filters - t), 0)
            w.let(left, left - rows)

    def _next(self):
        """The next place, the last axis fastest."""
        w, (first, middle, last) = self.w, self.at
        w.let(last, last + 1)
        with w.when(last >= self.axes[2].outs):
            w.let(last, 0)
            w.let(middle, middle + 1)
            with w.when(middle >= self.axes[1].outs):
                w.let(middle, 0)
                w.let(first, first + 1)

    def _pack_window(self, to):
        """The window at this place, tap by tap; each may write beyond its end what the next one makes good."""
        w, axes = self.w, self.axes
        place = w.let("place", to)
        first = [w.let(f"first{k}", o * axis.stride - axis.low) for k, (o, axis) in enumerate(zip(self.at, axes))]
        taps, side = w.lets(taps=axes[2].taps, side=self.channels)
        with w.when(both(equal(axes[2].dilation, 1), equal(axes[2].near_step, self.channels), first[2] >= 0,
                         first[2] + taps <= axes[2].size)):   # taps that lie side by side, all of them inside
            w.let(side, taps * self.channels)
            w.let(taps, 1)
        with w.loop("tap0", 0, axes[0].taps) as tap0, w.loop("tap1", 0, axes[1].taps) as tap1:
            near = [w.let(f"near{k}", first[k] + tap * axes[k].dilation) for k, tap in enumerate((tap0, tap1))]
            line = self.x + near[0] * axes[0].near_step + near[1] * axes[1].near_step
            line = w.let("line", line + self.of_group * self.channels)
            outside = w.let("outside", either(near[0] < 0, near[0] >= axes[0].size, near[1] < 0,
                                              near[1] >= axes[1].size))
            with w.loop("tap2", 0, taps) as tap2:
                self._pack_tap(line, w.let("near2", first[2] + tap2 * axes[2].dilation), outside, place, side)
                w.let(place, place + self.size * side)

    def _pack_tap(self, line, near, outside, place, side):
        """``side`` numbers from a place of a line on, zeros where that is outside."""
        w, axis = self.w, self.axes[2]
        start, inside = w.lets(start=line + near * axis.near_step, inside=side)
        with w.when(either(outside, near < 0, near >= axis.size)):
            w.let(start, self.x)
            w.let(inside, 0)
        with w.loop("q", 0, side, step=self.group * self.lanes) as q:
            w.do("words_a", start + q, place + self.size * q, inside - q)
