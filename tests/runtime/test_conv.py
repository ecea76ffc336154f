"""Native convolution routines: the same bits however work is shared, and any sizes at all."""
import numpy as np
import pytest

from kgraph import ops
from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.prims.window import output_size
from kgraph.compiler.trace import bind
from kgraph.function import build
from kgraph.runtime import thread_pool

CASES = 24


def random_case(seed):
    """Sizes, kernels, strides, paddings, dilations and groups that fit each other."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 4))
    groups = int(rng.choice([1, 1, 1, 2, 3]))
    depthwise = seed % 6 == 0
    channels = int(rng.integers(1, 40)) if depthwise else groups * int(rng.choice([1, 2, 3, 7, 16, 19]))
    groups, filters = (channels, channels) if depthwise else (groups, groups * int(rng.choice([1, 3, 16, 17, 37, 64])))
    while True:
        space, window = rng.integers(1, (90, 14, 7)[rank - 1], rank), rng.integers(1, 4, rank)
        strides, dilation, padding = rng.integers(1, 4, rank), rng.integers(1, 3, rank), rng.integers(-1, 3, (rank, 2))
        if all(output_size(*a) > 0 for a in zip(space, window, strides, padding,
                                                dilation)) and (space + padding.min(1) > 0).all():
            break
    plain = lambda values: tuple(map(int, values))
    params = {"strides": plain(strides), "padding": tuple(map(plain, padding)), "dilation": plain(dilation),
              "groups": groups}
    x = rng.normal(scale=0.3, size=(int(rng.integers(1, 4)), *space, channels)).astype("float32")
    w = rng.normal(scale=0.3, size=(*window, channels // groups, filters)).astype("float32")
    ct = PRIMITIVES["conv"].reference(x, w, **params)
    size, taps = plain(space), plain(window)
    return {"conv": ([x, w], params), "conv_data_grad": ([ct, w], {**params, "size": size}),
            "conv_weight_grad": ([x, ct], {**params, "window": taps})}


def compiled(name, arrays, params):
    types = [TensorType(a.shape, a.dtype.name) for a in arrays]
    return build(name, lambda *xs: bind(PRIMITIVES[name], *xs, **params), types)


@pytest.mark.parametrize("seed", range(CASES))
@pytest.mark.parametrize("name", ["conv", "conv_data_grad", "conv_weight_grad"])
def test_random_convolutions_equal_their_references(name, seed):
    arrays, params = random_case(seed)[name]
    want = PRIMITIVES[name].reference(*arrays, **params)
    np.testing.assert_allclose(compiled(name, arrays, params)(*arrays), want, rtol=1e-4,
                               atol=1e-5 * max(1, abs(want).max()))


@pytest.mark.parametrize("name", ["conv", "conv_data_grad", "conv_weight_grad"])
@pytest.mark.parametrize("channels, groups", [(3, 1), (32, 1), (20, 20)])
def test_bits_do_not_depend_on_the_number_of_threads(name, channels, groups):
    rng = np.random.default_rng(0)
    params = {"strides": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": groups}
    filters = channels if groups > 1 else 48
    x, ct = rng.normal(size=(5, 24, 17, channels)).astype("float32"), rng.normal(size=(5, 24, 17,
                                                                                       filters)).astype("float32")
    w = rng.normal(size=(3, 3, channels // groups, filters)).astype("float32")
    arrays, extra = {"conv": ([x, w], {}), "conv_data_grad": ([ct, w], {"size": (24, 17)}),
                     "conv_weight_grad": ([x, ct], {"window": (3, 3)})}[name]
    f, before = compiled(name, arrays, {**params, **extra}), thread_pool.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            thread_pool.set_num_threads(threads)
            results.append(f(*arrays))
    finally:
        thread_pool.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("channels, groups", [(3, 1), (20, 2)])
def test_bias_and_limits_are_part_of_the_routine(channels, groups):
    rng = np.random.default_rng(1)
    x, bias = rng.normal(size=(2, 9, 11, channels)).astype("float32"), rng.normal(size=38).astype("float32")
    w = rng.normal(scale=0.5, size=(3, 2, channels // groups, 38)).astype("float32")
    params = {"strides": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 1), "groups": groups}
    types = [TensorType(a.shape, a.dtype.name) for a in (x, w, bias)]
    f = build("f", lambda x, w, bias: ops.maximum(bind(PRIMITIVES["conv"], x, w, **params) + bias, 0.0), types)
    (kernel,) = f.plan.kernels
    assert "maximum(" not in kernel.source, "it has a loop of its own"
    x[0, 4, 4, 0] = np.nan
    sums = PRIMITIVES["conv"].reference(x, w, **params) + bias
    np.testing.assert_allclose(f(x, w, bias), np.maximum(sums, 0), rtol=1e-4, atol=1e-4)


def test_outputs_that_meet_no_tap_are_finished_too():
    rng = np.random.default_rng(2)
    x, w, bias = (rng.normal(size=shape).astype("float32") for shape in ((1, 4, 5, 3), (2, 2, 3, 8), (8,)))
    params = {"strides": (1, 1), "padding": ((3, 2), (0, 4)), "dilation": (1, 1), "groups": 1}
    types = [TensorType(a.shape, a.dtype.name) for a in (x, w, bias)]
    f = build("f", lambda x, w, bias: ops.maximum(bind(PRIMITIVES["conv"], x, w, **params) + bias, 0.0), types)
    want = np.maximum(PRIMITIVES["conv"].reference(x, w, **params) + bias, 0)
    np.testing.assert_allclose(f(x, w, bias), want, rtol=1e-4, atol=1e-4)
