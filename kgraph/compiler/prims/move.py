"""Primitives that only move or make data: shapes, slices, padding, constants.

`lower` returns the element at ``index``, an Expression of kgraph.compiler.loopnest; ``e.read(k, index)`` is input k's
element there, ``e.size(n)`` a size, ``e.at(i)`` an index, ``e.choose(test, f, g)`` is f() where the test holds, else
g(): what is not chosen is not read.
"""
from __future__ import annotations

import functools

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.batch import ALL, broadcast, joined, keeps
from kgraph.compiler.prims.rules import apply, constant, is_float, require, require_order
from kgraph.compiler.prims.steps import BROADCAST, CONCATENATE, RESHAPE, SLICE, TRANSPOSE


def _all_hold(tests):
    return functools.reduce(lambda a, b: call("and", a, b), tests)


def _move(name, infer, reference, vjp, lower, examples, **facts):
    return Primitive(name, "move", infer, reference, vjp, lower, examples, **facts)


def _array(rng, *shape, dtype="float32"):
    return rng.normal(size=shape).astype(dtype)


# broadcast: axes[i] is the output axis of input axis i; sizes agree there, or the input's is 1. Where a symbolic size
# meets another one, the two are taken as equal (Trace.size_rules says so).
def _broadcast_infer(x, shape, axes):
    require(len(axes) == x.ndim and all(a < b for a, b in zip(axes, axes[1:]))
            and all(0 <= a < len(shape) for a in axes),
            lambda: f"broadcast: expected one ascending output axis for each axis of {x}, "
                    f"received axes={axes}, shape={shape}")
    for size, axis in zip(x.shape, axes):
        if not (size == 1 or size == shape[axis] or isinstance(size, Dim) or isinstance(shape[axis], Dim)):
            raise ValueError(f"broadcast: axis {axis}: expected size 1 or {shape[axis]}, received {x}")
    return TensorType(tuple(shape), x.dtype)


def _broadcast(x, shape, axes):
    spots = [1] * len(shape)
    for size, axis in zip(x.shape, axes):
        spots[axis] = size
    return np.broadcast_to(x.reshape(spots), shape)


def _broadcast_vjp(ct, out, x, shape, axes):
    inner = {axis: size for size, axis in zip(x.shape, axes)}
    lost = tuple(i for i, size in enumerate(shape) if i not in inner or (inner[i] == 1 and size != 1))
    total = apply("sum", ct, axes=lost) if lost else ct
    return (total if total.shape == x.shape else _relabel(total, x.shape),)


def _relabel(x, shape):
    """x with a shape of as many elements; sizes that had to be taken as equal get their own name back."""
    if len(x.shape) == len(shape) and any(isinstance(d, Dim) for d in (*shape, *x.shape)):
        return apply("broadcast", x, shape=shape, axes=tuple(range(len(shape))))
    kept = tuple(d for d in shape if d != 1)
    return apply("reshape", _relabel(x, kept) if len(kept) == len(x.shape) and x.shape != kept else x, shape=shape)


broadcast_p = _move(
    "broadcast", _broadcast_infer, _broadcast, _broadcast_vjp,
    lambda e, op, index: e.read(0, tuple(0 if size == 1 else index[axis]
                                         for size, axis in zip(op.inputs[0].shape, op.params["axes"]))),
    lambda rng: [([_array(rng, 37)], {"shape": (3, 37), "axes": (1,)}), ([_array(rng)], {"shape": (1, 3), "axes": ()}),
                 ([_array(rng, 3, 1, dtype="float64")], {"shape": (3, 2, 37), "axes": (0, 1)}),
                 ([_array(rng, 0, 1)], {"shape": (0, 5), "axes": (0, 1)})],
    shape_param="shape", batch_rule=broadcast, lift_rule=BROADCAST)


def _reshape_infer(x, shape):
    require(x.size == dims.size_of(shape),
            lambda: f"reshape: expected a shape of {x.size} elements for {x}, received {shape}")
    return TensorType(tuple(shape), x.dtype)


