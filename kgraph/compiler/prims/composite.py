"""Composites: what other primitives can write, but whose gradient is better known than derived.

`lower(*tensors, **params)` says it with other primitives; the pass `expand` puts that in its place, so kernels and
fusion never meet a composite.
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.primitive import Primitive
from kgraph.compiler.prims.rules import FLOATS, apply, array_sum, check_dtype, mul, quiet, require, spread, sub


def _infer(name):
    def infer(x, axes):
        check_dtype(name, x, FLOATS)
        require(list(axes) == sorted(set(axes)) and all(0 <= a < x.ndim for a in axes),
                lambda: f"{name}: expected ascending axes of {x}, received {axes}")
        return x
    return infer


def _examples(rng):
    return [([rng.normal(size=s).astype(t) * 3], {"axes": axes}) for s, t, axes in
            (((3,), "float32", (0,)), ((2, 37), "float64", (1,)), ((4, 3, 5), "float32", (1, 2)),
             ((5, 1), "float32", (1,)), ((0, 3), "float32", (1,)), ((3, 4), "float64", (0,)))]


def _total(x, axes):
    return spread(apply("sum", x, axes=axes), axes, x.shape)


def _shifted(x, axes):
    """x less its largest element, so that exp cannot overflow. Shifting changes neither softmax nor its gradient."""
    return sub(x, spread(apply("max", x, axes=axes), axes, x.shape))


def _shifted_array(x, axes):
    return x - np.max(x, axis=axes, keepdims=True, initial=-np.inf)


def _softmax(x, axes):
    powers = np.exp(_shifted_array(x, axes))
    return powers / array_sum(powers, axes, keepdims=True)


def _softmax_lower(x, axes):
    powers = apply("exp", _shifted(x, axes))
    return apply("divide", powers, _total(powers, axes))


def _log_softmax(x, axes):
    shifted = _shifted_array(x, axes)
    return shifted - np.log(array_sum(np.exp(shifted), axes, keepdims=True))


def _log_softmax_lower(x, axes):
    shifted = _shifted(x, axes)
    total = apply("log", apply("sum", apply("exp", shifted), axes=axes))
    return sub(shifted, spread(total, axes, x.shape))


softmax_p = Primitive(
    "softmax", "composite", _infer("softmax"), quiet(_softmax),
    lambda ct, out, x, axes: (mul(out, sub(ct, _total(mul(ct, out), axes))),), _softmax_lower, _examples)
log_softmax_p = Primitive(
    "log_softmax", "composite", _infer("log_softmax"), quiet(_log_softmax),
    lambda ct, out, x, axes: (sub(ct, mul(apply("exp", out), _total(ct, axes))),), _log_softmax_lower, _examples)
