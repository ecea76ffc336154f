"""Convolution, pooling and resampling layers: the common checks on each, errors, and values worked out by hand."""

import numpy as np
import pytest
from check_layer import check_layer

from kgraph import Input, Sequential, layers, optimizers

IMAGE = (7, 6, 4)
CASES = [
    ("Conv1D", {"filters": 5, "kernel_size": 3}, (9, 3), (7, 5)),
    (
        "Conv1D",
        {"filters": 5, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "activation": "tanh"},
        (9, 3),
        (9, 5),
    ),
    ("Conv1D", {"filters": 2, "kernel_size": 2, "strides": 3, "data_format": "channels_first"}, (3, 9), (2, 3)),
    ("Conv2D", {"filters": 37, "kernel_size": 3, "padding": "same", "activation": "softplus"}, IMAGE, (7, 6, 37)),
    (
        "Conv2D",
        {"filters": 6, "kernel_size": (3, 2), "strides": (2, 3), "padding": "same", "use_bias": False},
        IMAGE,
        (4, 2, 6),
    ),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2, "dilation_rate": (2, 1)}, IMAGE, (3, 4, 4)),
    ("Conv2D", {"filters": 3, "kernel_size": 1}, IMAGE, (7, 6, 3)),
    ("Conv2D", {"filters": 3, "kernel_size": 1, "strides": 2}, IMAGE, (4, 3, 3)),
    (
        "Conv2D",
        {
            "filters": 5,
            "kernel_size": 2,
            "data_format": "channels_first",
            "kernel_regularizer": "l2",
            "bias_constraint": "non_neg",
        },
        (3, 5, 4),
        (5, 4, 3),
    ),
    ("Conv3D", {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same"}, (5, 4, 3, 2), (3, 2, 2, 3)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (5, 2), (10, 3)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": (3, 2), "strides": (2, 3)}, (4, 3, 2), (9, 9, 3)),
    (
        "Conv2DTranspose",
        {
            "filters": 2,
            "kernel_size": 3,
            "strides": 2,
            "padding": "same",
            "output_padding": 1,
            "data_format": "channels_first",
        },
        (2, 4, 3),
        (2, 8, 6),
    ),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2}, (2, 3, 2, 1), (4, 6, 4, 2)),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, (8, 3), (6, 6)),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, (7, 6, 19), (4, 3, 19)),
    ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": 2, "use_bias": False}, IMAGE, (5, 4, 4)),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 2, "padding": "causal"}, (8, 3), (8, 5)),
    (
        "SeparableConv2D",
        {"filters": 5, "kernel_size": 3, "depth_multiplier": 2, "activation": "tanh"},
        IMAGE,
        (5, 4, 5),
    ),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, (8, 3), (4, 3)),
    ("MaxPooling2D", {}, (6, 4, 5), (3, 2, 5)),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": (1, 2), "data_format": "channels_first"}, (3, 7, 6), (3, 5, 3)),
    ("MaxPooling3D", {"pool_size": 2}, (5, 4, 3, 2), (2, 2, 1, 2)),
    ("AveragePooling1D", {"pool_size": 3, "padding": "same"}, (8, 3), (3, 3)),
    ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, IMAGE, (4, 3, 4)),
    ("AveragePooling3D", {"pool_size": 2, "strides": 1}, (4, 3, 3, 2), (3, 2, 2, 2)),
    ("AdaptiveAveragePooling1D", {"output_size": 3}, (7, 3), (3, 3)),
    ("AdaptiveAveragePooling2D", {"output_size": (3, None), "data_format": "channels_first"}, (2, 7, 5), (2, 3, 5)),
    ("AdaptiveAveragePooling3D", {"output_size": 2}, (3, 5, 4, 2), (2, 2, 2, 2)),
    ("AdaptiveMaxPooling1D", {"output_size": 4}, (3, 2), (4, 2)),
    ("AdaptiveMaxPooling2D", {"output_size": (3, 2)}, (7, 5, 2), (3, 2, 2)),
    ("AdaptiveMaxPooling3D", {"output_size": (1, 2, 3)}, (3, 5, 4, 2), (1, 2, 3, 2)),
    ("GlobalMaxPooling1D", {}, (7, 3), (3,)),
    ("GlobalMaxPooling2D", {"keepdims": True}, IMAGE, (1, 1, 4)),
    ("GlobalMaxPooling3D", {"data_format": "channels_first"}, (3, 2, 4, 2), (3,)),
    ("GlobalAveragePooling1D", {}, (7, 3), (3,)),
    ("GlobalAveragePooling2D", {}, IMAGE, (4,)),
    ("GlobalAveragePooling3D", {"keepdims": True}, (3, 2, 4, 2), (1, 1, 1, 2)),
    ("UpSampling1D", {"size": 3}, (4, 2), (12, 2)),
    ("UpSampling2D", {"size": (2, 3)}, (3, 4, 2), (6, 12, 2)),
    *(
        ("UpSampling2D", {"interpolation": name}, (4, 3, 2), (8, 6, 2))
        for name in ("bilinear", "bicubic", "lanczos3", "lanczos5")
    ),
    ("UpSampling2D", {"interpolation": "bilinear", "data_format": "channels_first"}, (2, 3, 4), (2, 6, 8)),
    ("UpSampling3D", {"size": (1, 2, 3)}, (2, 2, 2, 1), (2, 4, 6, 1)),
    ("ZeroPadding1D", {"padding": (1, 2)}, (4, 2), (7, 2)),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, IMAGE, (8, 11, 4)),
    ("ZeroPadding2D", {"padding": 2, "data_format": "channels_first"}, (2, 3, 4), (2, 7, 8)),
    ("ZeroPadding3D", {"padding": (1, 0, 2)}, (2, 2, 2, 1), (4, 2, 6, 1)),
    ("Cropping1D", {"cropping": 2}, (7, 2), (3, 2)),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1))}, IMAGE, (4, 5, 4)),
    ("Cropping3D", {}, (4, 3, 5, 2), (2, 1, 3, 2)),
]


