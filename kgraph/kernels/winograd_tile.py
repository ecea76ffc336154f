"""The transforms of Winograd's convolution, in LLVM vectors: squares of inputs, of a kernel, of products and of
gradients, a vector of neighbouring channels at a time."""
from __future__ import annotations

import functools

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.registers import Registers, by, function, inside

__all__ = ["TRANSFORMS", "transform_tile"]

# The maps along one axis: of inputs, of the kernel, and of products to outputs; for the gradient of the kernel, of the
# outputs' gradient, and of products to taps.
TRANSFORMS = {
    "inputs": ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    "kernel": ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
    "outputs": ((1, 1, 1, 0), (0, 1, -1, -1)),
    "gradient": ((1, 0), (0.5, 0.5), (0.5, -0.5), (0, 1)),
    "taps": ((1, 1, 1, 0), (0, 1, -1, 0), (0, 1, 1, -1)),
}


def transform_tile(what: str, dtype: str, lanes: int) -> Tile:
    """transform_WHAT(source, s_row, s_column, r0, r1, c0, c1, target, t_row, t_column, rows, columns, count)

    For each of ``count`` neighbouring elements: the map TRANSFORMS[what] on a square of them, s_row and s_column apart,
    of which those outside of rows [r0, r1) and columns [c0, c1) are zero. What comes out, as far as it is within
    ``rows`` and ``columns``, is stored t_row and t_column apart. Of "inputs" and "gradient" the last vector is stored
    whole, zeros behind ``count``. Addresses in bytes, distances in elements. The result is 0 if the outputs are finite.
    """
    name = f"transform_{what}"

    def write(builder, *arguments):
        _TransformWriter(what, dtype, lanes, builder).write(*arguments)
    return Tile(name, 13, True, lambda b, *values: b.call(function(b.module, name, 13, write, ir.I64), values),
                functools.partial(_transformed, what, dtype))


def _transformed(what, dtype, source, s_row, s_column, r0, r1, c0, c1, target, t_row, t_column, rows, columns,
                 count):
    """What transform_WHAT means."""
    matrix, item = np.array(TRANSFORMS[what], dtype), DTYPES[dtype].itemsize
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


class _TransformWriter(Registers):
    """Writes the body of one transform's function."""

    def __init__(self, what: str, dtype: str, lanes: int, builder):
        super().__init__(builder, dtype, lanes)
        self.what, self.matrix = what, TRANSFORMS[what]

    def write(self, source, s_row, s_column, r0, r1, c0, c1, target, t_row, t_column, rows, columns, count):
        b, size, made = self.builder, len(self.matrix[0]), len(self.matrix)
        none, full, all_made = ir.I64(0), ir.I64(size), ir.I64(made)
        everything = ir.I1(1)
        for low, high in ((r0, none), (full, r1), (c0, none), (full, c1), (all_made, rows), (all_made, columns)):
            everything = b.and_(everything, b.icmp_signed("<=", low, high))
        squares = self._square(source, s_row, s_column, size), self._square(target, t_row, t_column, made)
        whole, part = b.append_basic_block("whole"), b.append_basic_block("part")
        b.cbranch(everything, whole, part)
        b.position_at_end(whole)
        self._all(count, *squares, None, None)
        b.position_at_end(part)
        self._all(count, *squares, self._inside(size, r0, r1, c0, c1), self._inside(made, none, rows, none, columns))

    def _square(self, start, row, column, size) -> tuple:
        """Addresses of the rows of a square, and distances of its columns in bytes."""
        b, row, column = self.builder, self.bytes(row), self.bytes(column)
        numbers = [ir.I64(i) for i in range(size)]
        return [b.add(start, b.mul(row, i)) for i in numbers], [b.mul(column, i) for i in numbers]

    def _inside(self, size, r0, r1, c0, c1) -> dict:
        """For each place of a square, whether it is within these bounds."""
        b = self.builder
        rows, columns = ([b.and_(b.icmp_signed("<=", low, ir.I64(k)), b.icmp_signed("<", ir.I64(k), high))
                          for k in range(size)] for low, high in ((r0, r1), (c0, c1)))
        return {(i, j): b.and_(rows[i], columns[j]) for i in range(size) for j in range(size)}

    def _all(self, count, read, written, read_inside, written_inside):
        """The map over all elements, a vector at a time, and the function's return."""
        b, (source_rows, source_columns), (target_rows, target_columns) = self.builder, read, written

        def body(left, carried):
            there = inside(b, left, self.lanes)
            nowhere = ir.Constant(there.type, None)
            mask = lambda inside, ij: there if inside is None else b.select(inside[ij], there, nowhere)
            place = lambda side, columns, i, j: self.place(b.add(carried[side, i], columns[j]))
            values = {(i, j): self.load(place("s", source_columns, i, j), mask(read_inside, (i, j)))
                      for i in range(len(source_rows)) for j in range(len(source_rows))}
            results = self._map(values)
            for (i, j), value in results.items():
                whole = self.what in ("inputs", "gradient")
                self.store(value, place("t", target_columns, i, j), None if whole else mask(written_inside, (i, j)))
            spoilt = carried["spoilt"]
            now = self._spoil(spoilt, results) if self.what == "outputs" else spoilt
            return ir.I64(self.lanes), {"spoilt": now}
        places = {**{("s", i): row for i, row in enumerate(source_rows)},
                  **{("t", i): row for i, row in enumerate(target_rows)}}
        steps = dict.fromkeys(places, by(ir.I64(self.lanes * self.item), hidden=True))
        now = self.repeat(count, {"spoilt": self.full(0), **places}, body, steps)["spoilt"]
        bad = b.bitcast(b.fcmp_unordered("uno", now, now), ir.IntType(self.lanes))
        b.ret(b.zext(bad, ir.I64))

    def _spoil(self, spoilt, results):
        """NaN where it was, or where the sum of the results is not finite."""
        total, *others = results.values()
        for value in others:
            total = self.builder.fadd(total, value)
        return self.times_plus(total, self.full(0), spoilt)

    def _map(self, values) -> dict:
        """The map along rows, then along columns."""
        size, made = range(len(self.matrix[0])), range(len(self.matrix))
        half = {(i, j): self._combine(self.matrix[i], [values[k, j] for k in size]) for i in made for j in size}
        return {(i, j): self._combine(self.matrix[j], [half[i, k] for k in size]) for i in made for j in made}

    def _combine(self, factors, values):
        """The sum of the values with these factors: signs, or signs and a half of it all."""
        b = self.builder
        used = sorted(((f, v) for f, v in zip(factors, values) if f), key=lambda fv: -fv[0])  # a positive one first
        total = used[0][1]
        for factor, value in used[1:]:
            total = b.fadd(total, value) if factor > 0 else b.fsub(total, value)
        return b.fmul(total, self.full(0.5)) if 0.5 in factors else total
