"""llvmlite.ir by its names, and the types that code is made of, imported when the first of them is needed: a process
whose code is all in the cache needs none.

    I1, I8 ... I64, VOID   the types of LLVM
    BFLOAT                 that of bfloat16 in instructions; in memory it is an integer
    MEMORY_TYPES           name of a dtype -> its type in memory
    LLVM_TYPES             the same of values: those of narrow floats are float32 numbers that have been rounded
"""
from __future__ import annotations

from kgraph.compiler.loopnest.dtypes import DTYPES

INTEGERS = {f"I{bits}": bits for bits in (1, 8, 16, 32, 64)}


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    from llvmlite import ir
    found = globals()[name] = _made(ir, name)
    return found


def _made(ir, name):
    if name in INTEGERS:
        return ir.IntType(INTEGERS[name])
    if name == "VOID":
        return ir.VoidType()
    if name == "BFLOAT":
        return type("BFloatType", (ir.HalfType,), {"__str__": lambda self: "bfloat", "intrinsic_name": "bf16"})()
    if name in ("MEMORY_TYPES", "LLVM_TYPES"):
        reals = {"float16": ir.HalfType(), "float32": ir.FloatType(), "float64": ir.DoubleType()}
        known = {t.name: reals.get(t.name, ir.IntType(t.bits)) for t in DTYPES.values() if t.compute}
        narrow = {t.name: reals["float32"] for t in DTYPES.values() if t.is_narrow and t.compute}
        return known if name == "MEMORY_TYPES" else {**known, "bool": ir.IntType(1), **narrow}
    return getattr(ir, name)
