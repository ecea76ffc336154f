"""Parts of a concatenation are written where they belong, with the strides of the whole."""
import numpy as np
import pytest

from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build


def product(a, b, w):
    return ops.matmul(ops.concatenate([ops.tanh(a), ops.exp(b)], axis=-1), w)


def product_of_part(a, b, w):
    left = ops.matmul(a, w[:a.shape[1]])
    parts = [ops.matmul(a, w[:a.shape[1], :3]), b * ops.sum(left, 1, keepdims=True)]
    return ops.matmul(ops.concatenate(parts, axis=1), w)


def split_gradient(a, b, w):
    parts = ops.split(ops.matmul(ops.concatenate([a, b], axis=1), w), 2, axis=1)
    return ops.matmul(ops.concatenate([parts[1] * 2.0, parts[0] + 1.0], axis=1), ops.transpose(w)) + 1.0


@pytest.mark.parametrize("f", [product, product_of_part, split_gradient])
@pytest.mark.parametrize("batch", [1, 5])
def test_concatenated_operand(f, batch):
    rng = np.random.default_rng(0)
    a, b, w = (rng.normal(size=s).astype("float32") for s in ((batch, 3), (batch, 5), (8, 6)))
    types = [TensorType((dim("B"), *x.shape[1:]), "float32") for x in (a, b)] + [TensorType(w.shape, "float32")]
    compiled = build("layout", f, types)
    np.testing.assert_allclose(compiled(a, b, w), f(a, b, w).numpy(), rtol=1e-5, atol=1e-5)


def test_the_parts_need_no_copy():
    types = [TensorType((dim("B"), n), "float32") for n in (3, 5)] + [TensorType((8, 6), "float32")]
    assert len(build("layout", product, types).plan.kernels) == 3
