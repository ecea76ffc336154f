"""Making, shaping, joining and indexing tensors: the functions of `tf` itself."""
from __future__ import annotations

import operator
from builtins import range as _range
from builtins import slice as _slice

import numpy as np

from kgraph import ops, tree
from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorLike, Value
from kgraph.compiler.trace import Tensor
from kgraph.tensorflow.base.dtypes import TensorShape, as_dtype, common_dtype
from kgraph.tensorflow.base.signatures import functions_of
from kgraph.tensorflow.base.texts import StringTensor, is_text

_TABLE = """
    bitcast(input, type) = view
    linspace(start, stop, num)
    repeat(input, repeats, axis=None)
    reverse(tensor, axis) = flip
    roll(input, shift, axis)
    squeeze(input, axis=None)
    stop_gradient(input)
    tensor_scatter_nd_update(tensor, indices, updates) = scatter_update
"""
_functions = functions_of(_TABLE, __name__)
globals().update(_functions)
__all__ = [*_functions, "Tensor", "boolean_mask", "broadcast_to", "cast", "concat", "constant", "convert_to_tensor",
           "ensure_shape", "expand_dims", "eye", "fill", "gather", "gather_nd", "identity", "is_tensor", "meshgrid",
           "newaxis", "one_hot", "ones", "ones_like", "pad", "range", "rank", "reshape", "scatter_nd", "searchsorted",
           "sequence_mask", "shape", "size", "slice", "split", "stack", "tensor_scatter_nd_add", "tile", "transpose",
           "unique", "unstack", "where", "zeros", "zeros_like"]
newaxis = None


class Sizes(tuple):
    """What `tf.shape` gives: the sizes of a tensor, which in a graph may be known at the call only.

    Ints and Dims, so that they can be sizes of other tensors; arithmetic is by element, as with a tensor.
    """

    __slots__ = ()
    dtype = "int32"

    @property
    def shape(self) -> TensorShape:
        return TensorShape((len(self),))

    def numpy(self) -> np.ndarray:
        return np.asarray(tuple(self), "int32")

    def __array__(self, dtype=None, copy=None):
        return np.asarray(tuple(self), dtype or "int32")

    def __getitem__(self, key):
        found = super().__getitem__(key)
        return Sizes(found) if isinstance(key, _slice) else found

    def _by_element(self, other, f):
        other = other if isinstance(other, (tuple, list, np.ndarray)) else [other] * len(self)
        return Sizes(f(a, b) for a, b in zip(self, other, strict=True))

    def __add__(self, other):
        return self._by_element(other, operator.add)

    def __sub__(self, other):
        return self._by_element(other, operator.sub)

    def __mul__(self, other):
        return self._by_element(other, operator.mul)

    def __floordiv__(self, other):
        return self._by_element(other, operator.floordiv)

    __radd__, __rmul__ = __add__, __mul__


def _is_sizes(parts) -> bool:
    """Whether these are sizes to be joined, rather than tensors."""
    return any(isinstance(p, (Sizes, Dim)) for p in parts) and not any(isinstance(p, TensorLike) for p in parts)


def sizes_of(shape):
    """A shape given as ints, as a tensor of them or as Sizes, as what kgraph.ops takes."""
    if isinstance(shape, (Tensor, np.ndarray)):
        return tuple(np.atleast_1d(np.asarray(shape)).tolist())
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


def convert_to_tensor(value, dtype=None, dtype_hint=None, name=None):
    """value as a tensor: of texts a tensor of tf.string, of Python's floats float32, of its ints int32."""
    if dtype is not None and as_dtype(dtype) == "string" or dtype is None and is_text(value):
        return StringTensor(value)
    return ops.convert_to_tensor(value, dtype)


