"""KerasFileEditor: weights of files by name, compared, renamed, and written so that models read them."""
import numpy as np
import pytest

from kgraph import Input, Sequential, layers
from kgraph.saving import KerasFileEditor


def network(width=4, name=None):
    return Sequential([Input((3,)), layers.Dense(width), layers.Dense(2)], name=name)


@pytest.fixture
def files(tmp_path):
    model = network()
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    return model, tmp_path


@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
def test_what_is_in_a_file(files, ending, capsys):
    model, folder = files
    editor = KerasFileEditor(str(folder / f"m.{ending}"))
    assert sorted(editor.weights_dict["layers"]) == ["dense", "dense_1"]
    np.testing.assert_array_equal(editor.weights_dict["layers"]["dense"]["0"], model.layers[0].kernel)
    assert (editor.config is None) == (ending != "keras")
    editor.summary()
    assert "0: shape=(3, 4), dtype=float32" in capsys.readouterr().out
    assert editor.compare(model) == {"status": "success", "error_count": 0, "match_count": 4}
    assert editor.compare(network(5)) == {"status": "error", "error_count": 3, "match_count": 1}


def test_what_is_edited_is_read_again(files):
    model, folder = files
    editor = KerasFileEditor(folder / "m.weights.h5")
    editor.rename_object("layers/dense_1", "other")
    assert editor.compare(model)["error_count"] == 4
    editor.rename_object("other", "dense_1")
    editor.delete_weight("dense", "1")
    editor.add_weights("dense", {"1": np.full(4, 7, "float32")})
    editor.delete_object("dense_1")
    editor.add_object("layers/dense_1", {"0": np.ones((4, 2), "float32"), "1": np.zeros(2, "float32")})
    editor.save(folder / "new.weights.h5")
    again = network()
    again.load_weights(folder / "new.weights.h5")
    kernel, bias, ones, zeros = again.get_weights()
    np.testing.assert_array_equal(kernel, model.layers[0].kernel)
    assert (bias == 7).all() and (ones == 1).all() and (zeros == 0).all()


@pytest.mark.parametrize("run, words", [
    (lambda e: KerasFileEditor("m.h5"), "ends in .keras or .weights.h5"),
    (lambda e: e.save("m.h5"), "ends in .weights.h5"),
    (lambda e: e.rename_object("densa", "x"), "Did you mean 'dense'"),
    (lambda e: e.rename_object("0", "x"), "2 have: give its path"),
    (lambda e: e.rename_object("layers/dens", "x"), "Did you mean 'dense'"),
    (lambda e: e.rename_object("dense", "a/b"), "without '/'"),
    (lambda e: e.delete_weight("dense", "7"), "no '7' there"),
    (lambda e: e.add_object("x", [1]), "dict of arrays"),
])
def test_refused(files, run, words):
    editor = KerasFileEditor(files[1] / "m.weights.h5")
    with pytest.raises(ValueError, match=words):
        run(editor)
