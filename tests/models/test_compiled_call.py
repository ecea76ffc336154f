"""model(x) on arrays: the compiled program's bits, and nothing of what a call in Python does is lost."""
import numpy as np
import pytest

import kgraph
from kgraph import GradientTape, Input, Model, Sequential, layers, metrics, ops, watch

X = np.linspace(-1, 1, 37 * 4, dtype="float32").reshape(37, 4)


def model_of(*made, inputs=(4,)):
    return Sequential([Input(inputs), *made])


@pytest.mark.parametrize("rows", [37, 1, 3, 0, 37])
def test_the_bits_of_predict_on_batch(rows):
    m = model_of(layers.Dense(5, "tanh"), layers.BatchNormalization(), layers.Dense(3, "softmax"))
    expected = m.predict_on_batch(X[:rows])
    for x in (X[:rows], ops.convert_to_tensor(X[:rows]), np.asfortranarray(X[:rows])):
        for kwargs in ({}, {"training": False}):
            found = m(x, **kwargs)
            assert isinstance(found.numpy(), np.ndarray) and found.shape == (rows, 3)
            np.testing.assert_array_equal(found.numpy(), expected)
    m.set_weights([w + 1 for w in m.get_weights()])
    np.testing.assert_array_equal(m(X[:rows]).numpy(), m.predict_on_batch(X[:rows]))


def test_other_types_and_nested_arguments():
    a, b = Input((4,), name="a"), Input((2,), dtype="int32", name="b")
    m = Model({"a": a, "b": b}, [layers.Dense(2)(a), ops.cast(b, "float32") * 2])
    whole = {"a": X, "b": np.arange(74).reshape(37, 2)}
    for given in (whole, {"b": whole["b"].astype("int8"), "a": X.astype("float64")}):
        first, second = m(given)
        np.testing.assert_array_equal(first.numpy(), m.predict_on_batch(whole)[0])
        np.testing.assert_array_equal(second.numpy(), 2 * whole["b"])


def test_dropout_and_its_seeds():
    kgraph.utils.set_random_seed(3)
    m = model_of(layers.Dropout(0.5))
    found = [m(X, training=True).numpy() for _ in range(2)]
    kgraph.utils.set_random_seed(3)
    again = model_of(layers.Dropout(0.5))
    again.compile(run_eagerly=True)
    for array in found:
        np.testing.assert_array_equal(array, again(X, training=True).numpy())
    assert not np.array_equal(*found)


def test_what_python_does_in_a_call_is_done_each_time():
    seen = []

    class Noted(layers.Layer):
        def call(self, x):
            seen.append(x.shape)
            return x

    noted = lambda x: seen.append(1) or x
    for layer in (Noted(), layers.Lambda(noted), layers.Dense(1, noted)):
        m = model_of(layer)
        seen.clear()
        for _ in range(3):
            m(X)
        assert len(seen) == 3


def test_losses_masks_and_gradients_are_there():
    m = model_of(layers.ActivityRegularization(l1=1.0))
    for _ in range(2):
        m(X)
        np.testing.assert_allclose([float(v) for v in m.losses], [np.abs(X).sum() / len(X)], rtol=1e-5)
    masked = model_of(layers.Masking(-1.0), inputs=(3, 2))
    assert masked(np.full((2, 3, 2), -1.0, "float32"))._keras_mask is not None
    dense = model_of(layers.Dense(1, kernel_initializer="ones"))
    dense(X)
    with GradientTape() as tape:
        loss = ops.sum(dense(X))
    np.testing.assert_allclose(tape.gradient(loss, dense.trainable_variables)[0].numpy()[:, 0], X.sum(0), rtol=1e-5)


def test_what_has_no_kernel_runs_layer_by_layer():
    i = Input((3, 3))
    m = Model(i, ops.svd(i)[1])
    x = np.random.default_rng(0).normal(size=(2, 3, 3)).astype("float32")
    for _ in range(2):
        np.testing.assert_allclose(m(x).numpy(), np.linalg.svd(x)[1], rtol=1e-4)


def test_another_batch_than_that_of_the_inputs():
    i = Input(batch_shape=(4, 4))
    m = Model(i, layers.Dense(1, kernel_initializer="ones")(i))
    for rows in (4, 5, 4, 1):
        np.testing.assert_allclose(m(X[:rows]).numpy(), X[:rows].sum(1, keepdims=True), rtol=1e-5)


