"""Source text -> the address of machine code: from this process, from the cache, or compiled now.

`records` lists every function that this process needed, for kgraph.inspect.compiles().
"""
from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass

from kgraph.runtime import cache, target

__all__ = ["Record", "address", "debug_level", "records"]

_lock = threading.RLock()
_addresses: dict[tuple, int] = {}
records: list = []


@dataclass(frozen=True)
class Record:
    """One function that was needed: its name, for what, how long it took, and ``how``: compiled or loaded."""

    name: str
    reason: str
    seconds: float
    how: str


def address(name: str, source: str, parameters: int = 4, reason: str = "", instructions=None) -> int:
    """The address of function ``name`` of ``source`` in the kernel language: void(int64, ...). ``instructions`` is a
    function that gives what the source uses beside the language (see jit.kernel_ir); called only to compile.

    Raises KernelError for a source that is not in the language, ImportError when it has to be compiled without Numba.
    """
    found = _addresses.get((name, source))
    if found is None:
        with _lock:
            found = _addresses.get((name, source))
            if found is None:
                found = _addresses[name, source] = _make(name, source, parameters, reason, instructions)
    return found


def debug_level() -> int:
    """KGRAPH_DEBUG: 1 says what is compiled and why, 2 adds kernel timings."""
    return int(os.environ.get("KGRAPH_DEBUG") or 0)


def _make(name, source, parameters, reason, instructions) -> int:
    start = time.perf_counter()
    key = cache.key(name, source, parameters)
    symbol = f"{name}_{key[:16]}"
    contents = cache.read(key)
    how = "loaded" if contents else "compiled"
    if contents is None:
        from kgraph.runtime import jit
        contents = target.compile_ir(jit.kernel_ir(name, source, parameters, symbol, instructions and instructions()))
        cache.write(key, contents)
    found = target.load_object(contents, symbol)
    record = Record(name, reason, time.perf_counter() - start, how)
    records.append(record)
    if debug_level() >= 1:
        why = "found in the cache" if how == "loaded" else "not in the cache"
        print(f"kgraph: {how} {name} in {1e3 * record.seconds:.1f} ms ({why}; for {reason or 'the runtime'})",
              file=sys.stderr)
    return found


def _renew_lock():
    """In a forked child the lock may be held by a thread that is not there."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
