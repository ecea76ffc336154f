"""kgraph.quantize: a trained CNN in int8 agrees with its reals; what is left out, saved, and refused."""
import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.calibration.layers import IntegerProduct
from kgraph.compiler.ir import TensorType
from kgraph.datasets import digits
from kgraph.function import build


@pytest.fixture(scope="module")
def trained():
    """A small CNN for digits, and its data."""
    (x, y), (test, _) = digits.load_data()
    x, test = (v[..., None].astype("float32") / 16 for v in (x, test))
    i = kgraph.Input((8, 8, 1))
    h = layers.Conv2D(16, 3, padding="same", use_bias=False)(i)
    h = layers.ReLU()(layers.BatchNormalization()(h))
    skip = h = layers.MaxPooling2D(name="pool")(h)
    h = layers.Conv2D(16, 3, padding="same", activation="relu")(h)
    h = layers.Add(name="sum")([skip, layers.Conv2D(16, 1)(h)])
    h = layers.Dropout(0.1)(layers.Flatten()(layers.MaxPooling2D()(h)))
    m = kgraph.Model(i, layers.Dense(10, "softmax")(h))
    m.compile(kgraph.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    kgraph.utils.set_random_seed(3)
    m.fit(x, y, batch_size=64, epochs=6, verbose=0)
    return m, x, test


def products_of(plan) -> list:
    """The products and convolutions in its kernels."""
    return [o for k in plan.kernels for o in (k.op.params["body"].ops if "body" in k.op.params else [k.op])
            if o.prim.name in ("conv", "contract")]


def test_a_cnn_agrees_with_its_reals(trained, tmp_path):
    m, x, test = trained
    small, exact = kgraph.quantize(m, x[:256]), m.predict(test, verbose=0)
    found = small.predict(test, verbose=0)
    assert (found.argmax(1) == exact.argmax(1)).mean() >= 0.98
    assert np.abs(found - exact).max() < 0.3 and np.abs(found - exact).mean() < 5e-3
    inner = [la for la in small.layers if isinstance(la, IntegerProduct)]
    assert len(inner) == 4 and not [la for la in small.layers if "batch_norm" in la.name or "dropout" in la.name]
    assert all(la.kernel.dtype == "int8" for la in inner) and [len(la.before) for la in inner] == [0, 0, 0, 2]
    table = str(small.costs).splitlines()
    assert len(table) == 6 and all(la.name in line for la, line in zip(inner, table[1:]))
    assert all(0 < c.error < 0.1 and c.limit > 0 and c.integers for c in small.costs.layers)
    assert small.costs.changed <= 0.02
    small.save(tmp_path / "small.keras")
    again = kgraph.models.load_model(tmp_path / "small.keras")
    np.testing.assert_array_equal(again.predict(test, verbose=0), found)
    plan = build("small", lambda x: small(x), [TensorType(test.shape, "float32")]).plan
    products = products_of(plan)
    assert len(products) == 4 and all(v.dtype == "int8" for o in products for v in o.inputs)
    between = [k.op.outputs for k in plan.kernels if {"sum", "pool"} & set(k.scopes)]
    assert between and {v.dtype for outputs in between for v in outputs} == {"int8"}
    small.compile(run_eagerly=True)
    np.testing.assert_allclose(small.predict(test[:50], verbose=0), found[:50], rtol=1e-4, atol=1e-5)


def test_layers_are_left_out_by_a_budget(trained):
    m, x, test = trained
    images = kgraph.Model(m.input, next(la for la in m.layers if isinstance(la, layers.Add)).output)   # no classes
    budget = 0.8 * kgraph.quantize(images, x[:64]).costs.error
    some = kgraph.quantize(images, x[:64], max_loss=budget)
    assert 0 < some.costs.error <= budget and some.costs.changed is None
    costs = [c.integers for c in sorted(some.costs.layers, key=lambda c: c.error)]
    assert costs == sorted(costs, reverse=True) and 0 < sum(costs) < len(costs) == 3
    none = kgraph.quantize(images, x[:64], max_loss=0)
    assert not any(c.integers for c in none.costs.layers) and none.costs.error == 0
    np.testing.assert_allclose(none.predict(test, verbose=0), images.predict(test, verbose=0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", ["sequence", "stack", "strided"])
def test_other_models(form):
    """Over one axis and three, with strides and dilations, several inputs' worth of rows, a layer that is called
    twice."""
    rng = np.random.default_rng(0)
    if form == "sequence":
        m = kgraph.Sequential([kgraph.Input((None, 5)), layers.Conv1D(7, 3, padding="causal", dilation_rate=2),
                               layers.Conv1D(6, 2, activation="tanh"), layers.Dense(3)])
        x = rng.normal(size=(9, 37, 5)).astype("float32")
    elif form == "stack":
        i, twice = kgraph.Input((37,)), layers.Dense(37)
        m = kgraph.Model(i, layers.Dense(1, name="last")(layers.BatchNormalization()(twice(twice(i)))))
        x = rng.normal(size=(5, 37)).astype("float32")
    else:
        m = kgraph.Sequential([kgraph.Input((5, 6, 7, 2)), layers.Conv3D(4, 2, strides=2), layers.Reshape((2, -1)),
                               layers.Dense(5)])
        x = rng.normal(size=(3, 5, 6, 7, 2)).astype("float32")
    small, exact = kgraph.quantize(m, x), m.predict(x, verbose=0)
    found = small.predict(x, verbose=0)
    assert np.linalg.norm(found - exact) < 0.04 * np.linalg.norm(exact)
    assert small.costs.error == pytest.approx(np.linalg.norm(found - exact) / np.linalg.norm(exact), rel=0.2)
    assert [c.name for c in small.costs.layers] == (["last"] if form == "stack" else [
        la.name for la in m.layers if hasattr(la, "kernel")])


def test_what_cannot_be_quantized_says_so(trained):
    m, x, _ = trained
    relu = kgraph.Sequential([kgraph.Input((3,)), layers.ReLU()])
    for given, message in [(("model", x), "expected a functional or Sequential model that is built, received 'model'"),
                           ((relu, np.ones((2, 3))), "has none that can be done in int8"),
                           ((m, x[:0]), "at least one sample, received none"),
                           ((m, x[:4] * np.nan), "expected finite inputs of all layers"),
                           ((m, x[:4], -1), "max_loss of at least 0, received -1")]:
        with pytest.raises(ValueError, match=message):
            kgraph.quantize(*given)


def test_convolutions_whose_channels_do_not_all_mix(tmp_path):
    """Depthwise, in groups and separable ones: in int8 from layer to layer, with the normalization in them."""
    rng, i = np.random.default_rng(4), kgraph.Input((9, 7, 4))
    h = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same", use_bias=False)(i)))
    h = layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False, name="deep")(h)
    h = layers.ReLU(6.0)(layers.BatchNormalization(name="norm")(h))
    h = layers.Conv2D(8, 1, groups=2, activation="relu", name="groups")(h)
    h = layers.SeparableConv2D(5, 3, depth_multiplier=2, activation="relu", name="apart")(h)
    m = kgraph.Model(i, h)
    for w in m.weights:
        w.assign(rng.uniform(0.2, 1.0, w.shape) if "variance" in w.path or "gamma" in w.path else
                 rng.normal(scale=0.5, size=w.shape))
    x = rng.normal(size=(11, 9, 7, 4)).astype("float32")
    small, exact = kgraph.quantize(m, x), m.predict(x, verbose=0)
    names = [c.name for c in small.costs.layers]
    assert names[1:] == ["deep", "groups", "apart_depthwise", "apart_pointwise"]
    assert [type(la) for la in small.layers].count(IntegerProduct) == 5
    found = small.predict(x, verbose=0)
    assert np.linalg.norm(found - exact) < 0.04 * np.linalg.norm(exact)
    small.save(tmp_path / "small.keras")
    again = kgraph.models.load_model(tmp_path / "small.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), found)
    plan = build("small", lambda x: small(x), [TensorType(x.shape, "float32")]).plan
    products = products_of(plan)
    assert len(products) == 5 and all(o.inputs[0].dtype == "int8" for o in products)
