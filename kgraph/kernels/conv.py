"""Native convolutions over channels-last images, without a matrix of windows: register tiles (kgraph.kernels.conv_tile)
whose rows are neighbouring output pixels and whose k runs through the taps and channels where they lie.

    window_plan(block)                                   where windows lie inside the input, from the geometry in block
    conv_TYPE(block, x, w, out, lo, hi)                  output rows lo to hi (of the band axis) of one image
    depthwise_TYPE(...)                                  the same where each channel is its own group
    max_pool_TYPE, sum_pool_TYPE                         the same without a kernel: maxima or sums of windows
    weights_TYPE(block, x, ct, out, images, lo, hi)      adds what some images give to taps lo to hi of the kernel
    depthwise_weights_TYPE(...)                          the same where each channel is its own group

Addresses are bytes. The block, in memory of the calling thread, is a record, WINDOW, followed by the segments of its
axes (kgraph.compiler.loopnest.records).

A *segment* is a run of output places of one axis that meet the same taps: at the borders windows are cut, not the
input padded. The product of the axes' segments are regions with one loop nest each, so an element is made of chains of
multiply-adds in the order of taps and channels, whatever the share.
"""
from __future__ import annotations

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.kernels.conv_tile import ConvTile, conv_tiles
from kgraph.kernels.wide import BLOCK as TERMS
from kgraph.kernels.wide import PARTS, add_part

__all__ = ["ROUTINES", "SCRATCH", "function", "nests", "source"]

SCRATCH = 0           # the routines need no memory but the block
FEW_ROWS = 17         # a weight gradient with fewer channels than these joins taps
BAND_BYTES = 1 << 18  # of inputs that the weight gradient keeps in a second-level cache

ROUTINES = ("window_plan", *(f"{name}_{t}" for t in ("f32", "f64") for name in (
    "conv", "depthwise", "max_pool", "sum_pool", "weights", "depthwise_weights")))
_TERMS = {"conv": "product", "weights": "product", "max_pool": "maximum", "sum_pool": "sum"}  # all others: pairs

# Heights of tiles for each number of vectors, by the number of registers. Each takes a while to compile, so some are
# missing, and made of two.
_MIXING = {32: {4: (6, 4, 2, 1), 2: (14, 12, 10, 8, 6, 5, 4, 3, 2, 1), 1: (14, 12, 8, 6, 4, 2, 1)},
           16: {4: (2, 1), 2: (6, 5, 4, 3, 2, 1), 1: (12, 8, 4, 2, 1)}}
_VECTOR = {32: {4: (4, 3, 2, 1), 1: (8, 4, 3, 2, 1)}, 16: {2: (4, 3, 2, 1), 1: (8, 4, 3, 2, 1)}}


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return functions.Function(name, source(name), "convolutions", lambda: conv_tiles(nests(name)))


def nests(name: str) -> list:
    """The tiles of this machine that a routine uses."""
    if name == "window_plan":
        return []
    dtype = "float32" if name.endswith("32") else "float64"
    lanes, term = machine().lanes(4 if dtype == "float32" else 8), _TERMS.get(name[:-4], "pairs")
    shapes = (_MIXING if term == "product" else _VECTOR)[machine().registers]
    return [ConvTile(dtype, lanes, rows, vectors, term, name.startswith("weights"))
            for vectors, heights in shapes.items() for rows in heights]


def source(name: str) -> str:
    """The routine in the kernel language."""
    if name == "window_plan":
        return _PLAN
    chosen = nests(name)
    depthwise = chosen[0].term != "product"
    texts = {"clip": _CLIP, "meet": _MEET, "place": _PLACE}
    axes = {f"{what}{k}": _filled(text.strip(), {"k": k}) for what, text in texts.items()
            for k in range(3)}
    parts = {**axes, "k0": _K0[depthwise], **_ROWS[depthwise], "tiles": _tiles(chosen)}
    values = {"name": name, "a_j": int(depthwise), "item": chosen[0].itemsize, "band": BAND_BYTES,
              "places": TERMS * PARTS, "parts": PARTS, "terms": TERMS, "add_part": add_part(0, **_WIDE_SUMS),
              "start": "{f}(-1.0) / {f}(0.0)" if chosen[0].term == "maximum" else "{f}(0.0)", "f": name[-3:]}
    return _filled(_filled(_WEIGHTS if "weights" in name else _CONV, parts), values)


