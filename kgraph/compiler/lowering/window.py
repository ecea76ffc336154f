"""Convolutions and their gradients: native routines (kgraph.kernels.conv) make a band of rows of an image, then the
epilogue runs over the band while it is in cache."""
from __future__ import annotations

from kgraph.compiler.dims import LINE, Size, size_of
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.domain import Domain
from kgraph.compiler.loopnest.index import Layout
from kgraph.compiler.loopnest.nodes import Expression, Name, call
from kgraph.compiler.loopnest.records import (
    DEPTHWISE_STRIDES,
    DEPTHWISE_TAPS,
    WINDOW_COLUMNS,
    WINDOW_PLACES,
    WINDOW_ROWS,
    WINOGRAD_APART,
    WINOGRAD_TILES,
)
from kgraph.compiler.lowering.conv_tiling import Geometry, emit_bands, routine
from kgraph.compiler.lowering.finish import finish_of
from kgraph.compiler.lowering.loops import LoopKernel
from kgraph.compiler.lowering.pooling import emit_max_grad, emit_max_pick, emit_pool
from kgraph.compiler.lowering.writer import HI, LO, SCRATCH, Writer
from kgraph.compiler.passes.window import is_winograd
from kgraph.compiler.prims.window import WORDS

__all__ = ["emit_weight_grad", "emit_window", "window_flops"]

WIDE = 8                # bytes of a wide sum (kgraph.kernels.wide)
WINOGRAD_WHOLE = 16  # what Winograd's routine rounds channels up to is no more


def emit_window(op: Op, layout: Layout, checks: list) -> LoopKernel:
    """The kernel of a fused op with a convolution or a pooling in it."""
    body = op.params["body"]
    anchor = next(o for o in body.ops if o.prim.kind == "window")
    w, domain = Writer(body, layout, checks), Domain(op.params["domain"])
    w.know(domain.axes)
    return _EMITTERS[anchor.prim.lower](w, body, layout, domain, anchor)


