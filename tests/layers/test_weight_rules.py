"""Initializers, regularizers, constraints, random functions."""
import math

import numpy as np
import pytest

from kgraph import activations, constraints, initializers, ops, random, regularizers, set_random_seed
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build

SHAPE = (300, 200)
VARIANCE = {
    "glorot_uniform": 2 / 500,
    "glorot_normal": 2 / 500,
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300,
    "lecun_normal": 1 / 300,
    "random_normal": 0.05**2,
    "random_uniform": 0.1**2 / 12,
    "truncated_normal": (0.05 * 0.8796) ** 2,
}


@pytest.mark.parametrize("name", VARIANCE)
def test_variance(name):
    a = initializers.get(name)(SHAPE).numpy()
    assert a.dtype == "float32" and abs(a.mean()) < 4 * math.sqrt(VARIANCE[name] / a.size)
    assert a.var() == pytest.approx(VARIANCE[name], rel=0.03)
    if "truncated" in name or name in ("glorot_normal", "he_normal", "lecun_normal"):
        assert np.abs(a).max() <= 2 * a.std() / 0.8796 * 1.02


@pytest.mark.parametrize("shape,expected", [((3, 4), (3, 4)), ((5,), (5, 5)), ((), (1, 1)), ((3, 3, 8, 16), (72, 144))])
def test_fans(shape, expected):
    assert initializers.fans(shape) == expected


def test_other_initializers():
    np.testing.assert_array_equal(initializers.Identity(2.0)((2, 3)), [[2, 0, 0], [0, 2, 0]])
    np.testing.assert_array_equal(initializers.Constant([1.0, 2.0])((2, 2), dtype="int32"), [[1, 2], [1, 2]])
    for shape in ((6, 4), (4, 6), (2, 3, 4)):
        q = initializers.Orthogonal(gain=2.0, seed=1)(shape, dtype="float64").numpy().reshape(-1, shape[-1])
        product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
        np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-10)
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(initializers.get(array)((2, 3)), array)
    with pytest.raises(ValueError, match=r"shape \(2, 3\) of the given array, received \(3,\)"):
        initializers.get(array)((3,))
    with pytest.raises(ValueError, match="expected mode among"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="expected a matrix"):
        initializers.Identity()((3,))


def test_seeds():
    draw = lambda **kwargs: initializers.GlorotUniform(**kwargs)((5, 5)).numpy()
    np.testing.assert_array_equal(draw(seed=3), draw(seed=3))
    assert (draw(seed=3) != draw(seed=4)).any() and (draw() != draw()).any()
    set_random_seed(1)
    first = draw(), random.uniform((3,)).numpy()
    set_random_seed(1)
    np.testing.assert_array_equal(first[0], draw())
    np.testing.assert_array_equal(first[1], random.uniform((3,)))
    generator = random.SeedGenerator(5)
    a = initializers.RandomNormal(seed=generator)
    assert (a((4,)).numpy() != a((4,)).numpy()).any()


OBJECTS = [
    (initializers, "he_normal", initializers.HeNormal, {"seed": 2}),
    (initializers, "Zeros", initializers.Zeros, {}),
    (initializers, "uniform", initializers.RandomUniform, {"minval": -1.0, "maxval": 2.0, "seed": 1}),
    (initializers, "variance_scaling", initializers.VarianceScaling, {"scale": 2.0, "mode": "fan_out"}),
    (regularizers, "l1_l2", regularizers.L1L2, {"l1": 0.1, "l2": 0.2}),
    (regularizers, "L2", regularizers.L2, {"l2": 0.5}),
    (regularizers, "orthogonal_regularizer", regularizers.OrthogonalRegularizer, {"factor": 0.1, "mode": "columns"}),
    (constraints, "max_norm", constraints.MaxNorm, {"max_value": 3, "axis": 1}),
    (constraints, "NonNeg", constraints.NonNeg, {}),
    (constraints, "unit_norm", constraints.UnitNorm, {"axis": 1}),
    (constraints, "min_max_norm", constraints.MinMaxNorm, {"min_value": 0.2, "rate": 0.5}),
]


@pytest.mark.parametrize("module,name,cls,kwargs", OBJECTS, ids=[o[1] for o in OBJECTS])
def test_get_serialize_deserialize(module, name, cls, kwargs):
    assert type(module.get(name)) is cls and type(module.get(cls)) is cls and module.get(None) is None
    one = cls(**kwargs)
    assert module.get(one) is one
    config = module.serialize(one)
    assert config["class_name"] == cls.__name__ and config["module"] == f"keras.{module.__name__.split('.')[1]}"
    for form in (config, {"class_name": cls.__name__, "config": one.get_config()}):
        again = module.get(form)
        assert type(again) is cls and again.get_config() == one.get_config()
    function = lambda *args: args[0]
    assert module.get(function) is function
    with pytest.raises(ValueError, match="received 3"):
        module.get(3)


W = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")


def test_regularizers():
    assert float(regularizers.L1L2(0.1, 0.2)(W)) == pytest.approx(0.1 * np.abs(W).sum() + 0.2 * (W**2).sum(), rel=1e-5)
    assert float(regularizers.l1(0.3)(W)) == pytest.approx(0.3 * np.abs(W).sum(), rel=1e-5)
    assert float(regularizers.L2(0.3)(W)) == pytest.approx(0.3 * (W ** 2).sum(), rel=1e-5)
    rows = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines = np.abs(rows @ rows.T)[np.triu_indices(4, 1)]
    assert float(regularizers.OrthogonalRegularizer(0.1)(W)) == pytest.approx(0.1 * cosines.mean(), rel=1e-5)
    for bad in (-1, float("nan"), "much", True):
        with pytest.raises(ValueError, match="at least 0"):
            regularizers.L2(bad)