def _filled(text: str, values: dict) -> str:
    """Text with each {name} replaced; a replacement of several lines keeps the indentation of its place."""
    for key, value in values.items():
        mark, value = "{" + key + "}", str(value)
        while mark in text:
            at = text.index(mark)
            indent = text[text.rfind("\n", 0, at) + 1:at] if "\n" in value else ""
            text = text[:at] + value.replace("\n", "\n" + indent) + text[at + len(mark):]
    return text


def _tiles(chosen) -> str:
    """The text that covers ``rows`` x ``columns`` of C with tiles: strips of columns, in each tiles of about one
    height."""
    lanes, heights = chosen[0].lanes, {}
    for nest in chosen:
        heights.setdefault(nest.vectors, []).append(nest.rows)
    lines = ["j = 0", "while j < columns:", "    left = columns - j"]
    for vectors, known in sorted(heights.items(), reverse=True):
        tests = [f"left >= {lanes * vectors}"] if vectors > 1 else []
        tests += [f"rows <= {max(known)}"] if vectors == 4 and chosen[0].term == "product" else []
        word = "else" if not tests else ("if " if vectors == max(heights) else "elif ") + " and ".join(tests)
        lines += [f"    {word}:", f"        tall = -(-rows // -(-rows // {max(known)}))"]
        for high, low in zip(known, known[1:]):
            if high - low > 1:
                lines += [f"        if tall > {low} and tall < {high}:", f"            tall = {high}"]
        lines += ["        for i in range(0, rows, tall):",
                  f"            nest_{vectors}(min(tall, rows - i), levels, a + {{item}} * (i * a_m + j * {{a_j}}),",
                  "                   a_m, b + {item} * j, c + {item} * (i * c_m + j), c_m, left, more)",
                  f"        j += {lanes * vectors}"]
    return "\n".join(lines)


_PLAN = """
def window_plan(block):
    g = window(block, 0)
    place = window.words
    for axis in range(3):
        stride, dilation, low = g.axes[axis].stride, g.axes[axis].dilation, g.axes[axis].low
        phases = 1
        if g.kind == 1:
            phases = stride
        found = 0
        g.axes[axis].first = place
        for phase in range(phases):
            known_first = -2
            known_count = 0
            for o in range(phase, g.axes[axis].outs, phases):
                first = -1
                count = 0
                step = 1
                start = 0
                for k in range(g.axes[axis].taps):
                    if g.kind == 0:
                        i = o * stride - low + k * dilation
                        inside = i >= 0 and i < g.axes[axis].size
                    else:
                        t = o + low - k * dilation
                        i = t // stride
                        inside = t >= 0 and t == i * stride and i < g.axes[axis].size
                    if inside:
                        if count == 0:
                            first = k
                            start = i
                        elif count == 1:
                            step = k - first
                        count += 1
                if first == known_first and count == known_count:
                    before = segment(block + 8 * (place - segment.words), 0)
                    before.count += 1
                else:
                    s = segment(block + 8 * place, 0)
                    s.out, s.out_step, s.count = o, phases, 1
                    s.tap, s.tap_step, s.taps, s.near = first, step, count, start
                    if g.kind == 0:
                        s.near_step, s.near_tap = stride, dilation
                    else:
                        s.near_step, s.near_tap = 1, -(dilation * step // stride)
                    known_first = first
                    known_count = count
                    place += segment.words
                    found += 1
        g.axes[axis].segments = found
"""

# The innermost loops of a convolution: the channels, joined with the taps of the last axis where they lie together; or,
# where channels do not mix, the taps of the last axis.
_K0 = {False: """l0.count, l0.a, l0.b = t0, a0, b0
l1.count, l1.a, l1.b = t1, a1, b1
l2.count, l2.a, l2.b = t2, a2, b2
l3.count, l3.a, l3.b = g.near_channels, 1, g.groups * g.far_channels
if a2 == g.near_channels and b2 == g.near_channels * g.groups * g.far_channels:
    l2.count, l3.count = 1, t2 * g.near_channels""", True: """l0.count, l0.a, l0.b = 1, 0, 0
l1.count, l1.a, l1.b = t0, a0, b0
l2.count, l2.a, l2.b = t1, a1, b1
l3.count, l3.a, l3.b = t2, a2, b2"""}

