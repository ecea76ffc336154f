"""LoRA and ReversibleEmbedding give what Keras 3.15.1 gives (tests/oracle/lora.py), train, and are saved."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import Input, Model, Sequential, layers

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("lora", HERE / "oracle" / "lora.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
CASES = oracle.all_cases()
with np.load(HERE / "data" / "lora.npz") as found:
    ANSWERS = dict(found)


@pytest.mark.parametrize("case", CASES)
def test_as_keras(case):
    np.testing.assert_allclose(CASES[case](kgraph), ANSWERS[case.replace("/", "|")], rtol=1e-5, atol=1e-5)


def test_trains_the_product_and_is_saved_as_the_sum(tmp_path):
    x = np.random.default_rng(0).uniform(-1, 1, (16, 5)).astype("float32")
    model = Sequential([Input((5,)), layers.Dense(4, lora_rank=2, lora_alpha=4), layers.Dense(1)])
    dense = model.layers[0]
    assert [v.name for v in dense.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    frozen = dense._kernel.numpy()
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    np.testing.assert_array_equal(dense._kernel, frozen)
    assert np.abs(dense.lora_kernel_b.numpy()).max() > 0
    model.save(tmp_path / "m.keras")
    again = kgraph.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    assert again.layers[0].get_config()["lora_alpha"] == 4 and again.layers[0].lora_enabled
    np.testing.assert_allclose(again.layers[0]._kernel, dense.kernel, rtol=1e-6)
    again.compile("sgd", "mse")
    again.fit(x, x[:, :1], verbose=0)
    assert np.abs(again.layers[0].lora_kernel_b.numpy()).max() > 0


def test_eager_and_compiled_training_agree():
    x = np.random.default_rng(0).integers(0, 7, (6, 3))
    losses = []
    for eagerly in (True, False):
        kgraph.set_random_seed(1)
        model = Sequential([Input((3,), dtype="int32"), layers.Embedding(7, 4, lora_rank=2), layers.Flatten(),
                            layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=eagerly)
        losses.append(model.fit(x, x[:, :1].astype("float32"), epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_table_read_both_ways(tmp_path):
    layer = layers.ReversibleEmbedding(6, 3, mask_zero=True, logit_soft_cap=2.0)
    tokens = Input((4,), dtype="int32")
    inner = layer(tokens)
    assert inner._keras_mask is not None
    model = Model(tokens, layer(inner * 1.0, reverse=True))
    assert model.output_shape == (None, 4, 6)
    model.save(tmp_path / "m.keras")
    x = np.arange(8).reshape(2, 4) % 6
    np.testing.assert_allclose(kgraph.models.load_model(tmp_path / "m.keras").predict(x, verbose=0),
                               model.predict(x, verbose=0), rtol=1e-6)


def built(**kwargs):
    layer = layers.Dense(3, **kwargs)
    layer.build((None, 4))
    return layer


@pytest.mark.parametrize("run, words", [
    (lambda: layers.Dense(3).enable_lora(2), "expected a layer that is built"),
    (lambda: built(lora_rank=2).enable_lora(2), "was called before"),
    (lambda: built(kernel_constraint="non_neg").enable_lora(2), "kernel_constraint=None"),
    (lambda: layers.Dense(3, lora_rank=0), "lora_rank to be an int above 0"),
    (lambda: layers.Dense(3, quantization_config="int8"), "quantization_config to be a QuantizationConfig"),
])
def test_refused(run, words):
    with pytest.raises(ValueError, match=words):
        run()
