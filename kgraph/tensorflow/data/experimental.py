"""tf.data.experimental: older names of what Dataset does."""
from __future__ import annotations

import enum
import functools
import inspect

from kgraph.naming import missing
from kgraph.tensorflow.data.dataset import AUTOTUNE, Dataset, Options
from kgraph.tensorflow.data.files import CsvDataset
from kgraph.tensorflow.data.tables import make_csv_dataset

INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2
__all__ = ["AUTOTUNE", "AutoShardPolicy", "Counter", "CsvDataset", "INFINITE_CARDINALITY", "OptimizationOptions",
           "RandomDataset", "UNKNOWN_CARDINALITY", "assert_cardinality", "bucket_by_sequence_length", "cardinality",
           "choose_from_datasets", "dense_to_ragged_batch", "enumerate_dataset", "get_single_element",
           "group_by_window", "ignore_errors", "make_csv_dataset", "map_and_batch", "parallel_interleave",
           "prefetch_to_device", "sample_from_datasets", "scan", "shuffle_and_repeat", "take_while", "unbatch",
           "unique"]
OptimizationOptions = Options


class AutoShardPolicy(enum.IntEnum):
    """How data would be shared by workers: there is one."""

    OFF, AUTO, FILE, DATA, HINT = -1, 0, 1, 2, 3


def _step(name):
    """A function whose result, for Dataset.apply, is what the method of that name does."""
    method = getattr(Dataset, name)

    @functools.wraps(method, assigned=("__name__", "__doc__"), updated=())
    def step(*args, **kwargs):
        return lambda dataset: method(dataset, *args, **kwargs)
    step.__signature__ = inspect.Signature(list(inspect.signature(method).parameters.values())[1:])
    return step


bucket_by_sequence_length, dense_to_ragged_batch = _step("bucket_by_sequence_length"), _step("ragged_batch")
group_by_window, scan, take_while, unique = map(_step, ("group_by_window", "scan", "take_while", "unique"))
Counter, choose_from_datasets = Dataset.counter, Dataset.choose_from_datasets
sample_from_datasets, RandomDataset = Dataset.sample_from_datasets, Dataset.random


def shuffle_and_repeat(buffer_size, count=None, seed=None):
    """A step (for Dataset.apply): shuffle, then repeat."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(map_func, batch_size, num_parallel_batches=None, drop_remainder=False, num_parallel_calls=None):
    """A step (for Dataset.apply): map, then batch."""
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(batch_size, drop_remainder)


def parallel_interleave(map_func, cycle_length, block_length=1, sloppy=False, buffer_output_elements=None,
                        prefetch_input_elements=None):
    """A step (for Dataset.apply): see Dataset.interleave."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


def cardinality(dataset):
    """The number of elements: -1 is endless, -2 not known."""
    return dataset.cardinality()


def assert_cardinality(expected_cardinality):
    """A step (for Dataset.apply) that says how many elements there are."""
    return lambda dataset: Dataset(dataset._iterate, int(expected_cardinality), dataset._spec)


def ignore_errors(log_warning=False):
    """A step (for Dataset.apply): see Dataset.ignore_errors."""
    return lambda dataset: dataset.ignore_errors(log_warning)


def enumerate_dataset(start=0):
    """A step (for Dataset.apply): see Dataset.enumerate."""
    return lambda dataset: dataset.enumerate(start)


def unbatch():
    """A step (for Dataset.apply): see Dataset.unbatch."""
    return lambda dataset: dataset.unbatch()


def prefetch_to_device(device, buffer_size=None):
    """A step (for Dataset.apply): see Dataset.prefetch."""
    return lambda dataset: dataset.prefetch(buffer_size)


def get_single_element(dataset):
    """The only element."""
    return dataset.get_single_element()


def __getattr__(name):
    raise missing(__name__, name, __all__)
