"""Convolutions of 3 x 3 taps that move by one, with 2.25 times fewer multiplications: Winograd's F(2 x 2, 3 x 3)
(Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015, arXiv:1509.09308).

    winograd_TYPE(block, x, w, out, lo, hi, work)             output rows lo to hi (lo even) of one image
    winograd_weights_TYPE(block, x, ct, out, images, work)    what some images give to the kernel; out is replaced

Four neighbouring outputs, a *tile*, need 4 x 4 inputs. The inputs of a tile and the kernel are transformed (TRANSFORMS,
along rows and columns), so that 16 products of matrices, [tiles, channels] by [channels, filters], and a transform back
give the outputs. The transforms need sums and halves only, and an output is made of the inputs in its own window alone,
as in the sum it stands for: zeros and NaN stay where they are. Of infinities that is not true (their difference is
NaN), so where a result is not finite, and not for a NaN, it is computed again as the plain sum. In the gradient for the
kernel, where an infinity spoils all of the sum, it becomes NaN.

``block`` is that of kgraph.kernels.conv, without segments. Of ``work``, the thread's own,
kgraph.compiler.lowering.window knows the size.
"""
from __future__ import annotations

import functools

import numpy as np
from llvmlite import ir

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.conv_tile import ConvTile, conv_tiles
from kgraph.kernels.gemm_tile import _intrinsic, _masked_load, _masked_store, _opaque, _splat
from kgraph.kernels.wide import PARTS, add_part

__all__ = ["ROUTINES", "SCRATCH", "TILES", "TRANSFORMS", "function", "nests", "source"]

SCRATCH = 0   # the routines need no memory but what they are given
TILES = 84    # that are transformed at a time, and with the products stay in a second-level cache
HEIGHTS = {32: (14, 8), 16: (6, 4)}  # rows of register tiles, by the number of registers; TILES divides by the first
LINE = 64     # bytes that memory is read and written by
WHOLE = 8     # the short ones divide what numbers of channels are rounded up to

ROUTINES = tuple(f"{name}_{t}" for name in ("winograd", "winograd_weights") for t in ("f32", "f64"))

# The maps along one axis: of inputs, of the kernel, and of products to outputs; for the gradient of the kernel, of the
# outputs' gradient, and of products to taps.
TRANSFORMS = {
    "inputs": ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    "kernel": ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
    "outputs": ((1, 1, 1, 0), (0, 1, -1, -1)),
    "gradient": ((1, 0), (0.5, 0.5), (0.5, -0.5), (0, 1)),
    "taps": ((1, 1, 1, 0), (0, 1, -1, 0), (0, 1, 1, -1)),
}
_I64 = ir.IntType(64)


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return functions.Function(name, source(name), "convolutions", lambda: _tiles(name))


def nests(name: str) -> list:
    """The register tiles of this machine that a routine uses."""
    dtype = "float32" if name.endswith("32") else "float64"
    lanes, (tall, short) = machine().lanes(np.dtype(dtype).itemsize), HEIGHTS[machine().registers]
    weights = name.startswith("winograd_weights")
    return [ConvTile(dtype, lanes, rows, vectors, "product", weights) for vectors in (2, 1)
            for rows in ((short,) if weights else (tall, short) if vectors == 2 else (tall, short, 1))]


def source(name: str) -> str:
    """The routine in the kernel language."""
    nest, (tall, short) = nests(name)[0], HEIGHTS[machine().registers]
    values = {"name": name, "f": name[-3:], "item": nest.itemsize, "lanes": nest.lanes, "strip": 2 * nest.lanes,
              "tiles": TILES, "tall": tall, "short": short, "line": LINE, "whole": max(nest.lanes, WHOLE)}
    values.update(part=TILES * PARTS, add_part=add_part(12, f=name[-3:], part="out", wide="block + g.wide", rows="1",
                                                        columns="9 * channels * columns", line="0"))
    values.update(one_loop=_ONE_LOOP.strip("\n"))
    return (_WEIGHTS if "weights" in name else _CONV).format(**values)


