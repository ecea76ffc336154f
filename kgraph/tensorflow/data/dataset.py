"""`tf.data.Dataset`: a chain of steps, each of which can be gone through again."""
from __future__ import annotations

import functools
import glob
import itertools
import os

import numpy as np

from kgraph import random as kgraph_random
from kgraph import tree
from kgraph.tensorflow.base.dtypes import TensorSpec, as_dtype
from kgraph.tensorflow.base.texts import StringTensor, text_of
from kgraph.tensorflow.data import elements, steps
from kgraph.tensorflow.errors import OutOfRangeError
from kgraph.tensorflow.random import Place, drawing_at

__all__ = ["AUTOTUNE", "Dataset", "Iterator", "Options"]
AUTOTUNE = -1
INFINITE, UNKNOWN = -1, -2


class Options:
    """Options of a data set, taken and without effect: one process reads, in order."""

    def __init__(self):
        self.deterministic = True
        self.experimental_distribute = self
        self.experimental_optimization = self
        self.threading = self
        self.autotune = self


class Dataset:
    """Elements (tensors, tuples or dicts of them) that come one after the other, as often as they are asked for.

    Made by from_tensor_slices, from_tensors, from_generator, range, zip or list_files; each method gives a new one.

    >>> import kgraph.tensorflow as tf
    >>> data = tf.data.Dataset.range(5).map(lambda x: x * x).batch(2)
    >>> [x.tolist() for x in data.as_numpy_iterator()]
    [[0, 1], [4, 9], [16]]
    """

    def __init__(self, start, size=UNKNOWN, spec=None):
        self._start = start   # () -> an iterator of elements as the chain holds them
        self._size = size
        self._spec = spec

    # -- where elements come from

    @staticmethod
    def from_tensor_slices(tensors, name=None):
        """The rows of tensors: slices along their first axes, which are of one length."""
        held = elements.normal(tensors)
        count = elements.rows(held, "from_tensor_slices")
        return Dataset(lambda: (elements.row(held, i) for i in range(count)), count)

    @staticmethod
    def from_tensors(tensors, name=None):
        """One element: the tensors."""
        held = elements.normal(tensors)
        return Dataset(lambda: iter([held]), 1)

    @staticmethod
    def from_generator(generator, output_types=None, output_shapes=None, args=None, output_signature=None, name=None):
        """What generator(*args) yields, called anew each time.

        output_signature  a structure of TensorSpecs; or output_types, dtypes, with output_shapes
        """
        if output_signature is None:
            if output_types is None:
                raise ValueError("from_generator: expected output_signature or output_types, received neither")
            shapes = output_shapes if output_shapes is not None else tree.map_structure(lambda _: None, output_types)
            output_signature = tree.map_structure_up_to(
                output_types, lambda t, s: TensorSpec(s, as_dtype(t)), output_types, shapes)
        signature, given = output_signature, elements.tensors(elements.normal(tuple(args or ())))
        return Dataset(lambda: (elements.typed(x, signature) for x in generator(*given)), UNKNOWN, signature)

    @staticmethod
    def range(*args, output_type="int64", name=None):
        """Numbers as Python's range gives them."""
        numbers = range(*(int(a) for a in args))
        return Dataset(lambda: (np.asarray(i, output_type) for i in numbers), len(numbers), TensorSpec((), output_type))

    @staticmethod
    def zip(*args, datasets=None, name=None):
        """Elements of several data sets side by side, as many as the shortest has."""
        held = datasets if datasets is not None else args[0] if len(args) == 1 and tree.is_nested(args[0]) else args
        held = tuple(held) if isinstance(held, list) else held
        leaves = tree.flatten(held)
        sizes = [d._size for d in leaves if d._size != INFINITE]
        size = UNKNOWN if UNKNOWN in sizes else min(sizes, default=INFINITE)
        return Dataset(lambda: (_packed(held, parts) for parts in zip(*(d._iterate() for d in leaves))), size)

    @staticmethod
    def list_files(file_pattern, shuffle=None, seed=None, name=None):
        """The names of files that match a pattern or several, in random order unless shuffle=False."""
        patterns = file_pattern if isinstance(file_pattern, (list, tuple)) else [file_pattern]
        if isinstance(file_pattern, StringTensor) and file_pattern.ndim:
            patterns = list(file_pattern)
        found = sorted({name for p in patterns for name in glob.glob(os.fspath(text_of(p)))})
        if not found:
            raise ValueError(f"list_files: no file matches {', '.join(map(text_of, patterns))}")
        files = Dataset.from_tensor_slices(found)
        return files if shuffle is False else files.shuffle(len(found), seed)

    @staticmethod
    def counter(start=0, step=1, dtype="int64", name=None):
        """Numbers from start on, without end."""
        return Dataset(lambda: (np.asarray(i, dtype) for i in itertools.count(start, step)), INFINITE,
                       TensorSpec((), dtype))

    @staticmethod
    def load(path, element_spec=None, compression=None, reader_func=None, wait=False):
        """What `save` kept."""
        return Dataset(lambda: iter(steps.read(text_of(path))))

    @staticmethod
    def random(seed=None, rerandomize_each_iteration=None, name=None):
        """Random int64 numbers below 2**32 without end."""
        order = _Order(seed, bool(rerandomize_each_iteration))
        draw = lambda: (rng.integers(2**32) for rng in itertools.repeat(order.next()))
        return Dataset(draw, INFINITE, TensorSpec((), "int64"))

    @staticmethod
    def choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset=True):
        """Elements of the data sets whose numbers the choices say."""
        def run():
            iterators = [d._iterate() for d in datasets]
            for choice in choice_dataset._iterate():
                found = next(iterators[int(choice)], steps.END)
                if found is not steps.END:
                    yield found
                elif stop_on_empty_dataset:
                    return
        return Dataset(run)

    @staticmethod
    def sample_from_datasets(datasets, weights=None, seed=None, stop_on_empty_dataset=False,
                             rerandomize_each_iteration=None):
        """Elements of data sets chosen at random, with weights, until one (or all) are at their end."""
        order = _Order(seed, True)
        return Dataset(lambda: steps.sampled([d._iterate() for d in datasets], weights, order.next(),
                                             stop_on_empty_dataset))

    # -- steps

    def map(self, map_func, num_parallel_calls=None, deterministic=None, synchronous=None,
            use_unbounded_threadpool=False, name=None):
        """map_func of each element; with num_parallel_calls in threads, in order all the same.

        The numbers that tf.random and tf.image draw follow from seeds and an element's place, not from threads.
        """
        f = functools.partial(elements.call, elements.fixed(map_func))
        threads = _threads(num_parallel_calls)
        turns = itertools.count()

        def run():
            base, turn = kgraph_random.make_default_seed(), next(turns)

            def at(numbered):
                with drawing_at(Place(base, turn, numbered[0])):
                    return f(numbered[1])
            pairs = enumerate(self._iterate())
            return steps.mapped(at, pairs, threads) if threads > 1 else map(at, pairs)
        return Dataset(run, self._size)

    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None, name=None):
        """batch_size elements joined along a new first axis; the last batch may be shorter, or is dropped."""
        size = _count("batch: batch_size", batch_size)
        return Dataset(lambda: map(elements.joined, steps.chunks(self._iterate(), size, drop_remainder)),
                       self._divided(size, drop_remainder))._batched(not drop_remainder)

    def padded_batch(self, batch_size, padded_shapes=None, padding_values=None, drop_remainder=False, name=None):
        """As `batch`, each element filled up to padded_shapes (None or -1: to the longest) with padding_values (0)."""
        size = _count("padded_batch: batch_size", batch_size)
        join = lambda items: steps.padded(items, padded_shapes, padding_values)
        return Dataset(lambda: map(join, steps.chunks(self._iterate(), size, drop_remainder)),
                       self._divided(size, drop_remainder))._batched(not drop_remainder)

    def ragged_batch(self, batch_size, drop_remainder=False, row_splits_dtype="int64", name=None):
        """As `batch`, of elements of different lengths: RaggedTensors of those with axes."""
        size = _count("ragged_batch: batch_size", batch_size)
        return Dataset(lambda: map(elements.ragged, steps.chunks(self._iterate(), size, drop_remainder)),
                       self._divided(size, drop_remainder))._batched(not drop_remainder)

    def rebatch(self, batch_size, drop_remainder=False, name=None):
        """The rows of batches in batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def bucket_by_sequence_length(self, element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes=None,
                                  padding_values=None, pad_to_bucket_boundary=False, no_padding=False,
                                  drop_remainder=False, name=None):
        """Batches of elements of about one length: those below the first of bucket_boundaries, up to the second ...

        Each bucket has its own batch size; batches are padded (see `padded_batch`) unless no_padding. Raises
        NotImplementedError for pad_to_bucket_boundary.
        """
        if pad_to_bucket_boundary:
            raise NotImplementedError("bucket_by_sequence_length: expected pad_to_bucket_boundary=False, received True")
        if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
            raise ValueError(f"bucket_by_sequence_length: expected {len(bucket_boundaries) + 1} bucket_batch_sizes, "
                             f"received {len(bucket_batch_sizes)}")
        bucket = lambda *x: int(np.searchsorted(bucket_boundaries, int(element_length_func(*x)), "right"))
        join = (lambda k, w: w.batch(bucket_batch_sizes[k])) if no_padding else (
            lambda k, w: w.padded_batch(bucket_batch_sizes[k], padded_shapes, padding_values))
        return self._grouped(bucket, join, lambda k: bucket_batch_sizes[k], drop_remainder)

    def group_by_window(self, key_func, reduce_func, window_size=None, window_size_func=None, name=None):
        """The elements of the data sets reduce_func(key, data set of window_size elements of one key_func)."""
        return self._grouped(key_func, reduce_func, window_size_func or (lambda k: window_size), False)

    def _grouped(self, key_func, reduce_func, size, drop):
        key, reduce_func = (functools.partial(elements.call, elements.fixed(key_func)), elements.fixed(reduce_func))
        made = lambda k, items: elements.call(reduce_func, (np.asarray(k, "int64"), Dataset(lambda: iter(items))))
        return Dataset(lambda: itertools.chain.from_iterable(
            made(k, items)._iterate() for k, items in steps.grouped(key, size, self._iterate(), drop)))

    def unique(self, name=None):
        """The elements without those that came before."""
        return Dataset(lambda: steps.unique(self._iterate()), UNKNOWN, self._spec)

    def save(self, path, compression=None, shard_func=None, checkpoint_args=None):
        """Keep the elements in a folder, for `load` here: TensorFlow does not read it."""
        steps.write(text_of(path), self._iterate())

    def unbatch(self, name=None):
        """The rows of each element, one by one."""
        cut = lambda x: (elements.row(x, i) for i in range(elements.rows(x, "unbatch")))
        return Dataset(lambda: itertools.chain.from_iterable(map(cut, self._iterate())))

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True, name=None):
        """Elements in random order, drawn from a buffer of buffer_size that is filled up from the data.

        seed: with one, every run has the same orders; they differ from pass to pass unless reshuffle_each_iteration is
        False.
        """
        size = _count("shuffle: buffer_size", buffer_size)
        order = _Order(seed, reshuffle_each_iteration is not False)
        return Dataset(lambda: steps.shuffled(self._iterate(), size, order.next()), self._size, self._spec)

    def repeat(self, count=None, name=None):
        """The elements count times; None or -1: without end."""
        endless = count is None or int(count) < 0
        size = self._size
        if endless:
            size = INFINITE if size != 0 else 0
        elif size > 0:
            size *= int(count)
        return Dataset(lambda: steps.repeated(self._iterate, None if endless else int(count)), size, self._spec)

    def take(self, count, name=None):
        """The first count elements; -1: all."""
        count = int(count)
        if count < 0:
            return self
        size = min(self._size, count) if self._size >= 0 else count if self._size == INFINITE else UNKNOWN
        return Dataset(lambda: itertools.islice(self._iterate(), count), size, self._spec)

    def skip(self, count, name=None):
        """What comes after the first count elements; -1: nothing."""
        count = int(count)
        if count < 0:
            return self.take(0)
        return Dataset(lambda: itertools.islice(self._iterate(), count, None),
                       max(self._size - count, 0) if self._size >= 0 else self._size, self._spec)

    def shard(self, num_shards, index, name=None):
        """Every num_shards-th element, from number index on."""
        n, i = int(num_shards), int(index)
        if not 0 <= i < n:
            raise ValueError(f"shard: expected an index from 0 to {n - 1}, received {i}")
        return Dataset(lambda: itertools.islice(self._iterate(), i, None, n),
                       max(-((i - self._size) // n), 0) if self._size >= 0 else self._size, self._spec)

    def cache(self, filename="", name=None):
        """The elements kept in memory after the first whole pass; filename is taken, and memory holds them still."""
        return Dataset(steps.Cache(self._iterate), self._size, self._spec)

    def prefetch(self, buffer_size=None, name=None):
        """Elements made in a thread ahead of their use, up to buffer_size (AUTOTUNE: 2) of them."""
        ahead = 2 if buffer_size is None or int(buffer_size) < 0 else int(buffer_size)
        run = (lambda: steps.ahead(self._iterate(), ahead)) if ahead else self._iterate
        return Dataset(run, self._size, self._spec)

    def concatenate(self, dataset, name=None):
        """These elements, then those of another data set."""
        sizes = self._size, dataset._size
        size = INFINITE if INFINITE in sizes else UNKNOWN if UNKNOWN in sizes else sum(sizes)
        return Dataset(lambda: itertools.chain(self._iterate(), dataset._iterate()), size)

    def filter(self, predicate, name=None):
        """The elements for which predicate holds."""
        predicate = elements.fixed(predicate)
        return Dataset(lambda: (x for x in self._iterate() if bool(elements.call(predicate, x))), UNKNOWN, self._spec)

    def take_while(self, predicate, name=None):
        """The elements up to the first for which predicate does not hold."""
        predicate = elements.fixed(predicate)
        holds = lambda x: bool(elements.call(predicate, x))
        return Dataset(lambda: itertools.takewhile(holds, self._iterate()), UNKNOWN, self._spec)

    def window(self, size, shift=None, stride=1, drop_remainder=False, name=None):
        """Data sets of `size` elements (`stride` apart), each beginning `shift` (size) after the one before."""
        size, stride = _count("window: size", size), _count("window: stride", stride)
        shift = size if shift is None else _count("window: shift", shift)
        return Dataset(lambda: (_windows(items) for items in steps.windows(
            self._iterate(), size, shift, stride, drop_remainder)))

    def flat_map(self, map_func, name=None):
        """The elements of the data sets that map_func makes of each element, one data set after the other."""
        map_func = elements.fixed(map_func)
        return Dataset(lambda: itertools.chain.from_iterable(
            elements.call(map_func, x)._iterate() for x in self._iterate()))

    def interleave(self, map_func, cycle_length=None, block_length=1, num_parallel_calls=None, deterministic=None,
                   name=None):
        """Elements of the data sets that map_func makes, block_length at a time of cycle_length of them in turn."""
        cycle = 2 if cycle_length is None or int(cycle_length) < 0 else int(cycle_length)
        map_func = elements.fixed(map_func)
        make = lambda x: elements.call(map_func, x)._iterate()
        return Dataset(lambda: steps.interleaved(make, self._iterate(), cycle, int(block_length)))

    def enumerate(self, start=0, name=None):
        """(number, element) pairs."""
        pairs = lambda: enumerate(self._iterate(), int(start))
        return Dataset(lambda: ((np.asarray(i, "int64"), x) for i, x in pairs()), self._size)

    def scan(self, initial_state, scan_func, name=None):
        """Outputs of (state, output) = scan_func(state, element)."""
        scan_func = elements.fixed(scan_func)

        def run():
            state = elements.normal(initial_state)
            for x in self._iterate():
                state, out = elements.normal(scan_func(elements.tensors(state), elements.tensors(x)))
                yield out
        return Dataset(run, self._size)

    def reduce(self, initial_state, reduce_func, name=None):
        """The last of state = reduce_func(state, element), from initial_state on."""
        state = elements.normal(initial_state)
        for x in self._iterate():
            state = elements.normal(reduce_func(elements.tensors(state), elements.tensors(x)))
        return elements.tensors(state)

    def apply(self, transformation_func):
        """transformation_func of this data set."""
        return transformation_func(self)

    def with_options(self, options, name=None):
        """This data set: options have no effect."""
        return self

    def options(self) -> Options:
        return Options()

    def ignore_errors(self, log_warning=False, name=None):
        """The elements without those that raised ValueError, OSError or IndexError when they were made."""
        return Dataset(lambda: steps.without_errors(self._iterate()), UNKNOWN, self._spec)

    # -- reading

    def __iter__(self):
        return Iterator(self)

    def _iterate(self):
        return iter(self._start())

    def as_numpy_iterator(self):
        """Elements as arrays, and texts as bytes."""
        return map(elements.arrays, self._iterate())

    def get_single_element(self, name=None):
        """The only element. Raises ValueError when there are others, or none."""
        found = list(itertools.islice(iter(self), 2))
        if len(found) != 1:
            raise ValueError(f"get_single_element: expected one element, received {'more' if found else 'none'}")
        return found[0]

    def cardinality(self):
        """The number of elements: -1 is endless (tf.data.INFINITE_CARDINALITY), -2 not known."""
        from kgraph import ops
        return ops.convert_to_tensor(self._size, "int64")

    def __len__(self):
        if self._size < 0:
            raise TypeError(f"len() of a data set of {self._size_text()} length")
        return self._size

    def __bool__(self):
        return True

    @property
    def element_spec(self):
        """The TensorSpecs of an element; unless the data set knows them they are those of the first element."""
        if self._spec is None:
            first = next(self._iterate(), steps.END)
            if first is steps.END:
                raise ValueError("element_spec: expected at least one element to see what they are, received none")
            self._spec = elements.spec(first, self._short)
        return self._spec

    _short = False   # whether the last batch may be shorter

    def _batched(self, short):
        self._short = short
        return self

    def _divided(self, size, drop):
        return self._size if self._size < 0 else self._size // size if drop else -(-self._size // size)

    def __repr__(self):
        return f"<Dataset of {self._size_text()} length>"

    def _size_text(self):
        return {INFINITE: "endless", UNKNOWN: "unknown"}.get(self._size, self._size)


class Iterator:
    """Goes once through a data set."""

    def __init__(self, dataset):
        self._dataset, self._items = dataset, map(elements.tensors, dataset._iterate())

    @property
    def element_spec(self):
        return self._dataset.element_spec

    def get_next(self):
        """The next element. Raises tf.errors.OutOfRangeError at the end."""
        for found in self._items:
            return found
        raise OutOfRangeError(message="End of sequence")

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._items)


class _Order:
    """Random orders, one for each pass: of a seed they are the same in every run."""

    def __init__(self, seed, anew):
        self.seed = kgraph_random.make_default_seed() if seed is None else int(seed)
        self.anew = anew
        self.passes = 0

    def next(self):
        rng = np.random.default_rng((self.seed, self.passes))
        self.passes += self.anew
        return rng


def _windows(items):
    """The windows of an element: a data set, or a structure of data sets."""
    def column(*parts):
        return Dataset(lambda: iter(parts), len(parts))
    return tree.map_structure(column, *items)


def _packed(structure, parts):
    rest = iter(parts)
    return tree.map_structure(lambda _: next(rest), structure)


def _threads(asked) -> int:
    if asked is None:
        return 1
    return (os.cpu_count() or 1) if int(asked) < 0 else int(asked)


def _count(what, n) -> int:
    if int(n) < 1:
        raise ValueError(f"{what}: expected an int of 1 or more, received {n}")
    return int(n)


