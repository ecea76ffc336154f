"""Convolutions of 3 x 3 taps that move by one, with 2.25 times fewer multiplications: Winograd's F(2 x 2, 3 x 3)
(Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015, arXiv:1509.09308).

    winograd_TYPE(block, x, weights, out, lo, hi, work)       output rows lo to hi (lo even) of one image, and of these
                                                              the channels that the block names
    winograd_weights_TYPE(block, x, ct, out, images, work)    what some images give to the kernel; out is replaced

Four neighbouring outputs, a *tile*, need 4 x 4 inputs. The inputs of a tile and the kernel are transformed (TRANSFORMS
of winograd_tile.py, along rows and columns), so that 16 products of matrices, [tiles, channels] by [channels, filters],
and a transform back give the outputs. The transforms need sums and halves only, and an output is made of the inputs in
its own window alone, as in the sum it stands for: zeros and NaN stay where they are. Of infinities that is not true
(their difference is NaN), so where a result is not finite, and not for a NaN, it is computed again as the plain sum. In
the gradient for the kernel, where an infinity spoils all of the sum, it becomes NaN.

``block`` is that of kgraph.kernels.conv, without segments. Of ``work``, the thread's own,
kgraph.compiler.lowering.window knows the size.
"""
from __future__ import annotations

import numpy as np

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.dims import LINE
from kgraph.compiler.loopnest.builder import both, differ, either, equal, least, most
from kgraph.compiler.loopnest.records import PANEL, WINDOW, WINOGRAD_APART, WINOGRAD_TILES
from kgraph.kernels.conv import Driver
from kgraph.kernels.conv_tile import ConvTile, conv_tiles
from kgraph.kernels.wide import PARTS, add_part
from kgraph.kernels.winograd_tile import transform_tile

__all__ = ["ROUTINES", "function", "tile_shapes", "scratch"]

HEIGHTS = {32: (14, 8), 16: (6, 4)}  # rows of register tiles, by the number of registers; the tiles divide by the first
WHOLE = 8     # the short ones divide what numbers of channels are rounded up to

PART = WINOGRAD_TILES * PARTS  # tiles whose sums are a part of the wide sums

ROUTINES = tuple(f"{name}_{t}" for name in ("winograd", "winograd_weights") for t in ("f32", "f64"))



def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return (_Weights if "weights" in name else _Conv).function(name, "convolutions")


def scratch() -> int:
    """The routines need no memory but what they are given."""
    return 0


def tile_shapes(name: str) -> list:
    """The register tiles of this machine that a routine uses."""
    dtype = "float32" if name.endswith("32") else "float64"
    lanes, (tall, short) = machine().lanes(np.dtype(dtype).itemsize), HEIGHTS[machine().registers]
    weights = name.startswith("winograd_weights")
    return [ConvTile(dtype, lanes, rows, vectors, "product", weights) for vectors in (2, 1)
            for rows in ((short,) if weights else (tall, short) if vectors == 2 else (tall, short, 1))]


def _tiles(name: str) -> list:
    used = ("inputs", "gradient", "taps") if "weights" in name else ("kernel", "inputs", "outputs")
    shapes = tile_shapes(name)
    return [*(transform_tile(what, shapes[0].dtype, shapes[0].lanes) for what in used), *conv_tiles(shapes)]


