"""Sequential and subclassed models."""
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kgraph import Input, Model, Sequential, layers, ops, saving
from kgraph.models import clone_model
from kgraph.naming import reset_names

X = np.random.default_rng(0).standard_normal((3, 4)).astype("float32")


def stack(kind):
    dense, head = layers.Dense(5, activation="relu", name="one"), layers.Dense(2, name="two")
    if kind == "list":
        return Sequential([Input((4,)), dense, head], name="s")
    if kind == "no input":
        return Sequential([dense, head], name="s")
    if kind == "keras 2":
        return Sequential([layers.Dense(5, activation="relu", name="one", input_shape=(4,)), head], name="s")
    model = Sequential(name="s")
    for layer in ([Input((4,))] if kind == "add" else []) + [dense, head]:
        model.add(layer)
    return model


@pytest.mark.parametrize(
    "kind,built", [("list", True), ("no input", False), ("keras 2", True), ("add", True), ("late", False)]
)
def test_ways_to_build(kind, built):
    model = stack(kind)
    assert model.built == built and len(model.weights) == (4 if built else 0)
    y = model(X)
    one, two = model.layers
    expected = np.maximum(X @ one.kernel.numpy() + one.bias.numpy(), 0) @ two.kernel.numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    assert model.built and model.input_shape == (None, 4) and model.output_shape == (None, 2)
    assert [w.path for w in model.weights][:1] == ["s/one/kernel"]
    assert model(X[:2]).shape == (2, 2)  # another batch size builds nothing
    assert one.output.shape == (None, 5)  # one node each: the output of a layer is known
    other = Sequential.from_config(model.get_config())
    other.set_weights(model.get_weights())
    for m in (other, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(m(X), y)
    assert clone_model(model).output_shape == (None, 2)


def test_add_and_pop():
    model = stack("add")
    top = model.pop()
    assert top.name == "two" and model.output_shape == (None, 5) and len(model.layers) == 1
    model.add(layers.Dense(7, name="new"))
    assert model(X).shape == (3, 7) and model.layers[0].output.shape == (None, 5)
    model.pop()
    model.pop()
    with pytest.raises(TypeError, match="without layers"):
        model.pop()


@pytest.mark.parametrize("layer,message", [
    (lambda: 5, "expected a layer, received 5"), (lambda: layers.Dense(2, name="one"), "unique names.*'one'"),
    (lambda: Input((4,)), "as the first layer only")])
def test_bad_layers(layer, message):
    with pytest.raises(ValueError, match=message):
        stack("list").add(layer())


def test_bad_shapes():
    with pytest.raises(ValueError, match=r"input shape \(None, 4\) with which it begins, received \(None, 6\)"):
        stack("list").build((None, 6))
    with pytest.raises(ValueError, match="received none: use add"):
        Sequential().build((None, 3))
    with pytest.raises(AttributeError, match="no input shape yet"):
        _ = stack("late").input_shape
    with pytest.raises(ValueError, match=r"layer 'one': expected axis -1 of size 4.*received shape=\(None, 6\)"):
        stack("list").layers[0](Input((6,)))
    with pytest.raises(ValueError, match=r"expected shape \(None, 4\).*received \(3, 6\)"):
        stack("list")(np.ones((3, 6), "float32"))


def test_models_in_models():
    reset_names()
    inner = Sequential([Input((4,)), layers.Dense(3)])
    model = Sequential([inner, layers.Dense(2)])
    assert (
        model.built and model.input_shape == (None, 4) and [m.name for m in model.layers] == ["sequential", "dense_1"]
    )
    assert [w.path for w in model.weights][::2] == ["sequential/dense/kernel", "sequential_1/dense_1/kernel"]
    again = Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X), model(X))


