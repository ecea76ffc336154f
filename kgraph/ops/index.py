"""Reading at positions: take and its kin, scatter, sorting, one-hot codes.

Args:
    num_classes: how many places a vector has.
    k: how many.
    updates: what takes the place; of the inputs' dtype.
    start_indices: the first position on each axis, ints or a tensor of them.
    indices: integers; negative ones count from the end.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.prims import index as prims
from kgraph.compiler.prims import move
from kgraph.compiler.prims import scatter as scatter_prims
from kgraph.compiler.prims.rules import index_dtype
from kgraph.compiler.trace import bind
from kgraph.ops.core import (
    as_tensor,
    axis_of,
    broadcast_shapes,
    cast_to,
    expand_to,
    floating,
    is_float_dtype,
    op,
    promote,
    shape_tuple,
    standardize_dtype,
)
from kgraph.ops.create import iota
from kgraph.ops.elementwise import (
    add,
    bitwise_not,
    ceil,
    equal,
    floor,
    floor_divide,
    greater,
    greater_equal,
    isfinite,
    isnan,
    less,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    round,
    subtract,
    where,
)
from kgraph.ops.getitem import flat_positions, wrapped
from kgraph.ops.joining import concatenate, cut
from kgraph.ops.reduce import all, any, count_nonzero, max
from kgraph.ops.shape import expand_dims, moveaxis, ravel, reshape, rows


@op
def take(x, indices, axis=None):
    """The elements (or slices along an axis) at integer positions; negative ones count from the end.

    Without an axis, of the flattened tensor. Raises IndexError for a position outside.

    Example:
        >>> ops.take([10, 20, 30], [0, -1])
        <Tensor i32[2] [10 30]>
    """
    x, indices = as_tensor(x), as_tensor(indices)
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "take"))
    found = rows(moveaxis(x, axis, 0), wrapped(indices, x.shape[axis]))
    rank = len(indices.shape)
    return moveaxis(found, tuple(range(rank)), tuple(range(axis, axis + rank))) if axis and rank else found


@op
def take_along_axis(x, indices, axis=None):
    """The element at indices[...] of each line along an axis; the other axes broadcast.

    Raises:
        ValueError: indices of another rank than x.

    Example:
        >>> ops.take_along_axis([[10, 20], [30, 40]], [[1], [0]], axis=1)
        <Tensor i32[2,1] [[20]
         [30]]>
    """
    x, indices = as_tensor(x), as_tensor(indices)
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "take_along_axis"))
    if len(x.shape) != len(indices.shape):
        raise ValueError(f"take_along_axis: expected indices of rank {len(x.shape)}, "
                         f"received shape {tuple(indices.shape)}")
    indices = wrapped(indices, x.shape[axis])
    swap = lambda s, n: (*s[:axis], n, *s[axis + 1:])
    one = broadcast_shapes(swap(x.shape, 1), swap(indices.shape, 1), what="take_along_axis")
    x, indices = expand_to(x, swap(one, x.shape[axis])), expand_to(indices, swap(one, indices.shape[axis]))
    return bind(prims.take_along_p, x, indices, axis=axis)



@op
def slice(inputs, start_indices, shape):
    """The part of that shape that begins at start_indices, which may be data; it is kept inside, as XLA does.

    Args:
        shape: of the part.

    Example:
        >>> ops.slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2))
        <Tensor i32[2,2] [[2 3]
         [5 6]]>
    """
    x = as_tensor(inputs)
    starts, sizes = _starts(start_indices, len(x.shape)), shape_tuple(shape)
    sizes = tuple(n if isinstance(m, int) and m == -1 else m for m, n in zip(sizes, x.shape))
    return bind(move.dynamic_slice_p, x, *starts, sizes=sizes)


@op
def slice_update(inputs, start_indices, updates):
    """inputs with the part that begins at start_indices replaced by updates.

    Example:
        >>> ops.slice_update([1, 2, 3, 4], (1,), [9, 9])
        <Tensor i32[4] [1 9 9 4]>
    """
    x = as_tensor(inputs)
    updates = cast_to(as_tensor(updates), x.dtype)
    return bind(move.dynamic_update_slice_p, x, updates, *_starts(start_indices, len(x.shape)))


def _starts(start_indices, rank):
    if isinstance(start_indices, (tuple, list)):
        starts = [as_tensor(s, "int32") for s in start_indices]
    else:
        vector = as_tensor(start_indices, "int32")
        count = vector.shape[0] if vector.shape and isinstance(vector.shape[0], int) else rank
        starts = [vector[i] for i in range(count)] if vector.shape else [reshape(vector, ())]
    if len(starts) != rank:
        raise ValueError(f"expected start_indices for {rank} axes, received {len(starts)}")
    return starts


# ------------------------------------------------------------------ scatter and segments
def _flat_positions(indices, shape):
    """Rows of a matrix of indices as positions in the flattened leading axes of a shape."""
    depth = indices.shape[-1]
    return flat_positions([indices[..., k] for k in range(depth)], shape[:depth])


@op
def scatter(indices, values, shape):
    """Zeros of that shape, with values added at indices (..., k), which address the first k axes.

    Args:
        values: what is added at each index.

    Example:
        >>> ops.scatter([[0], [2], [2]], [1.0, 2.0, 3.0], (4,))
        <Tensor f32[4] [1. 0. 5. 0.]>
    """
    indices, values, shape = as_tensor(indices), as_tensor(values), shape_tuple(shape)
    depth = indices.shape[-1]
    flat = bind(prims.scatter_add_p, _flat_positions(indices, shape), values, size=dims.size_of(shape[:depth]))
    return reshape(flat, shape)


@op
def scatter_update(inputs, indices, updates, reduction=None):
    """inputs with the elements (or slices) at indices (..., k) replaced by updates, or combined with them.

    reduction: None (replace: of several for one place the last counts), "add", "mul", "max" or "min".

    Args:
        indices: (..., k): positions on the first k axes.
        reduction: None (replace: of several for one place the last counts), "add", "mul", "max" or "min".

    Raises:
        ValueError: another reduction.

    Example:
        >>> ops.scatter_update([1, 2, 3], [[1]], [9])
        <Tensor i32[3] [1 9 3]>
    """
    x, indices = as_tensor(inputs), as_tensor(indices)
    updates = cast_to(as_tensor(updates), x.dtype)
    if reduction not in (None, "add", "mul", "max", "min"):
        raise ValueError("scatter_update: expected reduction None, 'add', 'mul', 'max' or 'min', "
                         f"received {reduction!r}")
    depth = indices.shape[-1]
    size, inner = dims.size_of(x.shape[:depth]), x.shape[depth:]
    place = ravel(_flat_positions(indices, x.shape))
    updates = reshape(updates, (place.shape[0], *inner))
    flat = reshape(x, (size, *inner))
    if reduction is None:
        return reshape(_replaced(flat, place, updates), x.shape)
    prim, combine = {"add": (prims.scatter_add_p, add), "mul": (scatter_prims.scatter_prod_p, multiply),
                     "max": (scatter_prims.scatter_max_p, maximum), "min": (scatter_prims.scatter_min_p, minimum)}[
                         reduction]
    return reshape(combine(flat, bind(prim, place, updates, size=size)), x.shape)


def _replaced(x, place, updates):
    """The rows of x, and at `place` the last of the updates that are meant for it."""
    rows_, last = x.shape[0], bind(scatter_prims.scatter_last_p, place, size=x.shape[0])
    origin = where(less(last, 0), iota(rows_, "int64"), add(last, as_tensor(rows_, "int64")))
    return bind(prims.take_p, concatenate([x, updates], 0), origin)


# ------------------------------------------------------------------ order
def _descending(x):
    """A key that sorts ascending as x does descending."""
    if is_float_dtype(x.dtype):
        return negative(x)
    return bitwise_not(x)


@op
def argsort(x, axis=-1):
    """The positions (int32, where that can hold them) that sort an axis, equal elements in their order, NaN last; of
    the flattened x for None.

    Example:
        >>> ops.argsort([3, 1, 2])
        <Tensor i32[3] [1 2 0]>
    """
    x = as_tensor(x)
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "argsort"))
    return bind(prims.argsort_p, x, axis=axis)


@op
def sort(x, axis=-1):
    """The elements along an axis in rising order, NaN last.

    Example:
        >>> ops.sort([3, 1, 2])
        <Tensor i32[3] [1 2 3]>
    """
    x = as_tensor(x)
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "sort"))
    return bind(prims.take_along_p, x, bind(prims.argsort_p, x, axis=axis), axis=axis)


@op
def argpartition(x, kth, axis=-1):
    """Positions such that the kth element is in its sorted place: all of them are.

    Args:
        kth: the element that has to be in its place.

    Example:
        >>> ops.argpartition([3, 1, 2], 1)
        <Tensor i32[3] [1 2 0]>
    """
    return argsort(x, axis)


@op
def top_k(x, k, sorted=True):
    """(values, positions) of the k largest elements of the last axis, in falling order.

    Args:
        sorted: accepted: they always are in order.

    Example:
        >>> ops.top_k([1, 9, 4, 7], 2)
        (<Tensor i32[2] [9 7]>, <Tensor i32[2] [1 3]>)
    """
    x = as_tensor(x)
    axis = len(x.shape) - 1
    order = cut(bind(prims.argsort_p, _descending(x), axis=axis), axis, 0, k)
    return bind(prims.take_along_p, x, order, axis=axis), order


@op
def in_top_k(targets, predictions, k):
    """Whether the prediction at each target is among the k largest of its row; ties count as inside.

    Args:
        targets: class ids (batch,).
        predictions: scores (batch, classes).

    Example:
        >>> ops.in_top_k([1, 0], [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]], k=1)
        <Tensor b1[2] [ True False]>
    """
    targets, predictions = as_tensor(targets), floating(predictions)
    own = take_along_axis(predictions, expand_dims(cast_to(targets, "int32"), -1), -1)
    better = count_nonzero(greater(predictions, own), -1)
    return logical_and(less(better, k), all(isfinite(own), -1))


@op
def searchsorted(sorted_sequence, values, side="left"):
    """Where values would have to stand in a sorted vector: before ("left") or after ("right") those that are equal.

    NaN stands after all numbers.

    Args:
        sorted_sequence: a vector in rising order.
        values: numbers to be placed.
        side: "left" (the default) or "right" of those that are equal.

    Raises:
        ValueError: another side.

    Example:
        >>> ops.searchsorted([1, 3, 5], [3, 4])
        <Tensor i32[2] [1 2]>
    """
    ordered, values = promote(sorted_sequence, values)
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: expected side 'left' or 'right', received {side!r}")
    wide = expand_dims(values, -1)
    before = less(ordered, wide) if side == "left" else greater_equal(wide, ordered)
    if is_float_dtype(values.dtype):
        before = logical_or(before, isnan(wide))
    return count_nonzero(before, -1)


@op
def digitize(x, bins):
    """The number of the bin, bounded by rising numbers, that each element falls into.

    Args:
        bins: the bounds, a rising list of numbers.

    Example:
        >>> ops.digitize([0.5, 2.5], [1.0, 2.0, 3.0])
        <Tensor i32[2] [0 2]>
    """
    return searchsorted(bins, x, side="right")


@op
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """Each index as a vector of num_classes with a 1 at it, along a new axis; indices outside give zeros.

    Example:
        >>> ops.one_hot([0, 2, -1], 3)
        <Tensor f32[3,3] [[1. 0. 0.]
         [0. 0. 1.]
         [0. 0. 0.]]>
    """
    x = as_tensor(x)
    x = x if "int" in x.dtype else cast_to(x, "int32")
    rank = len(x.shape) + 1
    axis = axis_of(axis, rank, "one_hot")
    classes = reshape(iota(num_classes, x.dtype), tuple(num_classes if i == axis else 1 for i in range(rank)))
    return cast_to(equal(expand_dims(x, axis), classes), standardize_dtype(dtype))


@op
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs):
    """Vectors of num_classes with a 1 at every index of a row.

    Example:
        >>> ops.multi_hot([[0, 2], [1, 1]], 3)
        <Tensor f32[2,3] [[1. 0. 1.]
         [0. 1. 0.]]>
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    x = as_tensor(inputs)
    return max(one_hot(x, num_classes, axis, dtype), 1 if len(x.shape) > 1 else 0)


