"""Layers that only Keras 1 and 2 had."""
import numpy as np
import pytest
from check_layer import check_layer

from kgraph import layers


@pytest.mark.parametrize("cls,kwargs,shape,output", [
    (layers.LocallyConnected1D, {"filters": 3, "kernel_size": 2, "activation": "tanh"}, (5, 2), (4, 3)),
    (layers.LocallyConnected1D, {"filters": 2, "kernel_size": 3, "strides": 2, "use_bias": False}, (8, 2), (3, 2)),
    (layers.LocallyConnected2D, {"filters": 3, "kernel_size": (2, 3), "strides": (2, 1)}, (6, 5, 2), (3, 3, 3)),
    (layers.LocallyConnected2D, {"filters": 2, "kernel_size": 2, "data_format": "channels_first"}, (3, 4, 3),
     (2, 3, 2)),
])
def test_layer(cls, kwargs, shape, output):
    check_layer(cls, kwargs, shape, outputs=output)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_place_has_its_own_kernel(data_format):
    rng = np.random.default_rng(0)
    last = data_format == "channels_last"
    x = rng.normal(size=(2, 5, 4, 3) if last else (2, 3, 5, 4)).astype("float32")
    layer = layers.LocallyConnected2D(2, (3, 2), strides=(2, 1), data_format=data_format, bias_initializer="normal")
    y = layer(x).numpy()
    kernel, bias = layer.get_weights()
    assert kernel.shape == (2 * 3, 3 * 2 * 3, 2) and bias.shape == (2, 3, 2)
    for i in range(2):
        for j in range(3):
            rows, columns = slice(2 * i, 2 * i + 3), slice(j, j + 2)
            window = x[:, rows, columns] if last else x[:, :, rows, columns]
            expected = window.reshape(2, -1) @ kernel[i * 3 + j] + bias[i, j]
            np.testing.assert_allclose(y[:, i, j] if last else y[:, :, i, j], expected, rtol=1e-5, atol=1e-5)


def test_sizes_have_to_be_known():
    with pytest.raises(ValueError, match="known sizes"):
        layers.LocallyConnected1D(2, 3).build((None, None, 2))


def test_names_of_the_layers_for_graphics_cards():
    assert layers.CuDNNLSTM is layers.LSTM and layers.CuDNNGRU is layers.GRU
