"""`HDF5Matrix`, the Keras 2 name for a data set on disk."""
from __future__ import annotations

__all__ = ["HDF5Matrix"]


class HDF5Matrix:
    """Rows [start, end) of a data set in an HDF5 file, read when sliced: fit, evaluate and predict take it as x or y.

    Raises KeyError for a name that is not in the file, ValueError for bounds outside of it.

    Args:
        datapath: path of the file
        dataset: name of the data set in it
        normalizer: a function of each slice that is read, or None
        start, end: the rows that are used; None: to the last.
    """

    def __init__(self, datapath, dataset, start=0, end=None, normalizer=None):
        import h5py
        file = h5py.File(datapath, "r")
        if dataset not in file:
            raise KeyError(f"HDF5Matrix: expected a data set of {datapath}, among {sorted(file)}; received {dataset!r}")
        self.data = file[dataset]
        self.start, self.end = start, self.data.shape[0] if end is None else end
        if not 0 <= self.start <= self.end <= self.data.shape[0]:
            raise ValueError(f"HDF5Matrix: expected 0 <= start <= end <= {self.data.shape[0]}, received "
                             f"start={start}, end={end}")
        self.normalizer = normalizer

    def __len__(self):
        return self.end - self.start

    @property
    def shape(self) -> tuple:
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return len(self) * self.data.size // max(self.data.shape[0], 1)

    def __getitem__(self, key):
        """A row (an int), or rows (a slice, or ascending positions). Raises IndexError outside of it."""
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            key = slice(first + self.start, last + self.start, step)
        else:
            key = self._inside(key)
        rows = self.data[key]
        return self.normalizer(rows) if self.normalizer is not None else rows

    def _inside(self, key):
        import numpy as np
        places = np.asarray(key)
        if places.size and (places.min() < 0 or places.max() >= len(self)):
            raise IndexError(f"HDF5Matrix: expected positions in [0, {len(self)}), received {key}")
        return int(places) + self.start if places.ndim == 0 else places + self.start
