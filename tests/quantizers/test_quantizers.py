"""Numbers in 8 and 4 bits beside Keras 3.15.1 (data of tests/oracle/quantizers.py), and layers quantized to int8."""
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import layers, ops, quantizers

FOLDER = Path(__file__).parents[1] / "data"
DATA = np.load(FOLDER / "quantizers.npz")
X = DATA["x"]


@pytest.mark.parametrize("number, axis, value_range", [(0, -1, (-127, 127)), (1, 0, (-8, 7)), (2, (0, 1), (-127, 127))])
@pytest.mark.parametrize("compiled", [False, True])
def test_abs_max(number, axis, value_range, compiled):
    f = lambda x: quantizers.abs_max_quantize(x, axis, value_range=value_range)
    found, scale = (kgraph.function(f) if compiled else f)(X)
    assert found.numpy().dtype == np.int8 and np.abs(found.numpy().astype(int) - DATA[f"abs{number}"]).max() <= 1
    assert (found.numpy() == DATA[f"abs{number}"]).mean() > 0.99
    np.testing.assert_allclose(scale.numpy(), DATA[f"abs{number}_scale"], rtol=1e-6)
    one = quantizers.AbsMaxQuantizer(axis, value_range)
    again = quantizers.deserialize(quantizers.serialize(one))
    assert again.get_config() == one.get_config() and quantizers.get("AbsMaxQuantizer").axis is None


def test_groups_with_zero_points():
    found, scale, zero = (v.numpy() for v in quantizers.abs_max_quantize_grouped_with_zero_point(X, 3))
    np.testing.assert_array_equal(found, DATA["g"])
    np.testing.assert_allclose(scale, DATA["g_scale"], rtol=1e-6)
    np.testing.assert_array_equal(zero, DATA["g_zero"])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_packing(axis):
    packed, shape, size = quantizers.pack_int4(DATA["n"], axis)
    np.testing.assert_array_equal(packed.numpy(), DATA[f"pack{axis % 2}"])
    assert shape == packed.shape and size == DATA["n"].shape[axis]
    np.testing.assert_array_equal(quantizers.unpack_int4(packed, size, axis).numpy(), DATA["n"])
    unsigned = quantizers.pack_int4(DATA["n"].view("uint8") & 15, axis, "uint8")[0]
    np.testing.assert_array_equal(quantizers.unpack_int4(unsigned, size, axis, "uint8").numpy(), DATA["n"] & 15)
    with pytest.raises(TypeError, match="expected a tensor of uint8, received int8"):
        quantizers.pack_int4(DATA["n"], axis, "uint8")


def test_fake_quantization_and_its_gradients():
    f = quantizers.fake_quant_with_min_max_vars
    np.testing.assert_allclose(f(X, -1.3, 2.1).numpy(), DATA["fq"], atol=1e-6)
    np.testing.assert_allclose(f(X, -1.3, 2.1, num_bits=4, narrow_range=True).numpy(), DATA["fq4"], atol=1e-6)
    np.testing.assert_allclose(f(X, DATA["lo"], DATA["hi"], axis=1).numpy(), DATA["fqc"], atol=1e-5)
    _, (dx, low, high) = kgraph.value_and_grad(lambda *a: ops.sum(f(*a)), argnums=(0, 1, 2))(
        X, np.float32(-1.3), np.float32(2.1))
    inside = dx.numpy() == 1
    assert 0.8 < inside.mean() < 1 and inside.sum() + float(low) + float(high) == X.size


def test_float8():
    np.testing.assert_allclose(quantizers.quantize_and_dequantize(X, 0.01, "float8_e4m3fn", "float32").numpy(),
                               DATA["f8"], rtol=1e-6)
    found = [float(quantizers.compute_float8_scale(np.float32(a), np.float32(0.5), 448.0, m))
             for a, m in ((3, 0), (0, 0), (np.inf, 1), (2, 2))]
    np.testing.assert_allclose(found, DATA["f8s"], rtol=1e-6)
    history = quantizers.compute_float8_amax_history(X, np.arange(5, dtype="float32"))
    np.testing.assert_allclose(history.numpy(), DATA["f8h"])


