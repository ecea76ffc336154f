"""Saving and loading of whole models and weights: the way round, names, what is kept, what is refused."""
import json
import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from golden_models import batch

import kgraph
from kgraph import layers
from kgraph.models import load_model, model_from_json, model_from_yaml

SUFFIXES = [".keras", ".h5", ".hdf5"]


def same_weights(a, b):
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip(model, tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    model.save(path)
    copy = load_model(path)
    same_weights(copy, model)
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
    assert copy.name == model.name and copy.optimizer.get_config() == model.optimizer.get_config()
    for v, w in zip(copy.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())
    np.testing.assert_array_equal(copy.predict(batch()[0], verbose=0), model.predict(batch()[0], verbose=0))
    model.reset_metrics()
    for _ in range(3):
        assert copy.train_on_batch(*batch()) == model.train_on_batch(*batch())
    same_weights(copy, model)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_without_optimizer(model, tmp_path, suffix):
    model.save(tmp_path / f"a{suffix}", include_optimizer=False)
    assert not load_model(tmp_path / f"a{suffix}").compiled
    model.save(tmp_path / f"b{suffix}")
    assert not load_model(tmp_path / f"b{suffix}", compile=False).compiled


@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5", "m.hdf5", "whole.keras", "whole.h5"])
def test_weights(model, tmp_path, name):
    (model.save if name.startswith("whole") else model.save_weights)(tmp_path / name)
    copy = kgraph.models.clone_model(model)
    copy.load_weights(tmp_path / name)
    same_weights(copy, model)


def test_formats_are_told_by_contents(model, tmp_path):
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    (tmp_path / "m.keras").rename(tmp_path / "a.h5")
    (tmp_path / "m.h5").rename(tmp_path / "b.keras")
    same_weights(load_model(tmp_path / "a.h5"), load_model(tmp_path / "b.keras"))
    model.save(tmp_path / "noname", save_format="h5")
    same_weights(load_model(tmp_path / "noname"), model)


def test_layout_of_the_archive(model, tmp_path):
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as z:
        assert z.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(z.read("metadata.json"))["keras_version"].startswith("3.")
        assert json.loads(z.read("config.json"))["class_name"] == "Functional"
        with z.open("model.weights.h5") as f, h5py.File(f) as h:
            assert h["layers/dense/vars/0"].shape == (4, 3) and h["layers/dense_1/vars"].attrs["name"] == "out"
            assert h["optimizer/vars/0"][()] == 2 and len(h["optimizer/vars"]) == 2 + 8


# ------------------------------------------------------------------ durability
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_save_leaves_the_old_file(model, tmp_path, suffix, monkeypatch):
    path = tmp_path / f"m{suffix}"
    model.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(h5py.Group, "create_dataset", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_overwrite(model, tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    model.save(path)
    model.save(path)
    with pytest.raises(FileExistsError, match="overwrite=False"):
        model.save(path, overwrite=False)


KILLED = """
import os, signal, sys
import h5py
from kgraph.models import load_model
model, create = load_model(sys.argv[1]), h5py.Group.create_dataset
def dies(self, *args, **kwargs):
    create(self, *args, **kwargs)
    self.file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
h5py.Group.create_dataset = dies
model.save(sys.argv[1])
"""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_killed_save_leaves_the_old_file(model, tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    model.save(path)
    run = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=500,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
    assert run.returncode == -9
    same_weights(load_model(path), model)
    assert len(list(tmp_path.iterdir())) > 1
    model.save(path)
    assert list(tmp_path.iterdir()) == [path], "the next save removes what the killed one left"


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_large_models_are_saved_and_loaded_in_slices(tmp_path, suffix):
    import tracemalloc
    x = kgraph.Input((1000,))
    big = kgraph.Model(x, layers.Dense(25_000, name="big")(x))   # 100 MB
    path = tmp_path / f"m{suffix}"
    weights = suffix == ".weights.h5"
    tracemalloc.start()
    (big.save_weights if weights else big.save)(path)
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.reset_peak()
    if weights:
        big.load_weights(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    else:
        load_model(path)
        assert tracemalloc.get_traced_memory()[1] < (100 + 64) << 20
    tracemalloc.stop()


# ------------------------------------------------------------------ errors
@pytest.mark.parametrize("arguments, message", [
    ({"filepath": "m", "save_format": "tf"}, "SavedModel is not written"),
    ({"filepath": "m.txt"}, "ends in .keras or .h5"),
    ({"filepath": "m"}, "ends in .keras or .h5"), ({"filepath": "m.keras", "save_format": "onnx"}, "received 'onnx'"),
])
def test_save_refuses(model, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        model.save(**arguments)


def test_save_weights_under_another_name_says_which_format_it_has(model, tmp_path):
    with pytest.warns(FutureWarning, match="weights.h5"):
        model.save_weights(tmp_path / "m.ckpt")
    before = model.get_weights()
    model.set_weights([0 * w for w in before])
    model.load_weights(tmp_path / "m.ckpt")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


def test_save_refuses_an_unbuilt_model(tmp_path):
    with pytest.raises(ValueError, match="not built"):
        kgraph.Sequential([layers.Dense(2)]).save(tmp_path / "m.keras")


@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5"])
def test_all_mismatches_in_one_error(model, tmp_path, name):
    model.save_weights(tmp_path / name)
    x = kgraph.Input((4,), name="x")
    other = kgraph.Model(x, layers.Dense(7, name="out")(layers.Dense(5, name="hidden")(x)))
    before = other.get_weights()
    with pytest.raises(ValueError) as e:
        other.load_weights(tmp_path / name)
    for text in ("hidden", "(4, 5)", "(4, 3)", "(5,)", "(3,)", "out", "(5, 7)", "(3, 2)"):
        assert text in str(e.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights()))


@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5"])
def test_skip_mismatch(model, tmp_path, name):
    model.save_weights(tmp_path / name)
    x = kgraph.Input((4,), name="x")
    other = kgraph.Model(x, layers.Dense(7, name="out")(layers.Dense(3, name="hidden")(x)))
    before = other.get_weights()
    with pytest.warns(UserWarning, match=r"expected shape \(3, 7\)"):
        other.load_weights(tmp_path / name, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    np.testing.assert_array_equal(other.get_weights()[2], before[2])


def test_by_name(model, tmp_path):
    model.save_weights(tmp_path / "m.h5")
    x = kgraph.Input((4,))
    other = kgraph.Model(x, layers.Dense(2, name="new")(layers.Dense(3, name="hidden")(x)))
    fresh = other.get_weights()[2]
    other.load_weights(tmp_path / "m.h5", by_name=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    np.testing.assert_array_equal(other.get_weights()[2], fresh)
    model.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="Leave by_name out"):
        other.load_weights(tmp_path / "m.weights.h5", by_name=True)


@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5"])
def test_another_number_of_layers(model, tmp_path, name):
    model.save_weights(tmp_path / name)
    x = kgraph.Input((4,))
    other = kgraph.Model(x, layers.Dense(2)(layers.Dense(2)(layers.Dense(3)(x))))
    with pytest.raises(ValueError, match="expected"):
        other.load_weights(tmp_path / name)


def test_weights_alone_are_no_model(model, tmp_path):
    model.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="weights only"):
        load_model(tmp_path / "m.weights.h5")


def test_truncated(model, tmp_path):
    for suffix in SUFFIXES:
        path = tmp_path / f"m{suffix}"
        model.save(path)
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(ValueError, match="damaged|cut short|neither"):
            load_model(path)


# ------------------------------------------------------------------ custom objects
@pytest.fixture
def custom(tmp_path):
    class Twice(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((input_shape[-1],), "ones", name="w")

        def call(self, x):
            return x * self.w * 2

    x = kgraph.Input((3,))
    model = kgraph.Model(x, Twice(name="twice")(x))
    model.get_layer("twice").w.assign([1, 2, 3])
    model.save(tmp_path / "m.keras")
    return Twice, model, tmp_path / "m.keras"


def test_a_missing_custom_object_is_named(custom):
    with pytest.raises(ValueError) as e:
        load_model(custom[2])
    for text in ("'Twice'", "register_keras_serializable", "custom_objects={'Twice': ...}", "custom_object_scope"):
        assert text in str(e.value)


def test_custom_objects(custom):
    cls, model, path = custom
    same_weights(load_model(path, custom_objects={"Twice": cls}), model)
    with kgraph.saving.custom_object_scope({"Twice": cls}):
        same_weights(load_model(path), model)


class OwnState(layers.Layer):
    """A layer that saves in its own way."""

    def build(self, input_shape):
        self.w = self.add_weight((2,), "zeros", name="w")

    def call(self, x):
        return x + self.w

    def save_own_variables(self, store):
        store["both"] = np.stack([self.w.numpy(), self.w.numpy()])

    def load_own_variables(self, store):
        self.w.assign(store["both"][1])


def test_a_layer_with_its_own_way_of_saving(tmp_path):
    x = kgraph.Input((2,))
    model = kgraph.Model(x, OwnState()(x))
    model.layers[1].w.assign([3, 4])
    model.save(tmp_path / "m.keras")
    copy = load_model(tmp_path / "m.keras", custom_objects={"OwnState": OwnState})
    assert copy.layers[1].w.numpy().tolist() == [3, 4]


class Blocks(kgraph.Model):
    """A subclassed model with layers in lists and dicts, and a weight of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [layers.Dense(3), [layers.Dense(2)]]
        self.heads = {"b": layers.Dense(2), "a": layers.Dense(2)}
        self.scale = self.add_weight(shape=(2,), initializer="ones", name="scale")

    def call(self, x):
        x = self.blocks[1][0](self.blocks[0](x))
        return (self.heads["a"](x) + self.heads["b"](x)) * self.scale

    def get_config(self):
        return {"name": self.name}


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_subclassed(tmp_path, suffix):
    x = batch()[0]
    model, path = Blocks(), tmp_path / f"m{suffix}"
    y = model(x).numpy()
    if suffix == ".keras":
        model.save(path)
        copy = load_model(path, custom_objects={"Blocks": Blocks})
    else:
        model.save_weights(path)
        copy = Blocks()
        copy(x)
        copy.load_weights(path)
    np.testing.assert_array_equal(copy(x).numpy(), y)


@pytest.mark.parametrize("write, read", [("to_json", model_from_json), ("to_yaml", model_from_yaml)])
def test_architecture_as_text(model, write, read):
    copy = read(getattr(model, write)())
    assert [layer.get_config() for layer in copy.layers] == [layer.get_config() for layer in model.layers]
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(batch()[0], verbose=0), model.predict(batch()[0], verbose=0))


@pytest.mark.parametrize("read", [model_from_json, model_from_yaml])
@pytest.mark.parametrize("given", [None, {"class_name": "Sequential"}])
def test_architecture_that_is_no_text(read, given):
    with pytest.raises(TypeError, match=f"expected text, received .* of type {type(given).__name__}"):
        read(given)


def test_custom_objects_that_are_no_dict(model):
    with pytest.raises(TypeError, match="custom_objects: expected a dict"):
        model_from_json(model.to_json(), custom_objects=[layers.Dense])


def test_frozen_layers_keep_their_order(tmp_path):
    x = kgraph.Input((4,))
    model = kgraph.Model(x, layers.Dense(2, name="b")(layers.Dense(3, name="a")(x)))
    model.get_layer("a").trainable = False
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        copy = load_model(tmp_path / name)
        same_weights(copy, model)
        assert not copy.get_layer("a").trainable and len(copy.trainable_weights) == 2


def test_h5_of_an_untrained_model_loads_without_a_warning(tmp_path, recwarn):
    model = kgraph.Sequential([kgraph.Input((3,)), kgraph.layers.Dense(2)])
    model.compile("adam", "mse")
    model.save(tmp_path / "m.h5")
    recwarn.clear()
    again = kgraph.models.load_model(tmp_path / "m.h5")
    assert not recwarn.list and float(again.optimizer.learning_rate.numpy()) == np.float32(0.001)


def change_config(path, change):
    """Change the config in an archive or an HDF5 file, as another writer would have written it."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(change(json.loads(file.attrs["model_config"])))
        return
    with zipfile.ZipFile(path) as z:
        members = {name: z.read(name) for name in z.namelist()}
    members["config.json"] = json.dumps(change(json.loads(members["config.json"])))
    with zipfile.ZipFile(path, "w") as z:
        for name, data in members.items():
            z.writestr(name, data)


def calls_with(training):
    def change(config):
        for entry in config["config"]["layers"]:
            for call in entry["inbound_nodes"]:
                call["kwargs"]["training"] = training
        return config
    return change


@pytest.mark.parametrize("recorded", [True, False])
def test_training_that_keras_records_by_itself_is_not_an_argument(tmp_path, recorded):
    x = kgraph.Input((400,))
    kgraph.Model(x, layers.Dropout(0.5)(x)).save(tmp_path / "m.keras")
    change_config(tmp_path / "m.keras", calls_with(recorded))
    model, ones = load_model(tmp_path / "m.keras"), np.ones((1, 400), "float32")
    np.testing.assert_array_equal(model.predict(ones, verbose=0), ones)
    assert set(np.asarray(model(ones, training=True)).ravel()) == {0.0, 2.0}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_training_that_was_given_stays(tmp_path, suffix):
    x = kgraph.Input((400,))
    h = layers.Dropout(0.5, name="always")(x, training=True)
    kgraph.Model(x, layers.Dropout(0.5, name="never")(h, training=False)).save(tmp_path / f"m{suffix}")
    model, ones = load_model(tmp_path / f"m{suffix}"), np.ones((1, 400), "float32")
    for training in (True, False):
        assert set(np.asarray(model(ones, training=training)).ravel()) == {0.0, 2.0}


def test_functions_in_hdf5_that_names_no_modules(tmp_path):
    """Keras 3 writes such files for models with operators or masks, and cannot read them."""
    x = kgraph.Input((5,))
    h = kgraph.ops.relu(x[:, 1:] * 2.0) + layers.Multiply()([x[:, 1:], x[:, :4]])
    model, values = kgraph.Model(x, h), np.linspace(-1, 1, 10, dtype="float32").reshape(2, 5)
    model.save(tmp_path / "m.h5")
    change_config(tmp_path / "m.h5", lambda config: {**config, "config": {**config["config"], "layers": [
        {k: v for k, v in entry.items() if k not in ("module", "registered_name")}
        for entry in config["config"]["layers"]]}})
    np.testing.assert_array_equal(load_model(tmp_path / "m.h5").predict(values, verbose=0),
                                  model.predict(values, verbose=0))


def test_functions_are_written_as_keras_writes_them():
    as_keras = {"module": "builtins", "class_name": "function", "registered_name": "function"}
    loss = kgraph.losses.mean_squared_error
    assert kgraph.saving.serialize_keras_object(loss) == {**as_keras, "config": "mean_squared_error"}
    assert kgraph.saving.deserialize_keras_object({**as_keras, "config": "mean_squared_error"}) is loss

    @kgraph.saving.register_keras_serializable("own")
    def halved(x):
        return x / 2

    config = layers.Dense(1, activation=halved).get_config()
    assert config["activation"] == {**as_keras, "config": "own>halved"}
    assert layers.Dense.from_config(config).activation is halved


def test_classes_have_the_names_under_which_keras_finds_them():
    config = kgraph.saving.serialize_keras_object(layers.GroupedQueryAttention(2, 4, 2))
    assert (config["module"], config["class_name"]) == ("keras.layers", "GroupQueryAttention")


def test_loss_scale_optimizer_has_the_state_of_keras(tmp_path):
    model = kgraph.Sequential([kgraph.Input((2,)), layers.Dense(1)])
    model.compile(kgraph.optimizers.LossScaleOptimizer(kgraph.optimizers.SGD(0.1), initial_scale=8.0), "mse")
    model.train_on_batch(np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
    model.save(tmp_path / "m.keras")
    variables = load_model(tmp_path / "m.keras").optimizer.variables
    assert [(v.name, float(v.numpy())) for v in variables[:4]] == [
        ("iteration", 0.0), ("learning_rate", 0.0), ("step_counter", 1.0), ("dynamic_scale", 8.0)]


def test_metrics_of_a_package_have_their_own_name():
    @kgraph.saving.register_keras_serializable("own")
    def gap(y_true, y_pred):
        return kgraph.ops.mean(kgraph.ops.abs(y_true - y_pred), axis=-1)

    model = kgraph.Sequential([kgraph.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "own>gap", metrics=["own>gap"])
    logs = model.test_on_batch(np.ones((2, 2), "float32"), np.ones((2, 1), "float32"), return_dict=True)
    assert logs == {"loss": 1.0, "gap": 1.0}
