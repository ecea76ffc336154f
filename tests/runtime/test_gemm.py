"""The native products against float64 NumPy: all layouts and strides, tails, long sums, and independence of cuts."""
import ctypes

import numpy as np
import pytest

from kgraph import ops
from kgraph.codegen import functions
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.lowering import contract
from kgraph.function import build
from kgraph.kernels import gemm
from kgraph.runtime import thread_pool
from kgraph.runtime.memory import aligned
from kgraph.variable import Variable

SHAPES = [(1, 1, 1), (1, 10, 64), (3, 17, 5), (14, 32, 256), (15, 33, 257), (57, 31, 40), (64, 128, 300),
          (113, 70, 513), (253, 49, 30), (300, 520, 20), (5, 700, 100), (60, 9, 2100), (8, 16, 0), (0, 5, 3)]
LAYOUTS = ["rows", "columns", "strided"]


def stored(rng, rows, columns, layout, dtype):
    """A matrix of random numbers whose rows are contiguous, whose columns are, or neither."""
    if layout == "columns":
        return rng.normal(size=(columns, rows)).astype(dtype).T
    if layout == "strided":
        return rng.normal(size=(2 * rows, 3 * columns)).astype(dtype)[::2, ::3]
    return rng.normal(size=(rows, columns)).astype(dtype)


