"""Reductions over axes (a tuple, ascending), which the result no longer has; and running sums."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.batch import keeps
from kgraph.compiler.prims.rules import (
    ANY,
    FLOATS,
    NUMBERS,
    Reducer,
    add,
    apply,
    array_sum,
    cast,
    check_dtype,
    div,
    index_dtype,
    is_float,
    mul,
    require,
    spread,
    summing_dtype,
    where,
)
from kgraph.compiler.prims.steps import REDUCE


def _infer(name, accepted, result=None):
    def infer(x, axes):
        check_dtype(name, x, accepted)
        require(list(axes) == sorted(set(axes)) and all(0 <= a < x.ndim for a in axes),
                lambda: f"{name}: expected ascending axes of {x}, received {axes}")
        return TensorType(tuple(n for i, n in enumerate(x.shape) if i not in axes), result or x.dtype)
    return infer


def _examples(rng):
    return [([rng.normal(size=s).astype(t)], {"axes": axes}) for s, t, axes in
            (((3,), "float32", (0,)), ((1, 37), "float64", (1,)), ((4, 37), "float32", (0, 1)),
             ((2, 3, 5), "float32", (0, 2)),
             ((0, 5), "float32", (1,)), ((37, 3), "float64", (0,)))]


_FACTS = {"batch_rule": keeps(lambda op, batch: 0 not in op.params["axes"]), "lift_rule": REDUCE}


def _reduce(name, reference, vjp, lower, accepted):
    return Primitive(name, "reduce", _infer(name, accepted), reference, vjp, lower, _examples, **_FACTS)


def lowest(dtype):
    """The neutral value of max: minus infinity, the smallest integer, False."""
    return False if dtype == "bool" else -np.inf if dtype in FLOATS else int(np.iinfo(dtype).min)


def highest(dtype):
    """The neutral value of min."""
    return True if dtype == "bool" else np.inf if dtype in FLOATS else int(np.iinfo(dtype).max)


def _extreme_vjp(ct, out, x, axes):
    """Elements that tie for the extreme share the gradient equally."""
    if not is_float(x):
        return (None,)
    hits = cast(apply("equal", x, spread(out, axes, x.shape)), x.dtype)
    share = div(ct, apply("sum", hits, axes=axes))
    return (mul(hits, spread(share, axes, x.shape)),)


def _prod_vjp(ct, out, x, axes):
    """The product of the others, right with zeros too: of the nonzero ones, if no other factor is zero."""
    zero = apply("equal", x, mul(x, 0))
    zeros = apply("sum", cast(zero, x.dtype), axes=axes)
    rest = apply("prod", where(zero, 1, x), axes=axes)
    alone = where(apply("equal", zeros, add(mul(zeros, 0), 1)), rest, 0)
    others = where(apply("equal", zeros, mul(zeros, 0)), rest, 0)
    wide = lambda v: spread(mul(ct, v), axes, x.shape)
    return (where(zero, wide(alone), div(wide(others), where(zero, 1, x))),)


sum_p = _reduce("sum", array_sum,
                lambda ct, out, x, axes: (spread(ct, axes, x.shape),),
                Reducer(lambda dtype: 0, "sum_so_far"), NUMBERS)
prod_p = _reduce("prod", lambda x, axes: np.prod(x, axis=axes, dtype=x.dtype), _prod_vjp,
                 Reducer(lambda dtype: 1, "product_so_far"), NUMBERS)
max_p = _reduce("max", lambda x, axes: np.max(x, axis=axes, initial=lowest(x.dtype.name)), _extreme_vjp,
                Reducer(lowest, "maximum_so_far"), ANY)
min_p = _reduce("min", lambda x, axes: np.min(x, axis=axes, initial=highest(x.dtype.name)), _extreme_vjp,
                Reducer(highest, "minimum_so_far"), ANY)


def _position_infer(name):
    reduced = _infer(name, ANY)

    def infer(x, axes):
        require(len(axes) == 1, lambda: f"{name}: expected one axis, received {axes}")
        return TensorType(reduced(x, axes).shape, index_dtype(name, x.shape[axes[0]]))
    return infer


def _position(find):
    return lambda x, axes: find(x, axes[0]).astype(index_dtype("position", x.shape[axes[0]]))


def _position_examples(rng):
    return [(args, params) for args, params in _examples(rng) if len(params["axes"]) == 1]


argmax_p = Primitive("argmax", "reduce", _position_infer("argmax"),
                     _position(np.argmax), NOT_DIFFERENTIABLE, "argmax", _position_examples, **_FACTS)
argmin_p = Primitive("argmin", "reduce", _position_infer("argmin"),
                     _position(np.argmin), NOT_DIFFERENTIABLE, "argmin", _position_examples, **_FACTS)


def _cumulative_infer(x, axis, reverse):
    check_dtype("cumsum", x, NUMBERS)
    require(0 <= axis < x.ndim, lambda: f"cumsum: expected an axis of {x}, received {axis}")
    return x


def _cumsum(x, axis, reverse):
    total = np.cumsum(np.flip(x, axis) if reverse else x, axis, dtype=summing_dtype(x.dtype)).astype(x.dtype)
    return np.flip(total, axis) if reverse else total


cumsum_p = Primitive("cumsum", "reduce", _cumulative_infer, _cumsum,
                     lambda ct, out, x, axis, reverse: (apply("cumsum", ct, axis=axis, reverse=not reverse),), "cumsum",
                     lambda rng: [([rng.normal(size=s).astype(t)], {"axis": a, "reverse": r}) for s, t, a, r in
                                  (((3,), "float32", 0, False), ((2, 37), "float64", 1, True),
                                   ((5, 3), "float32", 0, True),
                                   ((0, 4), "float32", 1, False))],
                     batch_rule=keeps(lambda op, batch: op.params["axis"] != 0))
