"""The walk along a step by its loop nests, interpreted: who is alone, and who is in a team whose helpers are late."""
import numpy as np
import pytest

from kgraph.compiler.loopnest.builder import Builder
from kgraph.compiler.loopnest.interpret import handle, run
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.loopnest.verify import verify_nest
from kgraph.kernels import walk
from kgraph.kernels.walk import ENTRY, LEG, TABLE, THREAD

STEPS, SCRATCH = 3, 512


def kernel():
    """Adds 1 to each number of its share, counts its calls behind them, and says which scratch it was given."""
    w = Builder()
    args, lo, hi, scratch = w.given
    numbers = w.buffer("numbers", "int64", call("word", args, 0), 0)
    with w.loop("i", lo, hi) as i:
        w.store(numbers[i], numbers[i] + 1)
    with w.when(lo < hi):
        w.store(numbers[call("word", args, 1)], numbers[call("word", args, 1)] + 1)
    w.store(numbers[call("word", args, 1) + 1], scratch)
    return w.nest("kernel")


class Step:
    """Legs of (extents, grain, shares, chunks), each extent a kernel over numbers of its own."""

    def __init__(self, legs, threads):
        self.numbers = [[np.zeros(n + 2, np.int64) for n in extents] for extents, *_ in legs]
        self.status, self.keep, self.nest = np.zeros(2, np.int64), [], kernel()
        words = TABLE.filled(legs=len(legs), steps=STEPS, status=self.status.ctypes.data, scratch=SCRATCH, bytes=64,
                             threads=threads, walk=0, team=0)
        place, entries = TABLE.words + LEG.words * len(legs), []
        for (extents, grain, shares, chunks), made in zip(legs, self.numbers):
            words += LEG.filled(entry=place + len(entries), entries=len(extents), shares=shares, chunks=chunks, usual=0)
            for n, numbers in zip(extents, made):
                self.keep.append(np.array([numbers.ctypes.data, n]))
                entries += ENTRY.filled(kernel=handle(self.nest), block=self.keep[-1].ctypes.data, extent=n,
                                        grain=grain)
        self.table = np.array([*words, *entries], np.int64)

    def walk(self, name, *rest):
        run(verify_nest(walk.function(name).nest), self.table.ctypes.data, *rest)

    def check(self, calls, scratch):
        for made, counts in zip(self.numbers, calls, strict=True):
            for numbers, count in zip(made, counts, strict=True):
                np.testing.assert_array_equal(numbers[:-2], STEPS)
                assert numbers[-2] == STEPS * count and numbers[-1] == scratch


def test_alone():
    step = Step([((5, 3), 1, 1, 1), ((37,), 4, 1, 1)], 1)
    step.walk("alone", 0, 1, 0)
    step.check([(1, 1), (1,)], SCRATCH)


@pytest.mark.parametrize("thread", [0, 1])
def test_who_finds_no_helpers_does_all_chunks(thread):
    """Chunks begin at multiples of the grain, and each is done once; a short extent has fewer of them."""
    threads = 2
    step = Step([((37,), 4, 2, 3), ((5, 3), 1, 1, 1), ((3,), 2, 2, 2)], threads)
    team = np.zeros(walk.team_bytes(threads) // 8, np.int64)
    nexts = (walk.THREADS + walk.OWN * threads) // 8
    team[nexts] = int(thread == 0)   # the first thread takes the first chunk of its share without asking
    team[0] = 1 << walk.DOOR
    step.walk("execute", thread, threads, team.ctypes.data)
    step.check([(6,), (1, 1), (2,)], SCRATCH + 64 * thread)
    assert team[nexts] >> walk.LEG_BITS == 3 * STEPS and team[walk.DONE // 8] == 0


@pytest.mark.parametrize("name", ["alone", "execute"])
def test_what_is_reported_ends_the_walk(name):
    step = Step([((5,), 1, 1, 1), ((3,), 1, 1, 1)], 1)
    step.status[0] = 7
    team = np.zeros(walk.team_bytes(1) // 8, np.int64)
    team[(walk.THREADS + walk.OWN) // 8] = 1
    step.walk(name, 0, 1, team.ctypes.data)
    assert not any(numbers.any() for made in step.numbers for numbers in made)


def test_who_rests_takes_no_chunk():
    step = Step([((5,), 1, 1, 1)], 2)
    team = np.zeros(walk.team_bytes(2) // 8, np.int64)
    team[(walk.THREADS + walk.OWN) // 8 + THREAD.place("until")] = 1 << 62
    step.walk("execute", 1, 2, team.ctypes.data)
    assert not step.numbers[0][0].any()
