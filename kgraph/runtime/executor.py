"""The native functions that walk a step: sources in the kernel language.

A *table* is a block of int64 words:

    0  number of entries        4  scratch bytes of a thread
    1  steps: how often to walk 5  threads that walk it
    2  address of STATUS        6  address of `execute`
    3  address of the scratch   7  address of the team's words (0: no team)
    8  entries of 6 words: kernel, argument block, extent, grain, threads, 1 if a barrier comes before it

Every thread walks the whole table and calls each kernel on its own share of the extent; shares begin at multiples of
the grain. A kernel for one thread is run by thread 0 alone. A barrier comes before an entry unless it and the one
before it are both for one thread.

A *team* is a block of int64 words, those that different threads write 64 bytes apart:

    0  job number    8  threads that arrived    16  barriers passed    24  1: all leave    32  helpers done
    40 table of the job    41 1: the helpers shall end    48 mutex    56 condition
"""
from __future__ import annotations

import ctypes
import functools

import numpy as np

from kgraph.codegen import functions

__all__ = ["TEAM_WORDS", "Table", "address"]

TEAM_WORDS = 72


class Table:
    """A table of entries (kernel, argument block, extent, grain, threads), to be walked by ``threads`` threads.

    status         int64[2]
    scratch_bytes  that each thread needs
    """

    def __init__(self, entries, threads: int, status, scratch_bytes: int):
        self._status = status
        words = [len(entries), 1, status.ctypes.data, 0, scratch_bytes, threads]
        words += [address("execute"), 0]
        before = entries[-1][4] if entries else 1  # when steps repeat, the last entry comes before the first
        for entry in entries:
            words += [*entry, int(entry[4] > 1 or before > 1)]
            before = entry[4]
        self._array = np.array(words, np.int64)
        self._words = memoryview(self._array)
        self._address = self._array.ctypes.data
        self._call = _runner()

    def run(self, scratch: int, steps: int = 1, team_address: int = 0):
        """Walk it so many times, together with the team that has these words.

        scratch  the address of scratch_bytes for each thread
        """
        words = self._words
        words[1], words[3], words[7] = steps, scratch, team_address
        self._call(self._address)


@functools.cache
def _runner():
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address("run"))

_EXECUTE = '''
def execute(table, thread, threads, team):
    words = pi64_at(table, 0)
    count = words[0]
    steps = words[1]
    status = words[2]
    scratch = words[3] + thread * words[4]
    passed = 0
    if threads > 1:
        passed = load_acquire(team + 128)
    for step in range(steps):
        for k in range(count):
            e = 8 + 6 * k
            share = words[e + 4]
            if threads > 1 and words[e + 5] != 0 and step + k > 0:
                if atomic_add(team + 64, 1) == threads - 1:
                    store_release(team + 64, 0)
                    if load_acquire(status) != 0:
                        store_release(team + 192, 1)
                    store_release(team + 128, passed + 1)
                else:
                    spins = 0
                    while load_acquire(team + 128) == passed:
                        pause()
                        spins += 1
                        if spins > 500:
                            sched_yield()
                passed += 1
                if load_acquire(team + 192) != 0:
                    return
            if thread < share:
                if share == 1:
                    if load_acquire(status) == 0:
                        call_kernel(words[e], words[e + 1], 0, words[e + 2], scratch)
                else:
                    extent = words[e + 2]
                    grain = words[e + 3]
                    units = quotient(extent + grain - 1, grain)
                    lo = grain * quotient(units * thread, share)
                    hi = minimum(extent, grain * quotient(units * (thread + 1), share))
                    if lo < hi:
                        call_kernel(words[e], words[e + 1], lo, hi, scratch)
'''

_RUN = '''
def run(table):
    words = pi64_at(table, 0)
    threads = words[5]
    team = words[7]
    if threads == 1:
        call_kernel(words[6], table, 0, 1, 0)
        return
    shared = pi64_at(team, 0)
    store_release(team + 192, 0)
    store_release(team + 256, 0)
    shared[40] = table
    pthread_mutex_lock(team + 384)
    atomic_add(team, 1)
    pthread_cond_broadcast(team + 448)
    pthread_mutex_unlock(team + 384)
    call_kernel(words[6], table, 0, threads, team)
    spins = 0
    while load_acquire(team + 256) < threads - 1:
        pause()
        spins += 1
        if spins > 500:
            sched_yield()
'''

# A helper that sleeps takes some 50 us to wake, as long as one sample takes in a small model: so it looks for the next
# call for about half a millisecond before, and lets others have its processor meanwhile.
WAITING = 1500

_HELP = f'''
def help(team, thread):
    shared = pi64_at(team, 0)
    job = 0
    while True:
        spins = 0
        while load_acquire(team) == job and spins < {WAITING}:
            pause()
            spins += 1
            if spins > 500:
                sched_yield()
        if load_acquire(team) == job:
            pthread_mutex_lock(team + 384)
            while load_acquire(team) == job:
                pthread_cond_wait(team + 448, team + 384)
            pthread_mutex_unlock(team + 384)
        job += 1
        if load_acquire(team + 328) != 0:
            return
        table = shared[40]
        words = pi64_at(table, 0)
        call_kernel(words[6], table, thread, words[5], team)
        atomic_add(team + 256, 1)
'''

_END = '''
def end(team):
    store_release(team + 328, 1)
    pthread_mutex_lock(team + 384)
    atomic_add(team, 1)
    pthread_cond_broadcast(team + 448)
    pthread_mutex_unlock(team + 384)
'''

_SOURCES = {"execute": _EXECUTE, "run": _RUN, "help": _HELP, "end": _END}
NAMES = tuple(_SOURCES)


def function(name: str) -> functions.Function:
    """One of execute, run, help, end."""
    return functions.Function(name, _SOURCES[name], "the runtime")


def address(name: str) -> int:
    """The address of one of execute, run, help, end."""
    return functions.address(function(name))
