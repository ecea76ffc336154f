"""Programs that use the image models: the old paths, one model in another, a base that is frozen, tuned, saved."""
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import applications, layers

spec = importlib.util.spec_from_file_location(
    "oracle_applications", Path(__file__).parents[1] / "oracle" / "applications.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
SIZE = 32
rng = np.random.default_rng(0)
PICTURES = rng.uniform(0, 255, (12, SIZE, SIZE, 3)).astype("float32")
LABELS = (PICTURES[:, :, :, 0].mean((1, 2)) > PICTURES[:, :, :, 1].mean((1, 2))).astype("int32")


def base(**arguments):
    return applications.MobileNet(**{"alpha": 0.25, "weights": None, "include_top": False,
                                     "input_shape": (SIZE, SIZE, 3), **arguments})


def test_paths_of_all_kerases():
    program = """
import kgraph
kgraph.install_as_keras()
import keras, tensorflow as tf
from keras.applications import MobileNet, imagenet_utils, ResNet50
from keras.applications.resnet50 import ResNet50 as old, preprocess_input, decode_predictions
from keras.src.applications.convnext import ConvNeXtTiny
from tensorflow.keras.applications.mobilenet_v2 import MobileNetV2
from tensorflow.keras.applications import EfficientNetB0
from tensorflow.python.keras.applications.vgg16 import VGG16
from tf_keras.applications.inception_v3 import InceptionV3
assert old is ResNet50 is keras.applications.resnet.ResNet50 is kgraph.applications.ResNet50
assert tf.keras.applications.MobileNetV2 is MobileNetV2 is keras.applications.mobilenet_v2.MobileNetV2
assert tf.keras.applications.mobilenet_v3.preprocess_input(5) == 5
assert MobileNet.__name__ == "MobileNet" and "arXiv:1704.04861" in MobileNet.__doc__
import pickle
assert pickle.loads(pickle.dumps(VGG16)) is VGG16
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=500)


def test_nothing_of_it_is_loaded_before_it_is_used():
    program = """
import sys, kgraph, kgraph.layers, kgraph.models, kgraph.saving
assert not [m for m in sys.modules if m.startswith("kgraph.applications")]
kgraph.applications.VGG16
assert "kgraph.applications.nasnet" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=500)


def test_transfer_learning_as_a_whole(tmp_path):
    """A frozen base in inference, a new head; then some of the base is tuned; saved; training goes on alike."""
    body = base()
    for place, weight in enumerate(body.weights):   # batch statistics that are not those at the start
        weight.assign(oracle.values(weight, np.random.default_rng(place)))
    body.trainable = False
    inputs = kgraph.Input((SIZE, SIZE, 3))
    x = applications.mobilenet.preprocess_input(inputs)
    x = layers.GlobalAveragePooling2D()(body(x, training=False))
    model = kgraph.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile(kgraph.optimizers.Adam(0.01), "sparse_categorical_crossentropy", run_eagerly=True)
    before = [w.numpy().copy() for w in body.weights]
    assert len(model.trainable_weights) == 2
    history = model.fit(PICTURES, LABELS, batch_size=5, epochs=3, shuffle=False, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, body.weights))

    body.trainable = True
    for layer in body.layers[:-5]:
        layer.trainable = False
    tuned = {w.path for w in body.trainable_weights}
    assert {p.partition("/")[0] for p in tuned} == {"conv_dw_13_bn", "conv_pw_13", "conv_pw_13_bn"}
    model.compile(kgraph.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(PICTURES, LABELS, batch_size=5, epochs=2, shuffle=False, verbose=0)
    changed = {w.path for a, w in zip(before, body.weights) if not np.array_equal(a, w.numpy())}
    assert changed == tuned    # training=False: moving statistics stay, those of the tuned layers too

    model.save(tmp_path / "tuned.keras")
    again = kgraph.models.load_model(tmp_path / "tuned.keras")
    np.testing.assert_allclose(again.predict(PICTURES, verbose=0), model.predict(PICTURES, verbose=0), rtol=1e-6)
    for m in (model, again):
        m.fit(PICTURES, LABELS, batch_size=5, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(model.weights, again.weights):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-7)


def test_eager_and_compiled_give_the_same():
    body = base(pooling="max")
    x = applications.mobilenet.preprocess_input(PICTURES[:3].copy())
    np.testing.assert_allclose(body.predict(x, verbose=0), np.asarray(body(x, training=False)), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_weights_from_a_path(suffix, tmp_path):
    kgraph.utils.set_random_seed(3)
    first = base()
    path = tmp_path / f"base{suffix}"
    first.save_weights(path) if suffix == ".weights.h5" else first.save(path)
    second = base(weights=str(path))
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(first.weights, second.weights))
    with pytest.raises(ValueError, match="softmax"):
        base(weights=path, include_top=True, classes=3, classifier_activation="sigmoid")


def test_weights_from_the_cache_folder(tmp_path, monkeypatch):
    """Keras's file in the layout of Keras 2 is found in its place; one with another digest is not taken."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", _no_network)
    (tmp_path / "models").mkdir()
    first = base(input_shape=(128, 128, 3))
    first.save(tmp_path / "models" / "mobilenet_2_5_128_tf_no_top.h5")
    second = base(weights="imagenet", input_shape=(128, 128, 3))
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(first.weights, second.weights))
    (tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5").write_bytes(b"something else")
    with pytest.raises(OSError, match="cannot download .*vgg16"):
        applications.VGG16(include_top=False, input_shape=(32, 32, 3))


def _no_network(address, timeout=None):
    raise ConnectionError("no network")


def test_input_tensor_of_another_model():
    inputs = kgraph.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    body = base(input_tensor=x, input_shape=None, pooling="avg")
    assert body.inputs == [inputs] and body.layers[1].name.startswith("rescaling")
    assert body.predict(PICTURES[:2], verbose=0).shape == (2, 256)
    grey = base(input_shape=(SIZE, SIZE, 1))
    assert grey.layers[1].kernel.shape == (3, 3, 1, 8)
    with pytest.warns(UserWarning, match="1 or 3 channels"):
        base(input_shape=(SIZE, SIZE, 5))
    with pytest.warns(UserWarning, match="those of 224 are loaded"), pytest.raises(OSError, match="put it at"):
        base(weights="imagenet", input_shape=(SIZE, SIZE, 3))


def test_channels_first(monkeypatch):
    """The same numbers with the channels in front."""
    last = base(pooling="avg")
    kgraph.config.set_image_data_format("channels_first")
    try:
        first = base(pooling="avg", input_shape=(3, SIZE, SIZE))
    finally:
        kgraph.config.set_image_data_format("channels_last")
    first.set_weights(last.get_weights())
    x = PICTURES[:2] / 127.5 - 1
    np.testing.assert_allclose(np.asarray(first(x.transpose(0, 3, 1, 2))), np.asarray(last(x)), rtol=1e-5, atol=1e-6)