def _reshape_index(index, source, target):
    """The position in the source shape of a position in the target: runs of axes with equal products map together."""
    found, i, j = [], 0, 0
    while i < len(source):
        first, last, a, b = i, j, source[i], 1
        i += 1
        while a != b:
            if j < len(target) and not (isinstance(a, int) and isinstance(b, int) and b > a):
                b = b * target[j]
                j += 1
            elif i < len(source):
                a = a * source[i]
                i += 1
            else:
                return None
        run, offset = source[first:i], 0
        if len(run) == 1 and j - last == 1:
            found.append(index[last])
            continue
        for k in range(last, j):
            offset = offset * target[k] + index[k]
        found += _unravel(offset, run)
    return tuple(found)


def _unravel(offset, shape):
    found = []
    for k, size in enumerate(shape):
        stride = dims.size_of(shape[k + 1:])
        part = offset // stride if not _is_one(stride) else offset
        found.append(0 if _is_one(size) else part % size if k else part)
    return found


def _is_one(size):
    return isinstance(size, int) and size == 1


def _flat_index(index, shape):
    offset = 0
    for position, size in zip(index, shape):
        offset = offset * size + position
    return offset


def _reshape_lower(e, op, index):
    source, target = op.inputs[0].shape, op.params["shape"]
    mapped = _reshape_index(index, source, target)
    return e.read(0, mapped if mapped is not None else tuple(_unravel(_flat_index(index, target), source)))


reshape_p = _move(
    "reshape", _reshape_infer, lambda x, shape: x.reshape(shape),
    lambda ct, out, x, shape: (apply("reshape", ct, shape=x.shape),), _reshape_lower,
    lambda rng: [([_array(rng, 3, 4)], {"shape": (2, 6)}), ([_array(rng, 1, 37)], {"shape": (37,)}),
                 ([_array(rng, 2, 3, 4, dtype="float64")], {"shape": (2, 12)}),
                 ([_array(rng, 0, 6)], {"shape": (0, 2, 3)}),
                 ([_array(rng, 1)], {"shape": ()}), ([_array(rng, 6, 5)], {"shape": (2, 3, 1, 5)})],
    view="part", shape_param="shape", lift_rule=RESHAPE,
    batch_rule=keeps(lambda op, batch: bool(op.params["shape"]) and op.params["shape"][0] == batch))


def _transpose_infer(x, perm):
    require(sorted(perm) == list(range(x.ndim)),
            lambda: f"transpose: expected a permutation of the axes of {x}, received {perm}")
    return TensorType(tuple(x.shape[p] for p in perm), x.dtype)


def _inverse(perm):
    return tuple(perm.index(i) for i in range(len(perm)))


transpose_p = _move(
    "transpose", _transpose_infer, lambda x, perm: np.transpose(x, perm),
    lambda ct, out, x, perm: (apply("transpose", ct, perm=_inverse(perm)),),
    lambda e, op, index: e.read(0, tuple(index[i] for i in _inverse(op.params["perm"]))),
    lambda rng: [([_array(rng, 3, 37)], {"perm": (1, 0)}),
                 ([_array(rng, 2, 1, 5, dtype="float64")], {"perm": (2, 0, 1)}),
                 ([_array(rng, 0, 4)], {"perm": (1, 0)})],
    batch_rule=keeps(lambda op, batch: op.params["perm"][0] == 0), lift_rule=TRANSPOSE)


# slice: starts <= limits within the sizes, positive strides.
def _slice_size(start, limit, stride):
    return limit - start if stride == 1 else (limit - start - 1) // stride + 1


def _slice_infer(x, starts, limits, strides):
    require(len(starts) == len(limits) == len(strides) == x.ndim,
            lambda: f"slice: expected starts, limits and strides for each axis of {x}, "
                    f"received {starts}, {limits}, {strides}")
    for size, start, limit, stride in zip(x.shape, starts, limits, strides):
        if all(isinstance(v, int) for v in (size, start, limit)):
            if not (0 <= start <= limit <= size and stride > 0):
                raise ValueError(f"slice: expected 0 <= start <= limit <= {size}, received {start}, {limit} "
                                 f"with stride {stride}")
        else:
            require_order("slice", 0, start, limit, size)
    return TensorType(tuple(map(_slice_size, starts, limits, strides)), x.dtype)


def _slice_vjp(ct, out, x, starts, limits, strides):
    ends = list(limits)
    for axis, stride in enumerate(strides):
        if stride != 1:
            ct = _dilate(ct, axis, stride)
            ends[axis] = starts[axis] + ct.shape[axis]
    return (apply("pad", ct, low=starts, high=tuple(n - end for n, end in zip(x.shape, ends)), value=0),)


