"""Models of real Keras as ONNX files: ONNX Runtime predicts what Keras predicted."""
import tarfile

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import TESTS, load, session

import kgraph

golden_models = load(TESTS / "saving" / "golden_models.py")
with tarfile.open(golden_models.ARCHIVE) as tar:
    NAMES = sorted(tuple(n.removesuffix(".json").split("/")) for n in tar.getnames() if n.endswith(".json"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(golden_models.ARCHIVE) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("folder, name", NAMES)
def test_golden_model(files, tmp_path, folder, name):
    golden = golden_models.Golden(files / folder, name)
    file = next(f for f in golden.info["files"] if f in (f"{name}.keras", f"{name}.h5"))
    model = kgraph.models.load_model(files / folder / file)
    model.export(tmp_path / "m.onnx")
    running = session(tmp_path / "m.onnx")
    given = golden.x()
    arrays = [given[n] for n in model.input_names] if isinstance(given, dict) else golden_models.as_list(given)
    feed = {i.name: np.asarray(a, x.dtype) for i, a, x in zip(running.get_inputs(), arrays, model.inputs)}
    outputs = dict(zip([o.name for o in running.get_outputs()], running.run(None, feed)))
    found = [outputs[n] for n in model.output_names]
    if isinstance(model.output, dict):
        found = [x for _, x in sorted(zip(model.output, found))]
    for got, want in zip(found, golden.group("y"), strict=True):
        np.testing.assert_allclose(got, want, 1e-5, 1e-5 * max(1, np.abs(want).max()))
