"""tf.data: data sets as chains of steps."""
from __future__ import annotations

from kgraph.naming import missing
from kgraph.tensorflow.data import experimental
from kgraph.tensorflow.data.dataset import AUTOTUNE, Dataset, Iterator, Options
from kgraph.tensorflow.data.files import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset

INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2
__all__ = ["AUTOTUNE", "Dataset", "FixedLengthRecordDataset", "INFINITE_CARDINALITY", "Iterator", "Options",
           "TFRecordDataset", "TextLineDataset", "UNKNOWN_CARDINALITY", "experimental"]


def __getattr__(name):
    raise missing(__name__, name, __all__)
