"""Policies of 16 bits: layers and training against Keras, compiled against eager, loss scaling, files."""
import sys
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import layers, optimizers
from kgraph.compiler import dims
from kgraph.inspect.programs import compiled_step
from kgraph.runtime.thread_pool import get_num_threads

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE / "oracle"))
import narrow_layers as cases  # noqa: E402

ANSWERS = np.load(HERE / "data" / "narrow_layers.npz")
DIGITS = {"mixed_float16": 10}


@pytest.fixture(autouse=True)
def _policy_of_the_process():
    yield
    kgraph.config.set_dtype_policy("float32")


@pytest.mark.parametrize("text,shape", cases.cases_of_layers())
@pytest.mark.parametrize("policy", cases.MIXED)
def test_layers_are_keras(policy, text, shape):
    got, key = cases.run_layer(kgraph, text, shape, policy), f"{policy} {text}"
    want = ANSWERS[key]
    assert got.dtype == str(ANSWERS[f"{key} dtype"]) and tuple(got.shape) == want.shape
    most = 2 * np.abs(want).max() * 2.0 ** -DIGITS.get(policy, 7)
    np.testing.assert_allclose(np.asarray(kgraph.ops.cast(got, "float32")), want, rtol=0, atol=most)


@pytest.mark.parametrize("text,shape", [c for c in cases.cases_of_layers() if "Dropout" not in c[0]])
@pytest.mark.parametrize("policy", cases.MIXED)
def test_compiled_layers_round_as_eager_ones(policy, text, shape):
    x = cases.numbers(shape)
    layer = eval(f"l.{text[:-1]}{'' if text.endswith('()') else ', '}dtype=policy)", {"l": layers, "policy": policy})
    model = kgraph.Sequential([layers.Input(x.shape[1:], dtype=x.dtype.name), layer])
    cases.set_weights(layer)
    got, want = model.predict(x, verbose=0).astype("float32"), np.asarray(layer(x)).astype("float32")
    assert model.outputs[0].dtype == layer(x).dtype
    # sums of float32 in another order may round to the other neighbour
    np.testing.assert_allclose(got, want, rtol=2.0 ** -DIGITS.get(policy, 7), atol=np.abs(want).max() * 2.0 ** -9)


@pytest.mark.parametrize("policy", cases.POLICIES)
def test_losses_are_keras(policy):
    compiled = cases.trained(kgraph, policy)
    np.testing.assert_allclose(compiled, ANSWERS[f"{policy} losses"], rtol=0.002)
    np.testing.assert_allclose(cases.trained(kgraph, policy, eager=True), compiled, rtol=2e-5)


def small(policy, optimizer, **more):
    layer = layers.Dense(1, kernel_initializer="ones", dtype=policy)
    model = kgraph.Sequential([layers.Input((2,)), layer])
    model.dtype_policy = kgraph.DTypePolicy(policy)
    model.compile(optimizer, "mse", **more)
    return model, layer


@pytest.mark.parametrize("eager", [False, True])
def test_loss_scaling_halves_and_grows(eager):
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.25), initial_scale=8.0, dynamic_growth_steps=2)
    model, layer = small("mixed_float16", optimizer, run_eagerly=eager)
    x, y = np.array([[1.0, 2.0]], "float32"), np.array([[2.0]], "float32")
    model.train_on_batch(x, y)
    assert layer.kernel.numpy().ravel().tolist() == [0.5, 0.0] and float(layer.bias.numpy()[0]) == -0.5
    assert [float(optimizer.dynamic_scale), int(optimizer.step_counter), int(optimizer.iterations)] == [8, 1, 1]
    model.train_on_batch(x * np.inf, y)                       # no update, half the scale
    assert layer.kernel.numpy().ravel().tolist() == [0.5, 0.0]
    assert [float(optimizer.dynamic_scale), int(optimizer.step_counter), int(optimizer.iterations)] == [4, 0, 1]
    for _ in range(2):
        model.train_on_batch(x, y)
    assert [float(optimizer.dynamic_scale), int(optimizer.step_counter), int(optimizer.iterations)] == [8, 0, 3]


def test_compile_scales_the_loss_of_mixed_float16():
    assert type(small("mixed_float16", "adam")[0].optimizer) is optimizers.LossScaleOptimizer
    assert type(small("mixed_float16", "adam", auto_scale_loss=False)[0].optimizer) is optimizers.Adam
    assert type(small("mixed_bfloat16", "adam")[0].optimizer) is optimizers.Adam
    given = optimizers.LossScaleOptimizer(optimizers.SGD())
    assert small("mixed_float16", given)[0].optimizer is given


