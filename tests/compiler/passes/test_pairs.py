"""Convolutions of bfloat16 by pairs: against float64, on any number of threads, on machines with the instruction for
pairs and without."""
import dataclasses
import sys
from functools import partial

import numpy as np
import pytest

from kgraph.codegen import functions, target
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.compiler.pipeline import PAIRS_PASSES, PLAIN_PASSES, run_passes
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.trace import bind
from kgraph.function import build
from kgraph.runtime import thread_pool

# batch, space, taps, strides, padding, dilation, groups, channels, filters
CASES = [(3, (9, 8), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 16, 37),
         (1, (9,), (3,), (2,), ((0, 1),), (1,), 1, 4, 3),
         (4, (7, 6), (2, 3), (2, 1), ((1, 0), (2, 2)), (1, 2), 2, 8, 6),
         (0, (5, 5), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 2, 8),
         (5, (6, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 37, 33),
         (2, (4, 5, 3), (2, 3, 2), (1, 2, 1), ((0, 0), (1, 1), (1, 0)), (1, 1, 1), 1, 6, 4),
         (37, (5, 5), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 40, 34)]


@pytest.fixture(params=["instruction", "without"], autouse=True)
def way(request, monkeypatch):
    """Pairs by this machine's instruction, or as code that was exported for a machine without it."""
    monkeypatch.setattr(sys.modules[build.__module__], "_multiplies_pairs", lambda: True)
    own = target.machine()
    if request.param == "instruction" and not own.pairs:
        pytest.skip("this processor has none")
    monkeypatch.setattr(functions, "_addresses", {})
    with target.compiling_for(dataclasses.replace(own, pairs=request.param == "instruction")):
        yield


def operations(rng, case):
    """(name, arrays, params) of a convolution and its two gradients."""
    batch, space, window, strides, padding, dilation, groups, channels, filters = case
    draw = lambda *shape: rng.normal(size=shape).astype(numpy_dtype("bfloat16"))
    x, w = draw(batch, *space, channels), draw(*window, channels // groups, filters)
    params = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    out = PRIMITIVES["conv"].infer(*(TensorType(a.shape, "bfloat16") for a in (x, w)), **params)
    ct = draw(*out.shape)
    return [("conv", (x, w), params), ("conv_data_grad", (ct, w), {**params, "size": space}),
            ("conv_weight_grad", (x, ct), {**params, "window": window})]


def applied(name, params, *inputs):
    return bind(PRIMITIVES[name], *inputs, **params)


def compiled(name, arrays, params):
    return build(name, partial(applied, name, params), [TensorType(a.shape, "bfloat16") for a in arrays])


def bounds(name, arrays, params):
    """(what is wanted, a sum of absolute terms), in float64."""
    wide = [a.astype("float64") for a in arrays]
    compute = partial(PRIMITIVES[name].compute, **params)
    return compute(*wide), compute(*map(np.abs, wide))


def check(got, wanted, scale):
    """Within half a last place of bfloat16, and what float32 sums may lose."""
    assert got.shape == wanted.shape and got.dtype == "bfloat16"
    assert np.all(np.abs(got.astype("float64") - wanted) <= np.abs(wanted) / 256 + scale * 2.0**-20)


@pytest.mark.parametrize("case", CASES)
def test_values(case):
    for name, arrays, params in operations(np.random.default_rng(0), case):
        check(compiled(name, arrays, params)(*arrays), *bounds(name, arrays, params))


def test_unknown_batches_and_threads(any_number_of_threads):
    """An odd number of images has zeros beside the last one; threads change no bit."""
    for name, arrays, params in operations(np.random.default_rng(1), CASES[0])[:2]:
        f = build(name, partial(applied, name, params), [
            TensorType((dim("B"), *arrays[0].shape[1:]), "bfloat16"), TensorType(arrays[1].shape, "bfloat16")])
        once = [f(np.concatenate([arrays[0]] * n)[:m], arrays[1]) for n, m in ((1, 1), (1, 3), (3, 8))]
        check(once[1], *bounds(name, arrays, params))
        for threads in (1, 3):
            thread_pool.set_num_threads(threads)
            for y, (n, m) in zip(once, ((1, 1), (1, 3), (3, 8))):
                np.testing.assert_array_equal(f(np.concatenate([arrays[0]] * n)[:m], arrays[1]), y)


def test_gradients_of_kernels_of_unknown_batches(any_number_of_threads):
    name, (x, ct), params = operations(np.random.default_rng(2), CASES[-1])[2]
    f = build(name, partial(applied, name, params),
                       [TensorType((dim("B"), *a.shape[1:]), "bfloat16") for a in (x, ct)])
    for n in (0, 1, 3, 37):
        want = bounds(name, (x[:n], ct[:n]), params)
        first = f(x[:n], ct[:n])
        check(first, *want)
        for threads in (1, 3):
            thread_pool.set_num_threads(threads)
            np.testing.assert_array_equal(f(x[:n], ct[:n]), first)


def test_not_numbers_stay_where_they_are():
    name, (x, w), params = operations(np.random.default_rng(3), CASES[0])[0]
    x[1, 4, 4, 3], x[2, 0, 0, 0] = np.nan, np.inf
    got = compiled(name, (x, w), params)(x, w).astype("float32")
    assert np.isnan(got[1, 3:6, 3:6]).all() and np.isnan(got).sum() == 9 * 37
    assert np.isinf(got[2, :2, :2]).all() and np.isinf(got).sum() == 4 * 37


@pytest.mark.parametrize("case", CASES)
def test_meaning(case):
    """The passes change no meaning: interpreted before equals interpreted after."""
    for name, arrays, params in operations(np.random.default_rng(4), case):
        program = compiled(name, arrays, params).traced
        after = run_passes(program, PLAIN_PASSES + PAIRS_PASSES)
        before, found = (interpret(p, dict(zip(p.inputs, arrays)))[p.outputs[0]] for p in (program, after))
        paired = any(op.prim.name == "pairs" for op in after.ops)
        assert paired == (name == "conv_weight_grad" and len(arrays[0]) != 1 or name != "conv_weight_grad" and (
            arrays[1].shape[-2 if name == "conv" else -1] // (params["groups"] if name != "conv" else 1) % 2 == 0))
        np.testing.assert_allclose(found.astype("float64"), before.astype("float64"), rtol=1 / 100, atol=1e-2)
