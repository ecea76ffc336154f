"""Functions that change shapes, put tensors together and take them apart."""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.prims import move as prims
from kgraph.compiler.prims.index import take_p
from kgraph.compiler.trace import bind
from kgraph.ops.core import (
    as_size,
    as_tensor,
    axes_of,
    axis_of,
    broadcast_shapes,
    expand_to,
    op,
    shape_tuple,
)


def _known_shape(newshape, shape) -> tuple:
    """The target of a reshape without -1 and None: None keeps the size of that axis, -1 is what is left."""
    target = newshape if isinstance(newshape, (tuple, list)) else (newshape,)
    target = [shape[i] if n is None and i < len(shape) else -1 if n is None else as_size(n) for i,
              n in enumerate(target)]
    free = [i for i, n in enumerate(target) if isinstance(n, int) and n == -1]
    total = dims.size_of(shape)
    if len(free) > 1:
        raise ValueError(f"reshape: expected at most one -1, received {tuple(newshape)} for shape {shape}")
    if free:
        rest = dims.size_of([n for i, n in enumerate(target) if i not in free])
        whole = isinstance(total, int) and isinstance(rest, int)
        if whole and (total % rest if rest else total):
            raise ValueError(f"reshape: expected a shape of {total} elements, received {tuple(newshape)}")
        target[free[0]] = total // rest if not (whole and rest == 0) else 0
    elif dims.size_of(target) != total:
        if isinstance(total, int) and isinstance(dims.size_of(target), int):
            raise ValueError(f"reshape: expected a shape of {total} elements for {shape}, received {tuple(newshape)}")
    return tuple(target)


@op
def reshape(x, newshape):
    """The same elements, row by row, in another shape; one size may be -1.

    Args:
        newshape: sizes; None keeps the size of that axis, one -1 is what is left.

    Example:
        >>> ops.reshape(ops.arange(6), (2, -1)).shape
        (2, 3)
    """
    x = as_tensor(x)
    target = _known_shape(newshape, x.shape)
    return x if target == x.shape else bind(prims.reshape_p, x, shape=target)


@op
def ravel(x):
    """All elements in one axis, row by row.

    Example:
        >>> ops.ravel([[1, 2], [3, 4]])
        <Tensor i32[4] [1 2 3 4]>
    """
    return reshape(x, (-1,))


@op
def expand_dims(x, axis):
    """x with new axes of size 1 at the given positions of the result.

    Args:
        axis: a position in the result, or several.

    Example:
        >>> ops.expand_dims([1, 2], -1).shape
        (2, 1)
    """
    x = as_tensor(x)
    many = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = len(x.shape) + len(many)
    spots = {axis_of(a, rank, "expand_dims") for a in many}
    sizes = iter(x.shape)
    return reshape(x, tuple(1 if i in spots else next(sizes) for i in range(rank)))


@op
def squeeze(x, axis=None):
    """x without axes of size 1: all of them, or the given ones, which must be of size 1.

    Raises:
        ValueError: an axis of another size than 1.

    Example:
        >>> ops.squeeze([[[1, 2]]])
        <Tensor i32[2] [1 2]>
    """
    x = as_tensor(x)
    if axis is None:
        return reshape(x, tuple(n for n in x.shape if n != 1))
    axes = axes_of(axis, len(x.shape), "squeeze")
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"squeeze: expected size 1 on axis {a}, received shape {tuple(x.shape)}")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in axes))


@op
def transpose(x, axes=None):
    """The axes in another order; by default reversed.

    Args:
        axes: the old axis for each new one; None: in reverse.

    Example:
        >>> ops.transpose([[1, 2, 3], [4, 5, 6]])
        <Tensor i32[3,2] [[1 4]
         [2 5]
         [3 6]]>
    """
    x = as_tensor(x)
    rank = len(x.shape)
    perm = tuple(reversed(range(rank))) if axes is None else tuple(axis_of(a, rank, "transpose") for a in axes)
    return x if perm == tuple(range(rank)) else bind(prims.transpose_p, x, perm=perm)


