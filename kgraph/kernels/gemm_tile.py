"""The register tiles of products, in LLVM vectors.

A tile computes ROWS x (VECTORS * lanes) elements of C = A B, or of C + A B: all its elements stay in registers while
k runs, each one a chain of fused multiply-adds in the order of k. So an element's value does not depend on the tile
that it falls into. The last vectors of a row may be partly or wholly outside C: they are loaded and stored under masks.

As Tiles of loop nests: `walk_...` covers a block of C with tiles, `transpose_...` packs a block of B
whose columns lie contiguous, `copy_...` moves one vector under a mask.
"""
from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from kgraph.codegen.intrinsics import MEMORY_TYPES
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile

__all__ = ["GemmTile", "limit_tile", "packing_tiles", "walk_tile"]

GROUP = 3    # rows of A that are addressed from one pointer: at 0, 1 and 2 times the distance of rows
AHEAD = 24   # rows of B that are asked for ahead of time where B is read in place: the delay of a third-level cache
STRIDED = 4  # vectors of a row of B up to which that is done: the processor itself reads ahead in longer ones
_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


@dataclass(frozen=True)
class GemmTile:
    """rows x vectors of `lanes` elements.

    column  A's rows are neighbours in memory (a_m = 1), so that they are addressed by constants; else by a_m
    direct  B lies as the user has it, its vectors are loaded under masks too; else it is packed, padded with zeros
    """

    dtype: str
    lanes: int
    rows: int
    vectors: int
    column: bool
    direct: bool

    @property
    def name(self) -> str:
        return f"tile_{self.rows}_{self.vectors}" + "_column" * self.column + "_direct" * self.direct

    @property
    def element(self):
        return MEMORY_TYPES[self.dtype]

    @property
    def itemsize(self) -> int:
        return DTYPES[self.dtype].itemsize

    @property
    def vector(self):
        return ir.VectorType(self.element, self.lanes)


def walk_tile(name: str, tiles) -> Tile:
    """NAME(rows, depth, a, a_m, a_k, b, b_k, c, c_m, columns, accumulate)

    covers rows x columns of C, first by the tallest of these tiles, for each height first by the widest. Addresses in
    bytes; a_m, a_k, b_k, c_m in elements: from row to row and along k of A, along k of B, from row to row of C.
    """
    return Tile(name, 11, False, lambda builder, *values: builder.call(_walk(builder.module, name, tiles), values),
                functools.partial(_product, np.dtype(tiles[0].dtype)))


def _product(dtype, rows, depth, a, a_m, a_k, b, b_k, c, c_m, columns, accumulate):
    """What a walk means."""
    item = dtype.itemsize
    left = view(a, (rows, depth), (item * a_m, item * a_k), dtype)
    right = view(b, (depth, columns), (item * b_k, item), dtype)
    out = view(c, (rows, columns), (item * c_m, item), dtype)
    out[...] = left @ right + (out if accumulate else 0)


def _walk(module, name, tiles):
    symbol = f"kgraph.{name}"
    if symbol not in module.globals:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I64] * 11), symbol)
        function.linkage = "internal"
        function.attributes.add("noinline")
        _write_walk(ir.IRBuilder(function.append_basic_block()), function.args, tiles)
    return module.globals[symbol]


def _write_walk(b, arguments, tiles):
    rows, depth, a, a_m, a_k, b_start, b_k, c, c_m, columns, accumulate = arguments
    row, column = b.alloca(_I64), b.alloca(_I64)
    b.store(_I64(0), row)
    for height in sorted({t.rows for t in tiles}, reverse=True):
        with _while(b, lambda height=height: b.icmp_signed(">=", b.sub(rows, b.load(row)), _I64(height))):
            i = b.load(row)
            b.store(_I64(0), column)
            wide_first = sorted((t for t in tiles if t.rows == height), key=lambda t: -t.vectors)
            for tile in wide_first:
                least = 0 if tile is wide_first[-1] else tile.lanes * wide_first[-1].vectors
                with _while(b, lambda least=least: b.icmp_signed(">", b.sub(columns, b.load(column)), _I64(least))):
                    t, item = b.load(column), _I64(tile.itemsize)
                    a_at = b.add(a, b.mul(item, b.mul(i, a_m)))
                    c_at = b.add(c, b.mul(item, b.add(b.mul(i, c_m), t)))
                    b.call(_function(b.module, tile), [depth, a_at, a_m, a_k, b.add(b_start, b.mul(item, t)), b_k, c_at,
                                                       c_m, b.sub(columns, t), accumulate])
                    b.store(b.add(t, _I64(tile.lanes * tile.vectors)), column)
            b.store(b.add(i, _I64(height)), row)
    b.ret_void()