@pytest.mark.parametrize("name, kwargs, shape, outputs", CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_layer(name, kwargs, shape, outputs):
    check_layer(getattr(layers, name), kwargs, shape, outputs=outputs)


@pytest.mark.parametrize(
    "name, kwargs, shape, message",
    [
        ("Conv2D", {"filters": 3, "kernel_size": 5}, (4, 4, 2), "at least as large as the kernel"),
        ("Conv2D", {"filters": 3, "kernel_size": 3, "groups": 3}, (5, 5, 4), "divide the input channels"),
        ("Conv2D", {"filters": 4, "kernel_size": 3}, (5, 5), "ndim=4"),
        ("DepthwiseConv2D", {"kernel_size": 3, "dilation_rate": 3}, (5, 5, 2), "dilation_rate"),
        ("MaxPooling2D", {"pool_size": 3}, (2, 5, 1), "at least as large as the window"),
        ("Cropping1D", {"cropping": (2, 3)}, (5, 1), "cropping below the sizes"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_by_name(name, kwargs, shape, message):
    with pytest.raises(ValueError, match=f"layer 'mine'.*{message}"):
        getattr(layers, name)(**kwargs, name="mine")(Input(shape))


@pytest.mark.parametrize(
    "name, kwargs, message",
    [
        ("Conv2D", {"filters": 0, "kernel_size": 3}, "filters"),
        ("Conv2D", {"filters": 3, "kernel_size": 0}, "kernel_size"),
        ("Conv2D", {"filters": 3, "kernel_size": (3, 3, 3)}, "2 of them"),
        ("Conv2D", {"filters": 3, "kernel_size": 3, "groups": 2}, "groups"),
        ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, "dilation_rate"),
        ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, "valid, same"),
        ("Conv2D", {"filters": 3, "kernel_size": 3, "data_format": "last"}, "channels_last"),
        ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 2}, "output_padding"),
        ("UpSampling2D", {"interpolation": "cubic"}, "bicubic"),
        ("ZeroPadding2D", {"padding": (1, 2, 3)}, "2 ints or pairs"),
    ],
)
def test_bad_settings_are_refused(name, kwargs, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**kwargs)


def test_bilinear_pixels_lie_at_their_centres():
    x = np.array([0.0, 4.0, 8.0], "float32").reshape(1, 1, 3, 1)
    y = layers.UpSampling2D((1, 2), interpolation="bilinear")(x)
    np.testing.assert_allclose(np.ravel(y), [0, 1, 3, 5, 7, 8], atol=1e-6)


def test_average_does_not_count_padding():
    x = np.ones((1, 5, 1), "float32")
    np.testing.assert_allclose(np.ravel(layers.AveragePooling1D(3, 2, "same")(x)), 1.0)


def test_a_mask_chooses_what_global_average_pooling_counts():
    x = np.arange(8, dtype="float32").reshape(2, 4, 1)
    mask = np.array([[True, True, False, False], [False, True, True, True]])
    np.testing.assert_allclose(np.ravel(layers.GlobalAveragePooling1D()(x, mask=mask)), [0.5, 6.0])


def test_adaptive_windows_overlap_where_the_size_is_no_multiple():
    x = np.float32([0, 1, 2, 4, 8, 16, 32]).reshape(1, 7, 1)    # parts 0 to 2, 2 to 4, 4 to 6
    np.testing.assert_allclose(np.ravel(layers.AdaptiveAveragePooling1D(3)(x)), [1, 14 / 3, 56 / 3])
    np.testing.assert_allclose(np.ravel(layers.AdaptiveMaxPooling1D(3)(x)), [2, 8, 32])
    with pytest.raises(ValueError, match="expected output_size to be an int of at least 1, or 2 of them"):
        layers.AdaptiveMaxPooling2D((1, 2, 3))
    with pytest.raises(ValueError, match="expected inputs of known sizes"):
        layers.AdaptiveMaxPooling1D(3)(Input((None, 2)))


def test_other_names():
    assert layers.MaxPool2D is layers.MaxPooling2D and layers.Convolution1D is layers.Conv1D
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kind", [layers.Conv2D, layers.DepthwiseConv2D])
def test_padding_of_images_of_unknown_size(kind, strides):
    """It is a size that nobody knows while kernels are written."""
    arguments = {"filters": 4} if kind is layers.Conv2D else {}
    layer = kind(kernel_size=3, strides=strides, padding="same", activation="relu6", **arguments)
    x = np.random.default_rng(3).standard_normal((2, 7, 8, 3)).astype("float32")
    losses = []
    for shape in ((7, 8, 3), (7, None, 3), (None, None, 3)):
        model = Sequential([Input(shape), layer])
        model.compile(optimizers.SGD(0.0), "mse")
        losses.append([float(model.train_on_batch(x, np.ones(layer(x).shape))), *model.predict(x, verbose=0).ravel()])
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-5, atol=1e-6)
