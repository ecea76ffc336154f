"""Programs in the manner of books and courses of ten years run unchanged and give what real Keras gives.

They lie in scripts/, by the Keras that they were written for; tests/oracle/programs.py writes what that prints. They
run in one process: every second one, eagerly; with KGRAPH_PROGRAMS=compiled, as .ci/run has it, all of them, as
`kgraph run` runs them, which takes minutes.
"""
import json
import os
import runpy
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import naming
from kgraph import tensorflow as tf

SCRIPTS = Path(__file__).parent / "scripts"
VALUES = json.loads((SCRIPTS.parents[1] / "data" / "programs.json").read_text())
COMPILED = os.environ.get("KGRAPH_PROGRAMS") == "compiled"
NAMES = sorted(f"{p.parent.name}/{p.stem}" for p in SCRIPTS.glob("*/*.py"))
VERSIONS = {"keras1": "1.2", "keras2": "2.15", "keras3": "3.15"}


@pytest.fixture
def as_program(request, tmp_path, monkeypatch):
    """A process as `kgraph run` makes it, as nearly as one process can begin anew."""
    monkeypatch.chdir(tmp_path)   # programs save files
    kgraph.install_as_keras(VERSIONS[request.node.callspec.params["name"].partition("/")[0]])
    tf.config.run_functions_eagerly(not COMPILED)
    naming.reset_names()
    yield
    kgraph.uninstall_as_keras()


def test_every_program_has_values():
    assert NAMES == sorted(VALUES)


@pytest.mark.parametrize("name", NAMES if COMPILED else NAMES[::2])
def test_program(name, capsys, as_program):
    runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
    line = [x for x in capsys.readouterr().out.splitlines() if x.startswith("values:")][-1]
    found = [float(x) for x in line.split()[1:]]
    assert len(found) >= 5
    np.testing.assert_allclose(found, VALUES[name], rtol=1e-4, atol=1e-6)
