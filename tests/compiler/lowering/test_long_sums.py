"""Sums of so many terms that a float32 accumulator would stop growing: right in any layout, with any number of threads,
compiled and eager."""
import numpy as np
import pytest

import kgraph
from kgraph import ops
from kgraph.runtime import thread_pool

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


SUMS = tuple(LONG)


def kernel_gradient(op, kernel, filters):
    """The gradient for a kernel of what op makes of the tensor, where that of the result is one."""
    def gradient(x):
        f = lambda w: ops.sum(op(x, w, padding="valid"))
        return kgraph.value_and_grad(f)(ops.ones((*kernel, x.shape[-1], filters)))[1]
    return gradient


def gradient_of_rows(take, table, rows):
    """The gradient for a table whose rows are read at the places ``rows``, where that of what is read is TERM."""
    return kgraph.value_and_grad(lambda t: ops.sum(take(t, rows, axis=0) * TERM))(table)[1]


LONG |= {
    "product": (lambda x: ops.matmul(ops.transpose(x), ops.ones((MILLIONS, 3))), (MILLIONS, 2), MILLIONS),
    "one row": (lambda x: ops.matmul(x, ops.ones((500_000, 64))), (1, 500_000), 500_000),
    "two summed axes": (lambda x: ops.einsum("abi,baj->ij", x, ops.ones((1000, 700, 3))), (700, 1000, 4), 700_000),
    "many summed axes": (lambda x: ops.einsum("abci,bacj->ij", x, ops.ones((3, 900, 99, 2))), (900, 3, 99, 2), 267_300),
    "convolution": (lambda x: ops.conv(x, ops.ones((31, 31, 20, 4))), (1, 31, 31, 20), 31 * 31 * 20),
    "kernel": (kernel_gradient(ops.conv, (3, 3), 5), (2, 302, 302, 3), 180_000),
    "kernel of one tap": (kernel_gradient(ops.conv, (1,), 2), (3, 300_000, 2), 900_000),
    "Winograd's kernel": (kernel_gradient(ops.conv, (3, 3), 24), (2, 162, 162, 24), 51_200),
    "depthwise kernel": (kernel_gradient(ops.depthwise_conv, (3, 3), 1), (2, 302, 302, 16), 180_000),
    "segments": (lambda x: ops.segment_sum(x, ops.zeros(x.shape[:1], "int32"), 2)[0], (1_000_000, 3), 1_000_000),
    "table": (lambda x: gradient_of_rows(ops.take, x, ops.zeros((1_000_000,), "int32"))[0], (3, 2), 1_000_000),
    "rows": (lambda x: gradient_of_rows(ops.take_along_axis, x, ops.zeros((300_000, 2), "int32"))[0], (3, 2), 300_000),
    "pooling": (lambda x: 40_000 * ops.average_pool(x, 200), (1, 300, 300, 3), 40_000),
    "pooling of all": (lambda x: 10**6 * ops.average_pool(x, 1000), (1, 1000, 1000, 1), 10**6),
    "convolution of all": (lambda x: ops.conv(x, ops.ones((300, 300, 3, 4))), (1, 300, 300, 3), 270_000),
}


@pytest.mark.parametrize("name", LONG)
def test_long_sums_see_each_term(name):
    f, shape, terms = LONG[name]
    x, tolerance = np.full(shape, TERM), 1e-6 if name in SUMS else 1e-5
    for got in (kgraph.function(f)(x), f(x)):
        np.testing.assert_allclose(np.asarray(got, "float64") / terms, np.float64(TERM), rtol=tolerance)


@pytest.mark.parametrize("name", LONG)
def test_threads_change_no_bit(name, any_number_of_threads):
    f, shape, _ = LONG[name]
    shape = tuple(min(n, 20_011) for n in shape) if name in SUMS else shape
    x, compiled, found = np.random.default_rng(0).random(shape, "float32"), kgraph.function(f), []
    for threads in (1, 2, 5):
        thread_pool.set_num_threads(threads)
        found.append(np.asarray(compiled(x)))
    assert all((got == found[0]).all() for got in found)


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
