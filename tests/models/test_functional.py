"""Functional models: structures, sharing, nesting, errors, copies."""
import copy
import json
import pickle

import numpy as np
import pytest

from kgraph import Input, Model, Sequential, layers, ops, saving
from kgraph.models import clone_model
from kgraph.naming import reset_names

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4)).astype("float32")
Z = RNG.standard_normal((3, 4)).astype("float32")


def two_inputs():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    return a, b, a - 2 * b


STRUCTURES = {
    "single": (lambda a, b: a, lambda: X), "list": (lambda a, b: [a, b], lambda: [X, Z]),
    "tuple": (lambda a, b: (a, b), lambda: (X, Z)), "dict": (lambda a, b: {"a": a, "b": b}, lambda: {"b": Z, "a": X}),
    "nested": (lambda a, b: [a, {"k": (b,)}], lambda: [X, {"k": (Z,)}]),
    "list by name": (lambda a, b: [a, b], lambda: {"a": X, "b": Z, "more": X}),
    "dict by place": (lambda a, b: {"a": a, "b": b}, lambda: [X, Z])}


@pytest.mark.parametrize("structure,feed", STRUCTURES.values(), ids=STRUCTURES)
def test_input_structures(structure, feed):
    a, b, out = two_inputs()
    if structure(a, b) is a:
        out = a - 2 * a
    model = Model(structure(a, b), out)
    np.testing.assert_allclose(model(feed()), X - 2 * (X if structure(a, b) is a else Z), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda y, z: y,
        lambda y, z: [y],
        lambda y, z: (y, z),
        lambda y, z: {"z": z, "y": y},
        lambda y, z: [y, {"u": (z, y)}],
    ],
)
def test_output_structures(wrap):
    a, b, out = two_inputs()
    got, expected = Model([a, b], wrap(out, a))([X, Z]), wrap(X - 2 * Z, X)
    expected = expected[0] if isinstance(expected, list) and len(expected) == 1 else expected
    check_like(got, expected)


