"""Files as Keras 1 and Keras 2.3 wrote them: their words, their order of weights, their meaning."""
import json
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from kgraph import Input, Model, layers
from kgraph.legacy.configs import hard_sigmoid_keras2, modern_config, version_tuple
from kgraph.models import clone_model, load_model, model_from_json


def write(path, config, layers, version, backend="tensorflow", training=None, optimizer=None):
    """A whole-model file: layers is {name: arrays}, optimizer [(name, array)]."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = version.encode(), backend.encode()
        file.attrs["model_config"] = json.dumps(config).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [n.encode() for n in layers]
        group.attrs["keras_version"], group.attrs["backend"] = version.encode(), backend.encode()
        for name, arrays in layers.items():
            own = group.create_group(name)
            own.attrs["weight_names"] = [f"{name}_w{i}".encode() for i in range(len(arrays))]
            for i, array in enumerate(arrays):
                own.create_dataset(f"{name}_w{i}", data=array)
        if training:
            file.attrs["training_config"] = json.dumps(training).encode()
        if optimizer:
            own = file.create_group("optimizer_weights")
            own.attrs["weight_names"] = [n.encode() for n, _ in optimizer]
            for name, array in optimizer:
                own.create_dataset(name, data=array)
    return path


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s).astype("float32") for s in shapes]


def load_one(tmp_path, entry, weights, version="1.2.2", backend="tensorflow"):
    """The first layer of a Keras 1 Sequential that has one layer with weights."""
    config = {"class_name": "Sequential", "config": [entry]}
    return load_model(write(tmp_path / "m.h5", config, {entry["config"]["name"]: weights}, version, backend)).layers[0]


def test_keras_1_words(tmp_path):
    kernel, bias = arrays((4, 3), (3,))
    entry = {"class_name": "Dense", "config": {
        "name": "d", "trainable": True, "output_dim": 3, "init": "glorot_uniform", "activation": "hard_sigmoid",
        "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}, "b_regularizer": None,
        "activity_regularizer": None, "W_constraint": None, "b_constraint": None, "bias": True, "input_dim": 4,
        "batch_input_shape": [None, 4], "input_dtype": "float32"}}
    layer = load_one(tmp_path, entry, [kernel, bias])
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    assert layer.activation is hard_sigmoid_keras2 and layer.units == 3
    assert float(layer.kernel_regularizer(np.ones(2, "float32"))) == pytest.approx(0.02)


def test_keras_1_recurrent_gates(tmp_path):
    gates = {g: arrays((2, 3), (3, 3), (3,)) for g in "icfo"}
    for i, g in enumerate("icfo"):
        gates[g] = [a + 10 * i for a in gates[g]]
    stored = [a for g in "icfo" for a in gates[g]]
    entry = {"class_name": "LSTM", "config": {
        "name": "l", "output_dim": 3, "init": "glorot_uniform", "inner_init": "orthogonal", "forget_bias_init": "one",
        "activation": "tanh", "inner_activation": "hard_sigmoid", "return_sequences": False, "go_backwards": False,
        "stateful": False, "unroll": False, "consume_less": "cpu", "W_regularizer": None, "U_regularizer": None,
        "b_regularizer": None, "dropout_W": 0.0, "dropout_U": 0.0, "input_dim": 2, "input_length": None,
        "batch_input_shape": [None, 5, 2]}}
    layer = load_one(tmp_path, entry, stored)
    for k, got in enumerate(layer.get_weights()):
        np.testing.assert_array_equal(got, np.concatenate([gates[g][k] for g in "ifco"], axis=-1))
    assert layer.cell.recurrent_activation is hard_sigmoid_keras2


def test_keras_1_gru(tmp_path):
    stored = arrays(*[(2, 3), (3, 3), (3,)] * 3)
    entry = {"class_name": "GRU", "config": {"name": "g", "output_dim": 3, "inner_activation": "sigmoid",
                                             "batch_input_shape": [None, 5, 2]}}
    layer = load_one(tmp_path, entry, stored)
    for k, got in enumerate(layer.get_weights()):
        np.testing.assert_array_equal(got, np.concatenate(stored[k::3], axis=-1))


@pytest.mark.parametrize("backend, flipped", [("tensorflow", False), ("theano", True)])
@pytest.mark.parametrize("ordering", ["th", "tf"])
def test_keras_1_kernels(tmp_path, backend, flipped, ordering):
    kernel = arrays((3, 2, 4, 5))[0]    # rows, columns, in, out
    stored = kernel.transpose(3, 2, 0, 1) if ordering == "th" else kernel
    shape = [None, 4, 8, 8] if ordering == "th" else [None, 8, 8, 4]
    entry = {"class_name": "Convolution2D", "config": {
        "name": "c", "nb_filter": 5, "nb_row": 3, "nb_col": 2, "subsample": [1, 1], "border_mode": "valid",
        "dim_ordering": ordering, "activation": "linear", "bias": False, "batch_input_shape": shape}}
    layer = load_one(tmp_path, entry, [stored], backend=backend)
    expected = kernel[::-1, ::-1] if flipped else kernel
    np.testing.assert_array_equal(layer.get_weights()[0], expected)
    assert layer.data_format == ("channels_first" if ordering == "th" else "channels_last")


@pytest.mark.parametrize("name, gates", [("CuDNNLSTM", 4), ("CuDNNGRU", 3)])
def test_cudnn(tmp_path, name, gates):
    kernel, recurrent, bias = arrays((2, 3 * gates), (3, 3 * gates), (6 * gates,))
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": name, "config": {
        "name": "r", "units": 3, "batch_input_shape": [None, 5, 2], "return_sequences": False}}]}}
    layer = load_model(write(tmp_path / "m.h5", config, {"r": [kernel, recurrent, bias]}, "2.3.1")).layers[0]
    got = layer.get_weights()
    for i in range(gates):
        part = slice(3 * i, 3 * i + 3)
        np.testing.assert_array_equal(got[0][:, part], kernel[:, part].reshape(-1, order="C").reshape(3, 2).T)
        np.testing.assert_array_equal(got[1][:, part], recurrent[:, part].T)
    expected = bias.reshape(2, -1)
    np.testing.assert_allclose(got[2], expected if name == "CuDNNGRU" else expected.sum(axis=0), 1e-6)
    assert type(layer).__name__ == name.removeprefix("CuDNN")


DENSE = {"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "Dense", "config": {
    "name": "d", "units": 2, "use_bias": True, "batch_input_shape": [None, 3], "activation": "linear",
    "dtype": "float32"}}]}}


@pytest.mark.parametrize("optimizer, config, slots", [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "decay": 0.0, "nesterov": False}, ["momentum"]),
    ("Adam", {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.99, "decay": 0.0, "epsilon": 1e-7, "amsgrad": False},
     ["momentum", "velocity"]),
    ("RMSprop", {"lr": 0.1, "rho": 0.9, "decay": 0.0, "epsilon": 1e-7}, ["velocity"]),
    ("Adagrad", {"lr": 0.1, "decay": 0.0, "epsilon": 1e-7}, ["accumulator"]),
    ("Adamax", {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.99, "decay": 0.0, "epsilon": 1e-7}, ["momentum", "norm"]),
    ("Adadelta", {"lr": 1.0, "rho": 0.95, "decay": 0.0, "epsilon": 1e-7},
     ["accumulated_grad", "accumulated_delta_var"]),
])
@pytest.mark.parametrize("counted", [True, False])
def test_keras_2_3_optimizers(tmp_path, optimizer, config, slots, counted):
    """Nameless slots, one after the other; Keras 2.2 left the step counter out for some."""
    state = arrays(*[(3, 2), (2,)] * len(slots))
    named = [(f"training/{optimizer}/Variable_{i}:0", a) for i, a in enumerate(state)]
    named = [(f"{optimizer}/iterations:0", np.int64(7))] * counted + named
    training = {"optimizer_config": {"class_name": optimizer, "config": config}, "loss": "mse", "metrics": ["mae"],
                "sample_weight_mode": None, "loss_weights": None}
    path = write(tmp_path / "m.h5", DENSE, {"d": arrays((3, 2), (2,))}, "2.3.1", "tensorflow", training, named)
    found = load_model(path).optimizer
    for i, slot in enumerate(slots):
        for variable, expected in zip(found._slots[slot], state[2 * i:2 * i + 2], strict=True):
            np.testing.assert_array_equal(variable.numpy(), expected)
    assert int(found.iterations.numpy()) == (7 if counted else 0)
    assert float(found.learning_rate.numpy()) == pytest.approx(config["lr"])


@pytest.mark.parametrize("version, norm", [("2.3.1", "global_clipnorm"), ("2.2.4-tf", "clipnorm"), ("2.4", "clipnorm")])
def test_clipnorm_was_global(version, norm):
    config = modern_config({"class_name": "SGD", "config": {"lr": 0.1, "clipnorm": 1.5}}, version)["config"]
    assert config[norm] == 1.5 and config["learning_rate"] == 0.1


@pytest.mark.parametrize("name, rate", [("Adagrad", 0.01), ("Adadelta", 1.0), ("Adamax", 0.002), ("Nadam", 0.002)])
def test_missing_rates_were_others(name, rate):
    assert modern_config({"class_name": name, "config": {}}, "2.3.1")["config"]["learning_rate"] == rate


def test_gru_had_no_reset_after():
    assert modern_config({"class_name": "GRU", "config": {"units": 3}}, "2.0.0")["config"]["reset_after"] is False


@pytest.mark.parametrize("config, message", [
    ({"class_name": "LSTM", "config": {"name": "l", "time_major": True}}, "layer 'l': time_major=True"),
    ({"class_name": "DepthwiseConv2D", "config": {"name": "d", "groups": 2}}, "layer 'd': groups=2"),
    ({"class_name": "BatchNormalization", "config": {"name": "b", "renorm": True}}, "layer 'b': renorm=True"),
])
def test_settings_that_are_gone_and_mattered(config, message):
    with pytest.raises(ValueError, match=message):
        modern_config(config, "2.15.0")


def test_neutral_settings_are_dropped():
    config = {"class_name": "DepthwiseConv2D", "config": {"name": "d", "groups": 1, "time_major": False,
                                                          "implementation": 2, "ragged": False, "axis": [3]}}
    assert modern_config(config, "2.15.0")["config"] == {"name": "d", "axis": 3}


@pytest.mark.parametrize("text, expected", [("2.2.4-tf", (2, 2, 4)), ("1", (1,)), ("3.15.1", (3, 15, 1)), ("x", (1,))])
def test_versions(text, expected):
    assert version_tuple(text) == expected


def test_hard_sigmoid_keeps_its_slope_through_every_format(tmp_path):
    config = json.loads(json.dumps(DENSE))
    config["config"]["layers"][0]["config"]["activation"] = "hard_sigmoid"
    kernel, bias = arrays((3, 2), (2,))
    model = load_model(write(tmp_path / "m.h5", config, {"d": [kernel, bias]}, "2.3.1"))
    x = arrays((5, 3))[0]
    expected = np.clip((x @ kernel + bias) * 0.2 + 0.5, 0, 1)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, 1e-6)
    for name in ("a.keras", "a.h5"):
        model.save(tmp_path / name)
        copy = load_model(tmp_path / name)
        np.testing.assert_allclose(copy.predict(x, verbose=0), expected, 1e-6)
    copy = model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    np.testing.assert_allclose(copy.predict(x, verbose=0), expected, 1e-6)


@pytest.mark.parametrize("name", ["RMSprop", "Adagrad", "Nadam"])
def test_old_update_rules_survive_a_copy(tmp_path, name):
    """Epsilon outside the root, the slow warm-up of Nadam: kept through kgraph's own files."""
    training = {"optimizer_config": {"class_name": name, "config": {"lr": 0.1, "epsilon": 0.5}}, "loss": "mse"}
    path = write(tmp_path / "m.h5", DENSE, {"d": arrays((3, 2), (2,))}, "2.3.1", "tensorflow", training)
    model = load_model(path)
    for copy in ("a.keras", "a.h5"):
        model.save(tmp_path / copy)
        found = load_model(tmp_path / copy).optimizer
        assert type(found).__name__ == f"{name}Keras2" and found.name.endswith("_keras2") and found.epsilon == 0.5
    x, y = arrays((4, 3), (4, 2))
    before = model.get_weights()[1]
    model.train_on_batch(x, y)
    gradient = 2 * (x @ arrays((3, 2), (2,))[0] + before - y).mean(axis=0) / 2
    size = {"RMSprop": np.sqrt(0.1) * np.abs(gradient), "Adagrad": np.abs(gradient)}.get(name)
    if size is not None:
        np.testing.assert_allclose(model.get_weights()[1], before - 0.1 * gradient / (size + 0.5), 1e-4)


