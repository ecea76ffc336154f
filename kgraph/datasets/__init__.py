"""Data sets by name: `kgraph.datasets.digits.load_data()` needs no network, the others are downloaded once."""
import importlib

__all__ = ["boston_housing", "california_housing", "cifar10", "cifar100", "digits", "fashion_mnist", "imdb", "mnist",
           "reuters"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"kgraph.datasets has no data set {name!r}; it has {', '.join(__all__)}")
    return importlib.import_module(f"kgraph.datasets.{name}")
