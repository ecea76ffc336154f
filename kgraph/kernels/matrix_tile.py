"""Products of narrow numbers by registers that hold whole matrices: AMX of x86-64 processors (Intel, "Intel 64 and
IA-32 architectures software developer's manual", volume 1, chapter 18).

Such a register holds 16 rows of 64 bytes, 16 words of 32 bits each. One instruction adds to a square of 16 x 16 sums in
float32 or int32 the products of 16 rows of A by 16 columns of B over the numbers of one line: 32 of bfloat16, 64 of
int8. A row of A lies along k; a row of B holds, for each of 16 columns, the numbers of one word: as many neighbours
along k as fit in it. The sums of a line of bfloat16 begin at zero, those of even and of odd k apart, and are then added
to the square; so an element is a chain over lines, whatever its place.

As Tiles of loop nests: `lines_...`, `words_...` and their transposed forms pack such squares of A and B from where they
lie; `walk_matrix` covers a block of C.
"""
from __future__ import annotations

import functools
import struct

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.intrinsics import while_loop
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype, short_name
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.registers import Registers, function, inside, masked_load, splat, transposed

__all__ = ["LINE", "SIDE", "SQUARE", "SUMS", "limit_matrix_tile", "operations", "square_tiles", "walk_matrix_tile",
           "walk_meaning"]

SIDE = 16          # rows of a register, and words of each
LINE = 4 * SIDE    # bytes of a row
SQUARE = SIDE * LINE
SUMS = {"bfloat16": "float32", "int8": "int32"}   # the type of sums of products, for each that there are products of
_PRODUCTS = {"bfloat16": "tdpbf16ps", "int8": "tdpbssd"}
# palette 1: all eight registers with 16 rows of 64 bytes
_SHAPES = struct.pack("<BB14x16H16B", 1, 0, *[LINE] * 8, *[0] * 8, *[SIDE] * 8, *[0] * 8)


def _word_vector():
    """A row of a square as numbers of 32 bits."""
    return ir.VectorType(ir.I32, SIDE)


# ------------------------------------------------------------------ packing
def square_tiles(dtype: str) -> list:
    """Tiles that pack a square of 16 lines of 64 bytes, `step` bytes apart, at `target`; places outside are zeros:

    lines_F(source, stride, target, step, rows, depth)        line i holds source[i * stride + q], i < rows, q < depth
    words_F(source, stride, target, step, columns, depth)     line i holds, for each column j < columns, the word of
                                                              source[q * stride + j] for the q of word i, q < depth
    lines_F_turned, words_F_turned                            the same as a square of words, transposed

    source is an address in bytes, stride counts elements.
    """
    short = short_name(dtype)
    return [Tile(f"{kind}_{short}" + "_turned" * turned, 6, False, functools.partial(write, dtype, turned),
                 functools.partial(meaning, dtype, turned))
            for kind, write, meaning in (("lines", _write_lines, _lines), ("words", _write_words, _words))
            for turned in (False, True)]


def _group(dtype) -> int:
    """Numbers in a word."""
    return 4 // DTYPES[dtype].itemsize


def _write_lines(dtype, turned, b, source, stride, target, step, rows, depth):
    kind = ir.VectorType(ir.IntType(DTYPES[dtype].bits), SIDE * _group(dtype))
    known = inside(b, depth, kind.count)
    lines = []
    for i in range(SIDE):
        mask = b.select(b.icmp_signed("<", ir.I64(i), rows), known, ir.Constant(known.type, None))
        lines.append(b.bitcast(_loaded(b, dtype, kind, source, b.mul(stride, ir.I64(i)), mask), _word_vector()))
    _store_lines(b, lines, turned, target, step)


def _write_words(dtype, turned, b, source, stride, target, step, columns, depth):
    kind, group, bits = ir.VectorType(ir.IntType(DTYPES[dtype].bits), SIDE), _group(dtype), DTYPES[dtype].bits
    known = inside(b, columns, SIDE)
    lines = []
    for i in range(SIDE):
        word = ir.Constant(_word_vector(), None)
        for part in range(group):
            q = ir.I64(i * group + part)
            mask = b.select(b.icmp_signed("<", q, depth), known, ir.Constant(known.type, None))
            numbers = b.zext(_loaded(b, dtype, kind, source, b.mul(stride, q), mask), _word_vector())
            word = b.or_(word, b.shl(numbers, ir.Constant(_word_vector(), [bits * part] * SIDE)))
        lines.append(word)
    _store_lines(b, lines, turned, target, step)


def _loaded(b, dtype, kind, source, offset, mask):
    item = DTYPES[dtype].itemsize
    place = b.inttoptr(b.add(source, b.mul(offset, ir.I64(item))), kind.as_pointer())
    return masked_load(b, place, mask, item)


