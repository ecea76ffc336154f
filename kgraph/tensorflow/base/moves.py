"""Parts, places and counts of tensors: of `tf`."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kgraph import ops, tree
from kgraph.compiler.trace import Tensor
from kgraph.initializers import Constant as constant_initializer
from kgraph.initializers import Ones as ones_initializer
from kgraph.initializers import RandomNormal as random_normal_initializer
from kgraph.initializers import RandomUniform as random_uniform_initializer
from kgraph.initializers import Zeros as zeros_initializer
from kgraph.tensorflow.base.arrays import convert_to_tensor, tensor_scatter_nd_add
from kgraph.tensorflow.base.control import scan
from kgraph.tensorflow.base.dtypes import as_dtype
from kgraph.tensorflow.base.texts import StringTensor

__all__ = ["constant_initializer", "dynamic_partition", "dynamic_stitch", "foldr", "histogram_fixed_width",
           "identity_n", "ones_initializer", "random_normal_initializer", "random_uniform_initializer", "realdiv",
           "reverse_sequence", "tensor_scatter_nd_max", "tensor_scatter_nd_min", "tensor_scatter_nd_sub",
           "truncatediv", "truncatemod", "unique_with_counts", "unravel_index", "zeros_initializer"]


class Unique(NamedTuple):
    """The different elements, the number of that which each element is, and how often each occurs."""

    y: object
    idx: object
    count: object


def unique_with_counts(x, out_idx="int32", name=None):
    """(different elements in the order in which they come, which each element is, how often each occurs)."""
    x = convert_to_tensor(x)
    array = x.numpy_array() if isinstance(x, StringTensor) else np.asarray(x)
    _, first, which, count = np.unique(array, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    place, values = np.argsort(order), array[np.sort(first)]
    dtype = as_dtype(out_idx).name
    return Unique(StringTensor(values) if array.dtype == object else Tensor(values),
                  Tensor(place[which.ravel()].astype(dtype)), Tensor(count[order].astype(dtype)))


def dynamic_partition(data, partitions, num_partitions, name=None) -> list:
    """The slices of data by the number of the part that each goes to. Eagerly only: the data say how many."""
    data, parts = convert_to_tensor(data), np.asarray(partitions)
    flat = ops.reshape(data, (-1, *data.shape[parts.ndim:]))
    return [ops.take(flat, np.flatnonzero(parts.ravel() == i).astype("int32"), 0) for i in range(int(num_partitions))]


def dynamic_stitch(indices, data, name=None):
    """One tensor of slices, each at its place; of several for one place the last."""
    places = np.concatenate([np.ravel(np.asarray(i)) for i in indices])
    flat = ops.concatenate([ops.reshape(d, (-1, *convert_to_tensor(d).shape[np.ndim(np.asarray(i)):]))
                            for i, d in zip(indices, data)], 0)
    last = {place: row for row, place in enumerate(places.tolist())}
    return ops.take(flat, np.array([last[place] for place in range(int(places.max()) + 1)], "int32"), 0)


def identity_n(input, name=None) -> list:
    """The tensors of a list."""
    return [convert_to_tensor(x) for x in input]


def foldr(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    """As `foldl`, from the last element to the first."""
    return tree.map_structure(lambda x: x[0], scan(fn, elems, initializer, reverse=True))


def histogram_fixed_width(values, value_range, nbins=100, dtype="int32", name=None):
    """How many values lie in each of nbins equal parts of value_range; those outside count with the ends."""
    low, high = np.asarray(value_range, "float64")
    part = np.floor((np.asarray(values).astype("float64") - low) / (high - low) * int(nbins)).astype(int)
    counts = np.bincount(np.clip(part, 0, int(nbins) - 1).ravel(), minlength=int(nbins))
    return Tensor(counts.astype(as_dtype(dtype).name))


def realdiv(x, y, name=None):
    """x / y."""
    return ops.true_divide(x, y)


def truncatediv(x, y, name=None):
    """x / y of integers, rounded towards zero."""
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    return ops.sign(x) * ops.sign(y) * (ops.absolute(x) // ops.absolute(y))


def truncatemod(x, y, name=None):
    """What truncatediv leaves."""
    return ops.subtract(x, ops.multiply(y, truncatediv(x, y)))


def unravel_index(indices, dims, name=None):
    """[axes, n]: the places of numbers of elements in an array of sizes dims."""
    dims = tuple(int(n) for n in np.asarray(dims))
    return ops.stack([ops.cast(x, convert_to_tensor(indices).dtype) for x in ops.unravel_index(indices, dims)])


def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None):
    """The first seq_lengths elements of each sample turned round along seq_axis; the others stay."""
    x, axis, rows = convert_to_tensor(input), int(seq_axis), int(batch_axis or 0)
    place = ops.arange(x.shape[axis])
    lengths = ops.expand_dims(ops.cast(seq_lengths, "int32"), -1)
    source = ops.where(place < lengths, lengths - 1 - place, place)
    moved = ops.moveaxis(x, (rows, axis), (0, 1))
    index = ops.reshape(source, (*source.shape, *[1] * (len(x.shape) - 2)))
    return ops.moveaxis(ops.take_along_axis(moved, ops.broadcast_to(index, moved.shape), 1), (0, 1), (rows, axis))


def _scattered(f, tensor, indices, updates):
    """Updates joined one after the other, eagerly: those of one place all count."""
    found, places = np.array(convert_to_tensor(tensor).numpy()), np.asarray(indices)
    f.at(found, tuple(np.moveaxis(places, -1, 0)), np.asarray(updates))
    return Tensor(found)


def tensor_scatter_nd_sub(tensor, indices, updates, name=None):
    """tensor less updates at places."""
    return tensor_scatter_nd_add(tensor, indices, ops.negative(updates))


def tensor_scatter_nd_max(tensor, indices, updates, name=None):
    """The larger of tensor and updates at places."""
    return _scattered(np.maximum, tensor, indices, updates)


def tensor_scatter_nd_min(tensor, indices, updates, name=None):
    """The smaller of tensor and updates at places."""
    return _scattered(np.minimum, tensor, indices, updates)
