"""MNIST: 70,000 handwritten digits of 28x28 pixels (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0)."""
from kgraph.datasets.source import fetch, load_arrays

__all__ = ["load_data"]

DIGEST = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path="mnist.npz"):
    """((x_train, y_train), (x_test, y_test)): x uint8[n,28,28], 0 to 255; y uint8[n], the digit. 60,000 and 10,000.

    path: the file's name in the cache folder. Raises OSError when it has to be downloaded and cannot be.
    """
    arrays = load_arrays(fetch(path, DIGEST, origin_name="mnist.npz"))
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def __dir__():
    return sorted(__all__)
