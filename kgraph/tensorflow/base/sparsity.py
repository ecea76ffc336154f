"""tf.SparseTensor, tf.RaggedTensor and tf.IndexedSlices: what is not a box of numbers. They live on the host."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kgraph.compiler.ir import TensorLike
from kgraph.compiler.trace import Tensor
from kgraph.tensorflow.base.arrays import convert_to_tensor
from kgraph.tensorflow.base.dtypes import TensorShape, as_dtype
from kgraph.tensorflow.base.texts import StringTensor

__all__ = ["IndexedSlices", "RaggedTensor", "SparseTensor"]


def array_of(x) -> np.ndarray:
    """x, a tensor or what one can be made of, as an array; texts are objects."""
    x = convert_to_tensor(x)
    return x.numpy_array() if isinstance(x, StringTensor) else np.asarray(x)


def tensor_of(array):
    """A tensor of an array."""
    if isinstance(array, (TensorLike, StringTensor)):
        return array
    return StringTensor(array) if array.dtype.kind in "OSU" else Tensor(array)


def joined(items):
    """SparseTensors or RaggedTensors of several elements along a new first axis, as large as the largest."""
    if isinstance(items[0], RaggedTensor):
        return RaggedTensor.from_row_lengths(_end_to_end(items), [len(x) for x in items])
    shape = np.max([x.dense_shape.numpy() for x in items], axis=0)
    places = [np.insert(x.indices.numpy(), 0, i, 1) for i, x in enumerate(items)]
    values = np.concatenate([array_of(x.values) for x in items])
    return SparseTensor(np.concatenate(places), tensor_of(values), (len(items), *shape.tolist()))


def _end_to_end(items):
    """The rows of RaggedTensors, one after the other."""
    if isinstance(items[0].values, RaggedTensor):
        inner = _end_to_end([x.values for x in items])
    else:
        inner = tensor_of(np.concatenate([array_of(x.values) for x in items]))
    return RaggedTensor.from_row_lengths(inner, np.concatenate([np.diff(x.row_splits.numpy()) for x in items]))


def empty_value(dtype):
    """What stands where nothing is: 0, or an empty text."""
    return b"" if dtype == "string" else np.zeros((), as_dtype(dtype).name)


class IndexedSlices(NamedTuple):
    """Rows and their numbers; gradients are dense here, so that nothing makes one."""

    values: object
    indices: object
    dense_shape: object = None


class SparseTensor:
    """The places [n, axes] and values [n] of the elements of a tensor of shape dense_shape that are not zero."""

    def __init__(self, indices, values, dense_shape):
        self.dense_shape = convert_to_tensor(np.asarray(dense_shape, "int64"), "int64")
        self.values = convert_to_tensor(values)
        places = np.asarray(indices, "int64")
        self.indices = Tensor(places if places.size else places.reshape(0, self.dense_shape.shape[0]))
        if len(self.indices.shape) != 2 or self.indices.shape[0] != self.values.shape[0]:
            raise ValueError(f"SparseTensor: expected a row of indices for each value, received {self.indices.shape} "
                             f"indices and {self.values.shape} values")

    @classmethod
    def of(cls, array):
        """What is not zero in an array."""
        places = np.argwhere(array != empty_value("string" if array.dtype == object else array.dtype.name))
        return cls(places, tensor_of(array[tuple(places.T)]), array.shape)

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.dense_shape.numpy().tolist())

    @property
    def dtype(self):
        return as_dtype(self.values.dtype)

    def get_shape(self) -> TensorShape:
        return self.shape

    def with_values(self, new_values):
        """The same places with other values."""
        return SparseTensor(self.indices.numpy(), new_values, self.dense_shape.numpy())

    def dense(self, default_value=None):
        """The tensor, with default_value where nothing is."""
        value = empty_value(self.dtype) if default_value is None else array_of(default_value).item()
        found = np.full(tuple(self.shape), value, object if self.dtype == "string" else self.dtype.name)
        found[tuple(self.indices.numpy().T)] = array_of(self.values)
        return tensor_of(found)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("expected a dense tensor, received a SparseTensor: tf.sparse.to_dense makes one of it")

    def __repr__(self):
        return f"SparseTensor(indices={self.indices!r}, values={self.values!r}, dense_shape={self.dense_shape!r})"


class RaggedTensor:
    """Rows of different lengths: `values` (a tensor, or again a RaggedTensor) cut at row_splits.

    tf.ragged.constant and the from_... make it; to_tensor fills the rows up, which is what a model takes.
    """

    def __init__(self, values, row_splits):
        self.values, self.row_splits = values, convert_to_tensor(np.asarray(row_splits, "int64"), "int64")

    @classmethod
    def from_row_splits(cls, values, row_splits, name=None, validate=True):
        """Rows that begin and end at row_splits."""
        return cls(values if isinstance(values, RaggedTensor) else convert_to_tensor(values), np.asarray(row_splits))

    @classmethod
    def from_row_lengths(cls, values, row_lengths, name=None, validate=True):
        """Rows of these lengths."""
        return cls.from_row_splits(values, np.concatenate([[0], np.cumsum(np.asarray(row_lengths), dtype="int64")]))

    @classmethod
    def from_value_rowids(cls, values, value_rowids, nrows=None, name=None, validate=True):
        """Values with the number of the row that each is in, rising."""
        ids = np.asarray(value_rowids)
        count = int(nrows) if nrows is not None else int(ids[-1]) + 1 if len(ids) else 0
        return cls.from_row_lengths(values, np.bincount(ids.astype(int), minlength=count))

    @classmethod
    def from_tensor(cls, tensor, lengths=None, padding=None, ragged_rank=1, name=None, row_splits_dtype="int64"):
        """The rows of a tensor: whole, of these lengths, or without the padding at their ends."""
        rows = array_of(tensor)
        if padding is not None:
            kept = (rows != array_of(padding).item()).reshape(*rows.shape[:2], -1).any(-1)
            lengths = [int(np.max(np.flatnonzero(row), initial=-1)) + 1 for row in kept]
        sizes = [rows.shape[1]] * len(rows) if lengths is None else np.asarray(lengths).tolist()
        parts = [row[:n] for row, n in zip(rows, sizes)]
        return cls.from_row_lengths(tensor_of(np.concatenate(parts) if parts else rows.reshape(0)), sizes)

    @classmethod
    def from_sparse(cls, st_input, name=None, row_splits_dtype="int64"):
        """The values of each row of a matrix; they stand at its beginning."""
        places = st_input.indices.numpy()
        return cls.from_value_rowids(st_input.values, places[:, 0], int(st_input.dense_shape.numpy()[0]))

    @classmethod
    def nested(cls, rows, dtype=None):
        """Of nested lists: as many ragged axes as lists lie in the outer one."""
        lengths = [len(row) for row in rows]
        inner = [x for row in rows for x in row]
        deep = any(isinstance(x, (list, tuple)) for x in inner)
        return cls.from_row_lengths(cls.nested(inner, dtype) if deep else convert_to_tensor(
            inner, dtype or (None if inner else "float32")), lengths)

    @property
    def dtype(self):
        return as_dtype(self.values.dtype)

    @property
    def flat_values(self):
        return self.values.flat_values if isinstance(self.values, RaggedTensor) else self.values

    @property
    def ragged_rank(self) -> int:
        return 1 + getattr(self.values, "ragged_rank", 0)

    @property
    def shape(self) -> TensorShape:
        return TensorShape((len(self), None, *self.values.shape[1:]))

    def get_shape(self) -> TensorShape:
        return self.shape

    def nrows(self, out_type=None, name=None):
        return convert_to_tensor(len(self), "int64")

    def row_lengths(self, axis=1, name=None):
        return Tensor(np.diff(self.row_splits.numpy()))

    def value_rowids(self, name=None):
        return Tensor(np.repeat(np.arange(len(self)), np.diff(self.row_splits.numpy())))

    def bounding_shape(self, axis=None, name=None, out_type=None):
        """The sizes of the box that holds all rows, or one of them."""
        inner = self.values.bounding_shape().numpy()[1:] if isinstance(self.values, RaggedTensor) else \
            self.values.shape[1:]
        box = np.array([len(self), np.max(np.diff(self.row_splits.numpy()), initial=0), *inner], "int64")
        return Tensor(box if axis is None else box[axis])

    def with_values(self, new_values):
        return RaggedTensor(new_values, self.row_splits.numpy())

    def with_flat_values(self, new_values):
        deep = isinstance(self.values, RaggedTensor)
        return self.with_values(self.values.with_flat_values(new_values) if deep else convert_to_tensor(new_values))

    def to_list(self) -> list:
        """Nested lists."""
        return [row.to_list() if isinstance(row, RaggedTensor) else array_of(row).tolist() for row in self]

    def to_tensor(self, default_value=None, name=None, shape=None):
        """A tensor of the rows, filled up with default_value (0, or an empty text); shape: sizes, None as needed."""
        value = empty_value(self.dtype) if default_value is None else array_of(default_value).item()
        box = self.bounding_shape().numpy().tolist()
        asked = [] if shape is None else [None if n is None or int(n) < 0 else int(n) for n in shape]
        sizes = [b if a is None else a for a, b in zip(asked + [None] * len(box), box)]
        found = np.full(sizes, value, object if self.dtype == "string" else self.dtype.name)
        for i, row in enumerate(list(self)[:sizes[0]]):
            row = array_of(row.to_tensor(default_value) if isinstance(row, RaggedTensor) else row)
            row = row[tuple(np.s_[:n] for n in sizes[1:])]
            found[(i, *map(slice, row.shape))] = row
        return tensor_of(found)

    def to_sparse(self, name=None) -> SparseTensor:
        """The elements as a SparseTensor of a matrix."""
        lengths = np.diff(self.row_splits.numpy())
        column = np.concatenate([np.arange(n) for n in lengths]) if len(lengths) else np.zeros(0, "int64")
        return SparseTensor(np.stack([self.value_rowids().numpy(), column], 1), self.values,
                            self.bounding_shape().numpy())

    def numpy(self):
        """An array of arrays, one for each row; of one length, an array with axes."""
        rows = [row.numpy() for row in self]
        if len({np.shape(r) for r in rows}) <= 1 and rows:
            return np.stack(rows)
        found = np.empty(len(rows), object)
        found[:] = rows
        return found

    def __len__(self):
        return len(self.row_splits.numpy()) - 1

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        splits = self.row_splits.numpy()
        if isinstance(key, slice):
            first, stop, step = key.indices(len(self))
            if step == 1:
                stop = max(stop, first)
                return RaggedTensor(self.values[int(splits[first]):int(splits[stop])],
                                    splits[first:stop + 1] - splits[first])
            return RaggedTensor.from_row_lengths(*_rows([self[i] for i in range(first, stop, step)], self.values))
        if isinstance(key, tuple):
            return self[key[0]][key[1:] if len(key) > 2 else key[1]]
        i = range(len(self))[int(key)]
        return self.values[int(splits[i]):int(splits[i + 1])]

    def __array__(self, dtype=None, copy=None):
        raise TypeError("expected a dense tensor, received a RaggedTensor: its to_tensor() fills the rows up")

    def __repr__(self):
        return f"<tf.RaggedTensor {self.to_list()}>"


def _rows(rows, like):
    """The values and lengths of some rows."""
    lengths = [len(r) if isinstance(r, RaggedTensor) else r.shape[0] for r in rows]
    flat = [array_of(r) for r in rows] or [array_of(like)[:0]]
    return tensor_of(np.concatenate(flat)), lengths
