"""The register tiles of products of int8 with sums in int32, in LLVM vectors; and `dot`, the instruction of all
products of words.

A *word* of 32 bits holds two neighbours of bfloat16 along k, whose products are added up in float32. Of int8 it holds 4
where the processor multiplies and adds four pairs of bytes in one instruction (AVX512_VNNI, AVX_VNNI), 2 numbers of 16
bits elsewhere. A `DotTile` is a `GemmTile` whose elements are words of int8. Sums of integers are exact, so all
machines give the same numbers, in whatever order.

VNNI multiplies unsigned by signed bytes: words of A hold a + 128, and sums begin at -128 times the sum of a column of
B. These beginnings are the row before a panel of packed B: zeros where nothing has to be put right.
"""
from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass

import numpy as np

from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.intrinsics import while_loop
from kgraph.codegen.target import implied_features, layout, machine
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile
from kgraph.kernels.gemm_tile import GemmTile, GemmWriter
from kgraph.kernels.registers import Registers, function, inside, masked_load, splat, transposed

__all__ = ["DotTile", "dot", "dot_packing_tiles", "group", "limit_dot_tile", "loaded", "numbers_of"]

_FEATURES = {64: "avx512vnni", 32: "avxvnni"}  # by the bytes of a vector


def group() -> int:
    """How many numbers a word holds on the machine that this thread compiles for."""
    known = machine()
    return 4 if known.bytes in _FEATURES and layout()[0].startswith("x86_64") and _has_dots(known) else 2


@functools.cache
def _has_dots(known) -> bool:
    return bool(implied_features(known, (_FEATURES[known.bytes],)))


@dataclass(frozen=True)
class DotTile(GemmTile):
    """rows x vectors of `lanes` sums of products of words of so many numbers."""

    group: int = 4
    finishes = False

    def write(self, builder, *arguments):
        _DotWriter(self, builder).write(*arguments)

    def product(self, a, b, rows, depth, columns, a_m, a_k, b_k):
        """See GemmTile."""
        kinds = (np.uint8, np.int8) if self.group == 4 else (np.int16, np.int16)
        size = 4 // self.group
        left = view(a, (rows, depth, self.group), (4 * a_m, 4 * a_k, size), kinds[0]).astype("int64")
        right = view(b, (depth, columns, self.group), (4 * b_k, 4, size), kinds[1]).astype("int64")
        return np.einsum("mkg,kng->mn", left, right) + view(b - 4 * b_k, (columns,), (4,), np.int32)


class _DotWriter(GemmWriter):
    """Writes the body of one DotTile's function."""

    def beginnings(self, b_start, b_k) -> list:
        before = self.builder.sub(b_start, b_k)
        return [self.load(self.place(before, ir.I64(j * self.lanes))) for j in range(self.tile.vectors)]

    def more(self, value, vector, so_far):
        return dot(self.builder, self.tile.group, value, vector, so_far)

    def plus(self, x, y):
        return self.builder.add(x, y)


def dot(b, group, left, right, so_far):
    """For a builder: so_far + the sums of products of numbers of two vectors of words, each in 32 bits; of bfloat16,
    if so_far is of floats."""
    kind = so_far.type
    if kind.element == ir.MEMORY_TYPES["float32"]:
        return _dot_of_pairs(b, left, right, so_far)
    if group == 4:
        return _call(b, f"llvm.x86.avx512.vpdpbusd.{32 * kind.count}", so_far, left, right)
    # LLVM makes one instruction of it where there is one (PMADDWD)
    narrow, wide = (ir.VectorType(ir.IntType(bits), 2 * kind.count) for bits in (16, 32))
    products = b.mul(*(b.sext(b.bitcast(x, narrow), wide) for x in (left, right)))
    even, odd = (b.shuffle_vector(products, ir.Constant(wide, ir.Undefined), ir.Constant(
        kind, list(range(start, 2 * kind.count, 2)))) for start in (0, 1))
    return b.add(so_far, b.add(even, odd))


