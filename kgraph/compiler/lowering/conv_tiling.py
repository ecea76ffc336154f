"""What kernels of convolutions and pooling share: the geometry that native routines (kgraph.kernels.conv) are told,
and the loop over bands of rows of images, each followed by the epilogue while the band is in cache.

A kernel's unit is one band of one image. The block of words that describes the geometry to the routines lies at the
start of the thread's scratch; each share of a kernel fills it in anew.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.dims import Size, size_of
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.domain import Domain
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.elements import Probe
from kgraph.compiler.loopnest.index import Layout, merge_axes, row_major
from kgraph.compiler.loopnest.records import SEGMENT, WINDOW
from kgraph.compiler.lowering.loops import LoopKernel, _extent, _name
from kgraph.compiler.lowering.writer import SCRATCH_SCOPE, Writer
from kgraph.compiler.plan import Symbol

__all__ = ["Bands", "Geometry", "SCOPE_OF_BAND", "SCOPE_OF_CHANNELS", "emit_bands", "routine"]

BAND_BYTES = 1 << 17   # of output that is made between two epilogues
FULL_BATCH = 8         # with fewer images, an image is shared by several threads
LEAST_PLACES = 32      # of a band, so that tiles are full
NOMINAL = 32           # what a size that is not known stands for, where that decides about speed only
SCOPE_OF_BAND, SCOPE_OF_CHANNELS = 1, 2  # that of the block is 0


def _least(a: Size, b: Size) -> Size:
    return a + b - dims.maximum(a, b)


def _segment_words(taps, stride) -> int:
    return SEGMENT.words * stride * (2 * taps + 2)


def _block_words(window, strides) -> int:
    return WINDOW.words + sum(map(_segment_words, window, strides)) + 3 * SEGMENT.words * 4


class Geometry:
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
        self.words = {"kind": kind, "band": 3 - len(axes), "groups": groups, "near_channels": near_channels,
                      "far_channels": far_channels, "transformed": 0, "wide": 0, "near_image": strides[near][0],
                      "far_image": strides[far][0]}
        missing = {**dict.fromkeys(axes[0], 1), "low": 0, "near_step": 0, "far_step": 0, "tap_step": 0}
        for axis, found in enumerate([missing] * (3 - len(axes)) + axes):
            self.words.update({f"axes[{axis}].{field}": n for field, n in found.items()})
        self.image = strides
        self.bytes = -(-8 * _block_words(self.window, params["strides"]) // 64) * 64

    def write(self, planned=True):
        """planned: with the segments of windows, which the routines of kgraph.kernels.conv follow."""
        self.w.line(f"block = window(scratch, {SCRATCH_SCOPE})")
        for field, value in self.words.items():
            self.w.line(f"block.{field} = {self.w.number(value, f'window {field}')}")
        if planned:
            self.w.line(f"plan_windows({self.w.routine(Symbol('window_plan'))}, scratch)")


class Bands:
    """The loop over a kernel's units: bands of rows (places on the first space axis) of the images of ``value``."""

    def __init__(self, w: Writer, body: Program, layout: Layout, domain: Domain, anchor: Op, rows_of_image: Size,
                 step: int = 1):
        self.w, self.body, self.layout, self.domain, self.anchor = w, body, layout, domain, anchor
        self.out = anchor.outputs[0]
        self.images, self.rows, self.step = self.out.shape[0], rows_of_image, step
        self.row = size_of(self.out.shape[2:])   # elements of a row of the result
        self.item = self.out.type.itemsize
        self.height = self._height()

    def _height(self) -> Size:
        """Rows of a band, a multiple of ``step``: what fits into BAND_BYTES; less where there are few images to
        share."""
        nominal = lambda size: max(1, dims.evaluate(size, dict.fromkeys(dims.names(size), NOMINAL)))
        row_bytes = nominal(self.row) * self.item
        least = max(1, LEAST_PLACES // nominal(size_of(self.out.shape[2:-1])))
        shared = dims.maximum(self.rows * self.images // FULL_BATCH, least)
        height = dims.maximum(1, _least(max(1, BAND_BYTES // row_bytes), shared))
        bands = (self.rows + height - 1) // height
        height = (self.rows + bands - 1) // dims.maximum(1, bands)  # all of about one height
        return dims.maximum(1, (height + self.step - 1) // self.step) * self.step

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


def routine(stem: str, value: Value) -> Symbol:
    return Symbol(f"{stem}_{short_name(value.dtype)}")


def emit_bands(w, body, layout, domain, anchor, geometry, stem, kernel, work: Size | None = None) -> LoopKernel:
    """work: bytes of scratch that the routine takes, if it is one of kgraph.kernels.winograd."""
    x = geometry.near
    bands = Bands(w, body, layout, domain, anchor, anchor.outputs[0].shape[1], step=1 if work is None else 2)
    bands.scratch_offset = geometry.bytes if work is None else geometry.bytes + work
    geometry.write(planned=work is None)
    bands.open()
    target, start = bands.target()
    near = f"{w.address(x)} + {x.type.itemsize} * image * {w.size(geometry.image[x][0])}"
    given = f"{w.routine(routine(stem, x))}, scratch, {near}, {kernel}, {start}"
    if work is None:
        places = w.size(geometry.row_places)
        w.line(f"convolve({given}, top * {places}, bottom * {places})")
    else:
        w.line(f"winograd({given}, top, bottom, scratch + {w.size(geometry.bytes)})")
    return bands.finish(target, bands.scratch_offset)
