"""Training with products of float8 beside Keras 3.15.1 (data of tests/oracle/float8.py)."""
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from oracle.float8 import STEPS, batch, model, stored

import kgraph
from kgraph import layers, ops, optimizers
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.trace import bind
from kgraph.quantizers import quantize_and_dequantize

FOLDER = Path(__file__).parents[1] / "data"
DATA = np.load(FOLDER / "float8.npz")
OPTIMIZERS = {"sgd": lambda: optimizers.SGD(0.05, momentum=0.5), "adam": lambda: optimizers.Adam(0.02)}


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_rounding(name):
    """All numbers of these types, halves between them and what is next to the halves, compiled."""
    all_of_them = np.arange(256, dtype="uint8").view(getattr(ml_dtypes, name)).astype("float32")
    finite = np.unique(all_of_them[np.isfinite(all_of_them)])
    halves = (finite[1:] + finite[:-1]) / 2
    x = np.concatenate([all_of_them, halves, np.nextafter(halves, np.float32(1e9)), np.nextafter(halves, np.float32(
        -1e9)), np.float32([1e9, -1e9, np.inf, -np.inf, np.nan, 1e-30, -0.0])])
    rounded = lambda x: (bind(PRIMITIVES[name.partition("_")[2][:4]], ops.convert_to_tensor(x)),
                         quantize_and_dequantize(x, 1.0, name, "float32"))
    most = float(ml_dtypes.finfo(name).max)
    for f in (rounded, kgraph.function(rounded)):
        for found, given in zip(f(x), (x, np.clip(x, -most, most)), strict=True):
            expected = given.astype(getattr(ml_dtypes, name)).astype("float32")
            np.testing.assert_array_equal(found.numpy(), expected)
            known = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(found.numpy()[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("name,eager", [("sgd", True), ("adam", False)])
def test_training_as_keras(name, eager):
    """Found equal in five digits; where another order of sums turns one rounding to 8 bits, it would be two."""
    m = model(kgraph)
    m.compile(OPTIMIZERS[name](), "mse", run_eagerly=eager)
    np.testing.assert_allclose(m.predict(batch(9)[0], verbose=0), DATA[f"{name}_before"], rtol=1e-2, atol=5e-2)
    losses = [m.train_on_batch(*batch(i)) for i in range(STEPS)]
    np.testing.assert_allclose(losses, DATA[f"{name}_losses"], rtol=1e-2)
    found = stored(m)
    assert {f"{name}_{k}" for k in found} == {k for k in DATA.files if k.startswith(name) and k[-1].isdigit()}
    for key, value in found.items():
        np.testing.assert_allclose(value, DATA[f"{name}_{key}"], rtol=2e-2, atol=1e-2, err_msg=key)
    np.testing.assert_allclose(m.predict(batch(9)[0], verbose=0), DATA[f"{name}_after"], rtol=1e-2, atol=5e-2)
    slots = len(m.optimizer.variables) - 2
    assert slots == 6 * (2 if name == "adam" else 1)   # of kernels and biases alone


def test_files(tmp_path):
    m, x = kgraph.models.load_model(FOLDER / "float8.keras"), batch(9)[0]
    m.run_eagerly = True
    found = m.predict(x, verbose=0)
    np.testing.assert_allclose(found, DATA["adam_after"], rtol=1e-2, atol=5e-2)
    assert int(m.optimizer.iterations) == STEPS
    m.save(tmp_path / "m.keras")
    again = kgraph.models.load_model(tmp_path / "m.keras")
    again.run_eagerly = True
    np.testing.assert_array_equal(again.predict(x, verbose=0), found)
    inner = again.get_layer("inner")
    assert inner.dtype_policy.amax_history_length == 4 == inner.kernel_amax_history.size
    losses = [one.train_on_batch(*batch(7)) for one in (m, again)]
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_attention_layers_and_what_is_refused():
    x = kgraph.Input((3, 4))
    m = kgraph.Model(x, layers.MultiHeadAttention(2, 2, name="a")(x, x))
    m.quantize("float8")
    assert [la.quantization_mode for la in m.get_layer("a")._sublayers() if isinstance(la, layers.EinsumDense)] == [
        "float8"] * 4
    dense = layers.Dense(3, dtype="float8_from_mixed_bfloat16")
    dense.build((None, 4))
    assert [v.shape for v in dense.weights[2:]] == [(), (1024,)] * 3 and dense.compute_dtype == "bfloat16"
    assert dense(np.ones((2, 4))).dtype == "bfloat16"
    with pytest.raises(NotImplementedError, match="expected reals, int8 or int4 for enable_lora, received float8"):
        dense.enable_lora(2)
    with pytest.raises(ValueError, match="received one that is quantized"):
        dense.quantize("float8")


@pytest.mark.parametrize("steps", [None, 2])
def test_variables_that_gradients_overwrite(steps):
    a, b = (kgraph.Variable(np.float32([1, 2])) for _ in range(2))
    a.overwrite_with_gradient = True
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=steps, use_ema=True)
    optimizer.apply([np.float32([3, 1]), np.float32([1, 1])], [a, b])
    if steps:
        assert a.numpy().tolist() == [1, 2] == b.numpy().tolist()
        optimizer.apply([np.float32([2, 5]), np.float32([0, 0])], [a, b])
        assert a.numpy().tolist() == [3, 5] and b.numpy().tolist() == [0.5, 1.5]
    else:
        assert a.numpy().tolist() == [3, 1] and b.numpy().tolist() == [0, 1]
    optimizer.finalize_variable_values([a, b])
    with pytest.raises(TypeError, match="expected overwrite_with_gradient to be True or False, received 1"):
        a.overwrite_with_gradient = 1
