"""x[key], as NumPy has it: integers, slices, None, Ellipsis and arrays of integers or bools."""
from __future__ import annotations

import functools
import operator

from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.prims.index import check_bounds
from kgraph.compiler.prims.move import slice_p
from kgraph.compiler.prims.rules import index_dtype, require_order
from kgraph.compiler.trace import Tensor, bind, to_tensor
from kgraph.ops.core import as_size, as_tensor, broadcast_all, cast_to, is_float_dtype, op, promote, result_type
from kgraph.ops.elementwise import add, greater_equal, less, logical_and, multiply, where
from kgraph.ops.shape import flip, moveaxis, reshape, rows
from kgraph.ops.sized_by_data import nonzero


def wrapped(indices, n):
    """Integer indices with the negative ones counted from the end of an axis of size n."""
    if indices.dtype.startswith("u") or isinstance(indices, Tensor) and not (indices.numpy() < 0).any():
        return indices
    indices = cast_to(indices, result_type(indices.dtype, index_dtype("index", n)))
    return where(less(indices, 0), add(indices, as_tensor(n, indices.dtype)), indices)


@op
def get_item(x, key):
    """x[key]: integers, slices, None, Ellipsis, integer arrays, and (outside graphs) arrays of bools.

    Args:
        key: as between the brackets of x[key].

    Example:
        >>> ops.get_item(ops.arange(5), slice(1, 4))
        <Tensor i32[3] [1 2 3]>
    """
    x = as_tensor(x)
    x, key = _spread_bools(x, _expand_key(key, len(x.shape)))
    x, arrays = _basic(x, key)
    return _advanced(x, arrays) if arrays else x


def _expand_key(key, rank) -> list:
    """One entry per axis (an int, a slice or an array), and None for each new axis; the Ellipsis filled in."""
    key = list(key) if isinstance(key, tuple) else [key]
    key = [k if _is_basic(k) else _index_entry(k) for k in key]
    used = 0
    for k in key:
        used += 0 if k is None or k is Ellipsis else len(k.shape) if _is_bool(k) else 1
    if used > rank:
        raise IndexError(f"expected at most {rank} indices, received {used}")
    spots = [i for i, k in enumerate(key) if k is Ellipsis]
    if len(spots) > 1:
        raise IndexError("expected at most one Ellipsis among the indices, received more")
    spot = spots[0] if spots else len(key)
    return key[:spot] + [slice(None)] * (rank - used) + key[spot + 1:]


def _is_basic(k):
    return k is None or k is Ellipsis or isinstance(k, (slice, Dim)) or isinstance(k, int) and not isinstance(k, bool)


def _is_bool(k):
    return isinstance(k, TensorLike) and k.dtype == "bool"


def _index_entry(k):
    """An array of indices as a tensor; a concrete integer scalar as an int."""
    k = to_tensor(k) if isinstance(k, TensorLike) else as_tensor(k)
    if is_float_dtype(k.dtype):
        raise IndexError(f"expected integers, slices, None, Ellipsis or arrays of integers or bools, received {k!r}")
    return k.item() if isinstance(k, Tensor) and not k.shape and k.dtype != "bool" else k


def _spread_bools(x, key):
    """Arrays of bools as the positions where they are true. Their number is data, so only outside graphs."""
    found = []
    for k in key:
        found += nonzero(k) if _is_bool(k) else [k]
    return x, found


def _basic(x, key):
    """Ints, slices and new axes done; returns the rest and {its axis: array of indices}."""
    starts, limits, strides, flips, shape, arrays = [], [], [], [], [], {}
    for k in key:
        if k is None:
            shape.append(1)
            continue
        n = x.shape[len(starts)]
        if isinstance(k, (int, Dim)):
            start = _position(k, n, len(starts))
            bounds = start, start + 1, 1
        elif isinstance(k, slice):
            *bounds, backwards = _bounds(k, n)
            flips += [len(starts)] if backwards else []
            shape.append(_length(*bounds))
        else:
            arrays[len(shape)] = k
            shape.append(n)
            bounds = 0, n, 1
        for values, value in zip((starts, limits, strides), bounds):
            values.append(value)
    if any_differs(starts, limits, strides, x.shape):
        x = bind(slice_p, x, starts=tuple(starts), limits=tuple(limits), strides=tuple(strides))
    x = flip(x, tuple(flips)) if flips else x
    return reshape(x, tuple(shape)), arrays


