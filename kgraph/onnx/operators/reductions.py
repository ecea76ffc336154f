"""Operators that take the elements along axes together."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.loopnest.dtypes import is_float
from kgraph.onnx.registry import Ints, Known, onnx_op


def _sum(x, axis, keepdims):
    return ops.cast(ops.sum(x, axis, keepdims), x.dtype)


def _extreme(f, bools, empty):
    """Of no elements, the value that any other would replace."""
    def reduce(x, axis, keepdims):
        if x.dtype == "bool":
            return bools(x, axis, keepdims)
        least = empty(x.dtype)
        return f(x, axis, keepdims, initial=least)
    return reduce


def lowest(dtype):
    """What every other number of a dtype is above."""
    return -np.inf if is_float(dtype) else int(np.iinfo(dtype).min)


def _highest(dtype):
    return np.inf if is_float(dtype) else int(np.iinfo(dtype).max)


def _log_sum_exp(x, axis, keepdims):
    if 0 in x.shape:
        return ops.log(_sum(ops.exp(x), axis, keepdims))
    return ops.logsumexp(x, axis, keepdims)


_REDUCTIONS = {
    "ReduceSum": _sum,
    "ReduceMean": lambda x, axis, keepdims: ops.cast(ops.mean(x, axis, keepdims), x.dtype),
    "ReduceProd": lambda x, axis, keepdims: ops.cast(ops.prod(x, axis, keepdims), x.dtype),
    "ReduceMax": _extreme(ops.max, ops.any, lowest),
    "ReduceMin": _extreme(ops.min, ops.all, _highest),
    "ReduceL1": lambda x, axis, keepdims: _sum(ops.abs(x), axis, keepdims),
    "ReduceL2": lambda x, axis, keepdims: ops.cast(ops.sqrt(_sum(ops.square(x), axis, keepdims)), x.dtype),
    "ReduceSumSquare": lambda x, axis, keepdims: _sum(ops.square(x), axis, keepdims),
    "ReduceLogSum": lambda x, axis, keepdims: ops.cast(ops.log(_sum(x, axis, keepdims)), x.dtype),
    "ReduceLogSumExp": lambda x, axis, keepdims: ops.cast(_log_sum_exp(x, axis, keepdims), x.dtype),
}


def _define(name, f):
    def from_input(x, axes: Ints = None, *, keepdims=1, noop_with_empty_axes=0):
        if not axes:
            return f(x, () if noop_with_empty_axes else None, bool(keepdims))
        return f(x, axes, bool(keepdims))

    def from_attribute(x, *, axes=None, keepdims=1):
        return f(x, tuple(axes) if axes else None, bool(keepdims))
    def ranks(x, axes=None, keepdims=1, noop_with_empty_axes=0):
        return [len(x.shape) if keepdims else len(x.shape) - axes.shape[0]]
    onnx_op(name, since=13 if name == "ReduceSum" else 18, ranks=ranks)(from_input)
    onnx_op(name, since=1)(from_attribute)


for _name, _function in _REDUCTIONS.items():
    _define(_name, _function)


def _arg(f):
    def place(x, *, axis=0, keepdims=1, select_last_index=0):
        if not select_last_index:
            return ops.cast(f(x, axis, bool(keepdims)), "int64")
        last = f(ops.flip(x, axis), axis, bool(keepdims))
        return ops.subtract(ops.convert_to_tensor(x.shape[axis], "int64") - 1, ops.cast(last, "int64"))
    return place


onnx_op("ArgMax")(_arg(ops.argmax))
onnx_op("ArgMin")(_arg(ops.argmin))


def _cumulative(f, identity):
    def along(x, axis: Known, *, exclusive=0, reverse=0):
        axis = int(axis.item())
        axis = axis % len(x.shape)
        y = ops.flip(x, axis) if reverse else x
        y = ops.cast(f(y, axis), x.dtype)
        if exclusive:
            widths = [(1, 0) if i == axis else (0, 0) for i in range(len(x.shape))]
            keep = tuple(slice(0, -1) if i == axis else slice(None) for i in range(len(x.shape)))
            y = ops.pad(ops.get_item(y, keep), widths, constant_values=identity)
        return ops.flip(y, axis) if reverse else y
    return along


onnx_op("CumSum", since=11)(_cumulative(ops.cumsum, 0))
onnx_op("CumProd", since=26)(_cumulative(ops.cumprod, 1))


@onnx_op("TopK", since=10)
def top_k(x, k: Ints, *, axis=-1, largest=1, sorted=1):
    y = ops.moveaxis(x, axis, -1)
    if largest:
        values, places = ops.top_k(y, k[0])
    else:
        places = ops.get_item(ops.argsort(y, -1), (Ellipsis, slice(0, k[0])))
        values = ops.take_along_axis(y, places, -1)
    return ops.moveaxis(values, -1, axis), ops.moveaxis(ops.cast(places, "int64"), -1, axis)


@onnx_op("TopK", since=1)
def top_k_1(x, *, k, axis=-1):
    return top_k(x, (k,), axis=axis)
