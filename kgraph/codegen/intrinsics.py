"""The kernel language's functions as LLVM IR: scalar code that the loop vectoriser turns into vector code.

Arithmetic is rounded as it is written, step by step, so that an expression that is computed in two places has the same
bits in both: a maximum is equal to the element that it came from. Only the terms of what accumulates (sum_so_far and
its kin) may come in another order.

`LANGUAGE` maps the names of kgraph.compiler.loopnest.language, which says what they take and give, to functions
``(*terms) -> Term`` that write the instructions; kgraph.compiler.loopnest.meaning has the same names in NumPy. Here
only llvmlite.ir is imported.
"""
from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from kgraph.codegen import vector_math
from kgraph.compiler.loopnest.dtypes import DTYPES

__all__ = ["LANGUAGE", "LLVM_TYPES", "MEMORY_TYPES", "Term", "cast"]

_I1 = ir.IntType(1)
MEMORY_TYPES = {t.name: {32: ir.FloatType(), 64: ir.DoubleType()}[t.bits] if t.is_float else ir.IntType(t.bits)
                for t in DTYPES.values() if t.compute}
LLVM_TYPES = {**MEMORY_TYPES, "bool": _I1}  # of values
_ANY_ORDER = ("reassoc", "nsz")  # of the terms of a sum: only what accumulates may be rearranged


@dataclass(frozen=True)
class Term:
    """One scalar value in LLVM IR with the operators of Python. dtype is a NumPy name."""

    builder: ir.IRBuilder
    value: ir.Value
    dtype: str

    @property
    def is_real(self) -> bool:
        return DTYPES[self.dtype].is_float

    @property
    def is_signed(self) -> bool:
        return DTYPES[self.dtype].kind == "int"

    @property
    def digits(self) -> int:
        return DTYPES[self.dtype].digits

    @property
    def bias(self) -> int:
        return DTYPES[self.dtype].bias

    def real(self, c: float) -> Term:
        """A constant of this term's dtype."""
        return Term(self.builder, ir.Constant(LLVM_TYPES[self.dtype], c), self.dtype)

    integer = real

    def _with(self, value, dtype: str | None = None) -> Term:
        return Term(self.builder, value, dtype or self.dtype)

    def _lift(self, other) -> Term:
        return other if isinstance(other, Term) else self.real(other)

    def _arithmetic(self, name: str, other) -> Term:
        other = self._lift(other)
        if self.is_real:
            return self._with(getattr(self.builder, "f" + name)(self.value, other.value))
        return self._with(getattr(self.builder, name)(self.value, other.value))

    def __add__(self, other):
        return self._arithmetic("add", other)

    def __sub__(self, other):
        return self._arithmetic("sub", other)

    def __mul__(self, other):
        return self._arithmetic("mul", other)

    def __truediv__(self, other):
        return self._with(self.builder.fdiv(self.value, self._lift(other).value))

    def __neg__(self):
        return self._with(self.builder.fneg(self.value) if self.is_real else self.builder.neg(self.value))

    def __lshift__(self, n):
        return self._with(self.builder.shl(self.value, self._lift(n).value))

    def __rshift__(self, n):
        shift = self.builder.ashr if self.is_signed else self.builder.lshr
        return self._with(shift(self.value, self._lift(n).value))

    def __and__(self, other):
        return self._with(self.builder.and_(self.value, self._lift(other).value))

    def __or__(self, other):
        return self._with(self.builder.or_(self.value, self._lift(other).value))

    def __xor__(self, other):
        return self._with(self.builder.xor(self.value, self._lift(other).value))

    def _compare(self, sign: str, other) -> Term:
        other = self._lift(other)
        if self.is_real:
            compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
            return self._with(compare(sign, self.value, other.value), "bool")
        compare = self.builder.icmp_signed if self.is_signed else self.builder.icmp_unsigned
        return self._with(compare(sign, self.value, other.value), "bool")

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def __eq__(self, other):
        return self._compare("==", other)

    def __ne__(self, other):
        return self._compare("!=", other)

    __hash__ = None

    def where(self, a: Term, b: Term) -> Term:
        """This (a bool) chooses: no branch."""
        return a._with(self.builder.select(self.value, a.value, b.value))

    def bits(self) -> Term:
        """The bits of a real as a signed integer."""
        kind = f"int{DTYPES[self.dtype].bits}"
        return self._with(self.builder.bitcast(self.value, LLVM_TYPES[kind]), kind)

    def float(self) -> Term:
        """The real that has these bits."""
        kind = f"float{DTYPES[self.dtype].bits}"
        return self._with(self.builder.bitcast(self.value, LLVM_TYPES[kind]), kind)

    def real_of(self, like: Term) -> Term:
        """This integer's value in the dtype of ``like``."""
        return cast(self, like.dtype)

    def intrinsic(self, name: str, *others: Term, flags=()) -> Term:
        """A call of llvm.NAME.TYPE."""
        kind = LLVM_TYPES[self.dtype]
        signature = ir.FunctionType(kind, [kind] * (1 + len(others)))
        f = self.builder.module.declare_intrinsic(f"llvm.{name}", [kind], signature)
        return self._with(self.builder.call(f, [self.value, *(o.value for o in others)], fastmath=flags))

    def times_plus(self, factor, addend) -> Term:
        """self * factor + addend, of reals: rounded once on a machine that has such an instruction."""
        return self.intrinsic("fmuladd", self._lift(factor), self._lift(addend))

    def library(self, name: str, *others: Term) -> Term:
        """A call of the C library's NAME or NAMEf."""
        kind, symbol = LLVM_TYPES[self.dtype], name if self.dtype == "float64" else name + "f"
        module = self.builder.module
        f = module.globals.get(symbol) or ir.Function(module, ir.FunctionType(kind, [kind] * (1 + len(others))), symbol)
        f.attributes.add("readnone")
        return self._with(self.builder.call(f, [self.value, *(o.value for o in others)]))

    def abs(self) -> Term:
        if self.is_real:
            return self.intrinsic("fabs")
        return (self < 0).where(-self, self) if self.is_signed else self

    def sqrt(self) -> Term:
        return self.intrinsic("sqrt")

    def floor(self) -> Term:
        return self.intrinsic("floor")


