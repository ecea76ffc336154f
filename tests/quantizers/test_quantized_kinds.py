"""Convolutions of all kinds and recurrent layers in int8: near their reals, the same from files and compiled, with
gradients, and beside LoRA."""
import numpy as np
import pytest

import kgraph
from kgraph import layers, ops

IMAGES = [("conv", lambda **k: layers.Conv2D(6, 3, strides=2, activation="relu", **k)),
          ("groups", lambda **k: layers.Conv2D(6, 3, groups=2, padding="same", **k)),
          ("deep", lambda **k: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", **k)),
          ("separable", lambda **k: layers.SeparableConv2D(5, (3, 2), **k))]
SEQUENCES = [("causal", lambda: layers.Conv1D(5, 3, padding="causal", dilation_rate=2)),
             ("deep", lambda: layers.DepthwiseConv1D(3)), ("separable", lambda: layers.SeparableConv1D(5, 2)),
             ("rnn", lambda: layers.SimpleRNN(5)), ("lstm", lambda: layers.LSTM(5)),
             ("gru", lambda: layers.GRU(5, return_sequences=True)),
             ("before", lambda: layers.GRU(5, reset_after=False)), ("steps", lambda: layers.LSTM(5, dropout=0.5)),
             ("stacked", lambda: layers.RNN([layers.LSTMCell(5), layers.GRUCell(3)])),
             ("ways", lambda: layers.Bidirectional(layers.GRU(3)))]


def with_numbers(layer, shape):
    """(the layer, built, with seeded weights; inputs)"""
    layer.build((None, *shape[1:]))
    for i, w in enumerate(layer.weights):
        w.assign(np.random.default_rng(i).normal(scale=0.5, size=w.shape))
    return layer, np.random.default_rng(99).normal(size=shape).astype("float32")


def checked(layer, x):
    """That it is near its reals in int8, with weights a quarter as large; its config and its variables make it anew."""
    real, large = layer(x).numpy(), sum(w.size for w in layer.weights if "bias" not in w.path)
    layer.quantize("int8")
    found = layer(x).numpy()
    assert 0 < np.linalg.norm(found - real) < 0.04 * np.linalg.norm(real)
    small = [w for w in layer.weights if w.dtype == "int8"]
    assert sum(w.size for w in small) == large and all(np.abs(w.numpy()).max() == 127 for w in small)
    assert all(w.dtype == "int8" or w.ndim < 2 or "bias" in w.path for w in layer.weights)
    again = type(layer).from_config(layer.get_config())
    again.build((None, *x.shape[1:]))
    again.set_weights(layer.get_weights()) if [w.shape for w in again.weights] == [
        w.shape for w in layer.weights] else copied(layer, again)
    np.testing.assert_array_equal(again(x).numpy(), found)
    return found


def copied(layer, again):
    """Weights by name: those of a layer that was made with integers come in another order."""
    named = {w.path.partition("/")[2]: w.numpy() for w in layer.weights}
    for w in again.weights:
        w.assign(named[w.path.partition("/")[2]])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("make", [make for _, make in IMAGES], ids=[name for name, _ in IMAGES])
def test_images(make, data_format):
    shape = (2, 7, 8, 4) if data_format == "channels_last" else (2, 4, 7, 8)
    layer, x = with_numbers(make(data_format=data_format), shape)
    found = checked(layer, x)
    np.testing.assert_array_equal(layer(np.stack([x[1], 9 * x[0]])).numpy()[:1], found[1:])   # images have own scales


@pytest.mark.parametrize("make", [make for _, make in SEQUENCES], ids=[name for name, _ in SEQUENCES])
def test_sequences(make):
    checked(*with_numbers(make(), (2, 6, 4)))


def test_a_model_of_all_of_them(tmp_path):
    """model.quantize reaches layers in layers; files of both kinds; eager and compiled."""
    i = kgraph.Input((8, 8, 2))
    h = layers.DepthwiseConv2D(3, padding="same", activation="relu")(layers.Conv2D(4, 2, groups=2)(i))
    h = layers.Bidirectional(layers.LSTM(3))(layers.Reshape((-1, 7 * 4))(h))
    m = kgraph.Model(i, layers.Dense(3)(h))
    for k, w in enumerate(m.weights):
        w.assign(np.random.default_rng(k).normal(scale=0.4, size=w.shape))
    x = np.random.default_rng(9).normal(size=(3, 8, 8, 2)).astype("float32")
    real = m.predict(x, verbose=0)
    m.quantize("int8")
    found = m.predict(x, verbose=0)
    assert 0 < np.linalg.norm(found - real) < 0.04 * np.linalg.norm(real)
    m.save(tmp_path / "m.keras")
    again = kgraph.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), found)
    m.save_weights(tmp_path / "m.weights.h5")
    for w in again.weights:
        w.assign(np.zeros(w.shape))
    again.load_weights(tmp_path / "m.weights.h5")
    again.compile(run_eagerly=True)
    np.testing.assert_allclose(again.predict(x, verbose=0), found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [IMAGES[1][1], IMAGES[2][1], IMAGES[3][1]], ids=["groups", "deep", "separable"])
