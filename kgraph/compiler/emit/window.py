"""Convolutions and pooling: native routines (kgraph.runtime.windows) make a band of rows of an image, then the epilogue
runs over the band while it is in cache.

A kernel's unit is one band of one image. The block of words that describes the geometry to the routines lies at the
start of the thread's scratch; each share of a kernel fills it in anew.
"""
from __future__ import annotations

import itertools

from kgraph.compiler import dims
from kgraph.compiler.dims import Size, size_of
from kgraph.compiler.emit.index import Layout, merge_axes, row_major
from kgraph.compiler.emit.loops import Domain, LoopKernel, _extent, _name
from kgraph.compiler.emit.writer import CASTS, Probe, Writer
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.plan import Symbol
from kgraph.compiler.prims.reduce import lowest

__all__ = ["emit_weight_grad", "emit_window", "window_flops"]

BAND_BYTES = 1 << 17   # of output that is made between two epilogues
FULL_BATCH = 8         # with fewer images, an image is shared by several threads
LEAST_PLACES = 32      # of a band, so that tiles are full
NOMINAL = 32           # what a size that is not known stands for, where that decides about speed only
BLOCK_WORDS = 64       # of kgraph.runtime.windows, where the words of the block are explained
SEGMENT_WORDS = 9
MOST_UNROLLED = 9      # taps of a pooling window that are written out one by one
SCOPE_OF_BLOCK, SCOPE_OF_BAND, SCOPE_OF_CHANNELS = 0, 1, 2


# --- geometry ---------------------------------------------------------------------------------------------------------

def _least(a: Size, b: Size) -> Size:
    return a + b - dims.maximum(a, b)


def _segment_words(taps, stride) -> int:
    return SEGMENT_WORDS * stride * (2 * taps + 2)


def _block_words(window, strides) -> int:
    return BLOCK_WORDS + sum(map(_segment_words, window, strides)) + 3 * SEGMENT_WORDS * 4


class _Geometry:
    """The words of the block, and the text that writes them. ``near`` is read, ``far`` is made (or is the gradient
    that weights are made of); kind 1 walks a convolution backwards."""

    def __init__(self, w: Writer, layout: Layout, op: Op, near: Value, far: Value, kind: int, taps_step: Size,
                 groups: int, near_channels, far_channels):
        self.w, self.op, self.near, self.far = w, op, near, far
        params = op.params
        self.window = params.get("window") or tuple(op.inputs[1].shape[:-2])
        self.rank = len(self.window)
        dilation = params.get("dilation", (1,) * self.rank)
        low = [p[0] for p in params["padding"]]
        strides = {v: layout.strides.get(v) or row_major(v.shape) for v in (near, far)}
        axes = [(near.shape[1 + k], far.shape[1 + k], self.window[k], params["strides"][k], dilation[k], low[k],
                 strides[near][1 + k], strides[far][1 + k], size_of(self.window[k + 1:]) * taps_step)
                for k in range(self.rank)]
        self.row_places = 1   # places on the band axis for each row of the result
        if near not in layout.strides and all(a[2] == a[3] == 1 and p == (0, 0) for a,
                                              p in zip(axes, params["padding"])):
            self.row_places = size_of(far.shape[2:-1])
            space = size_of(far.shape[1:-1])
            axes = [(space, space, *axes[-1][2:])]
        self.words = {0: kind, 1: 3 - len(axes), 2: groups, 3: near_channels, 4: far_channels,
                      6: strides[near][0], 7: strides[far][0]}
        for axis, found in enumerate([(1, 1, 1, 1, 1, 0, 0, 0, 0)] * (3 - len(axes)) + axes):
            self.words.update({8 + 12 * axis + i: n for i, n in enumerate(found)})
        self.image = strides
        self.bytes = 8 * _block_words(self.window, params["strides"])

    def write(self):
        block = self.w.scratch_pointer("int64", 0, SCOPE_OF_BLOCK)
        for place, value in self.words.items():
            self.w.line(f"{block}[{place}] = {self.w.number(value, f'window {place}')}")
        self.w.line(f"plan_windows({self.w.routine(Symbol('window_plan'))}, scratch)")


