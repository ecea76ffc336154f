"""Convolutions and pooling: references against plain loops."""
import itertools

import numpy as np
import pytest

from kgraph.compiler.ir import TensorType
from kgraph.compiler.prims import window


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
