"""What training asks of the other processes that train the same model. Alone there are none, and ``world`` is None.

Every process runs the same program. Of each batch it has some rows; kgraph.compiler.split makes of a step one that
computes what all rows together give. `kgraph.distribution` sets the world, which has:

    rank, size      the number of this process, and how many there are
    auto_shard      whether all are given the same data, of which each takes its part; else what each is given is its
                    own
    gather(value)   the Python values of all processes, in their order
    gather_rows(array)     arrays of all processes one after the other
    broadcast(arrays)      overwrite arrays by those of the first process
"""
from __future__ import annotations

import zlib

import numpy as np

from kgraph import tree

__all__ = ["agree", "any_of", "check_same", "count", "gathered", "is_first", "lockstep", "most", "own_part",
           "own_rows", "same_start", "shards", "share", "sizes", "together"]

CHECK_EVERY = 100  # steps after which the processes compare their variables


class _Together:
    """The processes; None: this one is alone."""

    world = None


together = _Together()


def is_first() -> bool:
    """Whether this process writes files and bars."""
    return together.world is None or together.world.rank == 0


def count() -> int:
    """How many processes there are."""
    return 1 if together.world is None else together.world.size


def shards() -> tuple:
    """(how many parts the data are shared into, the number of that of this process)."""
    world = together.world
    return (world.size, world.rank) if world is not None and world.auto_shard else (1, 0)


def share(rows: int) -> tuple:
    """First and last of so many rows of a batch that this process has."""
    count, number = shards()
    return rows * number // count, rows * (number + 1) // count


def agree(value):
    """The value that the first process has."""
    return value if together.world is None else together.world.gather(value)[0]


def any_of(flag: bool) -> bool:
    """Whether it holds on any process."""
    return flag if together.world is None else any(together.world.gather(bool(flag)))


def most(number):
    """The largest of the numbers that the processes have."""
    return number if together.world is None else max(together.world.gather(number))


def own_part(data):
    """The rows of a batch, which every process was given, that this one has."""
    if together.world is None or not together.world.auto_shard:
        return data
    part = lambda a: None if a is None else a[slice(*share(a.shape[0]))]
    return tree.map_structure(part, data)


def gathered(data):
    """A batch with the rows of all processes."""
    if together.world is None:
        return data
    return tree.map_structure(lambda a: None if a is None else together.world.gather_rows(a), data)


def sizes(rows: int) -> dict:
    """The sizes of a step in which this process has so many rows: see kgraph.compiler.split."""
    if together.world is None:
        return {"B": rows}
    counts = together.world.gather(rows)
    return {"B": rows, "B_all": sum(counts), "B_first": sum(counts[:together.world.rank])}


def own_rows(order, bounds, rows) -> tuple:
    """(row numbers of this process in their order, sizes of each step) for batches of rows order[start:stop].

    rows: how many there are; bounds: (start, stop) of each batch, as many on every process.
    """
    world = together.world
    order = np.arange(rows, dtype="int32") if order is None else order
    if world is None:
        parts, found = [(bounds[0][0], bounds[-1][1])], [{"B": b - a} for a, b in bounds]
    elif world.auto_shard:
        parts = [(a + share(b - a)[0], a + share(b - a)[1]) for a, b in bounds]
        found = [{"B": stop - start, "B_all": b - a, "B_first": start - a}
                 for (start, stop), (a, b) in zip(parts, bounds)]
    else:
        parts, found = bounds, []
        for counts in zip(*world.gather([b - a for a, b in bounds])):
            found.append({"B": counts[world.rank], "B_all": sum(counts), "B_first": sum(counts[:world.rank])})
    return np.concatenate([order[a:b] for a, b in parts]), found


def lockstep(batches):
    """The batches, and empty ones as long as another process has some: every process takes part in every step."""
    if together.world is None:
        yield from batches
        return
    batches, like = iter(batches), None
    while True:
        data = next(batches, None)
        like = data if data is not None else like
        picture = None if like is None else tree.map_structure(_empty, like)
        there = together.world.gather((data is not None, picture))
        if not any(has for has, _ in there):
            return
        if data is None:
            data = picture if picture is not None else next(p for has, p in there if has)
        yield data


def _empty(array):
    return None if array is None else np.empty((0, *array.shape[1:]), array.dtype)


def same_start(variables):
    """Give variables the values that they have in the first process."""
    if together.world is not None:
        shared = [v for v in variables if not v.apart]
        together.world.broadcast([v.buffer for v in shared])
        for v in shared:
            v.wrote()


def check_same(find):
    """Raise RuntimeError, naming the first variable of which processes have different values."""
    world = together.world
    if world is None:
        return
    variables = [v for v in find() if not v.apart]
    digests = world.gather([zlib.crc32(np.ascontiguousarray(v.buffer).view(np.uint8).reshape(-1)) for v in variables])
    for variable, found in zip(variables, zip(*digests)):
        if len(set(found)) > 1:
            other = next(i for i, digest in enumerate(found) if digest != found[0])
            raise RuntimeError(f"variable {variable.path} differs between process 0 and process {other}: expected the "
                               "same on all. Does the program do something else on one of them?")