def _dilate(x, axis, stride):
    """x with stride - 1 zeros between neighbours on an axis."""
    n = x.shape[axis]
    if isinstance(n, int) and n == 0:
        return x
    column = apply("reshape", x, shape=(*x.shape[:axis + 1], 1, *x.shape[axis + 1:]))
    high = tuple(stride - 1 if i == axis + 1 else 0 for i in range(len(column.shape)))
    column = apply("pad", column, low=(0,) * len(high), high=high, value=0)
    flat = apply("reshape", column, shape=(*x.shape[:axis], n * stride, *x.shape[axis + 1:]))
    length = dims.maximum(n * stride - stride + 1, 0)  # a symbolic n may be 0
    limits = tuple(length if i == axis else d for i, d in enumerate(flat.shape))
    return apply("slice", flat, starts=(0,) * len(limits), limits=limits, strides=(1,) * len(limits))


def _slice_lower(e, op, index):
    p = op.params
    return e.read(0, tuple(i * stride + start for i, start, stride in zip(index, p["starts"], p["strides"])))


slice_p = _move(
    "slice", _slice_infer,
    lambda x, starts, limits, strides: x[tuple(map(slice, starts, limits, strides))], _slice_vjp, _slice_lower,
    lambda rng: [([_array(rng, 7)], {"starts": (2,), "limits": (6,), "strides": (1,)}),
                 ([_array(rng, 3, 37)], {"starts": (0, 1), "limits": (3, 36), "strides": (1, 5)}),
                 ([_array(rng, 8, 4, dtype="float64")], {"starts": (1, 0), "limits": (8, 4), "strides": (3, 2)}),
                 ([_array(rng, 0, 4)], {"starts": (0, 1), "limits": (0, 2), "strides": (2, 1)})],
    view="part", shape_param="limits", lift_rule=SLICE,
    batch_rule=keeps(lambda op, batch: op.params["starts"][0] == 0 and op.params["limits"][0] == batch
                     and op.params["strides"][0] == 1))


def _pad_infer(x, low, high, value):
    require(len(low) == len(high) == x.ndim,
            lambda: f"pad: expected low and high for each axis of {x}, received {low}, {high}")
    for n in (*low, *high):
        require_order("pad: amounts of at least 0", 0, n)
    return TensorType(tuple(n + a + b for n, a, b in zip(x.shape, low, high)), x.dtype)


def _pad_vjp(ct, out, x, low, high, value):
    limits = tuple(a + n for a, n in zip(low, x.shape))
    return (apply("slice", ct, starts=low, limits=limits, strides=(1,) * len(low)),)


def _pad_lower(e, op, index):
    low, high, shape = op.params["low"], op.params["high"], op.inputs[0].shape
    inner = tuple(i - a for i, a in zip(index, low))
    tests = [e.at(i) >= 0 for i, a in zip(inner, low) if a != 0]
    tests += [e.at(i) < e.size(n) for i, n, b in zip(inner, shape, high) if b != 0]
    value = lambda: e.read(0, inner)
    return e.choose(_all_hold(tests), value,
                    lambda: e.constant(op.params["value"], op.outputs[0].dtype)) if tests else value()


pad_p = _move(
    "pad", _pad_infer, lambda x, low, high, value: np.pad(x, tuple(zip(low, high)), constant_values=value), _pad_vjp,
    _pad_lower,
    lambda rng: [([_array(rng, 3)], {"low": (2,), "high": (0,), "value": 0}),
                 ([_array(rng, 1, 37, dtype="float64")], {"low": (1, 3), "high": (0, 2), "value": -1.5}),
                 ([_array(rng, 0, 2)], {"low": (0, 1), "high": (1, 1), "value": 0})],
    branches=True, batch_rule=keeps(lambda op, batch: op.params["low"][0] == 0 and op.params["high"][0] == 0))


def _concatenate_infer(*xs, axis):
    first = xs[0]
    require(0 <= axis < first.ndim, lambda: f"concatenate: expected an axis of {first}, received {axis}")
    others = lambda t: t.shape[:axis] + t.shape[axis + 1:]
    require(all(t.ndim == first.ndim and others(t) == others(first) and t.dtype == first.dtype for t in xs),
            lambda: f"concatenate: expected equal sizes but for axis {axis}, and one dtype, "
                    f"received {', '.join(map(str, xs))}")
    return TensorType((*first.shape[:axis], sum(t.shape[axis] for t in xs), *first.shape[axis + 1:]), first.dtype)