def test_configs_of_keras_1_and_2():
    """A bare list of layers; the input shape is with the first one, and the dtype is a name."""
    entries = [
        {"class_name": "Dense", "config": {"name": "one", "units": 5, "batch_input_shape": [None, 4]}},
        {"class_name": "LeakyReLU", "config": {"name": "act", "alpha": 0.1}},
        {"class_name": "Dense", "config": {"name": "two", "units": 2, "kernel_initializer": {
            "class_name": "Zeros", "config": {"dtype": "float32"}}}}]
    for entry in ({"class_name": "Sequential", "config": entries},
                  {"class_name": "Sequential", "config": {"name": "old", "layers": entries}}):
        model = saving.deserialize_keras_object(entry)
        assert model.built and model.output_shape == (None, 2) and model.layers[1].negative_slope == 0.1
        np.testing.assert_array_equal(model(X), np.zeros((3, 2)))


def test_threads_share_a_model():
    model = stack("list")
    expected = model(X).numpy()
    with ThreadPoolExecutor(8) as pool:
        for y in pool.map(lambda _: model(X).numpy(), range(64)):
            np.testing.assert_array_equal(y, expected)


def test_first_layer_with_several_inputs():
    model = Sequential([layers.Add(), layers.Dense(2)])
    y = model([X, X])
    np.testing.assert_allclose(y, 2 * X @ model.layers[1].kernel.numpy(), rtol=1e-5, atol=1e-6)


class Blocks(Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [layers.Dense(units), layers.Dense(units)]
        self.heads = {"a": layers.Dense(1), "b": layers.Dropout(0.5)}
        self.scale = self.add_weight((1,), "ones", name="scale")

    def call(self, inputs, training=None):
        for block in self.blocks:
            inputs = block(inputs)
        return self.heads["a"](self.heads["b"](inputs, training=training) * self.scale)


def test_subclassed():
    reset_names()
    model = Blocks()
    assert not model.built and len(model.weights) == 1
    assert model.compute_output_shape((None, 4)) == (None, 1)
    assert [w.path for w in model.weights] == [
        "blocks/scale",
        "blocks/dense/kernel",
        "blocks/dense/bias",
        "blocks/dense_1/kernel",
        "blocks/dense_1/bias",
        "blocks/dense_2/kernel",
        "blocks/dense_2/bias",
    ]
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2", "dropout"]
    assert len(model.variables) == 8 and model.count_params() == 32
    y = model(X)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other(X), y)
    twin = clone_model(model)
    assert twin.units == 3 and twin(X).shape == (3, 1)
    built = Blocks()
    built.build((None, 4))
    assert built.built and len(built.weights) == 7
    outer = Model(a := Input((4,)), model(a))
    np.testing.assert_array_equal(outer(X), y)


def test_subclassed_without_config():
    class Opaque(Model):
        def __init__(self, function):
            super().__init__()
            self.f = function

        def call(self, x):
            return self.f(x)

    model = Opaque(ops.sin)
    np.testing.assert_allclose(model(X), np.sin(X), rtol=1e-6, atol=1e-6)
    with pytest.raises(NotImplementedError, match="needs a get_config"):
        model.get_config()
    with pytest.raises(NotImplementedError, match="has no call"):
        Model()(X)


def test_forgotten_super():
    class Forgot(Model):
        def __init__(self):
            self.d = layers.Dense(2)

    with pytest.raises(RuntimeError, match=r"super\(\).__init__"):
        Forgot()(X)


def test_trainable_nests():
    model = Blocks()
    model(X)
    model.blocks[0].trainable = False
    assert len(model.trainable_weights) == 5 and len(model.non_trainable_weights) == 2
    assert not model.blocks[0].kernel.trainable
    model.trainable = False
    assert model.trainable_weights == [] and len(model.non_trainable_weights) == 7 and not model.heads["a"].trainable
    model.trainable = True
    assert len(model.trainable_weights) == 7 and model.blocks[0].trainable
    frozen = layers.Dense(2, trainable=False)
    frozen(X)
    assert frozen.trainable_weights == [] and len(frozen.weights) == 2
    frozen.trainable = True
    assert len(frozen.trainable_weights) == 2
