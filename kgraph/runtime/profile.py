"""Where the time goes: each kernel of a program beside what the machine can do at most, measured in the same run."""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.dims import evaluate
from kgraph.kernels import gemm_tile
from kgraph.runtime import executor, thread_pool
from kgraph.runtime.memory import aligned

__all__ = ["Limits", "Row", "limits", "profile"]

_STREAM = """
def stream(args, lo, hi, scratch):
    x = pf32(args, 0)
    y = pf32(args, 1)
    for i in range(lo, hi):
        y[i] = x[i] + y[i]
"""
_MULTIPLY_ADD = """
def limit_{short}(args, lo, hi, scratch):
    for i in range(lo, hi):
        multiply_add(word(args, 0), scratch)
"""
STREAM_BYTES = 1 << 26  # of each array: beyond most last-level caches
ROUNDS = 20_000         # of the multiply-add loop: about a quarter of a millisecond


@dataclass(frozen=True)
class Limits:
    """What `threads` threads of this machine reach: floating-point operations a second by multiply-adds in registers,
    in float32 and float64, and bytes a second to and from main memory."""

    threads: int
    float32: float
    float64: float
    bandwidth: float


@dataclass(frozen=True)
class Row:
    """One kernel of a program. share: of the limit that it is nearer to, arithmetic or memory."""

    name: str
    scopes: tuple
    seconds: float
    flops: int
    bytes: int
    share: float

    @property
    def gflops(self) -> float:
        """10**9 floating-point operations a second."""
        return self.flops / self.seconds / 1e9 if self.seconds else 0.0

    @property
    def gbytes(self) -> float:
        """10**9 bytes read and written a second."""
        return self.bytes / self.seconds / 1e9 if self.seconds else 0.0


def profile(executable, inputs, extents=None, repeats: int = 20) -> list:
    """A Row for each kernel of an Executable, in order, from the medians of several runs. States keep their values."""
    most = limits()
    seconds = executable.time_kernels(inputs, extents, repeats)
    rows = []
    for kernel, s in zip(executable.plan.kernels, seconds):
        flops, moved = evaluate((kernel.flops, kernel.bytes), extents or {})
        wide = any(v.dtype == "float64" for v in (kernel.op.outputs if kernel.op else ()))
        at_best = max(flops / (most.float64 if wide else most.float32), moved / most.bandwidth)
        rows.append(Row(kernel.name, kernel.scopes, s, flops, moved, min(at_best / s, 1.0) if s else 0.0))
    return rows


def limits() -> Limits:
    """Measured once in a process for each number of threads."""
    return _limits(thread_pool.get_num_threads())


@functools.cache
def _limits(threads: int) -> Limits:
    return Limits(threads, _flops("f32", threads), _flops("f64", threads), _bandwidth(threads))


def _flops(short: str, threads: int) -> float:
    dtype = np.dtype(f"float{short[1:]}")
    lanes = machine().lanes(dtype.itemsize)
    chains = machine().registers * 3 // 4
    address = functions.address(functions.Function(
        f"limit_{short}", _MULTIPLY_ADD.format(short=short), reason="the profiler",
        tiles=lambda: [gemm_tile.limit_tile(dtype.name, lanes, chains)]))
    seconds = _best([address, np.array([ROUNDS]), threads, 1], threads)
    return threads * 2.0 * ROUNDS * chains * lanes / seconds


def _bandwidth(threads: int) -> float:
    x, y = aligned(STREAM_BYTES), aligned(STREAM_BYTES)
    args = np.array([x.ctypes.data, y.ctypes.data])
    address = functions.address(functions.Function("stream", _STREAM, reason="the profiler"))
    return 3.0 * STREAM_BYTES / _best([address, args, STREAM_BYTES // 4, 16], threads)


def _best(entry, threads: int, runs: int = 8) -> float:
    """The shortest time of a kernel (address, argument words, extent, grain) on so many threads."""
    address, args, extent, grain = entry
    entry = [address, args.ctypes.data, extent, grain, threads, 1]
    table = executor.Table([entry], threads, np.zeros(2, np.int64), 256)
    with thread_pool.stopwatch(threads, 256) as seconds:
        return min(seconds(table) for _ in range(runs))