def test_archive_of_keras_2():
    """Written by tf_keras 2.21: a bidirectional LSTM, batch normalization, hard_sigmoid, Adam after one step."""
    found = dict(np.load(Path(__file__).with_name("tf_keras.npz")))
    model = load_model(Path(__file__).with_name("tf_keras.keras"))
    np.testing.assert_allclose(model.predict(found["X"], verbose=0), found["y"], 1e-5, 1e-6)
    losses = []
    for _ in range(3):
        model.reset_metrics()
        losses.append(model.train_on_batch(found["X"], found["Y"])[0])
    np.testing.assert_allclose(losses, found["l"], 1e-4)


def seq2seq(version):
    """A masked LSTM with an initial state, as Keras 2 wrote it."""
    layer = lambda cls, name, config, *inbound: {"class_name": cls, "name": name, "config": {"name": name, **config},
                                                 "inbound_nodes": [[[n, 0, 0, {}] for n in inbound]] if inbound else []}
    layers = [layer("InputLayer", "ids", {"batch_input_shape": [None, 4], "dtype": "int32"}),
              layer("InputLayer", "h", {"batch_input_shape": [None, 2], "dtype": "float32"}),
              layer("Embedding", "e", {"input_dim": 5, "output_dim": 3, "mask_zero": True}, "ids"),
              layer("GRU", "gru", {"units": 2, "reset_after": True}, "e", "h")]
    return {"class_name": "Model", "keras_version": version, "config": {
        "name": "m", "layers": layers, "input_layers": [["ids", 0, 0], ["h", 0, 0]], "output_layers": [["gru", 0, 0]]}}