@contextlib.contextmanager
def _while(builder, condition):
    """A loop around the instructions written inside, while condition() holds."""
    test, body, after = (builder.append_basic_block(n) for n in ("while", "do", "done"))
    builder.branch(test)
    builder.position_at_end(test)
    builder.cbranch(condition(), body, after)
    builder.position_at_end(body)
    yield
    builder.branch(test)
    builder.position_at_end(after)


def _function(module, tile):
    name = f"kgraph.{tile.name}"
    if name not in module.globals:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I64] * 10), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        _TileWriter(tile, function).write()
    return module.globals[name]


class _TileWriter:
    """Writes the body of one tile's function."""

    def __init__(self, tile: GemmTile, function):
        self.tile = tile
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.function = function
        self.cells = [(i, j) for i in range(tile.rows) for j in range(tile.vectors)]

    def write(self):
        tile, b = self.tile, self.builder
        depth, a, a_m, a_k, b_start, b_k, c, c_m, columns, accumulate = self.function.args
        self.masks = [self._mask(columns, j) for j in range(tile.vectors)]
        self.places = {(i, j): self._place(c, b.add(b.mul(c_m, _I64(i)), _I64(tile.lanes * j))) for i, j in self.cells}
        for place in self.places.values():
            _prefetch(b, place, 1, 3)  # a result that is in no cache arrives while the sums are made
        last = self._sums(depth, a, self._bytes(a_m), self._bytes(a_k), b_start, self._bytes(b_k))
        self._store(self._added_to_result(last, accumulate))
        b.ret_void()

    def _sums(self, depth, a, a_m, a_k, b_start, b_k) -> dict:
        """The sums over k. All strides in bytes."""
        b, tile, start = self.builder, self.tile, self.builder.block
        zero = ir.Constant(tile.vector, None)
        group, row = (tile.rows, _I64(tile.itemsize)) if tile.column else (GROUP, a_m)
        bases = [_opaque(b, b.add(a, b.mul(row, _I64(i)))) for i in range(0, tile.rows, group)]
        loop, after = self.function.append_basic_block("k"), self.function.append_basic_block("end")
        b.cbranch(b.icmp_signed("<", _I64(0), depth), loop, after)
        b.position_at_end(loop)
        left, b_at, *a_at = (self._phi(_I64, v, start) for v in (depth, b_start, *bases))
        sums = {ij: self._phi(tile.vector, zero, start) for ij in self.cells}
        rows = [b.add(a_at[i // group], b.mul(row, _I64(i % group))) for i in range(tile.rows)]
        added = self._multiply_add(sums, rows, b_at, b_k)
        fewer = b.sub(left, _I64(1))
        for phi, value in ((left, fewer), (b_at, b.add(b_at, b_k)), *((p, _opaque(b, b.add(p, a_k))) for p in a_at),
                           *((sums[ij], added[ij]) for ij in self.cells)):
            phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed(">", fewer, _I64(0)), loop, after)
        b.position_at_end(after)
        last = {ij: self._phi(tile.vector, zero, start) for ij in self.cells}
        for ij in self.cells:
            last[ij].add_incoming(added[ij], loop)
        return last

    def _bytes(self, elements):
        return self.builder.mul(elements, _I64(self.tile.itemsize))

    def _mask(self, columns, j):
        """Which lanes of vector j are inside C."""
        lanes, b = self.tile.lanes, self.builder
        wide = ir.VectorType(_I64, lanes)
        return b.icmp_signed("<", ir.Constant(wide, [lanes * j + i for i in range(lanes)]), _splat(b, columns, wide))

    def _added_to_result(self, sums, accumulate) -> dict:
        """The sums, and what is in C where accumulating."""
        b, start = self.builder, self.builder.block
        load, store = self.function.append_basic_block("load"), self.function.append_basic_block("store")
        b.cbranch(b.icmp_signed("!=", accumulate, _I64(0)), load, store)
        b.position_at_end(load)
        added = {ij: b.fadd(self._load(self.places[ij], self.masks[ij[1]]), sums[ij]) for ij in self.cells}
        b.branch(store)
        b.position_at_end(store)
        last = {ij: self._phi(self.tile.vector, sums[ij], start) for ij in self.cells}
        for ij in self.cells:
            last[ij].add_incoming(added[ij], load)
        return last

    def _multiply_add(self, sums, rows, b_at, b_k) -> dict:
        """The sums with one k more. rows: addresses of A's elements; b_at: of the row of B."""
        b, tile = self.builder, self.tile
        vectors = [self._load(self._place(b_at, _I64(j * tile.lanes)), self.masks[j] if tile.direct else None)
                   for j in range(tile.vectors)]
        if tile.direct and tile.vectors <= STRIDED:
            for j in range(tile.vectors):
                _prefetch(b, self._place(b.add(b_at, b.mul(b_k, _I64(AHEAD))), _I64(j * tile.lanes)), 0, 2)
        added = {}
        for i, row in enumerate(rows):
            value = _splat(b, b.load(b.inttoptr(row, tile.element.as_pointer())), tile.vector)
            for j in range(tile.vectors):
                added[i, j] = _intrinsic(b, "fma", tile.vector, tile.vector, [value, vectors[j], sums[i, j]])
        return added

    def _store(self, last):
        for i, j in self.cells:
            _masked_store(self.builder, last[i, j], self.places[i, j], self.masks[j], self.tile.itemsize)

    def _load(self, place, mask):
        if mask is not None:
            return _masked_load(self.builder, place, mask, self.tile.itemsize)
        value = self.builder.load(place)
        value.align = self.tile.itemsize
        return value

    def _place(self, address, offset):
        pointer = self.builder.inttoptr(address, self.tile.element.as_pointer())
        return self.builder.bitcast(self.builder.gep(pointer, [offset]), self.tile.vector.as_pointer())

    def _phi(self, kind, first, start):
        phi = self.builder.phi(kind)
        phi.add_incoming(first, start)
        return phi


def _opaque(builder, value):
    """The same number, of which the optimiser knows nothing: else it would walk from row to row by additions that wait
    for each other. So it uses a few pointers, and rows at 0, 1 and 2 times their distance from one, as addresses can
    have it."""
    return builder.asm(ir.FunctionType(_I64, [_I64]), "", "=r,0", [value], False)


def _splat(builder, value, kind):
    undefined = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(undefined, value, _I32(0))
    return builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(_I32, kind.count), [0] * kind.count))


