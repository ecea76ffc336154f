"""Source text -> the address of machine code: from this process, from the cache, or compiled now.

`records` lists every function that this process needed, for kgraph.inspect.compiles().
"""
from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kgraph.codegen import keys, object_cache, packages, target
from kgraph.compiler.loopnest.nodes import LoopNest
from kgraph.compiler.loopnest.verify import verify_nest
from kgraph.compiler.printing import kernel_source
from kgraph.log import is_heard, report
from kgraph.runtime import locks

__all__ = ["Function", "Record", "address", "announcing", "native", "objects", "of_nest", "prepare",
           "records"]

SWITCH_SECONDS = 2e-4
PATIENCE_SECONDS = 0.5

_addresses: dict[tuple, int] = {}
_code: dict = {}      # key -> (machine code, seconds, loaded or compiled): not linked yet
records: list = []


@dataclass(frozen=True)
class Record:
    """One function that was needed: its name, for what, how long it took, and ``how``: compiled or loaded."""

    name: str
    reason: str
    seconds: float
    how: str


@dataclass(frozen=True)
class Function:
    """A function ``name``: void(int64, ...).

    source  what its machine code is kept under, beside its name and all that makes code (object_cache)
    reason  what it is for
    write   () -> its loop nest
    """

    name: str
    source: str
    reason: str
    write: Callable

    @locks.once
    def nest(self) -> LoopNest:
        return self.write()

    @property
    def key(self) -> str:
        """What its machine code is kept under."""
        return keys.key(self.name, self.source)

    def symbol(self, key: str) -> str:
        return f"{self.name}_{key[:16]}"


def of_nest(name: str, nest: LoopNest, reason: str) -> Function:
    """A function by its loop nest."""
    return Function(name, kernel_source(nest, name), reason, lambda: nest)


def native(name: str, nest: Callable, reason: str) -> Function:
    """A native routine, nest(name), of the machine that this thread compiles for. What it is made of is part of what
    makes code: so its nest is only needed where it has to be compiled."""
    chosen = target.machine()

    def write():
        with target.compiling_for(chosen):
            return nest(name)
    return Function(name, "", reason, write)


def address(function: Function) -> int:
    """The address of a function's machine code: from this process, from the cache, or compiled now.

    Raises KernelError for a source that is not in the language, ImportError when it has to be compiled without Numba.
    """
    identity = function.name, function.source
    found = _addresses.get(identity)
    if found is None:
        with locks.compiling:
            found = _addresses.get(identity)
            if found is None:
                found = _addresses[identity] = _load(function)
    return found


def prepare(functions):
    """Read machine code from the cache, and compile what is not there, so that `address` has only to link it. The
    front end for one function works beside LLVM on those before: LLVM has threads of its own, without the GIL."""
    with locks.compiling:
        wanted = {(f.name, f.source): f for f in functions}
        _make({f.key: f for identity, f in wanted.items() if identity not in _addresses})


def objects(functions) -> dict:
    """The object file of each function by its symbol, for the machine that this thread compiles for
    (kgraph.codegen.target.compiling_for)."""
    with locks.compiling:
        wanted = {f.key: f for f in functions}
        _make(wanted)
        return {f.symbol(key): _code.pop(key)[0] for key, f in wanted.items()}


def _make(wanted: dict):
    """Machine code for each key, in `_code`."""
    missing = []
    for key, f in wanted.items():
        if key not in _code:
            start, contents = time.perf_counter(), object_cache.read(key)
            _code[key] = contents, time.perf_counter() - start, "loaded"
            if contents is None:
                del _code[key]
                missing.append((key, f))
    if missing:
        from kgraph.codegen import frontend
        with _switching_often(), ThreadPoolExecutor(_processors(), "kgraph-llvm") as llvm:
            done = []
            for key, f in missing:
                _patience.ask(len(missing))
                done.append(llvm.submit(_back_end, key, *_front_end(frontend, f, key), target.machine()))
            _patience.wait(done)
        _code.update(d.result() for d in done)
        packages.keep()
        target.keep()


class _Patience(threading.local):
    """What a thread wants to be told where compiling takes long: `say`, after the time `until`."""

    say = None
    until = 0.0

    def ask(self, count):
        if self.say is not None and time.perf_counter() > self.until:
            say, self.say = self.say, None
            say(count)

    def wait(self, done):
        if self.say is not None and futures.wait(done, max(0.0, self.until - time.perf_counter())).not_done:
            self.ask(len(done))


_patience = _Patience()


@contextlib.contextmanager
def announcing(say):
    """Inside, say(count) is called once where the compiling of so many functions keeps this thread for longer than
    PATIENCE_SECONDS."""
    before = _patience.say, _patience.until
    _patience.say, _patience.until = say, time.perf_counter() + PATIENCE_SECONDS
    try:
        yield
    finally:
        _patience.say, _patience.until = before


def _processors() -> int:
    """How many functions LLVM may work on at once."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)


@contextlib.contextmanager
def _switching_often():
    """LLVM's threads ask for the GIL after each of their short calls: they shall not wait 5 ms for it each time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _front_end(frontend, f: Function, key: str):
    """(seconds that it took, LLVM IR, the level to optimise it at)"""
    start = time.perf_counter()
    if os.environ.get("KGRAPH_CHECK") == "1":
        verify_nest(f.nest)
    text = frontend.kernel_ir(f.nest, f.symbol(key))
    level = 1 if f.nest.tiles else 3  # tiles are written as they shall be: all levels give the same code
    return time.perf_counter() - start, text, level


def _back_end(key: str, seconds: float, text: str, level: int, machine):
    start = time.perf_counter()
    contents = target.compile_ir(text, level, machine)
    object_cache.write(key, contents)
    return key, (contents, seconds + time.perf_counter() - start, "compiled")


def _load(function: Function) -> int:
    key = function.key
    if key not in _code:
        prepare([function])
    contents, seconds, how = _code.pop(key)
    start = time.perf_counter()
    found = target.load_object(contents, function.symbol(key))
    record = Record(function.name, function.reason, seconds + time.perf_counter() - start, how)
    records.append(record)
    why = "found in the cache" if how == "loaded" else "not in the cache"
    report(1, f"{how} {function.name} in {1e3 * record.seconds:.1f} ms ({why}; for {function.reason or 'the runtime'})")
    if is_heard(4):
        report(4, f"source\n{kernel_source(function.nest, function.name)}")
    return found
