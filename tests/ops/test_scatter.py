"""Updates and segments at positions that are data, compiled and not, in every dtype: against loops in Python."""
import numpy as np
import pytest

import kgraph
from kgraph import ops

DTYPES = "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
COMBINE = {None: lambda a, b: b, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def numbers(rng, shape, dtype):
    if dtype == "bool":
        return rng.random(shape) < 0.5
    return rng.integers(0 if dtype[0] == "u" else -5, 6, shape).astype(dtype)


def both_ways(f, *args):
    """What f gives eagerly, which is what it gives compiled too."""
    eager, compiled = np.asarray(f(*args)), np.asarray(kgraph.function(f)(*args))
    np.testing.assert_array_equal(eager, compiled)
    assert eager.dtype == compiled.dtype
    return eager


@pytest.mark.parametrize("reduction", COMBINE)
@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_scatter_update(reduction, dtype):
    if dtype == "bool" and reduction is not None:
        pytest.skip("numbers only")
    rng = np.random.default_rng(0)
    for rows, count, inner in ((5, 7, (3,)), (1, 3, ()), (37, 20, ()), (4, 1, (2, 2))):
        x, updates = numbers(rng, (rows, *inner), dtype), numbers(rng, (count, *inner), dtype)
        indices = rng.integers(0, rows, (count, 1)).astype("int32")
        expected = x.copy()
        for (i,), u in zip(indices, updates):
            expected[i] = COMBINE[reduction](expected[i], u)
        found = both_ways(lambda x, i, u: ops.scatter_update(x, i, u, reduction=reduction), x, indices, updates)
        np.testing.assert_array_equal(found, expected)


def test_scatter_update_of_elements_in_several_axes_and_of_nothing():
    x, indices = np.zeros((2, 3), "float32"), np.int32([[1, 2], [0, 0], [1, 2]])
    found = both_ways(ops.scatter_update, x, indices, np.float32([1, -0.0, np.nan]))
    np.testing.assert_array_equal(found, [[0, 0, 0], [0, 0, np.nan]])
    assert np.signbit(found[0, 0])
    none = np.zeros((0, 1), "int32")
    np.testing.assert_array_equal(both_ways(ops.scatter_update, x[0], none, np.zeros(0, "float32")), x[0])


@pytest.mark.parametrize("reduction", ["max", "min"])
def test_infinities_stay(reduction):
    x = np.float32([-np.inf, np.inf, np.nan, 1])
    found = both_ways(lambda x, i, u: ops.scatter_update(x, i, u, reduction=reduction), x, np.int32([[3], [3]]),
                      np.float32([2, 0]))
    np.testing.assert_array_equal(found, [-np.inf, np.inf, np.nan, 2 if reduction == "max" else 0])


def test_the_gradient_goes_to_the_last_update_and_to_what_stays():
    total = lambda x, u: ops.sum(ops.scatter_update(x, np.int32([[0], [0], [2]]), u) * np.float32([1, 2, 3]))
    x, u = np.ones(3, "float32"), np.ones(3, "float32")
    for grad in (kgraph.value_and_grad(total, argnums=(0, 1)),
                 kgraph.function(kgraph.value_and_grad(total, argnums=(0, 1)))):
        dx, du = grad(x, u)[1]
        np.testing.assert_array_equal(dx, [0, 2, 0])
        np.testing.assert_array_equal(du, [0, 1, 3])


@pytest.mark.parametrize("name,combine,first", [("sum", np.add, 0), ("prod", np.multiply, 1),
                                                ("max", np.maximum, None), ("min", np.minimum, None)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_segments(name, combine, first, dtype):
    rng = np.random.default_rng(1)
    function = getattr(ops, f"segment_{name}")
    for rows, inner, count in ((9, (3,), 4), (1, (), 2), (37, (2, 2), 5), (0, (2,), 3)):
        data, ids = numbers(rng, (rows, *inner), dtype), rng.integers(0, count, rows).astype("int32")
        edge = {"max": lambda i: -np.inf if i is None else i.min, "min": lambda i: np.inf if i is None else i.max}
        start = first if first is not None else edge[name](None if dtype[0] == "f" else np.iinfo(dtype))
        expected = np.full((count, *inner), start, dtype)
        for i, row in zip(ids, data):
            expected[i] = combine(expected[i], row)
        np.testing.assert_array_equal(both_ways(lambda d, i, n=count: function(d, i, n), data, ids), expected)
        if rows:
            np.testing.assert_array_equal(function(data, ids), expected[:ids.max() + 1])


def test_gradients_of_segments():
    ids, x = np.int32([0, 0, 1, 1, 1]), np.float32([2, 2, 3, 0, 5])
    weight = np.float32([1, 10])
    for name, expected in {"max": [0.5, 0.5, 0, 0, 10], "min": [0.5, 0.5, 0, 10, 0], "prod": [2, 2, 0, 150, 0],
                           "sum": [1, 1, 10, 10, 10]}.items():
        total = lambda x, name=name: ops.sum(getattr(ops, f"segment_{name}")(x, ids, 2) * weight)
        for grad in (kgraph.value_and_grad(total), kgraph.function(kgraph.value_and_grad(total))):
            np.testing.assert_allclose(grad(x)[1], expected)
    total = kgraph.value_and_grad(lambda x: ops.sum(ops.segment_prod(x, np.int32([0, 0, 0]), 1)))
    np.testing.assert_array_equal(total(np.float32([0, 0, 3]))[1], [0, 0, 0])
