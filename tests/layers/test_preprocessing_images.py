"""Layers on images: sizes, and random changes that stay what they say."""
import numpy as np
import pytest
from check_layer import check_layer

from kgraph import Input, Model, Sequential, layers
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build

IMAGES = np.random.default_rng(0).uniform(0, 255, (6, 8, 10, 3)).astype("float32")
CASES = [
    (layers.Resizing, {"height": 4, "width": 5}, (8, 10, 2), (4, 5, 2)),
    (layers.Resizing, {"height": 4, "width": 4, "crop_to_aspect_ratio": True, "data_format": "channels_first"},
     (2, 8, 10), (2, 4, 4)),
    (layers.CenterCrop, {"height": 5, "width": 4}, (8, 9, 2), (5, 4, 2)),
    (layers.CenterCrop, {"height": 5, "width": 4}, (3, 3, 1), (5, 4, 1)),
    (layers.RandomCrop, {"height": 5, "width": 4, "seed": 1}, (8, 9, 2), (5, 4, 2)),
    (layers.RandomFlip, {"seed": 1}, (4, 5, 2), (4, 5, 2)),
    (layers.RandomRotation, {"factor": 0.2, "seed": 1}, (4, 5, 2), (4, 5, 2)),
    (layers.RandomZoom, {"height_factor": 0.2, "seed": 1, "fill_mode": "constant"}, (4, 5, 2), (4, 5, 2)),
    (layers.RandomTranslation, {"height_factor": 0.2, "width_factor": (-0.1, 0.3), "seed": 1}, (4, 5, 2), (4, 5, 2)),
    (layers.RandomContrast, {"factor": 0.3, "seed": 1, "value_range": (-9, 9)}, (4, 5, 2), (4, 5, 2)),
    (layers.RandomBrightness, {"factor": 0.01, "seed": 1, "value_range": (-9, 9)}, (4, 5, 2), (4, 5, 2)),
]


@pytest.mark.parametrize("cls,kwargs,shape,output", CASES)
def test_layer(cls, kwargs, shape, output):
    call = {"training": False} if "seed" in kwargs else None
    check_layer(cls, kwargs, shape, outputs=output, call=call)


@pytest.mark.parametrize("cls,kwargs,shape,output", [case for case in CASES if "seed" in case[1]])
def test_compiled_changes_equal_eager_ones(cls, kwargs, shape, output):
    x = np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype("float32")
    layer, eager = cls(**kwargs), cls(**kwargs)
    compiled = build("call", lambda x: layer(x), [TensorType((dim("B"), *shape), "float32")])
    for _ in range(2):
        y = compiled(x)
        assert y.shape == (3, *output)
        np.testing.assert_allclose(y, eager(x), rtol=1e-5, atol=1e-5)


def test_integers_are_rounded_and_stay_integers():
    y = layers.Resizing(2, 2, interpolation="bicubic")(IMAGES.astype("uint8"))
    assert y.dtype == "uint8" and y.shape == (6, 2, 2, 3)


def test_flips_are_mirror_images():
    y = layers.RandomFlip("horizontal", seed=1)(IMAGES).numpy()
    flipped = [not np.array_equal(a, b) for a, b in zip(IMAGES, y)]
    assert any(flipped) and not all(flipped)
    np.testing.assert_array_equal(y[flipped], IMAGES[flipped][:, :, ::-1])


def test_turns_shifts_and_zooms_of_known_size():
    half = layers.RandomRotation((0.5, 0.5))(IMAGES)
    np.testing.assert_allclose(half, IMAGES[:, ::-1, ::-1], atol=1e-2)
    shifted = layers.RandomTranslation((0.25, 0.25), 0.0, fill_mode="wrap")(IMAGES)
    np.testing.assert_allclose(shifted, np.roll(IMAGES, 2, axis=1), atol=1e-2)
    np.testing.assert_allclose(layers.RandomZoom(0.0)(IMAGES), IMAGES, atol=1e-3)
    zoomed = layers.RandomZoom((-0.5, -0.5), interpolation="nearest")(np.eye(4, dtype="float32")[..., None])
    assert zoomed.numpy()[..., 0].sum() == 8


def test_crops_lie_in_the_images():
    layer = layers.RandomCrop(3, 2, seed=1)
    windows = {IMAGES[0, i:i + 3, j:j + 2].tobytes() for i in range(6) for j in range(9)}
    found = {layer(IMAGES).numpy()[0].tobytes() for _ in range(40)}
    assert found <= windows and len(found) > 10
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES[:, 2:5, 4:6])


def test_values_stay_in_range():
    for layer in (layers.RandomBrightness(0.5, seed=1), layers.RandomContrast(0.9, seed=1)):
        y = layer(IMAGES).numpy()
        assert y.min() >= 0 and y.max() <= 255 and not np.array_equal(y, IMAGES)


def test_in_a_model_only_training_changes_images():
    model = Sequential([Input((8, 10, 3)), layers.RandomFlip(seed=1), layers.RandomRotation(0.1, seed=2)])
    np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), IMAGES)
    assert not np.array_equal(model(IMAGES, training=True), IMAGES)


