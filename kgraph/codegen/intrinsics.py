"""The functions of the language of loop nests as LLVM IR: scalar code that the loop vectoriser turns into vector code.

Arithmetic is rounded as it is written, step by step, so that an expression that is computed in two places has the same
bits in both: a maximum is equal to the element that it came from. Only the terms of what accumulates (sum_so_far and
its kin) may come in another order.

`write` writes any of them: statement by statement those that have a formula (kgraph.compiler.loopnest.functions), the
others by the tables of LLVM's names. Here only llvmlite.ir is imported.
"""
from __future__ import annotations

import contextlib

from kgraph.codegen import llvm_ir as ir
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.functions import formula
from kgraph.compiler.loopnest.language import CASTS, COMPARISONS
from kgraph.compiler.loopnest.nodes import Let, Name, Number, Set, While

__all__ = ["C_LIBRARY", "convert", "cut", "to_memory", "to_value", "while_loop", "widened", "write"]


def write(b, function: str, dtypes, values):
    """The value of a function of the language, of operands of the dtypes that it takes."""
    found = formula(function, tuple(dtypes))
    if found is None:
        return _instruction(b, function, dtypes, values)
    return _Body(b, found, values).value(found.result)


class _Body:
    """The statements of a formula as instructions."""

    def __init__(self, builder, formula, values):
        self.builder = builder
        self.known = dict(zip((p.name for p in formula.parameters), values))
        self.changing: dict = {}  # name -> where its value lies
        self.statements(formula.body)

    def statements(self, body):
        b = self.builder
        for s in body:
            if isinstance(s, Let):
                self.known[s.name] = self.value(s.value)
            elif isinstance(s, Set):
                value = self.value(s.value)
                b.store(value, self._place(s.name, value.type))
            elif isinstance(s, While):
                with while_loop(b, lambda s=s: self.value(s.test)):
                    self.statements(s.body)
            else:
                raise TypeError(f"expected a statement of a formula, received {type(s).__name__}")

    def _place(self, name, kind):
        if name not in self.changing:
            with self.builder.goto_entry_block():
                self.changing[name] = self.builder.alloca(kind)
        return self.changing[name]

    def value(self, x):
        if isinstance(x, Number):
            return ir.Constant(ir.LLVM_TYPES[x.dtype], x.value)
        if isinstance(x, Name):
            return self.builder.load(self.changing[x.name]) if x.name in self.changing else self.known[x.name]
        return write(self.builder, x.function, [y.dtype for y in x.operands], [self.value(y) for y in x.operands])


@contextlib.contextmanager
def while_loop(builder, condition):
    """A loop around the instructions written inside, while condition() holds."""
    test, body, after = (builder.append_basic_block(n) for n in ("while", "do", "done"))
    builder.branch(test)
    builder.position_at_end(test)
    builder.cbranch(condition(), body, after)
    builder.position_at_end(body)
    yield
    builder.branch(test)
    builder.position_at_end(after)


# --- instructions and calls -------------------------------------------------------------------------------------------

