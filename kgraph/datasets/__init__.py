"""Data sets by name: `kgraph.datasets.digits.load_data()` needs no network, the others are downloaded once."""
import importlib

from kgraph.legacy.paths import lookup

__all__ = ["boston_housing", "california_housing", "cifar10", "cifar100", "digits", "fashion_mnist", "imdb", "mnist",
           "reuters"]


def __getattr__(name):
    if name not in __all__:
        return lookup(__name__, name, __all__)
    return importlib.import_module(f"kgraph.datasets.{name}")
