"""The native functions that walk a step, by loop nests: `alone` and `execute` walk a table, `run` lets a team do so,
`help` is what each of its other threads does until `end`.

A *table* is a record, TABLE, then its legs, LEG, and their entries, ENTRY.

A *leg* is what needs no meeting: one kernel whose extent is cut into shares, and these into chunks, which begin at
multiples of the grain; or some kernels in a row that one thread runs. Where chunks begin never depends on who takes
them, and nobody waits for a thread that has none: a leg is over when all its chunks are done. The share of its own
number comes first for a thread, since its cache holds what the leg before wrote there; then it helps with others.

A *team* is a block of int64 words, those that different threads write 64 bytes apart; DONE and what follows it are
places in bytes:

    0          twice the number of jobs walked, plus 1 while one is open; in the lower half, the helpers that are inside
    DONE       chunks done of this leg
    JOB        the table
    ENDED      1: the helpers shall end
    MUTEX, CONDITION
    THREADS    for each thread OWN bytes, which begin with a record, THREAD; then for each share, the next chunk to
               take: the number of legs before, and in LEG_BITS the chunk

Who finishes a leg has its words to himself, since nobody has a chunk: he sets them for the next leg, of which he takes
a chunk in the same breath. So that leg cannot be over before all its words are set. A word that was read is not relied
on: what atomic_add gives says which leg the chunk belongs to, and whether there is one. The memory of a job is touched
by those inside alone; a helper that sleeps is outside, and enters again only while the same job is open.
"""
from __future__ import annotations

import functools
import time

from kgraph.codegen import functions
from kgraph.compiler.loopnest.builder import both, differ, either, equal
from kgraph.compiler.loopnest.nodes import Expression, Name, call
from kgraph.compiler.loopnest.records import Record, Words
from kgraph.kernels.routine import Routine

__all__ = ["ENTRY", "LEG", "ROUTINES", "TABLE", "function", "team_bytes"]

# How many legs; how often to walk them; the address of STATUS; that of the scratch, and how many bytes of it a thread
# has; threads that walk it; the address of `execute`, or of `alone` for one thread; that of the team's words.
TABLE = Record("table", "legs steps status scratch bytes threads walk team")
# Place of the first entry, and how many there are; shares, and chunks of a share; ns that a chunk takes usually.
LEG = Record("leg", "entry entries shares chunks usual")
ENTRY = Record("entry", "kernel block extent grain")
# The time as the thread last looked; until when it rests, and for how long.
THREAD = Record("thread", "seconds nanoseconds until rest")

LEG_BITS = 24   # for the chunks of a leg
DOOR = 32       # bits for the helpers inside
DONE, JOB, ENDED, MUTEX, CONDITION, THREADS = 64, 320, 328, 384, 448, 576
OWN = 64

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


def team_bytes(threads: int) -> int:
    """Of the words of a team of so many threads."""
    return THREADS + (OWN + 8) * threads


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return _WRITERS[name].function(name, "the runtime")


def _acquired(address) -> Expression:
    return call("load_acquire", address)


class _Writer(Routine):
    """What the nests of the functions have in common."""

    parameters = "table thread threads team"

    def __init__(self, name: str):
        super().__init__(name, self.parameters)

    def _table(self, address: Expression) -> Words:
        return self.w.record("words", TABLE, address, 0)

    def _own(self, number, scope: int) -> tuple:
        """Of a thread of the team: the address of its words, and these."""
        own = self.w.let("own", self.team + THREADS + OWN * number)
        return own, self.w.record("mine", THREAD, own, scope)

    def _look_at_clock(self, own, mine) -> Expression:
        self.w.do("clock_gettime", time.CLOCK_MONOTONIC, own)
        return mine.seconds * 10**9 + mine.nanoseconds

    def _until(self, own) -> Expression:
        return _acquired(own + 8 * THREAD.place("until"))

    def _run_whole(self, words, e: Name, count, status, scratch):
        """Run some kernels in a row on all of their extents, until something is reported. e: the first one's entry."""
        w, entry = self.w, Words(ENTRY, words, e)
        with w.loop("k", 0, count):
            with w.when(equal(_acquired(status), 0)):
                w.do("call_kernel", entry.kernel, entry.block, 0, entry.extent, scratch)
            w.let(e, e + ENTRY.words)


class _Alone(_Writer):
    def write(self):
        w, table = self.w, self._table(self.table)
        status = w.let("status", table.status)
        with w.loop("step", 0, table.steps), w.loop("leg", 0, table.legs) as k:
            leg = Words(LEG, table.buffer, TABLE.words + LEG.words * k)
            self._run_whole(table.buffer, w.let("e", leg.entry), leg.entries, status, table.scratch)