def any_differs(starts, limits, strides, shape) -> bool:
    """Whether a slice is not the whole tensor."""
    return not (starts == [0] * len(starts) and limits == list(shape) and strides == [1] * len(strides))


def _length(start, limit, stride):
    return limit - start if stride == 1 else (limit - start - 1) // stride + 1


def _position(k, n, axis):
    """An integer index as a position from the start."""
    if isinstance(k, Dim) or isinstance(n, Dim):
        if isinstance(k, int):
            require_order("index", k + 1 if k >= 0 else -k, n)
        return n + k if isinstance(k, int) and k < 0 else k
    if not -n <= k < n:
        raise IndexError(f"index {k} is outside [{-n}, {n}) on axis {axis}")
    return k + n if k < 0 else k


def _bounds(k, n):
    """(start, limit, stride, backwards) of a slice, with 0 <= start <= limit <= n and a positive stride."""
    step = 1 if k.step is None else operator.index(k.step)
    if step == 0:
        raise ValueError("slice: expected a step other than 0, received 0")
    start, stop = (None if v is None else as_size(v) for v in (k.start, k.stop))
    if isinstance(n, int) and not isinstance(start, Dim) and not isinstance(stop, Dim):
        start, stop, step = slice(start, stop, step).indices(n)
        count = len(range(start, stop, step))
        if step > 0:
            return start, start + (count - 1) * step + 1 if count else start, step, False
        last = start + (count - 1) * step if count else 0
        return last, start + 1 if count else last, -step, True
    if step < 0:
        start, stop = _ends(stop, start, n, 1)
        if (stop - start - 1) % -step != 0:
            start = start + (stop - start - 1) % -step
        return start, stop, -step, True
    start, stop = _ends(start, stop, n, 0)
    return start, stop, step, False


def _ends(start, stop, n, shift):
    """Both ends of a slice of an axis whose size is not known: they are taken to be inside it."""
    for v in (start, stop):
        if isinstance(v, int):
            require_order("slice", abs(v), n)
    place = lambda v: n + v + shift if isinstance(v, int) and v < 0 else v + shift
    return 0 if start is None else place(start), n if stop is None else place(stop)


def _advanced(x, arrays):
    """Integer arrays at axes: these axes to the front and flattened to one, whose rows are taken."""
    axes = sorted(arrays)
    sizes = [x.shape[a] for a in axes]
    indices = broadcast_all(*promote(*[wrapped(arrays[a], n) for a, n in zip(axes, sizes)], least=int), what="indices")
    flat = flat_positions(indices, sizes) if len(axes) > 1 else indices[0]
    front = moveaxis(x, axes, range(len(axes)))
    front = reshape(front, (dims.size_of(sizes), *front.shape[len(axes):])) if len(axes) > 1 else front
    found = rows(front, flat)
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    rank = len(flat.shape)
    return moveaxis(found, range(rank), range(axes[0], axes[0] + rank)) if together and axes[0] and rank else found


def flat_positions(indices, sizes):
    """Where axes of these sizes are one: the positions (int64) of an index for each, -1 where one is outside of its
    own. Raises IndexError for one that is known to be."""
    flat, inside = as_tensor(0, "int64"), []
    for i, n in zip(indices, sizes):
        if isinstance(i, Tensor) and isinstance(n, int):
            check_bounds(i.numpy(), n)
        i, n = cast_to(i, "int64"), as_tensor(n, "int64")
        flat = add(multiply(flat, n), i)
        inside.append(logical_and(greater_equal(i, 0), less(i, n)))
    return where(functools.reduce(logical_and, inside), flat, -1)