def window_flops(op: Op) -> Size:
    """Two for each multiply-add of a convolution, border or not, twice as many for one of pairs; one for each tap of a
    pooling window."""
    if op.prim.name.startswith("conv"):
        far = op.outputs[0] if op.prim.lower == "conv" else op.inputs[int(op.prim.name == "conv_weight_grad")]
        near = op.outputs[0] if op.prim.name == "conv_data_grad" else op.inputs[0]
        window = op.params.get("window") or op.inputs[1].shape[:-2]
        each = 4 if near.dtype == WORDS else 2
        return each * far.size * size_of(window) * (near.shape[-1] // op.params["groups"])
    windows = op.inputs[-1] if op.prim.name.endswith("grad") else op.outputs[0]
    return windows.size * size_of(op.params["window"])


def _is_depthwise(x: Value, out: Value, groups: int) -> bool:
    return groups > 1 and x.shape[-1] == groups and out.shape[-1] == groups


def _emit_conv(w, body, layout, domain, anchor) -> LoopKernel:
    """conv, and conv_data_grad with a transposed kernel: both sum over taps and the channels of what they read."""
    x, kernel, *transform = anchor.inputs
    out, groups = anchor.outputs[0], anchor.params["groups"]
    depthwise = _is_depthwise(x, out, groups)
    ours, theirs = x.shape[-1] // groups // (1 + (kernel.dtype == WORDS)), out.shape[-1] // groups
    geometry = Geometry(w, layout, anchor, x, out, int(anchor.prim.lower == "conv_data_grad"), ours * out.shape[-1],
                         *((1, 1, out.shape[-1]) if depthwise else (groups, ours, theirs)))
    if x.dtype == "int8":
        stem, work = "conv", _dots_work(size_of(kernel.shape[:-1]), groups, theirs)
        if depthwise:
            stem, work = "depthwise", _channels_work(anchor, kernel.shape, theirs * groups)
        return emit_bands(w, body, layout, domain, anchor, geometry, stem, w.address(kernel), work)
    if transform or is_winograd(anchor, x, out):
        geometry.transform = transform[0] if transform else None
        work = _winograd_work(ours, theirs, 0 if transform else ours * theirs, x.type.itemsize)
        return emit_bands(w, body, layout, domain, anchor, geometry, "winograd", w.address(kernel), work, 2,
                          _winograd_width(x, out))
    finish = finish_of(body, anchor, layout) if _each_meets_a_tap(anchor) else None
    stem, planned = ("depthwise" if depthwise else "conv"), True
    if depthwise and _is_few_taps(anchor):
        stem, planned = f"depthwise_{kernel.shape[-3]}_{anchor.params['strides'][-1]}", False
    if not depthwise or not planned:
        geometry.finish = finish
    return emit_bands(w, body, layout, domain, anchor, geometry, stem, w.address(kernel), planned=planned)


def _each_meets_a_tap(op: Op) -> bool:
    """Whether each output is sure to. Where sizes of images are symbolic, so may their padding be: nobody knows."""
    params, backwards = op.params, op.prim.lower == "conv_data_grad"
    inside = all(isinstance(n, int) and (n >= 0 if backwards else n < taps)
                 for pair, taps in zip(params["padding"], op.inputs[1].shape[:-2]) for n in pair)
    return inside and {*params["dilation"]} == {1} and (not backwards or {*params["strides"]} == {1})


def _is_few_taps(op: Op) -> bool:
    """Whether there is a routine of kgraph.kernels.depthwise for a convolution."""
    window, strides = op.inputs[1].shape[:-2], op.params["strides"]
    return (_each_meets_a_tap(op) and len(window) <= 2 and {*window} <= {*DEPTHWISE_TAPS} and len({*strides}) == 1
            and strides[-1] in DEPTHWISE_STRIDES)


def _winograd_width(x: Value, out: Value) -> int | None:
    """Channels of a unit, where the transformed kernel has more elements than an image."""
    width, places = LINE // x.type.itemsize, size_of(x.shape[1:-1])
    weighs = isinstance(places, int) and 16 * out.shape[-1] > places and out.shape[-1] >= 4 * width
    return width if weighs else None


def _winograd_work(near: int, far: int, matrix: int, item: int) -> int:
    """Bytes of scratch that kgraph.kernels.winograd takes: 16 matrices of that many elements, and a vector of what is
    read and of what is made for each tile, 16 times."""
    return 16 * item * (matrix + WINOGRAD_TILES * (_whole(near) + _whole(far)) + 2 * WINOGRAD_APART)


def _dots_work(terms: int, groups: int, filters: int) -> int:
    """Bytes of scratch that kgraph.kernels.dots takes: packed rows of windows and panels of the kernel, with words of
    two numbers at the most, a row more for each, and two vectors at the end of the rows."""
    words = (terms + 1) // 2 + 1
    return 4 * words * (WINDOW_ROWS + groups * (-(-filters // WINDOW_COLUMNS) * WINDOW_COLUMNS)) + 8 * WINDOW_COLUMNS


def _channels_work(op: Op, kernel: tuple, channels: int) -> int:
    """Bytes of scratch that kgraph.kernels.dot_channels takes: words of columns of the input, for a vector of channels,
    and of the kernel, with a vector more for each vector of channels; words of two numbers at the most."""
    *outer, last = (1, 1, *kernel[:-2])[-3:]
    columns = (WINDOW_PLACES - 1) * op.params["strides"][-1] + (last - 1) * op.params["dilation"][-1] + 1
    words, lanes = outer[0] * -(-outer[1] // 2), WINDOW_COLUMNS // 2
    return 4 * lanes * (words * columns + -(-channels // lanes) * (words * last + 1))


def _whole(channels: int) -> int:
    return -(-channels // WINOGRAD_WHOLE) * WINOGRAD_WHOLE


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
    geometry = Geometry(w, layout, op, x, ct, 0, tap, *((1, 1, ct.shape[-1]) if depthwise else (groups, ours, theirs)))
    if is_winograd(op, x, ct):
        return _emit_winograd_weights(w, op, geometry)
    geometry.words["wide"] = geometry.bytes
    geometry.write()
    taps, item, result = size_of(window), out.type.itemsize, w.pointer(out)
    unit = w.let("unit", LO)
    with w.during(unit < HI):
        part = w.let("part", unit // w.size(taps))
        first = w.let("first", unit - part * w.size(taps))
        last = w.let("last", call("minimum", w.size(taps), first + HI - unit))
        w.let(unit, unit + last - first)
        images = _Images(w, geometry, x, part, parts)
        whole = w.size(taps * tap)
        with w.loop("i", part * whole + first * w.size(tap), part * whole + last * w.size(tap)) as i:
            w.store(result[i], w.constant(0, out.dtype))
        w.do("weigh", w.routine(routine("depthwise_weights" if depthwise else "weights", x)), SCRATCH,
             images.address(x), images.address(ct), w.address(out) + item * part * whole, images.count, first, last)
    return LoopKernel(w, parts * taps, 1, geometry.bytes + WIDE * taps * tap)


class _Images:
    """The images of a part of the batch."""

    def __init__(self, w: Writer, geometry: Geometry, x: Value, part: Name, parts: Size):
        self.w, self.geometry = w, geometry
        self.start = w.let("start", w.size(x.shape[0]) * part // w.size(parts))
        self.count = w.let("stop", w.size(x.shape[0]) * (part + 1) // w.size(parts)) - self.start

    def address(self, v: Value) -> Expression:
        return self.w.address(v) + v.type.itemsize * self.start * self.w.size(self.geometry.image[v][0])


def _emit_winograd_weights(w: Writer, op: Op, geometry: Geometry) -> LoopKernel:
    """A unit is a part of the batch: all taps are made of the same transforms."""
    x, ct = op.inputs
    out, parts, item = op.outputs[0], op.params["parts"], x.type.itemsize
    near, far = x.shape[-1], ct.shape[-1]
    work = _winograd_work(near, far, _whole(near) * _whole(far), item)
    geometry.words["wide"] = geometry.bytes + work
    geometry.write(planned=False)
    with w.loop("part", LO, HI, "share") as part:
        images = _Images(w, geometry, x, part, parts)
        w.do("winograd_weights", w.routine(routine("winograd_weights", x)), SCRATCH, images.address(x),
             images.address(ct), w.address(out) + item * part * w.size(size_of(out.shape[1:])), images.count,
             SCRATCH + w.size(geometry.bytes))
    return LoopKernel(w, parts, 1, geometry.bytes + work + WIDE * size_of(out.shape[1:]))


_EMITTERS = {"conv": _emit_conv, "conv_data_grad": _emit_conv, "max_pool": emit_pool, "sum_pool": emit_pool,
             "sum_pool_grad": emit_pool, "max_pool_grad": emit_max_grad, "max_pool_pick": emit_max_pick}