class _Execute(_Writer):
    """One thread's part of a walk: it looks for a chunk, which it then does, until all legs are over."""

    def write(self):
        w, table = self.w, self._table(self.table)
        self.status, self.words = table.status, table.buffer
        self.legs = w.let("legs", table.legs)
        self.last = w.let("last", self.legs * table.steps)
        self.scratch = w.let("scratch", table.scratch + self.thread * table.bytes)
        self.nexts = w.let("nexts", self.team + THREADS + OWN * self.threads)
        self.own, self.mine = self._own(self.thread, 1)
        self.door = w.let("door", _acquired(self.team) >> DOOR)
        self.share, self.at, self.chunk = w.lets(share=0, at=0, chunk=-1)
        with w.when(equal(self.thread, 0)):
            w.let(self.chunk, 0)
        self.now = w.let("now", self._look_at_clock(self.own, self.mine))
        with w.during(True):
            with w.when(self.chunk < 0):
                self._look_for_chunk()
            with w.otherwise():
                self._do_chunk()

    def _place(self, at) -> Expression:
        """Where a leg is described, by the number of legs before."""
        return TABLE.words + LEG.words * call("modulo", at, self.legs)

    def _leg(self, name: str, at) -> Words:
        return Words(LEG, self.words, self.w.let(name, self._place(at)))

    # --- looking for work -------------------------------------------------------------------------------------------

    def _look_for_chunk(self):
        w = self.w
        w.let(self.at, _acquired(self.nexts) >> LEG_BITS)
        rests = both(self._until(self.own) > self.now, self.thread > 0)
        with w.when(either(self.at >= self.last, rests)):
            w.end()
        seen = w.let("seen", self.at)
        leg = self._leg("leg", seen)
        end = w.let("end", (seen << LEG_BITS) + leg.chunks)
        shares = w.let("shares", leg.shares)
        tried = w.let("tried", 0)
        with w.during(both(self.chunk < 0, tried < shares)):
            w.let(self.share, call("modulo", self.thread + tried, shares))
            w.let(tried, tried + 1)
            self._take(end)
        with w.when(self.chunk < 0):
            self._wait(leg, seen)

    def _take(self, end):
        """A chunk of the share, if there is one."""
        w, at, of_share = self.w, self.at, self.nexts + 8 * self.share
        with w.when(_acquired(of_share) < end):
            taken = w.let("taken", call("atomic_add", of_share, 1))
            w.let(at, taken >> LEG_BITS)
            of = self._leg("of", at)
            chunk = taken - (at << LEG_BITS)
            with w.when(both(at < self.last, self.share < of.shares, chunk < of.chunks)):
                w.let(self.chunk, chunk)

    def _wait(self, leg, seen):
        """For the chunks of others."""
        w = self.w
        patience = w.let("patience", self.now + leg.usual + (leg.usual >> 2) + PATIENCE)
        spins = w.let("spins", 0)
        with w.during(equal(_acquired(self.nexts) >> LEG_BITS, seen)):
            w.do("pause")
            w.let(spins, spins + 1)
            with w.when(spins > SPINS):
                w.let(self.now, self._look_at_clock(self.own, self.mine))
                with w.when(self.now > patience):
                    self._sleep()

    def _sleep(self):
        """Outside; what comes back may find another job, or none."""
        w = self.w
        with w.when(self.thread > 0):
            w.do("atomic_add", self.team, -1)
        w.do("usleep", NAP)
        with w.when(self.thread > 0), w.when(differ(call("atomic_add", self.team, 1) >> DOOR, self.door)):
            w.end()

    # --- work -------------------------------------------------------------------------------------------------------

    def _do_chunk(self):
        w, leg = self.w, self._leg("leg", self.at)
        e = w.let("e", leg.entry)
        shares = w.let("shares", leg.shares)
        parts = w.let("parts", shares * leg.chunks)
        with w.when(equal(parts, 1)):
            self._run_whole(self.words, e, leg.entries, self.status, self.scratch)
        with w.otherwise():
            self._run_part(e, leg, parts)
        took = w.let("took", self._look_at_clock(self.own, self.mine) - self.now)
        w.let(self.now, self.now + took)
        self._note_time(leg, took)
        w.let(self.chunk, -1)
        with w.when(equal(call("atomic_add", self.team + DONE, 1), parts - 1)):
            self._next_leg()

    def _run_part(self, e, leg, parts):
        w, entry, quotient = self.w, Words(ENTRY, self.words, e), functools.partial(call, "quotient")
        grain = w.let("grain", entry.grain)
        units = w.let("units", quotient(entry.extent + grain - 1, grain))
        part = w.let("part", self.share * leg.chunks + self.chunk)
        lo = w.let("lo", grain * quotient(units * part, parts))
        hi = w.let("hi", call("minimum", entry.extent, grain * quotient(units * (part + 1), parts)))
        with w.when(lo < hi):
            w.do("call_kernel", entry.kernel, entry.block, lo, hi, self.scratch)

    def _note_time(self, leg, took):
        """What is usual for a chunk, slowly; a thread that took much longer shall rest, or another for the first."""
        w = self.w
        usual = w.let("usual", leg.usual)
        with w.when(equal(usual, 0)):
            w.let(usual, took)
        with w.when(took > 3 * usual + LATE):
            who = w.let("who", self.thread)
            with w.when(equal(who, 0)):
                w.let(who, self.threads - 1)
            place = self.team + THREADS + OWN * who
            tired, rest = w.record("tired", THREAD, place, 2), w.let("rest", REST)
            with w.when(self.now < tired.until + 8 * tired.rest):
                w.let(rest, call("minimum", 2 * tired.rest, LONGEST))
            w.store(tired.rest, rest)
            w.do("store_release", place + 8 * THREAD.place("until"), self.now + rest)
        w.store(leg.usual, usual + (call("minimum", took, 2 * usual) - usual >> 3))

    def _next_leg(self):
        """Set the words of the next leg, and take its first chunk of the own share."""
        w, at = self.w, self.at
        w.do("store_release", self.team + DONE, 0)
        w.let(at, at + 1)
        with w.when(either(at >= self.last, differ(_acquired(self.status), 0))):
            w.do("store_release", self.nexts, self.last << LEG_BITS)
            w.end()
        shares = w.let("shares", Words(LEG, self.words, self._place(at)).shares)
        w.let(self.share, call("modulo", self.thread, shares))
        w.let(self.chunk, 0)
        with w.loop("k", 0, shares) as k:
            s, taken = w.lets(s=shares - 1 - k, taken=at << LEG_BITS)
            with w.when(equal(s, self.share)):
                w.let(taken, taken + 1)
            w.do("store_release", self.nexts + 8 * s, taken)


