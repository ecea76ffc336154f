"""The types of numbers: the one place that knows how wide one is, what it is called, and what two make together."""
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DTYPES", "DType", "computed", "joined", "short_name"]


@dataclass(frozen=True)
class DType:
    """One type of number.

    name     as NumPy has it
    short    as programs and kernels have it: f32, u8, b1
    kind     "bool", "int", "uint" or "float"
    bits     in memory, where a bool takes a byte
    compute  name of the type in which kernels compute with it; None: kernels do not
    digits, bias   of a float: binary digits after the point, and the bias of its exponent
    """

    name: str
    short: str
    kind: str
    bits: int
    compute: str | None
    digits: int = 0
    bias: int = 0

    @property
    def itemsize(self) -> int:
        """Bytes of one number in memory."""
        return self.bits // 8

    @property
    def is_float(self) -> bool:
        return self.kind == "float"


_INTEGERS = [DType(f"{kind}{bits}", f"{kind[0]}{bits}", kind, bits, f"{kind}{bits}")
             for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
DTYPES = {t.name: t for t in (
    DType("float16", "f16", "float", 16, None, 10, 15), DType("float32", "f32", "float", 32, "float32", 23, 127),
    DType("float64", "f64", "float", 64, "float64", 52, 1023), *_INTEGERS, DType("bool", "b1", "bool", 8, "bool"))}


def short_name(dtype: str) -> str:
    """f32, u8, b1 ...: what programs and kernels call a type; one they do not know keeps its name."""
    found = DTYPES.get(dtype)
    return found.short if found else dtype


def joined(a: str, b: str) -> str:
    """The smallest type that holds numbers of both; of a signed integer and a uint64, float64."""
    if a == b:
        return a
    first, second = sorted((DTYPES[a], DTYPES[b]), key=lambda t: ("bool", "uint", "int", "float").index(t.kind))
    if second.is_float:
        wide = first.bits > 16 and first.kind != "bool" and not first.is_float
        return "float64" if wide or first.bits == 64 else max(first, second, key=lambda t: t.is_float and t.bits).name
    if first.kind == "bool" or first.kind == second.kind:
        return second.name if first.kind == "bool" else max(first, second, key=lambda t: t.bits).name
    return next((f"int{n}" for n in (16, 32, 64) if n > first.bits and n >= second.bits), "float64")


def computed(operator: str, a: str, b: str) -> str:
    """The type of an operator's result in kernels: integers are computed in 64 bits."""
    first, second = DTYPES[a], DTYPES[b]
    if first.is_float or second.is_float:
        return joined(a, b)
    if operator == "/":
        return "float64"
    if a == b == "bool":
        return "bool" if operator in "&|^" else "int64"
    unsigned = first.kind == "uint" and (second.kind == "uint" or operator in ("<<", ">>"))
    return "uint64" if unsigned else "int64"
