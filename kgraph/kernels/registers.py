"""The writer of register tiles: LLVM instructions on vectors that stay in registers.

All tiles are written with it, those of products (gemm_tile.py, dot_tile.py), of convolutions (conv_tile.py) and the
transforms of Winograd (winograd.py): what is loaded and stored under masks, broadcast, multiplied and added, asked for
ahead of time, and carried from round to round of a loop. Addresses are int64, in bytes.
"""
from __future__ import annotations

from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name

__all__ = ["GROUP", "Registers", "by", "function", "inside", "masked_load", "masked_store",
           "opaque", "prefetch", "splat", "transposed"]

GROUP = 3  # rows that are addressed from one pointer: at 0, 1 and 2 times the distance of rows


class Registers:
    """Vectors of `lanes` numbers of a dtype, and the instructions on them that a builder writes."""

    def __init__(self, builder, dtype: str, lanes: int):
        self.builder, self.lanes = builder, lanes
        self.element, self.item = ir.MEMORY_TYPES[dtype], DTYPES[dtype].itemsize
        self.kind = ir.VectorType(self.element, lanes)

    # ------------------------------------------------------------------ memory
    def bytes(self, elements):
        """A number of elements in bytes."""
        return self.builder.mul(elements, ir.I64(self.item))

    def place(self, address, offset=None):
        """Where a vector lies: at an address, or so many elements behind it."""
        pointer = self.builder.inttoptr(address, self.element.as_pointer())
        pointer = pointer if offset is None else self.builder.gep(pointer, [offset])
        return self.builder.bitcast(pointer, self.kind.as_pointer())

    def load(self, place, mask=None):
        """A vector; under a mask zeros where it is off, and nothing is read there."""
        if mask is not None:
            return masked_load(self.builder, place, mask, self.item)
        value = self.builder.load(place)
        value.align = self.item
        return value

    def store(self, value, place, mask=None):
        """Store a vector, under a mask only where it is on."""
        if mask is None:
            self.builder.store(value, place).align = self.item
        else:
            masked_store(self.builder, value, place, mask, self.item)

    def number(self, address):
        """The number at an address, in all lanes."""
        return self.all_lanes(self.builder.load(self.builder.inttoptr(address, self.element.as_pointer())))

    def all_lanes(self, number):
        """A number in all lanes."""
        return splat(self.builder, number, self.kind)

    def rows_of(self, bases, step, count: int, group: int):
        """The addresses of so many rows, a step apart: each base is that of the first of a group of them."""
        b = self.builder
        for i in range(count):
            yield b.add(bases[i // group], b.mul(step, ir.I64(i % group)))

    # ------------------------------------------------------------------ arithmetic
    def full(self, value: float):
        """A constant in all lanes."""
        return ir.Constant(self.kind, [value] * self.lanes if value else None)

    def times_plus(self, x, y, sums):
        """x * y + sums: rounded once where that is an instruction, where else it would be a call for each number."""
        return self.call("fma" if machine().fused else "fmuladd", x, y, sums)

    def call(self, name: str, *values):
        """llvm.NAME of vectors."""
        return _intrinsic(self.builder, name, self.kind, self.kind, list(values))

    def total(self, vector):
        """The sum of a vector of integers: halves added, then quarters, and so on."""
        b, n, half = self.builder, self.lanes, self.lanes // 2
        while half:
            chosen = ir.Constant(ir.VectorType(ir.I32, n), [(i + half) % n for i in range(n)])
            vector = b.add(vector, b.shuffle_vector(vector, vector, chosen))
            half //= 2
        return b.extract_element(vector, ir.I32(0))

    # ------------------------------------------------------------------ control
    def phi(self, kind, *incoming):
        """A value that depends on where control comes from: pairs of a value and its block."""
        phi = self.builder.phi(kind)
        for value, block in incoming:
            phi.add_incoming(value, block)
        return phi

    def repeat(self, count, carried: dict, body, steps=None, sure: bool = True) -> dict:
        """Rounds until `count` is used up, at least one; unless `sure`, none where it is not above 0.

        carried  name -> value with which the first round begins
        body     (what is left of count, carried) -> (how much of count this round used, name -> value of the next)
        steps    name -> by what the addresses among them move; body does not give these
        Returns what is carried at the end.
        """
        b, before = self.builder, self.builder.block
        loop, after = b.append_basic_block("round"), b.append_basic_block("after")
        if sure:
            b.branch(loop)
        else:
            b.cbranch(b.icmp_signed("<", ir.I64(0), count), loop, after)
        b.position_at_end(loop)
        left = self.phi(ir.I64, (count, before))
        inside = {name: self.phi(value.type, (value, before)) for name, value in carried.items()}
        used, following = body(left, inside)
        rest, end = b.sub(left, used), b.block
        following = {**following, **{name: step(b, inside[name]) for name, step in (steps or {}).items()}}
        for phi, value in ((left, rest), *((inside[name], following[name]) for name in inside)):
            phi.add_incoming(value, end)
        b.cbranch(b.icmp_signed(">", rest, ir.I64(0)), loop, after)
        b.position_at_end(after)
        if sure:
            return following
        return {name: self.phi(value.type, (value, before), (following[name], end)) for name, value in carried.items()}

    def where(self, condition, change, values: dict, likely=None) -> dict:
        """The values, where the condition holds those of change() in their place."""
        b, before = self.builder, self.builder.block
        with b.if_then(condition, likely=likely):
            changed = change()
            end = b.block
        return {name: self.phi(value.type, (value, before), (changed[name], end)) for name, value in values.items()}


def function(module, name: str, parameters: int, write, result=None):
    """The function of so many int64 in a module that write(builder, *arguments) writes when it is first needed. It is
    never inlined: registers are its own."""
    symbol = f"kgraph.{name}"
    if symbol not in module.globals:
        found = ir.Function(module, ir.FunctionType(result or ir.VoidType(), [ir.I64] * parameters), symbol)
        found.linkage = "internal"
        found.attributes.add("noinline")
        write(ir.IRBuilder(found.append_basic_block("entry")), *found.args)
    return module.globals[symbol]


def opaque(builder, value):
    """The same number, of which the optimiser knows nothing: else it would walk from row to row by additions that wait
    for each other. So it uses a few pointers, and rows at 0, 1 and 2 times their distance from one, as addresses can
    have it."""
    return builder.asm(ir.FunctionType(ir.I64, [ir.I64]), "", "=r,0", [value], False)


def by(step, hidden: bool = False):
    """A step of `repeat`, in bytes; hidden: the optimiser knows nothing of it (see opaque)."""
    return lambda b, place: opaque(b, b.add(place, step)) if hidden else b.add(place, step)


def splat(builder, value, kind):
    """A vector with the value in all lanes."""
    undefined = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(undefined, value, ir.I32(0))
    return builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(ir.I32, kind.count), [0] * kind.count))