# --- bands and epilogues ----------------------------------------------------------------------------------------------

class _Bands:
    """The loop over a kernel's units: bands of rows (places on the first space axis) of the images of ``value``."""

    def __init__(self, w: Writer, body: Program, layout: Layout, domain: Domain, anchor: Op, rows_of_image: Size):
        self.w, self.body, self.layout, self.domain, self.anchor = w, body, layout, domain, anchor
        self.out = anchor.outputs[0]
        self.images, self.rows = self.out.shape[0], rows_of_image
        self.row = size_of(self.out.shape[2:])   # elements of a row of the result
        self.item = self.out.type.itemsize
        self.height = self._height()

    def _height(self) -> Size:
        """Rows of a band: what fits into BAND_BYTES; less where there are few images to share."""
        nominal = lambda size: max(1, dims.evaluate(size, dict.fromkeys(dims.names(size), NOMINAL)))
        row_bytes = nominal(self.row) * self.item
        least = max(1, LEAST_PLACES // nominal(size_of(self.out.shape[2:-1])))
        shared = dims.maximum(self.rows * self.images // FULL_BATCH, least)
        return dims.maximum(1, _least(max(1, BAND_BYTES // row_bytes), shared))

    @property
    def bands(self) -> Size:
        return (self.rows + self.height - 1) // self.height

    def open(self):
        w = self.w
        w.open("for unit in range(lo, hi):")
        w.line(f"image = unit // {w.size(self.bands)}")
        w.line(f"top = (unit - image * {w.size(self.bands)}) * {w.size(self.height)}")
        w.line(f"bottom = minimum(top + {w.size(self.height)}, {w.size(self.rows)})")

    def target(self) -> tuple:
        """Where the anchor's result goes: (value or None, start address of the image). Its own buffer; else that of a
        result of its dtype, element by element of which the epilogue puts its own in the place; else scratch."""
        chosen = next((v for v in (self.out, *self.body.outputs) if v in self.body.outputs
                       and v.dtype == self.out.dtype), None)
        start = f"image * {self.w.size(size_of(self.out.shape[1:]))}"
        if chosen is not None:
            return chosen, f"{self.w.address(chosen)} + {self.item} * {start}"
        return None, f"scratch + {self.w.size(self.scratch_offset)} - {self.item} * top * {self.w.size(self.row)}"

    def finish(self, target, scratch_offset: Size, first="top", last="bottom") -> LoopKernel:
        """The epilogue over rows [first, last) of the result, and the end of the loop."""
        if len(self.body.ops) > 1:
            self._epilogue(target, first, last)
        self.w.close()
        bytes_ = scratch_offset + (0 if target is not None else self.height * self.row * self.item)
        return LoopKernel(self.w, self.images * self.bands, 1, bytes_)

    def _axes(self):
        """The image's axis, the row axis (each may be missing, having size 1), and the other axes."""
        axes = iter(self.domain.axes)
        named = [None if isinstance(s, int) and s == 1 else next(axes) for s in self.out.shape]
        return named[0], named[1], [a for a in named[2:] if a is not None]

    def _epilogue(self, target, first, last):
        w, depth = self.w, self.w.depth
        image, row, rest = self._axes()
        if image is not None:
            image.text, image.level = "image", depth
        groups = merge_axes(([row] if row is not None else []) + rest, self._accesses())
        for group in groups:
            name = w.fresh("i")
            inner = w.size(size_of([a.extent for a in group[1:]]))
            bounds = f"{first} * {inner}, {last} * {inner}" if group[0] is row else w.size(_extent(group))
            w.open(f"for {name} in range({bounds}):")
            _name(w, group, name)
        index = self.domain.index(self.out.shape, kept=False)
        value = w.fresh("t")
        w.line(f"{value} = {self._read(target, index)}")
        w.give(self.out, value)
        w.store_elements((v, self.domain.index(v.shape, kept=False)) for v in self.body.outputs if v is not self.out)
        for _ in groups:
            w.close()

    def _read(self, target, index) -> str:
        place = self.w.at(self.layout.position(self.out, index))
        if target is not None:
            return f"{self.w.pointer(target)}[{place}]"
        band = self.w.scratch_pointer(self.out.dtype, self.scratch_offset, SCOPE_OF_BAND)
        return f"{band}[{place} - (image * {self.w.size(self.rows)} + top) * {self.w.size(self.row)}]"

    def _accesses(self) -> list:
        probe = Probe({o: p for p in self.body.ops if p is not self.anchor for o in p.outputs})
        for out in self.body.outputs:
            probe.element(out, self.domain.index(out.shape, kept=False))
        positions = [self.layout.position(o, self.domain.index(o.shape, kept=False))
                     for o in (*self.body.outputs, self.out)]
        return probe.accesses(self.layout) + positions


def emit_window(op: Op, layout: Layout, checks: list) -> LoopKernel:
    """The kernel of a fused op with a convolution or a pooling in it."""
    body = op.params["body"]
    anchor = next(o for o in body.ops if o.prim.kind == "window")
    w, domain = Writer(body, layout, checks), Domain(op.params["domain"])
    w.know(domain.axes)
    return _EMITTERS[anchor.prim.lower](w, body, layout, domain, anchor)


def window_flops(op: Op) -> Size:
    """Two for each multiply-add of a convolution, border or not; one for each tap of a pooling window."""
    if op.prim.name.startswith("conv"):
        far = op.outputs[0] if op.prim.name == "conv" else op.inputs[int(op.prim.name == "conv_weight_grad")]
        near = op.outputs[0] if op.prim.name == "conv_data_grad" else op.inputs[0]
        window = op.params.get("window") or op.inputs[1].shape[:-2]
        return 2 * far.size * size_of(window) * (near.shape[-1] // op.params["groups"])
    windows = op.inputs[-1] if op.prim.name.endswith("grad") else op.outputs[0]
    return windows.size * size_of(op.params["window"])


# --- convolutions -----------------------------------------------------------------------------------------------------

def _is_depthwise(x: Value, out: Value, groups: int) -> bool:
    return groups > 1 and x.shape[-1] == groups and out.shape[-1] == groups


def _routine(stem: str, value: Value) -> Symbol:
    return Symbol(f"{stem}_{CASTS[value.dtype]}")


def _emit_conv(w, body, layout, domain, anchor) -> LoopKernel:
    """conv, and conv_data_grad with a transposed kernel: both sum over taps and the channels of what they read."""
    x, kernel = anchor.inputs
    out, groups = anchor.outputs[0], anchor.params["groups"]
    depthwise = _is_depthwise(x, out, groups)
    ours, theirs = x.shape[-1] // groups, out.shape[-1] // groups
    geometry = _Geometry(w, layout, anchor, x, out, int(anchor.prim.lower == "conv_data_grad"), ours * out.shape[-1],
                         *((1, 1, out.shape[-1]) if depthwise else (groups, ours, theirs)))
    return _emit_bands(w, body, layout, domain, anchor, geometry, "depthwise" if depthwise else "conv",
                       w.address(kernel))


def _emit_bands(w, body, layout, domain, anchor, geometry, stem, kernel) -> LoopKernel:
    x = geometry.near
    bands = _Bands(w, body, layout, domain, anchor, anchor.outputs[0].shape[1])
    bands.scratch_offset = geometry.bytes
    geometry.write()
    bands.open()
    target, start = bands.target()
    near = f"{w.address(x)} + {x.type.itemsize} * image * {w.size(geometry.image[x][0])}"
    places = w.size(geometry.row_places)
    w.line(f"convolve({w.routine(_routine(stem, x))}, scratch, {near}, {kernel}, {start}, top * {places}, bottom * "
           f"{places})")
    return bands.finish(target, geometry.bytes)


def emit_weight_grad(op: Op, layout: Layout, checks) -> LoopKernel:
    """Each part of the batch has sums of its own: a unit is one tap of one part, so how many threads take part changes
    nothing."""
    x, ct = op.inputs
    out, params = op.outputs[0], op.params
    groups, window, parts = params["groups"], params["window"], params["parts"]
    w = Writer(Program(op.prim.name, op.inputs, (), op.outputs), layout, checks)
    depthwise = _is_depthwise(x, ct, groups)
    ours, theirs = x.shape[-1] // groups, ct.shape[-1] // groups
    tap = ours * ct.shape[-1]
    geometry = _Geometry(w, layout, op, x, ct, 0, tap, *((1, 1, ct.shape[-1]) if depthwise else (groups, ours, theirs)))
    geometry.write()
    taps, item, result = size_of(window), out.type.itemsize, w.pointer(out)
    w.line("unit = lo")
    w.open("while unit < hi:")
    w.line(f"part = unit // {w.size(taps)}")
    w.line(f"first = unit - part * {w.size(taps)}")
    w.line(f"last = minimum({w.size(taps)}, first + hi - unit)")
    w.line("unit = unit + last - first")
    w.line(f"start = {w.size(x.shape[0])} * part // {w.size(parts)}")
    w.line(f"stop = {w.size(x.shape[0])} * (part + 1) // {w.size(parts)}")
    base = f"part * {w.size(taps * tap)}"
    w.open(f"for i in range({base} + first * {w.size(tap)}, {base} + last * {w.size(tap)}):")
    w.line(f"{result}[i] = {w.constant(0, out.dtype)}")
    w.close()
    address = lambda v: f"{w.address(v)} + {item} * start * {w.size(geometry.image[v][0])}"
    routine = w.routine(_routine("depthwise_weights" if depthwise else "weights", x))
    w.line(f"weigh({routine}, scratch, {address(x)}, {address(ct)}, {w.address(out)} + {item} * {base}, "
           "stop - start, first, last)")
    w.close()
    return LoopKernel(w, parts * taps, 1, geometry.bytes)


# --- pooling ----------------------------------------------------------------------------------------------------------

def _emit_pool(w, body, layout, domain, anchor) -> LoopKernel:
    """max_pool, sum_pool, and sum_pool_grad: as a depthwise convolution whose kernel is not there."""
    x, out = anchor.inputs[0], anchor.outputs[0]
    kind = int(anchor.prim.lower == "sum_pool_grad")
    geometry = _Geometry(w, layout, anchor, x, out, kind, 0, 1, 1, out.shape[-1])
    stem = "max_pool" if anchor.prim.lower == "max_pool" else "sum_pool"
    return _emit_bands(w, body, layout, domain, anchor, geometry, stem, "0")


def _emit_max_grad(w, body, layout, domain, anchor) -> LoopKernel:
    """For each window, find the first of its largest elements, and add the gradient there. Where windows overlap, one
    image is one unit."""
    return _Windows(w, body, layout, domain, anchor).emit_grad()


def _emit_max_pick(w, body, layout, domain, anchor) -> LoopKernel:
    return _Windows(w, body, layout, domain, anchor).emit_pick()


class _Windows:
    """Loops over the windows of a max_pool's input x, with the place of the first maximum of each channel in
    scratch."""

    def __init__(self, w: Writer, body, layout, domain, anchor):
        self.w, self.body, self.layout, self.domain, self.anchor = w, body, layout, domain, anchor
        self.x, self.second = anchor.inputs
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

    def _open_bands(self, rows) -> _Bands:
        bands = _Bands(self.w, self.body, self.layout, self.domain, self.anchor, rows)
        bands.scratch_offset = 2 * self.line_bytes
        bands.open()
        return bands

    def _target(self) -> Value:
        """The result of the kernel that is written first, and then, element by element, replaced by the epilogue."""
        out = self.anchor.outputs[0]
        for v in (out, *self.body.outputs):
            if v in self.body.outputs and v.dtype == out.dtype:
                return v
        raise NotImplementedError(f"{self.anchor.scope}: {self.anchor.prim.name} is used for something that is no "
                                  f"float")

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


_EMITTERS = {"conv": _emit_conv, "conv_data_grad": _emit_conv, "max_pool": _emit_pool, "sum_pool": _emit_pool,
             "sum_pool_grad": _emit_pool, "max_pool_grad": _emit_max_grad, "max_pool_pick": _emit_max_pick}