class _Run(_Writer):
    """Opens a job to the team, walks it too, and waits until all helpers are outside."""

    parameters = "table"

    def write(self):
        w, table = self.w, self._table(self.table)
        threads, team = self.threads, self.team = w.lets(threads=table.threads, team=table.team)
        with w.when(equal(threads, 1)):
            w.do("call_kernel", table.walk, self.table, 0, 1, 0)
            w.end()
        shared = w.buffer("shared", "int64", team, 0)
        nexts = w.let("nexts", team + THREADS + OWN * threads)
        with w.loop("s", 0, threads) as s:
            w.do("store_release", nexts + 8 * s, 0)
        w.do("store_release", nexts, 1)
        w.store(shared[JOB // 8], self.table)
        w.do("pthread_mutex_lock", team + MUTEX)
        w.do("atomic_add", team, 1 << DOOR)
        w.do("pthread_cond_broadcast", team + CONDITION)
        w.do("pthread_mutex_unlock", team + MUTEX)
        w.do("call_kernel", table.walk, self.table, 0, threads, team)
        w.do("atomic_add", team, 1 << DOOR)
        spins = w.let("spins", 0)
        with w.during(differ(_acquired(team) & (1 << DOOR) - 1, 0)):
            w.let(spins, spins + 1)
            with w.when(spins < SPINS):
                w.do("pause")
            with w.otherwise():
                w.do("usleep", NAP)


class _Help(_Writer):
    """The life of a helper: it waits for a job that it has not seen, spinning at first, then asleep; walks it; rests
    while it shall."""

    parameters = "team thread"

    def write(self):
        w, team = self.w, self.team
        shared = w.buffer("shared", "int64", team, 0)
        own, mine = self._own(self.thread, 1)
        seen = w.let("seen", 0)
        with w.during(True):
            self._wait(seen)
            with w.when(differ(_acquired(team + ENDED), 0)):
                w.end()
            w.let(seen, call("atomic_add", team, 1) >> DOOR)
            with w.when(equal(seen & 1, 1)):
                address = w.let("table", shared[JOB // 8])
                table = self._table(address)
                w.do("call_kernel", table.walk, address, self.thread, table.threads, team)
            w.do("atomic_add", team, -1)
            clock = self._look_at_clock(own, mine)
            with w.during(both(clock < self._until(own), equal(_acquired(team + ENDED), 0))):
                w.do("usleep", REST // 2000)
                self._look_at_clock(own, mine)

    def _wait(self, seen):
        w, team = self.w, self.team
        spins = w.let("spins", 0)
        door = w.let("door", _acquired(team) >> DOOR)
        closed = either(door <= seen, equal(door & 1, 0))
        with w.during(both(spins < WAITING, closed)):
            w.do("pause")
            w.let(spins, spins + 1)
            with w.when(spins > SPINS):
                w.do("sched_yield")
            w.let(door, _acquired(team) >> DOOR)
        with w.when(closed):
            w.do("pthread_mutex_lock", team + MUTEX)
            w.let(door, _acquired(team) >> DOOR)
            with w.during(closed):
                w.do("pthread_cond_wait", team + CONDITION, team + MUTEX)
                w.let(door, _acquired(team) >> DOOR)
            w.do("pthread_mutex_unlock", team + MUTEX)


class _End(_Writer):
    parameters = "team"

    def write(self):
        w, team = self.w, self.team
        w.do("store_release", team + ENDED, 1)
        w.do("pthread_mutex_lock", team + MUTEX)
        w.do("atomic_add", team, 1 << DOOR)
        w.do("pthread_cond_broadcast", team + CONDITION)
        w.do("pthread_mutex_unlock", team + MUTEX)


_WRITERS = {"alone": _Alone, "execute": _Execute, "run": _Run, "help": _Help, "end": _End}
ROUTINES = tuple(_WRITERS)
