"""The native functions that walk a step: sources in the kernel language.

A *table* is a block of int64 words:

    0  number of legs           4  scratch bytes of a thread
    1  steps: how often to walk 5  threads that walk it
    2  address of STATUS        6  address of `execute`, or of `alone` for one thread
    3  address of the scratch   7  address of the team's words
    8  legs of 5 words: place of the first entry, number of entries, shares, chunks of a share, ns that one takes
       entries of 4 words: kernel, argument block, extent, grain

A *leg* is what needs no meeting: one kernel whose extent is cut into shares, and these into chunks, which begin at
multiples of the grain; or some kernels in a row that one thread runs. Where chunks begin never depends on who takes
them, and nobody waits for a thread that has none: a leg is over when all its chunks are done. The share of its own
number comes first for a thread, since its cache holds what the leg before wrote there; then it helps with others.

A *team* is a block of int64 words, those that different threads write 64 bytes apart:

    0  twice the number of jobs walked, plus 1 while one is open; in the lower half, the helpers that are inside
    8  chunks done of this leg    40 table of the job    41 1: the helpers shall end    48 mutex    56 condition
    72 for each thread 8 words: the time as it last looked (2 words), when its rest ends, how long that is
       for each share, the next chunk to take: the number of legs before, and in LEG bits the chunk

Who finishes a leg has its words to himself, since nobody has a chunk: he sets them for the next leg, of which he takes
a chunk in the same breath. So that leg cannot be over before all its words are set. A word that was read is not relied
on: what atomic_add gives says which leg the chunk belongs to, and whether there is one. The memory of a job is touched
by those inside alone; a helper that sleeps is outside, and enters again only while the same job is open.
"""
from __future__ import annotations

import ctypes
import functools
import time

import numpy as np

from kgraph.codegen import functions
from kgraph.runtime.memory import aligned

__all__ = ["Table", "address", "team_words"]

LEG = 24        # bits for the chunks of a leg
DOOR = 32       # bits for the helpers inside


def team_words(threads: int) -> np.ndarray:
    """The words of a new team of so many threads, all 0."""
    return aligned(8 * (72 + 9 * threads)).view(np.int64)


class Table:
    """A table of entries (kernel, argument block, extent, grain, shares, chunks), to be walked by ``threads`` threads.

    status         int64[2]
    scratch_bytes  that each thread needs
    """

    def __init__(self, entries, threads: int, status, scratch_bytes: int):
        self._status = status
        legs = _legs(entries, threads)
        words = [len(legs), 1, status.ctypes.data, 0, scratch_bytes, threads]
        words += [address("execute" if threads > 1 else "alone"), 0]
        place = len(words) + 5 * len(legs)
        for leg in legs:
            words += [place, len(leg), *(leg[0][4:] if threads > 1 else (1, 1)), 0]
            place += 4 * len(leg)
        words += [word for leg in legs for entry in leg for word in entry[:4]]
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


def _legs(entries, threads: int) -> list:
    """The entries of each leg."""
    legs: list = []
    for entry in entries:
        if legs and (threads == 1 or entry[4] == legs[-1][-1][4] == 1):
            legs[-1].append(entry)
        else:
            legs.append([entry])
    return legs


@functools.cache
def _runner():
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address("run"))


_ALONE = '''
def alone(table, thread, threads, team):
    words = pi64_at(table, 0)
    status = words[2]
    for step in range(words[1]):
        for leg in range(words[0]):
            e = words[8 + 5 * leg]
            for k in range(words[9 + 5 * leg]):
                if load_acquire(status) == 0:
                    call_kernel(words[e], words[e + 1], 0, words[e + 2], words[3])
                e += 4
'''

# Times are in nanoseconds. Who waits for a chunk of others looks for it as long as one takes usually, and PATIENCE
# more, then sleeps for NAP microseconds at a time: maybe one of them waits for its processor, since another program has
# it, and can move to the one that is free now. Who took LATE more than 3 times what is usual for a chunk had to wait
# so: then one thread less takes part for a while, as the processors are busy. It rests for REST at first, and when that
# happens again before eight times as long, twice as long, up to LONGEST.
PATIENCE, NAP, LATE, REST, LONGEST = 30_000, 40, 400_000, 5_000_000, 40_000_000
SPINS = 500  # rounds of waiting before the first look at the clock

# A helper that sleeps takes some 50 us to wake, as long as one sample takes in a small model: so it looks for the next
# call for about half a millisecond before, and lets others have its processor meanwhile.
WAITING = 1500

_NOW = f"clock_gettime({time.CLOCK_MONOTONIC}, own)"
_SECONDS = f"mine[0] * {10**9} + mine[1]"