def _prefetch(builder, place, write: int, level: int):
    """Ask for a line of memory that will soon be read, or written (1), into a cache near (3) or far. Never fails."""
    module, kind, name = builder.module, ir.IntType(8).as_pointer(), "llvm.prefetch.p0"
    function = module.globals.get(name) or ir.Function(
        module, ir.FunctionType(ir.VoidType(), [kind, _I32, _I32, _I32]), name)
    builder.call(function, [builder.bitcast(place, kind), _I32(write), _I32(level), _I32(1)])


def _masked_load(builder, place, mask, alignment):
    """Zeros where the mask is off; nothing is read there."""
    kind = place.type.pointee
    return _intrinsic(builder, "masked.load", kind, kind, [place, _I32(alignment), mask, ir.Constant(kind, None)])


def _masked_store(builder, value, place, mask, alignment):
    _intrinsic(builder, "masked.store", value.type, ir.VoidType(), [value, place, _I32(alignment), mask])


def _intrinsic(builder, name, kind, result, values):
    """A call of llvm.NAME for vectors of that kind."""
    module = builder.module
    element = next(short_name(dtype) for dtype, memory in MEMORY_TYPES.items() if memory == kind.element)
    symbol = f"llvm.{name}.v{kind.count}{element}" + ".p0" * name.startswith("masked")
    signature = ir.FunctionType(result, [v.type for v in values])
    return builder.call(module.globals.get(symbol) or ir.Function(module, signature, symbol), values)