def _tiles(name: str) -> list:
    used = ("inputs", "gradient", "taps") if "weights" in name else ("kernel", "inputs", "outputs")
    nest = nests(name)[0]
    transforms = [Tile(f"transform_{what}", 13, True, _Transform(what, nest),
                       functools.partial(_transformed, what, nest)) for what in used]
    return [*transforms, *conv_tiles(nests(name))]


def _transformed(what, nest, source, s_row, s_column, r0, r1, c0, c1, target, t_row, t_column, rows, columns, count):
    """What transform_WHAT means."""
    matrix, item = np.array(TRANSFORMS[what], nest.dtype), nest.itemsize
    made, size = matrix.shape
    square = np.zeros((size, size, count), matrix.dtype)
    for i in range(max(0, r0), min(size, r1)):
        for j in range(max(0, c0), min(size, c1)):
            square[i, j] = view(source + item * (i * s_row + j * s_column), (count,), (item,), matrix.dtype)
    results = np.einsum("ik,jl,klc->ijc", matrix, matrix, square)
    for i in range(min(made, rows)):
        for j in range(min(made, columns)):
            view(target + item * (i * t_row + j * t_column), (count,), (item,), matrix.dtype)[...] = results[i, j]
    return int(what == "outputs" and not np.isfinite(results).all())


# Of the register tile's four loops, only the innermost has more than one round.
_ONE_LOOP = """
    levels = block + 8 * window.loops
    for k in range(3):
        g.loops[k].count, g.loops[k].a, g.loops[k].b = 1, 0, 0
"""

# work: the kernel's transform, 16 matrices [channels, columns]; v: 16 of inputs [tiles, wide]; m: 16 of products, a
# strip of columns at a time, which stays in the first-level cache. A few elements more between matrices keep stores to
# all 16 from meeting in one set of the cache. What will be written is asked for before the products: it is far away.
_CONV = """
def {name}(block, x, w, out, lo, hi, work):
    g = window(block, 0)
    ys, xs = g.axes[1], g.axes[2]
    channels, columns = g.near_channels, g.far_channels
    wide = -(-channels // {whole}) * {whole}
    u_apart, v_apart, m_apart = channels * columns, {tiles} * wide + 16, {tiles} * {strip} + 16
    v = work + 16 * {item} * u_apart
    m = v + 16 * {item} * v_apart
    kernel, w_row, w_column, down, right = w, ys.tap_step, xs.tap_step, -ys.low, -xs.low
    if g.kind == 1:
        kernel, w_row, w_column = w + 2 * {item} * (w_row + w_column), -w_row, -w_column
        down, right = ys.low - 2, xs.low - 2
    if g.transformed == 0:
        g.transformed = 1
        transform_kernel(kernel, w_row, w_column, 0, 3, 0, 3, work, 4 * u_apart, u_apart, 4, 4, u_apart)
{one_loop}
    g.plain[0].count, g.plain[0].a, g.plain[0].b = 1, 0, 0
    g.loops[3].count, g.loops[3].a, g.loops[3].b = channels, 1, columns
    g.plain[3].count, g.plain[3].a, g.plain[3].b = channels, 1, columns
    across = (xs.outs + 1) // 2
    first, last = lo // 2 * across, (hi + 1) // 2 * across
    for start in range(first, last, {tiles}):
        count = min({tiles}, last - start)
        i, j = start // across * 2, start % across * 2
        for t in range(count):
            top, left = i + down, j + right
            near = x + {item} * (top * ys.near_step + left * xs.near_step)
            transform_inputs(near, ys.near_step, xs.near_step, -top, ys.size - top, -left, xs.size - left,
                             v + {item} * t * wide, 4 * v_apart, v_apart, 4, 4, channels)
            place = out + {item} * (i * ys.far_step + j * xs.far_step)
            for line in range(0, 2 * {item} * columns, {line}):
                prefetch_to_write(place + line)
                prefetch_to_write(place + {item} * ys.far_step + line)
            j += 2
            if j >= 2 * across:
                i, j = i + 2, 0
        height = {tall}
        if -(-count // {short}) * {short} < -(-count // {tall}) * {tall}:
            height = {short}
        for q in range(0, columns, {strip}):
            some = min({strip}, columns - q)
            for p in range(16):
                for t in range(0, count, height):
                    a = v + {item} * (p * v_apart + t * wide)
                    b = work + {item} * (p * u_apart + q)
                    c = m + {item} * (p * m_apart + t * {strip})
                    if some == {strip}:
                        nest_2(height, levels, a, wide, b, c, {strip}, some, 0)
                    else:
                        for r in range(0, some, {lanes}):
                            nest_1(height, levels, a, wide, b + {item} * r, c + {item} * r, {strip}, some - r, 0)
            i, j = start // across * 2, start % across * 2
            for t in range(count):
                place = out + {item} * (i * ys.far_step + j * xs.far_step + q)
                high, broad = min(2, hi - i), min(2, xs.outs - j)
                if transform_outputs(m + {item} * t * {strip}, 4 * m_apart, m_apart, 0, 4, 0, 4, place, ys.far_step,
                                     xs.far_step, high, broad, some) != 0:
                    for at in range(high * broad):
                        row, column = i + down + at // broad, j + right + at % broad
                        r0, c0 = max(0, -row), max(0, -column)
                        down_taps, right_taps = min(3, ys.size - row) - r0, min(3, xs.size - column) - c0
                        g.plain[1].count, g.plain[1].a, g.plain[1].b = down_taps, ys.near_step, w_row
                        g.plain[2].count, g.plain[2].a, g.plain[2].b = right_taps, xs.near_step, w_column
                        window = x + {item} * ((row + r0) * ys.near_step + (column + c0) * xs.near_step)
                        nan = 0
                        for tap in range(down_taps * right_taps):
                            away = tap // right_taps * ys.near_step + tap % right_taps * xs.near_step
                            values = p{f}_at(window + {item} * away, 1)
                            for k in range(channels):
                                if values[k] != values[k]:
                                    nan = 1
                        if nan == 0 and down_taps > 0 and right_taps > 0:
                            b = kernel + {item} * (r0 * w_row + c0 * w_column + q)
                            c = place + {item} * (at // broad * ys.far_step + at % broad * xs.far_step)
                            for r in range(0, some, {lanes}):
                                nest_1(1, block + 8 * window.plain, window, 0, b + {item} * r, c + {item} * r, 0,
                                       some - r, 0)
                j += 2
                if j >= 2 * across:
                    i, j = i + 2, 0
"""