class _Driver(Driver):
    """What both routines have in common. Of the register tile's four loops, only the innermost has more than one
    round."""

    def __init__(self, name: str, parameters: str):
        super().__init__(name, parameters, tile_shapes(name), _tiles(name))
        (self.tall, self.short), self.strip = HEIGHTS[machine().registers], 2 * self.lanes
        self.ys, self.xs = self.axes[1:]
        self.channels, self.columns = self.w.lets(channels=self.g.near_channels, columns=self.g.far_channels)

    def _whole(self, n):
        whole = max(self.lanes, WHOLE)
        return -(-n // whole) * whole

    def _one_loop(self):
        self.levels = self.w.let("levels", self.block + 8 * WINDOW.place("loops"))
        with self.w.loop("k", 0, 3) as k:
            self._loop(k, 1, 0, 0)

    def _inputs(self, near, top, left, t):
        """The transform of a tile's inputs, in v."""
        ys, xs = self.ys, self.xs
        self.w.do("transform_inputs", near, ys.near_step, xs.near_step, -top, ys.size - top, -left, xs.size - left,
                  self.v + self.item * t * self.wide, 4 * self.v_apart, self.v_apart, 4, 4, self.channels)

    def _ask_for(self, prefetch: str, place, row, columns):
        """Two rows of two places, that far apart, before they are needed."""
        w = self.w
        with w.loop("line", 0, 2 * self.item * columns, step=LINE) as line:
            w.do(prefetch, place + line)
            w.do(prefetch, place + self.item * row + line)

    def _next(self, i, j, across):
        """To the next tile of a row, or the first of the next row."""
        w = self.w
        w.let(j, j + 2)
        with w.when(j >= 2 * across):
            w.lets(i=i + 2, j=0)


class _Conv(_Driver):
    """Writes winograd. work: the kernel's transform, 16 matrices [channels, columns], unless the block says
    where it is, in panels of PANEL bytes a row; v: 16 of inputs [tiles, wide]; m: 16 of products, a strip of columns at
    a time, which stays in the first-level cache. What will be written is asked for before the products: it is far
    away."""

    def __init__(self, name: str):
        super().__init__(name, "block x weights out lo hi work")

    def write(self):
        w, item, xs = self.w, self.item, self.xs
        self.wide = w.let("wide", self._whole(self.channels))
        self.first, self.end = w.lets(first_column=self.g.left, end=self.g.right)
        self.v_apart, self.m_apart = w.lets(v_apart=WINOGRAD_TILES * self.wide + WINOGRAD_APART,
                                            m_apart=WINOGRAD_TILES * self.strip + WINOGRAD_APART)
        self._kernel()
        self.v = w.let("v", self.work)
        with w.when(equal(self.u, self.work)):
            w.let(self.v, self.work + 16 * item * self.u_apart)
        self.m = w.let("m", self.v + 16 * item * self.v_apart)
        self._one_loop()
        for loops, k, loop in ((self.g.plain, 0, (1, 0, 0)), (self.g.loops, 3, (self.channels, 1, self.u_row)),
                               (self.g.plain, 3, (self.channels, 1, self.columns))):
            w.fill(loops[k], **dict(zip(("count", "a", "b"), loop)))
        self.across = w.let("across", (xs.outs + 1) // 2)
        first, last = w.lets(first=self.lo // 2 * self.across, last=(self.hi + 1) // 2 * self.across)
        with w.loop("start", first, last, step=WINOGRAD_TILES) as start:
            count = w.let("count", least(WINOGRAD_TILES, last - start))
            self._transform(start, count)
            q = w.let("q", self.first)
            with w.during(q < self.end):
                some = w.let("some", least(self.strip - q % self.strip, self.end - q))
                self._products(count, q, some)
                self._outputs(start, count, q, some)
                w.let(q, q + some)

    def _kernel(self):
        """Where the kernel is, and distances of its rows and columns; places of inputs from outputs. Its transform,
        u: made in work, unless it is there."""
        w, ys, xs, weights = self.w, self.ys, self.xs, self.weights
        self.kernel, row, column, self.down, self.right = w.lets(
            kernel=weights, w_row=ys.tap_step, w_column=xs.tap_step, down=-ys.low, right=-xs.low)
        with w.when(equal(self.g.kind, 1)):
            w.lets(kernel=weights + 2 * self.item * (row + column), w_row=-row, w_column=-column)
            w.lets(down=ys.low - 2, right=xs.low - 2)
        self.u, panel = w.let("u", self.g.transformed), PANEL // self.item
        self.u_row, self.u_apart = w.lets(u_row=panel, u_apart=self.channels * -(-self.columns // panel) * panel)
        with w.when(either(equal(self.u, 0), equal(self.u, self.work))):
            w.lets(u_row=self.columns, u_apart=self.channels * self.columns)
        with w.when(equal(self.u, 0)):
            w.let(self.u, self.work)
            w.store(self.g.transformed, self.u)
            w.do("transform_kernel", self.kernel, row, column, 0, 3, 0, 3, self.u, 4 * self.u_apart, self.u_apart, 4,
                 4, self.u_apart)
        self.w_row, self.w_column = row, column

    def _first(self, start) -> list:
        """The first output of a tile."""
        return self.w.lets(i=start // self.across * 2, j=start % self.across * 2)

    def _transform(self, start, count):
        w, item, ys, xs = self.w, self.item, self.ys, self.xs
        i, j = self._first(start)
        with w.loop("t", 0, count) as t:
            top, left = w.lets(top=i + self.down, left=j + self.right)
            self._inputs(w.let("near", self.x + item * (top * ys.near_step + left * xs.near_step)), top, left, t)
            place = w.let("place", self.out + item * (i * ys.far_step + j * xs.far_step + self.first))
            self._ask_for("prefetch_to_write", place, ys.far_step, self.end - self.first)
            self._next(i, j, self.across)

    def _products(self, count, q, some):
        """Of all tiles, by tall register tiles, and short ones where these waste less."""
        w, panel = self.w, PANEL // self.item
        before = w.let("before", q)   # of an element of the first row
        with w.when(differ(self.u, self.work)):
            w.let(before, q // panel * panel * self.channels + q % panel)
        with w.loop("p", 0, 16) as p:
            row = w.let("row", 0)
            with w.during(row < count):
                rest, height = w.lets(rest=count - row, height=self.tall)
                with w.when(either(rest <= self.short, both(rest > self.tall, rest <= 2 * self.short))):
                    w.let(height, self.short)
                self._product(p, row, height, before, some)
                w.let(row, row + height)

    def _product(self, p, t, height, before, some):
        w, item = self.w, self.item
        a, b, c = w.lets(a=self.v + item * (p * self.v_apart + t * self.wide),
                         b=self.u + item * (p * self.u_apart + before),
                         c=self.m + item * (p * self.m_apart + t * self.strip))
        with w.when(equal(some, self.strip)):
            w.do("conv_tile_2", height, self.levels, a, self.wide, b, c, self.strip, some, 0)
        with w.otherwise(), w.loop("r", 0, some, step=self.lanes) as r:
            w.do("conv_tile_1", height, self.levels, a, self.wide, b + item * r, c + item * r, self.strip, some - r, 0)

    def _outputs(self, start, count, q, some):
        w, item, ys, xs = self.w, self.item, self.ys, self.xs
        i, j = self._first(start)
        with w.loop("t", 0, count) as t:
            place = w.let("place", self.out + item * (i * ys.far_step + j * xs.far_step + q))
            high, broad = w.lets(high=least(2, self.hi - i), broad=least(2, xs.outs - j))
            spoilt = w.call("transform_outputs", self.m + item * t * self.strip, 4 * self.m_apart, self.m_apart, 0, 4,
                            0, 4, place, ys.far_step, xs.far_step, high, broad, some)
            with w.when(differ(spoilt, 0)), w.loop("at", 0, high * broad) as at:
                self._again(i, j, at, broad, place, q, some)
            self._next(i, j, self.across)

    def _again(self, i, j, at, broad, place, q, some):
        """An output as the plain sum, unless there is a NaN in its window."""
        w, item, ys, xs = self.w, self.item, self.ys, self.xs
        row, column = w.lets(row=i + self.down + at // broad, column=j + self.right + at % broad)
        r0, c0 = w.lets(r0=most(0, -row), c0=most(0, -column))
        down, right = w.lets(down_taps=least(3, ys.size - row) - r0, right_taps=least(3, xs.size - column) - c0)
        w.fill(self.g.plain[1], count=down, a=ys.near_step, b=self.w_row)
        w.fill(self.g.plain[2], count=right, a=xs.near_step, b=self.w_column)
        window = w.let("window", self.x + item * ((row + r0) * ys.near_step + (column + c0) * xs.near_step))
        nan = self._nan(window, down, right)
        with w.when(both(equal(nan, 0), down > 0, right > 0)):
            b = w.let("b", self.kernel + item * (r0 * self.w_row + c0 * self.w_column + q))
            c = w.let("c", place + item * (at // broad * ys.far_step + at % broad * xs.far_step))
            with w.loop("r", 0, some, step=self.lanes) as r:
                w.do("conv_tile_1", 1, self.block + 8 * WINDOW.place("plain"), window, 0, b + item * r, c + item * r, 0,
                     some - r, 0)

    def _nan(self, window, down, right):
        """1 if there is a NaN in a window of so many taps."""
        w, nan = self.w, self.w.let("nan", 0)
        with w.loop("tap", 0, down * right) as tap:
            away = w.let("away", tap // right * self.ys.near_step + tap % right * self.xs.near_step)
            values = w.buffer("values", self.dtype, window + self.item * away, 1)
            with w.loop("k", 0, self.channels) as k, w.when(differ(values[k], values[k])):
                w.let(nan, 1)
        return nan


class _Weights(_Driver):
    """Writes winograd_weights. work: products, 16 matrices [wide, broad]; v: 16 of inputs [tiles, wide]; z: 16 of
    the outputs' gradient [tiles, broad]. What the tiles below will read is asked for ahead of time."""

    def __init__(self, name: str):
        super().__init__(name, "block x ct out images work")

    def write(self):
        w, item = self.w, self.item
        self.wide, self.broad = w.lets(wide=self._whole(self.channels), broad=self._whole(self.columns))
        self.m_apart, self.v_apart, self.z_apart = w.lets(
            m_apart=self.wide * self.broad, v_apart=WINOGRAD_TILES * self.wide + WINOGRAD_APART,
            z_apart=WINOGRAD_TILES * self.broad + WINOGRAD_APART)
        self.v = w.let("v", self.work + 16 * item * self.m_apart)
        self.z = w.let("z", self.v + 16 * item * self.v_apart)
        products = w.buffer("products", self.dtype, self.work, 1)
        self._one_loop()
        self.down, self.across = w.lets(down=(self.ys.outs + 1) // 2, across=(self.xs.outs + 1) // 2)
        total = w.let("total", self.images * self.down * self.across)
        self.image, self.i, self.j = w.lets(image=0, i=0, j=0)
        with w.loop("chunk", 0, most(1, total), step=PART) as chunk:
            with w.loop("k", 0, 16 * self.m_apart) as k:
                w.store(products[k], self._number(0.0))
            with w.loop("start", chunk, least(total, chunk + PART), step=WINOGRAD_TILES) as start:
                count = w.let("count", least(WINOGRAD_TILES, total - start))
                self._transform(count)
                self._loop(3, count, self.wide, self.broad)
                self._products()
            self._taps()
            begun, last = w.lets(begun=chunk, last=0)
            with w.when(chunk + PART >= total):
                w.let(last, 1)
            with w.when(either(differ(begun, 0), equal(last, 0))):
                add_part(w, self.dtype, self.out, self.block + self.g.wide, 1, 9 * self.channels * self.columns, 0,
                         begun, last)

    def _near(self, row, column):
        return self.x + self.item * (self.image * self.g.near_image + row * self.ys.near_step
                                     + column * self.xs.near_step)

    def _far(self, row, column):
        return self.ct + self.item * (self.image * self.g.far_image + row * self.ys.far_step
                                      + column * self.xs.far_step)

    def _transform(self, count):
        w, ys, xs, i, j = self.w, self.ys, self.xs, self.i, self.j
        with w.loop("t", 0, count) as t:
            top, left = w.lets(top=i - ys.low, left=j - xs.low)
            near, far = w.lets(near=self._near(top, left), far=self._far(i, j))
            self._inputs(near, top, left, t)
            w.do("transform_gradient", far, ys.far_step, xs.far_step, 0, ys.outs - i, 0, xs.outs - j,
                 self.z + self.item * t * self.broad, 4 * self.z_apart, self.z_apart, 4, 4, self.columns)
            self._ask_for("prefetch", w.let("place", self._near(top + 4, left)), ys.near_step, self.channels)
            self._ask_for("prefetch", w.let("place", self._far(i + 2, j)), ys.far_step, self.columns)
            self._next(i, j, self.across)

    def _next(self, i, j, across):
        w = self.w
        w.let(j, j + 2)
        with w.when(j >= 2 * across):
            w.lets(i=i + 2, j=0)
            with w.when(i >= 2 * self.down):
                w.lets(image=self.image + 1, i=0)

    def _products(self):
        w, item = self.w, self.item
        with w.loop("p", 0, 16) as p, w.loop("q", 0, self.broad, step=self.strip) as q, \
                w.loop("k", 0, self.channels, step=self.short) as k:
            a, b, c = w.lets(a=self.v + item * (p * self.v_apart + k), b=self.z + item * (p * self.z_apart + q),
                             c=self.work + item * (p * self.m_apart + k * self.broad + q))
            with w.when(self.broad - q >= self.strip):
                w.do("conv_tile_2", self.short, self.levels, a, 1, b, c, self.broad, self.strip, 1)
            with w.otherwise():
                w.do("conv_tile_1", self.short, self.levels, a, 1, b, c, self.broad, self.lanes, 1)

    def _taps(self):
        w, item = self.w, self.item
        with w.loop("k", 0, self.channels) as k:
            w.do("transform_taps", self.work + item * k * self.broad, 4 * self.m_apart, self.m_apart, 0, 4, 0, 4,
                 self.out + item * k * self.columns, self.ys.tap_step, self.xs.tap_step, 3, 3, self.columns)