# Of segment e, the outputs from j on, n of them, on axis {k}: those inside [lo, hi) on the band axis.
_CLIP = """
e{k} = segment(block + 8 * (g.axes[{k}].first + segment.words * s{k}), 0)
j{k} = 0
n{k} = e{k}.count
if g.band == {k}:
    j{k} = max(0, -((e{k}.out - lo) // e{k}.out_step))
    n{k} = min(n{k}, -((e{k}.out - hi) // e{k}.out_step)) - j{k}
t{k} = e{k}.taps
a{k} = e{k}.near_tap * g.axes[{k}].near_step
b{k} = e{k}.tap_step * g.axes[{k}].tap_step
x{k} = (e{k}.near + j{k} * e{k}.near_step) * g.axes[{k}].near_step
w{k} = e{k}.tap * g.axes[{k}].tap_step
o{k} = (e{k}.out + j{k} * e{k}.out_step) * g.axes[{k}].far_step
x_step{k} = e{k}.near_step * g.axes[{k}].near_step
o_step{k} = e{k}.out_step * g.axes[{k}].far_step
"""

_CONV = """
def {name}(block, x, w, out, lo, hi):
    g = window(block, 0)
    zs, ys, xs = g.axes[0], g.axes[1], g.axes[2]
    l0, l1, l2, l3 = g.loops[0], g.loops[1], g.loops[2], g.loops[3]
    levels = block + 8 * window.loops
    more = 0
    columns = g.far_channels
    for s0 in range(zs.segments):
        {clip0}
        for s1 in range(ys.segments):
            {clip1}
            for s2 in range(xs.segments):
                {clip2}
                rows = n2
                a_m, c_m = x_step2, o_step2
                beside, a_beside, c_beside = n1, x_step1, o_step1
                if n2 < 6 and n1 > n2:
                    rows, beside = n1, n2
                    a_m, c_m = x_step1, o_step1
                    a_beside, c_beside = x_step2, o_step2
                if n0 <= 0 or rows <= 0 or beside <= 0:
                    columns = 0
                elif t0 * t1 * t2 == 0:
                    columns = 0
                    for p in range(n0):
                        for q in range(beside):
                            for i in range(rows):
                                place = o0 + o1 + o2 + p * o_step0 + q * c_beside + i * c_m
                                nothing = p{f}_at(out + {item} * place, 1)
                                for j in range(g.groups * g.far_channels):
                                    nothing[j] = {start}
                else:
                    columns = g.far_channels
                    {k0}
                    for p in range(n0):
                        for q in range(beside):
                            for group in range(g.groups):
                                a = x + {item} * (x0 + x1 + x2 + p * x_step0 + q * a_beside + group * g.near_channels)
                                b = w + {item} * (w0 + w1 + w2 + group * columns)
                                c = out + {item} * (o0 + o1 + o2 + p * o_step0 + q * c_beside + group * columns)
                                {tiles}
"""

# The rows of one tap: its channels, or where they do not mix, one. Whether all taps of the last axis may be rows of one
# tile: then they lie as far apart as rows.
_ROWS = {False: {"row_steps": "1, g.groups * g.far_channels", "rows": "g.near_channels",
                 "joined": f"channels < {FEW_ROWS} and xs.dilation == 1 and xs.near_step == channels "
                           "and xs.tap_step == channels * columns"},
         True: {"row_steps": "xs.dilation * xs.near_step, xs.tap_step", "rows": "1", "joined": "taps > 1"}}

