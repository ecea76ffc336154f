# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.datasets import boston_housing as boston_housing, california_housing as california_housing, cifar10 as cifar10, cifar100 as cifar100, digits as digits, fashion_mnist as fashion_mnist, imdb as imdb, mnist as mnist, reuters as reuters

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
