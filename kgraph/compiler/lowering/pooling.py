"""Pooling: maxima and sums of windows as convolutions without a kernel, and the gradient of maxima."""
from __future__ import annotations

import contextlib
import functools
import itertools
import operator

from kgraph.compiler.dims import in_lines, size_of
from kgraph.compiler.ir import Value
from kgraph.compiler.loopnest.builder import equal
from kgraph.compiler.loopnest.index import row_major
from kgraph.compiler.loopnest.nodes import Expression, Name, Number, call
from kgraph.compiler.lowering.conv_tiling import SCOPE_OF_BAND, SCOPE_OF_CHANNELS, Bands, Geometry, emit_bands
from kgraph.compiler.lowering.loops import LoopKernel
from kgraph.compiler.lowering.writer import Writer
from kgraph.compiler.prims.reduce import lowest
from kgraph.compiler.prims.rules import is_float

__all__ = ["emit_max_grad", "emit_max_pick", "emit_pool"]

MOST_UNROLLED = 9      # taps of a pooling window that are written out one by one


def emit_pool(w, body, layout, domain, anchor) -> LoopKernel:
    """max_pool, sum_pool, and sum_pool_grad: as a depthwise convolution whose kernel is not there. Integers, of which
    only max_pool takes any, have no native routine."""
    x, out = anchor.inputs[0], anchor.outputs[0]
    if not is_float(x):
        return _Windows(w, body, layout, domain, anchor).emit_max()
    kind = int(anchor.prim.lower == "sum_pool_grad")
    geometry = Geometry(w, layout, anchor, x, out, kind, 0, 1, 1, out.shape[-1])
    stem = "max_pool" if anchor.prim.lower == "max_pool" else "sum_pool"
    return emit_bands(w, body, layout, domain, anchor, geometry, stem, 0)


def emit_max_grad(w, body, layout, domain, anchor) -> LoopKernel:
    """For each window, find the first of its largest elements, and add the gradient there. Where windows overlap, one
    image is one unit."""
    return _Windows(w, body, layout, domain, anchor).emit_grad()


def emit_max_pick(w, body, layout, domain, anchor) -> LoopKernel:
    return _Windows(w, body, layout, domain, anchor).emit_pick()


