"""Winograd's convolutions: as near to the true sum as the plain one, and as local."""
import numpy as np
import pytest
from test_conv import compiled

from kgraph import ops
from kgraph.compiler.loopnest.records import WINOGRAD_TILES
from kgraph.compiler.lowering import window
from kgraph.compiler.passes.window import LEAST_CHANNELS
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.kernels import winograd
from kgraph.runtime import thread_pool

# images, sizes, channels, filters, padding
CASES = [(2, 8, 8, 24, 24, ((1, 1), (1, 1))), (3, 7, 9, 37, 53, ((0, 0), (0, 0))), (2, 5, 6, 24, 40, ((2, 2), (1, 0))),
         (1, 31, 3, 26, 27, ((1, 1), (1, 1))), (0, 8, 8, 32, 32, ((1, 1), (1, 1))),
         (1, 30, 37, 33, 24, ((0, 1), (2, 0))), (5, 3, 5, 64, 100, ((0, 0), (0, 0))),
         (2, 1, 1, 24, 24, ((1, 1), (1, 1)))]
NAMES = ["conv", "conv_data_grad", "conv_weight_grad"]


def arguments(case, dtype, name):
    """(arrays, params) of a convolution or of one of its gradients."""
    images, height, width, channels, filters, padding = case
    rng = np.random.default_rng(3)
    x = rng.standard_normal((images, height, width, channels)).astype(dtype)
    w = rng.standard_normal((3, 3, channels, filters)).astype(dtype)
    params = {"strides": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1}
    ct = rng.standard_normal(PRIMITIVES["conv"].reference(x, w, **params).shape).astype(dtype)
    return {"conv": ([x, w], params), "conv_data_grad": ([ct, w], {**params, "size": (height, width)}),
            "conv_weight_grad": ([x, ct], {**params, "window": (3, 3)})}[name]


def uses(f, stem) -> bool:
    return any(str(getattr(a, "name", "")).startswith(stem) for k in f.plan.kernels for a in k.args)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype, bound", [("float32", 8e-6), ("float64", 3e-14)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_as_near_to_the_true_sum_as_a_plain_sum(case, dtype, bound, name):
    arrays, params = arguments(case, dtype, name)
    f = compiled(name, arrays, params)
    assert uses(f, "winograd")
    want = PRIMITIVES[name].reference(*(a.astype("float64") for a in arrays), **params)
    got = f(*arrays)
    np.testing.assert_allclose(got, want, rtol=0, atol=bound * np.sqrt(np.mean(want**2)) if want.size else 0)


@pytest.mark.parametrize("case", [(5, 24, 17, 32, 48, ((1, 1), (1, 1))), (1, 7, 9, 80, 100, ((1, 1), (1, 1)))], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_threads_or_on_the_run(name, case):
    """Threads share rows of images, or channels where there are many."""
    arrays, params = arguments(case, "float32", name)
    f, before, found = compiled(name, arrays, params), thread_pool.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 2):
            thread_pool.set_num_threads(threads)
            found.append(f(*arrays))
    finally:
        thread_pool.set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


@pytest.mark.parametrize("name", ["conv", "conv_data_grad"])
def test_nan_and_infinity_come_out_where_a_plain_sum_has_them(name):
    (x, w), params = arguments((2, 9, 8, 24, 40, ((1, 1), (1, 0))), "float32", name)
    x[0, 0, 0, 3], x[0, 5, 5, 2], x[1, 4, 4, 1], x[1, 4, 5, 1], x[1, 7, 6, 0] = np.inf, np.nan, -np.inf, np.inf, 3e38
    with np.errstate(all="ignore"):
        want = PRIMITIVES[name].reference(x, w, **params)
    got = compiled(name, [x, w], params)(x, w)
    for test in (np.isnan, np.isposinf, np.isneginf):
        np.testing.assert_array_equal(test(got), test(want))
    ordinary = np.isfinite(want) & (abs(want) < 1e30)
    np.testing.assert_allclose(got[ordinary], want[ordinary], rtol=0, atol=1e-4)


def test_outputs_that_see_only_zeros_are_zero():
    (x, w), params = arguments((1, 12, 12, 24, 24, ((1, 1), (1, 1))), "float32", "conv")
    x[0, 3:9, 2:] = 0
    got = compiled("conv", [x, w], params)(x, w)
    assert not got[0, 4:8, 3:].any()
    assert got[0, 3, 3:].all()


def test_other_convolutions_are_plain_sums():
    x = np.ones((1, 6, 6, 32), "float32")
    for taps, strides, channels, dilation in ((3, 2, 32, 1), (5, 1, 32, 1), (3, 1, 32, 2), (3, 1, 16, 1)):
        inputs, w = x[..., :channels], np.ones((taps, taps, channels, 32), "float32")
        params = {"strides": (strides,) * 2, "padding": ((0, 0),) * 2, "dilation": (dilation,) * 2, "groups": 1}
        assert uses(compiled("conv", [inputs, w], params), "conv_f32")
    np.testing.assert_array_equal(ops.conv(x, np.ones((3, 3, 32, 32), "float32")), np.full((1, 4, 4, 32), 288))


def test_the_compiler_and_the_routines_agree_on_memory():
    assert winograd.WHOLE <= window.WINOGRAD_WHOLE
    strips = window.WINOGRAD_WHOLE * -(-LEAST_CHANNELS["conv"] // window.WINOGRAD_WHOLE)
    for name in winograd.ROUTINES:
        shape = winograd.tile_shapes(name)[0]
        assert shape.lanes <= window.WINOGRAD_WHOLE
        assert 2 * shape.lanes <= strips
    for tall, short in winograd.HEIGHTS.values():
        assert WINOGRAD_TILES % tall == 0
        assert winograd.WHOLE % short == 0