def packing_tiles(dtype: str, lanes: int) -> list:
    """Tiles that pack B:

    copy_F(source, target, count)                            one vector, zeros from `count` on
    transpose_F(source, stride, target, step, rows, depth)   target[p * step + j] = source[j * stride + p], p < depth;
                                                             0 for rows <= j < lanes; at most `lanes` of each
    """
    short, element, item = short_name(dtype), MEMORY_TYPES[dtype], DTYPES[dtype].itemsize
    kind = ir.VectorType(element, lanes)
    lane = ir.Constant(ir.VectorType(_I64, lanes), list(range(lanes)))

    def before(builder, count):
        return builder.icmp_signed("<", lane, _splat(builder, count, lane.type))

    def place(builder, address, offset):
        pointer = builder.gep(builder.inttoptr(address, element.as_pointer()), [offset])
        return builder.bitcast(pointer, kind.as_pointer())

    def copy(builder, source, target, count):
        value = _masked_load(builder, place(builder, source, _I64(0)), before(builder, count), item)
        builder.store(value, place(builder, target, _I64(0))).align = item

    def transpose(builder, source, stride, target, step, rows, depth):
        mask, nothing = before(builder, depth), ir.Constant(ir.VectorType(_I1, lanes), None)
        vectors = []
        for j in range(lanes):
            inside = builder.select(builder.icmp_signed("<", _I64(j), rows), mask, nothing)
            vectors.append(_masked_load(builder, place(builder, source, builder.mul(stride, _I64(j))), inside, item))
        for p, value in enumerate(_transposed(builder, vectors)):
            with builder.if_then(builder.icmp_signed("<", _I64(p), depth), likely=True):
                builder.store(value, place(builder, target, builder.mul(step, _I64(p)))).align = item
    return [Tile(f"copy_{short}", 3, False, copy, functools.partial(_copied, np.dtype(dtype), lanes)),
            Tile(f"transpose_{short}", 6, False, transpose, functools.partial(_turned, np.dtype(dtype), lanes))]


def _copied(dtype, lanes, source, target, count):
    """What copy_F means."""
    count, out = max(0, min(count, lanes)), view(target, (lanes,), (dtype.itemsize,), dtype)
    out[:count] = view(source, (count,), (dtype.itemsize,), dtype)
    out[count:] = 0


def _turned(dtype, lanes, source, stride, target, step, rows, depth):
    """What transpose_F means."""
    item, rows, depth = dtype.itemsize, max(0, min(rows, lanes)), max(0, min(depth, lanes))
    out = view(target, (depth, lanes), (item * step, item), dtype)
    out[:, :rows] = view(source, (depth, rows), (item, item * stride), dtype)
    out[:, rows:] = 0


def _transposed(builder, vectors):
    """Rows and columns of a square of lanes exchanged: halves swapped, then quarters, and so on."""
    lanes = len(vectors)
    half = lanes // 2
    while half:
        low = [i if not i & half else lanes + i - half for i in range(lanes)]
        high = [i + half if not i & half else lanes + i for i in range(lanes)]
        pick = [ir.Constant(ir.VectorType(_I32, lanes), chosen) for chosen in (low, high)]
        vectors = [builder.shuffle_vector(vectors[i & ~half], vectors[i | half], pick[bool(i & half)])
                   for i in range(lanes)]
        half //= 2
    return vectors


def limit_tile(dtype: str, lanes: int, chains: int) -> Tile:
    """multiply_add(rounds, target) does rounds * chains fused multiply-adds of vectors
    in registers alone, and stores one vector: what the processor can do at most. The chains do not wait for each other:
    there must be more than the latency of the instruction times how many begin at once."""
    element = MEMORY_TYPES[dtype]
    kind = ir.VectorType(element, lanes)

    def emit(builder, rounds, target):
        start = builder.block
        loop, after = builder.append_basic_block("rounds"), builder.append_basic_block("done")
        factor = _splat(builder, builder.sitofp(rounds, element), kind)
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(_I64)
        sums = [builder.phi(kind) for _ in range(chains)]
        added = [_intrinsic(builder, "fma", kind, kind, [s, factor, factor]) for s in sums]
        for i, (phi, value) in enumerate(zip(sums, added)):
            phi.add_incoming(ir.Constant(kind, [float(i)] * lanes), start)
            phi.add_incoming(value, loop)
        following = builder.add(step, _I64(1))
        step.add_incoming(_I64(0), start)
        step.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, rounds), loop, after)
        builder.position_at_end(after)
        total = added[0]
        for value in added[1:]:
            total = builder.fadd(total, value)
        builder.store(total, builder.inttoptr(target, kind.as_pointer())).align = 8
    return Tile("multiply_add", 2, False, emit, None)
