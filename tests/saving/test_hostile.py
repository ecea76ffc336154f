"""A model file is data. One test for each way in which files have attacked their readers."""
import base64
import json
import marshal
import os
import zipfile

import h5py
import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.models import load_model, model_from_json, model_from_yaml
from kgraph.saving.text import read_json, read_yaml


@pytest.fixture
def keras_file(model, tmp_path):
    model.save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


@pytest.fixture
def h5_file(model, tmp_path):
    model.save(tmp_path / "m.h5")
    return tmp_path / "m.h5"


def rewrite(path, change=None, compression=zipfile.ZIP_STORED, **members):
    """Change the config of an archive, and replace or add members."""
    with zipfile.ZipFile(path) as z:
        contents = {n: z.read(n) for n in z.namelist()}
    if change:
        config = json.loads(contents["config.json"])
        change(config)
        contents["config.json"] = json.dumps(config)
    with zipfile.ZipFile(path, "w", compression) as z:
        for name, data in {**contents, **members}.items():
            z.writestr(name, data)
    return path


def rewrite_weights(path, change):
    """Change the HDF5 file in an archive."""
    with zipfile.ZipFile(path) as z:
        weights = path.with_name("weights.h5")
        weights.write_bytes(z.read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        change(file)
    return rewrite(path, **{"model.weights.h5": weights.read_bytes()})


def layer(config, name):
    return next(entry for entry in config["config"]["layers"] if entry["config"]["name"] == name)


def evil_code():
    return {"code": base64.b64encode(marshal.dumps(compile("EXECUTED.append(1)", "x", "eval"))).decode(),
            "defaults": None, "closure": None}


def replaced_layer(entry, **config):
    """A change that puts another layer in the place of `hidden`."""
    def change(model):
        hidden = layer(model, "hidden")
        hidden.update({**entry, "registered_name": None, "build_config": None})
        hidden["config"] = {"name": "hidden", **config}
    return change


# ------------------------------------------------------------------ code and names in configs
@pytest.mark.parametrize("module, name", [
    ("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("keras.utils", "get_file"),
    ("keras.config", "enable_unsafe_deserialization"), ("kgraph.utils", "get_file"), ("kgraph.config", "set_floatx"),
    ("numpy", "save"), ("keras.src.utils.file_utils", "get_file"), ("kgraph.serialization.lambdas", "load_lambda"),
])
@pytest.mark.parametrize("class_name", ["direct", "function"])
def test_names_in_a_config_are_not_imported(keras_file, module, name, class_name):
    entry = {"module": module, "class_name": name if class_name == "direct" else "function"}
    change = replaced_layer(entry)
    if class_name == "function":
        def change(config):
            layer(config, "hidden")["config"]["activation"] = {
                "module": module, "class_name": "function", "config": name, "registered_name": name}
    with pytest.raises(ValueError, match=f"unknown .*{name}|{name}"):
        load_model(rewrite(keras_file, change))


LAMBDA = {"module": "keras.layers", "class_name": "Lambda"}


@pytest.mark.parametrize("safe_mode", [True, None, 0, "", 1])
def test_lambda_code_is_refused(keras_file, safe_mode):
    change = replaced_layer(LAMBDA, function={"class_name": "__lambda__", "config": evil_code()})
    with pytest.raises(ValueError, match="safe_mode=False"):
        load_model(rewrite(keras_file, change), safe_mode=safe_mode)


def lambda_model():
    x = kgraph.Input((2,))
    return kgraph.Model(x, layers.Lambda(lambda v: v * 2 + 1, name="double")(x))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_code_is_refused_in_every_format(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    lambda_model().save(path)
    with pytest.raises(ValueError, match="safe_mode=False"):
        load_model(path)
    x = np.ones((1, 2), "float32")
    np.testing.assert_array_equal(load_model(path, safe_mode=False).predict(x, verbose=0), 3 * x)


def test_lambda_code_is_refused_in_text_and_copies():
    model = lambda_model()
    for load, text in ((model_from_json, model.to_json()), (model_from_yaml, model.to_yaml())):
        with pytest.raises(ValueError, match="safe_mode=False"):
            load(text)
        with pytest.raises(ValueError, match="safe_mode=False"):
            load(text, safe_mode=None)
        assert load(text, safe_mode=False).count_params() == 0
    with pytest.raises(ValueError, match="safe_mode=False"):
        kgraph.Model.from_config(model.get_config())
    with pytest.raises(ValueError, match="safe_mode=False"):
        layers.deserialize(kgraph.saving.serialize_keras_object(model.get_layer("double")))


def test_safe_mode_holds_inside_a_load(keras_file):
    """A config cannot lift it: no class in the file loads another with a laxer mode."""
    inner = {"class_name": "Lambda", "module": "keras.layers", "registered_name": None, "safe_mode": False,
             "config": {"name": "hidden", "function": {"class_name": "__lambda__", "config": evil_code()},
                        "safe_mode": False}}
    outer = {"module": "keras.layers", "class_name": "TimeDistributed", "safe_mode": False}
    change = replaced_layer(outer, layer=inner)
    with pytest.raises(ValueError):
        load_model(rewrite(keras_file, change))


@pytest.mark.parametrize("class_name", ["TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"])
def test_layers_that_load_other_formats_do_not_exist(keras_file, class_name):
    change = replaced_layer({"module": "keras.layers", "class_name": class_name}, filepath="/etc/passwd")
    with pytest.raises(ValueError, match=f"unknown class '{class_name}'"):
        load_model(rewrite(keras_file, change))


@pytest.mark.parametrize("dtype", ["object", "S5", "V8", "U9", "int8,int8", "intO", "datetime64", 5])
def test_arrays_in_configs_hold_numbers(keras_file, dtype):
    def change(config):
        value = {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": dtype}}
        layer(config, "hidden")["config"]["bias_initializer"] = {
            "module": "keras.initializers", "class_name": "Constant", "config": {"value": value}}
    with pytest.raises(ValueError, match="expected an array of numbers"):
        load_model(rewrite(keras_file, change))


def test_long_names_make_short_messages(keras_file):
    change = replaced_layer({"module": "keras.layers", "class_name": "x" * 1_000_000})
    with pytest.raises(ValueError, match="unknown class 'xxx") as e:
        load_model(rewrite(keras_file, change))
    assert len(str(e.value)) < 1000


@pytest.mark.parametrize("class_name", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_vocabularies_are_not_read_from_paths(keras_file, class_name):
    change = replaced_layer({"module": "keras.layers", "class_name": class_name}, vocabulary="/etc/passwd")
    with pytest.raises(ValueError):
        load_model(rewrite(keras_file, change))


def test_unconnected_calls_are_refused(keras_file):
    """A node without inputs would call a function of the library at load time."""
    def change(config):
        config["config"]["layers"].append({
            "module": "keras.src.ops.numpy", "class_name": "Zeros", "config": {"name": "zeros"}, "name": "zeros",
            "registered_name": "Zeros", "inbound_nodes": [{"args": [[1 << 40]], "kwargs": {}}]})
    with pytest.raises(ValueError):
        load_model(rewrite(keras_file, change))


def test_registered_names_do_not_shadow_known_classes(keras_file):
    def change(config):
        layer(config, "hidden")["registered_name"] = "Custom>Dense"
    assert type(load_model(rewrite(keras_file, change)).get_layer("hidden")) is layers.Dense


def test_a_load_changes_no_setting(keras_file):
    before = (kgraph.config.floatx(), kgraph.config.epsilon(), kgraph.config.image_data_format(),
              dict(kgraph.saving.get_custom_objects()))
    load_model(keras_file, custom_objects={"x": print})
    assert before == (kgraph.config.floatx(), kgraph.config.epsilon(), kgraph.config.image_data_format(),
                      dict(kgraph.saving.get_custom_objects()))


# ------------------------------------------------------------------ YAML and JSON
@pytest.mark.parametrize("text", [
    "!!python/object/apply:os.system ['echo']", "!!python/object/new:os.system ['echo']", "!!python/name:os.system",
    "!!python/module:os", "a: !custom b",
])
def test_yaml_holds_data_only(text):
    with pytest.raises(ValueError, match="more than data"):
        model_from_yaml(text)


def test_yaml_aliases_do_not_multiply():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for old, new in zip("abcdefgh", "bcdefghi"):
        bomb += f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    with pytest.raises(ValueError, match="at most 1000000 values"):
        read_yaml(bomb)


@pytest.mark.parametrize("text, message", [
    ("a: &a [*a]", "alias inside"), ("[" * 200, "levels"), ("a: " + "x" * (5 << 20), "at most"), ("a: [", "damaged"),
])
def test_yaml_limits(text, message):
    with pytest.raises(ValueError, match=message):
        read_yaml(text)


def test_yaml_reads_what_keras_2_wrote():
    text = "a: !!python/tuple [1, 2]\nb: &id001 [3]\nc: *id001\nd: !!python/unicode 'x'\n"
    assert read_yaml(text) == {"a": [1, 2], "b": [3], "c": [3], "d": "x"}


@pytest.mark.parametrize("text, message", [
    ("[" * 200 + "]" * 200, "levels"), ("[" * 100_000 + "]" * 100_000, "damaged"), ("{", "damaged"),
    ("[" + "0," * 1_000_001 + "0]", "at most 1000000 values"), (b"\xff", "damaged"),
])
def test_json_limits(text, message):
    with pytest.raises(ValueError, match=message):
        read_json(text, "test")


# ------------------------------------------------------------------ archives
@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_member_names_that_lead_outside(keras_file, name):
    with pytest.raises(ValueError, match="leads outside"):
        load_model(rewrite(keras_file, **{name: b"x"}))


def test_inflating_members(keras_file):
    rewrite(keras_file, compression=zipfile.ZIP_DEFLATED, **{"model.weights.h5": bytes(64 << 20)})
    with pytest.raises(ValueError, match="declares 67108864 bytes and stores"):
        load_model(keras_file)


def test_an_archive_packed_again_loads(keras_file, model):
    rewrite(keras_file, compression=zipfile.ZIP_DEFLATED)
    for a, b in zip(load_model(keras_file).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_unpacked(keras_file):
    before = sorted(os.listdir(keras_file.parent))
    load_model(rewrite(keras_file, **{"assets/x": b"x"}))
    assert sorted(os.listdir(keras_file.parent)) == before


def test_damaged_weights_do_not_agree_with_their_checksum(keras_file):
    data = bytearray(keras_file.read_bytes())
    data[data.index(b"\x89HDF") + 3000] ^= 1
    keras_file.write_bytes(data)
    with pytest.raises(ValueError, match="checksum"):
        load_model(keras_file)


# ------------------------------------------------------------------ HDF5
def replace(file, value=None, **options):
    path = "layers/dense/vars/0"
    if value is None and not options:
        del file[path]
        return path
    del file[path]
    file.create_dataset(path, data=value, **options)
    return path


def external_storage(file):
    path = replace(file)
    file.create_dataset(path, (4, 3), "f4", external=[("/etc/passwd", 0, 48)])


def virtual(file):
    path = replace(file)
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[...] = h5py.VirtualSource("/etc/other.h5", "x", (4, 3))
    file.create_virtual_dataset(path, layout)


def external_link(file):
    file[replace(file)] = h5py.ExternalLink("/etc/other.h5", "/x")


def soft_link(file):
    file[replace(file)] = h5py.SoftLink("/layers/dense_1/vars/0")


def linked_group(file):
    del file["layers/dense"]
    file["layers/dense"] = h5py.ExternalLink("/etc/other.h5", "/x")


def petabytes(file):
    file.create_dataset(replace(file), (1 << 25, 1 << 25), "f4", chunks=(64, 64), compression="gzip")


def unwritten(file):
    file.create_dataset(replace(file), (4, 3), "f4", chunks=(2, 2), compression="gzip")


def text_for_numbers(file):
    replace(file, np.full((4, 3), b"x"))


@pytest.mark.parametrize("attack, message", [
    (external_storage, "external file"), (virtual, "virtual|not known"), (external_link, "external link"),
    (soft_link, "soft link"), (linked_group, "external link"), (petabytes, r"expected shape \(4, 3\)"),
    (unwritten, "less than it declares|holds less|do not fit"), (text_for_numbers, "text instead of numbers"),
])
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_hdf5(keras_file, model, attack, message, suffix):
    if suffix == ".keras":
        rewrite_weights(keras_file, attack)
        with pytest.raises(ValueError, match=message):
            load_model(keras_file)
        return
    path = keras_file.with_name("m.weights.h5")
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        attack(file)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.load_weights(path)
    if attack is not unwritten:
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before))


def test_hdf5_links_in_the_older_layout(h5_file):
    with h5py.File(h5_file, "r+") as file:
        del file["model_weights/hidden"]
        file["model_weights/hidden"] = h5py.ExternalLink("/etc/other.h5", "/x")
    with pytest.raises(ValueError, match="external link"):
        load_model(h5_file)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a//b", "x" * 5000, ".", "\0"])
def test_weight_names_are_not_paths(h5_file, name):
    with h5py.File(h5_file, "r+") as file:
        file["model_weights/hidden"].attrs["weight_names"] = np.array([name.encode().rstrip(b"\0") or b"/", b"x"])
    with pytest.raises(ValueError, match="not a path|expected an array"):
        load_model(h5_file)


def test_a_config_cannot_ask_for_more_memory_than_the_file_fills(keras_file):
    def change(config):
        layer(config, "hidden")["config"]["units"] = 1 << 40
    with pytest.raises(ValueError, match="more than the file can hold"):
        load_model(rewrite(keras_file, change))


def test_shapes_are_compared_with_the_layers(keras_file):
    def change(config):
        layer(config, "hidden")["config"]["units"] = 5
        for name in ("hidden", "out"):
            layer(config, name)["build_config"] = None
    with pytest.raises(ValueError) as e:
        load_model(rewrite(keras_file, change))
    assert "layers/dense (hidden): expected shape (4, 5) for kernel, received (4, 3)" in str(e.value)
    assert "expected shape (5,) for bias, received (3,)" in str(e.value)
    assert "layers/dense_1 (out): expected shape (5, 2) for kernel, received (3, 2)" in str(e.value)


# ------------------------------------------------------------------ what is no model file
@pytest.mark.parametrize("contents, message", [
    (b"", "expected a .keras archive or an HDF5 file"), (b"{}", "model_from_json"),
    (b"PK\3\4", "expected a .keras archive"), (b"\x89HDF\r\n\x1a\n" + bytes(100), "damaged"),
])
def test_other_files(tmp_path, contents, message):
    (tmp_path / "m.keras").write_bytes(contents)
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path / "m.keras")


def test_folders_and_missing_files(tmp_path):
    with pytest.raises(ValueError, match="received a folder"):
        load_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match="received a TensorFlow SavedModel"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match="no model file"):
        load_model(tmp_path / "gone.keras")