def test_arguments_of_loss_scaling():
    with pytest.raises(ValueError, match="expected dynamic=True"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False)
    with pytest.raises(ValueError, match="expected clipnorm to be given to the inner optimizer"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0)
    optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=None, ema_momentum=0.99)


def test_variables_say_the_dtype_that_they_are_read_in():
    class Mine(kgraph.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(2,), initializer="ones", name="w")
            self.fixed = self.add_weight(shape=(2,), initializer="ones", name="fixed", autocast=False)
            self.count = self.add_weight(shape=(), dtype="int32", initializer="zeros", name="count")

        def call(self, x):
            self.seen = [self.w.dtype, self.w.value.dtype, self.fixed.dtype, self.count.dtype, x.dtype]
            return x * self.w
    layer = Mine(dtype="mixed_bfloat16")
    layer(np.ones((1, 2), "float32"))
    assert layer.seen == ["bfloat16", "bfloat16", "float32", "int32", "bfloat16"]
    assert layer.w.dtype == layer.w.value.dtype == "float32"

    class Outer(kgraph.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

        def call(self, x):
            return self.inner(x)
    inner = Mine(dtype="float32")
    Outer(inner, dtype="mixed_bfloat16")(np.ones((1, 2), "float32"))
    assert inner.seen == ["float32"] * 3 + ["int32", "float32"]


def test_files_with_bfloat16_weights(tmp_path):
    known = np.load(HERE / "saving" / "bfloat16.npz")
    model = kgraph.models.load_model(HERE / "saving" / "bfloat16.keras")   # as Keras 3.15.1 wrote it
    y = model.predict(known["x"], verbose=0)
    assert y.dtype.name == model.layers[0].kernel.dtype == "bfloat16"
    np.testing.assert_allclose(y.astype("float32"), known["y"], rtol=2**-7, atol=2**-7)
    for name in ("a.keras", "a.h5"):
        model.save(tmp_path / name)
        again = kgraph.models.load_model(tmp_path / name)
        assert [w.dtype for w in again.weights] == [w.dtype for w in model.weights]
        np.testing.assert_array_equal(again.predict(known["x"], verbose=0), y)
    model.save_weights(tmp_path / "a.weights.h5")
    model.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(model.predict(known["x"], verbose=0), y)


def block(policy, rows=16):
    """A block of a transformer, compiled for training, and a batch."""
    kgraph.utils.set_random_seed(1)
    x = kgraph.Input((24, 32))
    h = layers.Add(dtype=policy)([x, layers.MultiHeadAttention(2, 16, dtype=policy)(x, x)])
    h = layers.LayerNormalization(dtype=policy)(h)
    h = layers.Dense(32, dtype=policy)(layers.Dense(128, activation="gelu", dtype=policy)(h))
    h = layers.GlobalAveragePooling1D(dtype=policy)(layers.LayerNormalization(dtype=policy)(h))
    model = kgraph.Model(x, layers.Dense(3, activation="softmax", dtype="float32")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(2)
    return model, rng.normal(size=(rows, 24, 32)).astype("float32"), rng.integers(0, 3, rows)


def test_training_repeats_whatever_the_number_of_threads():
    found, before = [], get_num_threads()
    try:
        for threads in (1, 2, 5):
            kgraph.set_num_threads(threads)
            model, x, y = block("mixed_bfloat16")
            model.fit(x, y, epochs=3, batch_size=7, verbose=0)
            found.append([w.numpy() for w in model.weights])
    finally:
        kgraph.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other):
            np.testing.assert_array_equal(a, b)


def test_activations_take_less_memory():
    def taken(policy):
        model, x, y = block(policy)
        plan = compiled_step(model, "train", x, y).plan
        return sum(dims.evaluate(s, {"B": 256}) for s in plan.slots)
    assert taken("mixed_bfloat16") < 0.75 * taken("float32")


@pytest.mark.parametrize("eager", [False, True])
def test_updates_of_bfloat16_weights_are_float32(eager):
    """In bfloat16 0.999 ** 301 would be 1, and Adam's step without bounds."""
    layer = layers.Dense(1, kernel_initializer="ones", use_bias=False, dtype="bfloat16")
    model = kgraph.Sequential([layers.Input((1,)), layer])
    model.compile(optimizers.Adam(0.25), lambda y, p: kgraph.ops.sum(p), run_eagerly=eager)
    model.optimizer.iterations = 300
    model.train_on_batch(np.ones((1, 1), "float32"), np.ones((1, 1), "float32"))
    second = 0.001 / (1 - 0.999**301)
    assert float(layer.kernel.numpy()[0, 0]) == pytest.approx(1 - 0.25 * 0.1 / second**0.5, rel=2**-8)
    assert {v.dtype for v in model.optimizer.variables[2:]} == {"bfloat16"}