def small_model():
    i = kgraph.Input((6,), dtype="int32")
    h = layers.Dense(11, "relu", name="d")(layers.Embedding(50, 37, name="e")(i))
    return kgraph.Model(i, layers.Dense(3, use_bias=False, name="o")(layers.Flatten()(h)))


def weights_of(letter):
    numbers = sorted(int(n[1:]) for n in DATA.files if n[0] == letter and n[1:].isdigit())
    return [DATA[f"{letter}{n}"] for n in numbers]


@pytest.mark.parametrize("eager", [False, True])
def test_a_model_is_quantized_as_by_keras(eager, tmp_path):
    m = small_model()
    m.set_weights(weights_of("w"))
    m.compile("sgd", "mse", run_eagerly=eager)
    np.testing.assert_allclose(m.predict(DATA["ids"], verbose=0), DATA["before"], rtol=1e-4, atol=1e-5)
    m.quantize("int8")
    for found, wanted in zip(m.get_weights(), weights_of("q"), strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1.0 * (wanted.dtype == np.int8))
    m.set_weights(weights_of("q"))
    m.compile("sgd", "mse", run_eagerly=eager)
    np.testing.assert_allclose(m.predict(DATA["ids"], verbose=0), DATA["after"], rtol=1e-4, atol=1e-4)
    assert np.isfinite(m.train_on_batch(DATA["ids"], DATA["after"]))     # of biases, through the products
    m.save(tmp_path / "m.keras")
    again = kgraph.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(DATA["ids"], verbose=0), m.predict(DATA["ids"], verbose=0))
    assert again.get_layer("d").quantization_mode == "int8" and again.get_layer("d").dtype_policy.name == \
        "int8_from_float32"


def test_files_of_keras():
    m = kgraph.models.load_model(FOLDER / "quantized.keras")
    np.testing.assert_allclose(m.predict(DATA["ids"], verbose=0), DATA["after"], rtol=1e-4, atol=1e-4)
    other = small_model()
    other.quantize("int8")
    other.load_weights(FOLDER / "quantized.weights.h5")
    np.testing.assert_array_equal(other.predict(DATA["ids"], verbose=0), m.predict(DATA["ids"], verbose=0))


def test_models_in_models_forget_what_was_compiled():
    inner = kgraph.Sequential([kgraph.Input((4,)), layers.Dense(3)])
    i, x = kgraph.Input((4,)), np.random.default_rng(0).standard_normal((2, 4)).astype("float32")
    m = kgraph.Model(i, inner(i))
    before = inner.predict(x, verbose=0)
    m.quantize("int4")
    after = inner.predict(x, verbose=0)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, m.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def test_what_cannot_be_quantized_says_so():
    m = small_model()
    with pytest.raises(ValueError, match="expected mode among int8, int4, float8, gptq, awq, or a config, received "
                                         "mode='int9'"):
        m.quantize("int9")
    with pytest.warns(UserWarning, match="layer 'e': expected mode 'int8' or 'int4', received 'float8'"):
        m.quantize("float8")
    assert m.get_layer("d").quantization_mode == "float8" and m.get_layer("e").quantization_mode is None
    m = small_model()
    m.quantize("int8", filters="d")
    assert [la.name for la in m.layers if getattr(la, "quantization_mode", None)] == ["d"]
    with pytest.raises(ValueError, match="layer 'd'.*received one that is quantized"):
        m.get_layer("d").quantize("int8")
    with pytest.raises(NotImplementedError, match="Mine does not say how it is quantized"):
        type("Mine", (layers.Dense,), {})(3).quantize("int8")
    with pytest.raises(ValueError, match="received one that is not built"):
        layers.Dense(2).quantize("int8")
