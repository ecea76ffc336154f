"""Normalisations as composites: their gradient in closed form needs two sums where the derived one has many.

With c = x - mean, r = 1 / sqrt(mean(c * c) + epsilon) and y = c * r over some axes, the gradient of y by x is
r * (ct - mean(ct) - y * mean(ct * y)) (Ioffe and Szegedy, "Batch Normalization", 2015, section 3). Expanded, forward
and backward compute the same c and r, which cse makes one.
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import Primitive
from kgraph.compiler.prims.rules import (
    FLOATS,
    add,
    apply,
    check_dtype,
    div,
    mul,
    quiet,
    require,
    spread,
    sub,
    summing_dtype,
)


def _over(x, axes):
    """1 / the number of elements along axes, as what multiplies a tensor: a number, or a scalar tensor."""
    count = dims.size_of([x.shape[a] for a in axes])
    return 1 / max(count, 1) if isinstance(count, int) else apply("size_value", size=count, dtype=x.dtype)


def _scaled(total, over):
    if isinstance(over, float):
        return mul(total, over)
    return div(total, apply("broadcast", over, shape=total.shape, axes=()) if total.shape else over)


def _mean(x, axes):
    return _scaled(apply("sum", x, axes=axes), _over(x, axes))


def _parts(x, axes, epsilon):
    """x less its mean; and the reciprocal deviation, without the axes."""
    centred = sub(x, spread(_mean(x, axes), axes, x.shape))
    return centred, apply("rsqrt", add(_mean(mul(centred, centred), axes), epsilon))


def _parts_array(x, axes, epsilon):
    mean = lambda x, keepdims: x.mean(axis=axes, keepdims=keepdims, dtype=summing_dtype(x.dtype)).astype(x.dtype)
    centred = x - mean(x, True)
    return centred, 1 / np.sqrt(mean(np.square(centred), False) + x.dtype.type(epsilon))


def _check_axes(name, x, axes):
    check_dtype(name, x, FLOATS)
    require(list(axes) == sorted(set(axes)) and all(0 <= a < x.ndim for a in axes),
            lambda: f"{name}: expected ascending axes of {x}, received {axes}")


def _standardize_infer(x, axes, epsilon):
    _check_axes("standardize", x, axes)
    return x


def _standardize(x, axes, epsilon):
    centred, factor = _parts_array(x, axes, epsilon)
    return centred * np.expand_dims(factor, axes)


def _standardize_lower(x, axes, epsilon):
    centred, factor = _parts(x, axes, epsilon)
    return mul(centred, spread(factor, axes, x.shape))


def _standardize_vjp(ct, out, x, axes, epsilon):
    wide = lambda v: spread(v, axes, x.shape)
    centred, factor = _parts(x, axes, epsilon)
    y = mul(centred, wide(factor))
    rest = sub(sub(ct, wide(_mean(ct, axes))), mul(y, wide(_mean(mul(ct, y), axes))))
    return (mul(wide(factor), rest),)


def _cases(rng):
    for shape, axes, dtype in (((4, 37), (1,), "float32"), ((3, 2, 5), (0, 1), "float64"), ((6, 3), (0,), "float32"),
                               ((2, 3, 4, 5), (1, 2), "float32"), ((5, 1), (0,), "float64")):
        yield rng.normal(size=shape).astype(dtype), {"axes": axes, "epsilon": 1e-3}


standardize_p = Primitive("standardize", "composite", _standardize_infer, quiet(_standardize), _standardize_vjp,
                          _standardize_lower, lambda rng: [([x], params) for x, params in _cases(rng)])


# batch_standardize(x, scale, offset) = standardize(x) * scale + offset, scale and offset having the other axes: the two
# sums of the gradient are then those of offset and scale.
def _kept(x, axes):
    return tuple(n for i, n in enumerate(x.shape) if i not in axes)


def _batch_infer(x, scale, offset, axes, epsilon):
    _check_axes("batch_standardize", x, axes)
    expected = TensorType(_kept(x, axes), x.dtype)
    require(scale == offset == expected,
            lambda: f"batch_standardize: expected scale and offset {expected} for {x}, received {scale}, {offset}")
    return x


def _batch(x, scale, offset, axes, epsilon):
    centred, factor = _parts_array(x, axes, epsilon)
    return centred * np.expand_dims(factor * scale, axes) + np.expand_dims(offset, axes)


def _batch_lower(x, scale, offset, axes, epsilon):
    centred, factor = _parts(x, axes, epsilon)
    wide = lambda v: spread(v, axes, x.shape)
    return add(mul(centred, wide(mul(factor, scale))), wide(offset))


def _batch_vjp(ct, out, x, scale, offset, axes, epsilon):
    wide = lambda v: spread(v, axes, x.shape)
    centred, factor = _parts(x, axes, epsilon)
    d_offset = apply("sum", ct, axes=axes)
    d_scale = mul(apply("sum", mul(ct, centred), axes=axes), factor)
    over = _over(x, axes)
    slope = _scaled(mul(d_scale, factor), over)
    rest = sub(sub(ct, wide(_scaled(d_offset, over))), mul(centred, wide(slope)))
    return mul(wide(mul(factor, scale)), rest), d_scale, d_offset


batch_standardize_p = Primitive(
    "batch_standardize", "composite", _batch_infer, quiet(_batch), _batch_vjp, _batch_lower,
    lambda rng: [([x, *(rng.normal(size=_kept(x, params["axes"])).astype(x.dtype) for _ in range(2))], params)
                 for x, params in _cases(rng)])
