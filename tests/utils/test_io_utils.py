"""HDF5Matrix: rows of a file as training data."""
import h5py
import numpy as np
import pytest

import kgraph
from kgraph.utils import HDF5Matrix


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(50, 3)).astype("float32"), rng.normal(size=(50, 1)).astype("float32")
    return tmp_path / "data.h5"


def test_rows_and_bounds(path):
    with h5py.File(path) as file:
        whole = file["x"][:]
    part = HDF5Matrix(path, "x", 10, 30, normalizer=lambda rows: rows * 2)
    assert part.shape == (20, 3) and len(part) == 20 and part.dtype == np.float32
    np.testing.assert_array_equal(part[2:5], whole[12:15] * 2)
    np.testing.assert_array_equal(part[0], whole[10] * 2)
    np.testing.assert_array_equal(part[[0, 19]], whole[[10, 29]] * 2)


def test_fit_reads_it_as_it_reads_arrays(path):
    def trained(x, y):
        kgraph.utils.set_random_seed(1)
        model = kgraph.Sequential([kgraph.Input((3,)), kgraph.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
    x, y = HDF5Matrix(path, "x", 0, 20), HDF5Matrix(path, "y", 0, 20)
    np.testing.assert_allclose(trained(x, y), trained(x[:], y[:]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("arguments, error, message", [
    (("z",), KeyError, "among"), (("x", 10, 60), ValueError, "end <= 50"), (("x", 20, 10), ValueError, "start=20")])
def test_errors(path, arguments, error, message):
    with pytest.raises(error, match=message):
        HDF5Matrix(path, *arguments)


def test_positions_outside(path):
    with pytest.raises(IndexError, match=r"\[0, 20\)"):
        HDF5Matrix(path, "x", 0, 20)[25]
