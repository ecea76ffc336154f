"""Of what is meant for the same row of a result: the largest, the smallest, the product, the last; and sums and new
values of those rows alone that something is meant for."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.index import check_bounds
from kgraph.compiler.prims.reduce import highest, lowest
from kgraph.compiler.prims.rules import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    apply,
    cast,
    check_dtype,
    constant,
    div,
    mul,
    require,
    summing_dtype,
    where,
)


def _infer(name):
    def infer(indices, updates, size):
        check_dtype(f"{name} (indices)", indices, INTEGERS)
        check_dtype(name, updates, NUMBERS)
        require(updates.shape[:indices.ndim] == indices.shape,
                lambda: f"{name}: expected updates that begin with the shape of {indices}, received {updates}")
        return TensorType((size, *updates.shape[indices.ndim:]), updates.dtype)
    return infer


def _reference(function, first):
    def reference(indices, updates, size):
        check_bounds(indices, size)
        result = np.full((size, *updates.shape[indices.ndim:]), first(updates.dtype.name), updates.dtype)
        function.at(result, indices, updates)
        return result
    return reference


def _examples(rng):
    """Each row gets an update, as a difference of infinities says nothing; only integers may have rows without."""
    rows = lambda n, more: rng.permutation(np.concatenate([np.arange(n), rng.integers(0, n, more)])).astype("int32")
    return [([rows(n, m), rng.normal(size=(n + m, *s)).astype(t)], {"size": n}) for n, m, s, t in
            ((4, 3, (3,), "float32"), (5, 32, (), "float64"), (1, 8, (2,), "float32"))] + [
            ([rows(2, 4).reshape(2, 3), rng.normal(size=(2, 3, 2)).astype("float32")], {"size": 2}),
            ([rows(3, 5), rng.integers(-9, 9, (8, 2)).astype("int32")], {"size": 5}),
            ([rows(0, 0), rng.integers(0, 9, (0, 5)).astype("int16")], {"size": 3})]


def _extreme_vjp(ct, out, indices, updates, size):
    """Updates that tie for the extreme share the gradient equally."""
    chosen = cast(apply("equal", updates, apply("take", out, indices)), ct.dtype)
    count = apply("scatter_add", indices, chosen, size=size)
    return None, mul(chosen, apply("take", div(ct, where(apply("equal", count, constant(0, count)), 1.0, count)),
                                   indices))


def _prod_vjp(ct, out, indices, updates, size):
    """The product of the others: of the rest where one is zero, and of none where more are."""
    zero = apply("equal", updates, constant(0, updates))
    zeros = apply("take", apply("scatter_add", indices, cast(zero, ct.dtype), size=size), indices)
    solid = where(zero, 1.0, updates)
    rest = apply("take", apply("scatter_prod", indices, solid, size=size), indices)
    alone = apply("equal", zeros, cast(zero, ct.dtype))  # no zero beside this one
    return None, mul(apply("take", ct, indices), where(alone, div(rest, solid), 0.0))


scatter_max_p = Primitive("scatter_max", "index", _infer("scatter_max"), _reference(np.maximum, lowest), _extreme_vjp,
                          "scatter_max", _examples)
scatter_min_p = Primitive("scatter_min", "index", _infer("scatter_min"), _reference(np.minimum, highest), _extreme_vjp,
                          "scatter_min", _examples)
scatter_prod_p = Primitive("scatter_prod", "index", _infer("scatter_prod"),
                           _reference(np.multiply, lambda dtype: 1), _prod_vjp, "scatter_prod", _examples)


def _last_infer(indices, size):
    check_dtype("scatter_last", indices, INTEGERS)
    return TensorType((size,), "int64")


def _last(indices, size):
    check_bounds(indices, size)
    result = np.full((size,), -1, "int64")
    np.maximum.at(result, indices, np.arange(indices.size).reshape(indices.shape))
    return result


# For each row, the place in `indices` of the last one that names it, or -1.
scatter_last_p = Primitive(
    "scatter_last", "index", _last_infer, _last, NOT_DIFFERENTIABLE, "scatter_last",
    lambda rng: [([rng.integers(0, n, i).astype(t)], {"size": n}) for i, n, t in
                 (((7,), 4, "int32"), ((2, 3), 37, "int64"), ((0,), 3, "int32"), ((), 3, "int32"), ((9,), 1, "uint8"))])


def _firsts(places) -> np.ndarray:
    """Of sorted places, whether each is the first of its kind."""
    return np.diff(places, prepend=-1) != 0


def _sum_rows_infer(places, order, updates):
    for name, type in (("places", places), ("order", order)):
        check_dtype(f"sum_rows ({name})", type, INTEGERS)
    check_dtype("sum_rows", updates, FLOATS)
    require(places.ndim == 1 and places.shape == order.shape and updates.shape[:1] == places.shape,
            lambda: f"sum_rows: expected a place for each of {updates}, received {places} and {order}")
    return updates


def _sum_rows(places, order, updates):
    result = np.zeros(updates.shape, summing_dtype(updates.dtype))
    firsts = _firsts(places)
    np.add.at(result, np.flatnonzero(firsts)[np.cumsum(firsts) - 1], updates[order])
    return result.astype(updates.dtype)


def _sorted_places(rng, size, count) -> tuple:
    indices = rng.integers(0, size, count).astype("int32")
    order = np.argsort(indices, kind="stable").astype("int32")
    return indices[order], order


# Row k is the sum of updates[order[t]] for all t with places[t] = places[k], added as scatter_add does, where k is the
# first of these; the others are 0. places are sorted.
sum_rows_p = Primitive(
    "sum_rows", "index", _sum_rows_infer, _sum_rows, NOT_DIFFERENTIABLE, "sum_rows",
    lambda rng: [([*_sorted_places(rng, n, c), rng.normal(size=(c, *s)).astype(t)], {}) for n, c, s, t in (
        (4, 7, (3,), "float32"), (37, 5, (), "float64"), (3, 0, (5,), "float32"), (2, 300, (2, 2), "float32"))])


def _put_rows_infer(x, places, rows):
    check_dtype("put_rows (places)", places, INTEGERS)
    require(places.ndim == 1 and rows.shape == (*places.shape, *x.shape[1:]) and rows.dtype == x.dtype,
            lambda: f"put_rows: expected a row of {x} for each of {places}, received {rows}")
    return x


def _put_rows(x, places, rows):
    check_bounds(places, x.shape[0])
    result, firsts = x.copy(), _firsts(places)
    result[places[firsts]] = rows[firsts]
    return result


# x with other rows at these places, which are sorted: of equal ones the first counts.
put_rows_p = Primitive(
    "put_rows", "index", _put_rows_infer, _put_rows, NOT_DIFFERENTIABLE, "put_rows",
    lambda rng: [([x, _sorted_places(rng, len(x), c)[0], rng.normal(size=(c, *x.shape[1:])).astype(x.dtype)], {})
                 for x, c in ((rng.normal(size=s).astype(t), c) for s, c, t in (
                     ((4, 3), 7, "float32"), ((37,), 5, "float64"), ((3, 5), 0, "float32")))],
    in_place=True)
