"""CIFAR-10: 60,000 small photographs in 10 classes (A. Krizhevsky, 2009)."""
from kgraph.datasets.cifar import read_batches
from kgraph.datasets.source import fetch

__all__ = ["load_data"]

DIGEST = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data():
    """((x_train, y_train), (x_test, y_test)): x uint8[n,32,32,3]; y uint8[n,1], the class. 50,000 and 10,000.

    Raises OSError when the archive has to be downloaded and cannot be.
    """
    path = fetch("cifar-10-batches-py-target_archive", DIGEST, "https://www.cs.toronto.edu/~kriz/",
                 "cifar-10-python.tar.gz")
    folder = "cifar-10-batches-py"
    train = read_batches(path, [f"{folder}/data_batch_{i}" for i in range(1, 6)], "labels")
    return train, read_batches(path, [f"{folder}/test_batch"], "labels")


def __dir__():
    return sorted(__all__)
