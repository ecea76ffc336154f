"""The threads that walk a step together.

`take()` lends the process's team to one caller; another caller at the same time runs on its own thread alone. Results
never depend on how many threads take part. Helpers are Python threads that stay inside one native call, without the
GIL: they spin for a while after a step, then sleep until the next.
"""
from __future__ import annotations

import atexit
import ctypes
import math
import os
import pathlib
import threading

from kgraph.runtime import executor, memory

__all__ = ["get_num_threads", "set_num_threads", "take"]

_threads: int | None = None
_team: _Team | None = None
_lock = threading.Lock()


def get_num_threads() -> int:
    """How many threads take part in a step: set_num_threads, else KGRAPH_NUM_THREADS, else the smaller of the
    processors this process may use and its cgroup's quota."""
    global _threads
    if _threads is None:
        named = os.environ.get("KGRAPH_NUM_THREADS")
        _threads = _checked(named, "KGRAPH_NUM_THREADS") if named else available_processors()
    return _threads


def set_num_threads(n: int):
    """Let n threads take part in each step, from the next call on. Raises ValueError for n < 1."""
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
    """threads - 1 helpers, and the words that all of them share (see routines)."""

    def __init__(self, threads: int):
        self.threads = threads
        self.busy = threading.Lock()
        self.words = memory.aligned(8 * executor.TEAM_WORDS)
        self.address = self.words.ctypes.data
        library = ctypes.CDLL(None)
        library.pthread_mutex_init(ctypes.c_void_p(self.address + 384), None)
        library.pthread_cond_init(ctypes.c_void_p(self.address + 448), None)
        self._end = ctypes.CFUNCTYPE(None, ctypes.c_int64)(executor.address("end"))
        self._help = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(executor.address("help"))
        here = library.sched_getcpu() if hasattr(os, "sched_setaffinity") else None
        self._helpers = [threading.Thread(target=self._serve, args=(t, here), daemon=True, name=f"kgraph-{t}")
                         for t in range(1, threads)]
        for helper in self._helpers:
            helper.start()

    def _serve(self, thread: int, here):
        _move_away(thread, here)
        self._help(self.address, thread)

    def end(self):
        """Wait for a running step, then let the helpers go."""
        with self.busy:
            self._end(self.address)
        for helper in self._helpers:
            helper.join()


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
    """The team of that many threads, for the caller alone until it releases ``team.busy``. When another caller has it:
    None, or wait."""
    global _team
    team = _team
    if team is None or team.threads != threads:
        with _lock:
            if _team is None or _team.threads != threads:
                if _team is not None:
                    _team.end()
                _team = _Team(threads)
            team = _team
    return team if team.busy.acquire(blocking=wait) else None


def _end():
    global _team
    if _team is not None:
        _team.end()
        _team = None


def _forget():
    """A forked child has none of its parent's threads: it makes its own team when it needs one."""
    global _team, _lock
    _team, _lock = None, threading.Lock()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
