"""Objects to configs and back: both forms, custom objects, what is refused."""
import json

import numpy as np
import pytest

from kgraph import Input, Layer, Model, initializers, layers, ops, saving
from kgraph.serialization import deserialize_keras_object, safe_mode_scope, serialize_keras_object

VALUES = [None, 3, 2.5, "text", [1, [2.0, None]], {"a": 1, "b": {"c": "relu"}}, slice(1, None, 2), Ellipsis, b"bytes"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_values(value):
    assert deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(value)))) == value


def test_arrays():
    a = np.arange(6, dtype="int16").reshape(2, 3)
    b = deserialize_keras_object(serialize_keras_object(a))
    assert b.dtype == "int16" and (a == b).all()
    assert serialize_keras_object(np.float32(2)) == 2.0 and serialize_keras_object(np.array(3)) == 3
    assert serialize_keras_object(ops.convert_to_tensor(a))["class_name"] == "__tensor__"
    with pytest.raises(ValueError, match="received dtype 'O'"):
        deserialize_keras_object({"class_name": "__numpy__", "config": {"value": [1], "dtype": "O"}})


def test_both_forms_of_a_layer():
    dense = layers.Dense(3, activation="relu", kernel_initializer=initializers.HeNormal(seed=1), name="d")
    dense.build((None, 4))
    entry = serialize_keras_object(dense)
    assert {k: entry[k] for k in ("module", "class_name", "registered_name", "build_config")} == {
        "module": "keras.layers",
        "class_name": "Dense",
        "registered_name": None,
        "build_config": {"input_shape": (None, 4)},
    }
    again = deserialize_keras_object(json.loads(json.dumps(entry)))
    assert again.built and again.kernel.shape == (4, 3) and again.get_config() == dense.get_config()
    old = {
        "class_name": "Dense",
        "config": {
            "name": "d",
            "units": 3,
            "activation": "relu",
            "dtype": "float32",
            "trainable": True,
            "batch_input_shape": [None, 4],
            "kernel_initializer": {
                "class_name": "VarianceScaling",
                "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "normal", "seed": None},
            },
        },
    }
    assert layers.deserialize(old)(np.ones((2, 4), "float32")).shape == (2, 3)


class Mine(Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor


def test_three_ways_to_make_a_class_known():
    x = Input((2,))
    model = Model(x, Mine(3.0)(x))
    text = json.dumps(serialize_keras_object(model))
    with pytest.raises(
        ValueError, match="unknown class 'Mine'.*register_keras_serializable.*custom_objects.*custom_object_scope"
    ):
        deserialize_keras_object(json.loads(text))
    given = deserialize_keras_object(json.loads(text), custom_objects={"Mine": Mine})
    with saving.custom_object_scope({"Mine": Mine}):
        scoped = deserialize_keras_object(json.loads(text))
    for m in (given, scoped):
        np.testing.assert_array_equal(m(np.ones((1, 2), "float32")), [[3, 3]])
    with pytest.raises(ValueError, match="unknown class"):
        deserialize_keras_object(json.loads(text))


def test_registration():
    @saving.register_keras_serializable("pack", name="Known")
    class Registered(Mine):
        pass

    @saving.register_keras_serializable("pack")
    def doubled(x):
        return x * 2

    try:
        assert saving.get_registered_name(Registered) == "pack>Known"
        assert saving.get_registered_object("pack>Known") is Registered
        entry = serialize_keras_object(Registered(4.0))
        assert entry["registered_name"] == "pack>Known"
        assert deserialize_keras_object(entry).factor == 4.0
        layer = layers.Dense(2, activation=doubled)
        assert layer.get_config()["activation"]["config"] == "pack>doubled"
        assert layers.Dense.from_config(layer.get_config()).activation is doubled
        lam = layers.deserialize(serialize_keras_object(layers.Lambda(doubled)))
        assert lam.function is doubled
    finally:
        for key in ("pack>Known", "pack>doubled"):
            del saving.get_custom_objects()[key]
    with pytest.raises(ValueError, match="get_config"):
        saving.register_keras_serializable()(type("NoConfig", (), {}))


@pytest.mark.parametrize("config", [
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
    {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"},
    {"module": "kgraph.utils.files", "class_name": "get_file", "config": {}, "registered_name": None},
    {"module": "subprocess", "class_name": "Popen", "config": {"args": "true"}, "registered_name": None},
    {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"},
    {"class_name": "Sequental", "config": {}}])
def test_what_is_not_in_the_tables_is_refused(config):
    with pytest.raises(ValueError, match="unknown"):
        deserialize_keras_object(config)


def test_lambdas_need_consent():
    layer = layers.Lambda(lambda x, k=3: x * k)
    entry = json.loads(json.dumps(serialize_keras_object(layer)))
    old = {"class_name": "Lambda", "config": {"name": "l", "function_type": "lambda", "function": [
        entry["config"]["function"]["config"]["code"], [3], None]}}
    for config in (entry, old):
        with pytest.raises(ValueError, match="safe_mode=False"):
            deserialize_keras_object(config)
        with safe_mode_scope(True), pytest.raises(ValueError, match="safe mode"):  # no inner call lifts it
            deserialize_keras_object(config, safe_mode=False)
        again = deserialize_keras_object(config, safe_mode=False)
        np.testing.assert_array_equal(again(np.ones((1, 2), "float32")), [[3, 3]])
    factor = 4.0
    captured = layers.Lambda(lambda x: ops.exp(x) * factor)
    with safe_mode_scope(False):
        twin = layers.Lambda.from_config(captured.get_config())
    np.testing.assert_allclose(twin(np.zeros((1, 1), "float32")), [[4.0]])


@pytest.mark.parametrize("config,message", [
    ({"class_name": "Dense", "config": {"units": 3, "unts": 1}}, "unknown argument 'unts'"),
    ({"class_name": "Dense", "config": "text"}, "expected a config"), (object(), "plain data"),
    ({"class_name": "Dens", "config": {}}, "Did you mean 'Dense'")])
def test_bad_configs(config, message):
    with pytest.raises((TypeError, ValueError), match=message):
        deserialize_keras_object(config)