def test_gradients_are_those_of_the_weights_that_integers_stand_for(make):
    layer, x = with_numbers(make(), (2, 5, 5, 4))
    layer.quantize("int8")
    real = make()
    real.build((None, 5, 5, 4))
    for w in real.weights:
        name = w.path.rpartition("/")[2]
        w.assign(layer.bias if name == "bias" else layer._real(name))
    found = []
    for la in (layer, real):
        start = kgraph.Variable(x)
        with kgraph.GradientTape() as tape:
            loss = ops.sum(la(start) * ops.cos(ops.reshape(ops.arange(la(x).numpy().size, dtype="float32"),
                                                           la(x).shape)))
        found.append(tape.gradient(loss, start).numpy())
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-4)


def test_lora_beside_int8_convolutions():
    layer, x = with_numbers(layers.Conv2D(6, 3, groups=2), (2, 5, 5, 4))
    layer.quantize("int8")
    before = layer(x).numpy()
    layer.enable_lora(3, lora_alpha=6)
    np.testing.assert_array_equal(layer(x).numpy(), before)
    layer.lora_kernel_b.assign(np.random.default_rng(5).normal(scale=0.2, size=layer.lora_kernel_b.shape))
    after = layer(x).numpy()
    added = ops.conv(x, 2 * ops.matmul(layer.lora_kernel_a, layer.lora_kernel_b)).numpy()
    np.testing.assert_allclose(after - before, added, rtol=1e-4, atol=1e-5)
    store = {}
    layer.save_own_variables(store)
    layer.load_own_variables({name: ops.convert_to_numpy(v) for name, v in store.items()})
    assert np.linalg.norm(layer(x).numpy() - after) < 0.02 * np.linalg.norm(after)


def test_what_is_refused_says_so():
    built = lambda layer, *shape: with_numbers(layer, (1, *shape))[0]
    for layer, mode, kind, message in [
            (layers.Conv2D(3, 2), "int8", ValueError, "one that is not built"),
            (built(layers.GRU(3), 5, 2), "int4", NotImplementedError, "expected mode 'int8', received 'int4'"),
            (built(layers.ConvLSTM1D(3, 2), 5, 4, 2), "int8", NotImplementedError, "ConvLSTM1DCell does not say"),
            (built(layers.Conv2DTranspose(3, 2), 5, 4, 2), "int8", NotImplementedError, "does not say how it is")]:
        with pytest.raises(kind, match=message):
            layer.quantize(mode)
    layer = built(layers.DepthwiseConv1D(2), 5, 2)
    layer.quantize("int8")
    with pytest.raises(ValueError, match="received one that is quantized"):
        layer.quantize("int8")
