"""Convolutions and pooling over channels-last tensors ``[batch, space..., channels]`` with any number of space axes.

An output at place o of a space axis reads the inputs at ``o * stride + k * dilation - low`` for the taps k of the
kernel; places outside of the input are skipped. Each parameter has one entry for each space axis; ``padding`` is a
pair (low, high), and a negative amount leaves input out. Kernels are ``[taps..., channels / groups, filters]``.

``dtype`` is int32 for a convolution of int8, which is added up in that, and float32 for bfloat16 *in pairs*
(kgraph.compiler.prims.pairs), words of 32 bits: of a kernel along the axis that is summed, [taps..., channels / groups
/ 2, filters]; for the gradient of a kernel, of x and ct along the batch. A pass makes the latter.

``transposed`` (kernels with channels and filters exchanged: [taps..., filters / groups, channels]) and ``parts`` (sums
over so many shares of the batch, with an axis of their own in front) are forms that only kgraph.compiler.passes.window
brings in.

`conv_transformed` is a convolution of 3 x 3 taps that moves by one, and has beside its kernel what
kgraph.kernels.winograd makes of that, 16 matrices in panels (see panel_product): a form that a pass brings in for
weights that are the same at every call.

A convolution is bilinear, so `conv`, `conv_data_grad` and `conv_weight_grad` are each other's gradients. The latter two
are the linear maps that the first has for a fixed kernel and a fixed input, transposed. `conv_data_grad` is also the
forward pass of what layers call a transposed convolution.
"""
from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.loopnest.records import PANEL
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.batch import ALL, keeps
from kgraph.compiler.prims.pairs import WORDS, apart, numbers
from kgraph.compiler.prims.reduce import lowest
from kgraph.compiler.prims.rules import (
    FLOATS,
    NUMBERS,
    apply,
    array_sum,
    check_dtype,
    matrix_product,
    require,
    require_order,
    summing_dtype,
)
from kgraph.compiler.prims.steps import CONV

CHUNK = 1 << 24  # elements of the matrix of windows that the reference makes at once


def output_size(size, taps, stride, padding, dilation=1):
    """The size of an output axis: how often a window fits into the padded input."""
    return (size + padding[0] + padding[1] - (taps - 1) * dilation - 1) // stride + 1


def _output_space(name, space, window, strides, padding, dilation):
    rank = len(space)
    require(len(strides) == len(padding) == len(dilation) == rank,
            lambda: f"{name}: expected strides, padding and dilation for {rank} space axes, received {strides}, "
                    f"{padding}, {dilation}")
    require(all(v >= 1 for v in (*window, *strides, *dilation)),
            lambda: f"{name}: expected windows, strides and dilations of at least 1, received {window}, {strides}, "
                    f"{dilation}")
    found = tuple(map(output_size, space, window, strides, padding, dilation))
    require(all(isinstance(n, Dim) or n >= 1 for n in found),
            lambda: f"{name}: expected windows within the padded input, received a window of {window} (dilation "
                    f"{dilation}), sizes {space}, padding {padding}")
    for n in found:
        require_order(f"{name}: windows within the padded input", 1, n)
    return found


def _check_kernel(name, x, w, groups):
    require(w.ndim == x.ndim and x.ndim >= 3,
            lambda: f"{name}: expected an input [batch, space..., channels] and a kernel of as many axes, received "
                    f"{x}, {w}")
    require(x.dtype == w.dtype, lambda: f"{name}: expected inputs of one dtype, received {x}, {w}")
    require(groups >= 1 and w.shape[-1] % groups == 0,
            lambda: f"{name}: expected groups that divide the {w.shape[-1]} filters, received groups={groups}")


def _check_sums(name, x, dtype):
    check_dtype(name, x, FLOATS if dtype is None else ("int8", "bfloat16"))
    require(dtype in (None, DTYPES[x.dtype].sums),
            lambda: f"{name}: expected the dtype that {x.dtype} is added up in, received {dtype}")