# work: products, 16 matrices [wide, broad]; v: 16 of inputs [tiles, wide]; z: 16 of the outputs' gradient
# [tiles, broad]. What the tiles below will read is asked for ahead of time.
_WEIGHTS = """
def {name}(block, x, ct, out, images, work):
    g = window(block, 0)
    ys, xs = g.axes[1], g.axes[2]
    channels, columns = g.near_channels, g.far_channels
    wide = -(-channels // {whole}) * {whole}
    broad = -(-columns // {whole}) * {whole}
    m_apart, v_apart, z_apart = wide * broad, {tiles} * wide + 16, {tiles} * broad + 16
    v = work + 16 * {item} * m_apart
    z = v + 16 * {item} * v_apart
    products = p{f}_at(work, 1)
{one_loop}
    down, across = (ys.outs + 1) // 2, (xs.outs + 1) // 2
    total = images * down * across
    image, i, j = 0, 0, 0
    for chunk in range(0, max(1, total), {part}):
        for k in range(16 * m_apart):
            products[k] = {f}(0.0)
        for start in range(chunk, min(total, chunk + {part}), {tiles}):
            count = min({tiles}, total - start)
            for t in range(count):
                top, left = i - ys.low, j - xs.low
                near = x + {item} * (image * g.near_image + top * ys.near_step + left * xs.near_step)
                far = ct + {item} * (image * g.far_image + i * ys.far_step + j * xs.far_step)
                transform_inputs(near, ys.near_step, xs.near_step, -top, ys.size - top, -left, xs.size - left,
                                 v + {item} * t * wide, 4 * v_apart, v_apart, 4, 4,
                                 channels)
                transform_gradient(far, ys.far_step, xs.far_step, 0, ys.outs - i, 0,
                                   xs.outs - j, z + {item} * t * broad, 4 * z_apart, z_apart, 4, 4, columns)
                place = x + {item} * (image * g.near_image + (top + 4) * ys.near_step + left * xs.near_step)
                for line in range(0, 2 * {item} * channels, {line}):
                    prefetch(place + line)
                    prefetch(place + {item} * ys.near_step + line)
                place = ct + {item} * (image * g.far_image + (i + 2) * ys.far_step + j * xs.far_step)
                for line in range(0, 2 * {item} * columns, {line}):
                    prefetch(place + line)
                    prefetch(place + {item} * ys.far_step + line)
                j += 2
                if j >= 2 * across:
                    i, j = i + 2, 0
                    if i >= 2 * down:
                        image, i = image + 1, 0
            g.loops[3].count, g.loops[3].a, g.loops[3].b = count, wide, broad
            for p in range(16):
                for q in range(0, broad, {strip}):
                    for k in range(0, channels, {short}):
                        a = v + {item} * (p * v_apart + k)
                        b = z + {item} * (p * z_apart + q)
                        c = work + {item} * (p * m_apart + k * broad + q)
                        if broad - q >= {strip}:
                            nest_2({short}, levels, a, 1, b, c, broad, {strip}, 1)
                        else:
                            nest_1({short}, levels, a, 1, b, c, broad, {lanes}, 1)
        for k in range(channels):
            transform_taps(work + {item} * k * broad, 4 * m_apart, m_apart, 0, 4, 0, 4, out + {item} * k * columns,
                           ys.tap_step, xs.tap_step, 3, 3, columns)
        begun, last = chunk, 0
        if chunk + {part} >= total:
            last = 1
        if begun != 0 or last == 0:
{add_part}
"""


