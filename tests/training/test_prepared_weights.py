"""A prediction is of the weights as they are, whoever wrote them."""
import copy
import pickle

import numpy as np
import pytest

import kgraph
from kgraph import layers as L

X = np.random.default_rng(0).normal(size=(5, 6, 6, 3)).astype("float32")
Y = np.arange(5) % 3


def model_of(shared=()):
    """A convolution, normalisations and products; `shared` layers instead of its own."""
    own = [L.Conv2D(4, 3, use_bias=False), L.BatchNormalization(), L.ReLU(), L.DepthwiseConv2D(3),
           L.BatchNormalization(), L.Flatten(), L.Dense(3)]
    model = kgraph.Sequential([kgraph.Input(X.shape[1:]), *(shared or own)])
    for v in model.layers[1].moving_variance, model.layers[4].moving_variance:
        v.assign(np.linspace(0.5, 2, v.size))
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    model = model_of()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.folder = tmp_path_factory.mktemp("weights")
    model.save_weights(model.folder / "first.weights.h5")
    return model


def eagerly(model, x=X):
    """The outputs layer by layer."""
    with kgraph.GradientTape():
        return model(x).numpy()


def weights_by_two(model):
    model.set_weights([2 * w for w in model.get_weights()])


def other_model(model):
    twin = model_of(model.layers)
    twin.compile("sgd", "mse")
    twin.train_on_batch(X, np.ones((5, 3), "float32"))


def own_loop(model):
    with kgraph.GradientTape() as tape:
        loss = kgraph.ops.mean(model(X, training=True) ** 2)
    weights = model.trainable_variables
    kgraph.optimizers.Adam(0.1).apply_gradients(zip(tape.gradient(loss, weights), weights))


def in_a_function(model):
    kgraph.function(lambda x: model.layers[0].kernel.assign_add(x))(np.float32(0.25))