def _store_lines(b, lines, turned, target, step):
    for i, line in enumerate(transposed(b, lines) if turned else lines):
        b.store(line, b.inttoptr(b.add(target, b.mul(step, ir.I64(i))), _word_vector().as_pointer())).align = 4


def _lines(dtype, turned, source, stride, target, step, rows, depth):
    """What lines_F means."""
    given, long = numpy_dtype(dtype), SIDE * _group(dtype)
    rows, depth = max(0, min(rows, SIDE)), max(0, min(depth, long))
    square = np.zeros((SIDE, long), given)
    square[:rows, :depth] = view(source, (rows, depth), (given.itemsize * stride, given.itemsize), given)
    _keep(square, turned, target, step)


def _words(dtype, turned, source, stride, target, step, columns, depth):
    """What words_F means."""
    given, group = numpy_dtype(dtype), _group(dtype)
    columns, depth = max(0, min(columns, SIDE)), max(0, min(depth, SIDE * group))
    square = np.zeros((SIDE * group, SIDE), given)
    square[:depth, :columns] = view(source, (depth, columns), (given.itemsize * stride, given.itemsize), given)
    _keep(np.ascontiguousarray(square.reshape(SIDE, group, SIDE).swapaxes(1, 2)), turned, target, step)


def _keep(square, turned, target, step):
    words = square.view(np.uint32).reshape(SIDE, SIDE)
    view(target, (SIDE, SIDE), (step, 4), np.dtype(np.uint32))[...] = words.T if turned else words


# ------------------------------------------------------------------ products
def walk_matrix_tile(dtype: str) -> Tile:
    """walk_matrix(rows, lines, a, a_m, b, c, c_m, columns, accumulate)

    covers rows x columns of C, columns <= 32, from `lines` lines of k. Addresses in bytes; a_m, in bytes, leads from
    row to row of packed A; packed B has two squares for each line, behind each other; c_m, in elements, from row to
    row of C. Rows of A up to the next multiple of 16 are read and count for nothing.
    """
    def write(b, *values):
        b.call(function(b.module, "walk_matrix", 9, lambda own, *given: _Walk(own, dtype).write(*given)), values)
    return Tile("walk_matrix", 9, False, write, walk_meaning(dtype))


def walk_meaning(dtype: str):
    """What walk_matrix means."""
    return functools.partial(_product, dtype)


def _product(dtype, rows, lines, a, a_m, b, c, c_m, columns, accumulate):
    """What walk_matrix means."""
    given, sums, group = numpy_dtype(dtype), np.dtype(SUMS[dtype]), _group(dtype)
    left = view(a, (rows, lines, SIDE, group), (a_m, LINE, 4, given.itemsize), given).astype(sums)
    squares = view(b, (lines, 2, SIDE, SIDE, group), (2 * SQUARE, SQUARE, LINE, 4, given.itemsize), given)
    right = squares.astype(sums).transpose(0, 2, 4, 1, 3).reshape(lines, SIDE, group, 2 * SIDE)[..., :columns]
    total = np.zeros((rows, columns), sums)
    for line in range(lines):
        parts = np.zeros((group, rows, columns), sums)
        for word in range(SIDE):
            parts += left[:, line, word].T[:, :, None] * right[line, word][:, None, :]
        total += parts.sum(0, dtype=sums)
    out = view(c, (rows, columns), (4 * c_m, 4), sums)
    out[...] = total + (out if accumulate else 0)


