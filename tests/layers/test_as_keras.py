"""Layers give the numbers of Keras 3.15.1 where it matters what they mean: tests/oracle/semantics.py."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kgraph

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("oracle_semantics", HERE / "oracle" / "semantics.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

CASES = module.all_cases()
with np.load(HERE / "data" / "semantics.npz") as stored:
    ANSWERS = {name.replace("|", "/"): stored[name] for name in stored.files}


def test_every_case_has_an_answer():
    assert set(CASES) == set(ANSWERS)


@pytest.mark.parametrize("name", sorted(CASES))
def test_as_keras(name):
    np.testing.assert_allclose(CASES[name](kgraph), ANSWERS[name], rtol=1e-4, atol=1e-5)
