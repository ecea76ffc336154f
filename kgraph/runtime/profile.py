"""Where the time goes: each kernel of a program beside what the machine can do at most, measured in the same run."""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.dims import evaluate
from kgraph.compiler.loopnest.builder import Builder
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.prims.pairs import WORDS
from kgraph.kernels import dot_tile, gemm_tile, matrix_tile
from kgraph.runtime import executor, thread_pool
from kgraph.runtime.memory import aligned

__all__ = ["Limits", "Row", "limits", "profile"]

STREAM_BYTES = 1 << 26  # of each array: beyond most last-level caches
ROUNDS = 20_000         # of the multiply-add loop: about a quarter of a millisecond


@dataclass(frozen=True)
class Limits:
    """What `threads` threads of this machine reach: operations a second by multiply-adds in registers, in float32 and
    float64, of bfloat16 and int8, and bytes a second to and from main memory."""

    threads: int
    float32: float
    float64: float
    bfloat16: float
    int8: float
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
        at_best = max(flops / getattr(most, _arithmetic(kernel.op)), moved / most.bandwidth)
        rows.append(Row(kernel.name, kernel.scopes, s, flops, moved, min(at_best / s, 1.0) if s else 0.0))
    return rows


def _arithmetic(op) -> str:
    """The type that most of a kernel's arithmetic is done with."""
    body = op.params.get("body") if op else None
    inner = body.ops if body else (op,) if op else ()
    products = [v.dtype for x in inner if x.prim.kind in ("contract", "window") for v in x.inputs]
    if WORDS in products:  # pairs of bfloat16
        return "bfloat16"
    for narrow in ("int8", "bfloat16"):
        if narrow in products:
            return narrow
    return "float64" if any(v.dtype == "float64" for v in (op.outputs if op else ())) else "float32"


def limits() -> Limits:
    """Measured once in a process for each number of threads."""
    return _limits(thread_pool.get_num_threads())


@functools.cache
def _limits(threads: int) -> Limits:
    chains, words = machine().registers * 3 // 4, machine().lanes(4)
    found = {t: _flops(t, 2 * chains * machine().lanes(DTYPES[t].itemsize), threads,
                       gemm_tile.limit_tile(t, machine().lanes(DTYPES[t].itemsize), chains))
             for t in ("float32", "float64")}
    if machine().matrix:
        narrow = {t: _flops(t, 4 * matrix_tile.operations(t), threads, matrix_tile.limit_matrix_tile(t))
                  for t in ("bfloat16", "int8")}
    else:
        kinds = {"int8": ("int32", dot_tile.group()), **({"bfloat16": ("float32", 2)} if machine().pairs else {})}
        narrow = {"bfloat16": found["float32"], **{
            t: _flops(t, 2 * chains * words * group, threads, dot_tile.limit_dot_tile(sums, words, group, chains))
            for t, (sums, group) in kinds.items()}}
    return Limits(threads, **found, **narrow, bandwidth=_bandwidth(threads))


def _flops(dtype: str, operations: int, threads: int, tile) -> float:
    """Operations a second, of which each round of a tile does so many."""
    w = Builder(tiles=[tile])
    args, lo, hi, scratch = w.given
    with w.loop("i", lo, hi):
        w.do("multiply_add", call("word", args, 0), scratch)
    address = _address(w, f"limit_{short_name(dtype)}")
    seconds = _best([address, np.array([ROUNDS]), threads, 1], threads)
    return threads * float(ROUNDS) * operations / seconds


def _bandwidth(threads: int) -> float:
    x, y = aligned(STREAM_BYTES), aligned(STREAM_BYTES)
    x.fill(0)  # else all of it would be one page of zeros, in a cache
    args = np.array([x.ctypes.data, y.ctypes.data])
    w = Builder()
    given, lo, hi, _ = w.given
    source, target = (w.buffer(name, "float32", call("word", given, k), k) for k, name in enumerate("xy"))
    with w.loop("i", lo, hi) as i:
        w.store(target[i], source[i] + target[i])
    address = _address(w, "stream")
    return 3.0 * STREAM_BYTES / _best([address, args, STREAM_BYTES // 4, 16], threads)


def _address(w: Builder, name: str) -> int:
    return functions.address(functions.of_nest(name, w.nest(name), "the profiler"))


def _best(entry, threads: int, runs: int = 8) -> float:
    """The shortest time of a kernel (address, argument words, extent, grain) on so many threads."""
    address, args, extent, grain = entry
    alone = executor.Entry(address, args.ctypes.data, extent, grain, threads, 1)
    table = executor.Table([alone], threads, np.zeros(2, np.int64), 256)
    with thread_pool.stopwatch(threads, 256) as seconds:
        return min(seconds(table) for _ in range(runs))
