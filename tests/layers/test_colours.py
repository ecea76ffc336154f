"""Layers that change colours give, by the same transformations, what Keras 3.15.1 gives (tests/oracle/colours.py)."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import layers

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("colours", HERE / "oracle" / "colours.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
CASES = oracle.all_cases()
with np.load(HERE / "data" / "colours.npz") as stored:
    ANSWERS = dict(stored)


@pytest.mark.parametrize("case", CASES)
def test_as_keras(case):
    scale = 255 if " 1 " in case else 1
    np.testing.assert_allclose(CASES[case](kgraph), ANSWERS[case], rtol=1e-5, atol=1e-5 * scale)


RANDOM = [layers.RandomHue(0.5, seed=1), layers.RandomSaturation(0.5, seed=1), layers.RandomInvert((1, 1), seed=1),
          layers.RandomPosterization(4, seed=1), layers.RandomSharpness(0.5, seed=1), layers.MixUp(0.4, seed=1),
          layers.RandomColorDegeneration(0.5, seed=1), layers.Solarization(0.3, 0.7, seed=1),
          layers.RandomGrayscale(0.5, seed=1), layers.RandomShear(0.3, 0.2, seed=1), layers.AutoContrast()]


@pytest.mark.parametrize("layer", RANDOM, ids=lambda layer: type(layer).__name__)
def test_changes_in_training_alone(layer):
    images = np.concatenate([oracle.IMAGES, oracle.IMAGES[::-1, ::-1] / 2])
    found = layer(images, training=True).numpy()
    assert found.shape == images.shape and np.isfinite(found).all() and (found != images).any()
    assert layer(oracle.IMAGES[0], training=True).shape == (5, 6, 3)
    if type(layer) is not layers.AutoContrast:
        np.testing.assert_array_equal(layer(oracle.IMAGES, training=False), oracle.IMAGES)
        masks = oracle.IMAGES[..., :1]
        same = layer({"images": oracle.IMAGES, "segmentation_masks": masks})["segmentation_masks"].numpy()
        assert same.shape == masks.shape
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_mix_up_mixes_labels_as_images():
    layer = layers.MixUp()
    drawn = {"mix_weight": np.array([0.25, 1.0], "float32"), "permutation_order": np.array([1, 0])}
    labels = layer.transform_labels(np.eye(2, dtype="float32"), drawn).numpy()
    np.testing.assert_allclose(labels, [[0.25, 0.75], [0, 1]])
    images = layer.transform_images(np.array([1.0, 5.0], "float32").reshape(2, 1, 1, 1), drawn)
    np.testing.assert_allclose(np.ravel(images), [4, 5])


def test_a_pipeline_and_a_flat_image():
    row = layers.Pipeline([layers.Rescaling(0.5), layers.AutoContrast((0, 8)), layers.RandomInvert(1.0, (0, 8))])
    x = np.array([2.0, 4.0, 6.0], "float32").reshape(1, 3, 1, 1)
    np.testing.assert_allclose(np.ravel(row(x, training=False)), [0, 4, 8], atol=1e-5)
    assert [type(x) for x in layers.Pipeline.from_config(row.get_config()).layers] == [type(x) for x in row.layers]
    flat = np.full((1, 2, 2, 1), 7.0, "float32")
    np.testing.assert_array_equal(layers.AutoContrast()(flat), flat)


@pytest.mark.parametrize("make, words", [
    (lambda: layers.RandomHue(2), r"factor .* in \[0.0, 1.0\]"), (lambda: layers.RandomPosterization(9), "factor"),
    (lambda: layers.RandomInvert(0.5, 3), "value_range"), (lambda: layers.RandomShear(-0.1), "x_factor"),
    (lambda: layers.Solarization(2.0), "addition_factor"), (lambda: layers.RandomGrayscale(1.5), "factor")])
def test_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
