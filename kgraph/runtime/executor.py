"""A step as a table of entries, in memory, and the walk along it (kgraph.kernels.walk says what lies where)."""
from __future__ import annotations

import ctypes
import functools
from typing import NamedTuple

import numpy as np

from kgraph.codegen import functions
from kgraph.kernels import walk
from kgraph.kernels.walk import ENTRY, LEG, TABLE
from kgraph.runtime.memory import aligned

__all__ = ["Entry", "Table", "address", "team_words"]

_STEPS, _SCRATCH, _TEAM = map(TABLE.place, ("steps", "scratch", "team"))


def team_words(threads: int) -> np.ndarray:
    """The words of a new team of so many threads, all 0."""
    return aligned(walk.team_bytes(threads)).view(np.int64)


class Entry(NamedTuple):
    """One kernel of a step: the addresses of its code and of its argument block; its extent, in how many shares, of how
    many chunks each, and the multiples at which these begin."""

    kernel: int
    block: int
    extent: int
    grain: int
    shares: int
    chunks: int


class Table:
    """A table of Entries, to be walked by ``threads`` threads.

    status         int64[2]
    scratch_bytes  that each thread needs
    """

    def __init__(self, entries, threads: int, status, scratch_bytes: int):
        self._status = status
        legs = _legs(entries, threads)
        words = TABLE.filled(legs=len(legs), steps=1, status=status.ctypes.data, scratch=0, bytes=scratch_bytes,
                             threads=threads, walk=address("execute" if threads > 1 else "alone"), team=0)
        place = TABLE.words + LEG.words * len(legs)
        for leg in legs:
            shares, chunks = (leg[0].shares, leg[0].chunks) if threads > 1 else (1, 1)
            words += LEG.filled(entry=place, entries=len(leg), shares=shares, chunks=chunks, usual=0)
            place += ENTRY.words * len(leg)
        for e in entries:
            words += ENTRY.filled(kernel=e.kernel, block=e.block, extent=e.extent, grain=e.grain)
        self._array = np.array(words, np.int64)
        self._words = memoryview(self._array)
        self._address = self._array.ctypes.data
        self._call = _runner()

    def run(self, scratch: int, steps: int = 1, team_address: int = 0):
        """Walk it so many times, together with the team that has these words.

        scratch  the address of scratch_bytes for each thread
        """
        words = self._words
        words[_STEPS], words[_SCRATCH], words[_TEAM] = steps, scratch, team_address
        self._call(self._address)


def _legs(entries, threads: int) -> list:
    """The entries of each leg."""
    legs: list = []
    for entry in entries:
        if legs and (threads == 1 or entry.shares == legs[-1][-1].shares == 1):
            legs[-1].append(entry)
        else:
            legs.append([entry])
    return legs


@functools.cache
def _runner():
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address("run"))


def address(name: str) -> int:
    """The address of one of kgraph.kernels.walk.ROUTINES."""
    return functions.address(walk.function(name))