def _dot_of_pairs(b, left, right, so_far):
    """The instruction takes subnormal numbers for zeros; elsewhere both halves of words become float32."""
    count, known = so_far.type.count, machine()
    if known.pairs:
        symbol = (f"llvm.x86.avx512bf16.dpbf16ps.{32 * count}" if layout()[0].startswith("x86_64") else
                  f"llvm.aarch64.neon.bfdot.v{count}f32.v{2 * count}bf16")
        pairs = ir.VectorType(ir.BFLOAT, 2 * count)
        return _call(b, symbol, so_far, b.bitcast(left, pairs), b.bitcast(right, pairs))
    words, r = ir.VectorType(ir.I32, count), Registers(b, "float32", count)
    high, sixteen = (ir.Constant(words, [n] * count) for n in (-1 << 16, 16))
    low, rest = ([b.bitcast(change(b.bitcast(x, words)), r.kind) for x in (left, right)]
                 for change in (lambda x: b.shl(x, sixteen), lambda x: b.and_(x, high)))
    return r.times_plus(*rest, r.times_plus(*low, so_far))


def numbers_of(words):
    """The numbers of bfloat16 in words of 32 bits, as float32 along an axis more."""
    bits = np.asarray(words).view("int32")
    return np.stack([bits << 16, bits & -1 << 16], -1).view("float32")


def _call(b, symbol, *values):
    """A call of an instruction by LLVM's name, whose result is of the first operand's type."""
    signature = ir.FunctionType(values[0].type, [x.type for x in values])
    return b.call(b.module.globals.get(symbol) or ir.Function(b.module, signature, symbol), values)


def dot_packing_tiles(lanes: int, group: int) -> list:
    """Tiles that make words of int8. Addresses, strides and counts in numbers; steps in words.

    words_a(source, target, count)       a vector of words of A from up to `count` numbers, which lie side by side
    panel_b(source, stride, rows, target, step, columns)
                                         words of up to `lanes` columns of B, whose rows lie side by side: vectors at
                                         target, target + step, ...; before them what sums begin with
    panel_b_turned(...)                  the same where columns lie side by side, their starts a stride apart
    """
    packing, reference = _Packing(lanes, group), functools.partial(functools.partial, _panel, lanes, group)
    return [Tile("words_a", 3, False, packing.words_a, functools.partial(_words, lanes, group)),
            Tile("panel_b", 6, False, _apart(packing.panel_b), reference(False)),
            Tile("panel_b_turned", 6, False, _apart(packing.panel_b_turned), reference(True))]


