"""Arrays out of what users have: lists, frames, tensors of other libraries, sparse matrices; files stay files."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorLike
from kgraph.compiler.loopnest.dtypes import kind_of
from kgraph.config import floatx

__all__ = ["SparseRows", "as_arrays", "is_file", "is_foreign", "is_plain", "standardize"]

# what arrays of other libraries offer, of which NumPy makes its own
_SPARSE_WHOLE = 2 ** 24   # a sparse matrix of more places than that is made dense batch by batch
_IN_MEMORY = ("to_numpy", "to_pandas", "toarray", "detach", "__dlpack__", "__array_interface__")


def standardize(a, name="x"):
    """a as an array that the compiler takes: floats in floatx, pandas and tensors unwrapped, files read.

    name: what errors call it.
    """
    if type(a) is not np.ndarray:
        a = _unwrap(a, name)
    if kind_of(a.dtype) not in "fiub":
        raise ValueError(f"{name}: expected an array of numbers, received one of dtype {a.dtype}; " + (
            "np.unique(y, return_inverse=True) numbers the classes of labels from 0" if name.startswith("y") else
            "a model takes text when it begins with a layer such as TextVectorization"))
    if kind_of(a.dtype) == "f" and a.dtype.name != floatx():
        a = a.astype(floatx())
    return np.ascontiguousarray(a) if not a.flags.c_contiguous else a


class SparseRows:
    """A sparse matrix of SciPy whose rows are made dense when they are asked for."""

    def __init__(self, matrix):
        self._matrix = matrix.tocsr()
        self.shape, self.dtype, self.ndim = matrix.shape, matrix.dtype, 2

    def __getitem__(self, rows):
        return self._matrix[rows].toarray()

    def part(self, rows: slice) -> SparseRows:
        """These rows, as sparse as they are."""
        return SparseRows(self._matrix[rows])

    def __len__(self):
        return self.shape[0]


def is_query(x) -> bool:
    """A LazyFrame of polars: a query, whose rows `collect` makes."""
    return hasattr(x, "collect_schema") and hasattr(x, "collect")


def is_sparse(x) -> bool:
    """A sparse matrix or array of SciPy."""
    return hasattr(x, "toarray")


def _unwrap(a, name):
    if isinstance(a, TensorLike):
        return np.array(a.numpy())
    if hasattr(a, "detach"):  # a torch tensor
        a = a.detach().cpu()
    if is_sparse(a):
        a = a.toarray()
    if is_query(a):
        a = a.collect()
    table = hasattr(a, "column_names")  # of pyarrow
    if table or hasattr(a, "to_numpy"):  # pandas, polars; a series becomes a column, as in Keras
        values = _columns(a) if table else a.to_numpy()
        values = values if values.ndim > 1 else values[:, None]
        return values if values.dtype.kind in "fiub" else _numbers(a, values, name)
    return np.asarray(a)


def _columns(table) -> np.ndarray:
    """The columns of a table beside each other, without pandas, which its to_pandas wants."""
    columns = [np.asarray(column) for column in table.columns]
    plain = all(column.dtype.kind in "fiub" for column in columns)
    return np.stack(columns if plain else [column.astype(object) for column in columns], axis=1)


def _numbers(frame, values, name):
    """The values of a frame whose columns differ in dtype. Raises ValueError naming a column that is not of numbers."""
    labels = getattr(frame, "column_names", getattr(frame, "columns", None))
    for i, column in enumerate(values.T):
        try:
            if column.dtype.kind not in "OfiubSU":  # dates: NumPy would make numbers of them
                raise ValueError
            column.astype(floatx())
        except (TypeError, ValueError):
            label = getattr(frame, "name", None) if labels is None else list(labels)[i]
            raise ValueError(f"{name}: expected numbers, received {_first_bad(column)!r} in the column "
                             f"{label!r}") from None
    return values.astype(floatx())


def _first_bad(column):
    for value in column:
        try:
            float(value)
        except (TypeError, ValueError):
            return value
    return column[0]


def as_arrays(x, name="x"):
    """Nested arrays out of what users pass: lists of numbers become one array, files stay files.

    name: what errors call it, with the keys and indices inside: x['age'].
    """
    if x is None or is_file(x) or type(x) is np.ndarray:
        return x if x is None or is_file(x) else standardize(x, name)
    if is_sparse(x):   # before dicts: SciPy has one that is a dict
        return SparseRows(x) if len(x.shape) == 2 and x.shape[0] * x.shape[1] > _SPARSE_WHOLE else standardize(x, name)
    if isinstance(x, dict):
        return {k: as_arrays(v, f"{name}[{k!r}]") for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        if is_plain(x):
            return standardize(_rectangle(x), name)
        return type(x)(as_arrays(v, f"{name}[{i}]") for i, v in enumerate(x))
    return standardize(x, name)


def _rectangle(rows):
    try:
        return np.asarray(rows)
    except ValueError:
        raise ValueError("expected rows of one length, received a list with lengths "
                         f"{', '.join(map(str, sorted({len(r) for r in rows if hasattr(r, '__len__')})[:5]))}: "
                         "kgraph.utils.pad_sequences makes them equal") from None


def is_file(x) -> bool:
    """An array on disk (h5py's Dataset, HDF5Matrix): something with rows to slice that is no array itself."""
    return hasattr(x, "shape") and hasattr(x, "dtype") and hasattr(x, "__getitem__") \
        and not isinstance(x, (np.ndarray, TensorLike)) and not is_foreign(x)


def is_foreign(x) -> bool:
    """An array, frame or table of another library."""
    return any(hasattr(x, name) for name in _IN_MEMORY) or is_query(x)


def is_plain(x):
    """Nested lists of Python numbers, or of texts, only."""
    return all(is_plain(v) if isinstance(v, (list, tuple)) else isinstance(v, (int, float, np.number, str)) for v in x)
