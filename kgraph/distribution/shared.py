"""Shared: sums by processes of one machine, in memory that all of them see (MPI's shared windows).

Nothing is sent. Processes meet: each counts up a number that the others look at, and goes on when all have. What is
small each writes where all read it, and all join it themselves, after one meeting. Of what is large each process joins
a part, in the order of the processes, and after a second meeting all parts are there.
"""
from __future__ import annotations

import os

import numpy as np

from kgraph.compiler.dims import LINE, in_lines
from kgraph.compiler.prims.collective import LARGE
from kgraph.runtime.memory import address_of

__all__ = ["Shared"]

CODES = 1 << 20    # kinds of meetings that are told apart
PLACES = "/dev/shm"  # where libraries of MPI have such memory
MARGIN = 1 << 20   # bytes that are left there


class Shared:
    """Of a World whose processes are all on one machine.

    placed   memory for arrays that programs have in it from the start: see `room`
    works    whether the machine has such memory
    """

    def __init__(self, world, mpi, messages):
        self._world, self._count = world, 0
        make = lambda: _Memory(world, mpi, messages)
        self._mail, self._passing, self.placed, self._flags = make(), make(), make(), make()
        self.works = self._flags.ensure(LINE)  # what one process writes keeps off what another does
        self._seen = [memoryview(part).cast("q") for part in self._flags.parts[:-1]]

    def room(self, nbytes: int):
        """(memory of this process, memory of all) for arrays that are exchanged and what comes of them, at the same
        places in both; None: there is not so much. All processes ask for it together."""
        return (self.placed.own, self.placed.common) if self.placed.ensure(nbytes) else None

    def exchange(self, arrays, joins, results) -> bool:
        """As `World.exchange`, of contiguous arrays; False: there is not enough memory."""
        small = [i for i, a in enumerate(arrays) if a.nbytes < LARGE]
        large = [(arrays[i], joins[i], results[i]) for i, a in enumerate(arrays) if a.nbytes >= LARGE]
        total = sum(arrays[i].nbytes for i in small)
        copied = sum(in_lines(a.nbytes) for a, *_ in large if not self._lies(a))
        if not (self._mail.ensure(2 * total) and self._passing.ensure(copied)):
            return False
        start = self._mail.size // 2 * (self._count % 2)  # who comes later may still read what was there last time
        at = start
        for i in small:
            self._mail.own[at:at + arrays[i].nbytes] = arrays[i].reshape(-1).view(np.uint8)
            at += arrays[i].nbytes
        placed = self._place(large)
        self.meet(total + copied + len(arrays))
        self._join_small([(arrays[i], joins[i], results[i]) for i in small], start)
        if large:
            self._join_large(placed)
        return True

    def _join_small(self, small, at):
        for array, join, result in small:
            parts = [m[at:at + array.nbytes].view(array.dtype).reshape(array.shape) for m in self._mail.parts[:-1]]
            join_in_order(parts, join, result)
            at += array.nbytes

    def _place(self, large) -> list:
        """Write large arrays where all see them, but for this process's own part, which it alone reads. Gives for each
        (arrays of all processes, what they give, the own part, how, result)."""
        world, at, found = self._world, 0, []
        for array, join, result in large:
            lies = self._lies(array)
            memory, start = (self.placed, self.placed.offset(array)) if lies else (self._passing, at)
            *given, total = (m[start:start + array.nbytes].view(array.dtype) for m in memory.parts)
            bounds, array = world.bounds(array.size), array.reshape(-1)
            if not lies:
                at += in_lines(array.nbytes)
                for i in world.others:
                    given[world.rank][bounds[i]] = array[bounds[i]]
                given[world.rank] = array  # where its own part is
            found.append((given, total, bounds[world.rank], join, result.reshape(-1)))
        return found

    def _join_large(self, placed):
        for given, total, own, join, _ in placed:
            join_in_order([part[own] for part in given], join, total[own])
        self.meet(len(placed))
        for _, total, _, _, result in placed:
            if address_of(result) != address_of(total):
                result[...] = total

    def _lies(self, array) -> bool:
        return self.placed.holds(array)

    def meet(self, code: int):
        """Wait for all processes. code: what is the same on all that do the same.

        Raises RuntimeError where it is not, TimeoutError, naming who is missing.
        """
        world, self._count = self._world, self._count + 1
        place, word, late = self._count % 2, self._count * CODES + code % CODES, list(world.others)
        self._flags.sync()  # what was written before is seen before the number
        self._seen[world.rank][place] = word
        self._flags.sync()
        seen, count = self._seen, self._count

        def all_there():
            while late and seen[late[-1]][place] // CODES >= count:
                late.pop()
            return not late
        world.wait(all_there, lambda: [i for i in late if seen[i][place] // CODES < count])
        self._flags.sync()
        other = next((i for i in world.others if seen[i][place] != word), None)
        if other is not None:
            raise RuntimeError(f"process {world.rank} on {world.hosts[world.rank]}: expected all processes to exchange "
                               f"the same, received something else from process {other} on {world.hosts[other]}: does "
                               "the program do something else on one of them?")


class _Memory:
    """A part of each process, ``own`` that of this one, and a ``common`` one; each has ``size`` bytes, as many as were
    needed so far."""

    def __init__(self, world, mpi, messages):
        self._world, self._mpi, self._messages = world, mpi, messages
        self._window, self.size, self.parts, self.start = None, 0, [], 0

    @property
    def own(self) -> np.ndarray:
        return self.parts[self._world.rank]

    @property
    def common(self) -> np.ndarray:
        return self.parts[-1]

    def ensure(self, nbytes: int) -> bool:
        """Have so much of it. All processes ask for the same; false where the machine has not so much."""
        if nbytes <= self.size:
            return True
        size, processes = nbytes + -nbytes % 4096, self._messages.size
        whole = size * (processes + 1)
        if min(self._world.gather(_free())) < whole + MARGIN:  # all are there, and within the time limit
            return False
        if self._window is not None:
            self._window.Unlock_all()
            self._window.Free()
        self._window = self._mpi.Win.Allocate_shared(whole if self._messages.rank == 0 else 0, 1, comm=self._messages)
        self._window.Lock_all()
        memory, self.size = np.frombuffer(self._window.Shared_query(0)[0], np.uint8), size
        self.parts = [memory[at:at + size] for at in range(0, whole, size)]
        self.start = address_of(self.own)
        return True

    def holds(self, array) -> bool:
        """Whether an array lies in the own part."""
        return self.start <= address_of(array) < self.start + self.size

    def offset(self, array) -> int:
        return address_of(array) - self.start

    def sync(self):
        self._window.Sync()


def join_in_order(parts, join, result):
    """Write the parts into the result, joined in their order."""
    if len(parts) == 1:
        result[...] = parts[0]
        return
    join(parts[0], parts[1], out=result)
    for part in parts[2:]:
        join(result, part, out=result)


def _free() -> int:
    """Bytes that are left for such memory."""
    try:
        found = os.statvfs(PLACES)
    except (OSError, AttributeError):
        return 1 << 62
    return found.f_bavail * found.f_frsize
