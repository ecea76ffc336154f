"""Models that PyTorch exported, in both of its ways: a convnet, a transformer, an LSTM with a GRU, a U-Net. They give
what PyTorch gave (data/, written by make_torch_models.py), for other sizes what ONNX's reference gives, train on and
are saved."""
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import ops

pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
FOLDER = Path(__file__).parent / "data"
FILES = sorted(path.stem for path in FOLDER.glob("*.onnx"))
OTHER = {"convnet": (1, 3, 25, 30), "encoder": (5, 11), "recurrent": (2, 4, 4), "unet": (1, 1, 8, 20)}
TRACED = ("torch_encoder_script", "torch_recurrent_dynamo")    # PyTorch wrote the length that it met into these


def _told(name):
    arrays = np.load(FOLDER / f"{name.rpartition('_')[0]}.npz")
    return arrays["x"], [arrays[key] for key in arrays.files if key != "x"]


def _several(y):
    return y if isinstance(y, (list, tuple)) else [y]


def _close(found, expected):
    for a, b in zip(_several(found), expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), b, atol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_gives_what_pytorch_gave(name, tmp_path):
    model = kgraph.load_onnx(FOLDER / f"{name}.onnx")
    x, expected = _told(name)
    _close(model(x), expected)
    _close(model.predict(x, verbose=0), expected)
    model.save(tmp_path / "model.keras")
    _close(kgraph.models.load_model(tmp_path / "model.keras")(x), expected)


@pytest.mark.parametrize("name", FILES)
def test_other_sizes(name):
    model = kgraph.load_onnx(FOLDER / f"{name}.onnx")
    shape = OTHER[name.split("_")[1]]
    rng = np.random.default_rng(1)
    x = rng.integers(0, 20, shape) if "encoder" in name else rng.normal(size=shape).astype("float32")
    if name in TRACED:
        with pytest.raises(ValueError):
            model.predict(x, verbose=0)
    else:
        expected = reference.ReferenceEvaluator(str(FOLDER / f"{name}.onnx")).run(None, {"x": x})
        _close(model.predict(x, verbose=0), expected)


@pytest.mark.parametrize("name", [name for name in FILES if "recurrent" not in name])
def test_trains_on(name):
    model = kgraph.load_onnx(FOLDER / f"{name}.onnx")
    x, (y, *_) = _told(name)
    model.compile(kgraph.optimizers.Adam(0.01), "mse")
    losses = model.fit(x, np.full_like(y, 0.3), epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2


def test_gradients_reach_every_weight_of_the_lstm():
    model = kgraph.load_onnx(FOLDER / "torch_recurrent_script.onnx")
    x, _ = _told("torch_recurrent_script")
    with kgraph.GradientTape() as tape:
        loss = ops.sum(ops.square(model(x)[0]))
    gradients = tape.gradient(loss, model.trainable_weights)
    assert len(gradients) == 11 and all(g is not None and np.abs(g).max() > 0 for g in gradients)
