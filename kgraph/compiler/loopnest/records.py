"""Records: words of memory that the compiler and a routine, or two routines, have in common, by name.

What writes a nest (see builder.py) says ``g = w.record("g", WINDOW, block, 0)``: the int64 words from an address on, in
an alias scope; then ``g.kind``, ``g.axes[k].taps`` are words of it. The compiler asks `Record.place` where a word is,
and ``WINDOW.words`` is how many there are. So each is named here and numbered nowhere.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

from kgraph.compiler.loopnest.nodes import Buffer, Expression

__all__ = ["ADD", "BLOCK_COLUMNS", "BLOCK_ROWS", "DEPTHWISE_STRIDES", "DEPTHWISE_TAPS", "FINISH", "FINISHES",
           "INTEGER_COLUMNS", "INTEGER_DEPTH", "IN_PANELS", "IN_PARTS", "KEEP_COLUMNS", "LOOP", "LOOP_KERNEL",
           "LOOP_MOVER", "LOOP_WORD", "MORE", "MOST_FINISHED", "ONTO", "PANEL", "PARTS", "RESULT", "SAME_COLUMNS",
           "SEGMENT", "SHARE", "WINDOW", "WINDOW_COLUMNS", "WINDOW_PLACES", "WINDOW_ROWS", "WINOGRAD_APART",
           "WINOGRAD_TILES", "Record", "Words"]


class Record:
    """A name, fields in order, and groups of fields that are there several times: group=(times, fields)."""

    def __init__(self, name: str, fields: str, **groups):
        self.name, self.groups, self._places = name, {}, {}
        for field in fields.split():
            self._places[field] = len(self._places)
        self.words = len(self._places)
        for group, (times, names) in groups.items():
            inner = names.split()
            self.groups[group] = {field: k for k, field in enumerate(inner)}
            self._places[group] = self.words
            self.words += times * len(inner)

    def place(self, field: str, k=None, inner: str | None = None):
        """The number of a word: of a field, or of a field of the k-th in a group; k may be an expression."""
        if field not in self._places or inner is not None and inner not in self.groups.get(field, ()):
            raise KeyError(f"{self.name} has no {field}" + (f"[{k}].{inner}" if inner else ""))
        if k is None:
            return self._places[field]
        return k * len(self.groups[field]) + (self._places[field] + self.groups[field][inner])

    def filled(self, **values) -> list:
        """The words with these values, all of them, in order."""
        if set(values) != set(self._places):
            raise KeyError(f"{self.name}: expected {', '.join(self._places)}, received {', '.join(values)}")
        return [values[field] for field in self._places]


@dataclass(frozen=True)
class Words:
    """A record in memory: ``words.lo`` and ``words.axes[k].taps`` are Loads; k is a number or an expression. start: the
    word of the buffer that it begins with, if that is not the first."""

    record: Record
    buffer: Buffer
    start: Expression | None = None
    group: str | None = None
    k: int | Expression | None = None

    def __getattr__(self, field: str):
        if self.group is not None and self.k is None or field.startswith("__"):
            raise AttributeError(field)
        if self.group is None and field in self.record.groups:
            return replace(self, group=field)
        place = self.record.place(field) if self.group is None else self.record.place(self.group, self.k, field)
        return self.buffer[place if self.start is None else self.start + place]

    def __getitem__(self, k) -> Words:
        return replace(self, k=k)


# The loops of a register tile (kgraph.kernels.conv_tile), outermost first: how many rounds, and how far apart they lie.
_LOOPS = (4, "count a b")

# What is done to a sum before it is stored: the bias of its channel is added (the address of the first, or 0), and what
# lies so many bytes from its own place, if not 0; then it is cut between limits, which are float64.
_FINISH = "bias other low high"
FINISH = Record("finish", _FINISH)

# What convolutions and pooling are told of their geometry (kgraph.kernels.conv), in memory of the calling thread:
WINDOW = Record(
    "window",
    # kind: 0 for a convolution, 1 for its data gradient; band: the axis whose rows are shared; groups; channels of x
    # (near) and of out, or of ct (far), in a group; of the latter, those to be made (kgraph.kernels.winograd);
    # transformed: where the kernel's transform is, or 0;
    # wide: bytes from the block to the wide sums (kgraph.kernels.wide); elements of an image of x and of ct
    # finishes: where ``finish`` is, or 0
    "kind band groups near_channels far_channels left right transformed wide near_image far_image finishes",
    # of the three space axes (those that are missing have size 1 and one tap): sizes of x and of out or ct; the window;
    # strides in memory of x, of out or ct and of the kernel; how many segments there are, and the word of the first
    axes=(3, "size outs taps stride dilation low near_step far_step tap_step segments first"),
    loops=_LOOPS, plain=_LOOPS, finish=(1, _FINISH))
# A segment is a run of output places of one axis that meet the same taps: first output place, step, count; first tap,
# step, count; input place of the first output and first tap, step from output to output, step from tap to tap.
SEGMENT = Record("segment", "out out_step count tap tap_step taps near near_step near_tap")

# What threads that share the sums of a product know (kgraph.kernels.gemm): units [lo, hi) of ``units`` are this call's,
# done: the address of 1 + PARTS words that they have in common; the routine's own address; last: whether this call was
# the last to finish. Then what is kept between calls for one product: blocks that its part has (kgraph.kernels.wide),
# and whether a wide sum has begun. finish: what is done to sums, with flag FINISHES.
SHARE = Record("share", "lo hi units done routine last blocks begun", finish=(1, _FINISH))

# Flags of a product (kgraph.kernels.gemm); it may be made in up to so many parts, if its result has at most so many
# elements.
ADD, SAME_COLUMNS, KEEP_COLUMNS, IN_PARTS, MORE, ONTO, IN_PANELS, FINISHES = 1, 2, 4, 8, 16, 32, 64, 128
PARTS, RESULT = 8, 8192
MOST_FINISHED = 8192  # terms of sums that a product can finish: longer ones have wide sums
# Rows and columns of the blocks of C that a kernel has made one after another: they stay in a second-level cache until
# its epilogue, and have wide sums.
BLOCK_ROWS, BLOCK_COLUMNS = 256, 128

# Bytes of a row of a panel, a part of a right operand that was packed beforehand: whole vectors, and lines of the
# cache, of any processor.
PANEL = 128
# One of int8 has so many columns, and its depth is made whole: see kgraph.kernels.dot_panels.
INTEGER_COLUMNS, INTEGER_DEPTH = 32, 64

# Taps and strides along a row that routines for channels that do not mix know (kgraph.kernels.depthwise).
DEPTHWISE_TAPS, DEPTHWISE_STRIDES = (3, 5, 7), (1, 2)

# Tiles that Winograd's routine transforms at a time: with the products they stay in a second-level cache.
WINOGRAD_TILES = 84
# Elements that the matrices of these transforms lie more apart than they need: else stores to all would meet in one set
# of the cache.
WINOGRAD_APART = 16

# Rows of windows that the convolution of int8 (kgraph.kernels.dots) packs at a time, and the most columns of a panel;
# places for which that of single channels (dot_channels) does.
WINDOW_ROWS, WINDOW_COLUMNS, WINDOW_PLACES = 56, 32, 32

# The argument block of a loop over steps (kgraph.compiler.lowering.scan): this, then its kernels, words and movers.
# before: kernels before the loop; tested: kernels up to the test; answer: place of the test's answer in scratch;
# inner: place of the kernels' scratch.
LOOP = Record("loop_head", "steps first sign before tested kernels words movers answer inner")
# Five words (c0, c1, a, b, d) are the number c0 + c1 * ((a * rows + b) // d) for a share of so many rows.
_AFFINE = "c0 c1 a b d"
LOOP_KERNEL = Record("loop_kernel", f"code block {_AFFINE}")       # block: the place of its argument block, in words
LOOP_WORD = Record("loop_word", f"{_AFFINE} row step in_scratch")  # bytes from row to row, from step to step
LOOP_MOVER = Record("loop_mover", "place step")                    # a word that moves with the steps
