"""Operators that make, move, join and split tensors."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.dims import Dim, size_of, substitute
from kgraph.compiler.ir import Value
from kgraph.compiler.trace import to_tensor
from kgraph.onnx.registry import Ints, Known, Typed, onnx_op
from kgraph.onnx.sizes import DATA_TYPES, Sizes
from kgraph.ops.core import with_sizes


def _by_length(place):
    """As many axes as that input has elements."""
    return lambda *args, **attributes: [args[place].shape[0]]


def _as_first(x, *rest, **attributes):
    return [len(x.shape)]


@onnx_op("Constant", since=1)
def constant(*, value=None, sparse_value=None, value_float=None, value_floats=None, value_int=None, value_ints=None,
             value_string=None, value_strings=None):
    given = [(value, None), (sparse_value, None), (value_float, "float32"), (value_floats, "float32"),
             (value_int, "int64"), (value_ints, "int64")]
    found = [(x, dtype) for x, dtype in given if x is not None]
    if len(found) != 1:
        raise ValueError(f"Constant: expected one value of numbers, received {len(found)}")
    return np.asarray(found[0][0], found[0][1])


@onnx_op("Shape", since=1)
def shape(x: Typed, *, start=0, end=None):
    return Sizes.of_shape(tuple(x.shape)[slice(start, end)])


@onnx_op("Size", since=1)
def size(x: Typed):
    items = np.empty((), object)
    items[()] = size_of(tuple(x.shape))
    return Sizes(items).settled()


@onnx_op("Reshape", since=5, ranks=_by_length(1))
def reshape(data, shape: Ints, *, allowzero=0):
    """0 keeps the size of that axis, unless allowzero says that it is meant."""
    keeps = lambda i, n: not allowzero and isinstance(n, int) and n == 0
    target = tuple(data.shape[i] if keeps(i, n) else n for i, n in enumerate(shape))
    return ops.reshape(*_with_traced_sizes(data, target))


def _with_traced_sizes(x, target) -> tuple:
    """Where an exporter wrote the size that it met, 7, into a shape of a model whose size T is open, T has to be 7; and
    so where numbers of elements are the same for some sizes only."""
    free = [n for n in target if isinstance(n, int) and n == -1]
    total, wanted = size_of(tuple(x.shape)), size_of(target) * (-1 if free else 1)
    fits = lambda a, b: a == b or bool(free) and b != 0 and a % b == 0
    if isinstance(total, int) or fits(total, wanted):
        return x, target
    for size, n in zip(x.shape, target):
        known = {str(size): n}
        if isinstance(size, Dim) and isinstance(n, int) and n > 1 and fits(
                substitute(total, known), substitute(wanted, known)):
            return with_sizes(x, substitute(tuple(x.shape), known), "Reshape"), substitute(target, known)
    if free:
        target = tuple(total // wanted if isinstance(n, int) and n == -1 else n for n in target)
    return with_sizes(ops.reshape(x, (total,)), (size_of(target),), "Reshape"), target


@onnx_op("Flatten", since=1)
def flatten(x, *, axis=1):
    axis = axis if axis >= 0 else axis + len(x.shape)
    return ops.reshape(x, (size_of(tuple(x.shape[:axis])), size_of(tuple(x.shape[axis:]))))


@onnx_op("Transpose", since=1)
def transpose(x, *, perm=None):
    return ops.transpose(x, perm)


@onnx_op("Unsqueeze", since=13, ranks=lambda x, axes: [len(x.shape) + axes.shape[0]])
def unsqueeze(x, axes: Ints):
    return ops.expand_dims(x, axes)


@onnx_op("Unsqueeze", since=1)
def unsqueeze_1(x, *, axes):
    return ops.expand_dims(x, tuple(axes))


@onnx_op("Squeeze", since=13, ranks=lambda x, axes: [len(x.shape) - axes.shape[0]])
def squeeze(x, axes: Ints = None):
    """A size that is not known yet has to be 1 then."""
    if axes is not None:
        of_one = [a % len(x.shape) for a in axes]
        ones = tuple(1 if i in of_one and isinstance(n, Dim) else n for i, n in enumerate(x.shape))
        x = with_sizes(x, ones, "Squeeze")
    return ops.squeeze(x, axes)


@onnx_op("Squeeze", since=1)
def squeeze_1(x, *, axes=None):
    return squeeze(x, None if axes is None else tuple(axes))


@onnx_op("Expand", since=8, ranks=lambda x, shape: [max(len(x.shape), shape.shape[0])])
def expand(x, shape: Ints):
    """Shapes broadcast both ways: a 1 in `shape` keeps what x has."""
    rank = max(len(shape), len(x.shape))
    own = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    wanted = (1,) * (rank - len(shape)) + tuple(shape)
    return ops.broadcast_to(x, tuple(a if isinstance(b, int) and b == 1 else b for a, b in zip(own, wanted)))


@onnx_op("Tile", since=6, ranks=_as_first)
def tile(x, repeats: Ints):
    return ops.tile(x, repeats)


@onnx_op("Concat", since=4)
def concat(*xs, axis):
    return ops.concatenate(list(xs), axis)


@onnx_op("Split", since=13)
def split(x, split: Ints = None, *, axis=0, num_outputs=None, n_outputs):
    """In equal parts without sizes; the last is smaller where they cannot be."""
    if split is None:
        count, n = num_outputs or n_outputs, x.shape[axis]
        if not isinstance(n, int):
            return ops.split(x, count, axis)
        part = -(-n // count)
        split = [part] * (count - 1) + [n - part * (count - 1)]
    ends = list(_sums(split))
    return ops.split(x, ends[:-1], axis) if len(ends) > 1 else [x]


@onnx_op("Split", since=2)
def split_2(x, *, split=None, axis=0, n_outputs):
    from_sizes = globals()["split"]
    return from_sizes(x, split, axis=axis, n_outputs=n_outputs)


def _sums(sizes):
    total = 0
    for n in sizes:
        total = total + n
        yield total


@onnx_op("Slice", since=10, ranks=_as_first)
def slice_(x, starts: Ints, ends: Ints, axes: Ints = None, steps: Ints = None):
    axes = range(len(starts)) if axes is None else axes
    key = [slice(None)] * len(x.shape)
    for i, axis in enumerate(axes):
        key[axis] = _range(x.shape[axis], starts[i], ends[i], 1 if steps is None else steps[i])
    return ops.get_item(x, tuple(key))


@onnx_op("Slice", since=1)
def slice_1(x, *, starts, ends, axes=None):
    return slice_(x, starts, ends, axes)


def _range(n, start, end, step):
    """A slice of an axis of n; ONNX writes 'to the end' as a number beyond every size, also backwards."""
    far = 10**8
    whole = lambda k: isinstance(k, int) and abs(k) >= far
    if isinstance(n, int) and isinstance(start, int) and isinstance(end, int):
        if step < 0 and end < -n:
            end = None
        return slice(start, end, step)
    if whole(end) or isinstance(end, Dim) and end == n:
        end = None
    if whole(start):
        start = None
    return slice(start, end, step)


@onnx_op("Pad", since=11, ranks=_as_first)
def pad(x, pads: Ints, value=None, axes: Ints = None, *, mode="constant"):
    rank = len(x.shape)
    axes = range(rank) if axes is None else [a % rank for a in axes]
    widths = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        widths[axis] = (pads[i], pads[i + len(axes)])
    cut = [slice(max(-low, 0) if isinstance(low, int) else 0, None if not isinstance(high, int) or high >= 0 else high)
           for low, high in widths]
    if any(c != slice(0, None) for c in cut):
        x = ops.get_item(x, tuple(cut))
        widths = [tuple(max(w, 0) if isinstance(w, int) else w for w in pair) for pair in widths]
    if mode != "constant":
        return ops.pad(x, widths, mode)
    return _padded(x, widths, value)


def _padded(x, widths, value):
    value = 0 if value is None else to_tensor(value)
    if not isinstance(value, Value):
        return constant_pad(x, widths, value if isinstance(value, int) else value.item())
    inside = constant_pad(ops.ones_like(x, "bool"), widths, False)
    return ops.where(inside, constant_pad(x, widths, 0), ops.reshape(value, ()))


def constant_pad(x, widths, value):
    if x.dtype == "bool":
        return ops.cast(ops.pad(ops.cast(x, "uint8"), widths, constant_values=int(value)), "bool")
    return ops.pad(x, widths, constant_values=value)


@onnx_op("Pad", since=2)
def pad_2(x, *, pads, mode="constant", value=0.0):
    return pad(x, pads, ops.convert_to_tensor(value, x.dtype), mode=mode)


def _constant_rank(shape, value=None):
    return [("float32" if value is None else value.dtype.name, shape.shape[0])]


@onnx_op("ConstantOfShape", since=9, ranks=_constant_rank)
def constant_of_shape(shape: Ints, *, value=None):
    value = np.zeros(1, "float32") if value is None else value
    return ops.full(shape, value.reshape(()), value.dtype.name)


@onnx_op("Range", since=11, ranks=lambda *bounds: [1])
def range_(start: Known, limit: Known, delta: Known):
    return ops.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype.name)


@onnx_op("EyeLike", since=9)
def eye_like(x: Typed, *, dtype=None, k=0):
    return ops.eye(*x.shape, k=k, dtype=x.dtype if dtype is None else DATA_TYPES[dtype])


@onnx_op("Trilu", since=14)
def trilu(x, k: Ints = None, *, upper=1):
    y = ops.cast(x, "uint8") if x.dtype == "bool" else x
    return ops.cast((ops.triu if upper else ops.tril)(y, 0 if k is None else k[0]), x.dtype)


@onnx_op("DepthToSpace", since=1)
def depth_to_space(x, *, blocksize, mode="DCR"):
    n, c, h, w = x.shape
    b, c = blocksize, c // (blocksize * blocksize)
    if mode == "DCR":
        y = ops.transpose(ops.reshape(x, (n, b, b, c, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        y = ops.transpose(ops.reshape(x, (n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3))
    return ops.reshape(y, (n, c, h * b, w * b))


@onnx_op("SpaceToDepth", since=1)
def space_to_depth(x, *, blocksize, mode="DCR"):
    n, c, h, w = x.shape
    b = blocksize
    y = ops.transpose(ops.reshape(x, (n, c, h // b, b, w // b, b)), (0, 3, 5, 1, 2, 4) if mode == "DCR" else
                      (0, 1, 3, 5, 2, 4))
    return ops.reshape(y, (n, c * b * b, h // b, w // b))


@onnx_op("ReverseSequence", since=10)
def reverse_sequence(x, lengths, *, batch_axis=1, time_axis=0):
    time = x.shape[time_axis]
    y = ops.moveaxis(x, (batch_axis, time_axis), (0, 1))
    steps = ops.arange(time, dtype="int64")
    lengths = ops.expand_dims(ops.cast(lengths, "int64"), 1)
    places = ops.where(ops.less(steps, lengths), lengths - 1 - steps, ops.broadcast_to(steps, (y.shape[0], time)))
    places = ops.reshape(places, (*places.shape, *(1,) * (len(y.shape) - 2)))
    return ops.moveaxis(ops.take_along_axis(y, places, 1), (0, 1), (batch_axis, time_axis))


@onnx_op("CenterCropPad", since=18)
def center_crop_pad(x, shape: Ints, *, axes=None):
    rank = len(x.shape)
    axes = range(rank) if axes is None else [a % rank for a in axes]
    widths = [(0, 0)] * rank
    for axis, wanted in zip(axes, shape):
        more = wanted - x.shape[axis]
        widths[axis] = (more // 2, more - more // 2) if more >= 0 else (-(-more // 2), more - -(-more // 2))
    flat = [low for low, _ in widths] + [high for _, high in widths]
    return pad(x, flat)
