"""Where batches come from: arrays, data sets with a length, and anything that can be iterated over.

A source has `steps` (batches an epoch, or None), `batches(turn)` (an iterator of what a step gets, for epoch number
`turn` from 0 of this source), `ended` (whether nothing can come any more) and `on_epoch_end()`. What a step gets is x,
(x, y) or (x, y, sample_weight), as Keras has it. Arrays can also be handed over whole: see Arrays.
"""
from __future__ import annotations

import inspect
import itertools
import math
import warnings
from functools import partial

import numpy as np

from kgraph import tree
from kgraph.compiler.ir import TensorLike
from kgraph.config import limited
from kgraph.naming import check_keywords, warn_at_user
from kgraph.training import processes
from kgraph.training.arrays import SparseRows, as_arrays, is_file, is_foreign, is_plain, standardize

__all__ = ["Arrays", "Iterable", "Prepared", "PyDataset", "Sequence", "Sequences", "make_source",
           "pack_x_y_sample_weight", "parts_of", "split", "unpack", "unpack_x_y_sample_weight"]


class PyDataset:
    """A data set that gives batch number i with ``self[i]``: (x, y) or (x, y, sample_weight). Also called Sequence.

    Subclasses define ``__getitem__`` and ``__len__`` (or ``num_batches``), and may define ``on_epoch_end``.

    Args:
        workers: how many batches are prepared at the same time (0 or 1: when they are needed)
        use_multiprocessing: prepare them in processes rather than threads
        max_queue_size: how many prepared batches may wait
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index)")

    @property
    def num_batches(self):
        """Batches an epoch; None: without end."""
        return len(self) if hasattr(self, "__len__") else None

    def on_epoch_begin(self):
        """Before each epoch."""

    def on_epoch_end(self):
        """After each epoch."""

    def __iter__(self):
        for i in range(self.num_batches):
            yield self[i]


Sequence = PyDataset


class Prepared(list):
    """What a model that begins with text has made of its inputs: the arrays with which its compiled part begins."""


# -- arrays


class Source:
    """What sources share. name: the method that reads it, for messages; steps: batches an epoch, as asked for.

    Where steps were asked for, an epoch goes on where the one before it ended. One that comes to the end of the data is
    shorter, which is said once, and the next begins the data anew.
    """

    batch_size = None
    in_memory = False
    ended = False

    def __init__(self, name, steps):
        self.name = name
        self.steps = steps
        self._said = False

    def span(self, count, turn):
        """(how often the data were gone through before, first and last of their `count` batches) of an epoch."""
        lap, part = divmod(turn, math.ceil(count / self.steps))
        start = part * self.steps
        stop = min(start + self.steps, count)
        if stop - start < self.steps:
            self.say_short(stop - start, turn)
        return lap, start, stop

    def say_short(self, done, turn):
        """Warn, once, of an epoch with fewer batches than were asked for."""
        if self._said:
            return
        self._said = True
        wanted = f"expected {self.steps} batches an epoch, received {done}" if self.steps else "no batch is left"
        then = "A generator can be read once: training ends" if self.ended else "The next epoch begins the data anew"
        warn_at_user(f"{self.name}: the data ended early: {wanted}"
                     + (f" in epoch {turn + 1}. {then}." if self.name == "fit" else ""))

    def on_epoch_end(self):
        """Nothing to do."""


class Arrays(Source):
    """x, y and weights held whole, cut into batches.

    Args:
        steps: batches an epoch; without a batch_size, the rows are spread over them
        shuffle: False, True (rows in another order each time) or "batch" (whole batches in another order, rows inside
            them together: for files)
        seed: the order of a walk through the data follows from (seed, its number) alone, so that an interrupted run can
            go on where it was
    """

    def __init__(self, x, y=None, sample_weight=None, batch_size=None, shuffle=False, seed=0, steps=None, name="fit"):
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.data = pack_x_y_sample_weight(x, y, sample_weight)
        self.leaves = [a for a in tree.flatten((x, y, sample_weight)) if a is not None]
        self.rows = _common_length(x, y, sample_weight)
        self.batch_size = batch_size or (math.ceil(self.rows / steps) if steps else 32)
        self.count = processes.most(math.ceil(self.rows / self.batch_size))
        super().__init__(name, steps or self.count)
        self.shuffle = shuffle
        self.seed = seed
        self.in_memory = all(isinstance(a, np.ndarray) for a in self.leaves)
        if shuffle is True and not all(isinstance(a, (np.ndarray, SparseRows)) for a in self.leaves):
            warnings.warn("shuffle=True reads single rows of a file all over the place, which is slow; "
                          "shuffle='batch' reads it in slices", stacklevel=3)

    def epoch(self, turn=0) -> tuple:
        """(int32 row numbers in their order, sizes of each batch) of an epoch: those of this process."""
        lap, start, stop = self.span(self.count, turn)
        return processes.own_rows(self._order(lap), self.bounds(start, stop), self.rows)

    def _order(self, lap):
        if not self.shuffle:
            return None
        rng = np.random.default_rng((self.seed, lap))
        if self.shuffle != "batch":
            return rng.permutation(self.rows).astype("int32")
        full = self.rows // self.batch_size
        starts = rng.permutation(full) * self.batch_size
        rows = (starts[:, None] + np.arange(self.batch_size)).ravel()
        return np.concatenate([rows, np.arange(full * self.batch_size, self.rows)]).astype("int32")

    def bounds(self, start, stop) -> list:
        """(first and last row) of each of these batches."""
        ends = [min(i * self.batch_size, self.rows) for i in range(start, stop + 1)]
        return list(zip(ends, ends[1:]))

    def batches(self, turn=0):
        lap, *batches = self.span(self.count, turn)
        order = self._order(lap)
        for first, last in self.bounds(*batches):
            start, stop = (first + n for n in processes.share(last - first))
            rows = slice(start, stop) if order is None else order[start:stop]
            yield tree.map_structure(partial(_rows, rows=rows), self.data)


def _rows(array, rows):
    if array is None:
        return None
    if isinstance(array, np.ndarray) or isinstance(rows, slice):
        return standardize(array[rows])
    if np.all(np.diff(rows) == 1):
        return standardize(array[int(rows[0]):int(rows[-1]) + 1] if len(rows) else array[:0])
    sorted_rows, back = np.unique(rows, return_inverse=True)  # files want ascending row numbers
    return standardize(array[sorted_rows])[back]


def _common_length(x, y, weight):
    sizes = {}
    for name, part in (("x", x), ("y", y), ("sample_weight", weight)):
        for path, a in tree.flatten_with_path(part) if part is not None else ():
            if a is not None:
                where = "".join(f"[{k!r}]" for k in path)
                if len(a.shape) == 0:
                    raise ValueError(f"{name}{where}: expected an array with a batch axis, received a scalar")
                sizes[name + where] = a.shape[0]
    if len(set(sizes.values())) > 1:
        raise ValueError("expected arrays of one length, received "
                         + ", ".join(f"{name} of length {n}" for name, n in sizes.items()))
    length = next(iter(sizes.values()), 0)
    if not length:
        raise ValueError("expected at least one sample, received none")
    return length


def as_data(x, y=None, sample_weight=None):
    """What a step gets for a batch: arrays, packed."""
    return pack_x_y_sample_weight(as_arrays(x), as_arrays(y, "y"), as_arrays(sample_weight, "sample_weight"))


def split(x, y, sample_weight, fraction):
    """The arrays without their last `fraction`, and that part: ((x, y, w), (x, y, w)). Before any shuffling."""
    if not isinstance(fraction, (int, float, np.number)) or not 0 < fraction < 1:
        raise ValueError(f"validation_split: expected a number between 0 and 1, received {fraction!r}")
    rows = _common_length(x, y, sample_weight)
    at = math.floor(rows * (1.0 - fraction))
    if at == 0 or at == rows:
        raise ValueError(f"validation_split={fraction} of {rows} samples leaves none to "
                         f"{'train on' if at == 0 else 'validate with'}")
    some = lambda a, s: None if a is None else a.part(s) if isinstance(a, SparseRows) else a[s]
    cut = lambda part, s: None if part is None else tree.map_structure(lambda a: some(a, s), part)
    head, tail = slice(None, at), slice(at, None)
    return tuple(cut(p, head) for p in (x, y, sample_weight)), tuple(cut(p, tail) for p in (x, y, sample_weight))


# -- what gives batches itself


def unpack(data):
    """(x, y, sample_weight) from what a generator or data set gave. Raises ValueError for anything else.

    Args:
        data: a batch.

    Returns:
        (x, y, sample_weight), None for what is missing.
    """
    if isinstance(data, (tuple, list)) and not is_plain(data):
        if len(data) not in (1, 2, 3):
            raise ValueError("a batch: expected (x,), (x, y) or (x, y, sample_weight), received a "
                             f"{type(data).__name__} of {len(data)}")
        return (*data, None, None)[:3]
    return data, None, None


unpack_x_y_sample_weight = unpack


def parts_of(data) -> tuple:
    """(x, y, sample_weight) of what a step gets; of a longer tuple, which only a step of one's own takes, the first."""
    return (*data, None, None)[:3] if isinstance(data, tuple) else (data, None, None)


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """A batch as a generator gives it: x, or (x,) where x is several inputs; (x, y); (x, y, sample_weight).

    Args:
        x, y, sample_weight: parts of a batch; those that are None are left out.

    Returns:
        A tuple, or x alone.
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (tuple, list)) else x


class Iterable(Source):
    """Batches from a generator, a loader, or anything else with an iterator.

    Args:
        steps: batches an epoch; None: as many as it gives. A generator goes on where it was in the next epoch, and when
            it has ended so has the source; anything else is started again.
    """

    def __init__(self, source, steps=None, weigh=None, convert=None, name="fit"):
        self.shards, self.shard = processes.shards()
        length = _length(source)
        super().__init__(name, steps if steps is not None or length is None else math.ceil(length / self.shards))
        if self.shards > 1 and hasattr(source, "shard"):
            source, self.shards, self.shard = source.shard(self.shards, self.shard), 1, 0
        self.source = source
        self.convert = convert
        self.bound = steps
        self.weigh = weigh
        self._iterator = None
        self._given = False  # whether a batch has come
        self.once = inspect.isgenerator(source) or iter_is_itself(source)

    def batches(self, turn=0):
        if self._iterator is None or (not self.once and self.bound is None):
            self._iterator = iter(self.source)
        done = 0
        while self.bound is None or done < self.bound:
            items = self._round()
            if items[0] is _END and done == 0 and not self.once:  # the epoch before it took the last
                self._iterator = iter(self.source)
                items = self._round()
            item = items[self.shard]
            if item is _END:
                self._end(turn, done)
                return
            self._given = True
            yield _batch(item, self.weigh, self.convert)
            done += 1

    def _round(self) -> list:
        """The items of a step: one for each process."""
        return [next(self._iterator, _END) for _ in range(self.shards)]

    def _end(self, turn, done):
        self.ended = self.once
        if not self._given and processes.together.world is None:
            raise ValueError(f"{self.name}: the data has no batches: a generator can be read once")
        if self.bound is not None or done == 0:
            self.say_short(done, turn)
        self._iterator = self._iterator if self.once else None


_END = object()


class Sequences(Source):
    """Batches from a PyDataset, prepared by its workers."""

    def __init__(self, source, steps=None, shuffle=False, seed=0, weigh=None, convert=None, name="fit"):
        self.source = source
        self.convert = convert
        count = getattr(source, "num_batches", None)
        self.count = len(source) if count is None and hasattr(source, "__len__") else count
        if self.count == 0:
            raise ValueError(f"{type(source).__name__}: expected at least one batch, received a length of 0")
        self.shards, self.shard = processes.shards()
        rounds = self.count and math.ceil(self.count / self.shards)
        super().__init__(name, steps or rounds)
        self.shuffle = shuffle and self.count is not None
        self.seed = seed
        self.weigh = weigh

    def _indices(self, turn):
        own = slice(self.shard, None, self.shards)
        if self.count is None:
            every = self.steps and range(turn * self.steps * self.shards, (turn + 1) * self.steps * self.shards)
            return itertools.count(self.shard, self.shards) if every is None else every[own]
        lap, start, stop = self.span(math.ceil(self.count / self.shards), turn)
        order = range(self.count)
        if self.shuffle:
            order = np.random.default_rng((self.seed, lap)).permutation(self.count).tolist()
        return order[start * self.shards:stop * self.shards][own]

    def batches(self, turn=0):
        from kgraph.training.prefetch import prepared
        if hasattr(self.source, "on_epoch_begin"):
            self.source.on_epoch_begin()
        for item in prepared(self.source, self._indices(turn)):
            yield _batch(item, self.weigh, self.convert)

    def on_epoch_end(self):
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()


def _batch(item, weigh, convert):
    """What a step gets for an item that a generator or data set gave: arrays, nested as they were."""
    if not isinstance(item, (tuple, list)) or isinstance(item, Prepared) or is_plain(item):
        item, alone = (item,), True
    else:
        item, alone = tuple(item), False
    x = item[0] if convert is None else convert(item[0])
    names = ("x", "y", "sample_weight", *(f"item {i} of the batch" for i in range(3, len(item))))
    data = tuple(as_arrays(part, name) for part, name in zip((x, *item[1:]), names))
    if weigh is not None:
        x, y, w = unpack(data)
        return x, y, weigh(y, w)
    return pack_x_y_sample_weight(data[0]) if alone else data


def _length(source):
    try:
        return len(source)
    except (TypeError, NotImplementedError):
        return None


def iter_is_itself(source) -> bool:
    return hasattr(source, "__next__")


def is_arrays(x) -> bool:
    """Whether x holds data itself, rather than giving batches of it."""
    if x is None or isinstance(x, (np.ndarray, TensorLike, dict)) or is_foreign(x) or is_file(x):
        return True
    if isinstance(x, (list, tuple)):
        return len(x) > 0
    return hasattr(x, "__array__")


def make_source(*args, **kwargs):
    """`_source_of`, with no more steps than config.set_max_steps_per_epoch allows."""
    source = _source_of(*args, **kwargs)
    steps = limited("max_steps_per_epoch", source.steps)
    if steps != source.steps:
        source.steps = source.bound = steps
    return source


def _source_of(x, y=None, sample_weight=None, batch_size=None, steps=None, shuffle=False, seed=0, class_weight=None,
               classes=None, name="fit", convert=None):
    """The source of batches for what fit, evaluate or predict were given.

    classes: function (y) -> number of classes of each output, for class_weight.
    convert: function (x) -> what the model's compiled part begins with (models that take text)
    Raises ValueError for data that do not fit together.
    """
    from kgraph.training.weights import ClassWeights
    weights = ClassWeights(class_weight, classes) if class_weight is not None else None
    check_count(f"{name}: batch_size", batch_size)
    check_count(f"{name}: steps", steps)
    if x is None:
        raise ValueError(f"{name}: expected x, received None")
    if is_arrays(x):
        x = x if convert is None else convert(x)
        x, y, w = as_arrays(x), as_arrays(y, "y"), as_arrays(sample_weight, "sample_weight")
        w = w if weights is None else weights(y, w)
        return Arrays(x, y, w, batch_size, shuffle, seed, steps, name)
    indexed = isinstance(x, PyDataset) or hasattr(x, "__getitem__") and hasattr(x, "__len__") and not hasattr(
        x, "__iter__")
    if isinstance(x, str) or not (indexed or hasattr(x, "__iter__") or hasattr(x, "__next__")):
        raise ValueError(f"{name}: expected arrays, a PyDataset or something to iterate over, received {x!r}")
    for argument, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(f"{name}: {argument} belongs into the batches when x gives batches "
                             f"({type(x).__name__}), received {argument}=...")
    if indexed:
        return Sequences(x, steps, shuffle, seed, weights, convert, name)
    return Iterable(x, steps, weights, convert, name)


def check_count(what, value):
    """Raise ValueError, naming what it is, for a value that is neither None nor an int of 1 or more."""
    if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
        raise ValueError(f"{what}: expected an int of 1 or more, received {value!r}")


def set_workers(source, kwargs, where):
    """Keras 2's workers=, use_multiprocessing= and max_queue_size= of fit, given to the data set."""
    check_keywords(where, kwargs, ("workers", "use_multiprocessing", "max_queue_size"))
    for name, value in kwargs.items():
        if isinstance(source, PyDataset):
            setattr(source, name, value)
