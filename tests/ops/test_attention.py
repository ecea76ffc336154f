"""Attention by its kernels, written out, and eagerly, against softmax(q k^T) v in float64 as NumPy computes it."""
import itertools

import numpy as np
import pytest

from kgraph import config, layers, ops
from kgraph.compiler.autodiff import backward
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.trace import Tape, Tensor, current_trace
from kgraph.function import build
from kgraph.ops.attention import attend
from kgraph.runtime.thread_pool import set_num_threads


def expected(q, k, v, ct, bias=None, mask=None, scale=1.0, causal=False, rate=0.0, seed=None, empty="mean", cap=None):
    """The result and the gradients of q, k, v for a cotangent of the result, in float64."""
    q, k, v, ct = (x.astype("float64") for x in (q, k, v, ct))
    members = q.shape[2] // k.shape[2]
    many = lambda x: np.repeat(x, members, 2)
    fewer = lambda x: x.reshape(*x.shape[:2], -1, members, x.shape[3]).sum(3)
    scores = np.einsum("bthd,bshd->bhts", q, many(k)) * scale + (0 if bias is None else bias)
    bent = np.zeros_like(scores) if cap is None else np.tanh(scores / cap)
    scores = scores if cap is None else bent * cap
    seen = np.broadcast_to(True if mask is None else mask, scores.shape)
    seen = seen & (np.arange(scores.shape[3]) <= np.arange(scores.shape[2])[:, None]) if causal else seen
    scores = np.where(seen, scores, -1e30)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    weights = powers / powers.sum(-1, keepdims=True) * (seen if empty == "zero" else 1)
    kept = 1.0
    if rate:
        bits = PRIMITIVES["random_bits"].reference(seed, shape=weights.shape)
        kept = ((bits >> 8) * 2.0**-24 >= np.float32(rate)) * (1 / (1 - rate) if rate < 1 else 0.0)
    out = np.einsum("bhts,bshe->bthe", weights * kept, many(v))
    of_weights = np.einsum("bthe,bshe->bhts", ct, many(v)) * kept
    slopes = weights * (of_weights - (of_weights * weights).sum(-1, keepdims=True)) * (1 - bent**2) * seen * scale
    return (out, np.einsum("bhts,bshd->bthd", slopes, many(k)), fewer(np.einsum("bhts,bthd->bshd", slopes, q)),
            fewer(np.einsum("bhts,bthe->bshe", weights * kept, ct)))


def function(fused, names, **options):
    """f(q, k, v, ct, *named) -> the result and the gradients of q, k, v."""
    def f(q, k, v, ct, *named):
        with Tape() as tape:
            out = attend(q, k, v, fused=fused, **dict(zip(names, named)), **options)
            trace = current_trace()
        return [out, *backward(tape.ops if trace is None else trace.ops, [out], [ct], [q, k, v])]
    return f


SIZES = {  # batch, queries, keys, heads, groups, size of a key, of a value
    "one": (1, 1, 1, 1, 1, 1, 1), "small": (2, 3, 5, 2, 2, 4, 3), "prime": (1, 37, 41, 3, 1, 7, 11),
    "blocks": (2, 65, 257, 4, 2, 8, 16), "long": (1, 96, 520, 1, 1, 33, 5), "square": (2, 70, 70, 2, 2, 16, 16)}
OPTIONS = {
    "plain": {}, "causal": {"causal": True}, "mask": {"mask": "bhts"}, "keys": {"mask": "b11s", "scale": 0.3},
    "bias": {"bias": "1ht1"}, "zero": {"mask": "b1ts", "empty": "zero", "causal": True},
    "drop": {"rate": 0.3, "mask": "11ts", "causal": True}, "cap": {"cap": 1.5, "bias": "bhts"},
    "all dropped": {"rate": 1.0}}


def arrays(sizes, options, dtype, seed=0):
    b, t, s, h, g, d, e = sizes
    rng, size = np.random.default_rng(seed), {"b": b, "h": h, "t": t, "s": s, "1": 1}
    given = [rng.normal(size=x).astype(dtype) for x in ((b, t, h, d), (b, s, g, d), (b, s, g, e), (b, t, h, e))]
    named = {}
    for name in ("bias", "mask"):
        if name in options:
            shape = [size[letter] for letter in options[name]]
            named[name] = rng.normal(size=shape).astype(dtype) if name == "bias" else rng.random(shape) < 0.4
    if "rate" in options:
        named["seed"] = np.array([3, 4], "uint32")
    return given, named, {k: v for k, v in options.items() if k not in named}


