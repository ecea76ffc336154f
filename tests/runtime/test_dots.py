"""The native product of int8: int32 sums equal to NumPy's for all layouts, sizes and machines; and its kernels."""
import ctypes
import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

import kgraph
from kgraph import ops
from kgraph.codegen import functions, target
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.interpret import run
from kgraph.compiler.loopnest.records import IN_PANELS
from kgraph.compiler.prims.contract import panel_product_p
from kgraph.compiler.trace import bind
from kgraph.function import build
from kgraph.kernels import dot_tile
from kgraph.ops.window import convolved
from kgraph.runtime import routines, thread_pool
from kgraph.runtime.memory import aligned

SHAPES = [(m, k, n) for m in (0, 1, 3, 37) for k in (0, 1, 3, 37) for n in (0, 1, 3, 37)] + [
    (14, 64, 32), (15, 257, 33), (300, 70, 100), (7, 2500, 65), (2, 100_000, 5), (267, 1030, 40)]
LAYOUTS = ["rows", "columns", "strided"]


@pytest.fixture(params=["registers that hold matrices", "vectors"], autouse=True)
def way(request, monkeypatch):
    """As this machine does it, or would do it without registers that hold matrices."""
    own = target.machine()
    if request.param == "vectors" or own.matrix:
        monkeypatch.setattr(functions, "_addresses", {})
        with target.compiling_for(dataclasses.replace(own, matrix=request.param != "vectors")):
            yield
    else:
        pytest.skip("this processor has none")


def stored(rng, rows, columns, layout):
    """A matrix whose rows are contiguous, whose columns are, or neither."""
    if layout == "columns":
        return rng.integers(-128, 128, (columns, rows), "int8").T
    if layout == "strided":
        return rng.integers(-128, 128, (2 * rows, 3 * columns), "int8")[::2, ::3]
    return rng.integers(-128, 128, (rows, columns), "int8")


class Product:
    """gemm_i8 with a scratch of its own."""

    def __init__(self):
        module = routines.module_of("gemm_i8")
        self.bytes = module.scratch()
        self.scratch = aligned(self.bytes + 64)
        self.scratch[self.bytes:] = 77
        self.call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 13)(functions.address(module.function("gemm_i8")))

    def __call__(self, a, b, c, flags=0):
        self.call(*words(a, b, c, flags), self.scratch.ctypes.data)
        assert (self.scratch[self.bytes:] == 77).all()