WRITERS = {
    "assign": lambda m: m.layers[0].kernel.assign(m.layers[0].kernel * 1.5),
    "assign_add": lambda m: m.layers[-1].bias.assign_add(np.ones(3)),
    "set_weights": weights_by_two,
    "a layer's set_weights": lambda m: m.layers[-1].set_weights([w + 1 for w in m.layers[-1].get_weights()]),
    "train_on_batch": lambda m: m.train_on_batch(X, Y),
    "train_on_batch again": lambda m: m.train_on_batch(X, Y),
    "fit": lambda m: m.fit(X, Y, batch_size=2, verbose=0),
    "load_weights": lambda m: m.load_weights(m.folder / "first.weights.h5"),
    "moving statistics": lambda m: m.layers[1].moving_mean.assign(np.ones(4)),
    "statistics by a call": lambda m: m(X + 1, training=True),
    "another model": other_model,
    "a loop of one's own": own_loop,
    "a compiled function": in_a_function,
    "load_own_variables": lambda m: m.layers[0].load_own_variables({"0": np.ones((3, 3, 3, 4), "float32")}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_predictions_follow(name, model):
    before = model.predict_on_batch(X)
    WRITERS[name](model)
    after = model.predict_on_batch(X)
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(after, eagerly(model), rtol=2e-5, atol=2e-5)
    np.testing.assert_array_equal(model.predict(X, verbose=0), after)
    np.testing.assert_array_equal(model(X), after)


def test_equal_calls_give_equal_bits(model, any_number_of_threads):
    wanted = model.predict_on_batch(X)
    for threads in (1, 2, 5):
        kgraph.set_num_threads(threads)
        np.testing.assert_array_equal(model.predict_on_batch(X), wanted)


@pytest.mark.parametrize("rows", [0, 1, 3, 37])
@pytest.mark.parametrize("special", [0.0, np.nan, np.inf])
def test_any_number_of_rows_and_weights_that_are_no_numbers(rows, special, model):
    x = np.random.default_rng(rows).normal(size=(rows, *X.shape[1:])).astype("float32")
    before = model.layers[0].kernel.numpy()
    model.layers[0].kernel.assign(np.where(np.arange(4) == 1, special, before))
    out = model.predict_on_batch(x)
    assert rows == 0 or np.isfinite(out).all() == np.isfinite(special)
    np.testing.assert_allclose(out, eagerly(model, x), rtol=2e-5, atol=2e-5)
    np.testing.assert_array_equal(model.predict_on_batch(x), out)
    np.testing.assert_array_equal(model(x), out)
    model.layers[0].kernel.assign(before)


class Quotient(L.Layer):
    """Divides by a number for each channel."""

    def build(self, shape):
        self.divisor = self.add_weight(shape=shape[-1:], initializer="ones", name="divisor")

    def call(self, x):
        return x / self.divisor


def test_an_infinite_scale_is_not_folded():
    """(x @ w) / 0 is infinite, where x @ (w / 0) is NaN: zeros and signs meet in it."""
    model = kgraph.Sequential([kgraph.Input((3,)), L.Dense(2, use_bias=False), Quotient()])
    model.layers[0].kernel.assign([[1.0, 2.0], [-3.0, 0.0], [1.0, 1.0]])
    x = np.array([[1.0, 1.0, 3.0], [2.0, 0.0, -1.0]], "float32")
    for divisor, expected in ((0.0, np.inf), (0.5, 2.0), (0.0, np.inf)):
        model.layers[1].divisor.assign([divisor, 1.0])
        np.testing.assert_allclose(model.predict_on_batch(x), [[expected, 5], [expected, 3]], rtol=1e-6)


def test_what_is_put_back_counts_too(model):
    before = model.predict_on_batch(X)
    model.stateless_call(*[[0 * v.numpy() for v in vs] for vs in (model.trainable_variables,
                                                                  model.non_trainable_variables)], X)
    np.testing.assert_array_equal(model.predict_on_batch(X), before)


def test_weights_are_read_once_between_writes(model):
    model.predict_on_batch(X)
    made = next(iter(model._programs["predict"].made.values())).compiled.executable.preparation
    made.arrays[0][...] += 1
    changed = model.predict_on_batch(X)
    other = kgraph.Variable(1.0)
    other.assign(2.0)
    np.testing.assert_array_equal(model.predict_on_batch(X), changed)
    model.layers[1].beta.assign(model.layers[1].beta)
    assert not np.array_equal(model.predict_on_batch(X), changed)


class Counting(L.Layer):
    """Counts its calls."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign_add(1.0)
        return x + self.calls.value


def test_state_that_a_prediction_writes_makes_nothing_anew():
    model = kgraph.Sequential([kgraph.Input((8,)), L.Dense(6), L.BatchNormalization(), Counting()])
    x = np.zeros((4, 8), "float32")
    np.testing.assert_array_equal(model.predict_on_batch(x), np.full((4, 6), 1, "float32"))
    made = next(iter(model._programs["predict"].made.values())).compiled.executable.preparation
    for array in made.arrays:
        array[...] = 5
    np.testing.assert_array_equal(model.predict_on_batch(x), np.full((4, 6), 7, "float32"))
    model.layers[1].beta.assign(model.layers[1].beta)
    np.testing.assert_array_equal(model.predict_on_batch(x), np.full((4, 6), 3, "float32"))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_when_a_copy_was_written_is_not_copied(again):
    variable = kgraph.Variable(1.0)
    variable.assign(2.0)
    assert again(variable).last_written == kgraph.Variable(2.0).last_written


def test_programs_that_make_the_same_of_weights_share_it():
    def preparation(model, mode):
        return next(iter(model._programs[mode].made.values())).compiled.executable.preparation
    first, second = model_of(), model_of()
    for one in (first, second, third := model_of(first.layers)):
        one.predict_on_batch(X)
    first(X)
    assert preparation(first, "call") is preparation(first, "predict") is preparation(third, "predict")
    assert preparation(second, "predict") is not preparation(first, "predict")


def test_a_layer_that_is_changed_in_kind():
    model = kgraph.Sequential([kgraph.Input((8,)), L.Dense(6), L.BatchNormalization(), L.Dense(3)])
    x = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    first = model.predict_on_batch(x)
    model.layers[0].enable_lora(2)
    model.compile()
    np.testing.assert_array_equal(model.predict_on_batch(x), first)
    model.layers[0].lora_kernel_b.assign(np.ones((2, 6)))
    lora = model.predict_on_batch(x)
    assert not np.allclose(lora, first, atol=1e-3)
    model.layers[2].quantize("int8")
    model.compile()
    quantized = model.predict_on_batch(x)
    assert not np.array_equal(quantized, lora)
    np.testing.assert_allclose(quantized, lora, atol=0.2)