def check(got, want, dtype):
    for x, y in zip(got, want, strict=True):
        assert str(x.dtype) == dtype and x.shape == y.shape
        np.testing.assert_allclose(np.asarray(x), y, rtol=1e-4 if dtype == "float32" else 1e-10,
                                   atol=2e-5 if dtype == "float32" else 1e-11)


CASES = [*itertools.product(("prime", "blocks"), OPTIONS, ("float32",)),
         *itertools.product(SIZES, ("drop",), ("float64",)),
         *itertools.product(("one", "small", "long", "square"), ("plain", "causal", "bias"), ("float32",))]


@pytest.mark.parametrize("sizes,options,dtype", CASES)
def test_kernels_and_plain_ops_give_the_numbers_of_float64(sizes, options, dtype):
    given, named, options = arrays(SIZES[sizes], OPTIONS[options], dtype)
    want = expected(*given, **named, **options)
    types = [TensorType(x.shape, x.dtype.name) for x in (*given, *named.values())]
    for fused in (True, False):
        compiled = build("attention", function(fused, named, **options), types)
        assert any("attention_grad" in k.source for k in compiled.plan.kernels) == fused
        check(compiled(*given, *named.values()), want, dtype)
    check(function(None, named, **options)(*map(Tensor, given), *map(Tensor, named.values())), want, dtype)


def test_any_batch_and_length_by_the_same_kernels_and_the_same_bits_on_any_threads():
    b, t, s = dim("B"), dim("T"), dim("S")
    types = [TensorType(x, "float32") for x in ((b, t, 2, 8), (b, s, 2, 8), (b, s, 2, 8), (b, t, 2, 8))]
    compiled = build("attention", function(True, (), causal=True), types)
    for sizes in ((1, 1, 1), (2, 300, 300), (0, 3, 4), (2, 0, 3), (2, 3, 0), (3, 33, 7), (1, 7, 300)):
        given = arrays((*sizes, 2, 2, 8, 8), {}, "float32")[0]
        results = []
        for threads in (1, 2, 5):
            set_num_threads(threads)
            results.append([np.array(x) for x in compiled(*given)])
        set_num_threads(1)
        for x, y, z in zip(*results):
            np.testing.assert_array_equal(x, y)
            np.testing.assert_array_equal(x, z)
        if 0 not in sizes:
            check(results[0], expected(*given, causal=True), "float32")
        else:
            assert all(not np.any(x) for x in results[0])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", range(4))
def test_nan_and_infinity_reach_what_they_reach_in_plain_ops(place, value):
    given, _, _ = arrays((1, 70, 70, 1, 1, 4, 4), {}, "float32")
    given[place][0, 50, 0, 1] = value
    types = [TensorType(x.shape, "float32") for x in given]
    for causal in (False, True):
        plain, fused = (build("attention", function(f, (), causal=causal), types)(*given) for f in (False, True))
        for x, y in zip(plain, fused):
            np.testing.assert_array_equal(np.isnan(x), np.isnan(y))
            np.testing.assert_allclose(np.nan_to_num(x), np.nan_to_num(y), rtol=1e-4, atol=1e-5)


def test_scores_of_minus_infinity_and_large_ones():
    given, _, _ = arrays((1, 5, 300, 1, 1, 4, 4), {}, "float32")
    bias = np.zeros((1, 1, 5, 300), "float32")
    bias[0, 0, 0, :270], bias[0, 0, 1, 3:], bias[0, 0, 2], bias[0, 0, 3, 280] = -np.inf, -np.inf, -200, 300
    types = [TensorType(x.shape, "float32") for x in (*given, bias)]
    got = build("attention", function(True, ("bias",)), types)(*given, bias)
    check(got, expected(*given, bias=bias), "float32")
    bias[...] = -np.inf
    got = build("attention", function(True, ("bias",)), types)(*given, bias)
    assert all(np.isnan(np.asarray(x)).all() for x in got)