class _Windows:
    """Loops over the windows of a max_pool's input x, with the place of the first maximum of each channel in
    scratch."""

    def __init__(self, w: Writer, body, layout, domain, anchor):
        self.w, self.body, self.layout, self.domain, self.anchor = w, body, layout, domain, anchor
        self.x, self.second = anchor.inputs[0], anchor.inputs[-1]
        self.window, self.strides = anchor.params["window"], anchor.params["strides"]
        self.low = [p[0] for p in anchor.params["padding"]]
        self.item = self.x.type.itemsize
        self.channels = self.x.shape[-1]
        self.line_bytes = in_lines(8 * self.channels)

    def _strides(self, value):
        return self.layout.strides.get(value) or row_major(value.shape)

    def emit_grad(self) -> LoopKernel:
        w, ct, out = self.w, self.second, self.anchor.outputs[0]
        apart = all(s >= k for s, k in zip(self.strides, self.window))
        bands = self._open_bands(ct.shape[1] if apart else 1)
        target = self._target()
        begin, end = self._input_rows(apart)
        image, pointer = self.image * w.size(size_of(out.shape[1:])), w.pointer(target)
        if not self._is_covered():
            row = w.size(size_of(out.shape[2:]))
            with w.loop("i", image + begin * row, image + end * row) as i:
                w.store(pointer[i], w.constant(0, out.dtype))
        if apart and self._is_inside() and size_of(self.window) <= MOST_UNROLLED:
            self._scatter_inside(ct, lambda place, c: pointer[image + place + c])
        else:
            def scatter(chosen, place, far, c):
                given = call("where", chosen, w.pointer(ct)[far + c], w.constant(0, ct.dtype))
                w.accumulate(pointer[_sum(image, *place, c)], given)
            rows = (bands.top, bands.bottom) if apart else (0, w.size(ct.shape[1]))
            self._each_window(rows, ct, scatter, row_major(out.shape))
        return bands.finish(target, 2 * self.line_bytes, begin, end)

    def _open_bands(self, rows) -> Bands:
        bands = self.bands = Bands(self.w, self.body, self.layout, self.domain, self.anchor, rows)
        bands.scratch_offset = 2 * self.line_bytes
        bands.open()
        self.image = bands.image
        return bands

    def _target(self) -> Value:
        """The result of the kernel that is written first, and then, element by element, replaced by the epilogue."""
        out = self.anchor.outputs[0]
        return next(v for v in (out, *self.body.outputs) if v in self.body.outputs and v.dtype == out.dtype)

    def _input_rows(self, apart: bool) -> list:
        """Where the input's rows that belong to a band of windows begin and end; all, where windows overlap."""
        w, rows = self.w, self.w.size(self.x.shape[1])
        if not apart:
            return [w.let("begin", 0), w.let("end", rows)]
        stride, low, found = w.size(self.strides[0]), w.size(self.low[0]), []
        outermost = w.size(self.second.shape[1])
        for name, edge, last, place in (("begin", self.bands.top, 0, 0), ("end", self.bands.bottom, outermost, rows)):
            found.append(w.let(name, call("minimum", call("maximum", edge * stride - low, 0), rows)))
            with w.when(equal(edge, last)):
                w.let(name, place)
        return found

    def _is_inside(self) -> bool:
        """Whether no window reaches beyond the input."""
        return all(pair == (0, 0) for pair in self.anchor.params["padding"])

    def _is_covered(self) -> bool:
        """Whether each element of the input is in one window, and each window is known to be inside."""
        sizes = self.x.shape[1:-1]
        return self._is_inside() and size_of(self.window) <= MOST_UNROLLED and all(
            k == s and isinstance(n, int) and n % s == 0 for k, s, n in zip(self.window, self.strides, sizes))

    def _scatter_inside(self, ct: Value, element):
        """The gradient of windows that lie inside the input and apart: all taps of a channel are compared in registers.
        Each tap is then written by a loop of its own, as stores in several places would not become vectors. element:
        (place in the image, channel) -> of the result."""
        w, strides, out_strides = self.w, self._strides(self.x), row_major(self.anchor.outputs[0].shape)
        taps = list(itertools.product(*map(range, self.window)))
        position = w.scratch_pointer("int32", self.line_bytes, SCOPE_OF_CHANNELS)
        with self._places((self.bands.top, self.bands.bottom), ct) as (places, far):
            near = [(w.fresh("p"), w.fresh("q")) for _ in taps]
            for k, ((p, q), tap) in enumerate(zip(near, taps)):
                start = self.image * w.size(strides[0])
                near[k] = (w.let(p, _sum(start, *self._corner(places, strides, tap))),
                           w.let(q, _sum(*self._corner(places, out_strides, tap))))
            with w.loop("c", 0, w.size(self.channels)) as c:
                w.store(position[c], self._first_largest([p + c for p, _ in near]))
            for number, (_, q) in enumerate(near):
                with w.loop("c", 0, w.size(self.channels)) as c:
                    chosen = equal(position[c], call("i32", number))
                    given = call("where", chosen, w.pointer(ct)[far + c], w.constant(0, ct.dtype))
                    w.store(element(q, c), given)

    def _corner(self, places, steps, tap) -> list:
        """The parts of a tap's place in the image of a tensor with these strides, of a window inside the input."""
        w = self.w
        return [(place * w.size(stride) + k) * w.size(step)
                for place, stride, k, step in zip(places, self.strides, tap, steps[1:])]

    def _first_largest(self, positions) -> Name:
        """The number of the first of the largest elements at these positions of the input."""
        w = self.w
        m = w.let("m", w.pointer(self.x)[positions[0]])
        k = w.let("k", call("i32", 0))
        for number, position in enumerate(positions[1:], 1):
            v = w.let("v", w.pointer(self.x)[position])
            better = w.let("better", (v > m) | _first_nan(v, m))
            w.let(m, call("where", better, v, m))
            w.let(k, call("where", better, call("i32", number), k))
        return k

    def emit_max(self) -> LoopKernel:
        w, out = self.w, self.anchor.outputs[0]
        bands = self._open_bands(out.shape[1])
        target = self._target()
        pointer = w.pointer(target)
        with self._places((bands.top, bands.bottom), out) as (places, far):
            with w.loop("c", 0, w.size(self.channels)) as c:
                w.store(pointer[far + c], w.constant(lowest(out.dtype), out.dtype))
            x, image = w.pointer(self.x), w.size(self._strides(self.x)[0])
            with self._taps(places, self._strides(self.x)) as (_, place, c):
                largest = call("maximum", pointer[far + c], x[_sum(self.image * image, *place, c)])
                w.store(pointer[far + c], largest)
        return bands.finish(target, 2 * self.line_bytes)

    def emit_pick(self) -> LoopKernel:
        w, out = self.w, self.anchor.outputs[0]
        bands = self._open_bands(out.shape[1])
        target = self._target()
        pointer, y = w.pointer(target), self.second

        def begin(far):
            with w.loop("c", 0, w.size(self.channels)) as c:
                w.store(pointer[far + c], w.constant(0, out.dtype))

        def pick(chosen, place, far, c):
            given = w.pointer(y)[_sum(self.image * w.size(self._strides(y)[0]), *place, c)]
            w.accumulate(pointer[far + c], call("where", chosen, given, w.constant(0, y.dtype)))
        self._each_window((bands.top, bands.bottom), out, pick, self._strides(y), begin)
        return bands.finish(target, 2 * self.line_bytes)

    def _each_window(self, rows, value: Value, use, strides, begin=lambda far: None):
        """Loop over the places of ``value``, rows from the first to the last; find the maxima; then loop over the taps
        again: use(whether it is the first maximum, parts of its place in the image of a tensor with these strides, far,
        channel). far: where the channels of a place of ``value`` begin."""
        w = self.w
        best = w.scratch_pointer(self.x.dtype, 0, SCOPE_OF_BAND)
        position = w.scratch_pointer("int32", self.line_bytes, SCOPE_OF_CHANNELS)
        with self._places(rows, value) as (places, far):
            with w.loop("c", 0, w.size(self.channels)) as c:
                w.store(best[c], w.constant(lowest(self.x.dtype), self.x.dtype))
                w.store(position[c], call("i32", -1))
            with self._taps(places, self._strides(self.x)) as (tap, place, c):
                near = w.pointer(self.x)[_sum(self.image * w.size(self._strides(self.x)[0]), *place, c)]
                v, m = w.let("v", near), w.let("m", best[c])
                better = w.let("better", (v > m) | (position[c] < call("i32", 0)) | _first_nan(v, m))
                w.store(best[c], call("where", better, v, m))
                w.store(position[c], call("where", better, call("i32", tap), position[c]))
            begin(far)
            with self._taps(places, strides) as (tap, place, c):
                use(equal(position[c], call("i32", tap)), place, far, c)

    @contextlib.contextmanager
    def _places(self, rows, value: Value):
        """``with`` this, loops over the places of ``value``, rows from the first to the last, as (place on each axis,
        where its channels begin)."""
        w, strides = self.w, self._strides(value)
        with contextlib.ExitStack() as loops:
            places = []
            for k in range(len(self.window)):
                name, bounds = w.fresh("o"), rows if k == 0 else (0, w.size(value.shape[1 + k]))
                places.append(loops.enter_context(w.loop(name, *bounds)))
            start = self.image * w.size(strides[0])
            yield places, w.let("far", _sum(start, *[p * w.size(s) for p, s in zip(places, strides[1:])]))

    @contextlib.contextmanager
    def _taps(self, places, strides):
        """``with`` this, loops over the taps inside the input, and over channels, as (number of the tap, parts of its
        place in the image, channel)."""
        w, tap, place = self.w, Number(0, "int64"), []
        with contextlib.ExitStack() as loops:
            for k, output in enumerate(places):
                name, at = w.fresh("k"), w.fresh("p")
                window, stride = w.size(self.window[k]), w.size(self.strides[k])
                start = output * stride - w.size(self.low[k])
                stop = call("minimum", window, w.size(self.x.shape[1 + k]) - start)
                name = loops.enter_context(w.loop(name, call("maximum", 0, -start), stop))
                place.append(w.let(at, (start + name) * w.size(strides[1 + k])))
                tap = tap * window + name
            yield tap, place, loops.enter_context(w.loop("c", 0, w.size(self.channels)))


def _sum(*parts: Expression) -> Expression:
    return functools.reduce(operator.add, parts)


def _first_nan(v: Expression, m: Expression) -> Expression:
    """Whether v is NaN, and m is not."""
    return call("isnan", v) & equal(m, m)
