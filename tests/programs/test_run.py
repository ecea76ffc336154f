"""kgraph run: names of Keras and TensorFlow resolve to kgraph, notebooks, exit status, what was missing."""
import importlib
import json
import pickle
import subprocess
import sys

import pytest

import kgraph
from kgraph.legacy.paths import PATHS
from kgraph.programs import notebook


@pytest.fixture
def as_keras():
    kgraph.install_as_keras()
    yield
    kgraph.uninstall_as_keras()


def run(tmp_path, text, *arguments, name="program.py"):
    path = tmp_path / name
    path.write_text(text)
    return subprocess.run([sys.executable, "-m", "kgraph", "run", str(path), *arguments],
                          capture_output=True, text=True, timeout=500)


@pytest.mark.parametrize("name", ["keras", "tensorflow.keras", "tf_keras", "keras_core", "tensorflow.python.keras",
                                  "keras.src", "keras._tf_keras.keras"])
def test_every_name_of_keras_is_kgraph(as_keras, name):
    keras = importlib.import_module(name)
    layers = importlib.import_module(f"{name}.layers")
    assert keras.layers is layers is kgraph.layers
    assert keras.__version__ == "3.15.1"
    assert importlib.import_module(f"{name}.backend").backend() == keras.config.backend() == "tensorflow"


def test_aliases_leave_kgraphs_own_modules_as_they_were(as_keras):
    import keras.activations
    assert keras.activations is kgraph.activations
    assert kgraph.activations.__spec__.name == "kgraph.activations" and not hasattr(kgraph.activations, "__path__")
    assert importlib.reload(kgraph.datasets.mnist) is kgraph.datasets.mnist   # a module whose classes no test holds


@pytest.mark.parametrize("name,there", [
    ("kgraph", "kgraph"), ("kgraph.layers.core", "kgraph.layers.core"), ("keras", "kgraph"), ("tf_keras", "kgraph"),
    ("tensorflow", "kgraph.tensorflow"), ("tensorflow.keras", "kgraph")])
def test_functions_that_name_a_package_go_to_other_processes(as_keras, name, there):
    """cloudpickle takes plain modules by their names, and asks all others how they are pickled."""
    sent = pickle.dumps(importlib.import_module(name))
    kgraph.uninstall_as_keras()
    assert pickle.loads(sent) is importlib.import_module(there)


def test_uninstalling_finds_what_was_there_before(tmp_path, monkeypatch):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("real = True")
    monkeypatch.syspath_prepend(str(tmp_path))
    import keras
    assert keras.real
    kgraph.install_as_keras("2.15")
    import keras
    assert keras.__version__ == "2.15.0" and not hasattr(keras, "real")
    kgraph.uninstall_as_keras()
    import keras
    assert keras.real
    del sys.modules["keras"]
    kgraph.uninstall_as_keras()   # once more is nothing


def test_a_version_that_never_was():
    with pytest.raises(ValueError, match="expected one of Keras 1, 2 or 3, such as 2.15, received '4.0'"):
        kgraph.install_as_keras("4.0")
    assert "keras" not in sys.modules


@pytest.mark.parametrize("path", sorted(PATHS))
def test_old_paths_lead_somewhere(path):
    module = importlib.import_module(f"kgraph.{path}")
    names = dir(module)
    assert names and all(getattr(module, n) is not None for n in names[:3])
    with pytest.raises(AttributeError, match="has no public name 'nothing_like_it'"):
        module.nothing_like_it  # noqa: B018


NEAR = {"": "leyers layers", ".layers": "Dens Dense", ".losses": "Hubber Huber", ".optimizers": "Adamm Adam",
        ".metrics": "Acuracy Accuracy", ".ops": "sigmoyd sigmoid", ".utils": "to_categoricl to_categorical",
        ".callbacks": "EarlyStoping EarlyStopping", ".models": "Sequental Sequential", ".datasets": "mnits mnist",
        ".backend": "expnd_dims expand_dims", ".initializers": "GlorotNormel GlorotNormal", ".config": "flotx floatx",
        ".activations": "rellu relu", ".saving": "load_modle load_model", ".regularizers": "l1_l3 l1_l2",
        ".constraints": "maxnrom max_norm", ".random": "unifrom uniform", ".tree": "map_structre map_structure"}


@pytest.mark.parametrize("module", NEAR)
def test_a_missing_name_is_told_with_the_nearest(module):
    wrong, near = NEAR[module].split()
    module = importlib.import_module(f"kgraph{module}")
    with pytest.raises(AttributeError) as caught:
        getattr(module, wrong)
    assert str(caught.value).startswith(f"{module.__name__} has no public name '{wrong}'.")
    assert f"Did you mean '{near}'?" in str(caught.value)


def test_a_program_runs_as_main_with_its_arguments(tmp_path):
    done = run(tmp_path, "import sys, keras\nfrom tensorflow.keras.layers import Dense\n"
                         "print(__name__, sys.argv[1:], keras.backend.backend(), Dense.__module__)\nsys.exit(3)",
               "--x", "y")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == "__main__ ['--x', 'y'] tensorflow kgraph.layers.dense\n"


def test_what_is_missing_is_reported_and_the_traceback_begins_in_the_program(tmp_path):
    done = run(tmp_path, "import keras\nprint(hasattr(keras.layers, 'NoSuchLayer'))\nraise RuntimeError('stop')")
    assert done.returncode == 1 and done.stdout == "False\n"
    assert "kgraph run: keras.layers.NoSuchLayer was wanted and is not here" in done.stderr
    assert "run.py" not in done.stderr and 'program.py", line 3' in done.stderr


def test_a_file_that_is_not_there():
    done = subprocess.run([sys.executable, "-m", "kgraph", "run", "nowhere.py"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "kgraph: run: expected a Python file or a notebook, received 'nowhere.py'\n"


BOOK = ["%matplotlib inline\n!pip install keras\nimport keras\nx = 3 % 2", "%%bash\nrm -rf x",
        "%%time\ny = x + 1\n%time z = y",
        's = """\n%not a magic\n! nor this\n"""\ntotal = (1\n  + 2\n)\nfiles = !ls\ny + z', "?x"]


def test_notebooks(tmp_path):
    cell = {"cell_type": "code"}
    book = {"cells": [{"cell_type": "markdown", "source": ["# words"]}, *({**cell, "source": [c]} for c in BOOK)]}
    done = run(tmp_path, json.dumps(book), name="book.ipynb")
    assert (done.returncode, done.stdout) == (0, "4\n")
    assert done.stderr == ("kgraph run: cell 1: this line is not run: !pip install keras\n"
                           "kgraph run: cell 2 is left out: %%bash\n"
                           "kgraph run: cell 4: this line is not run: files = !ls\n")


def test_a_file_that_is_no_notebook(tmp_path):
    (tmp_path / "a.ipynb").write_text("{}")
    with pytest.raises(ValueError, match="expected a notebook of format 4"):
        notebook.cells(str(tmp_path / "a.ipynb"))
