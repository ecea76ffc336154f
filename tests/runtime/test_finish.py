"""What routines do to their sums before they store them: a bias, another array, limits."""
import numpy as np
import pytest

from kgraph import ops
from kgraph.compiler.ir import TensorType
from kgraph.function import build


def compiled(f, arrays):
    return build("f", f, [TensorType(a.shape, a.dtype.name) for a in arrays])


def data(*shapes, dtype="float32"):
    rng = np.random.default_rng(5)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def dense(x, w, bias, other):
    return ops.minimum(ops.maximum(ops.add(ops.matmul(x, w) + bias, other), -1.0), 6.0)


def reference(x, w, bias, other):
    return np.clip((x.astype("float64") @ w + bias + other), -1, 6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows, depth, columns", [(1, 40, 37), (3, 700, 96), (57, 300, 21), (300, 20, 150),
                                                  (300, 600, 33)])
def test_products(rows, depth, columns, dtype):
    arrays = data((rows, depth), (depth, columns), (columns,), (rows, columns), dtype=dtype)
    arrays[0][0, 0] = np.nan
    f = compiled(dense, arrays)
    np.testing.assert_allclose(f(*arrays), reference(*arrays), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shapes, finished", [(((300, 20), (20, 150), (150,), (300, 150)), True),
                                              (((3, 9000), (9000, 20), (20,), (3, 20)), False)])
def test_products_have_no_loop_of_their_own_for_it_unless_threads_share_sums(shapes, finished):
    (kernel,) = compiled(dense, data(*shapes)).plan.kernels
    *_, loop = kernel.source.split("    for i in")
    assert ("            if few:" in kernel.source) == finished, "the loop is for few rows"
    assert "maximum(" in loop


def test_sums_longer_than_wide_ones_and_single_channels():
    for shapes in (((3, 9000), (9000, 20), (20,), (3, 20)), ((40, 30), (30, 1), (1,), (40, 1))):
        arrays = data(*shapes)
        np.testing.assert_allclose(compiled(dense, arrays)(*arrays), reference(*arrays), rtol=1e-4, atol=1e-3)


def test_what_is_added_first_is_added_first():
    x, w, bias, other = data((70, 20), (20, 40), (40,), (70, 40))
    for f in (lambda x, w, bias, other: ops.maximum(ops.matmul(x, w), 0.0) + other,
              lambda x, w, bias, other: ops.maximum(other + ops.matmul(x, w) + bias, 0.0),
              lambda x, w, bias, other: ops.matmul(x, w) + other + other):
        np.testing.assert_allclose(compiled(f, (x, w, bias, other))(x, w, bias, other), f(x, w, bias, other), rtol=1e-5,
                                   atol=1e-5)


@pytest.mark.parametrize("groups", [1, 24])
def test_convolutions(groups):
    x, w, bias, other = data((2, 9, 11, 24), (3, 3, 24 // groups, 24), (24,), (2, 5, 6, 24))
    conv = (lambda x, w: ops.conv(x, w, strides=2, padding="same")) if groups == 1 else (
        lambda x, w: ops.depthwise_conv(x, ops.reshape(w, (3, 3, 24, 1)), strides=2, padding="same"))
    f = lambda x, w, bias, other: ops.maximum(conv(x, w) + bias + other, 0.0)
    native = compiled(f, (x, w, bias, other))
    assert "maximum(" not in native.plan.kernels[-1].source
    np.testing.assert_allclose(native(x, w, bias, other), f(x, w, bias, other), rtol=1e-4, atol=1e-4)
