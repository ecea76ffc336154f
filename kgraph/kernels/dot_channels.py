"""The native convolution of int8 with sums in int32 where each channel is its own group, `depthwise_i8`.

    convolve_packed(routine, block, x, w, out, lo, hi, scratch)

makes rows lo to hi (of the band axis) of one image, as conv_i8 of kgraph.kernels.dots does. A word (see dot_tile) holds
what neighbouring taps of the middle axis meet, of one channel. For some places of the last axis, and a vector of
channels, words are made of the input where it lies, one for each of its columns: each of these meets all taps of the
last axis in turn, so that what is packed once is used as often as windows overlap. Words of the kernel are made when
WINDOW.transformed is 0; before them is what sums begin with.
"""
from __future__ import annotations

import functools
from types import SimpleNamespace

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.builder import both, either, equal, least, most
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.compiler.loopnest.records import WINDOW, WINDOW_PLACES
from kgraph.kernels.dot_tile import dot, group
from kgraph.kernels.registers import GROUP, Registers, by, function, inside, masked_load, opaque
from kgraph.kernels.routine import Routine

__all__ = ["Channels", "channel_tiles"]

HEIGHTS = 8, 4, 2, 1   # places of a tile


class Channels(Routine):
    """Writes the routine."""

    def __init__(self, name: str):
        self.group, self.lanes = group(), machine().lanes(4)
        self.vector = 4 * self.lanes   # bytes
        super().__init__(name, "block x weights out lo hi scratch", channel_tiles(self.lanes, self.group))

    def write(self):
        w = self.w
        g = w.record("g", WINDOW, self.block, 0)
        self.channels, band = w.lets(channels=g.far_channels, band=g.band)
        fields = "size outs taps stride dilation low near_step far_step tap_step".split()
        self.axes = [SimpleNamespace(**{f: w.let(f"{f}{k}", getattr(g.axes[k], f)) for f in fields}) for k in range(3)]
        first, middle, last = self.axes
        self.groups = w.let("groups", (middle.taps + self.group - 1) // self.group)
        self.words = w.let("words", first.taps * self.groups)   # that a column of the input makes
        self.reach = w.let("reach", (last.taps - 1) * last.dilation + 1)
        self.line = w.let("line", self.vector * ((WINDOW_PLACES - 1) * last.stride + self.reach))
        self.kernels = w.let("kernels", self.scratch + self.words * self.line)
        with w.when(equal(g.transformed, 0)):
            self._pack_kernel()
            w.store(g.transformed, 1)
        bounds = []
        for k, axis in enumerate(self.axes):
            begin, end = w.let(f"begin{k}", 0), w.let(f"end{k}", axis.outs)
            with w.when(equal(band, k)):
                w.let(begin, self.lo)
                w.let(end, self.hi)
            bounds.append((begin, end))
        with w.loop("o0", *bounds[0]) as o0, w.loop("o1", *bounds[1]) as o1, \
                w.loop("o2", *bounds[2], step=WINDOW_PLACES) as o2:
            places = w.let("places", least(WINDOW_PLACES, bounds[2][1] - o2))
            target = w.let("target", self.out + 4 * (o0 * first.far_step + o1 * middle.far_step + o2 * last.far_step))
            with w.loop("c", 0, self.channels, step=self.lanes) as c:
                self._pack_columns(o0, o1, o2, c, (places - 1) * last.stride + self.reach)
                w.do("channel_dots", places, self.words, last.taps, self.scratch, last.stride * self.vector, self.line,
                     last.dilation * self.vector, self._kernel(c), target + 4 * c, last.far_step, self.channels - c)

    def _kernel(self, c):
        """Where the words of a vector of channels are, what their sums begin with first."""
        return self.kernels + c * 4 * (1 + self.words * self.axes[2].taps)

    def _pack_kernel(self):
        w, (first, middle, last) = self.w, self.axes
        with w.loop("c", 0, self.channels, step=self.lanes) as c:
            place = w.let("place", self._kernel(c) + self.vector)
            with w.loop("t0", 0, first.taps) as t0, w.loop("t1", 0, middle.taps, step=self.group) as t1:
                source = w.let("source", self.weights + t0 * first.tap_step + t1 * middle.tap_step + c)
                w.do("kernel_words", source, middle.tap_step, 0, middle.taps - t1, last.taps, last.tap_step, place,
                     self.vector, self.channels - c)
                w.let(place, place + last.taps * self.vector)
            w.do("kernel_beginnings", self._kernel(c), self.words * last.taps)

    def _pack_columns(self, o0, o1, o2, c, columns):
        """Words of the columns that these windows meet: nothing outside of the input."""
        w, (first, middle, last) = self.w, self.axes
        columns, near2 = w.lets(columns=columns, near2=o2 * last.stride - last.low)
        begin = w.let("begin", least(columns, most(0, 0 - near2)))
        end = w.let("end", most(begin, least(columns, last.size - near2)))
        place = w.let("place", self.scratch)
        with w.loop("t0", 0, first.taps) as t0, w.loop("t1", 0, middle.taps, step=self.group) as t1:
            near0 = w.let("near0", o0 * first.stride - first.low + t0 * first.dilation)
            near1 = w.let("near1", o1 * middle.stride - middle.low + t1 * middle.dilation)
            low = w.let("low_tap", most(0, -(near1 // middle.dilation)))
            high = w.let("high_tap", least(middle.taps - t1, (middle.size - 1 - near1) // middle.dilation + 1))
            with w.when(either(near0 < 0, near0 >= first.size)):
                w.let(high, 0)
            source = self.x + near0 * first.near_step + near1 * middle.near_step + near2 * last.near_step + c
            source = w.let("source", source)
            for start, stop, reads in ((0, begin, False), (begin, end, True), (end, columns, False)):
                with w.when(both(start < stop)):
                    w.do("channel_words", source + start * last.near_step, middle.dilation * middle.near_step, low,
                         high if reads else 0, stop - start, last.near_step, place + start * self.vector, self.vector,
                         self.channels - c)
            w.let(place, place + self.line)


# --- tiles ------------------------------------------------------------------------------------------------------------

def channel_tiles(lanes: int, group: int) -> list:
    """Tiles on vectors of words, one for each of `lanes` channels, of which there are `channels`. Addresses, strides
    and steps in bytes.

    channel_words(source, row, low, high, count, stride, target, step, channels)
        `count` vectors of words of A, step by step from target on: number r of a word is what lies r rows behind the
        channel, from low to below high, zero elsewhere; from vector to vector the source moves by a stride
    kernel_words(...)                       the same for words of B
    kernel_beginnings(target, count)        what sums of as many words of B, behind a vector at target, begin with: that
    channel_dots(places, words, taps, a, place, word, tap, b, c, c_m, channels)
        each place's sums of products of the words that lie place, word and tap apart; c_m, in elements
    """
    words = lambda biased: (functools.partial(_write_words, lanes, group, biased),
                            functools.partial(_words, lanes, group, biased))
    return [Tile("channel_words", 9, False, *words(True)), Tile("kernel_words", 9, False, *words(False)),
            Tile("kernel_beginnings", 2, False, functools.partial(_write_beginnings, lanes, group),
                 functools.partial(_beginnings, lanes, group)),
            Tile("channel_dots", 11, False, functools.partial(_write_walk, lanes, group),
                 functools.partial(_dots, lanes, group))]


def _bias(r: Registers, group: int):
    """What words of A hold more than the numbers (see dot_tile)."""
    return ir.Constant(r.kind, [-0x7F7F7F80 if group == 4 else 0] * r.lanes)


def _write_words(lanes, group, biased, b, source, row, low, high, *rest):
    """With three taps, the fourth number of a word is not asked for."""
    name = "channel_words" if biased else "kernel_words"
    call = lambda parts: b.call(function(b.module, f"{name}_{parts}", 9, functools.partial(
        _write_vectors, lanes, group, biased, parts)), [source, row, low, high, *rest])
    if group < 4:
        call(group)
        return
    with b.if_else(b.icmp_signed(">", high, ir.I64(group - 1))) as (all_of_them, fewer):
        with all_of_them:
            call(group)
        with fewer:
            call(group - 1)


def _write_vectors(lanes, group, biased, parts, b, source, row, low, high, count, stride, target, step, channels):
    r, numbers = Registers(b, "int32", lanes), ir.VectorType(ir.I8, lanes)
    nothing = b.alloca(numbers)   # what is read where there is no row
    b.store(ir.Constant(numbers, None), nothing)
    at, steps = {"to": target}, {"to": by(step)}
    for part in range(parts):
        there = b.and_(b.icmp_signed("<=", low, ir.I64(part)), b.icmp_signed("<", ir.I64(part), high))
        at[part] = b.select(there, b.add(source, b.mul(row, ir.I64(part))), b.ptrtoint(nothing, ir.I64))
        steps[part] = by(b.select(there, stride, ir.I64(0)))
    bias = _bias(r, group if biased else 0)

    def vectors(load):
        def body(left, places):
            word = bias
            for part in range(parts):
                found = load(b.inttoptr(places[part], numbers.as_pointer()))
                if group == 2 and part == 0:   # the upper half is the next one's
                    found = b.zext(b.sext(found, ir.VectorType(ir.IntType(16), lanes)), r.kind)
                else:
                    found = b.sext(found, r.kind) if part == group - 1 else b.zext(found, r.kind)
                word = b.xor(word, b.shl(found, ir.Constant(r.kind, [32 // group * part] * lanes)))
            r.store(word, r.place(places["to"]))
            return ir.I64(1), {}
        r.repeat(count, at, body, steps, sure=False)

    def whole(place):
        value = b.load(place)
        value.align = 1
        return value
    mask = inside(b, channels, lanes)
    with b.if_else(b.icmp_signed(">=", channels, ir.I64(lanes)), likely=True) as (all_of_them, some):
        with all_of_them:
            vectors(whole)
        with some:
            vectors(lambda place: masked_load(b, place, mask, 1))
    b.ret_void()


def _words(lanes, group, biased, source, row, low, high, count, stride, target, step, channels):
    """What channel_words and kernel_words mean."""
    numbers = np.zeros((count, lanes, group), "int8" if group == 4 else "int16")
    channels, low, high = max(0, min(channels, lanes)), min(low, group), min(high, group)
    if low < high:
        numbers[:, :channels, low:high] = view(source + low * row, (count, channels, high - low), (stride, 1, row),
                                               "int8")
    found = numbers.view("int32")[..., 0]
    view(target, (count, lanes), (step, 4), "int32")[:] = found ^ (-0x7F7F7F80 if biased and group == 4 else 0)


def _write_beginnings(lanes, group, b, target, count):
    r = Registers(b, "int32", lanes)
    first, nothing = b.add(target, ir.I64(4 * lanes)), r.full(0)
    if group == 4:
        found = r.repeat(count, {"at": first, "sums": nothing}, lambda left, carried: (ir.I64(1), {
            "sums": dot(b, group, _bias(r, group), r.load(r.place(carried["at"])), carried["sums"])}),
            {"at": by(ir.I64(4 * lanes))})
        nothing = b.sub(nothing, found["sums"])
    r.store(nothing, r.place(target))


def _beginnings(lanes, group, target, count):
    """What kernel_beginnings means."""
    words = view(target + 4 * lanes, (count, lanes, 4), (4 * lanes, 4, 1), "int8")
    view(target, (lanes,), (4,), "int32")[:] = words.astype("int32").sum((0, 2)) * (-128 if group == 4 else 0)


def _write_walk(lanes, group, b, places, words, taps, a, place, word, tap, kernel, c, c_m, channels):
    row = b.alloca(ir.I64)
    b.store(ir.I64(0), row)
    for height in HEIGHTS:
        write = functools.partial(_write_dots, lanes, group, height)
        rounds = b.sdiv(b.sub(places, b.load(row)), ir.I64(height))

        def body(left, carried, height=height, write=write):
            i = b.load(row)
            b.call(function(b.module, f"channel_dots_{height}", 10, write), [
                words, taps, b.add(a, b.mul(i, place)), place, word, tap, kernel,
                b.add(c, b.mul(ir.I64(4), b.mul(i, c_m))), c_m, channels])
            b.store(b.add(i, ir.I64(height)), row)
            return ir.I64(1), {}
        Registers(b, "int32", lanes).repeat(rounds, {}, body, sure=False)


def _write_dots(lanes, group, height, b, words, taps, a, place, word, tap, kernel, c, c_m, channels):
    """A tile of so many places."""
    r, mask, rows = Registers(b, "int32", lanes), inside(b, channels, lanes), range(height)
    bases = [opaque(b, b.add(a, b.mul(place, ir.I64(i)))) for i in range(0, height, GROUP)]
    beginning = r.load(r.place(kernel))

    def of_word(left, carried):
        def of_tap(left, inner):
            vector, sums = r.load(r.place(inner["b"])), {}
            for i, row in enumerate(r.rows_of([inner["a", k] for k in range(len(bases))], place, height, GROUP)):
                sums[i] = dot(b, group, r.load(r.place(row)), vector, inner[i])
            return ir.I64(1), sums
        at = {"b": carried["b"], **{("a", k): b.add(base, carried["a"]) for k, base in enumerate(bases)}}
        steps = {"b": by(ir.I64(4 * lanes)), **{("a", k): by(tap, hidden=True) for k in range(len(bases))}}
        found = r.repeat(taps, {**at, **{i: carried[i] for i in rows}}, of_tap, steps)
        return ir.I64(1), {"b": found["b"], **{i: found[i] for i in rows}}
    first = {"b": b.add(kernel, ir.I64(4 * lanes)), "a": ir.I64(0), **dict.fromkeys(rows, beginning)}
    found = r.repeat(words, first, of_word, {"a": by(word)})
    for i in rows:
        r.store(found[i], r.place(c, b.mul(c_m, ir.I64(i))), mask)
    b.ret_void()


def _dots(lanes, group, places, words, taps, a, place, word, tap, kernel, c, c_m, channels):
    """What channel_dots means."""
    kinds, size = (np.uint8, np.int8) if group == 4 else (np.int16, np.int16), 4 // group
    left = view(a, (places, words, taps, lanes, group), (place, word, tap, 4, size), kinds[0])
    right = view(kernel + 4 * lanes, (words, taps, lanes, group), (4 * lanes * taps, 4 * lanes, 4, size), kinds[1])
    found = np.einsum("pwtlg,wtlg->pl", left.astype("int64"), right.astype("int64"))
    channels = max(0, min(channels, lanes))
    beginning = view(kernel, (lanes,), (4,), "int32")
    view(c, (places, channels), (4 * c_m, 4), "int32")[:] = (found + beginning)[:, :channels]
