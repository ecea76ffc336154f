"""Names of older versions, and those of Keras 3 that are about settings, scopes and graphs."""
import copy
import importlib
import pickle

import numpy as np
import pytest

import kgraph
from kgraph import Input, Model, Sequential, backend, config, dtype_policies, layers, losses, models, ops, utils
from kgraph.legacy.paths import NAMES

X, Y = np.arange(12, dtype="float32").reshape(4, 3) / 12, np.ones((4, 1), "float32")


@pytest.mark.parametrize("name", NAMES)
def test_old_names_are_found(name):
    module, _, attribute = name.rpartition(".")
    assert getattr(importlib.import_module(f"kgraph.{module}"), attribute) is not None


def test_old_modules_have_them_too():
    from kgraph.layers.core import Merge
    from kgraph.utils.losses_utils import Reduction
    assert Merge is layers.Merge and Reduction is losses.Reduction


@pytest.mark.parametrize("name,wanted", [("NONE", (4,)), ("SUM", ()), ("SUM_OVER_BATCH_SIZE", ()), ("AUTO", ())])
def test_reduction(name, wanted):
    reduction = getattr(losses.Reduction, name)
    loss = losses.MeanSquaredError(reduction=reduction)(Y, 0 * Y)
    assert loss.shape == wanted and float(ops.sum(loss)) == (1.0 if name in ("AUTO", "SUM_OVER_BATCH_SIZE") else 4.0)
    losses.Reduction.validate(reduction)
    with pytest.raises(ValueError, match="reduction: expected one of auto, none, .*, received 'mean'"):
        losses.Reduction.validate("mean")


def branches():
    return [Sequential([layers.Dense(2, input_dim=3, kernel_initializer="ones")]) for _ in range(2)]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_sequential_of_branches_has_weights_before_it_is_called(tmp_path):
    m = Sequential([layers.Merge(branches(), mode="concat"), layers.Dense(5), layers.Dense(1)])
    assert [w.shape for w in m.weights[4:]] == [(4, 5), (5,), (5, 1), (1,)] and m.input_shape == [(None, 3)] * 2
    assert m.output_shape == (None, 1) and "build_input_shape" not in m.get_config()
    copies = [Sequential.from_config(m.get_config()), models.clone_model(m)]
    m.save(tmp_path / "m.keras")
    for copied in (*copies, models.load_model(tmp_path / "m.keras")):
        copied.set_weights(m.get_weights())
        np.testing.assert_array_equal(copied([X, X]), m([X, X]))
    outer = Sequential([m, layers.Dense(2)])
    assert len(outer.weights) == 10 and outer([X, X]).shape == (4, 2)
    m.pop()
    assert m.output_shape == (None, 5) and len(m.weights) == 6
    m.pop()
    assert len(m.layers) == 1 and m([X, X]).shape == (4, 4)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("mode,wanted", [
    ("sum", [6.0, 6.0]), ("mul", [9.0, 9.0]), ("concat", [3.0] * 4), ("ave", [3.0, 3.0]), ("max", [3.0, 3.0]),
    ("dot", [18.0]), ("cos", [1.0]), (lambda x: x[0] - 2 * x[1], [-3.0, -3.0])])
def test_merge_of_keras1(mode, wanted):
    ones = np.ones((4, 3), "float32")
    m = Sequential()
    m.add(layers.Merge(branches(), mode=mode))
    m.add(layers.Dense(1, kernel_initializer="ones"))
    assert m.predict([ones, ones], verbose=0).ravel() == pytest.approx([sum(wanted)] * 4)
    m.compile("sgd", "mse")
    m.fit([X, X], Y, verbose=0)
    inputs = [Input((3,)), Input((3,))]
    both = Model(inputs, layers.merge([layers.Dense(2, kernel_initializer="ones")(x) for x in inputs], mode=mode))
    assert both.predict([ones, ones], verbose=0)[0] == pytest.approx(wanted)


def test_merge_is_a_module_too():
    from kgraph.layers.merge import add, concatenate
    assert add is layers.add and concatenate is layers.concatenate
    x = Input((3,))
    with pytest.warns(FutureWarning, match=r"merge\(mode='concat'\) of Keras 1 is now layers.Concatenate\(axis=1\)"):
        layers.merge([x, x], "concat", 1)
    with pytest.raises(ValueError, match="mode: expected sum, mul, .*, received 'summ'. Did you mean 'sum'"):
        layers.merge([x, x], "summ")
    with pytest.raises(TypeError, match="layers.core is a module"):
        layers.core()


def test_model_from_config():
    m = branches()[0]
    again = models.model_from_config({"class_name": "Sequential", "config": m.get_config()})
    assert again.get_config() == m.get_config()
    with pytest.raises(ValueError, match="expected a dict with class_name and config, received list"):
        models.model_from_config([])


@pytest.mark.parametrize("name", ["TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"])
def test_layers_of_other_libraries(name):
    with pytest.raises(NotImplementedError, match=f"{name}: .* which kgraph cannot compile"):
        getattr(layers, name)("anything")


