"""Sums of so many terms that a float32 accumulator would stop growing: right in any layout, with any number of threads,
compiled and eager."""
import numpy as np
import pytest

import kgraph
from kgraph import ops

MILLIONS = 4_000_000
TERM = np.float32(0.9)
LONG = {  # name: (function of a tensor, its shape, how many terms each sum has)
    "all": (ops.sum, (20_000_000,), 20_000_000),
    "rows": (lambda x: ops.sum(x, 1), (2, MILLIONS), MILLIONS),
    "columns": (lambda x: ops.sum(x, 0), (MILLIONS, 2), MILLIONS),
    "rows and columns": (lambda x: ops.sum(x, (0, 2)), (1000, 3, 1000), 1_000_000),
    "all but columns": (lambda x: ops.sum(x, (0, 1)), (300, 1000, 5), 300_000),
    "strided": (lambda x: ops.sum(x[:, 1]), (MILLIONS, 2), MILLIONS),
    "every other": (lambda x: ops.sum(x[::2, ::2]), (2000, 2000), 1_000_000),
    "transposed": (lambda x: ops.sum(ops.transpose(x), 1), (MILLIONS, 2), MILLIONS),
    "gathered": (lambda x: ops.sum(ops.take(x, ops.zeros((MILLIONS,), "int32"))), (3,), MILLIONS),
    "padded": (lambda x: ops.sum(ops.pad(x, ((1, 1),))), (MILLIONS,), MILLIONS),
    "last of a running sum": (lambda x: ops.cumsum(x)[-1], (MILLIONS,), MILLIONS),
    "first of a reverse running sum": (lambda x: ops.flip(ops.cumsum(ops.flip(x, 0), 0), 0)[0],
                                       (MILLIONS, 2), MILLIONS),
}


@pytest.mark.parametrize("name", LONG)
def test_long_sums_see_each_term(name):
    f, shape, terms = LONG[name]
    x = np.full(shape, TERM)
    for got in (kgraph.function(f)(x), f(x)):
        np.testing.assert_allclose(np.asarray(got, "float64") / terms, np.float64(TERM), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (3, 37), (37, 3), (4097, 5), (5, 4097), (1025, 33), (33, 1025)])
def test_sums_by_row_and_by_column(shape, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    x[x > 2.5] = np.inf
    f = lambda x: (ops.sum(x, 0), ops.sum(x, 1), ops.sum(x), ops.sum(x * x, 0), ops.cumsum(x, 0))
    want = [x.sum(axis, dtype="f8") for axis in (0, 1, None)]
    want += [(x * x).sum(0, dtype="f8"), np.cumsum(x, 0, dtype="f8")]
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    for got in (kgraph.function(f)(x), f(x)):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=60 * tolerance)