def cast(x: Term, dtype: str) -> Term:
    """x converted as NumPy's astype converts."""
    if x.dtype == dtype:
        return x
    to, b = LLVM_TYPES[dtype], x.builder
    if dtype == "bool":
        return x != 0
    if x.is_real:
        if DTYPES[dtype].is_float:
            return x._with((b.fpext if dtype == "float64" else b.fptrunc)(x.value, to), dtype)
        return x._with((b.fptosi if DTYPES[dtype].kind == "int" else b.fptoui)(x.value, to), dtype)
    if DTYPES[dtype].is_float:
        return x._with((b.sitofp if x.is_signed else b.uitofp)(x.value, to), dtype)
    if to.width <= x.value.type.width:
        return x._with(x.value if to == x.value.type else b.trunc(x.value, to), dtype)
    return x._with((b.sext if x.is_signed else b.zext)(x.value, to), dtype)


def _maximum(a, b):
    if a.is_real:
        return a.intrinsic("maximum", b)
    return a | b if a.dtype == "bool" else (a > b).where(a, b)


def _minimum(a, b):
    if a.is_real:
        return a.intrinsic("minimum", b)
    return a & b if a.dtype == "bool" else (a < b).where(a, b)


def _accumulate(operation, total, x):
    """The operation, fadd or fmul for reals, on a total whose terms may come in any order, so that loops become vector
    code."""
    if not total.is_real:
        return total._arithmetic(operation, x)
    return total._with(getattr(total.builder, "f" + operation)(total.value, x.value, flags=_ANY_ORDER))


def _extreme_so_far(name, choose):
    """A maximum or minimum of which of 0 and -0 it is does not matter."""
    return lambda total, x: total.intrinsic(name, x, flags=_ANY_ORDER) if total.is_real else choose(total, x)


def _sign(x):
    """-1, 0 or 1; NaN for NaN."""
    if not x.is_real and not x.is_signed:
        return (x > 0).where(x.real(1), x)
    return (x > 0).where(x.real(1), (x < 0).where(x.real(-1), x))


def _division(a, b):
    """(quotient, remainder) rounded down, as NumPy has them: integers divided by zero give 0."""
    return _real_division(a, b) if a.is_real else _integer_division(a, b)


def _real_division(a, b):
    builder = a.builder
    rest = a.library("fmod", b)
    other_sign = (rest != 0) & ((b < 0) ^ (rest < 0))
    quotient = (a - rest) / b - other_sign.where(a.real(1), a.real(0))
    floor = quotient.floor()
    floor = floor + (quotient - floor > 0.5).where(a.real(1), a.real(0))
    zero = a._with(builder.fdiv(a.value, b.value))
    return (b == 0).where(zero, floor), other_sign.where(rest + b, rest)