# Of tap k{k}, the outputs that meet the input on axis {k}: from f to l.
_MEET = """
shift{k} = k{k} * g.axes[{k}].dilation - g.axes[{k}].low
f{k} = max(0, -(shift{k} // g.axes[{k}].stride))
l{k} = min(g.axes[{k}].outs, (g.axes[{k}].size - 1 - shift{k}) // g.axes[{k}].stride + 1)
"""
_PLACE = """
if g.band == {k}:
    f{k} = max(f{k}, top)
    l{k} = min(l{k}, top + high_band)
n{k} = l{k} - f{k}
x{k} = (f{k} * g.axes[{k}].stride + shift{k}) * g.axes[{k}].near_step
y{k} = f{k} * g.axes[{k}].far_step
"""

_WIDE_SUMS = {"f": "{f}", "part": "sums", "wide": "block + g.wide", "rows": "1", "columns": "(hi - lo) * xs.tap_step",
              "line": "0"}

# Where a tap has few rows, all taps of the last axis are rows of one tile, over the outputs that all of them meet; what
# each meets to the left and to the right of those is added after. The pieces are the same however taps are shared.
_WEIGHTS = """
def {name}(block, x, ct, out, images, lo, hi):
    g = window(block, 0)
    zs, ys, xs = g.axes[0], g.axes[1], g.axes[2]
    l0, l1, l2, l3 = g.loops[0], g.loops[1], g.loops[2], g.loops[3]
    levels = block + 8 * window.loops
    more = 1
    channels, columns = g.near_channels, g.far_channels
    a_m, c_m = {row_steps}
    taps = xs.taps
    joined = {joined}
    k2 = 0
    {meet2}
    common = f2
    k2 = taps - 1
    {meet2}
    common_end = max(common, l2)
    pair = {item} * (g.near_image + g.far_image)
    places = zs.outs * ys.outs * xs.outs
    many = max(1, min({band} // max(1, pair), {places} // max(1, places)))
    outs = g.axes[g.band].outs
    high_band = outs
    if pair > {band} or places > {places}:
        high_band = max(1, min(outs * {band} // pair, outs * {places} // places))
    blocks, begun = 0, 0
    for first in range(0, images, many):
        for top in range(0, outs, high_band):
            tap = lo
            while tap < hi:
                begin = tap % taps
                k1 = tap // taps % ys.taps
                k0 = tap // (taps * ys.taps)
                count = 1
                if joined:
                    count = min(taps - begin, hi - tap)
                tap += count
                {meet0}
                {place0}
                {meet1}
                {place1}
                pieces = 1
                if joined:
                    pieces = 1 + 2 * count
                for piece in range(pieces):
                    k2 = begin + (piece + 1) // 2 - min(piece, 1)
                    rows = {rows}
                    {meet2}
                    if joined:
                        if piece == 0:
                            rows = count * {rows}
                            f2, l2 = common, common_end
                        elif piece % 2 == 1:
                            l2 = min(l2, common)
                        else:
                            f2 = max(f2, common_end)
                    {place2}
                    if n0 > 0 and n1 > 0 and n2 > 0:
                        inner, outer = 3, 2
                        if n2 < n1:
                            inner, outer = 2, 3
                        l0.count, l0.a, l0.b = min(many, images - first), g.near_image, g.far_image
                        l1.count, l1.a, l1.b = n0, zs.stride * zs.near_step, zs.far_step
                        ins, out_of = g.loops[inner], g.loops[outer]
                        out_of.count, out_of.a, out_of.b = n1, ys.stride * ys.near_step, ys.far_step
                        ins.count, ins.a, ins.b = n2, xs.stride * xs.near_step, xs.far_step
                        for group in range(g.groups):
                            a = x + {item} * (first * g.near_image + x0 + x1 + x2 + group * channels)
                            b = ct + {item} * (first * g.far_image + y0 + y1 + y2 + group * columns)
                            taps_at = k0 * zs.tap_step + k1 * ys.tap_step + k2 * xs.tap_step
                            c = out + {item} * (taps_at + group * columns)
                            {tiles}
            last = 0
            if first + many >= images and top + high_band >= outs:
                last = 1
            blocks += 1 + min(many, images - first) * min(high_band, outs - top) * (places // outs) // {terms}
            if blocks >= {parts} and last == 0 or begun * last != 0:
                sums = out + {item} * lo * xs.tap_step
                {add_part}
                blocks, begun = 0, 1
"""
