"""Fashion-MNIST: 70,000 pictures of clothes of 28x28 pixels (H. Xiao, K. Rasul, R. Vollgraf, 2017; MIT)."""
import gzip
import os

import numpy as np

from kgraph.datasets.source import fetch

__all__ = ["load_data"]

FILES = {
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
}


def load_data():
    """((x_train, y_train), (x_test, y_test)): x uint8[n,28,28], 0 to 255; y uint8[n], the class. 60,000 and 10,000.

    Raises OSError when files have to be downloaded and cannot be.
    """
    folder = os.path.join("datasets", "fashion-mnist")
    paths = [fetch(name, digest, cache_subdir=folder) for name, digest in FILES.items()]
    y_train, x_train, y_test, x_test = map(_read, paths)
    return (x_train, y_train), (x_test, y_test)


def _read(path):
    """An array in the IDX format: two zero bytes, type 8 (unsigned byte), rank, sizes (big-endian), elements."""
    with gzip.open(path) as f:
        raw = f.read()
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: expected an IDX file of bytes, received one that starts with {raw[:3]!r}")
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", rank, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def __dir__():
    return sorted(__all__)
