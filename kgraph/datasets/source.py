"""Where the data sets come from, and how their files are read: as data, never by running a pickle's instructions.

Keras keeps them in ~/.keras/datasets; so does kgraph, with the same names, and a file that is there already is used.
"""
from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np

from kgraph.utils.files import get_file

__all__ = ["fetch", "load_arrays", "load_plain", "shuffled", "split_at"]

TENSORFLOW = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def fetch(name, file_hash, folder=TENSORFLOW, origin_name=None, cache_subdir="datasets") -> str:
    """The path of a data file in Keras's cache, downloaded and checked if it is not there yet."""
    return get_file(name, folder + (origin_name or name), file_hash=file_hash, cache_subdir=cache_subdir)


def load_arrays(path) -> dict:
    """The arrays of an .npz file. Arrays of lists, which NumPy stores as pickles, are read by `load_plain`."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as f:
                arrays[member.removesuffix(".npy")] = _load_array(io.BytesIO(f.read()))
    return arrays


def _load_array(f):
    version = np.lib.format.read_magic(f)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"expected an .npy array of version 1.0 or 2.0, received {version}")
    _, _, dtype = read_header[version](f)
    if dtype.hasobject:
        return load_plain(f)
    f.seek(0)
    return np.load(f, allow_pickle=False)


def load_plain(f):
    """Lists, dicts, numbers, strings and NumPy arrays from a pickle stream that holds nothing else.

    The few names that such a stream needs stand for functions of this module; any other name is an UnpicklingError, so
    nothing outside this module is imported or called.
    """
    return _plain(_PlainReader(f, encoding="bytes").load())


class _Parts:
    """What a pickle says about a dtype or an array: arguments, then a state."""

    def __init__(self, kind, arguments):
        self.kind, self.arguments, self.state = kind, arguments, None

    def __setstate__(self, state):
        self.state = state


def _dtype_parts(*arguments):
    return _Parts("dtype", arguments)


def _array_parts(*arguments):
    return _Parts("array", arguments)


def _latin_bytes(text, encoding):
    """Python 3 writes bytes into old pickles as text; the encoding is always latin1."""
    return text.encode("latin1")


class _PlainReader(pickle.Unpickler):
    NAMES = {("numpy", "dtype"): _dtype_parts, ("numpy", "ndarray"): None, ("_codecs", "encode"): _latin_bytes,
             ("numpy.core.multiarray", "_reconstruct"): _array_parts,
             ("numpy._core.multiarray", "_reconstruct"): _array_parts}

    def find_class(self, module, name):
        if (module, name) in self.NAMES:
            return self.NAMES[module, name]
        raise pickle.UnpicklingError(f"a data file may hold arrays and lists only, received {module}.{name}")


def _plain(x):
    if isinstance(x, _Parts):
        return _build_array(x)
    if isinstance(x, dict):
        return {k.decode() if isinstance(k, bytes) else k: _plain(v) for k, v in x.items()}
    return x


def _build_array(parts):
    if parts.kind != "array" or not isinstance(parts.state, tuple) or len(parts.state) != 5:
        raise ValueError("expected an array in a data file, received an unfinished one")
    _, shape, dtype, column_major, data = parts.state
    code = dtype.arguments[0]
    code = code.decode() if isinstance(code, bytes) else code
    order = "F" if column_major else "C"
    if isinstance(data, list):
        array = np.empty(len(data), dtype=object)
        array[:] = data
        return array.reshape(shape, order=order)
    return np.frombuffer(data, dtype=np.dtype(code)).reshape(shape, order=order).copy()


def shuffled(seed, *arrays) -> list:
    """The arrays in one common random order: Keras's, for the same seed."""
    order = np.arange(len(arrays[0]))
    np.random.RandomState(seed).shuffle(order)
    return [a[order] for a in arrays]


def split_at(test_split, x, y):
    """((x_train, y_train), (x_test, y_test)), the last share test_split for testing: a number in [0, 1)."""
    if not 0 <= test_split < 1:
        raise ValueError(f"expected test_split in [0, 1), received {test_split!r}")
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])