def words(a, b, c, flags):
    return (*a.shape[:1], b.shape[1], a.shape[1], a.ctypes.data, *a.strides, b.ctypes.data, *b.strides, c.ctypes.data,
            c.strides[0] // 4, flags)


def wanted(a, b):
    return (a.astype("float64") @ b.astype("float64")).astype("int64").astype("int32")


@pytest.mark.parametrize("b_layout", LAYOUTS)
@pytest.mark.parametrize("a_layout", LAYOUTS)
def test_against_numpy(a_layout, b_layout):
    rng, product = np.random.default_rng(0), Product()
    for m, k, n in SHAPES:
        a, b = stored(rng, m, k, a_layout), stored(rng, k, n, b_layout)
        around = np.full((m + 2, n + 7), 3, "int32")
        c = around[1:m + 1, 3:n + 3]
        for times, flags in enumerate((0, 1, 32), 1):
            product(a, b, c, flags)
            assert np.array_equal(c, times * wanted(a, b)), (m, k, n, flags)
        c[...] = 3
        assert (around == 3).all(), "wrote outside C"


def test_the_ends_of_the_range():
    product, c = Product(), np.empty((3, 40), "int32")
    for x in (-128, 127):
        for y in (-128, 127):
            product(np.full((3, 70_000), x, "int8"), np.full((70_000, 40), y, "int8"), c)
            assert (c == 70_000 * x * y).all()


def test_packed_b_is_kept():
    rng, product = np.random.default_rng(2), Product()
    a, b = stored(rng, 300, 1500, "rows"), stored(rng, 1500, 130, "rows")
    c = np.empty((300, 130), "int32")
    product(a[:100], b, c[:100], 4)
    nothing = np.zeros_like(b)  # is not read again
    product(a[100:240], nothing, c[100:240], 6)
    product(a[240:], nothing, c[240:], 6)
    np.testing.assert_array_equal(c, wanted(a, b))


def test_the_nest_means_what_the_code_does():
    rng, module = np.random.default_rng(3), routines.module_of("gemm_i8")
    f, scratch = module.function("gemm_i8"), aligned(module.scratch())
    for layouts in (("rows", "rows"), ("columns", "columns"), ("rows", "strided")):
        a, b = stored(rng, 5, 11, layouts[0]), stored(rng, 11, 35, layouts[1])
        c = np.zeros((5, 35), "int32")
        run(f.nest, *words(a, b, c, 0), scratch.ctypes.data)
        np.testing.assert_array_equal(c, wanted(a, b))


PANELS = [(a, params, panel_product_p.reference(*a, **params)) for a, params in panel_product_p.examples(
    np.random.default_rng(8)) if a[0].dtype == "int8"]


@pytest.mark.parametrize("arrays,params,result", PANELS, ids=[f"{len(a[0])}-{a[0].shape[1]}" for a, *_ in PANELS])
def test_panels(arrays, params, result, any_number_of_threads):
    """By a matrix that was packed beforehand; and as the nest means it."""
    types = [TensorType(x.shape, x.dtype.name) for x in arrays]
    compiled = build("panels", lambda a, b: bind(panel_product_p, a, b, **params), types)
    for threads in (1, 3):
        thread_pool.set_num_threads(threads)
        np.testing.assert_array_equal(compiled(*arrays), result)
    (m, k), (n,) = arrays[0].shape, params["columns"]
    if m * k * n < 50_000:
        module, c = routines.module_of("gemm_i8"), np.full((m, n), 3, "int32")
        scratch = aligned(module.scratch())
        run(module.function("gemm_i8").nest, m, n, k, arrays[0].ctypes.data, k, 1, arrays[1].ctypes.data, 0,
            arrays[1].shape[1], c.ctypes.data, n, IN_PANELS, scratch.ctypes.data)
        np.testing.assert_array_equal(c, result)


def test_panels_are_made_of_weights_once():
    """What a model predicts is what single products give; its plan reads no matrix but in panels."""
    layer = kgraph.layers.Dense(400)
    m = kgraph.Sequential([kgraph.Input((340,)), layer])
    x = np.random.default_rng(9).normal(size=(3, 340)).astype("float32")
    layer.quantize("int8")
    layer._kernel.assign(np.random.default_rng(7).integers(-128, 128, (340, 400)))
    np.testing.assert_allclose(m.predict(x, verbose=0), layer(x).numpy(), rtol=1e-6, atol=1e-4)
    layer._kernel.assign(np.ones((340, 400)))
    np.testing.assert_allclose(m.predict(x, verbose=0), layer(x).numpy(), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("m,k,n", [(1, 700, 300), (37, 300, 257), (70, 37, 3), (0, 30, 256), (5, 0, 7), (1, 3, 1)])
def test_kernels(m, k, n, any_number_of_threads):
    """Alone, with scales, in batches; rows of any number; whatever the number of threads; and as NumPy has it."""
    rng, rows = np.random.default_rng(4), dim("M")
    a, b = stored(rng, m, k, "rows"), stored(rng, k, n, "rows")
    scale = rng.normal(size=n).astype("float32")
    both = np.stack([a, a[::-1]]), np.stack([b, b[:, ::-1]])
    cases = [(ops.matmul, [a, b], wanted(a, b)),
             (lambda a, b: ops.einsum("km,nk->nm", a, b), [a.T.copy(), b.T.copy()], wanted(a, b).T),
             (lambda a, b, s: ops.cast(ops.matmul(a, b), "float32") * s, [a, b, scale],
              wanted(a, b).astype("float32") * scale),
             (ops.matmul, list(both), np.stack([wanted(x, y) for x, y in zip(*both)]))]
    for f, arrays, result in cases:
        types = [TensorType(tuple(rows if s == m and x is not scale and m != n else s for s in x.shape), x.dtype.name)
                 for x in arrays]
        compiled = build("product", f, types)
        for threads in (1, 2, 5):
            thread_pool.set_num_threads(threads)
            found = compiled(*arrays)
            assert found.dtype == result.dtype
            np.testing.assert_array_equal(found, result)
        np.testing.assert_array_equal(f(*arrays).numpy(), result)


@pytest.mark.parametrize("equation,shapes", [("ab,bc->ac", ((3, 5), (5, 4))), ("ab,cd->ac", ((3, 5), (4, 6))),
                                             ("abc,cd,de->abe", ((2, 3, 4), (4, 5), (5, 6))), ("ab->a", ((3, 50),))])
def test_einsum_of_int8_is_int32(equation, shapes):
    xs = [np.random.default_rng(5).integers(-128, 128, s, "int8") for s in shapes]
    for f in (ops.einsum, kgraph.function(lambda *xs: ops.einsum(equation, *xs[1:]))):
        found = f(equation, *xs) if f is ops.einsum else f(np.int32(0), *xs)
        assert found.dtype == "int32"
        np.testing.assert_array_equal(found.numpy(), np.einsum(equation, *(x.astype("int64") for x in xs)))


@pytest.mark.skipif(dot_tile.group() == 2, reason="this processor has no such instruction")
def test_without_the_instruction():
    """On a processor that has only vectors of 32 bytes: the same tests."""
    code = f"import pytest; raise SystemExit(pytest.main(['-qx', '-n0', {__file__!r}, '-k', " \
           "'rows-rows or columns-strided or ends or means or panels or 3-5-1 or 6-9-3 or 37-37-37']))"
    found = subprocess.run([sys.executable, "-c", code], env={**os.environ, "NUMBA_CPU_NAME": "haswell"},
                           capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-3000:]


WINDOWS = [((5, 6), (3, 2), (2, 1), "same", (1, 2), 3, 5, 1), ((9,), (3,), (1,), "causal", (1,), 1, 37, 1),
           ((4, 5, 3), (2, 2, 3), (1, 2, 1), "valid", (1, 1, 1), 7, 3, 1),
           ((13, 11), (3, 3), (1, 1), "same", (1, 1), 37, 40, 1),
           ((7, 7), (3, 3), (2, 2), "same", (1, 1), 16, 33, 1), ((6, 6), (1, 1), (1, 1), "same", (1, 1), 5, 4, 1),
           ((6, 6), (1, 1), (2, 2), "valid", (1, 1), 5, 4, 1), ((3, 3), (3, 3), (1, 1), "valid", (1, 1), 5, 4, 1),
           ((5, 6), (3, 2), (2, 1), "same", (1, 2), 6, 9, 3), ((9,), (3,), (1,), "causal", (2,), 4, 74, 2),
           ((6, 5), (1, 1), (1, 1), "same", (1, 1), 6, 4, 2), ((5, 6), (3, 3), (1, 1), "same", (1, 1), 5, 10, 5),
           ((5, 70), (3, 3), (1, 1), "same", (1, 1), 37, 37, 37), ((9, 9), (5, 5), (2, 2), "same", (1, 1), 16, 16, 16),
           ((9, 8), (3, 2), (1, 1), "same", (2, 3), 3, 3, 3), ((40,), (4,), (3,), "causal", (1,), 17, 17, 17),
           ((4, 5, 3), (2, 5, 3), (1, 2, 1), "same", (1, 1, 1), 7, 7, 7),
           ((6, 6), (1, 1), (1, 1), "same", (1, 1), 5, 5, 5), ((1, 1), (3, 3), (1, 1), "same", (1, 1), 2, 2, 2)]


@pytest.mark.parametrize("space,taps,strides,padding,dilation,channels,filters,groups", WINDOWS)
def test_convolutions(space, taps, strides, padding, dilation, channels, filters, groups, any_number_of_threads):
    """With scales behind it and without; as NumPy has it, and as the sums of reals, which are exact here too."""
    rng, batch = np.random.default_rng(6), dim("B")
    x = rng.integers(-128, 128, (3, *space, channels), "int8")
    w = rng.integers(-128, 128, (*taps, channels // groups, filters), "int8")
    scale = rng.normal(size=filters).astype("float32")
    f = lambda x, w: convolved(x, w, strides, padding, dilation, groups)
    exact = convolved(ops.cast(x, "float64"), ops.cast(w, "float64"), strides, padding, dilation, groups).numpy()
    np.testing.assert_array_equal(f(x, w).numpy(), exact)
    kinds = [TensorType((batch, *x.shape[1:]), "int8"), TensorType(w.shape, "int8"), TensorType((filters,), "float32")]
    scaled = build("scaled", lambda x, w, s: ops.cast(ops.round(ops.cast(f(x, w), "float32") * s), "int32"), kinds)
    plain = build("plain", f, kinds[:2])
    for threads in (1, 3):
        thread_pool.set_num_threads(threads)
        np.testing.assert_array_equal(plain(x, w), exact)
        np.testing.assert_array_equal(scaled(x, w, scale), np.rint(exact.astype("float32") * scale))
