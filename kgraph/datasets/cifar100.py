"""CIFAR-100: 60,000 small photographs in 100 fine or 20 coarse classes (A. Krizhevsky, 2009)."""
from kgraph.datasets.cifar import read_batches
from kgraph.datasets.source import fetch

__all__ = ["load_data"]

DIGEST = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode="fine"):
    """((x_train, y_train), (x_test, y_test)): x uint8[n,32,32,3]; y uint8[n,1]. 50,000 and 10,000.

    label_mode: "fine" (100 classes) or "coarse" (20). Raises OSError when the archive has to be downloaded and cannot
    be.

    Raises:
        ValueError: another label_mode.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"cifar100: expected label_mode 'fine' or 'coarse', received {label_mode!r}")
    path = fetch("cifar-100-python-target_archive", DIGEST, "https://www.cs.toronto.edu/~kriz/",
                 "cifar-100-python.tar.gz")
    return tuple(read_batches(path, [f"cifar-100-python/{part}"], f"{label_mode}_labels") for part in ("train", "test"))


def __dir__():
    return sorted(__all__)