class _Packing:
    """Writes the instructions of dot_packing_tiles."""

    def __init__(self, lanes: int, group: int):
        self.lanes, self.group = lanes, group
        self.words, self.wide = ir.VectorType(ir.I32, lanes), ir.VectorType(ir.IntType(32 // group), lanes * group)
        self.bias = ir.Constant(self.words, [-0x7F7F7F80] * lanes)  # 0x80 in each byte

    def words_a(self, b, source, target, count):
        found = self._as_words(b, loaded(b, source, self.lanes * self.group, count))
        found = b.xor(found, self.bias) if self.group == 4 else found
        self._store(b, found, target, 1)   # words of windows begin anywhere

    def panel_b(self, b, source, stride, rows, target, step, columns):
        with self._panel(b, rows, target, step, self.group) as (at, put):
            parts = []
            for r in range(self.group):
                row = b.add(at, ir.I64(r))
                some = b.select(b.icmp_signed("<", row, rows), columns, ir.I64(0))
                parts.append(loaded(b, b.add(source, b.mul(stride, row)), self.lanes, some))
            put(self._as_words(b, _interleaved(b, parts)), b.udiv(at, ir.I64(self.group)))

    def panel_b_turned(self, b, source, stride, rows, target, step, columns):
        lanes, group = self.lanes, self.group
        with self._panel(b, rows, target, step, lanes * group) as (at, put):
            left, found = b.sub(rows, at), []
            for j in range(lanes):
                some = b.select(b.icmp_signed("<", ir.I64(j), columns), left, ir.I64(0))
                column = b.add(b.add(source, at), b.mul(stride, ir.I64(j)))
                found.append(self._as_words(b, loaded(b, column, lanes * group, some)))
            for p, value in enumerate(transposed(b, found)):
                with b.if_then(b.icmp_signed("<", ir.I64(p * group), left), likely=True):
                    put(value, b.add(b.udiv(at, ir.I64(group)), ir.I64(p)))

    @contextlib.contextmanager
    def _panel(self, b, rows, target, step, every):
        """A loop over every so many rows: inside it (first row, a function that stores a vector of words)."""
        row, sums, nothing = b.alloca(ir.I64), b.alloca(self.words), ir.Constant(self.words, None)
        b.store(ir.I64(0), row)
        b.store(nothing, sums)

        def put(found, word):
            self._store(b, found, b.add(target, b.mul(step, b.mul(ir.I64(4), word))))
            more = dot(b, self.group, self.bias, found, b.load(sums)) if self.group == 4 else b.load(sums)
            b.store(more, sums)
        with while_loop(b, lambda: b.icmp_signed("<", b.load(row), rows)):
            at = b.load(row)
            yield at, put
            b.store(b.add(at, ir.I64(every)), row)
        self._store(b, b.sub(nothing, b.load(sums)), b.sub(target, b.mul(step, ir.I64(4))))

    def _as_words(self, b, numbers):
        return b.bitcast(numbers if self.group == 4 else b.sext(numbers, self.wide), self.words)

    def _store(self, b, value, address, align=4):
        b.store(value, b.inttoptr(address, self.words.as_pointer())).align = align


def _apart(write):
    """The same as a function of its own, whose local memory ends with a call."""
    def written(builder, *values):
        write(builder, *values)
        builder.ret_void()
    return lambda b, *values: b.call(function(b.module, write.__name__, len(values), written), values)


def loaded(b, address, count, number):
    """A vector of so many int8 from an address on, of which `number` are read: zeros from there on."""
    kind = ir.VectorType(ir.I8, count)
    place = b.inttoptr(address, kind.as_pointer())
    with b.if_else(b.icmp_signed(">=", number, ir.I64(count)), likely=True) as (whole, part):
        with whole:
            all_of_it = b.load(place)
            all_of_it.align = 1
            first = b.block
        with part:
            some = masked_load(b, place, inside(b, number, count), 1)
            second = b.block
    found = b.phi(kind)
    found.add_incoming(all_of_it, first)
    found.add_incoming(some, second)
    return found


def _interleaved(b, vectors):
    """The first element of each vector, the second of each, and so on."""
    order = list(range(len(vectors)))
    while len(vectors) > 1:  # pairs side by side; then all at once
        vectors = [_shuffled(b, x, y, range(2 * x.type.count)) for x, y in zip(vectors[::2], vectors[1::2])]
    (joined,) = vectors
    each = joined.type.count // len(order)
    return _shuffled(b, joined, joined, [r * each + i for i in range(each) for r in order])


def _shuffled(b, x, y, chosen):
    chosen = list(chosen)
    return b.shuffle_vector(x, y, ir.Constant(ir.VectorType(ir.I32, len(chosen)), chosen))


def _as_words(numbers, group):
    """Numbers along the last axis as words."""
    wide = np.zeros((*numbers.shape[:-1], -(-numbers.shape[-1] // group) * group), "int8" if group == 4 else "int16")
    wide[..., :numbers.shape[-1]] = numbers
    return wide.view("int32")


def _words(lanes, group, source, target, count):
    """What words_a means."""
    numbers = np.zeros(lanes * group, "int8")
    count = max(0, min(count, lanes * group))
    numbers[:count] = view(source, (count,), (1,), "int8")
    view(target, (lanes,), (4,), "int32")[:] = _as_words(numbers, group) ^ (0 if group == 2 else -0x7F7F7F80)


def _panel(lanes, group, turned, source, stride, rows, target, step, columns):
    """What panel_b and panel_b_turned mean."""
    numbers = np.zeros((lanes, rows), "int8")
    columns = max(0, min(columns, lanes))
    numbers[:columns] = view(source, (columns, rows), (stride, 1) if turned else (1, stride), "int8")
    words = _as_words(numbers, group)
    view(target, (words.shape[1], lanes), (4 * step, 4), "int32")[:] = words.T
    first = numbers.astype("int32").sum(1) * (-128 if group == 4 else 0)
    view(target - 4 * step, (lanes,), (4,), "int32")[:] = first


def limit_dot_tile(dtype: str, lanes: int, group: int, chains: int) -> Tile:
    """multiply_add(rounds, target): what limit_tile does, with products of words whose sums are of that dtype."""
    def emit(b, rounds, target):
        r = Registers(b, dtype, lanes)
        factor = splat(b, b.trunc(rounds, ir.I32), ir.VectorType(ir.I32, lanes))
        sums = {i: ir.Constant(r.kind, [i] * lanes) for i in range(chains)}
        added = r.repeat(rounds, sums, lambda left, sums: (
            ir.I64(1), {i: dot(b, group, factor, factor, x) for i, x in sums.items()}))
        total = added[0]
        for i in range(1, chains):
            total = (b.fadd if dtype == "float32" else b.add)(total, added[i])
        r.store(total, r.place(target))
    return Tile("multiply_add", 2, False, emit, None)
