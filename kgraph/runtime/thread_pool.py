"""The threads that walk a step together.

`take()` lends the process's team to one caller; another caller at the same time runs on its own thread alone. Results
never depend on how many threads take part. Helpers are Python threads that stay inside one native call, without the
GIL: they spin for a while after a step, then sleep until the next.
"""
from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import math
import os
import pathlib
import threading
import time

from kgraph.runtime import executor, locks, memory

__all__ = ["get_num_threads", "set_num_threads", "stopwatch", "take"]

_threads: int | None = None
_team: _Team | None = None
_closed = False  # the process ends: no new team


def get_num_threads() -> int:
    """How many threads take part in a step: set_num_threads, else KGRAPH_NUM_THREADS, else the smaller of the
    processors this process may use and its cgroup's quota."""
    global _threads
    if _threads is None:
        named = os.environ.get("KGRAPH_NUM_THREADS")
        _threads = _checked(named, "KGRAPH_NUM_THREADS") if named else available_processors()
    return _threads


def set_num_threads(n: int):
    """Let n threads take part in each step, from the next call on. Raises ValueError for n < 1.

    Args:
        n: an int above 0.
    """
    global _threads
    _threads = _checked(n, "set_num_threads")


def _checked(n, name) -> int:
    try:
        count = int(n)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        raise ValueError(f"{name}: expected a whole number of threads from 1, received {n!r}")
    return count


def available_processors() -> int:
    """The smaller of the scheduler's affinity and the cgroup's quota (version 1 or 2), at least 1."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota(pathlib.Path("/sys/fs/cgroup"))
    return max(1, min(count, math.floor(quota))) if quota else count


def _cgroup_quota(root: pathlib.Path) -> float | None:
    """Processors' worth of time that the control group grants, or None where it sets no limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        return int(quota) / int(period) if int(quota) > 0 else None
    except ValueError:  # "max"
        return None


class _Team:
    """threads - 1 helpers, the words that all of them share (see executor), and scratch memory for each thread.

    Whoever holds ``busy`` may walk a table with it. A team that was replaced is ended by the one who held it last.
    """

    def __init__(self, threads: int):
        self.threads = threads
        self.busy = threading.Lock()
        self.words = executor.team_words(threads)
        self.address = self.words.ctypes.data
        self._scratch = memory.Block(0)
        library = ctypes.CDLL(None)
        library.pthread_mutex_init(ctypes.c_void_p(self.address + 384), None)
        library.pthread_cond_init(ctypes.c_void_p(self.address + 448), None)
        self._end, self._help = _entries()
        here = library.sched_getcpu() if hasattr(os, "sched_setaffinity") else None
        self._helpers = [threading.Thread(target=self._serve, args=(t, here), daemon=True, name=f"kgraph-{t}")
                         for t in range(1, threads)]
        for helper in self._helpers:
            helper.start()

    def _serve(self, thread: int, here):
        _move_away(thread, here)
        self._help(self.address, thread)

    def scratch(self, size: int) -> memory.Block:
        """Memory of that many bytes for each thread, for the one who holds ``busy``."""
        if self._scratch.nbytes < size * self.threads:
            self._scratch = memory.Block(size * self.threads)
        return self._scratch

    def end(self):
        """Let the helpers go. For the one who holds ``busy``."""
        self._end(self.address)
        for helper in self._helpers:
            helper.join()


@functools.cache
def _entries() -> tuple:
    """The native functions that end a team and that a helper stays in."""
    return (ctypes.CFUNCTYPE(None, ctypes.c_int64)(executor.address("end")),
            ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(executor.address("help")))


def _move_away(thread: int, here):
    """Move the calling thread to a processor of its own, other than ``here``, where the team's owner runs. Schedulers
    tend to leave a new thread beside its parent, and to wake it there; then every barrier waits for a time slice."""
    if here is None:
        return
    allowed = os.sched_getaffinity(0)
    others = sorted(allowed - {here})
    if thread <= len(others):
        os.sched_setaffinity(0, {others[thread - 1]})
        os.sched_setaffinity(0, allowed)


def take(threads: int, wait: bool = False) -> _Team | None:
    """The team of that many threads, for the caller alone until it releases ``team.busy``. When another caller has a
    team: None, or wait."""
    while not _closed:
        team = _team
        if team is not None and not team.busy.acquire(blocking=wait):
            return None
        if team is not None and team is _team and team.threads == threads:
            return team
        _replace(team, threads)
    return None


@contextlib.contextmanager
def stopwatch(threads: int, scratch_bytes: int):
    """For measurements: a function that tells how many seconds a walk of a table takes, with the team, for which it
    waits, or for one thread alone."""
    team = take(threads, wait=True) if threads > 1 else None
    if team is None and threads > 1:
        raise RuntimeError("expected a process with threads, received one that ends")
    scratch = memory.take_scratch(scratch_bytes) if team is None else team.scratch(scratch_bytes)

    def seconds(table) -> float:
        start = time.perf_counter()
        table.run(scratch.address, 1, 0 if team is None else team.address)
        return time.perf_counter() - start
    try:
        yield seconds
    finally:
        if team is None:
            memory.give_scratch(scratch)
        else:
            team.busy.release()


def _replace(team: _Team | None, threads: int):
    """Make a team of that many threads instead of ``team``, which is held, unless another caller did. Releases it."""
    global _team
    _entries()
    with locks.lending:
        is_current = team is _team and not _closed
        if is_current:
            _team = _Team(threads)
    if team is not None:
        if is_current:
            team.end()
        team.busy.release()


def _close():
    """At the end of the process: wait for a step that runs, and let the helpers go."""
    global _closed
    with locks.lending:
        team, _closed = _team, True
    if team is not None:
        with team.busy:
            team.end()


def _forget():
    """A forked child has none of its parent's threads: it makes its own team when it needs one."""
    global _team
    _team = None


atexit.register(_close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