def _concatenate_vjp(ct, out, *xs, axis):
    found, start = [], 0
    for x in xs:
        end = start + x.shape[axis]
        starts = tuple(start if i == axis else 0 for i in range(len(x.shape)))
        limits = tuple(end if i == axis else n for i, n in enumerate(ct.shape))
        found.append(apply("slice", ct, starts=starts, limits=limits, strides=(1,) * len(starts)))
        start = end
    return tuple(found)


def _concatenate_lower(e, op, index):
    return _part_lower(e, op, index, 0, 0)


def _part_lower(e, op, index, k, start):
    """The element, known to lie in input k, which begins at ``start``, or in a later one."""
    axis, end = op.params["axis"], start + op.inputs[k].shape[op.params["axis"]]
    here = lambda: e.read(k, (*index[:axis], index[axis] - start, *index[axis + 1:]))
    if k == len(op.inputs) - 1:
        return here()
    return e.choose(e.at(index[axis]) < e.size(end), here, lambda: _part_lower(e, op, index, k + 1, end))


concatenate_p = _move(
    "concatenate", _concatenate_infer, lambda *xs, axis: np.concatenate(xs, axis), _concatenate_vjp, _concatenate_lower,
    lambda rng: [([_array(rng, 3), _array(rng, 1), _array(rng, 2)], {"axis": 0}),
                 ([_array(rng, 2, 37, dtype="float64"), _array(rng, 2, 3, dtype="float64")], {"axis": 1}),
                 ([_array(rng, 0, 3), _array(rng, 0, 1)], {"axis": 1}), ([_array(rng, 4)], {"axis": 0})],
    view="whole", branches=True, lift_rule=CONCATENATE,
    batch_rule=lambda op, mine, batch: joined(op, mine, batch) if op.params["axis"] or {*mine} == {ALL} else None)


def _reverse_infer(x, axes):
    require(all(0 <= a < x.ndim for a in axes), lambda: f"reverse: expected axes of {x}, received {axes}")
    return x


reverse_p = _move(
    "reverse", _reverse_infer, lambda x, axes: np.flip(x, axes),
    lambda ct, out, x, axes: (apply("reverse", ct, axes=axes),),
    lambda e, op, index: e.read(0, tuple(n - 1 - i if a in op.params["axes"] else i
                                         for a, (i, n) in enumerate(zip(index, op.inputs[0].shape)))),
    lambda rng: [([_array(rng, 3)], {"axes": (0,)}), ([_array(rng, 2, 37, dtype="float64")], {"axes": (0, 1)}),
                 ([_array(rng, 0, 4)], {"axes": (1,)})],
    batch_rule=keeps(lambda op, batch: 0 not in op.params["axes"]))


def _made(name, shape, dtype):
    for n in shape:
        require_order(f"{name}: sizes of at least 0", 0, n)
    return TensorType(tuple(shape), dtype)


full_p = _move(
    "full", lambda shape, value, dtype: _made("full", shape, dtype),
    lambda shape, value, dtype: np.full(shape, value, dtype), NOT_DIFFERENTIABLE,
    lambda e, op, index: e.constant(op.params["value"], op.params["dtype"]),
    lambda rng: [([], {"shape": (3, 37), "value": 0.5, "dtype": "float32"}),
                 ([], {"shape": (), "value": 2, "dtype": "int64"}),
                 ([], {"shape": (0, 1), "value": True, "dtype": "bool"})])

iota_p = _move(
    "iota", lambda size, dtype: _made("iota", (size,), dtype), lambda size, dtype: np.indices((size,), dtype)[0],
    NOT_DIFFERENTIABLE,
    lambda e, op, index: call(short_name(op.params["dtype"]), e.at(index[0])),
    lambda rng: [([], {"size": n, "dtype": t}) for n, t in ((1, "int32"), (37, "float32"), (0, "int64"))])

size_value_p = _move(
    "size_value", lambda size, dtype: TensorType((), dtype), lambda size, dtype: np.asarray(size, dtype),
    NOT_DIFFERENTIABLE,
    lambda e, op, index: call(short_name(op.params["dtype"]), e.size(op.params["size"])),
    lambda rng: [([], {"size": 37, "dtype": "float32"}), ([], {"size": 0, "dtype": "int32"})])