_ANY_ORDER = ("reassoc", "nsz")  # of the terms of a sum: only what accumulates may be rearranged
_BUILDER = {  # kind of the operands: {function: method of the builder}
    "float": {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv", "neg": "fneg"},
    "int": {">>": "ashr", "c_quotient": "sdiv", "c_remainder": "srem"},
    **dict.fromkeys(("uint", "bool"), {">>": "lshr", "c_quotient": "udiv", "c_remainder": "urem"}),
}
_WHOLE = {"+": "add", "-": "sub", "*": "mul", "neg": "neg", "<<": "shl", "&": "and_", "|": "or_", "^": "xor",
          "quotient": "udiv", "modulo": "urem",  # of numbers that are not negative
          "sum_so_far": "add", "product_so_far": "mul"}
_SO_FAR = {"sum_so_far": "fadd", "product_so_far": "fmul"}
_LLVM = {"abs": "fabs", "times_plus": "fmuladd",
         **{name: name for name in ("sqrt", "floor", "ceil", "rint", "sin", "cos", "maximum", "minimum")}}
_LLVM_SO_FAR = {"maximum_so_far": "maximum", "minimum_so_far": "minimum"}  # which of 0 and -0 it is does not matter
C_LIBRARY = {"c_remainder": "fmod", **{name: name for name in (  # function: its name there, for float64
    "pow", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "atan2")}}


def _instruction(b, function, dtypes, values):
    first = DTYPES[dtypes[0]]
    if function in CASTS:
        return convert(b, *values, first.name, CASTS[function])
    if function == "where":
        return b.select(*values)
    if function in COMPARISONS:
        return _compare(b, function, first, *values)
    if function == "pair":  # of two bfloat16, whose values have zeros behind their 16 bits
        low, high = (b.bitcast(x, ir.I32) for x in values)
        return b.or_(b.lshr(low, ir.I32(16)), high)
    if function in ("bits", "float_of_bits"):
        kind = "int" if first.is_float else "float"
        return b.bitcast(*values, ir.LLVM_TYPES[f"{kind}{first.bits}"])
    name = _BUILDER[first.kind].get(function) or (None if first.is_float else _WHOLE[function])
    if name:
        return getattr(b, name)(*values)
    if function in _SO_FAR:
        return getattr(b, _SO_FAR[function])(*values, flags=_ANY_ORDER)
    if function in C_LIBRARY:
        return _library(b, C_LIBRARY[function], first, values)
    flags = _ANY_ORDER if function in _LLVM_SO_FAR else ()
    return _llvm(b, _LLVM_SO_FAR.get(function) or _LLVM[function], values, flags)


def _compare(b, sign, of, x, y):
    if of.is_float:
        return (b.fcmp_unordered if sign == "!=" else b.fcmp_ordered)(sign, x, y)
    return (b.icmp_signed if of.kind == "int" else b.icmp_unsigned)(sign, x, y)


def _llvm(b, name, values, flags):
    """A call of llvm.NAME.TYPE."""
    kind = values[0].type
    f = b.module.declare_intrinsic(f"llvm.{name}", [kind], ir.FunctionType(kind, [kind] * len(values)))
    return b.call(f, values, fastmath=flags)


def _library(b, name, of, values):
    """A call of the C library's NAME or NAMEf."""
    kind, symbol = values[0].type, name if of.name == "float64" else name + "f"
    f = b.module.globals.get(symbol) or ir.Function(b.module, ir.FunctionType(kind, [kind] * len(values)), symbol)
    f.attributes.add("readnone")
    return b.call(f, values)


# --- dtypes -----------------------------------------------------------------------------------------------------------

def to_memory(b, value, dtype: str):
    """A value as it is stored: of a narrow float, a float32 rounded to it (to the even neighbour)."""
    if dtype == "bool":
        return b.zext(value, ir.MEMORY_TYPES[dtype])
    if dtype == "float16":
        return b.fptrunc(value, ir.MEMORY_TYPES[dtype])
    if dtype != "bfloat16":
        return value
    bits = b.bitcast(value, ir.I32)
    high = b.lshr(bits, ir.I32(16))
    rounded = b.lshr(b.add(bits, b.add(b.and_(high, ir.I32(1)), ir.I32(0x7FFF))), ir.I32(16))
    quiet = b.or_(high, ir.I32(0x40))  # a NaN stays one, whatever bits are cut off
    return b.trunc(b.select(b.fcmp_unordered("uno", value, value), quiet, rounded), ir.I16)


def to_value(b, stored, dtype: str):
    """What was stored, as a value."""
    if dtype == "bool":
        return b.trunc(stored, ir.LLVM_TYPES[dtype])
    if dtype == "float16":
        return b.fpext(stored, ir.LLVM_TYPES[dtype])
    if dtype != "bfloat16":
        return stored
    return b.bitcast(b.shl(b.zext(stored, ir.I32), ir.I32(16)), ir.LLVM_TYPES[dtype])


def widened(b, stored, dtype: str):
    """A vector of stored numbers in the type that they are computed in."""
    if not DTYPES[dtype].is_narrow:
        return stored
    wide = lambda element: ir.VectorType(element, stored.type.count)
    if dtype == "float16":
        return b.fpext(stored, wide(ir.MEMORY_TYPES["float32"]))
    shift = ir.Constant(wide(ir.I32), [16] * stored.type.count)
    return b.bitcast(b.shl(b.zext(stored, wide(ir.I32)), shift), wide(ir.MEMORY_TYPES["float32"]))


def cut(b, value, dtype: str):
    """A value of a narrow float, which is rounded already, as it is stored."""
    if dtype != "bfloat16":
        return to_memory(b, value, dtype)
    return b.trunc(b.lshr(b.bitcast(value, ir.I32), ir.I32(16)), ir.I16)


def convert(b, x, source: str, target: str):
    """x converted as NumPy's astype converts, to narrow floats by way of float32."""
    if source == target:
        return x
    given, wanted = DTYPES[DTYPES[source].compute], DTYPES[target]
    if wanted.is_narrow:
        return to_value(b, to_memory(b, convert(b, x, given.name, wanted.compute), target), target)
    if given is wanted:
        return x
    to, signed = ir.LLVM_TYPES[target], given.kind == "int"
    if target == "bool":
        return _compare(b, "!=", given, x, ir.Constant(x.type, 0))
    if given.is_float and wanted.is_float:
        return (b.fpext if target == "float64" else b.fptrunc)(x, to)
    if given.is_float:
        return (b.fptosi if wanted.kind == "int" else b.fptoui)(x, to)
    if wanted.is_float:
        return (b.sitofp if signed else b.uitofp)(x, to)
    if to.width <= x.type.width:
        return x if to == x.type else b.trunc(x, to)
    return (b.sext if signed else b.zext)(x, to)
