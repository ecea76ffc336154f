"""What the functions of the language mean in NumPy, those without a formula (functions.py); memory by its addresses."""
from __future__ import annotations

import ctypes
import operator
import struct

import numpy as np

from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.compiler.loopnest.language import CASTS

__all__ = ["ACTIONS", "FUNCTIONS", "Memory", "view", "word"]


class Memory:
    """Elements of one dtype from an address on."""

    def __init__(self, address: int, dtype: str):
        self.address, self.dtype = int(address), numpy_dtype(dtype)

    def _element(self, i) -> np.ndarray:
        return view(self.address + int(i) * self.dtype.itemsize, (1,), (self.dtype.itemsize,), self.dtype)

    def __getitem__(self, i):
        return self._element(i)[0]

    def __setitem__(self, i, value):
        self._element(i)[0] = value


def view(address: int, shape, strides, dtype) -> np.ndarray:
    """The memory at an address as an array; strides in bytes, of any sign."""
    dtype = np.dtype(dtype)
    if 0 in shape:
        return np.empty(shape, dtype)
    lowest = int(address + sum((n - 1) * min(s, 0) for n, s in zip(shape, strides)))
    reach = int(sum((n - 1) * abs(s) for n, s in zip(shape, strides))) + dtype.itemsize
    block = (ctypes.c_char * reach).from_address(lowest)
    found = np.ndarray(shape, dtype, block, 0, [abs(s) for s in strides])
    return found[tuple(slice(None, None, -1 if s < 0 else 1) for s in strides)]


def word(args: int, k: int) -> int:
    """The k-th int64 from an address on."""
    return ctypes.c_int64.from_address(int(args) + 8 * int(k)).value


def _real(args, k) -> float:
    return struct.unpack("d", struct.pack("q", word(args, k)))[0]


def _set_word(address, value):
    ctypes.c_int64.from_address(int(address)).value = int(value)


def _atomic_add(address, n):
    before = word(address, 0)
    _set_word(address, before + int(n))
    return before


def _report(status, number, index):
    if word(status, 0) == 0:
        (ctypes.c_int64 * 2).from_address(int(status))[:] = [int(number), int(index)]


def _checked(status, number, index, size):
    if not 0 <= index < size:
        _report(status, number, index)
    return min(max(int(index), 0), int(size) - 1)


def _power(a, b):
    return np.power(np.array([a]), np.array([b]))[0]  # of scalars, NumPy's (-inf)**0.5 is another


def _cast(dtype):
    if DTYPES[dtype].is_narrow:
        return lambda x: np.asarray(x).astype(DTYPES[dtype].compute).astype(numpy_dtype(dtype))[()]
    return lambda x: np.asarray(x).astype(dtype)[()]


def _inverse(name):
    return getattr(np, name.replace("a", "arc", 1))


FUNCTIONS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "<<": operator.lshift, ">>": operator.rshift, "&": operator.and_, "|": operator.or_,
    "^": operator.xor, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
    "!=": operator.ne, "neg": operator.neg, "not": operator.not_,
    **{short: _cast(DTYPES[name].name) for short, name in CASTS.items()},
    **{name: getattr(np, name) for name in ("sqrt", "sin", "cos", "tan", "sinh", "cosh", "floor", "ceil", "rint", "abs",
                                            "maximum", "minimum")},
    **{name: _inverse(name) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2")},
    "bits": lambda x: x.view(f"int{8 * x.itemsize}"), "float_of_bits": lambda n: n.view(f"float{8 * n.itemsize}"),
    "pair": lambda low, high: np.int32(low.view("int32") >> 16 & 0xFFFF | high.view("int32") & -1 << 16),
    "times_plus": lambda x, factor, addend: x * factor + addend, "pow": _power,
    "c_quotient": lambda a, b: (a - np.fmod(a, b)) // b, "c_remainder": np.fmod,
    "sum_so_far": np.add, "product_so_far": np.multiply, "maximum_so_far": np.maximum, "minimum_so_far": np.minimum,
    "quotient": operator.floordiv, "modulo": operator.mod, "min": min, "max": max,
    "where": lambda c, a, b: a if c else b, "word": word,
    "real64": lambda args, k: np.float64(_real(args, k)), "real32": lambda args, k: np.float32(_real(args, k)),
}
ACTIONS = {
    "report": _report, "checked": _checked, "load_acquire": lambda address: word(address, 0),
    "store_release": _set_word, "atomic_add": _atomic_add,
    **dict.fromkeys(("prefetch", "prefetch_to_write", "pause", "sched_yield", "usleep", "clock_gettime"),
                    lambda *address: None),
}
