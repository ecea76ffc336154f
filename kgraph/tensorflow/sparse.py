"""tf.sparse: tensors as the places and values of what is not zero, on the host."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.sparsity import SparseTensor, array_of, tensor_of

__all__ = ["SparseTensor", "add", "concat", "expand_dims", "eye", "from_dense", "map_values", "reduce_sum",
           "reorder", "reshape", "retain", "slice", "sparse_dense_matmul", "to_dense", "to_indicator", "transpose"]


def to_dense(sp_input, default_value=None, validate_indices=True, name=None):
    """A tensor with the values in their places, and default_value (0, or an empty text) elsewhere."""
    return sp_input.dense(default_value)


def from_dense(tensor, name=None) -> SparseTensor:
    """What is not zero (or not an empty text) in a tensor."""
    return SparseTensor.of(array_of(tensor))


def _made(places, values, shape) -> SparseTensor:
    return SparseTensor(np.asarray(places, "int64").reshape(-1, len(shape)), tensor_of(values), shape)


def _parts(x):
    return x.indices.numpy(), array_of(x.values), tuple(x.dense_shape.numpy().tolist())


def reorder(sp_input, name=None) -> SparseTensor:
    """The same, with places in the order of a dense tensor."""
    places, values, shape = _parts(sp_input)
    order = np.lexsort(places.T[::-1])
    return _made(places[order], values[order], shape)


def reshape(sp_input, shape, name=None) -> SparseTensor:
    """The same elements in another shape; one size may be -1."""
    places, values, old = _parts(sp_input)
    shape = [int(n) for n in np.ravel(np.asarray(shape))]
    shape = tuple(int(np.prod(old)) // -int(np.prod(shape)) if n == -1 else n for n in shape)
    return _made(np.stack(np.unravel_index(np.ravel_multi_index(tuple(places.T), old), shape), 1), values, shape)


def expand_dims(sp_input, axis=None, name=None) -> SparseTensor:
    """With an axis of size 1 at `axis` (the last)."""
    places, values, shape = _parts(sp_input)
    at = -1 if axis is None else int(axis)
    at = at + len(shape) + 1 if at < 0 else at
    return _made(np.insert(places, at, 0, 1), values, (*shape[:at], 1, *shape[at:]))


def transpose(sp_input, perm=None, name=None) -> SparseTensor:
    """With the axes in another order, by default reversed."""
    places, values, shape = _parts(sp_input)
    perm = list(range(len(shape)))[::-1] if perm is None else [int(n) for n in np.asarray(perm)]
    return reorder(_made(places[:, perm], values, tuple(shape[n] for n in perm)))


def slice(sp_input, start, size, name=None) -> SparseTensor:
    """The part that begins at start and has at most these sizes."""
    places, values, shape = _parts(sp_input)
    start, size = np.asarray(start).astype(int), np.asarray(size).astype(int)
    inside = ((places >= start) & (places < start + size)).all(1)
    sizes = np.maximum(np.minimum(start + size, shape) - start, 0)
    return _made(places[inside] - start, values[inside], tuple(sizes.tolist()))


def concat(axis, sp_inputs, expand_nonconcat_dims=False, name=None) -> SparseTensor:
    """Side by side along axis; other sizes are equal, or with expand_nonconcat_dims the largest."""
    parts = [_parts(x) for x in sp_inputs]
    shapes = np.array([shape for *_, shape in parts])
    axis = int(axis) % shapes.shape[1]
    others = np.delete(shapes, axis, 1)
    if not expand_nonconcat_dims and (others != others[0]).any():
        raise ValueError(f"tf.sparse.concat: expected shapes that differ on axis {axis} alone, received "
                         f"{[tuple(s) for s in shapes.tolist()]}")
    whole = shapes.max(0)
    whole[axis] = shapes[:, axis].sum()
    moved, begin = [], 0
    for places, _, shape in parts:
        moved.append(places + begin * (np.arange(len(whole)) == axis))
        begin += shape[axis]
    values = np.concatenate([values for _, values, _ in parts])
    return reorder(_made(np.concatenate(moved), values, tuple(whole.tolist())))


def retain(sp_input, to_retain) -> SparseTensor:
    """The elements for which to_retain is True."""
    places, values, shape = _parts(sp_input)
    kept = np.asarray(to_retain, bool)
    return _made(places[kept], values[kept], shape)


def map_values(op, *args, **kwargs) -> SparseTensor:
    """op of the values; sparse arguments are of the same places."""
    first = next(x for x in (*args, *kwargs.values()) if isinstance(x, SparseTensor))
    given = lambda x: x.values if isinstance(x, SparseTensor) else x
    return first.with_values(op(*map(given, args), **{k: given(v) for k, v in kwargs.items()}))


def add(a, b, threshold=0):
    """a + b: sparse when both are, without what is not above threshold; else dense."""
    if not (isinstance(a, SparseTensor) and isinstance(b, SparseTensor)):
        dense = [to_dense(x) if isinstance(x, SparseTensor) else x for x in (a, b)]
        return ops.add(*dense)
    (places_a, values_a, shape), (places_b, values_b, _) = _parts(a), _parts(b)
    places, where = np.unique(np.concatenate([places_a, places_b]), axis=0, return_inverse=True)
    values = np.zeros(len(places), np.result_type(values_a, values_b))
    np.add.at(values, where.ravel(), np.concatenate([values_a, values_b]))
    kept = np.abs(values) > threshold if threshold else np.ones(len(values), bool)
    return _made(places[kept], values[kept], shape)


def reduce_sum(sp_input, axis=None, keepdims=None, output_is_sparse=False, name=None):
    """The sum over axes (by default all): a dense tensor, or with output_is_sparse a sparse one."""
    axis = tuple(np.ravel(np.asarray(axis)).tolist()) if axis is not None else None
    found = Tensor(np.asarray(np.sum(to_dense(sp_input).numpy(), axis, keepdims=bool(keepdims))))
    return from_dense(found) if output_is_sparse else found


def sparse_dense_matmul(sp_a, b, adjoint_a=False, adjoint_b=False, name=None):
    """The product of a sparse and a dense matrix; gradients reach the dense one, and the values."""
    places, _, shape = _parts(sp_a)
    rows, columns = (places[:, 1], places[:, 0]) if adjoint_a else (places[:, 0], places[:, 1])
    b = ops.transpose(b) if adjoint_b else ops.convert_to_tensor(b)
    terms = ops.expand_dims(sp_a.values, -1) * ops.take(b, columns.astype("int32"), 0)
    return ops.segment_sum(terms, rows.astype("int32"), shape[1] if adjoint_a else shape[0])


def to_indicator(sp_input, vocab_size, name=None):
    """True at the numbers below vocab_size that occur along the last axis."""
    places, values, shape = _parts(sp_input)
    found = np.zeros((*shape[:-1], int(vocab_size)), bool)
    found[(*places[:, :-1].T, values)] = True
    return Tensor(found)


def eye(num_rows, num_columns=None, dtype="float32", name=None) -> SparseTensor:
    """Ones on the diagonal."""
    shape = int(num_rows), int(num_rows if num_columns is None else num_columns)
    return _made(np.repeat(np.arange(min(shape)), 2), np.ones(min(shape), str(dtype)), shape)


def __getattr__(name):
    raise missing(__name__, name, __all__)