def test_the_scores_are_never_in_memory():
    types = [TensorType((1, 2048, 2, 16), "float32")] * 4
    compiled = build("attention", function(True, ()), types)
    moved = sum(compiled.plan.slots) + sum(k.scratch for k in compiled.plan.kernels)
    assert moved < 2048 * 2048 and sum(build("attention", function(False, ()), types).plan.slots) >= 2 * 2 * 4 * 2048**2


def test_the_gradient_of_a_bias():
    given, named, _ = arrays(SIZES["prime"], {"bias": "1ht1", "mask": "b1ts"}, "float64")

    def f(q, k, v, ct, bias, mask):
        out = attend(q, k, v, bias, mask, fused=True, cap=2.0)
        return [out, *backward(current_trace().ops, [out], [ct], [bias])]
    values = (*given, *named.values())
    out, grad = build("attention", f, [TensorType(x.shape, x.dtype.name) for x in values])(*values)
    step = np.random.default_rng(1).normal(size=named["bias"].shape) * 1e-6
    moved = lambda sign: np.sum(given[3] * expected(*given, named["bias"] + sign * step, named["mask"], cap=2.0)[0])
    np.testing.assert_allclose(np.sum(np.asarray(grad) * step), (moved(1) - moved(-1)) / 2, rtol=1e-6)


# --- ops and layers ---------------------------------------------------------------------------------------------------

def test_masks_of_lower_rank_bools_of_numbers_and_scales_that_are_tensors():
    given, _, _ = arrays((2, 4, 5, 2, 2, 3, 3), {}, "float32")
    mask = np.random.default_rng(2).random((4, 5)) < 0.5
    for flash in (True, False, None):
        got = ops.dot_product_attention(*given[:3], mask=mask.astype("int32"), scale=np.float32(0.3),
                                        flash_attention=flash)
        np.testing.assert_allclose(np.asarray(got), expected(*given, mask=mask, scale=0.3)[0], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="expected query, key and value of rank 4"):
        ops.dot_product_attention(given[0][0], *given[1:3])
    with pytest.raises(ValueError, match="attention: mask"):
        ops.dot_product_attention(*given[:3], mask=np.ones((3, 5), bool))
    with pytest.raises(ValueError, match="divides the query's, received 3 and 2"):
        ops.dot_product_attention(given[0], *(np.repeat(x, 2, 2)[:, :, :3] for x in given[1:3]))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_floats_are_rounded_once(dtype):
    given = [ops.cast(x, dtype) for x in arrays((2, 3, 5, 2, 1, 4, 4), {}, "float32")[0][:3]]
    want = ops.cast(ops.dot_product_attention(*(ops.cast(x, "float32") for x in given)), dtype)
    got = ops.dot_product_attention(*given, flash_attention=True)
    assert str(got.dtype) == dtype
    np.testing.assert_array_equal(np.asarray(got), np.asarray(want))


