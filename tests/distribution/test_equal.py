"""However many processes share the training, what comes out is what one computes alone."""
import numpy as np
import pytest
from equal_cases import CASES
from mpi import HERE, needs_mpi, run

pytestmark = needs_mpi


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """number of processes -> what each case gave there."""
    folder, kept = tmp_path_factory.mktemp("equal"), {}

    def get(processes):
        if processes not in kept:
            run(processes, HERE / "equal_cases.py", folder / f"{processes}.npz")
            kept[processes] = dict(np.load(folder / f"{processes}.npz"))
        return kept[processes]
    return get


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_as_alone(found, processes, name):
    alone, shared = found(None), found(processes)
    keys = [key for key in alone if key.startswith(f"{name}:")]
    assert keys
    for key in keys:
        if processes == 1:
            np.testing.assert_array_equal(shared[key], alone[key], err_msg=key)
        else:
            np.testing.assert_allclose(shared[key], alone[key], rtol=1e-5, atol=1e-5, err_msg=key)
