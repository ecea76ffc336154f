"""Native convolutions over channels-last images, without a matrix of windows: register tiles (kgraph.kernels.conv_tile)
whose rows are neighbouring output pixels and whose k runs through the taps and channels where they lie.

    window_plan(block)                                   where windows lie inside the input, from the geometry in block
    conv_TYPE(block, x, w, out, lo, hi)                  output rows lo to hi (of the band axis) of one image
    depthwise_TYPE(...)                                  the same where each channel is its own group
    max_pool_TYPE, sum_pool_TYPE                         the same without a kernel: maxima or sums of windows
    weights_TYPE(block, x, ct, out, images, lo, hi)      adds what some images give to taps lo to hi of the kernel
    depthwise_weights_TYPE(...)                          the same where each channel is its own group

Addresses are bytes. The block is `BLOCK` + `segment_words` words of memory of the calling thread:

    0 kind (0: a convolution, 1: its data gradient)   1 band axis   2 groups
    3 channels of x in a group   4 channels of out (weights: of ct) in a group
    5 how many bytes behind the block memory for the wide sums begins (see kgraph.kernels.wide): 8 for each number of
      the kernel   6 elements of an image of x   7 of ct (weights only)
    8 + 12 k, for space axes k = 0, 1, 2 (those that are missing have size 1 and one tap):
      0 size of x   1 size of out (weights: of ct)   2 taps   3 stride   4 dilation   5 low padding
      6 stride in memory of x   7 of out (weights: of ct)   8 of w   9 number of segments   10 their place

A *segment* is a run of output places of one axis that meet the same taps: at the borders windows are cut, not the
input padded. Its words: first output place, step, count; first tap, step, count; input place of the first output and
first tap, step from output to output, step from tap to tap. The product of the axes' segments are regions with one
loop nest each, so an element is made of chains of multiply-adds in the order of taps and channels, whatever the share.
"""
from __future__ import annotations

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.kernels.conv_tile import ConvTile, conv_tiles
from kgraph.kernels.wide import BLOCK as TERMS
from kgraph.kernels.wide import PARTS, add_part

__all__ = ["BLOCK", "ROUTINES", "SCRATCH", "SEGMENT", "function", "nests", "segment_words", "source"]

BLOCK, SEGMENT, LEVELS_AT = 64, 9, 46
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


