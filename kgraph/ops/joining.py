"""Functions that put tensors together, take them apart, and repeat and pad them.

Args:
    xs: a list of tensors.
    indices_or_sections: how many parts, or where they begin: a list of positions.

Returns:
    A tensor, or a list of them where it is taken apart.
"""
from __future__ import annotations

from kgraph import budget
from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.prims import move as prims
from kgraph.compiler.trace import assume_sizes, bind
from kgraph.ops.core import (
    as_size,
    as_tensor,
    axis_of,
    expand_to,
    joined,
    op,
    stacked,
)
from kgraph.ops.shape import expand_dims, flip, ravel, reshape, slices_at, squeeze


@op
def concatenate(xs, axis=0):
    """Tensors joined along an axis; their other sizes agree.

    Raises:
        ValueError: other ranks, or other sizes beside the axis.

    Example:
        >>> ops.concatenate([[1, 2], [3]])
        <Tensor i32[3] [1 2 3]>
    """
    return joined(_parts(xs), axis)


@op
def stack(x, axis=0):
    """Tensors of one shape joined along a new axis.

    Args:
        x: a list of tensors.

    Raises:
        ValueError: other shapes.

    Example:
        >>> ops.stack([[1, 2], [3, 4]], axis=1)
        <Tensor i32[2,2] [[1 3]
         [2 4]]>
    """
    return stacked(_parts(x), axis)


def _parts(xs) -> list:
    """The tensors of a sequence, or those that one tensor has along its first axis."""
    return list(xs) if isinstance(xs, (tuple, list)) else list(as_tensor(xs))


@op
def unstack(x, num=None, axis=0):
    """A list of the parts of x along an axis, which they lose.

    Args:
        num: how many parts; None: as many as the axis has.

    Raises:
        ValueError: num is missing where the size is not known.

    Example:
        >>> ops.unstack([[1, 2], [3, 4]])
        [<Tensor i32[2] [1 2]>, <Tensor i32[2] [3 4]>]
    """
    x = as_tensor(x)
    axis = axis_of(axis, len(x.shape), "unstack")
    count = x.shape[axis] if num is None else num
    if isinstance(count, Dim):
        raise ValueError(f"unstack: expected num=, as the size of axis {axis} is not known, "
                         f"received shape {tuple(x.shape)}")
    return [squeeze(cut(x, axis, i, i + 1), axis) for i in range(count)]


def cut(x, axis: int, start, limit, stride: int = 1):
    """x between two positions of one axis (sizes in [0, n], or Dims)."""
    n = x.shape[axis]
    if stride == 1 and isinstance(start, int) and start == 0 and limit == n:
        return x
    rank = len(x.shape)
    pick = lambda value, others: tuple(value if i == axis else o for i, o in enumerate(others))
    return bind(prims.slice_p, x, starts=pick(start, (0,) * rank), limits=pick(limit, x.shape),
                strides=pick(stride, (1,) * rank))


@op
def split(x, indices_or_sections, axis=0):
    """A list of parts along an axis: so many equal ones, or parts that end at the given indices.

    Raises:
        ValueError: the parts cannot be of one size.

    Example:
        >>> ops.split([1, 2, 3, 4], 2)
        [<Tensor i32[2] [1 2]>, <Tensor i32[2] [3 4]>]
    """
    x = as_tensor(x)
    axis = axis_of(axis, len(x.shape), "split")
    n = x.shape[axis]
    if isinstance(indices_or_sections, int):
        if isinstance(n, int) and n % indices_or_sections:
            raise ValueError(f"split: expected {indices_or_sections} equal parts of axis {axis}, received size {n}")
        budget.spend(64 * indices_or_sections, f"{indices_or_sections} parts")
        part = n // indices_or_sections
        if isinstance(n, Dim) and part * indices_or_sections != n:
            assume_sizes(part * indices_or_sections, "==", n, "split")
        ends = [part * (i + 1) for i in range(indices_or_sections)]
    else:
        ends = [_inside(as_size(i), n) for i in as_list(indices_or_sections)] + [n]
    starts = [0, *ends[:-1]]
    return [cut(x, axis, a, b if isinstance(a, Dim) or isinstance(b, Dim) else max(a, b)) for a, b in zip(starts, ends)]


@op
def array_split(x, indices_or_sections, axis=0):
    """Like split, but so many parts need not be equal: the first ones are one longer.

    Example:
        >>> ops.array_split([1, 2, 3], 2)
        [<Tensor i32[2] [1 2]>, <Tensor i32[1] [3]>]
    """
    x = as_tensor(x)
    axis = axis_of(axis, len(x.shape), "array_split")
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    budget.spend(64 * indices_or_sections, f"{indices_or_sections} parts")
    part, extra = divmod(x.shape[axis], indices_or_sections)
    ends = [part * (i + 1) + min(i + 1, extra) for i in range(indices_or_sections - 1)]
    return split(x, ends, axis)