def _integer_division(a, b):
    builder, zero = a.builder, a.integer(0)
    special = (b == 0) | (b == -1) if a.is_signed else b == 0
    safe = special.where(a.integer(1), b)
    divide, modulo = (builder.sdiv, builder.srem) if a.is_signed else (builder.udiv, builder.urem)
    quotient, rest = a._with(divide(a.value, safe.value)), a._with(modulo(a.value, safe.value))
    if a.is_signed:
        other_sign = (rest != 0) & ((b < 0) ^ (rest < 0))
        quotient = quotient - other_sign.where(a.integer(1), zero)
        rest = other_sign.where(rest + b, rest)
        quotient = (b == -1).where(-a, quotient)
    return (b == 0).where(zero, quotient), special.where(zero, rest)


def _power(a, b):
    if a.dtype == "float32":
        return cast(vector_math.power_float32(cast(a, "float64"), cast(b, "float64")), "float32")
    return a.library("pow", b) if a.is_real else _integer_power(a, b)


def _integer_power(a, b):
    """By squaring. A negative exponent gives the whole part of the result, as C would."""
    builder, one = a.builder, a.integer(1)
    start = builder.block
    negative = (b < 0) if a.is_signed else b._with(ir.Constant(_I1, 0), "bool")
    times = negative.where(a.integer(0), b)
    loop, after = builder.append_basic_block("power"), builder.append_basic_block("power_end")
    builder.branch(loop)
    builder.position_at_end(loop)
    result, square, left = (a._with(builder.phi(a.value.type)) for _ in range(3))
    for phi, first in ((result, one), (square, a), (left, times)):
        phi.value.add_incoming(first.value, start)
    following = (((left & 1) != 0).where(result * square, result), square * square,
                 left._with(builder.lshr(left.value, a.integer(1).value)))
    for phi, new in zip((result, square, left), following):
        phi.value.add_incoming(new.value, loop)
    builder.cbranch((left != 0).value, loop, after)
    builder.position_at_end(after)
    if not a.is_signed:
        return result
    alternating = ((b & 1) != 0).where(a, one)
    unit = (a == 1).where(one, (a == -1).where(alternating, a.integer(0)))
    return negative.where(unit, result)


_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _mix(z):
    z = (z ^ (z >> 30)) * _MIX_1
    z = (z ^ (z >> 27)) * _MIX_2
    return z ^ (z >> 31)


def _mix_bits(k0, k1, i):
    """Element i of the random bits of key (k0, k1), as kgraph.compiler.prims.random defines them."""
    wide = [cast(t, "uint64") for t in (k0, k1, i)]
    state = _mix((wide[0] | (wide[1] << 32)) + _GOLDEN)
    return cast(_mix(state + (wide[2] + 1) * _GOLDEN) >> 32, "uint32")


def _unsigned(name):
    """Division of two numbers that are not negative: one instruction, where Python's // and % need several."""
    return lambda a, b: a._with(getattr(a.builder, name)(a.value, b.value))


def _is_finite(x):
    return x.abs() < float("inf") if x.is_real else x == x


LANGUAGE = {
    **vector_math.FORMULAS,
    **{name: lambda x, name=name: x.intrinsic(name)
       for name in ("sqrt", "floor", "ceil", "rint", "sin", "cos")},
    **{name: lambda x, name=name: x.library(name)
       for name in ("tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh")},
    "atan2": lambda a, b: a.library("atan2", b),
    "abs": Term.abs, "sign": _sign,
    "maximum": _maximum, "minimum": _minimum, "pow": _power,
    "sum_so_far": lambda total, x: _accumulate("add", total, x),
    "product_so_far": lambda total, x: _accumulate("mul", total, x),
    "maximum_so_far": _extreme_so_far("maximum", _maximum),
    "minimum_so_far": _extreme_so_far("minimum", _minimum),
    "remainder": lambda a, b: _division(a, b)[1], "floordiv": lambda a, b: _division(a, b)[0],
    "quotient": _unsigned("udiv"), "modulo": _unsigned("urem"),
    "isnan": lambda x: x != x, "isfinite": _is_finite,
    "where": Term.where,
    "mix_bits": _mix_bits,
}