def inside(builder, count, lanes: int, first: int = 0):
    """Which lanes, numbered from `first` on, are among the first `count`."""
    short = ir.VectorType(ir.IntType(max(8, 8 * machine().bytes // lanes)), lanes)   # one register of numbers
    left, nothing, all_of_them = builder.sub(count, ir.I64(first)), ir.I64(0), ir.I64(lanes)
    left = builder.select(builder.icmp_signed("<", left, nothing), nothing, left)
    left = builder.select(builder.icmp_signed("<", all_of_them, left), all_of_them, left)
    numbers = ir.Constant(short, list(range(lanes)))
    return builder.icmp_signed("<", numbers, splat(builder, builder.trunc(left, short.element), short))


def prefetch(builder, place, write: int, level: int):
    """Ask for a line of memory that will soon be read, or written (1), into a cache near (3) or far. Never fails."""
    module, kind, name = builder.module, ir.IntType(8).as_pointer(), "llvm.prefetch.p0"
    found = module.globals.get(name) or ir.Function(
        module, ir.FunctionType(ir.VoidType(), [kind, ir.I32, ir.I32, ir.I32]), name)
    builder.call(found, [builder.bitcast(place, kind), ir.I32(write), ir.I32(level), ir.I32(1)])


def masked_load(builder, place, mask, alignment: int):
    """Zeros where the mask is off; nothing is read there."""
    kind = place.type.pointee
    return _intrinsic(builder, "masked.load", kind, kind, [place, ir.I32(alignment), mask, ir.Constant(kind, None)])


def masked_store(builder, value, place, mask, alignment: int):
    """Stores where the mask is on."""
    _intrinsic(builder, "masked.store", value.type, ir.VoidType(), [value, place, ir.I32(alignment), mask])


def transposed(builder, vectors) -> list:
    """Rows and columns of a square of lanes exchanged: halves swapped, then quarters, and so on."""
    lanes = len(vectors)
    half = lanes // 2
    while half:
        low = [i if not i & half else lanes + i - half for i in range(lanes)]
        high = [i + half if not i & half else lanes + i for i in range(lanes)]
        pick = [ir.Constant(ir.VectorType(ir.I32, lanes), chosen) for chosen in (low, high)]
        vectors = [builder.shuffle_vector(vectors[i & ~half], vectors[i | half], pick[bool(i & half)])
                   for i in range(lanes)]
        half //= 2
    return vectors


def _intrinsic(builder, name, kind, result, values):
    """A call of llvm.NAME for vectors of that kind."""
    module = builder.module
    element = next(short_name(dtype) for dtype, memory in ir.MEMORY_TYPES.items() if memory == kind.element)
    symbol = f"llvm.{name}.v{kind.count}{element}" + ".p0" * name.startswith("masked")
    signature = ir.FunctionType(result, [v.type for v in values])
    return builder.call(module.globals.get(symbol) or ir.Function(module, signature, symbol), values)