def as_list(x) -> list:
    """A sequence or a concrete one-dimensional tensor as a list."""
    return list(x) if isinstance(x, (tuple, list)) else as_tensor(x).tolist()


def _inside(i, n):
    if isinstance(i, Dim) or isinstance(n, Dim):
        return n + i if isinstance(i, int) and i < 0 else i
    return min(max(n + i if i < 0 else i, 0), n)


@op
def hstack(xs):
    """Joined along axis 1, or axis 0 where tensors have one axis.

    Example:
        >>> ops.hstack([[1, 2], [3]])
        <Tensor i32[3] [1 2 3]>
    """
    xs = [reshape(x, (1,)) if not len(x.shape) else x for x in map(as_tensor, xs)]
    return concatenate(xs, 0 if len(xs[0].shape) == 1 else 1)


@op
def vstack(xs):
    """Joined along axis 0; vectors are rows.

    Example:
        >>> ops.vstack([[1, 2], [3, 4]])
        <Tensor i32[2,2] [[1 2]
         [3 4]]>
    """
    xs = map(as_tensor, xs)
    return concatenate([reshape(x, (1, -1)) if len(x.shape) < 2 else x for x in xs], 0)


@op
def dstack(xs):
    """Joined along axis 2.

    Example:
        >>> ops.dstack([[1, 2], [3, 4]]).shape
        (1, 2, 2)
    """
    return concatenate([_at_least_3d(x) for x in map(as_tensor, xs)], 2)


def _at_least_3d(x):
    if len(x.shape) < 2:
        return reshape(x, (1, -1, 1))
    return expand_dims(x, -1) if len(x.shape) == 2 else x


@op
def hsplit(x, indices_or_sections):
    """split along axis 1, or axis 0 of a vector.

    Example:
        >>> ops.hsplit([1, 2, 3, 4], 2)
        [<Tensor i32[2] [1 2]>, <Tensor i32[2] [3 4]>]
    """
    x = as_tensor(x)
    return split(x, indices_or_sections, 0 if len(x.shape) == 1 else 1)


@op
def vsplit(x, indices_or_sections):
    """split along axis 0.

    Example:
        >>> ops.vsplit([[1, 2], [3, 4]], 2)
        [<Tensor i32[1,2] [[1 2]]>, <Tensor i32[1,2] [[3 4]]>]
    """
    return split(x, indices_or_sections, 0)


@op
def dsplit(x, indices_or_sections):
    """split along axis 2.

    Example:
        >>> [part.shape for part in ops.dsplit(ops.zeros((1, 2, 4)), 2)]
        [(1, 2, 2), (1, 2, 2)]
    """
    return split(x, indices_or_sections, 2)


@op
def append(x1, x2, axis=None):
    """x2 after x1 along an axis; without one, both flattened.

    Example:
        >>> ops.append([1, 2], [3])
        <Tensor i32[3] [1 2 3]>
    """
    return concatenate([ravel(x1), ravel(x2)]) if axis is None else concatenate([x1, x2], axis)


@op
def tile(x, repeats):
    """x repeated as a whole, so often along each axis.

    Args:
        repeats: how often along each of the last axes.

    Example:
        >>> ops.tile([1, 2], 2)
        <Tensor i32[4] [1 2 1 2]>
    """
    x = as_tensor(x)
    repeats = tuple(map(as_size, repeats)) if isinstance(repeats, (tuple, list)) else (as_size(repeats),)
    rank = max(len(repeats), len(x.shape))
    repeats = (1,) * (rank - len(repeats)) + repeats
    sizes = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    wide = tuple(n for pair in zip(repeats, sizes) for n in pair)
    x = reshape(x, tuple(n for size in sizes for n in (1, size)))
    return reshape(expand_to(x, wide), tuple(r * n for r, n in zip(repeats, sizes)))


@op
def repeat(x, repeats, axis=None):
    """Each element (or slice along an axis) repeated; without an axis, of the flattened tensor.

    Args:
        repeats: how often: an int, or one for each element of the axis.

    Example:
        >>> ops.repeat([1, 2], 2)
        <Tensor i32[4] [1 1 2 2]>
    """
    x = as_tensor(x)
    x, axis = (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape), "repeat"))
    if not isinstance(repeats, (int, Dim)):
        repeats = as_list(repeats)
        if len(repeats) > 1:
            budget.spend(64 * sum(repeats), f"{sum(repeats)} repeats")
            return slices_at(x, [i for i, r in enumerate(repeats) for _ in range(r)], axis)
        repeats = repeats[0]
    wide = (*x.shape[:axis + 1], repeats, *x.shape[axis + 1:])
    return reshape(expand_to(expand_dims(x, axis + 1), wide),
                   (*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1:]))


