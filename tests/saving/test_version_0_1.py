"""What the first version wrote stays loadable: model files, weights, architecture, and the state of a run.

The files are those of a model x -> hidden (4, tanh) -> norm -> out (1) after two epochs; outputs.npz has a batch and
what the model gave for it then."""
import shutil
from pathlib import Path

import numpy as np
import pytest

import kgraph

FILES = Path(__file__).parent / "version_0_1"


@pytest.fixture(scope="module")
def kept():
    with np.load(FILES / "outputs.npz") as arrays:
        return dict(arrays)


def loaded(name):
    if name == "model.weights.h5":
        model = kgraph.models.model_from_json((FILES / "model.json").read_text())
        model.load_weights(FILES / name)
        return model
    return kgraph.models.load_model(FILES / name)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.weights.h5"])
def test_models_predict_what_they_did(kept, name):
    model = loaded(name)
    assert model.name == "kept" and [x.name for x in model.layers] == ["x", "hidden", "norm", "out"]
    np.testing.assert_allclose(model.predict(kept["x"], verbose=0), kept["outputs"], rtol=1e-6, atol=1e-7)
    if name != "model.weights.h5":
        assert int(model.optimizer.iterations) == kept["iterations"] == 4
        assert np.isfinite(model.train_on_batch(kept["x"], kept["y"])).all()


def test_an_interrupted_run_goes_on(kept, tmp_path):
    """The run had another callback, and was left in its second epoch: it goes on with that one."""
    shutil.copy(FILES / "training.npz", tmp_path)
    model = loaded("model.keras")
    history = model.fit(kept["x"], kept["y"], epochs=4, verbose=0, batch_size=3, shuffle=False,
                        callbacks=[kgraph.callbacks.BackupAndRestore(tmp_path), kgraph.callbacks.Callback()])
    assert history.epoch == [0, 1, 2, 3] and int(model.optimizer.iterations) == 4 + 8
    assert np.isfinite(history.history["loss"]).all()
