"""Products of bfloat16 by words: in registers that hold matrices the machine's instructions give what their Tiles mean,
bit for bit; by the instruction for pairs within the last places of float32, in an order of its own."""
import dataclasses

import numpy as np
import pytest

from kgraph import ops
from kgraph.codegen import functions, target
from kgraph.codegen.target import machine
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.function import build
from kgraph.runtime import thread_pool

pytestmark = pytest.mark.skipif(not (machine().matrix or machine().pairs), reason="this processor has neither")
SIZES = [(0, 3, 3), (3, 0, 3), (1, 1, 1), (3, 37, 5), (16, 32, 16), (17, 33, 31), (5, 2100, 3), (35, 1030, 33)]


def product(a, b, turned):
    a, b = a.T if turned & 1 else a, b.T if turned & 2 else b
    of = lambda x, y: ops.matmul(ops.transpose(x) if turned & 1 else x, ops.transpose(y) if turned & 2 else y)
    types = [TensorType(x.shape, "bfloat16") for x in (a, b)]
    return np.asarray(build("product", of, types)(*(np.ascontiguousarray(x) for x in (a, b))))


@pytest.fixture
def drawn():
    rng = np.random.default_rng(3)
    return lambda m, k, n: [rng.normal(size=s).astype(numpy_dtype("bfloat16")) for s in ((m, k), (k, n))]


@pytest.mark.parametrize("turned", range(4))
def test_bits(turned, drawn, monkeypatch):
    for size in SIZES:
        a, b = drawn(*size)
        native, wanted = product(a, b, turned), a.astype("float64") @ b.astype("float64")
        with monkeypatch.context() as patch:
            patch.setenv("KGRAPH_EMIT", "python")
            meant = product(a, b, turned)
        scale = np.abs(a).astype("float64") @ np.abs(b).astype("float64")
        assert np.all(np.abs(native.astype("float64") - wanted) <= np.abs(wanted) / 256 + scale * 2.0**-20)
        if machine().matrix:
            np.testing.assert_array_equal(native.view("uint16"), meant.view("uint16"))
        assert np.all(np.abs((native - meant).astype("float64")) <= np.abs(wanted) / 128 + scale * 2.0**-20)


def test_machines_without_the_instruction(drawn, monkeypatch):
    """Widening gives the same, but for the last place of bfloat16."""
    monkeypatch.setattr(functions, "_addresses", {})
    for size in SIZES:
        a, b = drawn(*size)
        native = product(a, b, 0)
        with target.compiling_for(dataclasses.replace(machine(), matrix=False, pairs=False)):
            widened = product(a, b, 0)
        np.testing.assert_allclose(native.astype("float64"), widened.astype("float64"), rtol=1 / 127, atol=1e-4)


def test_rows_that_threads_share(drawn, any_number_of_threads):
    """Each thread's first row falls into another place of a square."""
    a, b = drawn(301, 1030, 600)
    few = product(a[7:9], b, 0)
    for threads in (1, 2, 5):
        thread_pool.set_num_threads(threads)
        np.testing.assert_array_equal(product(a, b, 0)[7:9], few)


def test_not_numbers_stay_in_their_rows_and_columns(drawn):
    a, b = drawn(20, 40, 20)
    a[3, 5], b[6, 4] = np.nan, np.inf
    got = product(a, b, 0).astype("float32")
    assert np.isnan(got[3]).all() and np.isnan(got).sum() == 20
    assert np.isinf(np.delete(got[:, 4], 3)).all() and np.isinf(got).sum() == 19
