"""Data sets by name: `kgraph.datasets.digits.load_data()` needs no network, the others are downloaded once.

Args:
    path: a file of that name in KERAS_HOME, or an absolute path.
    num_words: only the most frequent words; others become oov_char. None: all.
    skip_top: the most frequent words that become oov_char, 0.
    maxlen: longer texts are left out. None: none.
    seed: of the order.
    test_split: the share of the samples that are kept for testing.
    start_char, oov_char, index_from: the number at the beginning of each text, that of words left out, and what numbers
        of words begin after: 1, 2 and 3.
    label_mode: "fine" (100 classes) or "coarse" (20).

Returns:
    (x, y), (x_test, y_test): NumPy arrays.
"""
import importlib

from kgraph.legacy.paths import lookup

__all__ = ["boston_housing", "california_housing", "cifar10", "cifar100", "digits", "fashion_mnist", "imdb", "mnist",
           "reuters"]


def __getattr__(name):
    if name not in __all__:
        return lookup(__name__, name, __all__)
    return importlib.import_module(f"kgraph.datasets.{name}")


def __dir__():
    return sorted(__all__)
