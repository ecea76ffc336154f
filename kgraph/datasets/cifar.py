"""Reading of the CIFAR archives, without unpacking them."""
from __future__ import annotations

import tarfile

import numpy as np

from kgraph.config import image_data_format
from kgraph.datasets.source import load_plain

__all__ = ["read_batches"]


def read_batches(path, names, label_key):
    """(x, y) of the named members: x uint8[n,32,32,3] (or channels first), y uint8[n,1]."""
    images, labels = [], []
    with tarfile.open(path) as archive:
        for name in names:
            batch = load_plain(archive.extractfile(archive.getmember(name)))
            images.append(batch["data"].reshape(-1, 3, 32, 32))
            labels.append(np.asarray(batch[label_key], "uint8"))
    x = np.concatenate(images)
    if image_data_format() == "channels_last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    return x, np.concatenate(labels)[:, None]
