"""The driver of products of words of 32 bits, called as those of kgraph.kernels.gemm are: of bfloat16, and of int8 with
sums in int32, which wrap around where that cannot hold them; by registers that hold matrices
(kgraph.kernels.matrix_tile), or of bfloat16 by the instruction for pairs (kgraph.kernels.dot_panels).

A and B are packed into squares of 16 lines of 64 bytes, zeros behind the end of k; rows of A that lie so already are
read where they are.
"""
from __future__ import annotations

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.builder import both, either, equal, least
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.loopnest.records import IN_PANELS, KEEP_COLUMNS, SAME_COLUMNS
from kgraph.kernels import gemm
from kgraph.kernels.dot_panels import walk_pairs_tile
from kgraph.kernels.matrix_tile import LINE, SIDE, SUMS, square_tiles, walk_matrix_tile

__all__ = ["ROUTINES", "function", "is_faster", "scratch"]

ROUTINES = {f"gemm_{short_name(t)}": t for t in SUMS}
# of k at a time, and rows of A that meet a panel: they stay in the second-level cache; in matrices a multiple of two
# squares, else of the tallest tile
DEPTH, ROWS = {True: 1024, False: 512}, {True: 160, False: 252}
PAIR = 2 * SIDE   # columns of a panel


def is_faster(name: str) -> bool:
    """Whether a routine of this name here is the one for the machine that this thread compiles for."""
    return name in ROUTINES and (machine().matrix or machine().pairs and ROUTINES[name] == "bfloat16")


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return _Product.function(name, "products in matrices")


def scratch() -> int:
    """Bytes that a routine needs for each thread."""
    return gemm.scratch()


class _Product(gemm.InBlocks):
    """Writes a routine."""

    def __init__(self, name: str):
        read = ROUTINES[name]
        squares = self.squares = machine().matrix
        walk = walk_matrix_tile(read) if squares else walk_pairs_tile(machine().lanes(4))
        super().__init__(name, read, SUMS[read], [*square_tiles(read), walk], DEPTH[squares])
        self.rows, self.line, self.group = ROWS[squares], LINE // self.size, 4 // self.size

    def _begin(self):
        w = self.w
        self.packed = w.let("packed", self._has(IN_PANELS))   # beforehand, of int8
        self.keep = w.let("keep", both(self._has(KEEP_COLUMNS), self.n <= self.columns, self.k <= self.whole))
        self.kept = w.let("kept", both(self._has(SAME_COLUMNS), self.keep))
        self.packed_a = w.let("packed_a", self.scratch + gemm.HEADER + self.size * self.whole * self.columns)

    def _part(self, p, depth, blocks):
        w = self.w
        lines = w.let("lines", (depth + self.line - 1) // self.line)
        with w.loop("r", 0, self.m, step=self.rows) as r:
            rows = w.let("rows", least(self.rows, self.m - r))
            left, stride = w.let("left", self.a + self.size * (p * self.a_k + r * self.a_m)), self.size * self.a_m
            whole = (equal(rows % SIDE, 0),) if self.squares else ()
            fits = both(equal(self.a_k, 1), equal(depth % self.line, 0), *whole)
            a_at, a_row = w.let("a_at", left), w.let("a_row", stride)
            with w.when(call("not", fits)):
                self._squares_of_a(rows, depth, lines, left)
                w.let(a_at, self.packed_a)
                w.let(a_row, LINE * lines)
            with w.loop("t", 0, self.n, step=PAIR) as t:
                inside = w.let("inside", least(PAIR, self.n - t))
                panel = w.let("panel", self.b + t * self.b_n + PAIR * p)
                with w.when(call("not", self.packed)):
                    w.let(panel, self.scratch + gemm.HEADER)
                    with w.when(self.keep):
                        w.let(panel, panel + self.size * (p * self.columns + self.line * lines * t))
                    with w.when(both(call("not", self.kept), either(equal(r, 0), call("not", self.keep)))):
                        self._squares_of_b(w.let("of", self.b + self.size * (p * self.b_k + t * self.b_n)), depth,
                                           inside, panel)
                w.do("walk_matrix", rows, lines, a_at, a_row, panel, self.c + self.item * (r * self.c_m + t), self.c_m,
                     inside, blocks)

    def _squares_of_a(self, rows, depth, lines, left):
        w, short = self.w, self.read.short
        with w.loop("i", 0, rows, step=SIDE) as i, w.loop("q", 0, depth, step=self.line) as q:
            square = w.let("square_of_a", self.packed_a + self.size * (i * lines * self.line + q))
            source = w.let("at_a", left + self.size * (i * self.a_m + q * self.a_k))
            with w.when(equal(self.a_k, 1)):
                w.do(f"lines_{short}", source, self.a_m, square, LINE * lines, rows - i, depth - q)
            with w.otherwise():
                with w.when(equal(self.a_m, 1)):
                    w.do(f"words_{short}_turned", source, self.a_k, square, LINE * lines, rows - i, depth - q)
                with w.otherwise():
                    self._one_by_one("a", source, self.a_m, self.a_k, square, rows - i, depth - q,
                                     lambda row, k: row * lines * self.line + k)

    def _squares_of_b(self, of, depth, inside, panel):
        """Two squares for each line of k. of: the address of B[p, t]."""
        w, short = self.w, self.read.short
        with w.loop("q", 0, depth, step=self.line) as q, w.loop("h", 0, PAIR, step=SIDE) as h:
            square = w.let("square_of_b", panel + self.size * (PAIR * q + self.line * h))
            source = w.let("at_b", of + self.size * (q * self.b_k + h * self.b_n))
            with w.when(equal(self.b_n, 1)):
                w.do(f"words_{short}", source, self.b_k, square, LINE, inside - h, depth - q)
            with w.otherwise():
                with w.when(equal(self.b_k, 1)):
                    w.do(f"lines_{short}_turned", source, self.b_n, square, LINE, inside - h, depth - q)
                with w.otherwise():
                    self._one_by_one("b", source, self.b_n, self.b_k, square, inside - h, depth - q, self._in_words)

    def _in_words(self, column, k):
        return k // self.group * SIDE * self.group + column * self.group + k % self.group

    def _one_by_one(self, which, source, row_step, k_step, square, rows, depth, place):
        """A square whose numbers lie apart both ways. place(row, k): the number of a place in it."""
        w, bits = self.w, f"uint{self.read.bits}"
        target = w.buffer(f"numbers_of_{which}", bits, square, {"a": 6, "b": 2}[which])
        given = w.buffer(f"given_of_{which}", bits, source, {"a": 7, "b": 3}[which])
        with w.loop("row", 0, SIDE) as row, w.loop("of_k", 0, self.line) as k:
            with w.when(both(row < rows, k < depth)):
                w.store(target[place(row, k)], given[row * row_step + k * k_step])
            with w.otherwise():
                w.store(target[place(row, k)], call(f"u{self.read.bits}", 0))
