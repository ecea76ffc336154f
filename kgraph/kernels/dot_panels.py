"""The register tiles of products by a matrix in panels: of int8 by one that was packed beforehand (panel_product), and
of bfloat16.

A panel is 32 columns: two squares side by side for each 64 bytes of k, of 16 words of neighbours along k for each of 16
columns, as registers that hold matrices want them (matrix_tile.py). Here vectors of words meet words of rows of A,
which are numbers as they are. Where the processor's instruction multiplies unsigned by signed bytes, B is made unsigned
by adding 128 on the way, and sums begin at -128 times the sum of their row of A; elsewhere, words of int8 become pairs
of 16 bits.
"""
from __future__ import annotations

import functools

from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.intrinsics import while_loop
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.dot_tile import dot, loaded
from kgraph.kernels.matrix_tile import LINE, SIDE, SQUARE, walk_meaning
from kgraph.kernels.registers import Registers, by, function, inside

__all__ = ["SIDE", "panel_tiles", "walk_pairs_tile"]

WORDS = LINE // 4             # of each column of a square
_HIGH = -0x7F7F7F80           # 0x80 in each byte of a word
_HEIGHTS = {"int32": (8, 2, 1), "float32": (14, 8, 4, 2, 1)}  # of tiles where registers are many, by the type of sums


def panel_tiles(lanes: int, group: int) -> list:
    """Addresses and a_m in bytes, c_m in elements.

    row_bytes(source, target, count)     a vector of words from up to `count` bytes, zeros behind them
    row_beginning(a, words, target)      what the sums of a row of so many words begin with
    walk_panel(rows, lines, a, a_m, beginnings, b, c, c_m, columns, accumulate)
                                         rows x columns of C, columns <= 32, from `lines` lines of 64 bytes of k
    """
    of = functools.partial
    return [Tile("row_bytes", 3, False, of(_write_bytes, lanes), of(_bytes, lanes)),
            Tile("row_beginning", 3, False, of(_write_beginning, lanes, group), of(_beginning, group)),
            Tile("walk_panel", 10, False, of(_write_walk, "int32", lanes, group), of(_walked, group))]


def walk_pairs_tile(lanes: int) -> Tile:
    """What walk_matrix_tile does, of bfloat16, by vectors of words."""
    def write(b, rows, lines, a, a_m, *rest):
        _write_walk("float32", lanes, 2, b, rows, lines, a, a_m, ir.I64(0), *rest)
    return Tile("walk_matrix", 9, False, write, walk_meaning("bfloat16"))


def _write_bytes(lanes, b, source, target, count):
    r = Registers(b, "int32", lanes)
    r.store(b.bitcast(loaded(b, source, 4 * lanes, count), r.kind), r.place(target))


def _bytes(lanes, source, target, count):
    """What row_bytes means."""
    out, count = view(target, (4 * lanes,), (1,), "int8"), max(0, min(count, 4 * lanes))
    out[:count], out[count:] = view(source, (count,), (1,), "int8"), 0


def _write_beginning(lanes, group, b, a, words, target):
    r, total = Registers(b, "int32", lanes), ir.I32(0)
    if group == 4:
        high = ir.Constant(r.kind, [_HIGH] * lanes)
        found = r.repeat(b.sdiv(words, ir.I64(lanes)), {"at": a, "sums": r.full(0)}, lambda left, carried: (ir.I64(1), {
            "sums": dot(b, group, high, r.load(r.place(carried["at"])), carried["sums"])}),
            {"at": by(ir.I64(4 * lanes))})
        total = b.sub(total, r.total(found["sums"]))
    b.store(total, b.inttoptr(target, ir.I32.as_pointer()))


def _beginning(group, a, words, target):
    """What row_beginning means."""
    sums = view(a, (4 * words,), (1,), "int8").astype("int64").sum()
    view(target, (1,), (4,), "int32")[:] = -128 * sums if group == 4 else 0


