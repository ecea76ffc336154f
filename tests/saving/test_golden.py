"""Files of real Keras: they load, predict, train on as the saved model would have, and survive a copy by kgraph."""
import tarfile

import numpy as np
import pytest
from golden_models import ARCHIVE, Golden, as_list

import kgraph

with tarfile.open(ARCHIVE) as tar:
    NAMES = [tuple(n.removesuffix(".json").split("/")) for n in tar.getnames() if n.endswith(".json")]
    FILES = sorted(tuple(n.split("/")) for n in tar.getnames() if n.endswith((".keras", ".h5")))
NAME_OF = lambda file: file.partition(".")[0].removesuffix("_w")


def load(golden, file):
    if file.endswith((".weights.h5", "_w.h5")):
        model = kgraph.models.model_from_json(golden.info["architecture"])
        model.load_weights(golden.folder / file)
        return model
    return kgraph.models.load_model(golden.folder / file)


def reset_states(model):
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def check_predictions(golden, model, expected="y", rtol=1e-4, atol=1e-5):
    reset_states(model)
    for got, want in zip(as_list(model.predict(golden.x(), verbose=0)), golden.group(expected), strict=True):
        np.testing.assert_allclose(got, want, rtol, atol * max(1, np.abs(want).max()))


def check_training(golden, model):
    losses = []
    for step in range(3):
        model.reset_metrics()
        reset_states(model)
        losses.append(float(np.ravel(model.train_on_batch(*golden.batch(step)))[0]))
    np.testing.assert_allclose(losses, golden.arrays["losses"], 1e-3, 1e-5)
    check_predictions(golden, model, "after", 1e-3, 2e-4)


@pytest.mark.parametrize("folder, file", FILES)
def test_keras_file(golden, folder, file):
    golden = Golden(golden / folder, NAME_OF(file))
    model = load(golden, file)
    assert model.count_params() == golden.info["params"]
    assert [layer.name for layer in model.layers] == golden.info["layers"]
    check_predictions(golden, model)
    if golden.info["trainable"] and not file.endswith((".weights.h5", "_w.h5")):
        check_training(golden, model)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("folder, name", sorted(NAMES))
def test_way_through_kgraph(golden, tmp_path, folder, name, suffix):
    golden = Golden(golden / folder, name)
    file = next(f for f in golden.info["files"] if f in (f"{name}.keras", f"{name}.h5"))
    load(golden, file).save(tmp_path / f"copy{suffix}")
    model = kgraph.models.load_model(tmp_path / f"copy{suffix}")
    check_predictions(golden, model)
    if golden.info["trainable"]:
        check_training(golden, model)
