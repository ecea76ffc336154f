"""Batches that are read as they are asked for, again in every pass."""
from __future__ import annotations

import itertools

import numpy as np

from kgraph import ops, tree
from kgraph.compiler.ir import TensorLike

__all__ = ["Dataset", "as_tensor", "row_numbers"]


class Dataset:
    """Batches: tensors, or tuples of tensors, which fit, evaluate, predict and adapt take.

    map, take, skip, shuffle, cache and prefetch give other datasets. class_names and file_paths, where files were read,
    are attributes of the dataset that the reading function returned.

    Args:
        read: a function that begins a pass: it gives an iterator
        count: the number of batches in a pass
    """

    class_names = file_paths = None

    def __init__(self, read, count: int):
        self._read, self._count = read, count

    def __iter__(self):
        return iter(self._read())

    def __len__(self):
        return self._count

    def cardinality(self) -> int:
        """The number of batches."""
        return self._count

    def map(self, function, num_parallel_calls=None, deterministic=None):
        """The results of a function of each batch; of a tuple it gets the parts."""
        call = lambda batch: function(*batch) if isinstance(batch, tuple) else function(batch)
        return Dataset(lambda: map(call, self), self._count)

    def take(self, count):
        """The first batches; -1 for all."""
        count = self._count if count < 0 else min(count, self._count)
        return Dataset(lambda: itertools.islice(self, count), count)

    def skip(self, count):
        """What comes after the first batches; -1 for nothing."""
        count = self._count if count < 0 else min(count, self._count)
        return Dataset(lambda: itertools.islice(self, count, None), self._count - count)

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True):
        """The batches in random order: each is drawn from the next buffer_size; another order in every pass."""
        if buffer_size < 1:
            raise ValueError(f"shuffle: expected buffer_size of at least 1, received {buffer_size!r}")
        passes, seed = itertools.count(), np.random.SeedSequence(seed).entropy
        key = lambda: (seed, next(passes) if reshuffle_each_iteration else 0)
        return Dataset(lambda: _drawn(iter(self), buffer_size, np.random.default_rng(key())), self._count)

    def cache(self, filename=""):
        """Keeps in memory what the first whole pass gave."""
        if filename:
            raise ValueError(f"cache: expected no file name: batches are kept in memory, received {filename!r}")
        kept = []

        def read():
            if not kept and self._count:
                found = []
                for batch in self:
                    found.append(batch)
                    yield batch
                kept[:] = found
            else:
                yield from kept
        return Dataset(read, self._count)

    def prefetch(self, buffer_size=None):
        """The dataset itself: fit reads ahead anyway."""
        return self

    def as_numpy_iterator(self):
        """The batches as NumPy arrays."""
        as_array = lambda x: x.numpy() if isinstance(x, TensorLike) else x
        return (tree.map_structure(as_array, batch) for batch in self)


def _drawn(items, size, rng):
    buffer = list(itertools.islice(items, size))
    for item in items:
        place = rng.integers(len(buffer))
        yield buffer[place]
        buffer[place] = item
    yield from (buffer[i] for i in rng.permutation(len(buffer)))


def row_numbers(count, batch_size, shuffle, seed) -> Dataset:
    """Arrays of row numbers below count, batch_size in each; without one, a number at a time. The order of a shuffled
    one is as Keras has it: drawn from the next eight batches, or 1024 rows."""
    rows = Dataset(lambda: iter(range(count)), count)
    if shuffle:
        rows = rows.shuffle(1024 if batch_size is None else 8 * batch_size, seed)
    if batch_size is None:
        return rows
    if batch_size < 1:
        raise ValueError(f"batch_size: expected None or at least 1, received {batch_size!r}")

    def read():
        items = iter(rows)
        while batch := list(itertools.islice(items, batch_size)):
            yield np.array(batch)
    return Dataset(read, -(-count // batch_size))


def as_tensor(x):
    """A tensor of an array; text stays an array of str."""
    is_text = isinstance(x, str) or isinstance(x, np.ndarray) and x.dtype.kind == "O"
    return x if is_text else ops.convert_to_tensor(x)