def _write_walk(sums, lanes, group, b, rows, lines, a, a_m, beginnings, panel, c, c_m, columns, accumulate):
    """The tallest tiles first; where registers are many and long, of both squares."""
    both, heights = lanes == SIDE, _HEIGHTS[sums] if machine().registers == 32 else (4, 1)
    row = b.alloca(ir.I64)
    b.store(ir.I64(0), row)
    for height in heights:
        with while_loop(b, lambda height=height: b.icmp_signed(">=", b.sub(rows, b.load(row)), ir.I64(height))):
            i = b.load(row)
            tile = lambda squares, first, height=height, i=i: b.call(
                function(b.module, f"panel_{height}_{squares}", 9, functools.partial(
                    _write_tile, sums, lanes, group, height, squares)), [
                    lines, b.add(a, b.mul(i, a_m)), a_m, b.add(beginnings, b.mul(ir.I64(4), i)),
                    b.add(panel, ir.I64(first * SQUARE)),
                    b.add(c, b.mul(ir.I64(4), b.add(b.mul(i, c_m), ir.I64(first * SIDE)))), c_m,
                    b.sub(columns, ir.I64(first * SIDE)), accumulate])
            with b.if_else(b.icmp_signed(">", columns, ir.I64(SIDE))) as (wide, narrow):
                with wide:
                    if both:
                        tile(2, 0)
                    else:
                        tile(1, 0)
                        tile(1, 1)
                with narrow:
                    tile(1, 0)
            b.store(b.add(i, ir.I64(height)), row)


def _write_tile(sums, lanes, group, height, squares, b, lines, a, a_m, beginnings, panel, c, c_m, columns, accumulate):
    r, each, floats = Registers(b, sums, lanes), SIDE // lanes, sums == "float32"
    vectors, rows = range(squares * each), range(height)
    places = [j // each * SQUARE + j % each * 4 * lanes for j in vectors]
    short = ir.VectorType(ir.IntType(16), 2 * lanes)

    def parts(words):
        """Words as what is multiplied: as they are, or the even bytes and the odd ones in 16 bits."""
        if floats or group == 4:
            return [words]
        eight, numbers = ir.Constant(short, [8] * 2 * lanes), b.bitcast(words, short)
        return [b.bitcast(x, r.kind) for x in (b.ashr(b.shl(numbers, eight), eight), b.ashr(numbers, eight))]

    def of_word(left, carried):
        right = [r.load(r.place(b.add(carried["b"], ir.I64(p)))) for p in places]
        right = [parts(x if floats or group == 2 else b.xor(x, ir.Constant(r.kind, [_HIGH] * lanes))) for x in right]
        added = {}
        for i in rows:
            word = parts(r.number(b.add(carried["a"], b.mul(a_m, ir.I64(i)))))
            for j in vectors:
                added[i, j] = carried[i, j]
                for x, y in zip(right[j], word):
                    added[i, j] = dot(b, group, x, y, added[i, j])
        return ir.I64(1), added

    def of_line(left, carried):
        return ir.I64(1), r.repeat(ir.I64(WORDS), carried, of_word, {"a": by(ir.I64(4)), "b": by(ir.I64(4 * SIDE))})
    first = [r.full(0) if floats else r.number(b.add(beginnings, ir.I64(4 * i))) for i in rows]

    def line(left, carried):
        used, found = of_line(left, carried)
        return used, {**found, "b": b.add(found["b"], ir.I64(SQUARE))}
    found = r.repeat(lines, {"a": a, "b": panel, **{(i, j): first[i] for i in rows for j in vectors}}, line, sure=False)
    masks = [inside(b, columns, lanes, lanes * j) for j in vectors]
    places = {(i, j): r.place(c, b.add(b.mul(c_m, ir.I64(i)), ir.I64(lanes * j))) for i in rows for j in vectors}
    found, plus = {at: found[at] for at in places}, b.fadd if floats else b.add
    last = r.where(b.icmp_signed("!=", accumulate, ir.I64(0)), lambda: {
        (i, j): plus(r.load(place, masks[j]), found[i, j]) for (i, j), place in places.items()}, found)
    for (i, j), place in places.items():
        r.store(last[i, j], place, masks[j])
    b.ret_void()


def _walked(group, rows, lines, a, a_m, beginnings, panel, c, c_m, columns, accumulate):
    """What walk_panel means."""
    left = view(a, (rows, 64 * lines), (a_m, 1), "int8").astype("int64")
    squares = view(panel, (lines, 2, WORDS, SIDE, 4), (2 * SQUARE, SQUARE, 4 * SIDE, 4, 1), "int8").astype("int64")
    right = squares.transpose(0, 2, 4, 1, 3).reshape(64 * lines, 2 * SIDE)[:, :columns]
    found = left @ (right + (128 if group == 4 else 0)) + view(beginnings, (rows,), (4,), "int32")[:, None]
    out = view(c, (rows, columns), (4 * c_m, 4), "int32")
    out[...] = found + (out if accumulate else 0)