@op
def pad(x, pad_width, mode="constant", constant_values=None):
    """x with more elements around it. pad_width: an int, (before, after), or such a pair for each axis.

    mode: "constant" (constant_values, default 0), "reflect" (mirrored at the border element), "symmetric" (mirrored at
    the border), "edge" (the border element repeated), "wrap" (from the other side).

    Args:
        pad_width: an int, (before, after), or such a pair for each axis.
        mode: "constant" (the default), "reflect", "symmetric", "edge" or "wrap".
        constant_values: of mode "constant", 0 by default.

    Raises:
        ValueError: another mode; constant_values with another mode than "constant"; pairs for other axes than there
            are.

    Example:
        >>> ops.pad([1, 2, 3], 2, mode="reflect")
        <Tensor i32[7] [3 2 1 2 3 2 1]>
    """
    x = as_tensor(x)
    widths = _pad_widths(pad_width, len(x.shape))
    if mode == "constant":
        low, high = zip(*widths) if widths else ((), ())
        if all(isinstance(n, int) and n == 0 for n in (*low, *high)):
            return x
        value = 0 if constant_values is None else constant_values
        value = value if isinstance(value, (int, float)) else as_tensor(value).item()
        return bind(prims.pad_p, x, low=low, high=high, value=value)
    if constant_values is not None:
        raise ValueError(f"pad: expected constant_values only with mode 'constant', received mode={mode!r}")
    if mode not in ("reflect", "symmetric", "edge", "wrap"):
        raise ValueError("pad: expected mode 'constant', 'reflect', 'symmetric', 'edge' or 'wrap', "
                         f"received {mode!r}")
    for axis, (low, high) in enumerate(widths):
        x = _pad_axis(x, axis, low, high, mode)
    return x


def _pad_widths(pad_width, rank):
    if isinstance(pad_width, int):
        return ((pad_width, pad_width),) * rank
    pad_width = as_list(pad_width)
    if all(isinstance(n, int) for n in pad_width) and len(pad_width) in (1, 2):
        return ((pad_width[0], pad_width[-1]),) * rank
    pairs = tuple(tuple(map(as_size, p if len(p) == 2 else (p[0], p[0]))) for p in pad_width)
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank:
        raise ValueError(f"pad: expected a pair for each of {rank} axes, received {pad_width}")
    return pairs


def _pad_axis(x, axis, low, high, mode):
    """The positions that a mode reads are known when the size is; for "edge" the size may be a Dim."""
    n = x.shape[axis]
    if low == 0 and high == 0:
        return x
    if mode == "edge":
        ends = [cut(x, axis, 0, 1), cut(x, axis, n - 1, n)]
        wide = lambda v, count: expand_to(v, (*x.shape[:axis], count, *x.shape[axis + 1:]))
        return concatenate([wide(ends[0], low), x, wide(ends[1], high)], axis)
    if isinstance(n, Dim):
        parts = [_mirror(x, axis, low, mode, True), x, _mirror(x, axis, high, mode, False)]
        return concatenate([p for p in parts if p is not None], axis)
    budget.spend(64 * (low + n + high), f"{low + high} places of padding")
    return slices_at(x, [_source(i, n, mode) for i in range(-low, n + high)], axis)


def _mirror(x, axis, count, mode, before):
    """What stands before or after x when the size of the axis is not known: at most one copy of it."""
    if count == 0:
        return None
    n = x.shape[axis]
    if mode == "wrap":
        return cut(x, axis, n - count, n) if before else cut(x, axis, 0, count)
    skip = 1 if mode == "reflect" else 0
    part = cut(x, axis, skip, skip + count) if before else cut(x, axis, n - skip - count, n - skip)
    return flip(part, axis)


def _source(i, n, mode):
    if mode == "wrap":
        return i % n
    period = max(2 * (n - 1), 1) if mode == "reflect" else 2 * n
    i %= period
    return i if i < n else (period - i if mode == "reflect" else period - 1 - i)


@op
def roll(x, shift, axis=None):
    """Elements moved along an axis, coming in again at the other side; without an axis, of the flattened tensor.

    Args:
        shift: how far; for several axes as many.

    Example:
        >>> ops.roll([1, 2, 3, 4], 1)
        <Tensor i32[4] [4 1 2 3]>
    """
    x = as_tensor(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    if isinstance(axis, (tuple, list)):
        shifts = shift if isinstance(shift, (tuple, list)) else [shift] * len(axis)
        for s, a in zip(shifts, axis):
            x = roll(x, s, a)
        return x
    axis = axis_of(axis, len(x.shape), "roll")
    n, shift = x.shape[axis], as_size(shift)
    middle = -shift % dims.maximum(n, 1)
    if isinstance(middle, int) and middle == 0:
        return x
    return concatenate([cut(x, axis, middle, n), cut(x, axis, 0, middle)], axis)