def constant(value, dtype=None, shape=None, name="Const"):
    """A tensor of value; shape: what it is reshaped to, or what a single number fills."""
    x = convert_to_tensor(value, dtype)
    if shape is None:
        return x
    if isinstance(x, StringTensor):
        return StringTensor(np.broadcast_to(x.numpy_array(), shape) if x.ndim == 0 else x.numpy_array().reshape(shape))
    return ops.broadcast_to(x, shape) if ops.size(x) == 1 else ops.reshape(x, shape)


def cast(x, dtype, name=None):
    """x with another dtype."""
    if isinstance(x, StringTensor):
        raise TypeError(f"tf.cast: expected numbers, received {x!r}: tf.strings.to_number reads numbers in text")
    return ops.cast(x, dtype)


def identity(input, name=None):
    """A tensor with the contents of input."""
    return input if isinstance(input, StringTensor) else ops.copy(input)


def is_tensor(x) -> bool:
    """Whether x is a tensor, of numbers or of text, or a Variable."""
    return isinstance(x, (TensorLike, StringTensor))


def ensure_shape(x, shape, name=None):
    """x itself. Raises ValueError when its shape is another; None in shape allows any size."""
    if not TensorShape(shape).is_compatible_with(x.shape):
        raise ValueError(f"tf.ensure_shape: expected shape {tuple(shape)}, received {tuple(x.shape)}")
    return x


def shape(input, out_type="int32", name=None):
    """The sizes of input: ints, and in a graph what stands for those not known yet. They can be sizes of others."""
    return Sizes(np.shape(input) if not hasattr(input, "shape") else ops.shape(input))


def rank(input, name=None):
    """The number of axes, as a tensor."""
    return ops.convert_to_tensor(len(shape(input)), "int32")


def size(input, out_type="int32", name=None):
    """The number of elements, as a tensor."""
    count = 1
    for n in shape(input):
        count = count * n
    return ops.convert_to_tensor(count, out_type)


def zeros(shape, dtype="float32", name=None, layout=None):
    """A tensor of zeros (of empty texts for tf.string)."""
    if as_dtype(dtype) == "string":
        return StringTensor(np.full(shape, b"", object))
    return ops.zeros(sizes_of(shape), dtype)


def ones(shape, dtype="float32", name=None, layout=None):
    """A tensor of ones."""
    return ops.ones(sizes_of(shape), dtype)


def fill(dims, value, name=None):
    """A tensor of one repeated value, of the value's dtype."""
    return ops.broadcast_to(ops.convert_to_tensor(value), sizes_of(dims))


def broadcast_to(input, shape, name=None):
    """input repeated to a shape."""
    return ops.broadcast_to(ops.convert_to_tensor(input), sizes_of(shape))


def tile(input, multiples, name=None):
    """input repeated that many times along each axis."""
    if is_text(input):
        return StringTensor(np.tile(StringTensor(input).numpy_array(), sizes_of(multiples)))
    return ops.tile(input, sizes_of(multiples))


def scatter_nd(indices, updates, shape, name=None):
    """Zeros of a shape with updates added at positions."""
    return ops.scatter(indices, updates, sizes_of(shape))


def zeros_like(input, dtype=None, name=None, layout=None):
    """Zeros of input's shape and, by default, dtype."""
    return ops.zeros_like(input, dtype)


def ones_like(input, dtype=None, name=None, layout=None):
    """Ones of input's shape and, by default, dtype."""
    return ops.ones_like(input, dtype)


def eye(num_rows, num_columns=None, batch_shape=None, dtype="float32", name=None):
    """A matrix with ones on its diagonal, or a batch of it."""
    matrix = ops.eye(num_rows, num_columns, dtype=dtype)
    return matrix if batch_shape is None else ops.broadcast_to(matrix, (*batch_shape, *matrix.shape))


def range(start, limit=None, delta=1, dtype=None, name="range"):
    """start, start + delta ... below limit; with one argument from 0."""
    start, limit = (0, start) if limit is None else (start, limit)
    typed = [x for x in (start, limit, delta) if isinstance(x, TensorLike)]
    return ops.arange(start, limit, delta, dtype or (common_dtype(*typed) if typed else None))


