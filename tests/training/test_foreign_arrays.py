"""Arrays of other libraries are taken whole, not for files."""
import numpy as np
import pytest

import kgraph
from kgraph import layers, ops
from kgraph.compiler.trace import Tensor
from kgraph.training.arrays import as_arrays, is_file

X = np.arange(12, dtype="float32").reshape(4, 3)


class Foreign:
    """Something like an array of JAX: rows may be asked for, and numbers as a whole."""

    shape, dtype, __dlpack__ = X.shape, X.dtype, None

    def __getitem__(self, rows):
        raise AssertionError("read row by row")

    def __array__(self, dtype=None, copy=None):
        return X


class Sparse(Foreign):
    """Something like a matrix of SciPy."""

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("not dense")

    def toarray(self):
        return X


class Interface:
    shape, dtype = X.shape, X.dtype
    __array_interface__ = X.__array_interface__


@pytest.mark.parametrize("kind", [Foreign, Sparse, Interface])
def test_taken_whole(kind):
    assert not is_file(kind())
    np.testing.assert_array_equal(as_arrays(kind()), X)
    m = kgraph.Sequential([kgraph.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
    m.compile("sgd", "mse")
    np.testing.assert_array_equal(m.predict(kind(), verbose=0), X.sum(1, keepdims=True))
    m.fit(kind(), X[:, :1], verbose=0)


def test_memory_maps(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.testing.assert_array_equal(as_arrays(np.load(tmp_path / "x.npy", mmap_mode="r")), X)


DTYPES = ["float32", "float64", "float16", "int8", "int32", "int64", "uint8", "bool", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (3, 37)])
def test_tensors_go_out_by_dlpack(dtype, shape):
    value = np.resize(np.arange(7), shape).astype(dtype)
    tensor = ops.convert_to_tensor(value)
    shared = np.from_dlpack(tensor)
    assert shared.dtype == dtype and shared.shape == shape and not shared.flags.writeable
    np.testing.assert_array_equal(shared, value)
    assert value.size == 0 or np.shares_memory(shared, tensor.numpy())
    copied = np.from_dlpack(tensor, copy=True)
    assert copied.flags.writeable and not np.shares_memory(copied, tensor.numpy())
    assert tensor.__dlpack_device__() == value.__dlpack_device__() and "dltensor" in repr(tensor.__dlpack__())


def test_a_view_goes_out_by_dlpack():
    np.testing.assert_array_equal(np.from_dlpack(Tensor(X.T[::-1])), X.T[::-1])


def test_variables_go_out_by_dlpack_as_copies():
    v = kgraph.Variable(X)
    out = np.from_dlpack(v)
    out[...] = 0
    np.testing.assert_array_equal(np.from_dlpack(v), X)
    v.assign(X + 1)
    assert not out.any()
    with pytest.raises(BufferError, match="expected copy=None or True, received copy=False"):
        np.from_dlpack(v, copy=False)


class OldConsumer:
    """A library that asks as DLPack was before 1.0: what it gets, it may write."""

    def __init__(self, tensor):
        self.capsule, self.device = tensor.__dlpack__(), tensor.__dlpack_device__()

    def __dlpack__(self, **_):
        return self.capsule

    def __dlpack_device__(self):
        return self.device


def test_what_older_libraries_may_write_is_a_copy():
    tensor = ops.convert_to_tensor(X)
    out = np.from_dlpack(OldConsumer(tensor))
    np.testing.assert_array_equal(out, X)
    assert not np.shares_memory(out, tensor.numpy())
    with pytest.raises(BufferError):
        tensor.__dlpack__(copy=False)


def test_what_dlpack_cannot_carry():
    with pytest.raises(BufferError, match="expected a dtype of NumPy's own, received bfloat16"):
        np.from_dlpack(ops.cast(X, "bfloat16"))
    with pytest.raises(BufferError, match="received bfloat16"):
        np.from_dlpack(kgraph.Variable(X, dtype="bfloat16"))
    with pytest.raises(TypeError, match="has no value"):
        np.from_dlpack(kgraph.Input((3,)))