def test_wrong_inputs_say_the_same():
    m = model_of(layers.Dense(1))
    m.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"expected shape \(None, 4\)"):
        m(X[:, :3])
    m(X)
    with pytest.raises(ValueError, match=r"expected shape \(None, 4\)"):
        m(X[:, :3])


# --- searches that are kept -------------------------------------------------------------------------------------------

class Blocks(Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(1)]
        self.more = {}

    def call(self, x):
        for block in [*self.blocks, *self.more.values()]:
            x = block(x)
        return x


def test_layers_are_found_where_lists_and_dicts_change():
    m = Blocks()
    m(X)
    assert len(m.weights) == 2
    m.blocks.append(layers.Dense(2))
    m(X)
    assert len(m.weights) == 4
    m.more["last"] = layers.Dense(3)
    m(X)
    assert [w.shape[-1] for w in m.weights[::2]] == [1, 2, 3]
    m.more["last"] = layers.Dense(4)
    m(X)
    assert [w.shape[-1] for w in m.weights[::2]] == [1, 2, 4]
    m.weights.clear()
    assert len(m.weights) == 6
    del m.more
    assert len(m.weights) == 4
    m.blocks[0].trainable = False
    assert len(m.trainable_weights) == 2


@pytest.mark.parametrize("eager", [False, True])
def test_the_short_way_of_on_batch_methods(eager):
    """It gives what the long way gives, whatever was changed between two calls."""
    def run(long):
        kgraph.utils.set_random_seed(1)
        m = model_of(layers.Dense(3, "relu"), layers.Dropout(0.3), layers.Dense(1))
        m.compile("adam", "mse", metrics=[metrics.MeanAbsoluteError()], run_eagerly=eager)
        y = X.sum(1, keepdims=True)
        found = []

        def step(x, y, **kwargs):
            for method in (m.train_on_batch, m.test_on_batch):
                if long:
                    m._short_ways.clear()
                found.append(method(x, y, **kwargs))

        for _ in range(3):
            step(X, y)
        step(X[:5], y[:5])
        step(X, y, reset_metrics=False)
        m.optimizer.learning_rate = 0.5
        step(X, y)
        for trains in (False, True):
            m.layers[0].trainable = trains
            step(X, y)
        found.append(m.train_on_batch(X, y, return_dict=True))
        m.layers[0].trainable = False
        m.compile("sgd", "mae")
        for _ in range(2):
            step(X, y)
        return found
    assert run(False) == run(True)


def test_layers_are_not_searched_again_for_what_trains():
    m = model_of(layers.Dense(3), layers.BatchNormalization(), layers.Dense(1))
    names, version = [v.path for v in m.weights], watch.version()
    m.trainable = False
    assert m.trainable_weights == [] and [v.path for v in m.weights] == names
    m.layers[-1].trainable = False
    m.trainable = True
    assert len(m.trainable_weights) == 6 and [v.path for v in m.weights] == names
    assert watch.version() == version
    m.layers[0].kernel.trainable = False
    assert m.layers[0].kernel is m.layers[0].weights[-1] and len(m.trainable_weights) == 5
    assert watch.version() > version


def test_a_setting_that_changes_counts_from_the_next_call_on():
    m = model_of(layers.Dense(3, "softmax"), layers.BatchNormalization(), layers.Dense(2))
    x = X + np.arange(4, dtype="float32")

    def agree():
        m.run_eagerly = True
        expected = m(x).numpy()
        m.run_eagerly = False
        for _ in range(2):
            np.testing.assert_allclose(m(x).numpy(), expected, rtol=1e-4, atol=1e-5)
        return expected

    before = agree()
    for layer, setting, value in ((0, "activation", None), (1, "epsilon", 3.0), (2, "use_bias", False),
                                  (0, "activation", kgraph.activations.relu)):
        setattr(m.layers[layer], setting, value)
        now = agree()
        assert setting == "use_bias" or np.abs(now - before).max() > 1e-3
        before = now
    programs = m._programs["call"]
    other = layers.Dense(2)
    other.units = 3   # another layer's settings, and the same ones again, compile nothing
    m.layers[1].epsilon = 3.0
    agree()
    assert m._programs["call"] is programs
