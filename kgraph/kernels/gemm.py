"""The native matrix products `gemm_f32`, `gemm_f64`, and `gemm_bf16` and `gemm_f16`, whose A and B have 16 bits and C
float32; built from register tiles (kgraph.kernels.gemm_tile).

    gemm(word(args, K), m, n, k, a, a_m, a_k, b, b_k, b_n, c, c_m, flags, scratch)

C[i, j] (+)= sum over p of A[i, p] B[p, j], for i < m, j < n, p < k. a, b, c, scratch are addresses in bytes; a_m, a_k,
b_k, b_n, c_m are strides in elements, of any sign and size (a_m from row to row of A, ...); a row of C is contiguous.
C overlaps neither A nor B. flags is a sum of those of kgraph.compiler.loopnest.records:

    ADD           add to C instead of replacing it: what it holds was made by calls with flag MORE and this scratch,
                  which came just before
    ONTO          add to C, whatever made it, in its own type
    MORE          calls with flag ADD for the same C will follow
    SAME_COLUMNS  B is the same as in the last call with this scratch, which had flag KEEP_COLUMNS: what was packed then
                  is used again
    KEEP_COLUMNS  keep the packed B for calls with flag SAME_COLUMNS that follow in the same kernel call (for
                  n <= COLUMNS and k <= WHOLE; else these two have no effect)
    IN_PANELS     B was packed beforehand, in panels of PANEL bytes a row: b is where one begins, b_k is how far apart
                  its rows are, b_n times its columns how far apart panels are
    IN_PARTS      do a share of the sums, for m * n <= RESULT: they are made of up to PARTS parts. The scratch begins
                  with a record, SHARE: the caller gives lo, hi, units, done and routine; ``last`` becomes 1 if the call
                  was the last to finish, and has added up the parts in C, else 0
    FINISHES      C is finished before it is stored (kgraph.kernels.finish), as the record that the scratch begins with,
                  SHARE, says; for k <= MOST_FINISHED and without the flags ADD, MORE, ONTO and IN_PARTS; of floats only

Every thread has a scratch of its own, of `scratch()` bytes; the runtime adds it to the scratch of a kernel with such a
routine among its arguments, behind the kernel's own. An element is made of chains of DEPTH multiply-adds in the order
of p, which for m * n <= TOTALS are added up by way of wide sums; so it depends neither on the blocks that a kernel cuts
C into, nor on how threads share it.

How to call it well. With few rows (FEW) B is read where it is, if its rows are contiguous or in panels: DEPTH of k by
COLUMNS at a time, which stay in the second-level cache until all rows have met them. Else B is packed, a panel of two
vectors by DEPTH of k at a time, just before all rows use it. So a kernel whose epilogue wants C in cache cuts C into
blocks of BLOCK_ROWS by BLOCK_COLUMNS, rows of all columns where n <= COLUMNS, and sets KEEP_COLUMNS if there are
several such blocks, SAME_COLUMNS as well from the second on; without an epilogue one call for all rows is best. With so
few rows that reading B takes the time, threads share the sums: each reads whole rows of B, where the columns of others
would come into its cache too.
"""
from __future__ import annotations

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.dims import in_lines
from kgraph.compiler.loopnest.builder import both, differ, either, equal, least, most
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.loopnest.records import (
    ADD,
    BLOCK_COLUMNS,
    BLOCK_ROWS,
    FINISHES,
    IN_PANELS,
    IN_PARTS,
    KEEP_COLUMNS,
    MORE,
    ONTO,
    PANEL,
    PARTS,
    RESULT,
    SAME_COLUMNS,
    SHARE,
)
from kgraph.kernels.gemm_tile import GemmTile, PackedTile, PanelTile, packing_tiles, walk_tile
from kgraph.kernels.routine import Routine
from kgraph.kernels.wide import BLOCK as DEPTH
from kgraph.kernels.wide import PARTS as BLOCKS
from kgraph.kernels.wide import add_part

__all__ = ["COLUMNS", "FEW", "HEADER", "PACKED", "ROUTINES", "TOTALS", "WHOLE", "InBlocks", "Product", "function",
           "scratch", "tiles"]