@op
def isin(x1, x2, assume_unique=False, invert=False):
    """Where elements of x1 are among those of x2.

    Args:
        assume_unique: accepted.
        invert: where they are not among them.

    Example:
        >>> ops.isin([1, 2, 3], [2, 5])
        <Tensor b1[3] [False  True False]>
    """
    a, b = promote(x1, x2)
    found = any(equal(expand_dims(a, -1), ravel(b)), -1)
    return logical_not(found) if invert else found


@op
def select(condlist, choicelist, default=0):
    """The element of the first choice whose condition holds, else default.

    Args:
        condlist, choicelist: as many conditions as choices, all of shapes that broadcast.
        default: where no condition holds, 0 by default.

    Example:
        >>> ops.select([[True, False], [True, True]], [[1, 1], [2, 2]])
        <Tensor i32[2] [1 2]>
    """
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):
        result = where(condition, choice, result)
    return result


def _interpolated(ordered, q, method):
    """The elements at a share q of the sorted axis 0."""
    place = multiply(cast_to(q, "float64"), subtract(as_tensor(ordered.shape[0], "float64"), 1))
    rank = len(ordered.shape) - 1
    pick = lambda place: rows(ordered, cast_to(place, index_dtype("quantile", ordered.shape[0])))
    wide = lambda v: reshape(v, (*v.shape, *(1,) * rank))
    return _between(place, pick, method, wide)


def _between(place, pick, method, wide):
    """The value at a real place, by the elements before and after it (pick), as the method says."""
    if method == "nearest":
        return pick(round(place))
    below, above = floor(place), ceil(place)
    if method == "lower":
        return pick(below)
    if method == "higher":
        return pick(above)
    if method not in ("linear", "midpoint"):
        raise ValueError("quantile: expected method 'linear', 'lower', 'higher', 'midpoint' or 'nearest', "
                         f"received {method!r}")
    share = subtract(place, below) if method == "linear" else where(equal(below, above), 0.0, 0.5)
    low = pick(below)
    return add(low, multiply(subtract(pick(above), low), wide(cast_to(share, low.dtype))))


@op
def unravel_index(indices, shape):
    """Positions in a flattened tensor as one index per axis.

    Returns:
        A tuple, one tensor for each axis.

    Example:
        >>> ops.unravel_index(5, (2, 3))
        (<Tensor i32[] 1>, <Tensor i32[] 2>)
    """
    flat, found = as_tensor(indices), []
    for n in reversed(shape):
        found.append(mod(flat, n))
        flat = floor_divide(flat, n)
    return tuple(reversed(found))
