"""The native products against float64 NumPy: all layouts and strides, tails, long sums, and independence of cuts."""
import ctypes

import numpy as np
import pytest

from kgraph.runtime import gemm, kernels
from kgraph.runtime.memory import aligned

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
        self.scratch = aligned(gemm.SCRATCH + 64)
        self.scratch[gemm.SCRATCH:] = 77
        self.call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 13)(kernels.address(gemm.function(name)))

    def __call__(self, a, b, c, flags=0):
        strides = [s // x.itemsize for x in (a, b) for s in x.strides]
        self.call(*a.shape[:1], b.shape[1], a.shape[1], a.ctypes.data, *strides[:2], b.ctypes.data, *strides[2:],
                  c.ctypes.data, c.strides[0] // c.itemsize, flags, self.scratch.ctypes.data)
        assert (self.scratch[gemm.SCRATCH:] == 77).all()


@pytest.mark.parametrize("dtype,tolerance", [("float32", 2e-6), ("float64", 4e-15)])
@pytest.mark.parametrize("b_layout", LAYOUTS)
@pytest.mark.parametrize("a_layout", LAYOUTS)
def test_against_numpy(a_layout, b_layout, dtype, tolerance):
    rng, product = np.random.default_rng(0), Product(dtype)
    for m, n, k in SHAPES:
        a, b = stored(rng, m, k, a_layout, dtype), stored(rng, k, n, b_layout, dtype)
        for flags in (0, 1):
            around = np.full((m + 2, n + 7), 3, dtype)
            c = around[1:m + 1, 3:n + 3]
            product(a, b, c, flags)
            wanted = a.astype("float64") @ b.astype("float64") + 3 * flags
            assert np.abs(c - wanted).max(initial=0) <= tolerance * max(k, 1)**0.5 * 6, (m, n, k, flags)
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


def test_nan_and_infinity_come_through():
    product = Product("float32")
    a, b = np.ones((20, 30), "float32"), np.ones((30, 20), "float32")
    a[3, 5], b[7, 9] = np.nan, np.inf
    c = np.empty((20, 20), "float32")
    product(a, b, c)
    assert np.isnan(c[3]).all() and np.isinf(np.delete(c[:, 9], 3)).all()
    assert (np.delete(np.delete(c, 3, 0), 9, 1) == 30).all()