def meshgrid(*args, indexing="xy", name=None):
    """Grids of the coordinates given for each axis."""
    return ops.meshgrid(*args, indexing=indexing)


def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """on_value (1) at the index and off_value (0) elsewhere, along a new axis (by default the last)."""
    dtype = dtype or "float32"
    hot = ops.one_hot(indices, int(depth), axis=-1 if axis is None else axis, dtype=dtype)
    if on_value is None and off_value is None:
        return hot
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    return ops.cast(ops.where(ops.cast(hot, "bool"), on, off), dtype)


def sequence_mask(lengths, maxlen=None, dtype="bool", name=None):
    """A mask with True at the first `length` places of each row; maxlen: its width, by default the longest."""
    lengths = ops.convert_to_tensor(lengths)
    maxlen = int(ops.max(lengths)) if maxlen is None else maxlen
    return ops.cast(ops.arange(maxlen) < ops.expand_dims(lengths, -1), dtype)


def reshape(tensor, shape, name=None):
    """The elements in another shape, of which one size may be -1."""
    if is_text(tensor):
        return StringTensor(StringTensor(tensor).numpy_array().reshape(tuple(int(n) for n in shape)))
    return ops.reshape(tensor, sizes_of(shape))


def expand_dims(input, axis, name=None):
    """input with a new axis of size 1."""
    if is_text(input):
        return StringTensor(np.expand_dims(StringTensor(input).numpy_array(), axis))
    return ops.expand_dims(input, axis)


def transpose(a, perm=None, conjugate=False, name=None):
    """a with its axes in the order perm (by default reversed)."""
    a = ops.conj(a) if conjugate else a
    return ops.transpose(a, None if perm is None else [int(p) for p in perm])


def pad(tensor, paddings, mode="CONSTANT", constant_values=0, name=None):
    """tensor with (before, after) more elements on each axis; mode CONSTANT, REFLECT or SYMMETRIC."""
    widths = paddings if isinstance(paddings, (list, tuple)) else ops.convert_to_numpy(paddings).tolist()
    mode = str(mode).lower()
    return ops.pad(tensor, widths, mode, **({"constant_values": constant_values} if mode == "constant" else {}))


def concat(values, axis, name="concat"):
    """Tensors joined along an axis."""
    if any(map(is_text, values)):
        return StringTensor(np.concatenate([StringTensor(v).numpy_array() for v in values], axis))
    if any(isinstance(v, Sizes) or isinstance(v, (list, tuple)) and _is_sizes(v) for v in values):
        return Sizes(int(n) if isinstance(n, TensorLike) and not isinstance(n, Value) else n for v in values for n in v)
    return ops.concatenate([ops.convert_to_tensor(v) for v in values], int(axis))


def stack(values, axis=0, name="stack"):
    """Tensors of one shape along a new axis."""
    if any(map(is_text, values)):
        return StringTensor(np.stack([StringTensor(v).numpy_array() for v in values], axis))
    return Sizes(values) if _is_sizes(values) else ops.stack([ops.convert_to_tensor(v) for v in values], axis)


def unstack(value, num=None, axis=0, name="unstack"):
    """The slices along an axis, as a list."""
    if isinstance(value, Sizes):
        return list(value)
    return list(ops.unstack(value, num, axis))


def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """value cut along axis into that many equal parts, or into parts of these sizes (one may be -1)."""
    if isinstance(num_or_size_splits, (int, np.integer)):
        return list(ops.split(value, int(num_or_size_splits), axis))
    sizes = [int(n) for n in num_or_size_splits]
    if -1 in sizes:
        sizes[sizes.index(-1)] = ops.shape(value)[axis] - sum(n for n in sizes if n != -1)
    return list(ops.split(value, np.cumsum(sizes)[:-1].tolist(), axis))