def layer(flash, kind="MultiHeadAttention", **options):
    sizes = {"num_heads": 2, "key_dim": 3} if kind == "MultiHeadAttention" else {
        "head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
    made = getattr(layers, kind)(**sizes, seed=5, flash_attention=flash, **options)
    made.build((2, 4, 6), (2, 5, 6))
    rng = np.random.default_rng(3)
    made.set_weights([rng.normal(size=w.shape).astype(w.dtype) if w.dtype.kind == "f" else w
                      for w in made.get_weights()])
    return made


@pytest.mark.parametrize("kind", ["MultiHeadAttention", "GroupedQueryAttention"])
@pytest.mark.parametrize("dropout,window,causal,training", [(0.0, None, False, False), (0.0, 2, True, False),
                                                            (0.4, None, True, True), (0.4, 2, False, False)])
def test_layers_give_the_same_by_the_kernel_and_with_scores(kind, dropout, window, causal, training):
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=s).astype("float32") for s in ((2, 4, 6), (2, 5, 6)))
    mask = rng.random((2, 4, 5)) < 0.8
    mask[:, :, 0] = True
    results = []
    for flash in (True, False, None):
        made = layer(flash, kind, dropout=dropout, sliding_window=window)
        asked = {"return_attention_scores": True} if flash is None else {}
        result = made(x, y, attention_mask=mask, use_causal_mask=causal, training=training, **asked)
        results.append(np.asarray(result[0] if asked else result))
    seen = mask & (np.arange(5) <= np.arange(4)[:, None] if causal else True)
    seen = seen & (np.abs(np.arange(4)[:, None] - np.arange(5)) < window) if window else seen
    alive = seen.any(-1)   # Keras gives the others one thing with dropout or scores, and another without
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results[2][alive], results[0][alive], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["MultiHeadAttention", "GroupedQueryAttention"])
@pytest.mark.parametrize("flash", [True, False])
def test_a_query_that_sees_nothing_gets_what_keras_gives(kind, flash):
    x = np.random.default_rng(1).normal(size=(2, 4, 6)).astype("float32")
    mask = np.ones((2, 4, 4), bool)
    mask[0, 1] = False
    plain, dropping = (layer(flash, kind, dropout=rate) for rate in (0.0, 0.5))
    want = np.asarray(plain.value_dense(x)).mean(1)
    want = np.repeat(want, 4 // want.shape[1] if kind != "MultiHeadAttention" else 1, 1)
    np.testing.assert_allclose(np.asarray(plain(x, x, attention_mask=mask))[0, 1],
                               np.asarray(plain.output_dense(want[:1, None]))[0, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.asarray(dropping(x, x, attention_mask=mask))[0, 1],
                               np.asarray(dropping.output_dense(np.zeros_like(want[:1, None])))[0, 0], rtol=1e-6)


def test_asking_for_scores_that_are_not_held():
    x = np.zeros((2, 4, 6), "float32")
    with pytest.raises(ValueError, match="expected no return_attention_scores=True with flash_attention=True"):
        layer(True)(x, x, return_attention_scores=True)
    assert layer(None)(x, x, return_attention_scores=True)[1].shape == (2, 2, 4, 4)


def test_the_setting_holds_for_what_is_made_after_it():
    types = [TensorType((1, 128, 2, 16), "float32")] * 3
    attention = ops.dot_product_attention
    kernels = lambda **flash: build("a", lambda q, k, v: attention(q, k, v, **flash), types).plan.kernels
    assert config.is_flash_attention_enabled() is None and len(kernels()) == 1
    config.disable_flash_attention()
    try:
        assert config.is_flash_attention_enabled() is False and len(kernels()) > 1
        assert len(kernels(flash_attention=True)) == 1 and layer(None)._fused is False
    finally:
        config.enable_flash_attention()
    assert config.is_flash_attention_enabled() is None and len(kernels()) == 1
    assert len(kernels(flash_attention=False)) > 1


def test_second_derivatives():
    given, _, _ = arrays((1, 3, 4, 2, 1, 2, 2), {}, "float64")

    def first(q, k, v, ct):
        with Tape() as tape:
            out = attend(q, k, v, fused=True, causal=True)
        return backward(tape.ops, [out], [ct], [q])[0]

    q, k, v, ct = map(Tensor, given)
    with Tape() as tape:
        slope = first(q, k, v, ct)
    rng = np.random.default_rng(4)
    weights = Tensor(rng.normal(size=q.shape))
    for n, second in enumerate(backward(tape.ops, [slope], [weights], [q, k, v])):
        step = rng.normal(size=given[n].shape) * 1e-6
        moved = [[x + sign * step if i == n else x for i, x in enumerate(given)] for sign in (1, -1)]
        plus, minus = (np.sum(weights.numpy() * first(*map(Tensor, xs)).numpy()) for xs in moved)
        np.testing.assert_allclose(np.sum(second.numpy() * step), (plus - minus) / 2, rtol=1e-5)
    same = build("same", lambda x, ct: [_second(x, ct)], [TensorType((1, 3, 2, 2), "float64")] * 2)
    x = given[0]
    step = rng.normal(size=x.shape) * 1e-6
    near = [np.sum(given[3] * _first_of_one(Tensor(x + s * step), Tensor(given[3])).numpy()) for s in (1, -1)]
    np.testing.assert_allclose(np.sum(np.asarray(same(x, given[3])[0]) * step), (near[0] - near[1]) / 2, rtol=1e-5)


def _first_of_one(x, ct):
    with Tape() as tape:
        out = attend(x, x, x, fused=True)
        trace = current_trace()
    return backward(tape.ops if trace is None else trace.ops, [out], [ct], [x])[0]


def _second(x, ct):
    """The gradient of ct * (the gradient of an attention of x to itself)."""
    slope = _first_of_one(x, ct)
    return backward(current_trace().ops, [slope], [ct], [x])[0]