class _Transform:
    """Emits a call of

        transform_WHAT(source, s_row, s_column, r0, r1, c0, c1, target, t_row, t_column, rows, columns, count)

    For each of ``count`` neighbouring elements: the map TRANSFORMS[what] on a square of them, s_row and s_column apart,
    of which those outside of rows [r0, r1) and columns [c0, c1) are zero. What comes out, as far as it is within
    ``rows`` and ``columns``, is stored t_row and t_column apart. Of "inputs" and "gradient" the last vector is stored
    whole, zeros behind ``count``. Addresses in bytes, distances in elements. The result is 0 if the outputs are finite.
    """

    def __init__(self, what: str, nest: ConvTile):
        self.what, self.matrix, self.kind, self.item = what, TRANSFORMS[what], nest.kind, nest.itemsize

    def __call__(self, builder, *values):
        module, name = builder.module, f"kgraph.transform_{self.what}"
        if name not in module.globals:
            function = ir.Function(module, ir.FunctionType(_I64, [_I64] * 13), name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            self._write(function)
        return builder.call(module.globals[name], values)

    def _write(self, function):
        source, s_row, s_column, r0, r1, c0, c1, target, t_row, t_column, rows, columns, count = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))
        size, made = len(self.matrix[0]), len(self.matrix)
        none, full, all_made = _I64(0), _I64(size), _I64(made)
        everything = ir.Constant(ir.IntType(1), 1)
        for low, high in ((r0, none), (full, r1), (c0, none), (full, c1), (all_made, rows), (all_made, columns)):
            everything = b.and_(everything, b.icmp_signed("<=", low, high))
        squares = self._square(b, source, s_row, s_column, size), self._square(b, target, t_row, t_column, made)
        whole, part = function.append_basic_block("whole"), function.append_basic_block("part")
        b.cbranch(everything, whole, part)
        b.position_at_end(whole)
        self._loop(b, count, *squares, None, None)
        b.position_at_end(part)
        self._loop(b, count, *squares, self._inside(b, size, r0, r1, c0, c1),
                   self._inside(b, made, none, rows, none, columns))

    def _square(self, b, start, row, column, size) -> tuple:
        """Addresses of the rows of a square, and distances of its columns in bytes."""
        row, column = (b.mul(step, _I64(self.item)) for step in (row, column))
        return [b.add(start, b.mul(row, _I64(i))) for i in range(size)], [b.mul(column, _I64(j)) for j in range(size)]

    def _inside(self, b, size, r0, r1, c0, c1) -> dict:
        """For each place of a square, whether it is within these bounds."""
        rows, columns = ([b.and_(b.icmp_signed("<=", low, _I64(k)), b.icmp_signed("<", _I64(k), high))
                          for k in range(size)] for low, high in ((r0, r1), (c0, c1)))
        return {(i, j): b.and_(rows[i], columns[j]) for i in range(size) for j in range(size)}

    def _loop(self, b, count, read, written, read_inside, written_inside):
        """The map over all elements, a vector at a time, and the function's return."""
        before, (source_rows, source_columns), (target_rows, target_columns) = b.block, read, written
        body, after = (b.function.append_basic_block(name) for name in ("body", "after"))
        b.branch(body)
        b.position_at_end(body)
        left, spoilt = b.phi(_I64), b.phi(self.kind)
        sources, targets = ([b.phi(_I64) for _ in rows] for rows in (source_rows, target_rows))
        lane = ir.Constant(ir.VectorType(_I64, self.kind.count), list(range(self.kind.count)))
        there = b.icmp_signed("<", lane, _splat(b, left, lane.type))
        nowhere = ir.Constant(there.type, None)
        mask = lambda inside, ij: there if inside is None else b.select(inside[ij], there, nowhere)
        place = lambda rows, columns, i, j: b.inttoptr(b.add(rows[i], columns[j]), self.kind.as_pointer())
        values = {(i, j): _masked_load(b, place(sources, source_columns, i, j), mask(read_inside, (i, j)), self.item)
                  for i in range(len(sources)) for j in range(len(sources))}
        results = self._map(b, values)
        for (i, j), value in results.items():
            if self.what in ("inputs", "gradient"):
                b.store(value, place(targets, target_columns, i, j)).align = self.item
            else:
                _masked_store(b, value, place(targets, target_columns, i, j), mask(written_inside, (i, j)), self.item)
        now = self._spoil(b, spoilt, results) if self.what == "outputs" else spoilt
        fewer = b.sub(left, _I64(self.kind.count))
        moved = lambda address: _opaque(b, b.add(address, _I64(self.kind.count * self.item)))
        for phi, first, value in ((left, count, fewer), (spoilt, ir.Constant(self.kind, None), now),
                                  *((p, start, moved(p)) for p, start in zip((*sources, *targets),
                                                                             (*source_rows, *target_rows)))):
            phi.add_incoming(first, before)
            phi.add_incoming(value, body)
        b.cbranch(b.icmp_signed(">", fewer, _I64(0)), body, after)
        b.position_at_end(after)
        bad = b.bitcast(b.fcmp_unordered("uno", now, now), ir.IntType(self.kind.count))
        b.ret(b.zext(bad, _I64))

    def _spoil(self, b, spoilt, results):
        """NaN where it was, or where the sum of the results is not finite."""
        total, *others = results.values()
        for value in others:
            total = b.fadd(total, value)
        return _intrinsic(b, "fma", self.kind, self.kind, [total, ir.Constant(self.kind, None), spoilt])

    def _map(self, b, values) -> dict:
        """The map along rows, then along columns."""
        size, made = range(len(self.matrix[0])), range(len(self.matrix))
        half = {(i, j): self._combine(b, self.matrix[i], [values[k, j] for k in size]) for i in made for j in size}
        return {(i, j): self._combine(b, self.matrix[j], [half[i, k] for k in size]) for i in made for j in made}

    def _combine(self, b, factors, values):
        """The sum of the values with these factors: signs, or signs and a half of it all."""
        used = sorted(((f, v) for f, v in zip(factors, values) if f), key=lambda fv: -fv[0])  # a positive one first
        total = used[0][1]
        for factor, value in used[1:]:
            total = b.fadd(total, value) if factor > 0 else b.fsub(total, value)
        return b.fmul(total, ir.Constant(self.kind, [0.5] * self.kind.count)) if 0.5 in factors else total
