"""What processes say to each other about tables of which each holds some rows: see kgraph.compiler.prims.collective."""
from __future__ import annotations

import numpy as np

__all__ = ["Tables"]

COUNTS, ROWS, WANTED, GIVEN, UPDATES, QUESTION, ANSWER = range(7, 14)  # why something is sent
DONE = -1


class Tables:
    """Of a World, which sends and receives."""

    def __init__(self, world):
        self._world = world

    @property
    def _others(self) -> list:
        return self._world.others

    def gather_rows(self, rows, result):
        """Write the whole table into the result."""
        world, each = self._world, len(rows)
        bounds = [slice(min(i * each, len(result)), min((i + 1) * each, len(result))) for i in range(world.size)]
        mine = rows[:bounds[world.rank].stop - bounds[world.rank].start]
        result[bounds[world.rank]] = mine
        world.exchange_some(ROWS, dict.fromkeys(self._others, mine), {i: result[bounds[i]] for i in self._others})

    def take_rows(self, tables, indices, results):
        """Write the rows with those numbers, of each table, into its result."""
        ways = _ways(self._world, indices, [len(rows) for rows in tables])
        wanted = self._swap(WANTED, lambda i: [way.places(i) for way in ways],
                            lambda i: [np.empty(way.for_me[i], way.dtype) for way in ways])
        found = self._swap(GIVEN, lambda i: [rows[w] for rows, w in zip(tables, wanted[i])],
                           lambda i: [result[way.bounds[i]] for way, result in zip(ways, results)])
        for way, result, parts in zip(ways, results, zip(*found)):
            result[way.order] = np.concatenate(parts)

    def send_rows(self, indices, updates, places, given, each):
        """Write what all processes have for the rows of this one, of each table, into its places and given."""
        ways = _ways(self._world, indices, each)
        ordered, results = [u[way.order] for way, u in zip(ways, updates)], [*places, *given]
        found = self._swap(UPDATES, lambda i: [*(way.places(i) for way in ways),
                                               *(u[way.bounds[i]] for way, u in zip(ways, ordered))],
                           lambda i: [r[:way.for_me[i]] for way, r in zip(2 * ways, results)])
        for result, parts in zip(results, zip(*found)):
            came = np.concatenate(parts)
            result[:len(came)], result[len(came):] = came, 0

    def _swap(self, why, give, like) -> list:
        """What each process has for this one, which has the arrays give(i) for it; like(i): arrays such as it sends.
        All that goes to one process travels as one."""
        others = self._others
        likes = {i: like(i) for i in others}
        came = {i: np.empty(sum(a.nbytes for a in arrays), np.uint8) for i, arrays in likes.items()}
        self._world.exchange_some(why, {i: _packed(give(i)) for i in others}, came)
        found = {i: _unpacked(came[i], arrays) for i, arrays in likes.items()} | {
            self._world.rank: give(self._world.rank)}
        return [found[i] for i in range(self._world.size)]

    # --- what process 0 asks for: kgraph.tables.first_does ------------------------------------------------------------

    def ask(self, table, owner, start, stop) -> np.ndarray:
        """Rows from start to stop of those that a process holds."""
        if owner == self._world.rank:
            return table.home.buffer[start:stop]
        result = np.empty_like(table.home.buffer[start:stop])
        self._world.exchange_some(QUESTION, {owner: np.array([table.number, start, stop])}, {})
        self._world.exchange_some(ANSWER, {}, {owner: result})
        return result

    def answer(self, rows_of):
        """Send process 0 what it asks for, until it is done. rows_of: number of a table -> the rows of this process."""
        question = np.empty(3, np.int64)
        while True:
            self._world.exchange_some(QUESTION, {}, {0: question})
            number, start, stop = question.tolist()
            if number == DONE:
                return
            self._world.exchange_some(ANSWER, {0: rows_of(number)[start:stop]}, {})

    def end_asking(self):
        """Let the others go on."""
        self._world.exchange_some(QUESTION, dict.fromkeys(self._others, np.array([DONE, 0, 0])), {})


def _packed(arrays) -> np.ndarray:
    return np.concatenate([np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in arrays])


def _unpacked(data, like) -> list:
    """The arrays that were packed, of which each is as one of those."""
    stops = np.cumsum([a.nbytes for a in like]).tolist()
    return [data[stop - a.nbytes:stop].view(a.dtype).reshape(a.shape) for a, stop in zip(like, stops)]


def _ways(world, numbers, each) -> list:
    """A _Way for each table: where the rows are that this process has numbers of, each process holding so many."""
    ways = [_Way(world, *pair) for pair in zip(numbers, each)]
    counts = world.gather_array(COUNTS, np.stack([way.counts for way in ways]))
    for place, way in enumerate(ways):
        way.for_me = [int(count[place, world.rank]) for count in counts]
    return ways


class _Way:
    """From rows of a table, as a batch numbers them, to the processes that hold ``each`` of them.

    order   of the numbers, so that those of one process come together
    counts  how many are of each process
    bounds  where those are, for each process
    for_me  how many each process wants of this one
    """

    def __init__(self, world, numbers, each):
        owners = numbers // each
        self.order = np.argsort(owners, kind="stable")
        self.counts = np.bincount(owners, minlength=world.size)
        stops = np.cumsum(self.counts).tolist()
        self.bounds = [slice(stop - n, stop) for stop, n in zip(stops, self.counts.tolist())]
        self._sorted, self._each = numbers[self.order], each
        self.dtype = numbers.dtype

    def places(self, process) -> np.ndarray:
        """Of the rows that are wanted of a process, among those that it holds."""
        return self._sorted[self.bounds[process]] - self.dtype.type(process * self._each)
