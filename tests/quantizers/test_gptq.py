"""GPTQ and AWQ beside Keras 3.15.1 (data of tests/oracle/gptq.py): what is stored, outputs and files."""
from pathlib import Path

import numpy as np
import pytest
from oracle.gptq import CONFIGS, LENGTH, WIDTH, Tokens, ids, model, quantized, stored

import kgraph
from kgraph import layers
from kgraph.quantizers import AWQConfig, GPTQConfig, sampled
from kgraph.quantizers.sampled import Gram, Magnitudes, Rounded, awq, gptq, real
from kgraph.quantizers.samples import windows

FOLDER = Path(__file__).parents[1] / "data"
DATA = np.load(FOLDER / "gptq.npz")


def outputs(m):
    m.compile(run_eagerly=True)
    return m.predict(ids(9, 3), verbose=0)


@pytest.mark.parametrize("name", CONFIGS)
def test_models_are_quantized_as_by_keras(name):
    """Where the order of sums decides about a rounding, one number in a hundred may be another."""
    m = quantized(kgraph, name)
    found = {k: v for k, v in stored(m).items() if k.startswith("b1")}
    wanted = {k.partition("|")[2]: DATA[k] for k in DATA.files if k.startswith(f"{name}|b1")}
    assert set(found) == set(wanted)
    for key, value in found.items():
        assert value.dtype == wanted[key].dtype and value.shape == wanted[key].shape, key
        last = f"{key[:-1]}{int(key[-1]) + 1}" not in wanted   # of Keras's, the fractions are cut off when it is read
        expected = np.floor(wanted[key]) if last else wanted[key]
        if value.dtype == np.uint8:
            assert (value == expected).mean() >= 0.99, key
        else:
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5, err_msg=key)
    np.testing.assert_allclose(outputs(m), DATA[f"{name}|y"], rtol=1e-2, atol=0.05)
    assert m.get_layer("head").quantization_mode is None and m.get_layer("table").quantization_mode is None


@pytest.mark.parametrize("name", ["gptq", "awq"])
def test_files(name, tmp_path):
    m = kgraph.models.load_model(FOLDER / f"{name}.keras")
    found = outputs(m)
    np.testing.assert_allclose(found, DATA[f"{name}|y"], rtol=1e-4, atol=1e-4)
    m.save(tmp_path / "m.keras")
    again = kgraph.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(again), found)
    inner = again.get_layer("b0").get_layer("b0_inner")
    assert inner.dtype_policy.name == f"{name}/4/16_from_float32" and inner.quantization_config.mode == name
    m.save_weights(tmp_path / "m.weights.h5")
    other = quantized(kgraph, name)
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(outputs(other), found)


def of_rank_three(rows, count):
    rng = np.random.default_rng(3)
    return (rng.standard_normal((count, 3)) @ rng.standard_normal((3, rows)) + 0.1 * rng.standard_normal((count, rows))
            ).astype("float32")


def lost(matrix, rounded, x):
    return float(np.square(x @ (matrix - real(rounded))).mean())


