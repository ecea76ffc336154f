"""tf.sets: the rows of tensors as sets."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.sparsity import SparseTensor, array_of, tensor_of

__all__ = ["difference", "intersection", "size", "union"]


def _rows(x):
    """(shape before the last axis, the elements of each row) of a dense or a sparse tensor."""
    if not isinstance(x, SparseTensor):
        array = array_of(x)
        return array.shape[:-1], [row.tolist() for row in array.reshape(-1, array.shape[-1])]
    shape = tuple(x.shape)[:-1]
    rows = [[] for _ in range(int(np.prod(shape)))]
    for place, value in zip(x.indices.numpy(), array_of(x.values).tolist()):
        rows[np.ravel_multi_index(tuple(place[:-1]), shape) if shape else 0].append(value)
    return shape, rows


def _joined(what, f, a, b):
    dtype = array_of(a.values if isinstance(a, SparseTensor) else a).dtype
    (shape, rows), (other, others) = _rows(a), _rows(b)
    if shape != other:
        raise ValueError(f"tf.sets.{what}: expected one shape before the last axis, received {shape} and {other}")
    found = [sorted(f(set(x), set(y))) for x, y in zip(rows, others)]
    at = lambda i: np.unravel_index(i, shape) if shape else ()
    places = [(*at(i), j) for i, row in enumerate(found) for j in range(len(row))]
    values = np.array([v for row in found for v in row], dtype)
    return SparseTensor(np.array(places, "int64").reshape(-1, len(shape) + 1), tensor_of(values),
                        (*shape, max(map(len, found), default=0)))


def difference(a, b, aminusb=True, validate_indices=True):
    """What is in a and not in b (with aminusb=False the other way), row by row: sorted, as a SparseTensor."""
    a, b = (a, b) if aminusb else (b, a)
    return _joined("difference", set.difference, a, b)


def intersection(a, b, validate_indices=True):
    """What is in both, row by row: sorted, as a SparseTensor."""
    return _joined("intersection", set.intersection, a, b)


def union(a, b, validate_indices=True):
    """What is in a or in b, row by row: sorted, as a SparseTensor."""
    return _joined("union", set.union, a, b)


def size(a, validate_indices=True):
    """How many different elements each row of a SparseTensor has."""
    shape, rows = _rows(a)
    return Tensor(np.array([len(set(row)) for row in rows], "int32").reshape(shape))


def __getattr__(name):
    raise missing(__name__, name, __all__)
