"""Layers in 8 and 4 bits beside Keras 3.15.1 (data of tests/oracle/quantizers.py): what files hold, and outputs."""
from pathlib import Path

import numpy as np
import pytest
from oracle.quantizers import LAYERS, inputs, modes, quantized_layer

import kgraph
from kgraph import layers, ops, quantizers

FOLDER = Path(__file__).parents[1] / "data"
DATA = np.load(FOLDER / "quantized_layers.npz")
CASES = sorted({n.rpartition("_")[0] for n in DATA.files if "_v" in n})


def of_keras(case):
    """What Keras's file holds, in order."""
    numbers = sorted(int(n.rpartition("_v")[2]) for n in DATA.files if n.startswith(f"{case}_v"))
    return {str(i): DATA[f"{case}_v{i}"] for i in numbers}


def layer_of(case):
    name, mode = case.removeprefix("lora_").split("_")
    layer = quantized_layer(kgraph, name, mode)
    if case.startswith("lora"):
        layer.enable_lora(2, lora_alpha=3)
        for i, v in enumerate(layer.trainable_weights[-2:]):
            v.assign(np.random.default_rng(i).uniform(-1, 1, tuple(v.shape)).astype("float32"))
    return layer, name


def outputs(layer, name):
    _, arguments, shape, calls = LAYERS[name]
    for i, call in enumerate(calls):
        yield i, lambda x, call=call: layer(x, **call), inputs(name, arguments, call, shape)


@pytest.mark.parametrize("case", CASES)
def test_what_files_hold_and_outputs(case):
    layer, name = layer_of(case)
    store, wanted = {}, of_keras(case)
    layer.save_own_variables(store)
    assert list(store) == list(wanted)
    for key, value in store.items():
        value = ops.convert_to_numpy(value)
        assert value.dtype == wanted[key].dtype and value.shape == wanted[key].shape
        packed = value.dtype == np.int8 and "int8" not in case and "weights" not in case
        if packed:
            assert (value != wanted[key]).mean() <= 0.02
        else:
            np.testing.assert_allclose(value, wanted[key], rtol=1e-5, atol=1.0 * (value.dtype == np.int8))
    for i, call, x in outputs(layer, name):
        np.testing.assert_allclose(call(x).numpy(), DATA[f"{case}_y{i}"], rtol=1e-4, atol=2e-2 if "int8" in case
                                   else 1e-5, err_msg=f"{case} {i}")
    layer.load_own_variables(wanted)
    if not case.startswith("lora"):
        for i, call, x in outputs(layer, name):
            np.testing.assert_allclose(call(x).numpy(), DATA[f"{case}_y{i}"], rtol=1e-5, atol=1e-5)
    else:
        assert not np.any(layer.trainable_weights[-1].numpy())


def attention_model():
    ids = kgraph.Input((6,), dtype="int32")
    table = layers.ReversibleEmbedding(20, 8, name="e")
    x = layers.MultiHeadAttention(2, 3, name="a")(table(ids), table(ids))
    m = kgraph.Model(ids, table(layers.Dense(8, name="d")(x), reverse=True))
    for i, w in enumerate(m.weights):
        w.assign(np.random.default_rng(i).standard_normal(w.shape) * 0.3)
    return m


@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_attention(mode, tmp_path):
    """A model that holds layers in a layer: numbers and weights of Keras; its own files, which Keras cannot write."""
    m, ids = attention_model(), DATA["model_ids"]
    m.quantize(mode)
    np.testing.assert_allclose(m.predict(ids, verbose=0), DATA[f"model_{mode}"], rtol=1e-3, atol=2e-3)
    m.load_weights(FOLDER / f"attention_{mode}.weights.h5")
    found = m.predict(ids, verbose=0)
    np.testing.assert_allclose(found, DATA[f"model_{mode}"], rtol=1e-4, atol=1e-4)
    m.save(tmp_path / "m.keras")
    again = kgraph.models.load_model(tmp_path / "m.keras")
    assert again.get_layer("d").dtype_policy == m.get_layer("d").dtype_policy
    again.compile(run_eagerly=True)
    np.testing.assert_allclose(again.predict(ids, verbose=0), found, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["int8", "int4", "columns", "inputs"])
@pytest.mark.parametrize("equation,shape,size", [("...x,xy->...y", (2, 3, 4), 5), ("ab...,bc->ac...", (2, 3, 4), 5),
                                                 ("abc,cd->adb", (2, 3, 4), (5, 3))])
def test_other_equations(equation, shape, size, mode):
    layer, x = layers.EinsumDense(equation, size), np.random.default_rng(0).normal(size=shape).astype("float32")
    real = layer(x).numpy()
    layer.quantize(config=modes(quantizers)[mode])
    assert np.abs(layer(x).numpy() - real).max() < (0.03 if mode == "int8" else 0.5)


@pytest.mark.parametrize("name", ["dense", "heads"])
def test_gradients_and_adapters_of_quantized_layers(name):
    """Gradients reach the inputs by the weights that the integers stand for, and the small weights of LoRA."""
    layer, _ = layer_of(f"lora_{name}_int8")
    _, arguments, shape, _ = LAYERS[name]
    x = kgraph.Variable(inputs(name, arguments, {}, shape))
    with kgraph.GradientTape() as tape:
        y = layer(x)
        loss = ops.sum(y * y)
    kernel = layer.kernel   # real, with what LoRA adds
    back = tape.gradient(loss, [x, *layer.trainable_weights[-2:]])
    np.testing.assert_allclose(back[0].numpy(), layer._linear_back(2 * y, kernel).numpy(), rtol=1e-4, atol=1e-4)
    assert all(np.abs(g.numpy()).max() > 0 for g in back[1:])


def test_int4_policies():
    policy = kgraph.dtype_policies.get("int4/16_from_float32")
    assert policy.block_size == 16 and policy.quantization_mode == "int4" and policy.name == "int4/16_from_float32"
    assert kgraph.dtype_policies.deserialize(kgraph.dtype_policies.serialize(policy)) == policy
    for mode in ("int4", "int4/0", "int4/x", "int8/4", "int4/-2"):
        with pytest.raises(ValueError, match="expected mode 'int4/N'"):
            kgraph.dtype_policies.Int4DTypePolicy(mode)