def check_like(got, expected):
    if isinstance(expected, dict):
        assert set(got) == set(expected)
        for key in expected:
            check_like(got[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert type(got) is type(expected) and len(got) == len(expected)
        for g, e in zip(got, expected):
            check_like(g, e)
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_names_shapes_and_layers():
    reset_names()
    a, b, out = two_inputs()
    model = Model([a, b], {"y": layers.Dense(2, name="head")(out)})
    assert model.name == "functional" and model.input_names == ["a", "b"] and model.output_names == ["head"]
    assert model.input_shape == [(None, 4), (None, 4)] and model.output_shape == {"y": (None, 2)}
    assert [layer.name for layer in model.layers] == ["b", "a", "head"] or [layer.name for layer in model.layers][
        2
    ] == "head"
    assert model.get_layer("head") is model.layers[-1] is model.get_layer(index=-1)
    assert model.inputs == [a, b] and model.built and model.count_params() == 10
    with pytest.raises(ValueError, match="no layer 'heat'.*Did you mean 'head'"):
        model.get_layer("heat")
    with pytest.raises(ValueError, match="3 layers, received index=7"):
        model.get_layer(index=7)
    with pytest.raises(ValueError, match="a name or an index"):
        model.get_layer()


@pytest.mark.parametrize("feed,message", [
    (lambda: X, r"expected 2 input\(s\) \(a, b\), received 1"),
    (lambda: {"a": X, "bb": Z}, "a, bb: b missing.*Did you mean 'b'"),
    (lambda: [X, Z[:, :3]], r"expected shape \(None, 4\) for the input 'b', received \(3, 3\)"),
    (lambda: [X, Z[:, None]], r"expected shape \(None, 4\) for the input 'b', received \(3, 1, 4\)"),
    (lambda: [X, "text"], "tensor or an array for the input 'b'")])
def test_wrong_inputs(feed, message):
    a, b, out = two_inputs()
    with pytest.raises(ValueError, match=message):
        Model([a, b], out, name="m")(feed())


@pytest.mark.parametrize("x", [X[:, :, None], X.astype("float64"), (X * 10).astype("int64"), X.tolist()])
def test_inputs_are_made_to_fit(x):
    """A last axis of size 1 may be there or not; arrays get the dtype of the input."""
    model = Model(a := Input((4,)), a * 1.0)
    out = model(x)
    assert out.dtype == "float32"
    np.testing.assert_allclose(out, np.asarray(x, "float32").reshape(3, 4), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda a: Model(a),
        lambda a: Model(a, a, "n", 3),
        lambda a: Model(a, a, nme="x"),
        lambda a: Model(a, X),
        lambda a: Model(X, a),
        lambda a: Model(a, []),
    ],
)
def test_bad_arguments(make):
    with pytest.raises((TypeError, ValueError), match="expected|unknown"):
        make(Input((4,)))


def test_part_of_a_model():
    """Inputs in the middle of a graph, and outputs in the middle."""
    a = Input((4,))
    h = layers.Dense(3, name="one")(a)
    out = layers.Dense(2, name="two")(h)
    whole, first, second = Model(a, out), Model(a, h), Model(h, out)
    np.testing.assert_allclose(second(first(X)), whole(X), rtol=1e-6, atol=1e-6)
    assert [layer.name for layer in second.layers][1:] == ["two"]
    features = Model(whole.input, whole.get_layer("one").output)
    np.testing.assert_array_equal(features(X), first(X))


def nested():
    i = Input((4,), name="inner_in")
    inner = Model(i, layers.Dense(4, name="deep")(i) + i, name="inner")
    x = Input((4,), name="x")
    h = inner(layers.LeakyReLU(name="act")(inner(x)))
    shared = layers.Dense(4, name="shared")
    return Model(
        {"x": x}, [layers.Add(name="sum")([shared(h), shared(x)]), layers.Dropout(0.5, name="drop")(h)], name="outer"
    )


def test_nested_and_shared():
    model = nested()
    assert [w.path for w in model.weights] == ["deep/kernel", "deep/bias", "shared/kernel", "shared/bias"]
    deep, shared = model.get_layer("inner").get_layer("deep"), model.get_layer("shared")
    leaky = lambda v: np.where(v > 0, v, 0.3 * v)
    f = lambda v: v @ deep.kernel.numpy() + deep.bias.numpy() + v
    h = f(leaky(f(X)))
    out, dropped = model({"x": X})
    np.testing.assert_allclose(out, (h + X) @ shared.kernel.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(dropped, h, rtol=1e-5, atol=1e-6)
    trained = model({"x": X}, training=True)[1].numpy()
    assert (trained == 0).any() and np.allclose(trained[trained != 0], 2 * h[trained != 0], rtol=1e-4)


COPIES = {
    "config": lambda m: Model.from_config(m.get_config()),
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "deepcopy": copy.deepcopy,
    "clone": clone_model,
    "recursive clone": lambda m: clone_model(
        m, recursive=True, clone_function=lambda layer: type(layer).from_config(layer.get_config())
    ),
}


@pytest.mark.parametrize("how", COPIES.values(), ids=COPIES)
def test_copies(how):
    model = nested()
    other = how(model)
    if how in (pickle, copy.deepcopy):
        np.testing.assert_array_equal(other({"x": X})[0], model({"x": X})[0])
    other.set_weights(model.get_weights())
    for a, b in zip(other({"x": X}), model({"x": X})):
        np.testing.assert_array_equal(a, b)
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert all(a is not b for a, b in zip(other.weights, model.weights))
    assert other.get_config() == model.get_config()
    other.get_layer("shared").kernel.assign(np.zeros((4, 4)))
    assert model.get_layer("shared").kernel.numpy().any()


def test_a_layer_of_several_models_stays_one():
    inner = Sequential([Input((4,)), layers.Dense(4)], name="inner")
    b = Input((4,), name="b")
    outer = Model(b, inner(Model(b, b + inner(b), name="residual")(b)))
    entry = json.loads(json.dumps(saving.serialize_keras_object(outer)))
    copies = (Model.from_config(outer.get_config()), saving.deserialize_keras_object(entry), copy.deepcopy(outer))
    for other in copies:
        assert len(other.weights) == 2
        other.set_weights(outer.get_weights())
        np.testing.assert_array_equal(other(X), outer(X))


def test_clone_on_other_inputs_and_with_other_calls():
    model = nested()
    x = Input((4,), name="other")
    called = []

    def call(layer, *args, **kwargs):
        called.append(layer.name)
        return layer(*args, **kwargs)

    copied = clone_model(model, input_tensors={"x": x}, clone_function=lambda layer: layer, call_function=call)
    assert copied.inputs == [x] and called == ["inner", "act", "inner", "shared", "shared", "sum", "drop"]
    np.testing.assert_array_equal(copied({"x": X})[0], model({"x": X})[0])
    with pytest.raises(ValueError, match="expected a model"):
        clone_model(layers.Dense(2))


def test_training_argument():
    """Given to the call that was recorded, it holds; else the model's own counts."""
    a = Input((200,))
    drop = layers.Dropout(0.5)
    always, sometimes, never = drop(a, training=True), drop(a), drop(a, training=False)
    model = Model(a, [always, sometimes, never])
    ones = np.ones((1, 200), "float32")
    changed = lambda t: [bool((y.numpy() != 1).any()) for y in model(ones, training=t)]
    assert changed(None) == [True, False, False] and changed(True) == [True, True, False]
    assert changed(False) == [True, False, False]


def test_added_losses():
    a = Input((4,))
    layer = layers.Dense(2, kernel_regularizer="l2", activity_regularizer="l1")
    out = layer(a)
    model = Model(a, out)
    model.add_loss(ops.mean(ops.square(out)))
    y = model(X).numpy()
    found = [float(loss) for loss in model.losses]
    expected = [np.mean(y ** 2), 0.01 * np.abs(y).sum() / 3, 0.01 * np.sum(layer.kernel.numpy() ** 2)]
    np.testing.assert_allclose(sorted(found), sorted(expected), rtol=1e-5, atol=1e-6)
    assert len(copy.deepcopy(model).losses) == 1
    twin = copy.deepcopy(model)
    twin(X)
    assert len(twin.losses) == 3
    layer.trainable = False
    model(X)
    assert len(model.losses) == 2


def test_constructor_of_a_subclass():
    class Mine(Model):
        def __init__(self, units=3):
            a = Input((4,))
            super().__init__(a, layers.Dense(units)(a))
            self.units = units

    model = Mine(5)
    assert model(X).shape == (3, 5) and model.is_functional and model.name == "mine"
    assert Mine.from_config(model.get_config())(X).shape == (3, 5)
    assert copy.deepcopy(model).units == 5


CYCLE = {
    "name": "m",
    "layers": [
        {
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, 2], "name": "i"},
            "name": "i",
            "inbound_nodes": [],
        },
        {
            "class_name": "Add",
            "config": {"name": "p"},
            "name": "p",
            "inbound_nodes": [[["i", 0, 0, {}], ["q", 0, 0, {}]]],
        },
        {
            "class_name": "Activation",
            "config": {"name": "q", "activation": "relu"},
            "name": "q",
            "inbound_nodes": [[["p", 0, 0, {}]]],
        },
    ],
    "input_layers": [["i", 0, 0]],
    "output_layers": [["q", 0, 0]],
}


