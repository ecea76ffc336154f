"""Pooling: maxima and sums of windows as convolutions without a kernel, and the gradient of maxima."""
from __future__ import annotations

import itertools

from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Value
from kgraph.compiler.loopnest.index import row_major
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
    return emit_bands(w, body, layout, domain, anchor, geometry, stem, "0")


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
        self.line_bytes = (self.channels * 8 + 63) // 64 * 64

    def _strides(self, value):
        return self.layout.strides.get(value) or row_major(value.shape)

    def emit_grad(self) -> LoopKernel:
        w, ct, out = self.w, self.second, self.anchor.outputs[0]
        apart = all(s >= k for s, k in zip(self.strides, self.window))
        bands = self._open_bands(ct.shape[1] if apart else 1)
        target = self._target()
        self._input_rows(apart)
        start, pointer = f"image * {w.size(size_of(out.shape[1:]))}", w.pointer(target)
        if not self._is_covered():
            row = w.size(size_of(out.shape[2:]))
            w.open(f"for i in range({start} + begin * {row}, {start} + end * {row}):")
            w.line(f"{pointer}[i] = {w.constant(0, out.dtype)}")
            w.close()
        if apart and self._is_inside() and size_of(self.window) <= MOST_UNROLLED:
            self._scatter_inside(ct, lambda place: f"{pointer}[{start} + {place} + c]")
        else:
            def scatter(tap, position, place):
                where = f"{pointer}[{start} + {place} + c]"
                w.line(f"{where} = {where} + where({position}[c] == {tap}, {w.pointer(ct)}[far + c], "
                       f"{w.constant(0, ct.dtype)})")
            self._each_window("top" if apart else "0", "bottom" if apart else w.size(ct.shape[1]), ct, scatter,
                              row_major(out.shape))
        return bands.finish(target, 2 * self.line_bytes, "begin", "end")

    def _open_bands(self, rows) -> Bands:
        bands = Bands(self.w, self.body, self.layout, self.domain, self.anchor, rows)
        bands.scratch_offset = 2 * self.line_bytes
        bands.open()
        return bands

    def _target(self) -> Value:
        """The result of the kernel that is written first, and then, element by element, replaced by the epilogue."""
        out = self.anchor.outputs[0]
        return next(v for v in (out, *self.body.outputs) if v in self.body.outputs and v.dtype == out.dtype)

    def _input_rows(self, apart: bool):
        """Write ``begin`` and ``end``: the input's rows that belong to a band of windows; all, where windows
        overlap."""
        w, rows = self.w, self.w.size(self.x.shape[1])
        if not apart:
            w.line("begin = 0")
            w.line(f"end = {rows}")
            return
        stride, low = w.size(self.strides[0]), self._number(self.low[0])
        for name, edge, outermost, place in (("begin", "top", "0", "0"), ("end", "bottom", w.size(self.second.shape[1]),
                                                                          rows)):
            w.line(f"{name} = minimum(maximum({edge} * {stride} - {low}, 0), {rows})")
            w.open(f"if {edge} == {outermost}:")
            w.line(f"{name} = {place}")
            w.close()

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
        Each tap is then written by a loop of its own, as stores in several places would not become vectors."""
        w, strides = self.w, self._strides(self.x)
        taps = list(itertools.product(*map(range, self.window)))
        position = w.scratch_pointer("int32", self.line_bytes, SCOPE_OF_CHANNELS)
        out_strides = row_major(self.anchor.outputs[0].shape)
        places = self._open_places("top", "bottom", ct)
        corner = lambda steps, tap: " + ".join(
            f"({o} * {w.size(s)} + {k}) * {w.size(step)}" for o, s, k,
                                               step in zip(places, self.strides, tap, steps[1:]))
        near = [(w.fresh("p"), w.fresh("q")) for _ in taps]
        for (p, q), tap in zip(near, taps):
            w.line(f"{p} = image * {w.size(strides[0])} + {corner(strides, tap)}")
            w.line(f"{q} = {corner(out_strides, tap)}")
        w.open(f"for c in range({w.size(self.channels)}):")
        w.line(f"m = {w.pointer(self.x)}[{near[0][0]} + c]")
        w.line("k = i32(0)")
        for number, (p, _) in enumerate(near[1:], 1):
            w.line(f"v = {w.pointer(self.x)}[{p} + c]")
            w.line("better = (v > m) | (isnan(v) & (m == m))")
            w.line("m = where(better, v, m)")
            w.line(f"k = where(better, i32({number}), k)")
        w.line(f"{position}[c] = k")
        w.close()
        for number, (_, q) in enumerate(near):
            w.open(f"for c in range({w.size(self.channels)}):")
            w.line(f"{element(q)} = where({position}[c] == i32({number}), {w.pointer(ct)}[far + c], "
                   f"{w.constant(0, ct.dtype)})")
            w.close()
        for _ in places:
            w.close()

    def emit_max(self) -> LoopKernel:
        w, out = self.w, self.anchor.outputs[0]
        bands = self._open_bands(out.shape[1])
        target = self._target()
        element = f"{w.pointer(target)}[far + c]"
        places = self._open_places("top", "bottom", out)
        w.open(f"for c in range({w.size(self.channels)}):")
        w.line(f"{element} = {w.constant(lowest(out.dtype), out.dtype)}")
        w.close()
        x, image = w.pointer(self.x), w.size(self._strides(self.x)[0])
        self._taps(places, self._strides(self.x), lambda tap, place: w.line(
            f"{element} = maximum({element}, {x}[image * {image} + {place} + c])"))
        for _ in places:
            w.close()
        return bands.finish(target, 2 * self.line_bytes)

    def emit_pick(self) -> LoopKernel:
        w, out = self.w, self.anchor.outputs[0]
        bands = self._open_bands(out.shape[1])
        target = self._target()
        pointer, y = w.pointer(target), self.second

        def begin():
            w.open(f"for c in range({w.size(self.channels)}):")
            w.line(f"{pointer}[far + c] = {w.constant(0, out.dtype)}")
            w.close()

        def pick(tap, position, place):
            where = f"{pointer}[far + c]"
            w.line(f"{where} = {where} + where({position}[c] == {tap}, "
                   f"{w.pointer(y)}[image * {w.size(self._strides(y)[0])} + {place} + c], {w.constant(0, y.dtype)})")
        self._each_window("top", "bottom", out, pick, self._strides(y), begin)
        return bands.finish(target, 2 * self.line_bytes)

    def _each_window(self, first, last, far: Value, use, strides, begin=None):
        """Loop over output places; find the maxima; then loop over the taps again: use(tap, positions, place in the
        image of a tensor with these strides)."""
        w = self.w
        best = w.scratch_pointer(self.x.dtype, 0, SCOPE_OF_BAND)
        position = w.scratch_pointer("int32", self.line_bytes, SCOPE_OF_CHANNELS)
        places = self._open_places(first, last, far)
        channels = w.size(self.channels)
        w.open(f"for c in range({channels}):")
        w.line(f"{best}[c] = {w.constant(lowest(self.x.dtype), self.x.dtype)}")
        w.line(f"{position}[c] = i32(-1)")
        w.close()

        def compare(tap, place):
            w.line(f"v = {w.pointer(self.x)}[image * {w.size(self._strides(self.x)[0])} + {place} + c]")
            w.line(f"m = {best}[c]")
            w.line(f"better = (v > m) | ({position}[c] < i32(0)) | (isnan(v) & (m == m))")
            w.line(f"{best}[c] = where(better, v, m)")
            w.line(f"{position}[c] = where(better, i32({tap}), {position}[c])")
        self._taps(places, self._strides(self.x), compare)
        if begin is not None:
            begin()
        self._taps(places, strides, lambda tap, place: use(f"i32({tap})", position, place))
        for _ in places:
            w.close()

    def _open_places(self, first, last, far: Value) -> list:
        """Loops over the places of ``far``, rows [first, last); ``far`` becomes where a place's channels begin."""
        w, places = self.w, []
        for k in range(len(self.window)):
            places.append(w.fresh("o"))
            w.open(f"for {places[k]} in range({f'{first}, {last}' if k == 0 else w.size(far.shape[1 + k])}):")
        strides = self._strides(far)
        terms = [f"image * {w.size(strides[0])}"] + [f"{p} * {w.size(s)}" for p, s in zip(places, strides[1:])]
        w.line(f"far = {' + '.join(terms)}")
        return places

    def _taps(self, places, strides, inside):
        """Loops over the taps inside the input, and over channels: inside(number of the tap, place in the image)."""
        w, tap, place = self.w, "0", []
        for k, output in enumerate(places):
            name, at = w.fresh("k"), w.fresh("p")
            window, stride = w.size(self.window[k]), w.size(self.strides[k])
            start = f"{output} * {stride} - {self._number(self.low[k])}"
            w.open(f"for {name} in range(maximum(0, -({start})), minimum({window}, {w.size(self.x.shape[1 + k])} - "
                   f"({start}))):")
            w.line(f"{at} = ({start} + {name}) * {w.size(strides[1 + k])}")
            place.append(at)
            tap = f"({tap}) * {window} + {name}"
        w.open(f"for c in range({w.size(self.channels)}):")
        inside(tap, " + ".join(place))
        for _ in range(len(places) + 1):
            w.close()

    def _number(self, size) -> str:
        return f"({size})" if isinstance(size, int) and size < 0 else self.w.size(size)
