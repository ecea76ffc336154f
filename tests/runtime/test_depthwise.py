"""Convolutions whose channels do not mix, and what is done to their sums before these are stored."""
import numpy as np
import pytest

from kgraph import ops
from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.prims.window import output_size
from kgraph.compiler.trace import bind
from kgraph.function import build
from kgraph.runtime import thread_pool


def compiled(f, arrays):
    return build("f", f, [TensorType(a.shape, a.dtype.name) for a in arrays])


def random_case(seed):
    rng = np.random.default_rng(seed)
    rank, taps, stride = int(rng.integers(1, 3)), int(rng.choice([3, 5, 7])), int(rng.integers(1, 3))
    channels = int(rng.choice([1, 3, 16, 33, 70]))
    while True:
        space, padding = rng.integers(1, 16, rank), rng.integers(-1, taps, (rank, 2))
        if all(output_size(int(n), taps, stride, p) > 0 for n, p in zip(space, padding)):
            break
    params = {"strides": (stride,) * rank, "padding": tuple(tuple(map(int, p)) for p in padding),
              "dilation": (1,) * rank, "groups": channels}
    dtype = ("float32", "float64")[seed % 2]
    x = rng.normal(size=(2, *space, channels)).astype(dtype)
    return x, rng.normal(size=(*(taps,) * rank, 1, channels)).astype(dtype), params


@pytest.mark.parametrize("seed", range(10))
def test_random_windows_equal_their_references(seed):
    x, w, params = random_case(seed)
    want = PRIMITIVES["conv"].reference(x, w, **params)
    found = compiled(lambda x, w: bind(PRIMITIVES["conv"], x, w, **params), (x, w))(x, w)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)
    backwards = {**params, "size": x.shape[1:-1]}
    gradient = PRIMITIVES["conv_data_grad"].reference(want, w, **backwards)
    found = compiled(lambda x, w: bind(PRIMITIVES["conv_data_grad"], x, w, **backwards), (want, w))(want, w)
    np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=1e-4 * max(1.0, abs(want).max()))


def finished(x, w, bias):
    return ops.minimum(ops.maximum(ops.depthwise_conv(x, w, padding="same") + bias, 0.0), 6.0)


def case(dtype="float32", channels=37):
    rng = np.random.default_rng(3)
    return [rng.normal(scale=4, size=shape).astype(dtype)
            for shape in ((3, 11, 13, channels), (3, 3, channels, 1), (channels,))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bias_and_limits_are_part_of_the_routine(dtype):
    arrays = case(dtype)
    f = compiled(finished, arrays)
    (kernel,) = f.plan.kernels
    assert "maximum(" not in kernel.source, "it has a loop of its own"
    x, w, bias = arrays
    sums = PRIMITIVES["conv"].reference(x, w.reshape(3, 3, 1, -1), strides=(1, 1), padding=((1, 1), (1, 1)),
                                        dilation=(1, 1), groups=x.shape[-1])
    np.testing.assert_allclose(f(*arrays), np.clip(sums + bias, 0, 6), rtol=1e-4, atol=1e-4)


def test_other_epilogues_keep_their_loops():
    arrays = case()
    x, w, bias = arrays
    for change in (lambda y: ops.tanh(y + bias), lambda y: ops.maximum(y, 0.0) + bias, lambda y: y * y,
                   lambda y: ops.maximum(y + bias, x), lambda y: ops.minimum(y + bias, 0.1) + ops.sum(y)):
        f = lambda x, w, change=change: change(ops.depthwise_conv(x, w, padding="same"))
        np.testing.assert_allclose(compiled(f, (x, w))(x, w), f(x, w), rtol=1e-3, atol=1e-3)


def test_nan_and_infinity_pass():
    x, w, bias = case()
    x[0, 4, 5, 0], x[1, 0, 0, 36], bias[7] = np.nan, np.inf, np.nan
    found = compiled(finished, (x, w, bias))(x, w, bias)
    nan = np.zeros(found.shape, bool)
    nan[0, 3:6, 4:7, 0] = nan[..., 7] = True
    np.testing.assert_array_equal(np.isnan(found), nan)
    assert set(found[1, :2, :2, 36].flat) <= {0.0, 6.0}


def test_bits_do_not_depend_on_the_number_of_threads():
    arrays, before, results = case(), thread_pool.get_num_threads(), []
    f = compiled(finished, arrays)
    try:
        for threads in (1, 2, 3):
            thread_pool.set_num_threads(threads)
            results.append(f(*arrays))
    finally:
        thread_pool.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
