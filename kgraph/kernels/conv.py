"""Native convolutions over channels-last images, without a matrix of windows: register tiles (kgraph.kernels.conv_tile)
whose rows are neighbouring output pixels and whose k runs through the taps and channels where they lie.

    window_plan(block)                                   where windows lie inside the input, from the geometry in block
    conv_TYPE(block, x, weights, out, lo, hi)            output rows lo to hi (of the band axis) of one image
    depthwise_TYPE(...)                                  the same where each channel is its own group
    max_pool_TYPE, sum_pool_TYPE                         the same without a kernel: maxima or sums of windows
    weights_TYPE(block, x, ct, out, images, lo, hi)      adds what some images give to taps lo to hi of the kernel
    depthwise_weights_TYPE(...)                          the same where each channel is its own group

Those of bfloat16 (conv_bf16, weights_bf16) have words of two numbers for elements, of two neighbouring channels, or for
the gradient of the kernel of two images, and sums in float32: x, weights and ct are read so, and the block counts so.

What the block says in ``finish`` is done to the sums of conv, if it has the address of that in ``finishes``; then each
output must meet one tap at least.

Addresses are bytes. The block, in memory of the calling thread, is a record, WINDOW, followed by the segments of its
axes (kgraph.compiler.loopnest.records).

A *segment* is a run of output places of one axis that meet the same taps: at the borders windows are cut, not the
input padded. The product of the axes' segments are regions with one loop nest each, so an element is made of chains of
multiply-adds in the order of taps and channels, whatever the share.
"""
from __future__ import annotations

from types import SimpleNamespace

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.builder import both, differ, either, equal, least, most
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.nodes import Expression, call
from kgraph.compiler.loopnest.records import SEGMENT, WINDOW, Words
from kgraph.kernels.conv_tile import MIXES, ConvTile, conv_tiles
from kgraph.kernels.routine import Routine
from kgraph.kernels.wide import BLOCK as TERMS
from kgraph.kernels.wide import PARTS, add_part

__all__ = ["ROUTINES", "Driver", "function", "tile_shapes", "scratch"]

FEW_ROWS = 17         # a weight gradient with fewer channels than these joins taps
BAND_BYTES = 1 << 18  # of inputs that the weight gradient keeps in a second-level cache

_REALS = {"f32": "float32", "f64": "float64"}
ROUTINES = ("window_plan", "conv_bf16", "weights_bf16", *(f"{name}_{t}" for t in _REALS for name in (
    "conv", "depthwise", "max_pool", "sum_pool", "weights", "depthwise_weights")))
_TERMS = {"conv": "product", "weights": "product", "max_pool": "maximum", "sum_pool": "sum"}  # all others: pairs

# Heights of tiles for each number of vectors, by the number of registers. Each takes a while to compile, so some are
# missing, and made of two.
_MIXING = {32: {4: (6, 4, 2, 1), 2: (14, 12, 10, 8, 6, 5, 4, 3, 2, 1), 1: (14, 12, 8, 6, 4, 2, 1)},
           16: {4: (2, 1), 2: (6, 5, 4, 3, 2, 1), 1: (12, 8, 4, 2, 1)}}
_VECTOR = {32: {4: (4, 3, 2, 1), 1: (8, 4, 3, 2, 1)}, 16: {2: (4, 3, 2, 1), 1: (8, 4, 3, 2, 1)}}


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    writer = _Plan if name == "window_plan" else _Weights if "weights" in name else _Conv
    return writer.function(name, "convolutions")


def scratch() -> int:
    """The routines need no memory but the block."""
    return 0


def tile_shapes(name: str) -> list:
    """The tiles of this machine that a routine uses."""
    if name == "window_plan":
        return []
    stem, _, short = name.rpartition("_")
    dtype, term = _REALS.get(short, "float32"), _TERMS.get(stem, "pairs") if short in _REALS else "dots"
    lanes = machine().lanes(DTYPES[dtype].itemsize)
    shapes = (_MIXING if term in MIXES else _VECTOR)[machine().registers]
    return [ConvTile(dtype, lanes, rows, vectors, term, name.startswith("weights"), name.startswith("conv"))
            for vectors, heights in shapes.items() for rows in heights]