@pytest.mark.parametrize("rows,group,importance", [(20, None, False), (40, None, True), (40, 25, False), (37, 8, True)])
def test_errors_are_made_good(rows, group, importance, monkeypatch):
    """Also where a group is larger than the rows that are rounded together."""
    monkeypatch.setattr(sampled, "BLOCK", 16)
    x, matrix = of_rank_three(rows, 64), np.random.default_rng(1).uniform(-1, 1, (rows, 7)).astype("float32")
    known = Gram(rows)
    known.take(x[:40])
    known.take(x[40:])
    np.testing.assert_allclose(known.mean, 2 * x.T.astype("float64") @ x / 64, rtol=1e-5, atol=1e-6)
    plain, better = gptq(matrix, None, 4, group), gptq(matrix, known, 4, group, by_importance=importance)
    assert isinstance(better, Rounded) and better.scales.shape == better.zeros.shape == (-(-rows // (group or rows)), 7)
    assert np.abs(matrix - real(plain)).max() <= plain.scales.max() / 2 * 1.01
    assert lost(matrix, better, x) < 0.5 * lost(matrix, plain, x)
    np.testing.assert_array_equal(np.bincount(better.groups), np.bincount(plain.groups))


@pytest.mark.parametrize("group", [None, 8, 7])
def test_large_inputs_lose_less(group):
    rng = np.random.default_rng(0)
    x, matrix = rng.standard_normal((50, 24)).astype("float32"), rng.uniform(-1, 1, (24, 9)).astype("float32")
    x[:, ::6] *= 20
    known = Magnitudes(24)
    known.take(x)
    np.testing.assert_array_equal(known.largest, np.abs(x).max(0))
    better, plain = awq(matrix, known, group), awq(matrix, None, group)
    np.testing.assert_array_equal(plain.factors, np.ones(24, "float32"))
    assert lost(matrix, better, x) < 0.7 * lost(matrix, plain, x)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("bits,symmetric", [(4, False), (8, False), (4, True)])
def test_groups_of_one_sign(sign, bits, symmetric):
    """Their zero points may not fit into a byte: then the range is that from zero on."""
    matrix = sign * np.random.default_rng(0).uniform(1, 1.2, (12, 3)).astype("float32")
    rounded = gptq(matrix, None, bits, 6, symmetric=symmetric)
    assert rounded.zeros.min() >= 0 and rounded.zeros.max() <= 255
    assert np.abs(matrix - real(rounded)).max() <= rounded.scales.max() * (1 if symmetric else 0.51)


@pytest.mark.parametrize("config", [GPTQConfig(None, None, weight_bits=8, group_size=-1), AWQConfig(
    None, None, group_size=3)])
def test_a_layer_alone_is_plainly_rounded(config):
    m = kgraph.Sequential([kgraph.Input((8,)), layers.Dense(5)])
    (layer,), x = m.layers, np.random.default_rng(0).standard_normal((3, 8)).astype("float32")
    layer.bias.assign(np.arange(5))
    before = layer(x).numpy()
    layer.quantize(config.mode, config=config)
    assert layer.quantization_mode == config.mode and layer.kernel.dtype == "uint8"
    np.testing.assert_allclose(layer(x).numpy(), before, atol=0.02 if config.mode == "gptq" else 0.3)
    np.testing.assert_allclose(m.predict(x, verbose=0), layer(x).numpy(), rtol=1e-5, atol=1e-5)   # compiled
    with pytest.raises(NotImplementedError, match=f"expected reals, int8 or int4 for enable_lora, .* {config.mode}"):
        layer.enable_lora(2)


def test_what_a_layer_refuses():
    turned = layers.EinsumDense("ab,cb->ac", 4)
    turned.build((None, 3))
    with pytest.raises(NotImplementedError, match="expected an equation whose kernel has those letters first"):
        turned.quantize(config=AWQConfig(None, None))
    table = layers.Embedding(3, 4)
    table.build()
    with pytest.raises(NotImplementedError, match="expected mode 'int8' or 'int4', received 'gptq'"):
        table.quantize(config=GPTQConfig(None, None))
    with pytest.raises(ValueError, match="expected a GPTQConfig as config for mode 'gptq', received None"):
        turned.quantize("gptq")
    with pytest.raises(ValueError, match="expected mode 'awq' for this config, received 'gptq'"):
        turned.quantize("gptq", config=AWQConfig(None, None))


def test_what_a_model_refuses():
    m, before, blocks = model(kgraph, False)
    structure = {"pre_block_layers": before, "sequential_blocks": blocks}
    with pytest.raises(ValueError, match="expected a dict of pre_block_layers and sequential_blocks"):
        m.quantize("gptq", config=GPTQConfig([], Tokens()))
    with pytest.raises(ValueError, match="expected a AWQConfig with a dataset and a tokenizer, received dataset=None"):
        m.quantize("awq", config=AWQConfig(None, Tokens(), quantization_layer_structure=structure))
    before[0].set_weights([np.full((20, WIDTH), np.nan)])
    with pytest.raises(ValueError, match="layer 'b0_heads': expected finite inputs on the samples"):
        m.quantize(config=GPTQConfig([ids(1, 1)], Tokens(), sequence_length=LENGTH, num_samples=2,
                                     quantization_layer_structure=structure))
    assert all(getattr(la, "quantization_mode", None) is None and "call" not in vars(la) for la in m._all_layers())


def test_the_structure_of_a_model_class_and_filters():
    class Text(kgraph.Model):
        def __init__(self):
            super().__init__()
            self.table, self.one = layers.Embedding(20, 6), kgraph.Sequential([layers.Dense(7), layers.Dense(6)])
            self.two = layers.Dense(3, name="two")

        def call(self, x):
            return self.two(self.one(self.table(x)))

        def get_quantization_layer_structure(self, mode=None):
            return {"pre_block_layers": [self.table], "sequential_blocks": [self.one, self.two]}

    m = Text()
    x = ids(1, 2)
    before = m(x).numpy()
    m.quantize("gptq", config=GPTQConfig(["some text"], Tokens(), num_samples=3, sequence_length=LENGTH, weight_bits=8),
               filters=["^dense", "two$"])
    assert [la.quantization_mode for la in (*m.one.layers, m.two, m.table)] == ["gptq"] * 3 + [None]
    np.testing.assert_allclose(m(x).numpy(), before, atol=0.01)


def test_configs_and_policies():
    for config in (GPTQConfig([1], 2, weight_bits=3, symmetric=True), AWQConfig([1], 2, group_size=-1)):
        again = kgraph.quantizers.deserialize(kgraph.quantizers.serialize(config))
        assert again.get_config() == config.get_config() and again.dataset is None
        policy = kgraph.dtype_policies.get(f"{config.dtype_policy_string()}_from_mixed_bfloat16")
        assert kgraph.dtype_policies.deserialize(kgraph.dtype_policies.serialize(policy)) == policy
        assert (policy.quantization_mode, policy.weight_bits, policy.group_size, policy.compute_dtype) == (
            config.mode, config.weight_bits, config.group_size, "bfloat16")
    for cls, wrong in ((GPTQConfig, {"weight_bits": 5}), (GPTQConfig, {"hessian_damping": 2}), (AWQConfig, {
            "weight_bits": 8}), (AWQConfig, {"num_grid_points": 0}), (GPTQConfig, {"group_size": 0})):
        with pytest.raises(ValueError, match=f"{cls.__name__}: expected.*{next(iter(wrong))}"):
            cls(None, None, **wrong)
    for name in ("gptq/5/8", "gptq/4", "awq/8/4", "awq/4/0", "gptq/4/x"):
        with pytest.raises(ValueError, match="DTypePolicy: expected mode"):
            kgraph.dtype_policies.get(f"{name}_from_float32")


def test_samples():
    taken = windows(GPTQConfig(["abc", "de"], lambda text: [ord(c) for c in text], num_samples=2, sequence_length=2))
    assert taken.dtype == np.int32 and taken.tolist() == [[[97, 98]], [[99, 100]]]
    taken = windows(AWQConfig([np.arange(3), np.arange(3, 5)[None]], None, num_samples=3, sequence_length=3))
    assert taken.shape == (3, 1, 3) and taken[:, 0].tolist() == [[0, 1, 2], [2, 3, 4], [4, 0, 1]]
    with pytest.raises(TypeError, match="expected dataset to be an iterable of texts or of arrays of tokens"):
        windows(GPTQConfig("text", None))
    with pytest.raises(ValueError, match="expected a dataset with tokens"):
        windows(GPTQConfig([], None))