def test_a_mask_counts_beside_an_initial_state_as_in_the_keras_that_wrote_the_file():
    ids, h = np.array([[1, 2, 0, 0]]), np.ones((1, 2), "float32")
    model = model_from_json(json.dumps(seq2seq("2.3.1")))
    for copy in (model, model_from_json(model.to_json()), clone_model(model)):
        copy.set_weights(model.get_weights())
        short = copy.get_layer("gru")(copy.get_layer("e")(ids)[:, :2].numpy(), initial_state=h)
        np.testing.assert_allclose(copy.predict([ids, h], verbose=0), short, atol=1e-6)


def test_a_new_model_does_not_use_the_mask_beside_an_initial_state_and_says_so():
    gru, e = layers.GRU(2), layers.Embedding(5, 3, mask_zero=True)
    i, h = Input((4,), dtype="int32"), Input((2,))
    with pytest.warns(UserWarning, match=r"test_older_keras.py:\d+: layer 'gru\w*': the mask of its input is not used"):
        model = Model([i, h], gru(e(i), initial_state=h))
    ids, h = np.array([[1, 2, 0, 0]]), np.ones((1, 2), "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = gru(e(ids).numpy(), initial_state=h)
        np.testing.assert_allclose(model.predict([ids, h], verbose=0), whole, atol=1e-6)
