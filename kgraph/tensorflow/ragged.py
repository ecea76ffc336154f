"""tf.ragged: rows of different lengths, on the host."""
from __future__ import annotations

import numpy as np

from kgraph.naming import missing
from kgraph.tensorflow.base.sparsity import RaggedTensor, array_of, tensor_of

__all__ = ["boolean_mask", "constant", "map_flat_values", "range", "stack"]


def constant(pylist, dtype=None, ragged_rank=None, inner_shape=None, name=None, row_splits_dtype="int64"):
    """A RaggedTensor of nested lists."""
    return RaggedTensor.nested(pylist, dtype)


def stack(values, axis=0, name=None):
    """Tensors of one axis as the rows of a RaggedTensor."""
    if axis != 0:
        raise NotImplementedError(f"tf.ragged.stack: expected axis 0, received {axis}")
    rows = [array_of(v) for v in values]
    return RaggedTensor.from_row_lengths(tensor_of(np.concatenate(rows)), [len(r) for r in rows])


def range(starts, limits=None, deltas=1, dtype=None, name=None, row_splits_dtype="int64"):
    """Rows of numbers from starts (0) up to limits."""
    starts, limits = (0, starts) if limits is None else (starts, limits)
    cells = np.broadcast_arrays(*map(np.atleast_1d, map(array_of, (starts, limits, deltas))))
    rows = [np.arange(*cell, dtype=dtype or cells[0].dtype) for cell in zip(*cells)]
    return stack(rows)


def boolean_mask(data, mask, name=None):
    """The elements of each row where mask is True."""
    data, mask = array_of(data), array_of(mask).astype(bool)
    return RaggedTensor.from_row_lengths(tensor_of(data[mask]), mask.sum(1))


def map_flat_values(op, *args, **kwargs):
    """op of the values without their rows."""
    first = next(x for x in (*args, *kwargs.values()) if isinstance(x, RaggedTensor))
    given = lambda x: x.flat_values if isinstance(x, RaggedTensor) else x
    return first.with_flat_values(op(*map(given, args), **{k: given(v) for k, v in kwargs.items()}))


def __getattr__(name):
    raise missing(__name__, name, __all__)