# ------------------------------------------------------------------ settings
@pytest.fixture
def limits():
    yield
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


@pytest.mark.parametrize("form", ["arrays", "generator"])
def test_limits(limits, form):
    m = Sequential([Input((3,)), layers.Dense(1)])
    m.compile("sgd", "mse")
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    seen = []
    count = kgraph.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    with pytest.warns(UserWarning, match="epochs is limited to 2"):
        if form == "arrays":
            m.fit(np.zeros((10, 3)), np.zeros((10, 1)), batch_size=1, epochs=5, verbose=0, callbacks=[count])
        else:
            m.fit(iter([(X, Y)] * 20), steps_per_epoch=9, epochs=5, verbose=0, callbacks=[count])
    assert seen == [0, 1, 2, 0, 1, 2]
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (2, 3)
    assert m.predict(np.zeros((10, 3)), batch_size=1, verbose=0).shape == (3, 1)
    with pytest.raises(ValueError, match="max_epochs: expected None or an int of 1 or more, received 0"):
        config.set_max_epochs(0)


def test_backend_settings():
    config.set_backend("tensorflow")
    with pytest.raises(ValueError, match="set_backend: expected 'tensorflow', .* received 'jax'"):
        config.set_backend("jax")
    assert not config.is_nnx_enabled() and not config.is_flash_attention_enabled()
    assert utils.is_interactive_logging_enabled() == config.is_interactive_logging_enabled()
    assert backend.pattern_broadcast(X, [True, False]) is X and backend.Variable is kgraph.Variable
    assert backend.where(X > 0.5, 1.0, 0.0).numpy().sum() == (X > 0.5).sum()


def test_config_of_utils():
    c = utils.Config(a=1)
    c.b = 2
    c["c"] = 3
    assert dict(c) == c.as_dict() == {"a": 1, "b": 2, "c": 3} and len(c) == 3 and "b" in c and c.get("z", 5) == 5
    assert c.pop("c") == 3 and c.to_json() == '{"a": 1, "b": 2}'
    for same in (copy.deepcopy(c), pickle.loads(pickle.dumps(c))):
        assert same.as_dict() == c.as_dict()
    c.freeze()
    for change in (lambda: setattr(c, "a", 2), lambda: c.update(a=2), lambda: c.pop("a")):
        with pytest.raises(ValueError, match="not frozen"):
            change()
    assert c.frozen and c.a == 1
    with pytest.raises(AttributeError, match="Config has no setting 'aa'. Did you mean 'a'"):
        _ = c.aa


# ------------------------------------------------------------------ scopes and graphs
def test_scopes():
    for name in ("cpu", "cpu:0", "CPU:0", "/device:CPU:0"):
        with kgraph.device(name), kgraph.name_scope("abc", caller=None), kgraph.SymbolicScope():
            assert ops.ones(2).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="device: expected 'cpu'.* received 'gpu:0'"), kgraph.device("gpu:0"):
        pass


def test_function_of_a_graph():
    a, b = Input((3,)), Input((3,))
    f = kgraph.Function([a, b], {"sum": a + b, "first": layers.Dense(1, kernel_initializer="ones")(a)})
    found = f([X, X])
    np.testing.assert_allclose(found["sum"], 2 * X)
    np.testing.assert_allclose(found["first"][:, 0], X.sum(1), rtol=1e-6)
    assert f([a, b])["sum"].shape == (None, 3) and f.inputs == [a, b] and len(f.outputs) == 2
    with pytest.raises(ValueError, match="expected 2 inputs, received 1"):
        f([X])
    assert utils.get_source_inputs(f.outputs[1]) == [a, b] and utils.get_source_inputs(f.outputs) == [a, b]
    assert utils.is_keras_tensor(a) and not utils.is_keras_tensor(1) and utils.standardize_dtype(None) == "float32"


def test_policies_by_path():
    policies = dtype_policies.DTypePolicyMap("float32", {"wide": "float64", "enc/.*": kgraph.DTypePolicy("float64")})
    assert policies["enc/dense"].name == "float64" and policies["enc"].name == policies["x"].name == "float32"
    assert policies.name == "map_float32" and len(policies) == 2 and kgraph.FloatDTypePolicy is kgraph.DTypePolicy
    assert dtype_policies.get(dtype_policies.serialize(policies)) == policies
    with pytest.raises(ValueError, match="expected a path without a policy, received 'wide'"):
        policies["wide"] = "float32"
    with pytest.raises(ValueError, match="expected a policy or its name, received 1"):
        policies["z"] = 1
    with pytest.raises(ValueError, match="expected at most one pattern for the path 'enc/a'"):
        dtype_policies.DTypePolicyMap(None, {".*/a": "float64", "enc/.*": "float64"})["enc/a"]
    wide, narrow = layers.Dense(1, name="wide", dtype=policies), layers.Dense(1, name="narrow", dtype=policies)
    assert wide(X).dtype == wide.kernel.dtype == "float64" and narrow(X).dtype == narrow.kernel.dtype == "float32"
    assert layers.Dense.from_config(wide.get_config()).dtype_policy == policies
