"""tf.data.experimental: older names of what Dataset does."""
from __future__ import annotations

from kgraph.naming import missing
from kgraph.tensorflow.data.dataset import AUTOTUNE, Dataset, Options
from kgraph.tensorflow.data.files import CsvDataset
from kgraph.tensorflow.data.tables import make_csv_dataset

INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2
__all__ = ["AUTOTUNE", "CsvDataset", "INFINITE_CARDINALITY", "OptimizationOptions", "UNKNOWN_CARDINALITY",
           "assert_cardinality", "cardinality", "enumerate_dataset", "get_single_element", "ignore_errors",
           "make_csv_dataset", "prefetch_to_device", "unbatch"]
OptimizationOptions = Options


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
