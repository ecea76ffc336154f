"""Windows that slide over a series."""
from __future__ import annotations

import numpy as np

from kgraph.utils.pipeline import Dataset, as_tensor, row_numbers

__all__ = ["timeseries_dataset_from_array"]


def timeseries_dataset_from_array(data, targets, sequence_length, sequence_stride=1, sampling_rate=1, batch_size=128,
                                  shuffle=False, seed=None, start_index=None, end_index=None, format="tf") -> Dataset:
    """Batches of windows of a series: window i holds the steps i, i + sampling_rate, ..., sequence_length of them.

    Raises ValueError for numbers outside the series.

        windows = timeseries_dataset_from_array(np.arange(10.0), np.arange(3.0, 10.0), sequence_length=3)
        model.fit(windows)

    Args:
        data: an array; axis 0 is time
        targets: targets[i] goes with the window that begins at step i; None: batches of windows alone
        sequence_stride: how far the next window begins from the last
        batch_size: None: one window at a time
        shuffle, seed: the windows in random order
        start_index, end_index: use data and targets between these steps only
        format: "tf" or "grain", which mean the same here
        sequence_length: steps in a window.
        sampling_rate: every so many steps one is taken, 1 by default.
    """
    data = _array(data)
    _check(len(data), sequence_stride, sampling_rate, start_index, end_index, format)
    data = data[start_index:end_index]
    count = len(data) - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = _array(targets)[start_index:end_index]
        count = min(count, len(targets))
    starts = np.arange(0, count, sequence_stride)
    if shuffle:
        seed = np.random.randint(1e6) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    steps = np.arange(sequence_length) * sampling_rate

    def windows(rows):
        begin = starts[rows]
        x = as_tensor(data[begin[..., None] + steps])
        return x if targets is None else (x, as_tensor(targets[begin]))
    return row_numbers(len(starts), batch_size, shuffle, seed).map(windows)


def _array(x) -> np.ndarray:
    """Lists become what tensors of them would be; arrays, on disk too, stay."""
    return np.asarray(x) if hasattr(x, "__array__") else as_tensor(x).numpy()


def _check(length, sequence_stride, sampling_rate, start_index, end_index, format):
    least = 1 if start_index is None else start_index + 1
    for name, value, low, high in (("start_index", start_index, 0, length), ("end_index", end_index, least, length),
                                   ("sampling_rate", sampling_rate, 1, length),
                                   ("sequence_stride", sequence_stride, 1, length)):
        if value is not None and not low <= value < high:
            raise ValueError(f"timeseries_dataset_from_array: expected {name} in [{low}, {high}), the data having "
                             f"{length} steps, received {value!r}")
    if format not in ("tf", "grain"):
        raise ValueError(f"timeseries_dataset_from_array: expected format 'tf' or 'grain', received {format!r}")
