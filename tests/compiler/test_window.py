"""Convolutions and pooling: references against plain loops."""
import itertools

import numpy as np
import pytest

from kgraph import ops, value_and_grad
from kgraph.compiler import dims
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.prims import window
from kgraph.compiler.trace import bind
from kgraph.function import build


def example(prim, i):
    return prim.examples(np.random.default_rng(7))[i]


def taps_of(out_place, taps, strides, padding, dilation, space):
    """(tap, input place) of each tap of a window that lies inside of the input."""
    for tap in itertools.product(*map(range, taps)):
        place = tuple(o * s + k * d - low for o, s, k, d, (low, _) in zip(out_place, strides, tap, dilation, padding))
        if all(0 <= p < n for p, n in zip(place, space)):
            yield tap, place


def slow_conv(x, w, strides, padding, dilation, groups):
    taps, per_group, filters = w.shape[:-2], w.shape[-2], w.shape[-1] // groups
    space = [window.output_size(*a) for a in zip(x.shape[1:-1], taps, strides, padding, dilation)]
    out = np.zeros((x.shape[0], *space, w.shape[-1]))
    for o in itertools.product(*map(range, space)):
        for tap, place in taps_of(o, taps, strides, padding, dilation, x.shape[1:-1]):
            for g in range(groups):
                columns = slice(g * filters, (g + 1) * filters)
                part = x[(slice(None), *place, slice(g * per_group, (g + 1) * per_group))].astype("float64")
                out[(slice(None), *o, columns)] += part @ w[(*tap, slice(None), columns)]
    return out


def slow_pool(x, reduce, params, start):
    space = window._output_space("pool", x.shape[1:-1], params["window"], params["strides"], params["padding"],
                                 (1,) * len(params["window"]))
    out = np.full((x.shape[0], *space, x.shape[-1]), start, "float64")
    for o in itertools.product(*map(range, space)):
        for _, place in taps_of(o, params["window"], params["strides"], params["padding"], (1,) * len(space),
                                x.shape[1:-1]):
            out[(slice(None), *o)] = reduce(out[(slice(None), *o)], x[(slice(None), *place)])
    return out


@pytest.mark.parametrize("i", range(len(window._CASES)))
def test_conv_reference_is_the_sum_over_taps(i):
    (x, w), params = example(window.conv_p, i)
    np.testing.assert_allclose(window.conv_p.reference(x, w, **params), slow_conv(x, w, **params), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("i", range(len(window._POOLS)))
def test_pool_references_are_maximum_and_sum_over_taps(i):
    (x,), params = example(window.max_pool_p, i)
    np.testing.assert_array_equal(window.max_pool_p.reference(x, **params), slow_pool(x, np.maximum, params, -np.inf))
    np.testing.assert_allclose(window.sum_pool_p.reference(x, **params), slow_pool(x, np.add, params, 0), rtol=1e-6)


def test_max_pool_gradient_goes_to_the_first_maximum():
    x = np.array([1, 3, 3, 2, 5, 5, 5, 0], "float32").reshape(1, 8, 1)
    params = {"window": (3,), "strides": (2,), "padding": ((1, 1),)}
    ct = np.array([1, 10, 100, 1000], "float32").reshape(1, 4, 1)
    grad = window.max_pool_grad_p.reference(x, ct, **params)
    assert grad.ravel().tolist() == [0, 11, 0, 0, 100, 1000, 0, 0]
    assert window.max_pool_pick_p.reference(x, x, **params).ravel().tolist() == [3, 3, 5, 5]


@pytest.mark.parametrize("x, w, change, message", [
    ((2, 5, 3), (3, 3, 4), {}, None), ((2, 5, 3), (6, 3, 4), {}, "window of .6,"),
                                                   ((2, 5, 3), (3, 2, 4), {}, "input channels"),
    ((2, 5, 4), (3, 2, 3), {"groups": 2}, "groups that divide"),
                                                   ((2, 5, 3), (3, 3, 4), {"strides": (0,)}, "at least 1"),
    ((2, 5, 3), (3, 3, 4), {"strides": (1, 1)}, "1 space axes"), ((2, 5, 5, 3), (3, 3, 4), {}, "as many axes"),
    ((2, 5, 3), (3, 3, 4), {"dilation": (3,)}, r"dilation .3,")])
def test_bad_convolutions_are_refused(x, w, change, message):
    params = {"strides": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1, **change}
    infer = lambda: window.conv_p.infer(TensorType(x, "float32"), TensorType(w, "float32"), **params)
    if message is None:
        assert infer().shape == (2, 3, 4)
    else:
        with pytest.raises(ValueError, match=message):
            infer()


def test_a_long_window_with_long_strides_takes_little_scratch():
    pool = lambda x: [bind(window.sum_pool_p, x, window=(9000,), strides=(1000,), padding=((500, 0),))]
    compiled = build("long", lambda x: [*pool(x), value_and_grad(lambda v: ops.sum(pool(v)[0]))(x)[1]],
                     (TensorType((1, dim("n"), 1), "float32"),))
    x = np.ones((1, 20_001, 1), "float32")
    pooled, gradient = compiled(x)
    np.testing.assert_array_equal(pooled[0, :, 0], [8500, *[9000] * 11])
    first = np.arange(12)[:, None] * 1000 - 500
    place = np.arange(20_001)
    np.testing.assert_array_equal(gradient[0, :, 0], ((first <= place) & (place < first + 9000)).sum(0))
    assert max(dims.evaluate(k.scratch, {"n": 20_001}) for k in compiled.plan.kernels) < 4_000_000


@pytest.mark.parametrize(("amounts", "value", "left"), [
    (((0, 0), (1, 2), (0, 1), (0, 0)), 0, False), (((0, 0), (1, 2), (0, 1), (0, 0)), 1, True),
    (((0, 0), (1, 1), (1, 1), (0, 2)), 0, True)])
def test_zeros_around_an_image_are_padding(amounts, value, left):
    rng, channels = np.random.default_rng(0), 3 + sum(amounts[3])
    x, w = (rng.normal(size=s).astype("float32") for s in ((2, 5, 6, 3), (3, 3, channels, 4)))
    f = build("f", lambda x, w: value_and_grad(lambda w: ops.sum(ops.conv(
        ops.pad(x, amounts, constant_values=value), w, strides=2) ** 2))(w),
        (TensorType((dim("B"), *x.shape[1:]), "float32"), TensorType(w.shape, "float32")))
    for a, b in zip(f.run([x, w]), f.interpret([x, w], {"B": 2}), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    assert left == (" pad(" in str(f.plan.program))


@pytest.mark.parametrize(("size", "strides"), [((5, 6), (2, 2)), ((4, 1), (3, 1)), ((37, 3), (1, 2))])
def test_strided_products_read_places_that_were_copied(size, strides):
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=s).astype("float32") for s in ((2, *size, 3), (1, 1, 3, 4)))
    f = build("f", lambda x, w: ops.conv(x, w, strides=strides), (TensorType((dim("B"), *x.shape[1:]), "float32"),
                                                                 TensorType(w.shape, "float32")))
    np.testing.assert_allclose(f(x, w), x[:, ::strides[0], ::strides[1]] @ w[0, 0], rtol=1e-4, atol=1e-4)
    assert "contract(" in str(f.plan.program)


