"""Losses, metrics, optimizers, schedules and whole trainings give the numbers of Keras 3.15.1 (tests/oracle)."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kgraph

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("oracle_cases", HERE / "oracle" / "cases.py")
cases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cases)

CASES = cases.all_cases()
with np.load(HERE / "data" / "training.npz") as stored:
    ANSWERS = {name.replace("|", "/"): stored[name] for name in stored.files}


def test_every_case_has_an_answer():
    assert set(CASES) == set(ANSWERS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(CASES))
def test_as_keras(name):
    found, expected = CASES[name](kgraph), ANSWERS[name]
    assert np.shape(found) == expected.shape
    scale = max(1.0, np.abs(expected[np.isfinite(expected)]).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * scale)
