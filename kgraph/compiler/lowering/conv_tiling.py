"""What kernels of convolutions and pooling share: the geometry that native routines (kgraph.kernels.conv) are told,
and the loop over bands of rows of images, each followed by the epilogue while the band is in cache.

A kernel's unit is one band of one image. The block of words that describes the geometry to the routines lies at the
start of the thread's scratch; each share of a kernel fills it in anew.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.dims import Size, in_lines, size_of
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.domain import Domain
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.elements import Probe
from kgraph.compiler.loopnest.index import Layout, merge_axes, row_major
from kgraph.compiler.loopnest.nodes import Expression, Load, Name, While, call
from kgraph.compiler.loopnest.records import SEGMENT, WINDOW
from kgraph.compiler.lowering.finish import Finish
from kgraph.compiler.lowering.loops import LoopKernel, _close_loops, _extent, _open_loop
from kgraph.compiler.lowering.writer import HI, LO, SCRATCH, SCRATCH_SCOPE, Writer
from kgraph.compiler.plan import Symbol
from kgraph.compiler.prims.window import WORDS

__all__ = ["Bands", "Geometry", "SCOPE_OF_BAND", "SCOPE_OF_CHANNELS", "emit_bands", "routine"]

BAND_BYTES = 1 << 17   # of output that is made between two epilogues
SCOPE_OF_BAND, SCOPE_OF_CHANNELS = 1, 2  # that of the block is 0


def _least(a: Size, b: Size) -> Size:
    return a + b - dims.maximum(a, b)


def _segment_words(taps, phases) -> int:
    """Each tap belongs to one phase, and begins and ends at most one segment there."""
    return SEGMENT.words * 2 * (taps + phases)


def _block_words(window, strides) -> int:
    return WINDOW.words + sum(map(_segment_words, window, strides)) + 3 * SEGMENT.words * 4


class Geometry:
    """The words of the block, and the statements that write them. ``near`` is read, ``far`` is made (or is the gradient
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
        self.item = near.type.itemsize
        if near.dtype == "bfloat16":  # in pairs of channels
            strides[near], self.item = row_major((*near.shape[:-1], near.shape[-1] // 2)), 2 * self.item
        axes = [{"size": near.shape[1 + k], "outs": far.shape[1 + k], "taps": self.window[k],
                 "stride": params["strides"][k], "dilation": dilation[k], "low": low[k],
                 "near_step": strides[near][1 + k], "far_step": strides[far][1 + k],
                 "tap_step": size_of(self.window[k + 1:]) * taps_step} for k in range(self.rank)]
        self.row_places = 1   # places on the band axis for each row of the result
        still = all(a["taps"] == a["stride"] == 1 and pair == (0, 0) for a, pair in zip(axes, params["padding"]))
        if still and near not in layout.strides:
            self.row_places = size_of(far.shape[2:-1])
            space = size_of(far.shape[1:-1])
            axes = [{**axes[-1], "size": space, "outs": space}]
        self.words: dict = {"kind": kind, "band": 3 - len(axes), "groups": groups, "near_channels": near_channels,
                      "far_channels": far_channels, "left": 0, "right": far_channels, "transformed": 0, "wide": 0,
                      "near_image": strides[near][0], "far_image": strides[far][0]}
        missing = {**dict.fromkeys(axes[0], 1), "low": 0, "near_step": 0, "far_step": 0, "tap_step": 0}
        self.axes = [missing] * (3 - len(axes)) + axes
        self.image = strides
        self.transform: Value | None = None  # of the kernel, for kgraph.kernels.winograd
        self.finish: Finish | None = None  # what the routine does to its sums, if it can
        self.bytes = in_lines(8 * _block_words(self.window, params["strides"]))

    def write(self, planned=True):
        """planned: with the segments of windows, which the routines of kgraph.kernels.conv follow."""
        w = self.w
        block = self.block = w.record("block", WINDOW, SCRATCH, SCRATCH_SCOPE)
        parts = [("window", block, self.words)]
        parts += [(f"window {k}", block.axes[k], words) for k, words in enumerate(self.axes)]
        for part, target, words in parts:
            for field, value in words.items():
                w.fill(target, **{field: w.number(value, f"{part} {field}")})
        if self.transform is not None:
            w.fill(block, transformed=w.address(self.transform))
        w.fill(block, finishes=0 if self.finish is None else SCRATCH + 8 * WINDOW.place("finish"))
        if self.finish is not None:
            self.finish.write(w, block.finish[0])
        if planned:
            w.do("plan_windows", w.routine(Symbol("window_plan")), SCRATCH)


class Bands:
    """The loop over a kernel's units: each is ``step`` rows (places on the first space axis) of an image of ``value``,
    or where weights are read rather than images, ``width`` channels of all rows. Those that follow each other in a
    share are made together: as many rows as fit into a band, or all channels. Which these are depends on the share, so
    nothing that is made may depend on them.
    """

    def __init__(self, w: Writer, body: Program, layout: Layout, domain: Domain, anchor: Op, rows_of_image: Size,
                 step: int = 1, width: int | None = None):
        self.w, self.body, self.layout, self.domain, self.anchor = w, body, layout, domain, anchor
        self.out = anchor.outputs[0]
        self.images, self.rows, self.step, self.width = self.out.shape[0], rows_of_image, step, width
        self.row = size_of(self.out.shape[2:])   # elements of a row of the result
        self.item = self.out.type.itemsize
        self.units = -(-rows_of_image // step) if width is None else -(-self.out.shape[-1] // width)  # of an image
        self.height = dims.maximum(1, rows_of_image) if width is not None else _least(
            dims.maximum(1, rows_of_image), max(1, BAND_BYTES // max(1, dims.nominal(self.row) * self.item)))
        self.is_finished = False  # see target

    def open(self):
        """Open the loop. From here on there are locals ``image``, and ``top`` and ``bottom`` of the band's rows, or
        ``left`` and ``right`` of its channels."""
        w, units = self.w, self.w.size(self.units)
        unit = w.let("unit", LO)
        w.open(While(unit < HI, ()))
        self.image = w.let("image", unit // units)
        first = w.let("first", unit - self.image * units)
        some = w.let("some", call("minimum", units - first, HI - unit))
        self.top, self.bottom, self.left, self.right = 0, w.size(self.rows), 0, w.size(self.out.shape[-1])
        if self.width is None:
            most = w.size(dims.maximum(1, self.height // self.step))
            bands = w.let("bands", (some + most - 1) // most)
            w.let(some, (some + bands - 1) // bands)   # all of about one height
            self.top = w.let("top", first * self.step)
            self.bottom = w.let("bottom", call("minimum", (first + some) * self.step, self.bottom))
        else:
            self.left = w.let("left", first * self.width)
            self.right = w.let("right", call("minimum", (first + some) * self.width, self.right))
        w.let(unit, unit + some)

    def target(self, finished: Value | None = None) -> tuple:
        """Where the anchor's result goes: (value or None, the image's address). Its own buffer; else that of a result
        of its dtype, element by element of which the epilogue puts its own in the place; else scratch. finished: the
        kernel's result, if no epilogue is left to do."""
        self.is_finished = finished is not None
        candidates = (finished,) if self.is_finished else (self.out, *self.body.outputs)
        chosen = next((v for v in candidates if v in self.body.outputs and v.dtype == self.out.dtype), None)
        w, elements = self.w, self.w.size(size_of(self.out.shape[1:]))
        if chosen is not None:
            return chosen, w.address(chosen) + self.item * self.image * elements
        return None, SCRATCH + w.size(self.scratch_offset) - self.item * self.top * w.size(self.row)

    def finish(self, target, scratch_offset: Size, first: Name | None = None, last: Name | None = None) -> LoopKernel:
        """The epilogue over rows [first, last) of the result, else those of the band, and the end of the loop."""
        if len(self.body.ops) > 1 and not self.is_finished:
            self._epilogue(target, self.top if first is None else first, self.bottom if last is None else last)
        self.w.close()
        high = (self.height + self.step - 1) // self.step * self.step
        bytes_ = scratch_offset + (0 if target is not None else high * self.row * self.item)
        return LoopKernel(self.w, self.images * self.units, 1, bytes_)

    def _axes(self):
        """The image's axis, the row axis (each may be missing, having size 1), and the other axes."""
        axes = iter(self.domain.axes)
        named = [None if isinstance(s, int) and s == 1 else next(axes) for s in self.out.shape]
        return named[0], named[1], [a for a in named[2:] if a is not None]

    def _epilogue(self, target, first, last):
        w = self.w
        image, row, rest = self._axes()
        if image is not None:
            image.variable = self.image
        channels = rest[-1:] if self.width is not None else []
        groups = merge_axes(([row] if row is not None else []) + rest, self._accesses(), channels)
        for group in groups:
            inner = w.size(size_of([a.extent for a in group[1:]]))
            bounds = (0, w.size(_extent(group)))
            if group[0] is row:
                bounds = first * inner, last * inner
            elif group == channels:
                bounds = self.left, self.right
            _open_loop(w, group, *bounds)
        found = self._read(target, self.domain.index(self.out.shape, parallel=False))
        w.give(self.out, w.let(w.fresh("t"), found))
        others = (v for v in self.body.outputs if v is not self.out)
        w.store_elements((v, self.domain.index(v.shape, parallel=False)) for v in others)
        _close_loops(w, len(groups))

    def _read(self, target, index) -> Load:
        w, place = self.w, self.w.at(self.layout.position(self.out, index))
        if target is not None:
            return w.pointer(target)[place]
        band = w.scratch_pointer(self.out.dtype, self.scratch_offset, SCOPE_OF_BAND)
        return band[place - (self.image * w.size(self.rows) + self.top) * w.size(self.row)]

    def _accesses(self) -> list:
        probe = Probe({o: p for p in self.body.ops if p is not self.anchor for o in p.outputs})
        for out in self.body.outputs:
            probe.element(out, self.domain.index(out.shape, parallel=False))
        positions = [self.layout.position(o, self.domain.index(o.shape, parallel=False))
                     for o in (*self.body.outputs, self.out)]
        return probe.accesses(self.layout) + positions


def routine(stem: str, value: Value) -> Symbol:
    return Symbol(f"{stem}_{'bf16' if value.dtype == WORDS else short_name(value.dtype)}")


def emit_bands(w, body, layout, domain, anchor, geometry, stem, kernel: Expression | int,
               work: Size | None = None, step: int = 1, width: int | None = None, planned: bool = True) -> LoopKernel:
    """kernel: the address of the weights. work: bytes of scratch that the routine takes, if it is one that keeps what
    is packed (kgraph.kernels.winograd, dots). step: rows that it makes together. width: see Bands. planned: whether
    the routine follows segments of windows, if it is none of these."""
    x = geometry.near
    bands = Bands(w, body, layout, domain, anchor, anchor.outputs[0].shape[1], step, width)
    bands.scratch_offset = geometry.bytes if work is None else geometry.bytes + work
    geometry.write(planned=planned and work is None)
    bands.open()
    if width is not None:
        w.fill(geometry.block, left=bands.left, right=bands.right)
    target, start = bands.target(None if geometry.finish is None else geometry.finish.out)
    near = w.address(x) + geometry.item * bands.image * w.size(geometry.image[x][0])
    places = w.size(geometry.row_places)
    given = (w.routine(routine(stem, x)), SCRATCH, near, kernel, start, bands.top * places, bands.bottom * places)
    if work is None:
        w.do("convolve", *given)
    else:
        w.do("convolve_packed", *given, SCRATCH + w.size(geometry.bytes))
    return bands.finish(target, bands.scratch_offset)