@pytest.mark.parametrize(("size", "strides"), [((5, 6), (2, 2)), ((1, 4), (1, 3))])
def test_gradients_of_strided_products_have_zeros_between(size, strides):
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=s).astype("float32") for s in ((3, *size, 3), (1, 1, 3, 4)))
    f = build("f", lambda x, w: value_and_grad(lambda x, w: ops.sum(ops.conv(x, w, strides=strides) ** 2),
                                               argnums=(0, 1))(x, w)[1],
              (TensorType((dim("B"), *x.shape[1:]), "float32"), TensorType(w.shape, "float32")))
    data, weights = f(x, w)
    read = x[:, ::strides[0], ::strides[1]]
    expected = np.zeros_like(x)
    expected[:, ::strides[0], ::strides[1]] = 2 * read @ w[0, 0] @ w[0, 0].T
    np.testing.assert_allclose(data, expected, rtol=1e-4, atol=1e-5)
    expected = 2 * np.einsum("bijc,bijf->cf", read, read @ w[0, 0])
    np.testing.assert_allclose(weights[0, 0], expected, rtol=1e-4, atol=1e-5)
    assert "conv_data_grad(" not in str(f.plan.program)


@pytest.mark.parametrize(("size", "strides", "padding", "dilation"), [
    ((3, 4), (1, 1), ((1, 1), (0, 2)), (1, 1)), ((4, 5), (2, 3), ((1, 1), (1, 0)), (1, 1)),
    ((5, 1), (1, 1), ((2, 2), (2, 2)), (2, 2))])
def test_many_weights_meet_few_places_in_a_matrix_of_windows(size, strides, padding, dilation):
    rng, params = np.random.default_rng(0), {"strides": strides, "padding": padding, "dilation": dilation, "groups": 1}
    x, w = (rng.normal(size=s).astype("float32") for s in ((2, *size, 171), (3, 3, 171, 172)))
    shape = window.conv_p.reference(x, w, **params).shape
    ct = rng.normal(size=shape).astype("float32")

    def each(x, w, ct):
        return [bind(window.conv_p, x, w, **params), bind(window.conv_data_grad_p, ct, w, size=size, **params),
                bind(window.conv_weight_grad_p, x, ct, window=(3, 3), **params)]
    f = build("few", each, [TensorType((dim("B"), *a.shape[1:]) if a is not w else a.shape, "float32")
                            for a in (x, w, ct)])
    for got, expected in zip(f(x, w, ct), each(x, w, ct), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-3)
    text = str(f.plan.program)
    assert text.count(" windows(") == 1 + (strides == (1, 1)) and " conv(" not in text