# --- segments ---------------------------------------------------------------------------------------------------------

class _Plan(Routine):
    """Writes window_plan."""

    def __init__(self, name: str):
        super().__init__(name, "block")
        self.g = self.w.record("g", WINDOW, self.block, 0)

    def write(self):
        w, g = self.w, self.g
        self.place = w.let("place", WINDOW.words)
        with w.loop("axis", 0, 3) as number:
            axis = g.axes[number]
            self.stride, self.dilation, self.low = w.lets(stride=axis.stride, dilation=axis.dilation, low=axis.low)
            phases = w.let("phases", 1)
            with w.when(equal(g.kind, 1)):
                w.let(phases, self.stride)
            self.found = w.let("found", 0)
            w.store(axis.first, self.place)
            every = w.let("every", 1)  # the taps of a phase are `own` and every so many after it
            with w.during(differ(every * self.dilation % phases, 0)):
                w.let(every, every + 1)
            with w.loop("phase", 0, phases) as phase:
                own = w.let("own", 0)
                wrong = differ((phase + self.low - own * self.dilation) % phases, 0)
                with w.during(both(own < every, wrong)):
                    w.let(own, own + 1)
                self._segments(axis, phase, phases, own, every)
            w.store(axis.segments, self.found)

    def _segments(self, axis: Words, phase, phases, own, every):
        """The segments of one phase: places that meet the same taps are counted, others begin a new one."""
        w, place = self.w, self.place
        known_first, known_count = w.lets(known_first=-2, known_count=0)
        with w.loop("o", phase, axis.outs, step=phases) as o:
            first, count, step, start = self._taps(axis, o, own, every)
            with w.when(both(equal(first, known_first), equal(count, known_count))):
                before = w.record("before", SEGMENT, self.block + 8 * (place - SEGMENT.words), 0)
                w.store(before.count, before.count + 1)
            with w.otherwise():
                s = w.record("s", SEGMENT, self.block + 8 * place, 0)
                w.fill(s, out=o, out_step=phases, count=1, tap=first, tap_step=step, taps=count, near=start)
                with w.when(equal(self.g.kind, 0)):
                    w.fill(s, near_step=self.stride, near_tap=self.dilation)
                with w.otherwise():
                    w.fill(s, near_step=1, near_tap=-(self.dilation * step // self.stride))
                w.let(known_first, first)
                w.let(known_count, count)
                w.let(place, place + SEGMENT.words)
                w.let(self.found, self.found + 1)

    def _taps(self, axis: Words, o, own, every) -> tuple:
        """Of output place o: the first tap inside the input or -1, how many there are, the step from one to the next,
        and the input place of the first."""
        w, stride, dilation = self.w, self.stride, self.dilation
        last = w.let("last", axis.size - 1)
        with w.when(equal(self.g.kind, 0)):
            at = w.let("at", o * stride - self.low)  # of tap 0
            low, high = w.lets(least=-(at // dilation), most=(last - at) // dilation)
        with w.otherwise():
            w.let(at, o + self.low)
            w.lets(least=-((last * stride - at) // dilation), most=at // dilation)
        first = w.let("first", own + every * most(0, -((own - low) // every)))
        w.let(high, least(high, axis.taps - 1))
        count, step, start = w.lets(count=0, step=1, start=0)
        with w.when(both(own < every, first <= high)):
            w.let(count, (high - first) // every + 1)
            w.let(start, at + first * dilation)
            with w.when(equal(self.g.kind, 1)):
                w.let(start, (at - first * dilation) // stride)
            with w.when(count > 1):
                w.let(step, every)
        with w.otherwise():
            w.let(first, -1)
        return first, count, step, start


# --- products ---------------------------------------------------------------------------------------------------------

class Driver(Routine):
    """What the writers of routines that are told of a block, their first parameter, have in common.

    shapes  register tiles, of one dtype
    tiles   the Tiles made of these, and others
    """

    def __init__(self, name: str, parameters: str, shapes, tiles):
        super().__init__(name, parameters, tiles)
        self.dtype, self.item, self.lanes = shapes[0].dtype, shapes[0].itemsize, shapes[0].lanes
        self.g = self.w.record("g", WINDOW, self.block, 0)
        self.axes = [self.g.axes[k] for k in range(3)]

    def _number(self, x: float) -> Expression:
        return call(short_name(self.dtype), x)

    def _loop(self, k, count, a, b):
        """The k-th loop of the tiles."""
        self.w.fill(self.g.loops[k], count=count, a=a, b=b)


class _Covering(Driver):
    """C is covered with tiles of any size."""

    def __init__(self, name: str, parameters: str):
        self.chosen = tile_shapes(name)
        self.depthwise = self.chosen[0].term not in MIXES
        super().__init__(name, parameters, self.chosen, conv_tiles(self.chosen))

    def _cover(self, rows, columns, a, a_m, b, c, c_m, first=0):
        """Tiles over ``rows`` x ``columns`` of C: strips of columns, in each tiles of about one height. first: the
        number of the first column among all."""
        w, heights = self.w, {}
        self.first = first
        for tile in self.chosen:
            heights.setdefault(tile.vectors, []).append(tile.rows)
        j = w.let("j", 0)
        with w.during(j < columns):
            left = w.let("left", columns - j)
            self._strip(sorted(heights.items(), reverse=True), j, left, rows, a, a_m, b, c, c_m)

    def _strip(self, heights, j, left, rows, *operands):
        """One strip, by the widest tiles that fit."""
        w, ((vectors, known), *others) = self.w, heights
        tests = [left >= self.lanes * vectors] if vectors > 1 else []
        tests += [rows <= max(known)] if vectors == 4 and not self.depthwise else []
        if not tests:
            self._tiles(vectors, known, j, left, rows, *operands)
            return
        with w.when(both(*tests)):
            self._tiles(vectors, known, j, left, rows, *operands)
        with w.otherwise():
            self._strip(others, j, left, rows, *operands)

    def _tiles(self, vectors, known, j, left, rows, a, a_m, b, c, c_m):
        w = self.w
        tall = w.let("tall", -(-rows // -(-rows // max(known))))
        for high, low in zip(known, known[1:]):
            if high - low > 1:
                with w.when(both(tall > low, tall < high)):
                    w.let(tall, high)
        with w.loop("i", 0, rows, step=tall) as i:
            beside = j * int(self.depthwise)  # in A
            w.do(f"conv_tile_{vectors}", least(tall, rows - i), self.levels, a + self.item * (i * a_m + beside), a_m,
                 b + self.item * j, c + self.item * (i * c_m + j), c_m, left, self.more, *self._finish(j))
        w.let(j, j + self.lanes * vectors)


    def _finish(self, j) -> tuple:
        """What the tiles for columns from j on are told of how their sums are finished."""
        return ()


class _Conv(_Covering):
    """Writes conv, depthwise, max_pool, sum_pool."""

    def __init__(self, name: str):
        super().__init__(name, "block x weights out lo hi")
        self.start = self._number(0.0)
        if self.chosen[0].term == "maximum":
            self.start = self._number(-1.0) / self.start

    def write(self):
        w, (zs, ys, xs) = self.w, self.axes
        self.levels, self.more = w.lets(levels=self.block + 8 * WINDOW.place("loops"), more=0)
        self.columns, self.finish = w.lets(columns=self.g.far_channels, finish=self.g.finishes)
        with w.loop("s0", 0, zs.segments) as s0:
            first = self._clip(0, s0)
            with w.loop("s1", 0, ys.segments) as s1:
                second = self._clip(1, s1)
                with w.loop("s2", 0, xs.segments) as s2:
                    self._region(first, second, self._clip(2, s2))

    def _clip(self, k: int, s) -> SimpleNamespace:
        """Of segment s of axis k the outputs inside [lo, hi) on the band axis: how many (n); taps and their distances
        in A and B; where the first lies in the input, the kernel and the output; distances of outputs."""
        w, axis = self.w, self.axes[k]
        e = w.record(f"e{k}", SEGMENT, self.block + 8 * (axis.first + SEGMENT.words * s), 0)
        j, n = w.let(f"j{k}", 0), w.let(f"n{k}", e.count)
        with w.when(equal(self.g.band, k)):
            w.let(j, most(0, -((e.out - self.lo) // e.out_step)))
            w.let(n, least(n, -((e.out - self.hi) // e.out_step)) - j)
        found = {"taps": e.taps, "a_step": e.near_tap * axis.near_step, "b_step": e.tap_step * axis.tap_step,
                 "x": (e.near + j * e.near_step) * axis.near_step, "w": e.tap * axis.tap_step,
                 "o": (e.out + j * e.out_step) * axis.far_step,
                 "x_step": e.near_step * axis.near_step, "o_step": e.out_step * axis.far_step}
        return SimpleNamespace(n=n, **{name: w.let(f"{name}{k}", value) for name, value in found.items()})

    def _region(self, z, y, x):
        """The outputs of three segments. The rows of tiles run along the last axis, or along the one before it where
        that is longer."""
        w = self.w
        rows, a_m, c_m = w.lets(rows=x.n, a_m=x.x_step, c_m=x.o_step)
        beside, a_beside, c_beside = w.lets(beside=y.n, a_beside=y.x_step, c_beside=y.o_step)
        with w.when(both(x.n < 6, y.n > x.n)):
            w.lets(rows=y.n, beside=x.n, a_m=y.x_step, c_m=y.o_step, a_beside=x.x_step, c_beside=x.o_step)
        with w.when(either(z.n <= 0, rows <= 0, beside <= 0)):
            w.let(self.columns, 0)
        with w.otherwise():
            with w.when(equal(z.taps * y.taps * x.taps, 0)):
                w.let(self.columns, 0)
                with w.loop("p", 0, z.n) as p, w.loop("q", 0, beside) as q, w.loop("i", 0, rows) as i:
                    self._nothing(w.let("place", z.o + y.o + x.o + p * z.o_step + q * c_beside + i * c_m))
            with w.otherwise():
                w.let(self.columns, self.g.far_channels)
                self._inner_loops(z, y, x)
                with w.loop("p", 0, z.n) as p, w.loop("q", 0, beside) as q, w.loop("group", 0, self.g.groups) as group:
                    a = z.x + y.x + x.x + p * z.x_step + q * a_beside + group * self.g.near_channels
                    c = z.o + y.o + x.o + p * z.o_step + q * c_beside + group * self.columns
                    a, b, c = w.lets(a=self.x + self.item * a,
                                     b=self.weights + self.item * (z.w + y.w + x.w + group * self.columns),
                                     c=self.out + self.item * c)
                    self._cover(rows, self.columns, a, a_m, b, c, c_m, group * self.columns)

    def _finish(self, j) -> tuple:
        return (self.finish, self.item * (self.first + j)) if self.chosen[0].finishes else ()

    def _nothing(self, place):
        """An output that meets no tap."""
        w = self.w
        nothing = w.buffer("nothing", self.dtype, self.out + self.item * place, 1)
        with w.loop("j", 0, self.g.groups * self.g.far_channels) as j:
            w.store(nothing[j], self.start)

    def _inner_loops(self, z, y, x):
        """The loops of the tiles: the channels, joined with the taps of the last axis where they lie together; or,
        where channels do not mix, the taps alone."""
        g, channels = self.g, self.g.near_channels
        taps = [(s.taps, s.a_step, s.b_step) for s in (z, y, x)]
        for k, loop in enumerate([(1, 0, 0), *taps] if self.depthwise else [*taps, (channels, 1, self._line())]):
            self._loop(k, *loop)
        if not self.depthwise:
            with self.w.when(both(equal(x.a_step, channels), equal(x.b_step, channels * g.groups * g.far_channels))):
                self.w.store(g.loops[2].count, 1)
                self.w.store(g.loops[3].count, x.taps * channels)

    def _line(self) -> Expression:
        """From one channel's weights to the next one's."""
        return self.g.groups * self.g.far_channels


# --- gradients of kernels ---------------------------------------------------------------------------------------------

class _Weights(_Covering):
    """Writes weights and depthwise_weights.

    Where a tap has few rows, all taps of the last axis are rows of one tile, over the outputs that all of them meet;
    what each meets to the left and to the right of those is added after. The pieces are the same however taps are
    shared."""

    def __init__(self, name: str):
        super().__init__(name, "block x ct out images lo hi")

    def write(self):
        w, g, xs = self.w, self.g, self.axes[2]
        self.levels, self.more = w.lets(levels=self.block + 8 * WINDOW.place("loops"), more=1)
        self.channels, self.columns = w.lets(channels=g.near_channels, columns=g.far_channels)
        self.a_m, self.c_m = w.lets(a_m=xs.dilation * xs.near_step if self.depthwise else 1,
                                    c_m=xs.tap_step if self.depthwise else g.groups * g.far_channels)
        self.taps = w.let("taps", xs.taps)
        self.joined = w.let("joined", self._are_joined(xs))
        _, first, _ = self._meet(2, w.let("k2", 0))
        self.common = w.let("common", first)
        _, _, last = self._meet(2, w.let("k2", self.taps - 1))
        self.common_end = w.let("common_end", most(self.common, last))
        self._bands()
        self.blocks, self.begun = w.lets(blocks=0, begun=0)
        with w.loop("first", 0, self.images, step=self.many) as first, \
                w.loop("top", 0, self.outs, step=self.high_band) as top:
            tap = w.let("tap", self.lo)
            with w.during(tap < self.hi):
                self._tap(tap, first, top)
            self._end_block(first, top)

    def _are_joined(self, xs: Words) -> Expression:
        """Whether all taps of the last axis may be rows of one tile: then they lie as far apart as rows."""
        if self.depthwise:
            return self.taps > 1
        return both(self.channels < FEW_ROWS, equal(xs.dilation, 1), equal(xs.near_step, self.channels),
                    equal(xs.tap_step, self.channels * self.columns))

    def _bands(self):
        """So many images (``many``), and rows of their band axis (``high_band``), at a time: their inputs stay in
        cache, their outputs are terms of one block."""
        w, g, (zs, ys, xs) = self.w, self.g, self.axes
        pair = w.let("pair", self.item * (g.near_image + g.far_image))
        self.places = w.let("places", zs.outs * ys.outs * xs.outs)
        fitting = least(BAND_BYTES // most(1, pair), TERMS * PARTS // most(1, self.places))
        self.many = w.let("many", most(1, fitting))
        self.outs = w.let("outs", g.axes[g.band].outs)
        self.high_band = w.let("high_band", self.outs)
        with w.when(either(pair > BAND_BYTES, self.places > TERMS * PARTS)):
            fitting = least(self.outs * BAND_BYTES // pair, self.outs * (TERMS * PARTS) // self.places)
            w.let(self.high_band, most(1, fitting))

    def _meet(self, k: int, tap) -> tuple:
        """Of a tap on axis k: its shift, and the outputs that meet the input there, from the first to the last."""
        w, axis = self.w, self.axes[k]
        shift = w.let(f"shift{k}", tap * axis.dilation - axis.low)
        return (shift, w.let(f"f{k}", most(0, -(shift // axis.stride))),
                w.let(f"l{k}", least(axis.outs, (axis.size - 1 - shift) // axis.stride + 1)))

    def _place(self, k: int, top, shift, first, last) -> tuple:
        """How many of these outputs lie in the band from ``top`` on; places of the first in the input and output."""
        w, axis = self.w, self.axes[k]
        with w.when(equal(self.g.band, k)):
            w.let(first, most(first, top))
            w.let(last, least(last, top + self.high_band))
        return (w.let(f"n{k}", last - first), w.let(f"x{k}", (first * axis.stride + shift) * axis.near_step),
                w.let(f"y{k}", first * axis.far_step))

    def _tap(self, tap, first, top):
        """One tap of the outer axes, with one of the last axis, or as many as are joined."""
        w, (zs, ys, _) = self.w, self.axes
        begin, k1, k0 = w.lets(begin=tap % self.taps, k1=tap // self.taps % ys.taps, k0=tap // (self.taps * ys.taps))
        count = w.let("count", 1)
        with w.when(self.joined):
            w.let(count, least(self.taps - begin, self.hi - tap))
        w.let(tap, tap + count)
        outer = [self._place(k, top, *self._meet(k, at)) for k, at in enumerate((k0, k1))]
        pieces = w.let("pieces", 1)
        with w.when(self.joined):
            w.let(pieces, 1 + 2 * count)
        with w.loop("piece", 0, pieces) as piece:
            k2 = w.let("k2", begin + (piece + 1) // 2 - least(piece, 1))
            rows = w.let("rows", self._rows())
            meeting = self._meet(2, k2)
            self._cut(piece, count, rows, *meeting)
            (n0, x0, y0), (n1, x1, y1), (n2, x2, y2) = *outer, self._place(2, top, *meeting)
            with w.when(both(n0 > 0, n1 > 0, n2 > 0)):
                self._inner_loops(first, n0, n1, n2)
                with w.loop("group", 0, self.g.groups) as group:
                    a = first * self.g.near_image + x0 + x1 + x2 + group * self.channels
                    b = first * self.g.far_image + y0 + y1 + y2 + group * self.columns
                    a, b = w.lets(a=self.x + self.item * a, b=self.ct + self.item * b)
                    at = w.let("taps_at", k0 * zs.tap_step + k1 * ys.tap_step + k2 * self.axes[2].tap_step)
                    c = w.let("c", self.out + self.item * (at + group * self.columns))
                    self._cover(rows, self.columns, a, self.a_m, b, c, self.c_m)

    def _rows(self):
        """The rows of one tap: its channels, or where they do not mix, one."""
        return 1 if self.depthwise else self.g.near_channels

    def _cut(self, piece, count, rows, _, first, last):
        """Of joined taps: the outputs of a piece, which has all of them, or what one meets to the left or right."""
        w = self.w
        with w.when(self.joined):
            with w.when(equal(piece, 0)):
                w.let(rows, count * self._rows())
                w.let(first, self.common)
                w.let(last, self.common_end)
            with w.otherwise():
                with w.when(equal(piece % 2, 1)):
                    w.let(last, least(last, self.common))
                with w.otherwise():
                    w.let(first, most(first, self.common_end))

    def _inner_loops(self, first, n0, n1, n2):
        """The loops of the tiles: images and outputs. The longer one of the last two axes is the inner one."""
        w, g, (zs, ys, xs) = self.w, self.g, self.axes
        inner, outer = w.lets(inner=3, outer=2)
        with w.when(n2 < n1):
            w.lets(inner=2, outer=3)
        self._loop(0, least(self.many, self.images - first), g.near_image, g.far_image)
        for k, n, axis in ((1, n0, zs), (outer, n1, ys), (inner, n2, xs)):
            self._loop(k, n, axis.stride * axis.near_step, axis.far_step)

    def _end_block(self, first, top):
        """What a band has made is a part, of so many blocks of terms, of the wide sums."""
        w = self.w
        last = w.let("last", 0)
        with w.when(both(first + self.many >= self.images, top + self.high_band >= self.outs)):
            w.let(last, 1)
        rows = least(self.many, self.images - first) * least(self.high_band, self.outs - top)
        w.let(self.blocks, self.blocks + (1 + rows * (self.places // self.outs) // TERMS))
        full = both(self.blocks >= PARTS, equal(last, 0))
        with w.when(either(full, differ(self.begun * last, 0))):
            tap = self.axes[2].tap_step
            sums = w.let("sums", self.out + self.item * self.lo * tap)
            add_part(w, self.dtype, sums, self.block + self.g.wide, 1, (self.hi - self.lo) * tap, 0,
                     self.begun, last)
            w.lets(blocks=0, begun=1)