# dynamic_slice: starts are integer scalars, moved back inside where the slice would leave the tensor (as XLA does).
def _check_starts(name, x, starts):
    require(len(starts) == x.ndim and all(s.shape == () and "int" in s.dtype for s in starts),
            lambda: f"{name}: expected an integer scalar for each axis of {x}, received {', '.join(map(str, starts))}")


def _dynamic_slice_infer(x, *starts, sizes):
    _check_starts("dynamic_slice", x, starts)
    require(len(sizes) == x.ndim, lambda: f"dynamic_slice: expected sizes for each axis of {x}, received {sizes}")
    for n, m in zip(x.shape, sizes):
        require_order("dynamic_slice: sizes of at most the tensor's", 0, m, n)
    return TensorType(tuple(sizes), x.dtype)


def _window(shape, starts, sizes):
    first = [min(max(int(s), 0), n - m) for s, n, m in zip(starts, shape, sizes)]
    return tuple(slice(a, a + m) for a, m in zip(first, sizes))


def _dynamic_slice_vjp(ct, out, x, *starts, sizes):
    return (apply("dynamic_update_slice", constant(0, x), ct, *starts), *[None] * len(starts))


def _dynamic_slice_lower(e, op, index):
    shape, sizes = op.inputs[0].shape, op.params["sizes"]
    return e.read(0, tuple(e.clamp(e.read(k + 1, ()), n - m) + i if n != m else i
                           for k, (i, n, m) in enumerate(zip(index, shape, sizes))))


def _scalars(*values):
    return [np.asarray(v, "int32") for v in values]


dynamic_slice_p = _move(
    "dynamic_slice", _dynamic_slice_infer, lambda x, *starts, sizes: x[_window(x.shape, starts, sizes)],
    _dynamic_slice_vjp, _dynamic_slice_lower,
    lambda rng: [([_array(rng, 7), *_scalars(2)], {"sizes": (3,)}), ([_array(rng, 7), *_scalars(6)], {"sizes": (3,)}),
                 ([_array(rng, 4, 37, dtype="float64"), *_scalars(1, -5)], {"sizes": (1, 37)}),
                 ([_array(rng, 3, 2), *_scalars(1, 0)], {"sizes": (0, 2)})])


def _dynamic_update_slice_infer(x, update, *starts):
    _check_starts("dynamic_update_slice", x, starts)
    require(update.ndim == x.ndim and update.dtype == x.dtype,
            lambda: f"dynamic_update_slice: expected an update of the rank and dtype of {x}, received {update}")
    for n, m in zip(x.shape, update.shape):
        require_order("dynamic_update_slice: an update no larger than the tensor", m, n)
    return x


def _dynamic_update_slice(x, update, *starts):
    result = np.array(x)
    result[_window(x.shape, starts, update.shape)] = update
    return result


def _dynamic_update_slice_vjp(ct, out, x, update, *starts):
    return (apply("dynamic_update_slice", ct, constant(0, update), *starts) if is_float(x) else None,
            apply("dynamic_slice", ct, *starts, sizes=tuple(update.shape)), *[None] * len(starts))


def _dynamic_update_slice_lower(e, op, index):
    x, update = op.inputs[:2]
    inner, tests = [], []
    for k, (i, n, m) in enumerate(zip(index, x.shape, update.shape)):
        place = i if n == m else i - e.clamp(e.read(k + 2, ()), n - m)
        inner.append(place)
        tests += [] if n == m else [e.at(place) >= 0, e.at(place) < e.size(m)]
    value = lambda: e.read(1, tuple(inner))
    return e.choose(_all_hold(tests), value, lambda: e.read(0, index)) if tests else value()


dynamic_update_slice_p = _move(
    "dynamic_update_slice", _dynamic_update_slice_infer, _dynamic_update_slice, _dynamic_update_slice_vjp,
    _dynamic_update_slice_lower,
    lambda rng: [([_array(rng, 7), _array(rng, 3), *_scalars(2)], {}),
                 ([_array(rng, 4, 37, dtype="float64"), _array(rng, 1, 37, dtype="float64"), *_scalars(9, 0)], {}),
                 ([_array(rng, 3, 2), _array(rng, 0, 2), *_scalars(1, 0)], {})],
    branches=True)