class Product:
    """gemm with a scratch of its own."""

    def __init__(self, dtype):
        name = {"float32": "gemm_f32", "float64": "gemm_f64"}[dtype]
        self.scratch = aligned(gemm.scratch() + 64)
        self.scratch[gemm.scratch():] = 77
        self.address = functions.address(gemm.function(name))
        self.call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 13)(self.address)

    def __call__(self, a, b, c, flags=0):
        strides = [s // x.itemsize for x in (a, b) for s in x.strides]
        self.call(*a.shape[:1], b.shape[1], a.shape[1], a.ctypes.data, *strides[:2], b.ctypes.data, *strides[2:],
                  c.ctypes.data, c.strides[0] // c.itemsize, flags, self.scratch.ctypes.data)
        assert (self.scratch[gemm.scratch():] == 77).all()


@pytest.mark.parametrize("dtype,tolerance", [("float32", 2e-6), ("float64", 4e-15)])
@pytest.mark.parametrize("b_layout", LAYOUTS)
@pytest.mark.parametrize("a_layout", LAYOUTS)
def test_against_numpy(a_layout, b_layout, dtype, tolerance):
    rng, product = np.random.default_rng(0), Product(dtype)
    for m, n, k in SHAPES:
        a, b = stored(rng, m, k, a_layout, dtype), stored(rng, k, n, b_layout, dtype)
        for series in ((0,), (16, 1), (16, 17, 1)):
            around = np.full((m + 2, n + 7), 3, dtype)
            c = around[1:m + 1, 3:n + 3]
            for flags in series:
                product(a, b, c, flags)
            wanted = len(series) * (a.astype("float64") @ b.astype("float64"))
            assert np.abs(c - wanted).max(initial=0) <= tolerance * max(k, 1)**0.5 * 6 * len(series), (m, n, k, flags)
            c[...] = 3
            assert (around == 3).all(), "wrote outside C"


@pytest.mark.parametrize("b_layout", LAYOUTS)
@pytest.mark.parametrize("a_layout", LAYOUTS)
def test_elements_do_not_depend_on_cuts(a_layout, b_layout):
    """However rows and columns are divided, every element is the same to the last bit."""
    rng, product = np.random.default_rng(1), Product("float32")
    a, b = stored(rng, 130, 600, a_layout, "float32"), stored(rng, 600, 100, b_layout, "float32")
    whole = np.empty((130, 100), "float32")
    product(a, b, whole)
    for cuts in ([0, 130], [0, 1, 130], [0, 64, 130], [0, 14, 30, 55, 100, 130], [0, 113, 130]):
        parts = np.empty_like(whole)
        for top, bottom in zip(cuts, cuts[1:]):
            for left, right in ((0, 7), (7, 40), (40, 100)):
                product(a[top:bottom], b[:, left:right], parts[top:bottom, left:right])
        assert (parts == whole).all(), cuts


@pytest.mark.parametrize("m,n,b_layout", [(3, 40, "rows"), (40, 3, "rows"), (70, 70, "rows"), (20, 20, "columns")])
def test_long_sums_see_each_term(m, n, b_layout):
    """The depth of one call, and of many."""
    product, k = Product("float32"), 300_000
    a, b = np.full((m, k), 0.9, "float32"), np.full((k, n) if b_layout == "rows" else (n, k), 0.3, "float32")
    b = b if b_layout == "rows" else b.T
    wanted, c = k * float(a[0, 0]) * float(b[0, 0]), np.empty((m, n), "float32")
    product(a, b, c)
    np.testing.assert_allclose(c, wanted, rtol=8e-6)
    for i in range(1000):
        product(a[:, :300], b[:300], c, 1 * (i > 0) + 16 * (i < 999))
    np.testing.assert_allclose(c, wanted, rtol=8e-6)


def test_packed_b_is_kept():
    rng, product = np.random.default_rng(2), Product("float32")
    a, b = rng.normal(size=(300, 700)).astype("float32"), rng.normal(size=(130, 700)).astype("float32").T
    wanted, c = np.empty((300, 130), "float32"), np.empty((300, 130), "float32")
    product(a, b, wanted)
    product(a[:100], b, c[:100], 4)
    kept = np.full_like(b.T, np.nan).T  # is not read again
    product(a[100:240], kept, c[100:240], 6)
    product(a[240:], kept, c[240:], 6)
    assert (c == wanted).all()


@pytest.mark.parametrize("dtype,tolerance", [("float32", 2e-6), ("float64", 4e-15)])
@pytest.mark.parametrize("m,k,n", [(1, 1000, 700), (8, 256, 64), (3, 300, 37), (5, 65, 10)])
def test_shares_of_sums(m, k, n, dtype, tolerance):
    """However calls share the sums, in whatever order: the last one has the result, the same to the last bit."""
    rng, found = np.random.default_rng(4), []
    a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    for cuts in ([0, 8], [0, 4, 8], [0, 1, 2, 8], [0, 0, 3, 5, 8], list(range(9))):
        common, shares = np.zeros(1 + gemm.PARTS, "int64"), list(zip(cuts, cuts[1:]))
        for _ in range(2):  # the words in common are ready for the next time
            rng.shuffle(shares)
            c, products, last = np.full((m, n + 3), 3, dtype)[:, :n], [Product(dtype) for _ in shares], []
            for (lo, hi), product in zip(shares, products):
                words = product.scratch[:48].view("int64")
                words[:5] = lo, hi, 8, common.ctypes.data, product.address
                product(a, b, c, 8)
                last.append(words[5])
            assert sum(last) == 1 and common[0] == 0
            found.append(c.copy())
    assert np.abs(found[0] - a.astype("float64") @ b).max() <= tolerance * k**0.5 * 6
    assert all((x == found[0]).all() for x in found)


def test_compiler_and_routine_agree():
    assert (contract.PARTS, contract.RESULT) == (gemm.PARTS, gemm.RESULT)
    assert contract.BLOCK_ROWS * contract.BLOCK_COLUMNS <= gemm.TOTALS and gemm.RESULT <= gemm.TOTALS


def test_nan_and_infinity_come_through():
    product = Product("float32")
    a, b = np.ones((20, 30), "float32"), np.ones((30, 20), "float32")
    a[3, 5], b[7, 9] = np.nan, np.inf
    c = np.empty((20, 20), "float32")
    product(a, b, c)
    assert np.isnan(c[3]).all() and np.isinf(np.delete(c[:, 9], 3)).all()
    assert (np.delete(np.delete(c, 3, 0), 9, 1) == 30).all()


@pytest.mark.parametrize("m,k,n", [(1, 700, 128), (1, 300, 1000), (2, 40, 130), (7, 5, 65), (32, 300, 256),
                                   (33, 64, 257), (65, 40, 300), (300, 37, 70), (9, 20, 3), (64, 8, 256),
                                   (0, 300, 256)])
def test_threads_share_rows_or_columns(m, k, n, any_number_of_threads):
    """Kernels of products: the same bits whatever the number of threads: alone, with an epilogue, and in batches."""
    rng = np.random.default_rng(3)
    a, b, bias = (rng.normal(size=s).astype("float32") for s in ((m, k), (k, n), (n,)))
    stack, stacked = rng.normal(size=(3, m, k)).astype("float32"), rng.normal(size=(3, k, n)).astype("float32")
    rows = dim("M")
    cases = [(ops.matmul, [a, b]), (lambda a, b, c: ops.tanh(ops.matmul(a, b) + c), [a, b, bias]),
             (ops.matmul, [stack, stacked])]
    for f, arrays in cases:
        types = [TensorType(tuple(rows if s == m and x is not bias else s for s in x.shape), "float32") for x in arrays]
        compiled, found = build("product", f, types), []
        for threads in (1, 2, 3, 5):
            thread_pool.set_num_threads(threads)
            found.append(compiled(*arrays))
        wanted = arrays[0].astype("float64") @ arrays[1] + (0 if len(arrays) == 2 else bias)
        wanted = wanted if len(arrays) == 2 else np.tanh(wanted)
        assert np.abs(found[0] - wanted).max(initial=0) < 3e-6 * k**0.5 * 6
        assert all((x == found[0]).all() for x in found)


@pytest.mark.parametrize("k,n,dtype,tolerance", [(3001, 45, "float32", 2e-6), (1031, 150, "float32", 2e-6),
                                                 (300, 500, "float32", 2e-6), (1500, 90, "float64", 4e-15)])
def test_threads_share_sums_or_panels(k, n, dtype, tolerance, any_number_of_threads):
    """Products by weights in panels, of few rows: the same bits whatever the number of threads."""
    rng = np.random.default_rng(5)
    weights, bias = (Variable(rng.normal(size=s).astype(dtype)) for s in ((k, n), (n,)))
    for f in (lambda x: ops.matmul(x, weights), lambda x: ops.tanh(ops.matmul(x, weights) / 50 + bias)):
        compiled = build("product", f, (TensorType((dim("M"), k), dtype),), prepare=True)
        assert any(op.prim.name == "panel_product" for kernel in compiled.plan.kernels
                   for op in kernel.op.params["body"].ops)
        for m in (0, 1, 3, 6, 7, 8, 9, 33, 57):
            x, found = rng.normal(size=(m, k)).astype(dtype), []
            for threads in range(1, 6):
                thread_pool.set_num_threads(threads)
                found.append(compiled(x))
            wanted = f(x)
            assert np.abs(found[0] - wanted).max(initial=0) <= tolerance * k**0.5 * 6
            assert all((y == found[0]).all() for y in found)
