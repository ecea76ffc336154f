"""Two parts of one data set."""
from __future__ import annotations

import numpy as np

from kgraph import tree

__all__ = ["split_dataset"]


def split_dataset(dataset, left_size=None, right_size=None, shuffle=False, seed=None, preferred_backend=None):
    """(left, right): the first samples of all arrays, and the others.

    preferred_backend is accepted for Keras's sake: the parts are arrays.

    Args:
        dataset: an array, or arrays of one length nested in tuples, lists and dicts
        left_size: a share in (0, 1), or a number of samples; default: what right_size leaves
        right_size: likewise; what neither part takes is left out
        shuffle: choose the samples at random, with `seed`
        seed: of the shuffle.
        preferred_backend: accepted.

    Returns:
        (left, right), each of the structure of dataset.

    Raises:
        ValueError: sizes that do not fit the data.
    """
    arrays = [np.asarray(a) for a in tree.flatten(dataset)]
    lengths = {len(a) for a in arrays}
    if len(lengths) != 1:
        raise ValueError(f"split_dataset: expected arrays of one length, received lengths {sorted(lengths)}")
    count = lengths.pop()
    left, right = _sizes(count, left_size, right_size)
    order = np.arange(count)
    if shuffle:
        order = np.random.default_rng(seed).permutation(count)
    part = lambda chosen: tree.pack_sequence_as(dataset, [a[chosen] for a in arrays])
    return part(order[:left]), part(order[left:left + right])


def _sizes(count, left, right):
    if left is None and right is None:
        raise ValueError("split_dataset: expected left_size or right_size, received neither")
    as_count = lambda name, size, other: count - other if size is None else _as_count(name, size, count)
    left = as_count("left_size", left, _as_count("right_size", right, count) if left is None else 0)
    right = as_count("right_size", right, left)
    if left + right > count:
        raise ValueError(f"split_dataset: expected at most {count} samples, received left_size={left} and "
                         f"right_size={right}")
    if not left or not right:
        raise ValueError(f"split_dataset: expected two parts with samples, received {left} and {right} of {count}")
    return left, right


def _as_count(name, size, count) -> int:
    limit = 1 if isinstance(size, float) else count
    if not 0 < size <= limit:
        raise ValueError(f"split_dataset: expected {name} in (0, {limit}], received {size!r}")
    return round(size * count) if isinstance(size, float) else int(size)