def slice(input_, begin, size, name=None):
    """The part of that size from begin on; -1 is all that is left."""
    pairs = zip([_number(b) for b in begin], [_number(n) for n in size])
    return input_[tuple(_slice(b, None if isinstance(n, int) and n == -1 else b + n) for b, n in pairs)]


def _number(x):
    return x if isinstance(x, (Dim, Value)) else int(x)


def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """The slices of params at indices along axis; batch_dims: that many first axes are shared by both."""
    if is_text(params):
        return StringTensor(np.take(StringTensor(params).numpy_array(), np.asarray(indices), axis or 0))
    params, indices = ops.convert_to_tensor(params), ops.convert_to_tensor(indices)
    axis = batch_dims if axis is None else axis
    if batch_dims == 0:
        return ops.take(params, indices, axis)
    if axis != batch_dims:
        raise NotImplementedError(f"tf.gather: expected axis to be batch_dims={batch_dims}, received {axis}")
    key = [_places(params.shape[i], i, len(indices.shape)) for i in _range(batch_dims)]
    return params[(*key, indices)]


def _places(size, axis, rank):
    return ops.reshape(ops.arange(size), [size if i == axis else 1 for i in _range(rank)])


def gather_nd(params, indices, batch_dims=0, name=None):
    """The slices of params at positions: the last axis of indices counts the first axes of params."""
    params, indices = ops.convert_to_tensor(params), ops.convert_to_tensor(indices)
    parts = ops.unstack(indices, axis=-1)
    key = [_places(params.shape[i], i, len(indices.shape) - 1) for i in _range(batch_dims)]
    return params[(*key, *parts)]


def boolean_mask(tensor, mask, axis=None, name="boolean_mask"):
    """The slices of tensor where mask is True, on axes from `axis` (0) on. Eagerly only: the data says how many."""
    mask = np.asarray(mask, bool)
    if is_text(tensor):
        return StringTensor(StringTensor(tensor).numpy_array()[mask])
    return ops.convert_to_tensor(tensor)[(*[_slice(None)] * (axis or 0), ops.convert_to_tensor(mask))]


def where(condition, x=None, y=None, name=None):
    """x where condition holds, else y; without them the positions where it does, int64 (number, rank)."""
    if x is None and y is None:
        return ops.cast(ops.stack(list(ops.nonzero(condition)), axis=-1), "int64")
    if is_text(x) or is_text(y):
        return StringTensor(np.where(np.asarray(condition), *(StringTensor(v).numpy_array() for v in (x, y))))
    return ops.where(condition, x, y)


def searchsorted(sorted_sequence, values, side="left", out_type="int32", name=None):
    """Where values belong in a sorted sequence; of several sequences, each in its own."""
    sequence, values = ops.convert_to_tensor(sorted_sequence), ops.convert_to_tensor(values)
    if len(sequence.shape) == 1:
        return ops.cast(ops.searchsorted(sequence, values, side), out_type)
    found = [ops.searchsorted(s, v, side) for s, v in zip(sequence, values)]
    return ops.cast(ops.stack(found), out_type)


def tensor_scatter_nd_add(tensor, indices, updates, name=None):
    """tensor with updates added at positions."""
    return ops.scatter_update(tensor, indices, updates, "add")


def unique(x, out_idx="int32", name=None):
    """(the different elements in the order they come first, the number of each element of x among them)."""
    array = x.numpy_array() if isinstance(x, StringTensor) else np.asarray(x)
    values, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank_of = np.empty_like(order)
    rank_of[order] = np.arange(len(order))
    values = values[order]
    return (StringTensor(values) if array.dtype == object else Tensor(values),
            Tensor(rank_of[inverse.ravel()].astype(out_idx)))


def stacked(items):
    """Items of one structure as one item whose tensors have them along a new first axis."""
    return tree.map_structure(lambda *parts: stack(parts), *items)