COLUMNS = 512   # of B that are read in place before the next DEPTH of k; with KEEP_COLUMNS: that can be kept
WHOLE = 2048    # with KEEP_COLUMNS: up to this k
ROWS = 252      # rows of A that meet a panel: they stay in the second-level cache; a multiple of the tiles' heights
FEW = {32: 56, 16: 8}  # rows up to which packing B does not pay, by the number of vector registers
WIDE = 48       # columns of C from which it pays to pack an A whose rows are neighbours
LEAST = 64      # of at least so many terms,
TOTALS = BLOCK_ROWS * BLOCK_COLUMNS  # elements of the largest C that has wide sums
HEADER = in_lines(8 * SHARE.words)  # bytes that the scratch begins with
LITTLE = 64, 256, 84  # COLUMNS, WHOLE and ROWS of a machine with little memory

ROUTINES = {f"gemm_{t.short}": t.name for t in DTYPES.values() if t.is_float and t.compute}
# (rows, vectors) of the tiles by the number of vector registers: the sums, a row of B and one element of A must fit.
# In _DIRECT, B is read where it is: there wide tiles make up for few rows. In _IN_PANELS too, and once by up to 8 rows.
PACKED = {32: ((14, 2), (14, 1), (8, 2), (4, 2), (2, 2), (1, 2)), 16: ((6, 2), (6, 1), (4, 2), (2, 2), (1, 2))}
_DIRECT = {32: ((14, 2), (14, 1), (8, 2), (4, 4), (4, 2), (2, 8), (2, 2), (1, 8), (1, 2)),
           16: ((6, 2), (6, 1), (4, 2), (2, 4), (2, 2), (1, 8), (1, 2))}
_IN_PANELS = {32: ((14, 2), (8, 2), (7, 2), (6, 2), (5, 2), (4, 4), (4, 2), (3, 4), (3, 2), (2, 8), (2, 2), (1, 8),
                   (1, 2)),
              16: ((6, 2), (5, 2), (4, 2), (3, 4), (3, 2), (2, 4), (2, 2), (1, 8), (1, 2))}


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return _Product.function(name, "products")


def scratch() -> int:
    """Bytes that a routine of this machine needs for each thread: a header, what is packed, parts and wide sums, all as
    large as float64."""
    return HEADER + 8 * (_packed() + PARTS * RESULT + TOTALS)


def _kept() -> tuple:
    return LITTLE if machine().little else (COLUMNS, WHOLE, ROWS)


def _packed() -> int:
    """Numbers of packed B and packed A."""
    columns, whole, rows = _kept()
    return whole * columns + rows * DEPTH * 3 // 2