def _conv_infer(x, w, strides, padding, dilation, groups, dtype=None):
    _check_sums("conv", x, dtype)
    w = apart(w, -2)
    _check_kernel("conv", x, w, groups)
    require(x.shape[-1] == w.shape[-2] * groups,
            lambda: f"conv: expected {w.shape[-2] * groups} input channels for the kernel {w} in {groups} groups, "
                    f"received {x}")
    space = _output_space("conv", x.shape[1:-1], w.shape[:-2], strides, padding, dilation)
    return TensorType((x.shape[0], *space, w.shape[-1]), dtype or x.dtype)


def _data_grad_infer(ct, w, strides, padding, dilation, groups, size, transposed=False, dtype=None):
    _check_sums("conv_data_grad", ct, dtype)
    w = apart(w, -2)
    if transposed:
        require(w.shape[-1] % groups == 0 and w.ndim >= 3,
                lambda: f"conv_data_grad: expected groups that divide the {w.shape[-1]} channels, received "
                        f"groups={groups}")
        w = TensorType((*w.shape[:-2], w.shape[-1] // groups, w.shape[-2] * groups), w.dtype)
    _check_kernel("conv_data_grad", ct, w, groups)
    space = _output_space("conv_data_grad", size, w.shape[:-2], strides, padding, dilation)
    require(ct.shape[1:] == (*space, w.shape[-1]),
            lambda: f"conv_data_grad: expected a gradient [batch, {', '.join(map(str, space))}, {w.shape[-1]}], "
                    f"received {ct}")
    return TensorType((ct.shape[0], *size, w.shape[-2] * groups), dtype or ct.dtype)


def _weight_grad_infer(x, ct, strides, padding, dilation, groups, window, parts=None, dtype=None):
    check_dtype("conv_weight_grad", x, FLOATS if dtype is None else (WORDS,))
    require(x.ndim == ct.ndim and x.dtype == ct.dtype,
            lambda: f"conv_weight_grad: expected an input and a gradient of one rank and dtype, received {x}, {ct}")
    require(x.shape[-1] % groups == 0 and ct.shape[-1] % groups == 0,
            lambda: f"conv_weight_grad: expected groups that divide the channels, received groups={groups}, {x}, {ct}")
    space = _output_space("conv_weight_grad", x.shape[1:-1], window, strides, padding, dilation)
    require(ct.shape[:-1] == (x.shape[0], *space),
            lambda: f"conv_weight_grad: expected a gradient [{x.shape[0]}, {', '.join(map(str, space))}, filters], "
                    f"received {ct}")
    return TensorType((*([parts] if parts else []), *window, x.shape[-1] // groups, ct.shape[-1]), dtype or x.dtype)


# --- meaning, in NumPy: matrices of windows, a number of images at a time ---------------------------------------------

def _padded(x, padding, value):
    """x with its space axes padded; negative amounts cut."""
    cut = tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(x.shape[1:-1], padding))
    wide = ((0, 0), *((max(low, 0), max(high, 0)) for low, high in padding), (0, 0))
    return np.pad(x[:, *cut], wide, constant_values=value)


def _windows(x, window, strides, dilation):
    """A view [batch, outputs..., taps..., channels] of a padded input."""
    space = tuple(output_size(n, k, s, (0, 0), d) for n, k, s, d in zip(x.shape[1:-1], window, strides, dilation))
    steps = x.strides[1:-1]
    bits = x.view(f"u{x.itemsize}")  # as_strided asks what a type is called, and not all types of ml_dtypes know
    return np.lib.stride_tricks.as_strided(
        bits, (x.shape[0], *space, *window, x.shape[-1]),
        (x.strides[0], *(t * s for t, s in zip(steps, strides)), *(t * d for t, d in zip(steps, dilation)),
         x.strides[-1]),
        writeable=False).view(x.dtype)


def _image_chunks(images, elements):
    """Slices of the batch, so that each has about CHUNK elements."""
    step = max(1, CHUNK // max(1, elements))
    return [slice(i, min(i + step, images)) for i in range(0, images, step)]


def _columns(x, window, strides, padding, dilation, groups):
    """The matrices [groups, outputs, taps * channels / groups] of the windows of some images."""
    rank = len(window)
    view = _windows(_padded(x, padding, 0), window, strides, dilation)
    view = view.reshape(*view.shape[:-1], groups, view.shape[-1] // groups)
    view = np.moveaxis(view, -2, 0)
    return view.reshape(groups, math.prod(view.shape[1:2 + rank]), -1)


def _matrices(values, groups):
    """[rows..., filters] as [groups, rows, filters / groups]."""
    return np.moveaxis(values.reshape(-1, groups, values.shape[-1] // groups), 1, 0)


def _conv(x, w, strides, padding, dilation, groups, dtype=None):
    w = numbers(w, -2)
    window = w.shape[:-2]
    space = tuple(map(output_size, x.shape[1:-1], window, strides, padding, dilation))
    out = np.empty((x.shape[0], *space, w.shape[-1]), dtype or x.dtype)
    kernel = _matrices(w, groups)
    for images in _image_chunks(x.shape[0], math.prod(space) * math.prod(window) * x.shape[-1]):
        product = matrix_product(_columns(x[images], window, strides, padding, dilation, groups), kernel, dtype)
        out[images] = np.moveaxis(product, 0, 1).reshape(-1, *space, w.shape[-1])
    return out


def _data_grad(ct, w, strides, padding, dilation, groups, size, transposed=False, dtype=None):
    w = numbers(w, -2)
    w = _exchanged(w, groups) if transposed else w
    window, channels = w.shape[:-2], w.shape[-2] * groups
    kernel = _matrices(w, groups).swapaxes(1, 2)
    out = np.empty((ct.shape[0], *size, channels), ct.dtype)
    for images in _image_chunks(ct.shape[0], math.prod(ct.shape[1:-1]) * math.prod(window) * channels):
        part = ct[images]
        columns = matrix_product(_matrices(part, groups), kernel)
        columns = columns.reshape(groups, *part.shape[:-1], *window, channels // groups)
        columns = np.moveaxis(columns, 0, -2).reshape(*part.shape[:-1], *window, channels)
        out[images] = _overlap_add(columns, window, strides, padding, dilation, size)
    return out


def _exchanged(w, groups):
    """A kernel [taps..., filters / groups, channels] as [taps..., channels / groups, filters]."""
    split = w.reshape(*w.shape[:-1], groups, w.shape[-1] // groups).swapaxes(-1, -3)
    return split.reshape(*w.shape[:-2], w.shape[-1] // groups, w.shape[-2] * groups)


def _overlap_add(columns, window, strides, padding, dilation, size):
    """Windows [batch, outputs..., taps..., channels] added up at the places of the input that they were read from."""
    rank = len(window)
    space = columns.shape[1:1 + rank]
    extent = tuple(max(n + max(low, 0) + max(high, 0), (o - 1) * s + (k - 1) * d + 1 + max(-low, 0))
                   for n, (low, high), o, s, k, d in zip(size, padding, space, strides, window, dilation))
    total = np.zeros((columns.shape[0], *extent, columns.shape[-1]), summing_dtype(columns.dtype))
    for tap in itertools.product(*map(range, window)):
        places = tuple(slice(k * d + max(-low, 0), k * d + max(-low, 0) + (o - 1) * s + 1 if o else 0, s)
                       for k, d, o, s, (low, _) in zip(tap, dilation, space, strides, padding))
        total[:, *places] += columns[:, *[slice(None)] * rank, *tap]
    inside = (slice(max(low, 0), max(low, 0) + n) for n, (low, _) in zip(size, padding))
    return total[:, *inside].astype(columns.dtype)


def _weight_grad(x, ct, strides, padding, dilation, groups, window, parts=None, dtype=None):
    if parts:
        ends = [len(x) * p // parts for p in range(parts + 1)]
        return np.stack([_weight_grad(x[a:b], ct[a:b], strides, padding, dilation, groups, window)
                         for a, b in zip(ends, ends[1:])])
    x, ct = numbers(x, 0), numbers(ct, 0)
    channels, filters = x.shape[-1] // groups, ct.shape[-1]
    total = np.zeros((groups, math.prod(window) * channels, filters // groups), summing_dtype(x.dtype))
    for images in _image_chunks(x.shape[0], math.prod(ct.shape[1:-1]) * math.prod(window) * x.shape[-1]):
        columns = _columns(x[images], window, strides, padding, dilation, groups)
        total += matrix_product(columns.swapaxes(1, 2), _matrices(ct[images], groups))
    return np.moveaxis(total.astype(x.dtype), 0, 1).reshape(*window, channels, filters)


# --- gradients --------------------------------------------------------------------------------------------------------

def _conv_vjp(ct, out, x, w, **params):
    return (apply("conv_data_grad", ct, w, size=tuple(x.shape[1:-1]), **params),
            apply("conv_weight_grad", x, ct, window=tuple(w.shape[:-2]), **params))


def _data_grad_vjp(ct, out, x, w, size, **params):
    return apply("conv", ct, w, **params), apply("conv_weight_grad", ct, x, window=tuple(w.shape[:-2]), **params)


def _weight_grad_vjp(ct, out, x, y, window, **params):
    return apply("conv_data_grad", y, ct, size=tuple(x.shape[1:-1]), **params), apply("conv", x, ct, **params)


# --- examples: space, taps, stride, padding, dilation, groups, channels, filters, dtype -------------------------------

_CASES = (((7,), (3,), (1,), ((0, 0),), (1,), 1, 3, 5, "float32"), ((8,), (3,), (2,), ((2, 1),), (2,), 1, 2, 37,
                                                                    "float32"),
          ((6, 5), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 17, 18, "float32"),
          ((7, 6), (2, 3), (2, 3), ((0, 1), (2, 2)), (1, 2), 2, 4, 6, "float64"),
          ((5, 9), (3, 3), (3, 2), ((1, 1), (-1, 0)), (1, 1), 1, 3, 4, "float32"),
          ((6, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 19, 19, 19, "float32"),
          ((6, 7), (3, 3), (2, 2), ((0, 1), (1, 1)), (1, 1), 4, 4, 8, "float32"),
          ((1, 1), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 5, 3, "float32"),
          ((4, 5, 3), (2, 3, 2), (1, 2, 1), ((0, 0), (1, 1), (1, 0)), (2, 1, 1), 1, 3, 4, "float32"),
          ((9, 9), (2, 2), (3, 3), ((0, 0), (0, 0)), (1, 1), 1, 5, 33, "float32"),
          ((40, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 2, 64, "float32"))


def _normal(rng, shape, dtype):
    return rng.normal(scale=0.1, size=shape).astype(numpy_dtype(dtype))


def _case_arrays(rng):
    for space, window, strides, padding, dilation, groups, channels, filters, dtype in _CASES:
        params = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
        x, w = _normal(rng, (3, *space, channels), dtype), _normal(rng, (*window, channels // groups, filters), dtype)
        yield x, w, _normal(rng, _conv(x, w, **params).shape, dtype), params


def _transformed_infer(x, w, transform, **params):
    found = _conv_infer(x, w, **params)
    require(w.shape[:-2] == (3, 3) and {*params["strides"], *params["dilation"], params["groups"]} == {1},
            lambda: f"conv_transformed: expected a kernel of 3 x 3 that moves by one, received {w}, {params}")
    width = PANEL // w.itemsize
    wanted = TensorType((4, 4, -(-w.shape[3] // width), w.shape[2], width), w.dtype)
    require(transform == wanted, lambda: f"conv_transformed: expected {wanted} for {w}, received {transform}")
    return found


def _transformed_conv(x, w, transform, **params):
    return _conv(x, w, **params)


def _transformed_examples(rng):
    rows = np.array(((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)))
    found = []
    for space, channels, filters, dtype in (((5, 7), 24, 33, "float32"), ((1, 30), 40, 24, "float64")):
        x, w = _normal(rng, (3, *space, channels), dtype), _normal(rng, (3, 3, channels, filters), dtype)
        ones = {"strides": (1, 1), "dilation": (1, 1), "groups": 1, "padding": ((1, 1), (1, 2))}
        width = PANEL // w.itemsize
        transform = np.einsum("ik,jl,klcf->ijcf", rows, rows, w).astype(dtype)
        transform = np.pad(transform, ((0, 0),) * 3 + ((0, -filters % width),))
        transform = transform.reshape(4, 4, channels, -1, width).transpose(0, 1, 3, 2, 4)
        found.append(([x, w, np.ascontiguousarray(transform)], ones))
    return found


_FACTS = {"batch_rule": lambda op, mine, batch: mine[0] if mine[1] == ALL else None, "lift_rule": CONV}
conv_p = Primitive("conv", "window", _conv_infer, _conv, _conv_vjp, "conv",
                   lambda rng: [([x, w], params) for x, w, ct, params in _case_arrays(rng)] + [
                       ([rng.integers(-128, 128, s, "int8") for s in ((2, 5, 6, 3), (3, 2, 3, 5))],
                        {"strides": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2), "groups": 1,
                         "dtype": "int32"})] + [
                       ([rng.integers(-128, 128, s, "int8") for s in ((2, 5, 6, 4), (3, 2, 4 // groups, 4 * groups))],
                        {"strides": (1, 2), "padding": ((2, 1), (0, 1)), "dilation": (2, 1), "groups": groups,
                         "dtype": "int32"}) for groups in (1, 2, 4)], **_FACTS)
conv_transformed_p = Primitive("conv_transformed", "window", _transformed_infer, _transformed_conv, NOT_DIFFERENTIABLE,
                               "conv", _transformed_examples)
conv_data_grad_p = Primitive(
    "conv_data_grad", "window", _data_grad_infer, _data_grad, _data_grad_vjp, "conv_data_grad",
    lambda rng: [([ct, w], {**params, "size": x.shape[1:-1]}) for x, w, ct, params in _case_arrays(rng)], **_FACTS)
conv_weight_grad_p = Primitive(
    "conv_weight_grad", "window", _weight_grad_infer, _weight_grad, _weight_grad_vjp, "conv_weight_grad",
    lambda rng: [([x, ct], {**params, "window": w.shape[:-2]}) for x, w, ct, params in _case_arrays(rng)])


# --- the matrix of windows, where a pass wants one --------------------------------------------------------------------

def _windows_infer(x, window, outs, strides, steps, low, apart):
    require({x.ndim - 2} == {len(v) for v in (window, outs, strides, steps, low, apart)},
            lambda: f"windows: expected a number for each space axis of {x}, received {window}, {outs}, {strides}, "
                    f"{steps}, {low}, {apart}")
    return TensorType((x.shape[0], *outs, *window, x.shape[-1]), x.dtype)


def _window_matrix(x, window, outs, strides, steps, low, apart):
    rank = len(window)
    for k in range(rank):
        axis = 1 + 2 * k
        at = np.arange(outs[k])[:, None] * strides[k] + np.arange(window[k]) * steps[k] - low[k]
        there = (at >= 0) & (at < x.shape[axis] * apart[k]) & (at % apart[k] == 0)
        tests = there.reshape(*(1,) * axis, *there.shape, *(1,) * (x.ndim - axis - 1))
        places = np.where(there, at // apart[k], 0)
        with_one = np.pad(x, [(0, int(a == axis)) for a in range(x.ndim)])  # a size may be 0
        x = np.where(tests, np.take(with_one, places, axis), np.zeros((), x.dtype))
    return np.moveaxis(x, range(2, 2 + 2 * rank, 2), range(1 + rank, 1 + 2 * rank))


def _windows_lower(e, op, index):
    p, rank, inner, tests = op.params, len(op.params["window"]), [], []
    for k, size in enumerate(op.inputs[0].shape[1:-1]):
        stride, step, low, apart = (p[name][k] for name in ("strides", "steps", "low", "apart"))
        at = index[1 + k] * stride + index[1 + rank + k] * step - low
        reach = step * (p["window"][k] - 1)
        tests += [e.at(at) >= 0] if min(reach, 0) < low else []
        if (p["outs"][k] - 1) * stride + max(reach, 0) - low >= size * apart:
            tests.append(e.at(at) < e.size(size * apart))
        tests += [call("==", e.at(at % apart), 0)] if apart > 1 else []
        inner.append(at // apart)
    value = lambda: e.read(0, (index[0], *inner, index[-1]))
    if not tests:
        return value()
    return e.choose(functools.reduce(functools.partial(call, "and"), tests), value,
                    lambda: e.constant(0, op.outputs[0].dtype))


_WINDOWS = (((7,), 3, (3,), (5,), (1,), (1,), (0,), (1,), "float32"),
            ((5, 6), 37, (3, 2), (5, 3), (1, 2), (1, 2), (1, 0), (1, 1), "float32"),
            ((1, 3), 1, (3, 3), (1, 3), (1, 1), (-1, -1), (-1, -1), (1, 1), "float64"),
            ((3, 4), 18, (1, 1), (6, 11), (1, 1), (1, 1), (1, 0), (2, 3), "float32"),
            ((1, 0, 4), 2, (1, 2, 2), (1, 1, 2), (1, 1, 2), (1, 1, 1), (0, 1, 0), (1, 1, 1), "float32"))
# [batch, outputs..., taps..., channels]: at output o and tap k what is at place o * stride + k * step - low of an input
# whose neighbours are ``apart`` places apart; zeros between them and outside.
windows_p = Primitive(
    "windows", "move", _windows_infer, _window_matrix, NOT_DIFFERENTIABLE, _windows_lower,
    lambda rng: [([_normal(rng, (2, *space, channels), dtype)],
                  dict(zip(("window", "outs", "strides", "steps", "low", "apart"), params)))
                 for space, channels, *params, dtype in _WINDOWS],
    branches=True, batch_rule=keeps(lambda op, batch: True))


# --- pooling ----------------------------------------------------------------------------------------------------------

def _pool_infer(name, accepted):
    def infer(x, window, strides, padding):
        check_dtype(name, x, accepted)
        space = _output_space(name, x.shape[1:-1], window, strides, padding, (1,) * len(window))
        return TensorType((x.shape[0], *space, x.shape[-1]), x.dtype)
    return infer


_max_infer, _sum_infer = _pool_infer("max_pool", NUMBERS), _pool_infer("sum_pool", FLOATS)


def _tap_axes(window):
    return tuple(range(1 + len(window), 1 + 2 * len(window)))


def _max_pool(x, window, strides, padding):
    view = _windows(_padded(x, padding, lowest(x.dtype.name)), window, strides, (1,) * len(window))
    return view.max(axis=_tap_axes(window))


def _sum_pool(x, window, strides, padding):
    view = _windows(_padded(x, padding, 0), window, strides, (1,) * len(window))
    return array_sum(view, _tap_axes(window))


def _sum_pool_grad_infer(ct, window, strides, padding, size):
    out = _sum_infer(TensorType((ct.shape[0], *size, ct.shape[-1]), ct.dtype), window, strides, padding)
    require(out == ct, lambda: f"sum_pool_grad: expected a gradient {out}, received {ct}")
    return TensorType((ct.shape[0], *size, ct.shape[-1]), ct.dtype)


def _sum_pool_grad(ct, window, strides, padding, size):
    rank = len(window)
    spots = ct.reshape(*ct.shape[:-1], *(1,) * rank, ct.shape[-1])
    columns = np.broadcast_to(spots, (*ct.shape[:-1], *window, ct.shape[-1]))
    return _overlap_add(columns, window, strides, padding, (1,) * rank, size)


def _first_maximum(x, window, strides, padding):
    """One-hot windows [batch, outputs..., taps..., channels]: where the first of the largest elements is."""
    view = _windows(_padded(x, padding, lowest(x.dtype.name)), window, strides, (1,) * len(window))
    rank, count = len(window), math.prod(window)
    flat = view.reshape(*view.shape[:1 + rank], count, view.shape[-1])
    hits = np.arange(count)[:, None] == flat.argmax(axis=-2)[..., None, :]
    return hits.reshape(view.shape)


def _max_pool_grad_infer(x, ct, window, strides, padding):
    out = _max_infer(x, window, strides, padding)
    require(out == ct, lambda: f"max_pool_grad: expected a gradient {out}, received {ct}")
    return x


def _max_pool_grad(x, ct, window, strides, padding):
    rank = len(window)
    spots = ct.reshape(*ct.shape[:-1], *(1,) * rank, ct.shape[-1])
    columns = np.where(_first_maximum(x, window, strides, padding), spots, np.zeros((), ct.dtype))
    return _overlap_add(columns, window, strides, padding, (1,) * rank, x.shape[1:-1])


def _max_pool_pick_infer(x, y, window, strides, padding):
    require(x == y, lambda: f"max_pool_pick: expected two inputs of one type, received {x}, {y}")
    return _max_infer(x, window, strides, padding)


def _max_pool_pick(x, y, window, strides, padding):
    hits = _first_maximum(x, window, strides, padding)
    view = _windows(_padded(y, padding, 0), window, strides, (1,) * len(window))
    return np.where(hits, view, np.zeros((), y.dtype)).sum(axis=_tap_axes(window), dtype=y.dtype)


_POOLS = (((7,), (2,), (2,), ((0, 0),), 5), ((6, 5), (3, 2), (1, 2), ((1, 1), (0, 1)), 37),
          ((8, 8), (2, 2), (2, 2), ((0, 0), (0, 0)), 3), ((4, 4, 5), (2, 2, 2), (2, 1, 3), ((0, 0), (0, 1), (1, 1)), 4),
          ((7, 9), (3, 3), (2, 2), ((0, 1), (1, 1)), 16), ((5, 5), (1, 1), (2, 2), ((0, 0), (0, 0)), 2))


def _pool_arrays(rng):
    for k, (space, window, strides, padding, channels) in enumerate(_POOLS):
        x = rng.permutation(2 * math.prod(space) * channels).reshape(2, *space,
                                                                     channels) / 10  # no ties: finite differences
        x = x.astype("float64" if k % 2 else "float32")
        params = {"window": window, "strides": strides, "padding": padding}
        yield x, rng.normal(size=_max_pool(x, **params).shape).astype(x.dtype), params


max_pool_p = Primitive("max_pool", "window", _max_infer, _max_pool,
                       lambda ct, out, x, **params: (apply("max_pool_grad", x, ct, **params),), "max_pool",
                       lambda rng: [([x], params) for x, ct, params in _pool_arrays(rng)])
# What reaches the first maximum of each window, and the transposed map: what it gives.
max_pool_grad_p = Primitive("max_pool_grad", "window", _max_pool_grad_infer, _max_pool_grad,
                            lambda c, out, x, ct, **params: (None, apply("max_pool_pick", x, c, **params)),
                            "max_pool_grad",
                            lambda rng: [([x, ct], params) for x, ct, params in _pool_arrays(rng)])
max_pool_pick_p = Primitive("max_pool_pick", "window", _max_pool_pick_infer, _max_pool_pick,
                            lambda ct, out, x, y, **params: (None, apply("max_pool_grad", x, ct, **params)),
                            "max_pool_pick",
                            lambda rng: [([x, np.sin(x)], params) for x, ct, params in _pool_arrays(rng)])
sum_pool_p = Primitive("sum_pool", "window", _sum_infer, _sum_pool,
                       lambda ct, out, x, **params: (apply("sum_pool_grad", ct, size=tuple(x.shape[1:-1]), **params),),
                       "sum_pool", lambda rng: [([x], params) for x, ct, params in _pool_arrays(rng)])
sum_pool_grad_p = Primitive(
    "sum_pool_grad", "window", _sum_pool_grad_infer, _sum_pool_grad,
    lambda c, out, ct, size, **params: (apply("sum_pool", c, **params),), "sum_pool_grad",
    lambda rng: [([ct], {**params, "size": x.shape[1:-1]}) for x, ct, params in _pool_arrays(rng)])
