"""ImageDataGenerator, and image files (with Pillow, where it is installed)."""
import numpy as np
import pytest

from kgraph import Sequential, layers, utils
from kgraph.preprocessing import image

X = np.random.default_rng(0).uniform(0, 255, (12, 6, 8, 3)).astype("float32")
Y = np.arange(12)


def test_turns_shifts_and_zooms():
    x = X[0]
    np.testing.assert_allclose(image.apply_affine_transform(x, theta=180), x[::-1, ::-1], atol=0.1)
    shifted = image.apply_affine_transform(x, tx=2, ty=-1, fill_mode="constant", cval=7)
    np.testing.assert_allclose(shifted[1:, :-2], x[:-1, 2:], atol=1e-2)
    assert (shifted[0] == 7).all() and (shifted[:, -2:] == 7).all()
    first = image.apply_affine_transform(x.transpose(2, 0, 1), tx=1, row_axis=1, col_axis=2, channel_axis=0)
    np.testing.assert_allclose(first[:, :, :-1], x.transpose(2, 0, 1)[:, :, 1:], atol=1e-2)
    zoomed = image.apply_affine_transform(x, zx=0.5, zy=0.5, order=0)
    assert len(np.unique(zoomed)) < len(np.unique(x))


@pytest.mark.parametrize("kwargs,axes", [
    ({"featurewise_center": True, "featurewise_std_normalization": True}, (0, 1, 2)),
    ({"samplewise_center": True, "samplewise_std_normalization": True}, (1, 2, 3)),
])
def test_statistics(kwargs, axes):
    generator = image.ImageDataGenerator(**kwargs)
    generator.fit(X)
    y = next(generator.flow(X, batch_size=12, shuffle=False))
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axes), 1, rtol=1e-4)


def test_whitened_data_are_not_correlated():
    x = np.random.default_rng(1).normal(size=(500, 2, 2, 1)) @ np.array([[2.0]])
    x[:, 0, 0] += x[:, 1, 1]
    generator = image.ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    generator.fit(x)
    y = next(generator.flow(x, batch_size=500)).reshape(500, 4)
    np.testing.assert_allclose(y.T @ y / 500, np.eye(4), atol=1e-3)


def test_batches_of_arrays():
    generator = image.ImageDataGenerator(rescale=1 / 255, validation_split=0.25)
    batches = generator.flow(X, Y, batch_size=4, shuffle=False, subset="training")
    assert len(batches) == 3 and batches.n == 9
    x, y = batches[2]
    np.testing.assert_array_equal(y, [11])
    np.testing.assert_allclose(x, X[11:] / 255, rtol=1e-6)
    assert next(generator.flow(X, Y, batch_size=9, subset="validation"))[1].max() < 3
    shuffled = generator.flow(X, Y, sample_weight=Y * 2, batch_size=12, seed=1)
    _, first, weights = next(shuffled)
    np.testing.assert_array_equal(weights, first * 2)
    assert not np.array_equal(first, next(shuffled)[1]) and sorted(first) == list(Y)


def test_random_changes_repeat_with_a_seed():
    generator = image.ImageDataGenerator(
        rotation_range=20, width_shift_range=0.2, height_shift_range=2, shear_range=5, zoom_range=0.2,
        channel_shift_range=9, horizontal_flip=True, vertical_flip=True, brightness_range=(0.5, 1.5))
    one, two = (next(generator.flow(X, Y, seed=3))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.min() >= 0 and one.max() <= 255 and not np.array_equal(one, next(generator.flow(X, Y, seed=4))[0])
    flipped = generator.apply_transform(X[0], {"flip_horizontal": True, "brightness": 0.5})
    np.testing.assert_allclose(flipped, X[0][:, ::-1] * 0.5)


def test_a_model_learns_from_batches():
    model = Sequential([layers.Input((6, 8, 3)), layers.Flatten(), layers.Dense(1)])
    model.compile("adam", "mse")
    batches = image.ImageDataGenerator(rescale=1 / 255).flow(X, Y / 12, batch_size=4, seed=1)
    history = model.fit(batches, epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize("use,message", [
    (lambda g: g(featurewise_center=True).standardize(X[0]), "fit"),
    (lambda g: g(zoom_range=(1, 2, 3)), "zoom_range"), (lambda g: g(validation_split=2), "validation_split"),
    (lambda g: g().flow(X, Y[:3]), "length of x, 12"), (lambda g: g().flow(X[0]), "rank 4"),
    (lambda g: g().flow(X, subset="test"), "subset"),
])
def test_refused(use, message):
    with pytest.raises(ValueError, match=message):
        use(image.ImageDataGenerator)


def test_files(tmp_path):
    pytest.importorskip("PIL")
    for number, name in enumerate(("cats", "dogs")):
        for i in range(3):
            path = tmp_path / name / f"{i}.png"
            path.parent.mkdir(exist_ok=True)
            utils.save_img(path, X[number * 3 + i], scale=False)
    np.testing.assert_array_equal(utils.img_to_array(utils.load_img(tmp_path / "dogs" / "1.png")), X[4].astype("uint8"))
    assert utils.load_img(tmp_path / "dogs" / "1.png", "grayscale", (3, 5), keep_aspect_ratio=True).size == (5, 3)
    batches = image.ImageDataGenerator().flow_from_directory(tmp_path, (6, 8), batch_size=4, shuffle=False)
    assert batches.class_indices == {"cats": 0, "dogs": 1} and batches.samples == 6
    x, y = batches[1]
    np.testing.assert_array_equal(y, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(x, X[4:6].astype("uint8"))
    for mode, expected in (("binary", [0, 0, 0, 1]), ("sparse", [0, 0, 0, 1])):
        found = image.ImageDataGenerator().flow_from_directory(tmp_path, (6, 8), class_mode=mode, batch_size=4,
                                                               shuffle=False)[0][1]
        np.testing.assert_array_equal(found, expected)
    assert utils.array_to_img(X[0]).size == (8, 6)
    with pytest.raises(ValueError, match="color_mode"):
        utils.load_img(tmp_path / "dogs" / "1.png", "hsv")


def test_saving_of_batches_is_refused():
    generator = image.ImageDataGenerator()
    with pytest.raises(ValueError, match="save_to_dir='there'"):
        generator.flow(np.zeros((2, 4, 4, 3)), save_to_dir="there")
    with pytest.raises(ValueError, match="save_to_dir='there'"):
        generator.flow_from_directory("anywhere", save_to_dir="there")
