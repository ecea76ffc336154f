"""The image models have the layers, weights, configs, counts and signatures of Keras 3.15.1, and give its numbers
(tests/oracle/applications.py). KGRAPH_NIGHTLY=1 asks the large models too, and trains."""
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph.applications import layers

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("oracle_applications", HERE / "oracle" / "applications.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
KERAS = json.loads(oracle.DATA.read_text())
FILES = os.environ.get("KGRAPH_KERAS_FILES")
NIGHTLY = os.environ.get("KGRAPH_NIGHTLY") == "1"
BY_SIZE = sorted(KERAS["structure"], key=lambda title: KERAS["structure"][title]["count"])


@pytest.fixture
def no_drawing(monkeypatch):
    """Fresh weights cost nothing."""
    for name in ("RandomNormal", "VarianceScaling"):
        monkeypatch.setattr(getattr(kgraph.initializers, name), "__call__",
                            lambda self, shape, dtype=None: np.zeros(shape, dtype or "float32"))


@pytest.mark.parametrize("title", BY_SIZE if NIGHTLY else [t for t in BY_SIZE if KERAS["structure"][t]["count"] < 3e7])
def test_model(title, no_drawing):
    assert oracle.structure(kgraph, title) == KERAS["structure"][title]


@pytest.mark.parametrize("number", range(0 if NIGHTLY else 19, len(oracle.VARIANTS)))
def test_variant(number, no_drawing):
    title, arguments = oracle.VARIANTS[number]
    assert oracle.structure(kgraph, title, **arguments) == KERAS["variants"][number]


@pytest.mark.parametrize("title", BY_SIZE if NIGHTLY else [t for t in BY_SIZE[:5] if not t.startswith("NASNet")])
def test_outputs(title, no_drawing):
    if title not in KERAS["outputs"]:
        pytest.skip("Keras was not asked")
    expected = np.array(KERAS["outputs"][title])
    np.testing.assert_allclose(oracle.outputs(kgraph, title), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.skipif(not NIGHTLY, reason="compiles four models")
@pytest.mark.parametrize("title", BY_SIZE[:4])
def test_outputs_of_compiled_models(title, no_drawing):
    expected = np.array(KERAS["outputs"][title])
    model, pictures = oracle.ready(kgraph, title)
    y = model.predict(pictures, verbose=0)
    np.testing.assert_allclose(oracle.some(y), expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())


@pytest.mark.skipif(not NIGHTLY, reason="trains")
@pytest.mark.parametrize("title", KERAS.get("losses", ()))
def test_losses_of_two_steps(title, no_drawing):
    np.testing.assert_allclose(oracle.losses(kgraph, title), KERAS["losses"][title], rtol=2e-6)


def test_file_of_keras(tmp_path):
    """A file that Keras saved gives what it gave, loaded as a model and as weights; so does what is saved from it."""
    expected, pictures = np.array(KERAS["small_file"]), oracle.small_pictures()
    model = kgraph.models.load_model(oracle.FILE)
    model.save(tmp_path / "again.h5")
    fresh = kgraph.applications.MobileNet(weights=oracle.FILE, alpha=1 / 32, include_top=False, pooling="max",
                                          input_shape=(33, 35, 3))
    for m in (model, fresh, kgraph.models.load_model(tmp_path / "again.h5")):
        np.testing.assert_allclose(np.asarray(m(pictures)), expected, rtol=1e-5, atol=1e-5 * expected.max())


@pytest.mark.skipif(not FILES, reason="wants files that Keras saved: see tests/oracle/applications.py")
@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("title", oracle.FAMILIES)
def test_files_of_all_families(title, suffix):
    told = np.load(Path(FILES, f"{title}.npz"))
    model = kgraph.models.load_model(Path(FILES, f"{title}.{suffix}"))
    y = np.asarray(model.call(kgraph.ops.convert_to_tensor(told["pictures"]), training=False))
    np.testing.assert_allclose(y, told["y"], rtol=1e-5, atol=1e-5 * np.abs(told["y"]).max())


def test_names_and_signatures():
    assert oracle.titles(kgraph) == list(KERAS["structure"])
    found = oracle.signatures(kgraph)   # Keras's module mobilenet_v3 lacks its two models
    assert {m: {name: found[m].get(name) for name in known} for m, known in KERAS["signatures"].items()} == \
        KERAS["signatures"]


def test_layers_of_applications_are_known_to_files(tmp_path):
    inputs = kgraph.Input((4, 4, 3))
    x = layers.LayerScale(0.5, 3, name="scale")(inputs)
    x = layers.StochasticDepth(0.25)(layers.CustomScaleLayer(0.1)([inputs, x]))
    model = kgraph.Model(inputs, x)
    names = [(c["module"], c["class_name"], c["registered_name"]) for c in model.get_config()["layers"][1:]]
    assert names == [("keras.src.applications.convnext", "LayerScale", "LayerScale"),
                     ("keras.src.applications.inception_resnet_v2", "CustomScaleLayer", "CustomScaleLayer"),
                     ("keras.src.applications.convnext", "StochasticDepth", "StochasticDepth")]
    picture = np.arange(96, dtype="float32").reshape(2, 4, 4, 3)
    for file in (tmp_path / "a.keras", tmp_path / "a.h5"):
        model.save(file)
        again = kgraph.models.load_model(file)
        np.testing.assert_allclose(again.predict(picture, verbose=0), 1.05 * picture, rtol=1e-6)
    assert again.get_layer("scale").gamma.numpy().tolist() == [0.5] * 3


def test_stochastic_depth():
    """Rows are dropped whole and the others scaled up; the mean stays."""
    ones = np.ones((4000, 2, 3), "float32")
    y = np.asarray(layers.StochasticDepth(0.25)(ones, training=True))
    dropped = (y == 0).all(axis=(1, 2))
    np.testing.assert_allclose(y[~dropped], 1 / 0.75)
    assert abs(dropped.mean() - 0.25) < 0.03
    np.testing.assert_array_equal(layers.StochasticDepth(0.25)(ones), ones)
