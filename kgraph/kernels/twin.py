"""The kernel language in plain Python, for KGRAPH_EMIT=python: emitted sources run line by line, and can be debugged.

The same names as kgraph.codegen.frontend offers, over NumPy scalars and ctypes memory. Slow, and meant to be.
"""
from __future__ import annotations

import ctypes
import struct

import numpy as np

from kgraph.codegen.intrinsics import short_name
from kgraph.compiler.prims.erf import erf
from kgraph.compiler.prims.random import mix
from kgraph.kernels import twin_windows

__all__ = ["NAMESPACE", "handle", "kernel_handle", "run_kernel"]

_DTYPES = [np.dtype(name) for name in ("float32", "float64", "bool", "int8", "int16", "int32", "int64",
                                       "uint8", "uint16", "uint32", "uint64")]


def run_kernel(name: str, source: str, args: int, extent: int, scratch: int):
    """Run a kernel's source on the argument block at address ``args``, all of its extent at once."""
    namespace = dict(NAMESPACE)
    exec(compile(source, f"<{name}>", "exec"), namespace)
    with np.errstate(all="ignore"):
        namespace[name](args, 0, extent, scratch)


class _Pointer:
    """Elements of one dtype from an address on."""

    def __init__(self, address: int, dtype: np.dtype):
        self.address, self.dtype = address, dtype

    def _element(self, i) -> np.ndarray:
        return _view(self.address + int(i) * self.dtype.itemsize, (1,), (self.dtype.itemsize,), self.dtype)

    def __getitem__(self, i):
        return self._element(i)[0]

    def __setitem__(self, i, value):
        self._element(i)[0] = value


def handle(name: str) -> int:
    """What stands for the address of a native routine: of a product the itemsize of the numbers it is for."""
    if name in twin_windows.ROUTINES:
        return twin_windows.handle(name)
    return 8 if name.endswith("64") else 4


_called: dict = {}  # handle -> kernel


def kernel_handle(kernel) -> int:
    """What stands for the address of a kernel that other kernels call."""
    return next((h for h, k in _called.items() if k.source == kernel.source), None) or _new_handle(kernel)


def _new_handle(kernel) -> int:
    _called[len(_called) + 1] = kernel
    return len(_called)


def _call_kernel(code, args, lo, hi, scratch):
    kernel = _called[int(code)]
    namespace = dict(NAMESPACE)
    exec(compile(kernel.source, f"<{kernel.name}>", "exec"), namespace)
    namespace[kernel.name](int(args), int(lo), int(hi), int(scratch))


def _call_window(routine, *arguments):
    twin_windows.routine(routine, NAMESPACE)(*map(int, arguments))


def _view(address: int, shape, strides, dtype) -> np.ndarray:
    """The memory at an address as an array; strides in bytes."""
    if 0 in shape:
        return np.empty(shape, dtype)
    reach = sum((n - 1) * s for n, s in zip(shape, strides)) + dtype.itemsize
    block = (ctypes.c_char * reach).from_address(int(address))
    return np.ndarray(shape, dtype, block, 0, strides)


def _word(args: int, k: int) -> int:
    return ctypes.c_int64.from_address(args + 8 * k).value


def _real(args: int, k: int) -> float:
    return struct.unpack("d", struct.pack("q", _word(args, k)))[0]


def _gemm(routine, m, n, k, a, a_m, a_k, b, b_k, b_n, c, c_m, flags, scratch):
    """kgraph.kernels.gemm in NumPy. ``routine`` is what `handle` gave."""
    dtype = np.dtype("float32" if routine == 4 else "float64")
    size = dtype.itemsize
    left = _view(a, (m, k), (a_m * size, a_k * size), dtype)
    right = _view(b, (k, n), (b_k * size, b_n * size), dtype)
    out = _view(c, (m, n), (c_m * size, size), dtype)
    out[...] = left @ right + (out if flags & 1 else 0)
    if flags & 8:  # the one thread has done all parts
        ctypes.c_int64.from_address(int(scratch) + 40).value = 1


def _report(status, number, index):
    if _word(status, 0) == 0:
        (ctypes.c_int64 * 2).from_address(status)[:] = [int(number), int(index)]


def _checked(status, number, index, size):
    if not 0 <= index < size:
        _report(status, number, index)
    return min(max(int(index), 0), int(size) - 1)


def _mix_bits(k0, k1, i):
    golden = np.uint64(0x9E3779B97F4A7C15)
    state = mix((np.uint64(k0) | (np.uint64(k1) << np.uint64(32))) + golden)
    return np.uint32(mix(state + np.uint64(int(i) + 1) * golden) >> np.uint64(32))


def _power(a, b):
    if np.asarray(a).dtype.kind == "f":
        return np.power(np.array([a]), np.array([b]))[0]  # of scalars, NumPy's (-inf)**0.5 is another
    kind, a, b = np.asarray(a).dtype.type, int(a), int(b)
    if b < 0:
        return kind(0 if abs(a) != 1 else a ** (b & 1))
    return np.array(pow(a, b, 2**64), np.uint64).astype(kind)[()]



def _sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, x.dtype.type(1))[()] / (1 + small)


def _names():
    names = {}
    for dtype in _DTYPES:
        short = short_name(dtype)
        names[short] = lambda x, dtype=dtype: np.asarray(x).astype(dtype)[()]
        names["p" + short] = lambda args, k, dtype=dtype: _Pointer(_word(args, k), dtype)
        names[f"p{short}_at"] = lambda address, scope, dtype=dtype: _Pointer(address, dtype)
    for name in ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "sin", "cos", "tan", "sinh", "cosh", "floor", "ceil",
                 "rint", "abs", "sign", "maximum", "minimum", "isnan", "isfinite"):
        names[name] = getattr(np, name)
    for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2"):
        names[name] = getattr(np, name.replace("a", "arc", 1))
    return names


NAMESPACE = {
    **_names(),
    "erf": lambda x: erf(x)[()], "rsqrt": lambda x: x.dtype.type(1) / np.sqrt(x), "sigmoid": _sigmoid,
    "sum_so_far": np.add, "product_so_far": np.multiply, "maximum_so_far": np.maximum, "minimum_so_far": np.minimum,
    "pow": _power, "remainder": np.remainder, "floordiv": np.floor_divide,
    "quotient": lambda a, b: a // b, "modulo": lambda a, b: a % b,
    "where": lambda c, a, b: a if c else b, "mix_bits": _mix_bits,
    "word": _word, "real64": lambda args, k: np.float64(_real(args, k)),
    "real32": lambda args, k: np.float32(_real(args, k)),
    **dict.fromkeys(("plan_windows", "convolve", "weigh", "winograd", "winograd_weights"), _call_window),
    "call_kernel": _call_kernel, "gemm": _gemm, "report": _report, "checked": _checked,
    **dict.fromkeys(("prefetch", "prefetch_to_write"), lambda address: None),
}