@op
def moveaxis(x, source, destination):
    """Axes moved to other places; the rest keeps its order.

    Args:
        source, destination: an axis and its new place, or as many of both.

    Example:
        >>> ops.moveaxis(ops.zeros((2, 3, 4)), 0, -1).shape
        (3, 4, 2)
    """
    x = as_tensor(x)
    rank = len(x.shape)
    listed = lambda v: [axis_of(a, rank, "moveaxis") for a in (v if isinstance(v, (tuple, list, range)) else (v,))]
    source, destination = listed(source), listed(destination)
    order = [a for a in range(rank) if a not in source]
    for place, axis in sorted(zip(destination, source)):
        order.insert(place, axis)
    return transpose(x, order)


def rows(x, indices):
    """x[indices] on axis 0, for indices in [0, n): an index outside, a negative one too, is an IndexError."""
    return bind(take_p, x, indices)


def slices_at(x, positions, axis: int):
    """The slices of x at some positions of an axis, which are in [0, n)."""
    return moveaxis(rows(moveaxis(x, axis, 0), as_tensor(positions, "int32")), 0, axis)


@op
def swapaxes(x, axis1, axis2):
    """Two axes exchanged.

    Args:
        axis1, axis2: the two axes.

    Example:
        >>> ops.swapaxes(ops.zeros((2, 3, 4)), 0, 2).shape
        (4, 3, 2)
    """
    x = as_tensor(x)
    order = list(range(len(x.shape)))
    a, b = (axis_of(v, len(order), "swapaxes") for v in (axis1, axis2))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


@op
def broadcast_to(x, shape):
    """x repeated along axes of size 1, and along new leading axes, to that shape.

    Raises:
        ValueError: x does not broadcast to it.

    Example:
        >>> ops.broadcast_to([1, 2], (2, 2))
        <Tensor i32[2,2] [[1 2]
         [1 2]]>
    """
    x, shape = as_tensor(x), shape_tuple(shape)
    if broadcast_shapes(shape, x.shape, what="broadcast_to") != shape:
        raise ValueError(f"broadcast_to: expected a tensor that broadcasts to {shape}, received shape {tuple(x.shape)}")
    return expand_to(x, shape)


@op
def flip(x, axis=None):
    """The elements in reverse along all axes, or the given ones.

    Example:
        >>> ops.flip([1, 2, 3])
        <Tensor i32[3] [3 2 1]>
    """
    x = as_tensor(x)
    axes = axes_of(axis, len(x.shape), "flip")
    return bind(prims.reverse_p, x, axes=axes) if axes else x


@op
def fliplr(x):
    """Axis 1 reversed.

    Example:
        >>> ops.fliplr([[1, 2], [3, 4]])
        <Tensor i32[2,2] [[2 1]
         [4 3]]>
    """
    return flip(x, 1)


@op
def flipud(x):
    """Axis 0 reversed.

    Example:
        >>> ops.flipud([[1, 2], [3, 4]])
        <Tensor i32[2,2] [[3 4]
         [1 2]]>
    """
    return flip(x, 0)


@op
def rot90(array, k=1, axes=(0, 1)):
    """A quarter turn, k times, from the first of the axes towards the second.

    Args:
        array: a tensor.
        k: how often, 1 by default.
        axes: the two axes of the plane, (0, 1) by default.

    Raises:
        ValueError: an axis twice.

    Example:
        >>> ops.rot90([[1, 2], [3, 4]])
        <Tensor i32[2,2] [[2 4]
         [1 3]]>
    """
    array = as_tensor(array)
    a, b = (axis_of(v, len(array.shape), "rot90") for v in axes)
    if a == b:
        raise ValueError(f"rot90: expected two different axes, received {axes}")
    turn = k % 4
    if turn == 2:
        return flip(flip(array, a), b)
    if turn == 1:
        return swapaxes(flip(array, b), a, b)
    return flip(swapaxes(array, a, b), b) if turn == 3 else array


@op
def copy(x):
    """x itself: tensors do not change.

    Example:
        >>> ops.copy([1, 2])
        <Tensor i32[2] [1 2]>
    """
    return as_tensor(x)