def tiles(name: str) -> list:
    """The Tiles of a routine."""
    dtype = DTYPES[ROUTINES[name]].compute
    item, registers = DTYPES[dtype].itemsize, machine().registers
    lanes = machine().lanes(item)
    walks = {**{name: [PackedTile(dtype, lanes, *shape, column=column, direct=False) for shape in PACKED[registers]]
                for name, column in (("walk_row", False), ("walk_column", True))},
             "walk_direct": [GemmTile(dtype, lanes, *shape, column=False, direct=True) for shape in _DIRECT[registers]],
             "walk_panels": [PanelTile(dtype, lanes, *shape, column=False, direct=True, panel=PANEL // item)
                             for shape in _IN_PANELS[registers]]}
    return [*packing_tiles(ROUTINES[name], lanes), *(walk_tile(walk, chosen) for walk, chosen in walks.items())]


class Product(Routine):
    """What the drivers of products have in common. dtype: of C and of sums."""

    def __init__(self, name: str, dtype: str, tiles):
        super().__init__(name, "m n k a a_m a_k b b_k b_n c c_m flags scratch", tiles)
        self.dtype, self.item = dtype, DTYPES[dtype].itemsize
        self.zero = call(short_name(dtype), 0.0 if DTYPES[dtype].is_float else 0)
        self.lanes = machine().lanes(self.item)
        self.pair = 2 * self.lanes

    def _has(self, flag: int):
        return differ(self.flags & flag, 0)

    def _end_without_terms(self):
        """If there is nothing to add up, that is all: the result is zeros, unless it is added to."""
        w = self.w
        with w.when(both(self.k <= 0, equal(self.flags & (ADD | ONTO), 0))):
            zeros = w.buffer("zeros", self.dtype, self.c, 20)
            with w.loop("i", 0, self.m) as i, w.loop("j", 0, self.n) as j:
                w.store(zeros[i * self.c_m + j], self.zero)
        with w.when(either(self.k <= 0, self.m <= 0, self.n <= 0)):
            w.end()


class InBlocks(Product):
    """A product by blocks of k, each of which adds a part to C; threads may share the blocks of one with few rows.
    Subclasses say what a block does. read: the type of A and B; depth: terms of a block."""

    def __init__(self, name: str, read: str, dtype: str, tiles, depth: int):
        super().__init__(name, dtype, tiles)
        self.read, self.cast, self.block = DTYPES[read], short_name(dtype), depth
        self.size = self.read.itemsize
        self.columns, self.whole, self.rows = _kept()

    def write(self):
        w = self.w
        with w.when(self._has(IN_PARTS)):
            self._in_parts()
            w.end()
        self._end_without_terms()
        self._in_blocks()

    # --- parts ------------------------------------------------------------------------------------------------------

    def _in_parts(self):
        """This call's share of the parts, each in scratch; all of them added up if it is the last."""
        w, k, scratch = self.w, self.k, self.scratch
        mine = w.record("mine", SHARE, scratch, 3)
        done = w.let("done", mine.done)
        places = w.buffer("places", "int64", done + 8, 4)
        length = w.let("length", most(LEAST, (k + PARTS - 1) // PARTS))
        parts = w.let("parts", (k + length - 1) // length)
        first, end = w.let("first", mine.lo * parts // mine.units), w.let("end", mine.hi * parts // mine.units)
        with w.loop("p", first, end) as p:
            skip = w.let("skip", self.size * p * length)
            w.store(places[p], scratch + HEADER + 8 * _packed() + self.item * p * self.m * self.n)
            w.do("gemm", mine.routine, self.m, self.n, least(length, k - p * length), self.a + skip * self.a_k,
                 self.a_m, self.a_k, self.b + skip * self.b_k, self.b_k, self.b_n, places[p], self.n,
                 self.flags & IN_PANELS, scratch)
        w.store(mine.last, 0)
        with w.when(both(first < end, equal(call("atomic_add", done, end - first) + end - first, parts))):
            w.do("store_release", done, 0)
            w.store(mine.last, 1)
            self._add_up(parts, places)

    def _add_up(self, parts, places):
        w, total = self.w, self.w.buffer("total", self.dtype, self.c, 20)
        with w.loop("p", 0, parts) as p:
            part = w.buffer("part", self.dtype, places[p], 2)
            with w.loop("i", 0, self.m) as i, w.loop("j", 0, self.n) as j:
                with w.when(equal(p, 0)):
                    w.store(total[i * self.c_m + j], self.zero)
                w.accumulate(total[i * self.c_m + j], part[i * self.n + j])

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _in_blocks(self):
        """A block of k at a time."""
        w, state = self.w, self.w.record("state", SHARE, self.scratch, 3)
        totals = w.let("totals", self.scratch + HEADER + 8 * (_packed() + PARTS * RESULT))
        blocks, begun = w.let("blocks", 0), w.let("begun", 0)
        if DTYPES[self.dtype].is_float:
            with w.when(self._has(ADD)):
                w.let(blocks, state.blocks)
                w.let(begun, state.begun)
            with w.when(self._has(ONTO)):
                w.let(blocks, 1)
        else:  # sums of integers need no help: what is in C is as good as what calls before have made
            with w.when(self._has(ADD | ONTO)):
                w.let(blocks, 1)
        self._begin()
        with w.loop("p", 0, self.k, step=self.block) as p:
            self._part(p, w.let("depth", least(self.block, self.k - p)), blocks)
            w.let(blocks, blocks + 1)
            if DTYPES[self.dtype].is_float:
                self._widen_sums(p, blocks, begun, totals)
        with w.when(self._has(MORE)):
            w.fill(state, blocks=blocks, begun=begun)

    def _widen_sums(self, p, blocks, begun, totals):
        """After BLOCKS blocks, and at the end of what has begun so."""
        w, last = self.w, self.w.let("last", 0)
        with w.when(both(p + self.block >= self.k, equal(self.flags & MORE, 0))):
            w.let(last, 1)
        full = both(equal(blocks, BLOCKS), equal(last, 0))
        with w.when(both(self.m * self.n <= TOTALS, either(full, differ(begun * last, 0)))):
            add_part(w, self.dtype, self.c, totals, self.m, self.n, self.c_m, begun, last)
            w.let(blocks, 0)
            w.let(begun, 1)

    def _begin(self):
        """What is done before the first block."""
        raise NotImplementedError

    def _part(self, p, depth, blocks):
        """Add the block that begins at p to C, or store it where ``blocks`` is 0."""
        raise NotImplementedError


class _Product(InBlocks):
    """Writes a routine of this file: packing and edges around its tiles."""

    def __init__(self, name: str):
        read = ROUTINES[name]
        super().__init__(name, read, DTYPES[read].compute, tiles(name), DEPTH)
        self.tall = PACKED[machine().registers][0][0]
        self.strip, self.rows = -(-self.tall // self.lanes) * self.lanes, self.rows // self.tall * self.tall

    def _begin(self):
        """Locals: whether B is read where it is; is kept; was kept. The address of packed A."""
        w, few = self.w, both(equal(self.b_n, 1), self.m <= FEW[machine().registers])
        self.panels = w.let("panels", self._has(IN_PANELS))
        not_yet = call("not", self.panels)
        self.few = w.let("few", both(self.panels, self.m <= FEW[machine().registers]))
        self.direct = w.let("direct", False if self.read.is_narrow else both(few, not_yet))
        self.keep = w.let("keep", both(self._has(KEEP_COLUMNS), self.n <= self.columns, self.k <= self.whole))
        self.line = w.let("line_b", self.pair)  # how far apart rows of packed B are
        with w.when(self.panels):
            w.let(self.line, self.b_k)
        self.ahead = w.let("ahead", 0)
        self.kept = w.let("kept", both(self._has(SAME_COLUMNS), self.keep))
        self.packed_a = w.let("packed_a", self.scratch + HEADER + self.item * self.whole * self.columns)

    def _part(self, p, depth, blocks):
        w = self.w
        self.finish = w.let("finish", 0)
        with w.when(both(self._has(FINISHES), p + depth >= self.k)):
            w.let(self.finish, self.scratch + 8 * SHARE.place("finish"))
        with w.when(self.direct), w.loop("t", 0, self.n, step=self.columns) as t:
            w.do("walk_direct", self.m, depth, self.a + self.size * p * self.a_k, self.a_m, self.a_k,
                 self.b + self.size * (p * self.b_k + t), self.b_k, self.c + self.item * t, self.c_m,
                 least(self.columns, self.n - t), blocks, self.finish, self.item * t)
        with w.when(self.few), w.loop("t", 0, self.n, step=self.columns) as t:
            w.do("walk_panels", self.m, depth, self.a + self.size * p * self.a_k, self.a_m, self.a_k,
                 self.b + self.size * (p * self.b_k + t * self.b_n), self.b_k, self.c + self.item * t, self.c_m,
                 least(self.columns, self.n - t), blocks, self.finish, self.item * t, self.b_n)
        with w.when(either(self.direct, self.few)):
            left_over = w.let("left_over", 0)
        with w.otherwise():
            w.let(left_over, self.m)
        with w.loop("r", 0, left_over, step=self.rows) as r:
            rows = w.let("rows", least(self.rows, self.m - r))
            left = w.let("left", self.a + self.size * (p * self.a_k + r * self.a_m))
            line = (self._widen_a if self.read.is_narrow else self._pack_a)(rows, depth, left)
            with w.loop("t", 0, self.n, step=self.pair) as t:
                inside = w.let("inside", least(self.pair, self.n - t))
                into = w.let("into", self.c + self.item * (r * self.c_m + t))
                panel = self._panel(p, depth, r, t, inside)
                if self.read.is_narrow:
                    self._walk("row", rows, depth, self.packed_a, line, 1, panel, into, inside, blocks, t)
                else:
                    self._walk_where_it_is(rows, depth, left, panel, into, inside, blocks, t)

    def _walk(self, what, rows, depth, a, a_m, a_k, panel, into, inside, blocks, t):
        self.w.do(f"walk_{what}", rows, depth, a, a_m, a_k, panel, self.line, into, self.c_m, inside, blocks,
                  self.finish, self.item * t, self.ahead)

    def _walk_where_it_is(self, rows, depth, left, panel, into, *rest):
        """The walk over an A that is not widened: where it is, or as it was packed."""
        w = self.w
        with w.when(differ(self.a_m, 1)):
            self._walk("row", rows, depth, left, self.a_m, self.a_k, panel, into, *rest)
        with w.otherwise():
            with w.when(self.n >= WIDE), w.loop("i", 0, rows, step=self.tall) as i:
                strip = w.let("strip", self.packed_a + self.item * self.strip * (i // self.tall * depth))
                self._walk("column", least(self.tall, rows - i), depth, strip, 1, self.strip, panel,
                           into + self.item * i * self.c_m, *rest)
            with w.otherwise():
                self._walk("column", rows, depth, left, 1, self.a_k, panel, into, *rest)

    # --- packing ----------------------------------------------------------------------------------------------------

    def _copy(self, source, target, count):
        self.w.do(f"copy_{self.read.short}", source, target, count)

    def _transpose(self, source, stride, target, step, rows, depth):
        self.w.do(f"transpose_{self.read.short}", source, stride, target, step, rows, depth)

    def _pack_a(self, rows, depth, left):
        """A whose rows are neighbours, in strips of the tallest tile."""
        w = self.w
        with w.when(both(equal(self.a_m, 1), self.n >= WIDE)), w.loop("q", 0, depth) as q, \
                w.loop("i", 0, rows, step=self.tall) as i:
            to = w.let("to", self.packed_a + self.item * self.strip * (i // self.tall * depth + q))
            with w.loop("h", 0, self.strip, step=self.lanes) as h:
                self._copy(left + self.size * (q * self.a_k + i + h), to + self.item * h, rows - i - h)

    def _widen_a(self, rows, depth, left):
        """A of 16 bits: packed_a[i * line + q] = A[r + i, p + q]. Returns line."""
        w, lanes = self.w, self.lanes
        line = w.let("line", (depth + lanes - 1) // lanes * lanes)
        to = lambda i, q: self.packed_a + self.item * (i * line + q)
        with w.when(equal(self.a_k, 1)), w.loop("i", 0, rows) as i, w.loop("q", 0, depth, step=lanes) as q:
            self._copy(left + self.size * (i * self.a_m + q), to(i, q), depth - q)
        with w.otherwise():
            with w.when(equal(self.a_m, 1)), w.loop("i", 0, rows, step=lanes) as i, \
                    w.loop("q", 0, depth, step=lanes) as q:
                self._transpose(left + self.size * (q * self.a_k + i), self.a_k, to(i, q), line, depth - q, rows - i)
            with w.otherwise():
                wide = w.buffer("wide", self.dtype, self.packed_a, 6)
                narrow = w.buffer("narrow", self.read.name, left, 7)
                with w.loop("i", 0, rows) as i, w.loop("q", 0, depth) as q:
                    w.store(wide[i * line + q], call(self.cast, narrow[i * self.a_m + q * self.a_k]))
        return line

    def _panel(self, p, depth, r, t, inside):
        """Where B's columns t, t + 1 ... are packed; done now, unless it is done already."""
        w = self.w
        panel = w.let("panel", self.scratch + HEADER)
        with w.when(self.panels):
            w.let(panel, self._in_panels(p, t))
            w.let(self.ahead, self._in_panels(*self._following(p, t)) - panel)
        with w.otherwise():
            with w.when(self.keep):
                w.let(panel, panel + self.item * (p * self.columns + depth * t))
            with w.when(both(call("not", self.kept), either(equal(r, 0), call("not", self.keep)))):
                self._pack_b(w.let("of", self.b + self.size * (p * self.b_k + t * self.b_n)), depth, inside, panel)
        return panel

    def _in_panels(self, p, t):
        """Where B[p, t] is."""
        wide = PANEL // self.item
        return self.b + self.item * (p * self.b_k + t // wide * wide * self.b_n + t % wide)

    def _following(self, p, t) -> tuple:
        """The part of B that is read after that at p and t: of other columns, other rows, or by the next call."""
        w = self.w
        row, column = w.let("row", p), w.let("column", t + self.pair)
        with w.when(both(column >= self.n, p + self.block < self.k)):
            w.let(row, p + self.block)
            w.let(column, 0)
        with w.when(column >= self.n):
            w.let(row, 0)
        return row, column

    def _pack_b(self, of, depth, inside, panel):
        """panel[q * pair + h] = B[p + q, t + h], 0 for columns outside B. of: the address of B[p, t]."""
        w, lanes, pair = self.w, self.lanes, self.pair
        to = lambda q, h: panel + self.item * (q * pair + h)
        with w.when(equal(self.b_n, 1)), w.loop("q", 0, depth) as q, w.loop("h", 0, pair, step=lanes) as h:
            self._copy(of + self.size * (q * self.b_k + h), to(q, h), inside - h)
        with w.otherwise():
            with w.when(equal(self.b_k, 1)), w.loop("h", 0, pair, step=lanes) as h, \
                    w.loop("q", 0, depth, step=lanes) as q:
                self._transpose(of + self.size * (h * self.b_n + q), self.b_n, to(q, h), pair, inside - h, depth - q)
            with w.otherwise():
                target, source = w.buffer("target", self.dtype, panel, 2), w.buffer("source", self.read.name, of, 3)
                with w.loop("q", 0, depth) as q:
                    with w.loop("h", 0, pair) as h:
                        w.store(target[q * pair + h], self.zero)
                    with w.loop("h", 0, inside) as h:
                        found = source[h * self.b_n + q * self.b_k]
                        w.store(target[q * pair + h], call("f32", found) if self.read.is_narrow else found)
