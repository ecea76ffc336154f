"""`ExportArchive`: several functions in one folder."""
import importlib.util
import shutil

import numpy as np
import pytest

import kgraph
from kgraph import layers, ops
from kgraph.export import ExportArchive, c_source


def spec(*shape):
    return kgraph.InputSpec(shape=(None, *shape), dtype="float32")


def model():
    return kgraph.Sequential([kgraph.Input((4,)), layers.Dense(3, "relu")])


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None or not shutil.which("cc"),
                    reason="there is no Zig, or no C compiler")
def test_each_endpoint_is_a_bundle(tmp_path, capsys):
    made, archive = model(), ExportArchive()
    archive.track_and_add_endpoint("again", made, [spec(4)])
    archive.add_endpoint("serve", made)     # a name that the C source has for a function, too
    archive.add_endpoint("both", lambda x, y: [made(x) + y, ops.sum(y, axis=-1)], [spec(4), spec(3)])
    assert archive.endpoints == ["again", "serve", "both"] and archive.trainable_variables == made.trainable_variables
    for _ in range(2):
        archive.write_out(tmp_path / "archive")
    assert "again, serve, both" in capsys.readouterr().out
    x, y = (np.random.default_rng(n).normal(size=(5, n)).astype("float32") for n in (4, 3))
    wanted = made.predict(x, verbose=0)
    load = lambda name: kgraph.load_bundle(tmp_path / "archive" / name)
    np.testing.assert_array_equal(load("serve").predict(x), wanted)
    np.testing.assert_array_equal(load("again").predict(x), wanted)
    total, sums = load("both").predict([x, y])
    np.testing.assert_allclose(total, wanted + y, rtol=1e-6)
    np.testing.assert_allclose(sums, y.sum(-1), rtol=1e-5, atol=1e-6)
    (tmp_path / "archive" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="other things in it"):
        archive.write_out(tmp_path / "archive")


def test_errors():
    archive = ExportArchive()
    archive.add_endpoint("serve", model())
    for wrong, said in (
            (lambda: ExportArchive("saved_model"), "SavedModel needs TensorFlow"),
            (lambda: archive.add_endpoint("serve", model()), "expected a new name, received 'serve'"),
            (lambda: archive.add_endpoint("two words", model()), "expected name as a Python name"),
            (lambda: archive.add_endpoint("f", abs), "expected input_signature= for 'f'"),
            (lambda: archive.track(layers.Dense(3)), "a layer that is built"),
            (lambda: archive.track(3), "a layer, a model or a Variable, received 3"),
            (lambda: archive.add_variable_collection("kept", 3), "a list of Variables for 'kept', received 3"),
            (lambda: ExportArchive().write_out("nowhere"), "expected an endpoint, received none")):
        with pytest.raises(ValueError, match=said):
            wrong()


@pytest.mark.parametrize("name, wanted", [("digits", "digits"), ("model", "model"), ("int", "int_"), ("7 up", "_7_up"),
                                          ("binding", "binding_"), ("memory", "memory_"), ("programs", "programs_")])
def test_names_that_c_can_have(name, wanted):
    assert c_source.identifier(name) == wanted