_EXECUTE = f'''
def execute(table, thread, threads, team):
    words = pi64_at(table, 0)
    legs = words[0]
    last = legs * words[1]
    scratch = words[3] + thread * words[4]
    nexts = team + 576 + 64 * threads
    own = team + 576 + 64 * thread
    mine = pi64_at(own, 1)
    door = load_acquire(team) >> {DOOR}
    share = 0
    at = 0
    chunk = -1
    if thread == 0:
        chunk = 0
    {_NOW}
    now = {_SECONDS}
    while True:
        if chunk < 0:
            at = load_acquire(nexts) >> {LEG}
            if at >= last or load_acquire(own + 16) > now and thread > 0:
                return
            seen = at
            leg = 8 + 5 * modulo(seen, legs)
            end = (seen << {LEG}) + words[leg + 3]
            shares = words[leg + 2]
            tried = 0
            while chunk < 0 and tried < shares:
                share = modulo(thread + tried, shares)
                tried += 1
                if load_acquire(nexts + 8 * share) < end:
                    taken = atomic_add(nexts + 8 * share, 1)
                    at = taken >> {LEG}
                    of = 8 + 5 * modulo(at, legs)
                    if at < last and share < words[of + 2] and taken - (at << {LEG}) < words[of + 3]:
                        chunk = taken - (at << {LEG})
            if chunk < 0:
                patience = now + words[leg + 4] + (words[leg + 4] >> 2) + {PATIENCE}
                spins = 0
                while load_acquire(nexts) >> {LEG} == seen:
                    pause()
                    spins += 1
                    if spins > {SPINS}:
                        {_NOW}
                        now = {_SECONDS}
                        if now > patience:
                            if thread > 0:
                                atomic_add(team, -1)
                            usleep({NAP})
                            if thread > 0:
                                if atomic_add(team, 1) >> {DOOR} != door:
                                    return
        else:
            leg = 8 + 5 * modulo(at, legs)
            e = words[leg]
            shares = words[leg + 2]
            parts = shares * words[leg + 3]
            if parts == 1:
                for k in range(words[leg + 1]):
                    if load_acquire(words[2]) == 0:
                        call_kernel(words[e], words[e + 1], 0, words[e + 2], scratch)
                    e += 4
            else:
                grain = words[e + 3]
                units = quotient(words[e + 2] + grain - 1, grain)
                part = share * words[leg + 3] + chunk
                lo = grain * quotient(units * part, parts)
                hi = minimum(words[e + 2], grain * quotient(units * (part + 1), parts))
                if lo < hi:
                    call_kernel(words[e], words[e + 1], lo, hi, scratch)
            {_NOW}
            took = {_SECONDS} - now
            now += took
            usual = words[leg + 4]
            if usual == 0:
                usual = took
            if took > 3 * usual + {LATE}:
                who = thread
                if who == 0:
                    who = threads - 1
                tired = pi64_at(team + 576 + 64 * who, 2)
                rest = {REST}
                if now < tired[2] + 8 * tired[3]:
                    rest = minimum(2 * tired[3], {LONGEST})
                tired[3] = rest
                store_release(team + 592 + 64 * who, now + rest)
            words[leg + 4] = usual + (minimum(took, 2 * usual) - usual >> 3)
            chunk = -1
            if atomic_add(team + 64, 1) == parts - 1:
                store_release(team + 64, 0)
                at += 1
                if at >= last or load_acquire(words[2]) != 0:
                    store_release(nexts, last << {LEG})
                    return
                shares = words[10 + 5 * modulo(at, legs)]
                share = modulo(thread, shares)
                chunk = 0
                for k in range(shares):
                    s = shares - 1 - k
                    taken = at << {LEG}
                    if s == share:
                        taken += 1
                    store_release(nexts + 8 * s, taken)
'''

_RUN = f'''
def run(table):
    words = pi64_at(table, 0)
    threads = words[5]
    team = words[7]
    if threads == 1:
        call_kernel(words[6], table, 0, 1, 0)
        return
    shared = pi64_at(team, 0)
    nexts = team + 576 + 64 * threads
    for s in range(threads):
        store_release(nexts + 8 * s, 0)
    store_release(nexts, 1)
    shared[40] = table
    pthread_mutex_lock(team + 384)
    atomic_add(team, {1 << DOOR})
    pthread_cond_broadcast(team + 448)
    pthread_mutex_unlock(team + 384)
    call_kernel(words[6], table, 0, threads, team)
    atomic_add(team, {1 << DOOR})
    spins = 0
    while load_acquire(team) & {(1 << DOOR) - 1} != 0:
        spins += 1
        if spins < {SPINS}:
            pause()
        else:
            usleep({NAP})
'''

_HELP = f'''
def help(team, thread):
    shared = pi64_at(team, 0)
    own = team + 576 + 64 * thread
    mine = pi64_at(own, 1)
    seen = 0
    while True:
        spins = 0
        door = load_acquire(team) >> {DOOR}
        while spins < {WAITING} and (door <= seen or door & 1 == 0):
            pause()
            spins += 1
            if spins > 500:
                sched_yield()
            door = load_acquire(team) >> {DOOR}
        if door <= seen or door & 1 == 0:
            pthread_mutex_lock(team + 384)
            door = load_acquire(team) >> {DOOR}
            while door <= seen or door & 1 == 0:
                pthread_cond_wait(team + 448, team + 384)
                door = load_acquire(team) >> {DOOR}
            pthread_mutex_unlock(team + 384)
        if load_acquire(team + 328) != 0:
            return
        seen = atomic_add(team, 1) >> {DOOR}
        if seen & 1 == 1:
            table = shared[40]
            words = pi64_at(table, 0)
            call_kernel(words[6], table, thread, words[5], team)
        atomic_add(team, -1)
        {_NOW}
        while {_SECONDS} < load_acquire(own + 16) and load_acquire(team + 328) == 0:
            usleep({REST // 2000})
            {_NOW}
'''

_END = f'''
def end(team):
    store_release(team + 328, 1)
    pthread_mutex_lock(team + 384)
    atomic_add(team, {1 << DOOR})
    pthread_cond_broadcast(team + 448)
    pthread_mutex_unlock(team + 384)
'''

_SOURCES = {"alone": _ALONE, "execute": _EXECUTE, "run": _RUN, "help": _HELP, "end": _END}
NAMES = tuple(_SOURCES)


def function(name: str) -> functions.Function:
    """One of NAMES."""
    return functions.Function(name, _SOURCES[name], "the runtime")


def address(name: str) -> int:
    """The address of one of NAMES."""
    return functions.address(function(name))