@pytest.mark.parametrize("use,message", [
    (lambda: layers.RandomFlip("sideways"), "expected mode among"),
    (lambda: layers.RandomRotation(3), r"two in \[-1.0, 1.0\]"),
    (lambda: layers.RandomZoom(0.1, fill_mode="mirrored"), "expected fill_mode among"),
    (lambda: layers.RandomContrast(-1), r"two in \[0, 1\]"),
    (lambda: layers.RandomBrightness(0.1, value_range=3), "value_range of two numbers"),
    (lambda: layers.RandomFlip()(np.zeros((3, 3))), "rank 3 or 4"),
])
def test_refused(use, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        use()


@pytest.mark.parametrize("how", ["nearest", "bilinear", "bicubic", "lanczos3"])
@pytest.mark.parametrize("layer", [layers.Resizing(5, 4, antialias=True), layers.UpSampling2D((2, 3))])
def test_sizes_that_are_not_known_before(layer, how):
    layer = type(layer).from_config({**layer.get_config(), "interpolation": how})
    inputs = Input((None, None, 3))
    model = Model(inputs, layer(inputs))
    assert model.output_shape == layer.compute_output_shape((None, None, None, 3))
    for images in (IMAGES, IMAGES[:2, :7, :3]):
        np.testing.assert_allclose(model.predict(images, verbose=0), layer(images), rtol=1e-4, atol=1e-3)


def test_an_aspect_ratio_needs_known_sizes():
    with pytest.raises(ValueError, match="known height and width to keep their aspect ratio"):
        layers.Resizing(4, 4, crop_to_aspect_ratio=True)(Input((None, None, 3)))


# --- the steps of a change, and what is changed with the images -------------------------------------------------------

WHERE = np.arange(96, dtype="float32").reshape(2, 6, 8, 1)
KNOWN = [  # layer, what is drawn, and the first numbers of the result in Keras 3.15.1
    (layers.RandomFlip(), {"flips": np.ones((2, 1, 1, 1), bool)}, [47, 46, 45, 44]),
    (layers.RandomBrightness(0.5), {"rgb_delta": np.full((2, 1, 1, 1), 3.0, "float32")}, [3, 4, 5, 6]),
    (layers.RandomContrast(0.5), {"contrast_factor": np.full((2, 1, 1, 1), 0.5, "float32")},
     [11.75, 12.25, 12.75, 13.25]),
    (layers.RandomZoom(0.5, fill_mode="constant"), {"height_zoom": np.full((2, 1), 0.5, "float32"),
                                                    "width_zoom": np.ones((2, 1), "float32")}, [10, 11, 12, 13]),
    (layers.RandomTranslation(0.5, 0.5, fill_mode="constant"), {"translations": np.full((2, 2), -2.0, "float32")},
     [18, 19, 20, 21]),
    (layers.RandomRotation(0.5), {"angle": np.full(2, 180.0, "float32")}, [47, 46, 45, 44]),
    (layers.RandomCrop(3, 4), (2, 1), [17, 18, 19, 20]),
    (layers.CenterCrop(3, 4), None, [10, 11, 12, 13]),
    (layers.Resizing(3, 4), None, [4.5, 6.5, 8.5, 10.5]),
]


@pytest.mark.parametrize("layer, drawn, expected", KNOWN, ids=lambda x: getattr(x, "name", None))
def test_changes_that_are_given(layer, drawn, expected):
    y = layer.transform_images(WHERE, drawn)
    np.testing.assert_allclose(y.numpy().ravel()[:4], expected, atol=1e-3)
    single = drawn if drawn is None or isinstance(drawn, tuple) else {k: v[:1] for k, v in drawn.items()}
    np.testing.assert_allclose(layer.transform_single_image(WHERE[0], single), y[0], atol=1e-3)


@pytest.mark.parametrize("layer", [layer for layer, *_ in KNOWN], ids=lambda layer: layer.name)
def test_labels_and_masks_are_changed_alike(layer):
    """A mask is what the threshold of the changed images says, but for pixels at its edge."""
    mask = (WHERE > 40).astype("int32")
    y = layer({"images": WHERE, "labels": np.int32([1, 2]), "segmentation_masks": mask, "id": np.int32([5, 6])})
    assert sorted(y) == ["id", "images", "labels", "segmentation_masks"]
    np.testing.assert_array_equal(y["labels"], [1, 2])
    np.testing.assert_array_equal(y["id"], [5, 6])
    assert y["segmentation_masks"].shape == y["images"].shape
    if not isinstance(layer, (layers.RandomBrightness, layers.RandomContrast, layers.Resizing)):
        assert np.mean((y["images"].numpy() > 40) == (y["segmentation_masks"].numpy() > 0)) > 0.85
    one = layer({"images": WHERE[0], "segmentation_masks": mask[0]})
    assert one["segmentation_masks"].shape == one["images"].shape == y["images"].shape[1:]
    with pytest.raises(ValueError, match="expected a bounding_box_format"):
        layer({"images": WHERE, "bounding_boxes": np.zeros((2, 1, 4))})


def test_what_is_drawn_is_asked_of_a_subclass():
    class Mirror(layers.RandomFlip):
        def get_random_transformation(self, data, training=True, seed=None):
            return {"flips": np.ones((1, 1, 1, 1), bool)} if training else None

        def transform_images(self, images, transformation, training=True):
            return super().transform_images(images, transformation, training) + 1

    model = Sequential([Input((6, 8, 1)), Mirror("horizontal")])
    np.testing.assert_array_equal(model(WHERE, training=True), WHERE[:, :, ::-1] + 1)
    np.testing.assert_array_equal(model.predict(WHERE, verbose=0), WHERE + 1)
