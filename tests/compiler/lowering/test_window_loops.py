"""Convolutions inside loops: the body of a scan, and of its gradient, compiled."""
import numpy as np
import pytest

from kgraph import ops
from kgraph.compiler.autodiff import backward
from kgraph.compiler.ir import TensorType
from kgraph.compiler.trace import Tape, Tensor, current_trace
from kgraph.function import build


def recurrent(xs, kernel, start):
    """The sum of the states of a small convolutional recurrence."""
    def step(state, x):
        state = ops.tanh(x + ops.conv(state, kernel, padding="same"))
        return state, ops.max_pool(state, 2)
    last, pooled = ops.scan(step, start, xs)
    return ops.sum(last * last) + ops.sum(pooled)


@pytest.mark.parametrize("taps", [1, 3])
def test_gradients_through_a_scan_of_convolutions(taps):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype("float32") for s in ((4, 2, 6, 6, 5), (taps, taps, 5, 5), (2, 6, 6, 5))]

    def f(*inputs):
        value = recurrent(*inputs)
        return [value, *backward(current_trace().ops, [value], [ops.ones_like(value)], list(inputs))]
    got = build("recurrent", f, [TensorType(a.shape, "float32") for a in arrays])(*arrays)
    tensors = [Tensor(a) for a in arrays]
    with Tape() as tape:
        value = recurrent(*tensors)
    want = [value, *backward(tape.ops, [value], [Tensor(np.float32(1))], tensors)]
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=2e-4, atol=2e-4)