class _Walk:
    """Writes the walk: blocks of 32 x 32 sums in four registers, two more for rows of A, two for columns of B."""

    def __init__(self, builder, dtype):
        self.b, self.product, self.vectors = builder, _PRODUCTS[dtype], Registers(builder, SUMS[dtype], SIDE)
        self.add = builder.fadd if SUMS[dtype] == "float32" else builder.add

    def begin(self):
        """All registers hold 16 lines of 64 bytes."""
        kind = ir.ArrayType(ir.I64, 8)
        shapes = self.b.alloca(kind)
        self.b.store(ir.Constant(kind, list(struct.unpack("<8q", _SHAPES))), shapes)
        self.do("ldtilecfg ($0)", self.b.ptrtoint(shapes, ir.I64))

    def add_products(self, high):
        """Of `high` squares of A by two of B."""
        for i in range(high):
            for j in range(2):
                self.do(f"{self.product} %tmm{6 + j}, %tmm{4 + i}, %tmm{2 * i + j}")

    def write(self, rows, lines, a, a_m, b_start, c, c_m, columns, accumulate):
        b = self.b
        buffer = b.ptrtoint(b.alloca(ir.ArrayType(ir.IntType(8), 4 * SQUARE)), ir.I64)
        self.begin()
        row = b.alloca(ir.I64)
        b.store(ir.I64(0), row)
        stride, whole = b.mul(c_m, ir.I64(4)), b.icmp_signed(">=", columns, ir.I64(2 * SIDE))
        whole = b.and_(whole, b.icmp_signed("==", accumulate, ir.I64(0)))
        with while_loop(b, lambda: b.icmp_signed("<", b.load(row), rows)):
            i = b.load(row)
            left, into = b.sub(rows, i), b.add(c, b.mul(i, stride))
            with b.if_else(b.icmp_signed(">", left, ir.I64(SIDE))) as (two, one):
                with two:
                    self._sums(lines, b.add(a, b.mul(i, a_m)), a_m, b_start, 2)
                with one:
                    self._sums(lines, b.add(a, b.mul(i, a_m)), a_m, b_start, 1)
            with b.if_else(b.and_(whole, b.icmp_signed(">=", left, ir.I64(2 * SIDE)))) as (at_once, by_rows):
                with at_once:
                    self._store_squares(into, stride)
                with by_rows:
                    self._store_squares(buffer, ir.I64(2 * LINE))
                    few = b.select(b.icmp_signed("<", left, ir.I64(2 * SIDE)), left, ir.I64(2 * SIDE))
                    self._copy_rows(few, buffer, into, stride, columns, accumulate)
            b.store(b.add(i, ir.I64(2 * SIDE)), row)
        self.do("tilerelease")
        b.ret_void()

    def _sums(self, lines, a, a_m, b_start, high):
        """Registers 0 to 3 are the products of `high` squares of rows by two of columns."""
        b, below = self.b, self.b.mul(a_m, ir.I64(SIDE))
        for square in range(4):
            self.do(f"tilezero %tmm{square}")
        line = b.alloca(ir.I64)
        b.store(ir.I64(0), line)
        with while_loop(b, lambda: b.icmp_signed("<", b.load(line), lines)):
            at = b.load(line)
            a_at, b_at = b.add(a, b.mul(at, ir.I64(LINE))), b.add(b_start, b.mul(at, ir.I64(2 * SQUARE)))
            for i in range(high):
                self.do(f"tileloadd ($0,$1,1), %tmm{4 + i}", b.add(a_at, b.mul(below, ir.I64(i))), a_m)
            for j in range(2):
                self.do(f"tileloadd ($0,$1,1), %tmm{6 + j}", b.add(b_at, ir.I64(SQUARE * j)), ir.I64(LINE))
            self.add_products(high)
            b.store(b.add(at, ir.I64(1)), line)

    def _store_squares(self, target, stride):
        for i in range(2):
            for j in range(2):
                at = self.b.add(target, self.b.add(self.b.mul(stride, ir.I64(SIDE * i)), ir.I64(LINE * j)))
                self.do(f"tilestored %tmm{2 * i + j}, ($0,$1,1)", at, stride)

    def _copy_rows(self, rows, buffer, into, stride, columns, accumulate):
        """From the buffer to C, or added to it, without what is outside."""
        b, row, vectors = self.b, self.b.alloca(ir.I64), self.vectors
        masks = [inside(b, columns, SIDE, SIDE * j) for j in range(2)]
        adds = splat(b, b.icmp_signed("!=", accumulate, ir.I64(0)), masks[0].type)
        b.store(ir.I64(0), row)
        with while_loop(b, lambda: b.icmp_signed("<", b.load(row), rows)):
            i = b.load(row)
            for j, mask in enumerate(masks):
                sums = vectors.load(vectors.place(b.add(buffer, b.add(b.mul(i, ir.I64(2 * LINE)), ir.I64(LINE * j)))))
                place = vectors.place(b.add(into, b.add(b.mul(i, stride), ir.I64(LINE * j))))
                before = vectors.load(place, b.and_(mask, adds))
                vectors.store(b.select(adds, self.add(before, sums), sums), place, mask)
            b.store(b.add(i, ir.I64(1)), row)

    def do(self, text, *values):
        kind = ir.FunctionType(ir.VoidType(), [ir.I64] * len(values))
        self.b.asm(kind, text, ",".join(["r"] * len(values) + ["~{memory}"]), values, True)


def operations(dtype: str) -> int:
    """Multiplications and additions of one instruction."""
    return 2 * SIDE * SIDE * SIDE * _group(dtype)


def limit_matrix_tile(dtype: str) -> Tile:
    """multiply_add(rounds, target) adds products to four squares of sums, rounds times: what the processor can do at
    most. Nothing is stored."""
    def emit(b, rounds, target):
        walk = _Walk(b, dtype)
        walk.begin()
        for register in range(8):
            walk.do(f"tilezero %tmm{register}")
        at = b.alloca(ir.I64)
        b.store(ir.I64(0), at)
        with while_loop(b, lambda: b.icmp_signed("<", b.load(at), rounds)):
            walk.add_products(2)
            b.store(b.add(b.load(at), ir.I64(1)), at)
        walk.do("tilerelease")
    return Tile("multiply_add", 2, False, emit, None)