def test_configs_that_make_no_graph():
    with pytest.raises(ValueError, match="'p', 'q' wait for each other"):
        Model.from_config(CYCLE)
    missing = {**CYCLE, "layers": [CYCLE["layers"][0], {**CYCLE["layers"][2], "inbound_nodes": [[["r", 0, 0, {}]]]}]}
    with pytest.raises(ValueError, match="layer 'r', which it does not define"):
        Model.from_config(missing)
    far = {**missing, "layers": [CYCLE["layers"][0], {**CYCLE["layers"][2], "inbound_nodes": [[["i", 0, 0, {}]]]}],
           "output_layers": [["q", 3, 0]]}
    with pytest.raises(ValueError, match="call 3 of 'q'"):
        Model.from_config(far)
    twice = {**CYCLE, "layers": [CYCLE["layers"][0]] * 2}
    with pytest.raises(ValueError, match="two layers 'i'"):
        Model.from_config(twice)


def test_reset_states_of_layers_with_states_alone():
    i = Input(batch_shape=(2, 3, 1))
    plain = layers.Bidirectional(layers.SimpleRNN(2, return_sequences=True))(i)
    m = Model(i, layers.SimpleRNN(2, stateful=True)(plain))
    first = m.predict(np.ones((2, 3, 1)), verbose=0)
    assert not np.array_equal(first, m.predict(np.ones((2, 3, 1)), verbose=0))
    m.reset_states()
    np.testing.assert_array_equal(first, m.predict(np.ones((2, 3, 1)), verbose=0))