def segment_words(taps, stride) -> int:
    """How many words the segments of one axis may take."""
    return SEGMENT * stride * (2 * taps + 2)


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
    values = {"name": name, "a_j": int(depthwise), "item": chosen[0].itemsize, "levels": LEVELS_AT, "band": BAND_BYTES,
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
    g = pi64_at(block, 0)
    place = 64
    for axis in range(3):
        p = 8 + 12 * axis
        size, outs, taps, stride, dilation, low = g[p], g[p + 1], g[p + 2], g[p + 3], g[p + 4], g[p + 5]
        phases = 1
        if g[0] == 1:
            phases = stride
        found = 0
        g[p + 10] = place
        for phase in range(phases):
            known_first = -2
            known_count = 0
            for o in range(phase, outs, phases):
                first = -1
                count = 0
                step = 1
                start = 0
                for k in range(taps):
                    if g[0] == 0:
                        i = o * stride - low + k * dilation
                        inside = i >= 0 and i < size
                    else:
                        t = o + low - k * dilation
                        i = t // stride
                        inside = t >= 0 and t == i * stride and i < size
                    if inside:
                        if count == 0:
                            first = k
                            start = i
                        elif count == 1:
                            step = k - first
                        count += 1
                if first == known_first and count == known_count:
                    g[place - 7] += 1
                else:
                    g[place], g[place + 1], g[place + 2] = o, phases, 1
                    g[place + 3], g[place + 4], g[place + 5], g[place + 6] = first, step, count, start
                    if g[0] == 0:
                        g[place + 7], g[place + 8] = stride, dilation
                    else:
                        g[place + 7], g[place + 8] = 1, -(dilation * step // stride)
                    known_first = first
                    known_count = count
                    place += 9
                    found += 1
        g[p + 9] = found
"""

# The innermost loops of a convolution: the channels, joined with the taps of the last axis where they lie together; or,
# where channels do not mix, the taps of the last axis.
_K0 = {False: """g[L], g[L + 1], g[L + 2] = t0, a0, b0
g[L + 3], g[L + 4], g[L + 5] = t1, a1, b1
g[L + 6], g[L + 7], g[L + 8] = t2, a2, b2
g[L + 9], g[L + 10], g[L + 11] = g[3], 1, g[2] * g[4]
if a2 == g[3] and b2 == g[3] * g[2] * g[4]:
    g[L + 6], g[L + 9] = 1, t2 * g[3]""", True: """g[L], g[L + 1], g[L + 2] = 1, 0, 0
g[L + 3], g[L + 4], g[L + 5] = t0, a0, b0
g[L + 6], g[L + 7], g[L + 8] = t1, a1, b1
g[L + 9], g[L + 10], g[L + 11] = t2, a2, b2"""}

# Of segment e, the outputs from j on, n of them, on axis {k}: those inside [lo, hi) on the band axis.
_CLIP = """
e{k} = g[8 + 12 * {k} + 10] + 9 * s{k}
j{k} = 0
n{k} = g[e{k} + 2]
if g[1] == {k}:
    j{k} = max(0, -((g[e{k}] - lo) // g[e{k} + 1]))
    n{k} = min(n{k}, -((g[e{k}] - hi) // g[e{k} + 1])) - j{k}
t{k} = g[e{k} + 5]
a{k} = g[e{k} + 8] * g[8 + 12 * {k} + 6]
b{k} = g[e{k} + 4] * g[8 + 12 * {k} + 8]
x{k} = (g[e{k} + 6] + j{k} * g[e{k} + 7]) * g[8 + 12 * {k} + 6]
w{k} = g[e{k} + 3] * g[8 + 12 * {k} + 8]
o{k} = (g[e{k}] + j{k} * g[e{k} + 1]) * g[8 + 12 * {k} + 7]
x_step{k} = g[e{k} + 7] * g[8 + 12 * {k} + 6]
o_step{k} = g[e{k} + 1] * g[8 + 12 * {k} + 7]
"""

_CONV = """
def {name}(block, x, w, out, lo, hi):
    g = pi64_at(block, 0)
    L = {levels}
    levels = block + 8 * L
    more = 0
    columns = g[4]
    for s0 in range(g[17]):
        {clip0}
        for s1 in range(g[29]):
            {clip1}
            for s2 in range(g[41]):
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
                                for j in range(g[2] * g[4]):
                                    nothing[j] = {start}
                else:
                    columns = g[4]
                    {k0}
                    for p in range(n0):
                        for q in range(beside):
                            for group in range(g[2]):
                                a = x + {item} * (x0 + x1 + x2 + p * x_step0 + q * a_beside + group * g[3])
                                b = w + {item} * (w0 + w1 + w2 + group * columns)
                                c = out + {item} * (o0 + o1 + o2 + p * o_step0 + q * c_beside + group * columns)
                                {tiles}
"""

# The rows of one tap: its channels, or where they do not mix, one. Whether all taps of the last axis may be rows of one
# tile: then they lie as far apart as rows.
_ROWS = {False: {"row_steps": "1, g[2] * g[4]", "rows": "g[3]",
                 "joined": f"g[3] < {FEW_ROWS} and g[36] == 1 and g[38] == g[3] and g[40] == g[3] * g[4]"},
         True: {"row_steps": "g[36] * g[38], g[40]", "rows": "1", "joined": "taps > 1"}}

# Of tap k{k}, the outputs that meet the input on axis {k}: from f to l.
_MEET = """
shift{k} = k{k} * g[8 + 12 * {k} + 4] - g[8 + 12 * {k} + 5]
f{k} = max(0, -(shift{k} // g[8 + 12 * {k} + 3]))
l{k} = min(g[8 + 12 * {k} + 1], (g[8 + 12 * {k}] - 1 - shift{k}) // g[8 + 12 * {k} + 3] + 1)
"""
_PLACE = """
if g[1] == {k}:
    f{k} = max(f{k}, top)
    l{k} = min(l{k}, top + high_band)
n{k} = l{k} - f{k}
x{k} = (f{k} * g[8 + 12 * {k} + 3] + shift{k}) * g[8 + 12 * {k} + 6]
y{k} = f{k} * g[8 + 12 * {k} + 7]
"""

_WIDE_SUMS = {"f": "{f}", "part": "sums", "wide": "block + g[5]", "rows": "1", "columns": "(hi - lo) * g[40]",
              "line": "0"}

# Where a tap has few rows, all taps of the last axis are rows of one tile, over the outputs that all of them meet; what
# each meets to the left and to the right of those is added after. The pieces are the same however taps are shared.
_WEIGHTS = """
def {name}(block, x, ct, out, images, lo, hi):
    g = pi64_at(block, 0)
    L = {levels}
    levels = block + 8 * L
    more = 1
    columns = g[4]
    a_m, c_m = {row_steps}
    taps = g[34]
    joined = {joined}
    k2 = 0
    {meet2}
    common = f2
    k2 = taps - 1
    {meet2}
    common_end = max(common, l2)
    pair = {item} * (g[6] + g[7])
    places = g[9] * g[21] * g[33]
    many = max(1, min({band} // max(1, pair), {places} // max(1, places)))
    outs = g[8 + 12 * g[1] + 1]
    high_band = outs
    if pair > {band} or places > {places}:
        high_band = max(1, min(outs * {band} // pair, outs * {places} // places))
    blocks, begun = 0, 0
    for first in range(0, images, many):
        for top in range(0, outs, high_band):
            tap = lo
            while tap < hi:
                begin = tap % taps
                k1 = tap // taps % g[22]
                k0 = tap // (taps * g[22])
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
                        inner, outer = 9, 6
                        if n2 < n1:
                            inner, outer = 6, 9
                        g[L], g[L + 1], g[L + 2] = min(many, images - first), g[6], g[7]
                        g[L + 3], g[L + 4], g[L + 5] = n0, g[11] * g[14], g[15]
                        g[L + outer], g[L + outer + 1], g[L + outer + 2] = n1, g[23] * g[26], g[27]
                        g[L + inner], g[L + inner + 1], g[L + inner + 2] = n2, g[35] * g[38], g[39]
                        for group in range(g[2]):
                            a = x + {item} * (first * g[6] + x0 + x1 + x2 + group * g[3])
                            b = ct + {item} * (first * g[7] + y0 + y1 + y2 + group * columns)
                            c = out + {item} * (k0 * g[16] + k1 * g[28] + k2 * g[40] + group * columns)
                            {tiles}
            last = 0
            if first + many >= images and top + high_band >= outs:
                last = 1
            blocks += 1 + min(many, images - first) * min(high_band, outs - top) * (places // outs) // {terms}
            if blocks >= {parts} and last == 0 or begun * last != 0:
                sums = out + {item} * lo * g[40]
                {add_part}
                blocks, begun = 0, 1
"""