def test_constraints():
    norms = np.linalg.norm(W, axis=0, keepdims=True)
    np.testing.assert_allclose(constraints.MaxNorm(1.0)(W), W * np.minimum(norms, 1) / norms, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(constraints.UnitNorm()(W), W / norms, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(constraints.NonNeg()(W), np.maximum(W, 0))
    half = 0.5 * np.clip(norms, 0.2, 1) + 0.5 * norms
    np.testing.assert_allclose(constraints.MinMaxNorm(0.2, 1.0, 0.5)(W), W * half / norms, rtol=1e-5, atol=1e-6)


def test_activations_by_name():
    assert activations.get(None) is activations.linear and activations.get("swish") is activations.silu
    for name in ("relu", "gelu", "softmax", "hard_silu", "linear", "mish"):
        assert activations.serialize(activations.get(name)) == name
        assert activations.deserialize(name) is activations.get(name)
    x = np.array([-2.0, -0.1, 0.3, 5.0], "float32")
    np.testing.assert_allclose(activations.relu(x, 0.1, 1.0, 0.2), [-0.22, -0.03, 0.3, 1.0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(activations.exponential(x), np.exp(x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(activations.mish(x), x * np.tanh(np.log1p(np.exp(x))), rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------ random
DRAWS = {
    "uniform": (lambda s, k: random.uniform(s, -1, 3, seed=k), 1.0, 16 / 12),
    "normal": (lambda s, k: random.normal(s, 2.0, 0.5, seed=k), 2.0, 0.25),
    "truncated_normal": (lambda s, k: random.truncated_normal(s, 1.0, 2.0, seed=k), 1.0, (2 * 0.8796) ** 2),
    "randint": (lambda s, k: random.randint(s, -3, 7, seed=k), 1.5, 99 / 12),
    "dropout": (lambda s, k: random.dropout(ops.ones(s), 0.3, seed=k), 1.0, 0.3 / 0.7)}


@pytest.mark.parametrize("draw,mean,variance", DRAWS.values(), ids=DRAWS)
def test_moments_and_keys(draw, mean, variance):
    a = draw((200, 300), 7).numpy().astype("float64")
    assert a.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / a.size)) and a.var() == pytest.approx(
        variance, rel=0.03
    )
    np.testing.assert_array_equal(draw((200, 300), 7), a)
    generator = random.SeedGenerator(7)
    first, second = draw((50,), generator).numpy(), draw((50,), generator).numpy()
    assert (first != second).any() and generator.state.numpy().tolist() == [7, 2]


@pytest.mark.parametrize("draw", [d for d, _, _ in DRAWS.values()], ids=DRAWS)
def test_traced_draws_are_the_same(draw):
    """A compiled program draws what eager code draws, step after step."""
    eager, traced = random.SeedGenerator(3), random.SeedGenerator(3)
    program = build("draw", lambda x: draw((x.shape[0], 5), traced), [TensorType((dim("B"),), "float32")])
    for rows in (4, 7, 4):
        np.testing.assert_allclose(program(np.zeros(rows, "float32")), draw((rows, 5), eager), rtol=2e-5, atol=1e-6)


def test_normal_is_normal():
    """Quantiles of the two normal distributions against those of the normal one."""
    quantile = lambda a, p: float(np.quantile(a.numpy(), p))
    a = random.normal((100000,), seed=1)
    for z, p in ((0.0, 0.5), (1.0, 0.841345), (-2.0, 0.02275), (3.0, 0.99865)):
        assert quantile(a, p) == pytest.approx(z, abs=0.06)
    inside = random.truncated_normal((100000,), seed=1)
    for z in (-1.5, -0.5, 0.7, 1.8):
        mass = lambda t: 0.5 * (1 + math.erf(t / math.sqrt(2)))
        assert quantile(inside, (mass(z) - mass(-2)) / (mass(2) - mass(-2))) == pytest.approx(z, abs=0.03)


def test_shuffle_and_categorical():
    x = np.arange(40).reshape(20, 2)
    shuffled = random.shuffle(x, seed=1).numpy()
    assert (shuffled != x).any() and sorted(map(tuple, shuffled)) == sorted(map(tuple, x))
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], "float32"))
    drawn = random.categorical(logits, 20000, seed=2).numpy()
    assert drawn.shape == (2, 20000) and drawn.dtype == "int32"
    for row, p in zip(drawn, np.exp(logits)):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / 20000, p, atol=0.02)


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: random.uniform((2,), dtype="int32"), "randint"),
        (lambda: random.randint((2,), 3, 3), "maxval above minval"),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "integer dtype"),
        (lambda: random.uniform((2,), seed="x"), "received 'x'"),
        (lambda: random.SeedGenerator("x"), "received 'x'"),
        (lambda: random.dropout(W, 0.5, noise_shape=(1,)), "rank 2"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_dropout_of_everything():
    np.testing.assert_array_equal(random.dropout(W, 1.0), np.zeros_like(W))
    np.testing.assert_array_equal(ops.convert_to_numpy(random.dropout(W, 0.0)), W)
