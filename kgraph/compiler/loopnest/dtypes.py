"""The types of numbers: the one place that knows how wide one is, what it is called, and what two make together."""
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DTYPES", "NARROW", "REALS", "DType", "computed", "is_float", "joined", "kind_of", "limits", "numpy_dtype",
           "short_name"]


@dataclass(frozen=True)
class DType:
    """One type of number.

    name     as NumPy has it
    short    as programs and kernels have it: f32, u8, b1
    kind     "bool", "int", "uint" or "float"
    bits     in memory, where a bool takes a byte
    compute  name of the type in which arithmetic on it is done, and rounded to it; None: there is none, it only stores
    digits, bias   of a float: binary digits after the point, and the bias of its exponent
    foreign  whether NumPy has it from the package ml_dtypes
    """

    name: str
    short: str
    kind: str
    bits: int
    compute: str | None
    digits: int = 0
    bias: int = 0
    foreign: bool = False

    @property
    def sums(self) -> str | None:
        """Name of the type that matrix tiles add up products of it in; None: loops do these products."""
        return "int32" if self.name == "int8" else self.compute if self.is_float else None

    @property
    def is_narrow(self) -> bool:
        """Whether it is a float that is computed in a wider one."""
        return self.is_float and self.compute != self.name

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
    DType("float16", "f16", "float", 16, "float32", 10, 15), DType("float32", "f32", "float", 32, "float32", 23, 127),
    DType("float64", "f64", "float", 64, "float64", 52, 1023), *_INTEGERS, DType("bool", "b1", "bool", 8, "bool"),
    DType("bfloat16", "bf16", "float", 16, "float32", 7, 127, True),
    DType("float8_e4m3fn", "f8e4m3fn", "float", 8, None, 3, 7, True),
    DType("float8_e5m2", "f8e5m2", "float", 8, None, 2, 15, True))}


NARROW = tuple(name for name, t in DTYPES.items() if t.is_narrow)
REALS = tuple(name for name, t in DTYPES.items() if t.is_float and t.compute == name)  # computed as they are


def short_name(dtype: str) -> str:
    """f32, u8, b1 ...: what programs and kernels call a type; one they do not know keeps its name."""
    found = DTYPES.get(dtype)
    return found.short if found else dtype


def is_float(dtype) -> bool:
    """Whether that is the name of a type of floats."""
    found = DTYPES.get(str(dtype))
    return found is not None and found.is_float


def numpy_dtype(name: str):
    """NumPy's dtype of that name: ml_dtypes is imported where it defines the type."""
    import numpy as np
    if name in DTYPES and DTYPES[name].foreign:
        import ml_dtypes  # noqa: F401 - from now on NumPy knows the names
    return np.dtype(name)


def kind_of(dtype) -> str:
    """The letter of a NumPy dtype's kind: f for floats of ml_dtypes too, whose letter is that of bytes."""
    return "f" if dtype.kind == "V" and dtype.name in DTYPES else dtype.kind


def limits(name: str):
    """NumPy's finfo or iinfo of a type: max, min, eps ..."""
    import numpy as np
    if DTYPES[name].foreign:
        import ml_dtypes
        return ml_dtypes.finfo(name)
    return (np.finfo if DTYPES[name].is_float else np.iinfo)(name)


def joined(a: str, b: str) -> str:
    """The smallest type that holds numbers of both; of a signed integer and a uint64, float64."""
    if a == b:
        return a
    first, second = sorted((DTYPES[a], DTYPES[b]), key=lambda t: ("bool", "uint", "int", "float").index(t.kind))
    if second.is_float:
        wide = first.bits > 16 and first.kind != "bool" and not first.is_float
        if wide or first.bits == 64:
            return "float64"
        if first.is_float and first.bits == second.bits:
            return "float32"  # of two that hold different numbers
        return max(first, second, key=lambda t: t.is_float and t.bits).name
    if first.kind == "bool" or first.kind == second.kind:
        return second.name if first.kind == "bool" else max(first, second, key=lambda t: t.bits).name
    return next((f"int{n}" for n in (16, 32, 64) if n > first.bits and n >= second.bits), "float64")


def computed(operator: str, a: str, b: str) -> str:
    """The type of an operator's result in kernels: integers are computed in 64 bits, narrow floats in a wider type."""
    first, second = DTYPES[a], DTYPES[b]
    if first.is_float or second.is_float:
        return DTYPES[joined(a, b)].compute
    if operator == "/":
        return "float64"
    if a == b == "bool":
        return "bool" if operator in "&|^" else "int64"
    unsigned = first.kind == "uint" and (second.kind == "uint" or operator in ("<<", ">>"))
    return "uint64" if unsigned else "int64"
