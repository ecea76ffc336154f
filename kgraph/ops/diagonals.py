"""Diagonals: matrices made of them, what lies on them, above and below.

Args:
    N, M, n: numbers of rows and columns; M is N by default.
    k: which diagonal: 0 the main one, above it positive, below it negative.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.ops.core import as_tensor, axis_of, cast_to, op, standardize_dtype
from kgraph.ops.create import iota
from kgraph.ops.elementwise import equal, greater_equal, where
from kgraph.ops.joining import cut, pad
from kgraph.ops.reduce import sum
from kgraph.ops.shape import expand_dims, moveaxis, ravel, reshape

__all__ = ["diag", "diagflat", "diagonal", "eye", "identity", "lower_mask", "tri", "tril", "triu"]


def eye(N, M=None, k=0, dtype=None):
    """An N x M matrix with ones on the k-th diagonal.

    Example:
        >>> ops.eye(2, 3, k=1)
        <Tensor f32[2,3] [[0. 1. 0.]
         [0. 0. 1.]]>
    """
    M = N if M is None else M
    dtype = standardize_dtype(dtype)
    return cast_to(_diagonal_test(equal, N, M, k), dtype)


def identity(n, dtype=None):
    """The n x n identity matrix.

    Example:
        >>> ops.identity(2)
        <Tensor f32[2,2] [[1. 0.]
         [0. 1.]]>
    """
    return eye(n, dtype=dtype)


def tri(N, M=None, k=0, dtype=None):
    """An N x M matrix with ones on the k-th diagonal and below it.

    Example:
        >>> ops.tri(2, 3)
        <Tensor f32[2,3] [[1. 0. 0.]
         [1. 1. 0.]]>
    """
    M = N if M is None else M
    return cast_to(_diagonal_test(greater_equal, N, M, k), standardize_dtype(dtype))


def _diagonal_test(compare, rows, columns, k):
    return compare(expand_dims(iota(rows), 1) + k, iota(columns))


def lower_mask(rows, columns, k=0):
    """Bools, true on the k-th diagonal and below it. Sizes may be Dims."""
    return _diagonal_test(greater_equal, rows, columns, k)


@op
def tril(x, k=0):
    """x with zeros above the k-th diagonal of the last two axes.

    Example:
        >>> ops.tril([[1, 2], [3, 4]])
        <Tensor i32[2,2] [[1 0]
         [3 4]]>
    """
    x = as_tensor(x)
    _require_matrix(x, "tril")
    return where(lower_mask(*x.shape[-2:], k), x, as_tensor(0, x.dtype))


@op
def triu(x, k=0):
    """x with zeros below the k-th diagonal of the last two axes.

    Example:
        >>> ops.triu([[1, 2], [3, 4]])
        <Tensor i32[2,2] [[1 2]
         [0 4]]>
    """
    x = as_tensor(x)
    _require_matrix(x, "triu")
    return where(lower_mask(*x.shape[-2:], k - 1), as_tensor(0, x.dtype), x)


def _require_matrix(x, name):
    if len(x.shape) < 2:
        raise ValueError(f"{name}: expected at least two axes, received shape {tuple(x.shape)}")


@op
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The diagonals of two axes, as a new last axis.

    Args:
        offset: which diagonal, 0 by default.
        axis1, axis2: the two axes, 0 and 1 by default.

    Raises:
        ValueError: an axis twice.

    Example:
        >>> ops.diagonal([[1, 2], [3, 4]])
        <Tensor i32[2] [1 4]>
    """
    x = as_tensor(x)
    a, b = (axis_of(v, len(x.shape), "diagonal") for v in (axis1, axis2))
    if a == b:
        raise ValueError(f"diagonal: expected two different axes, received {axis1} and {axis2}")
    x = moveaxis(x, (a, b), (-2, -1))
    rows, columns = x.shape[-2:]
    x = cut(x, len(x.shape) - 1, offset, columns) if offset > 0 else cut(x, len(x.shape) - 2, -offset, rows)
    rows, columns = x.shape[-2:]
    n = rows if rows == columns else rows + columns - dims.maximum(rows, columns)
    x = cut(cut(x, len(x.shape) - 2, 0, n), len(x.shape) - 1, 0, n)
    flat = reshape(x, (*x.shape[:-2], n * n))
    return cut(flat, len(flat.shape) - 1, 0, n * n, n + 1) if isinstance(n, int) else _masked_diagonal(x)


def _masked_diagonal(x):
    """For a size that is not known: off the diagonal zeros, then a sum over the rows."""
    return cast_to(sum(where(eye(*x.shape[-2:], dtype="bool"), x, as_tensor(0, x.dtype)), axis=-2), x.dtype)


@op
def diag(x, k=0):
    """A matrix with x on its k-th diagonal; of a matrix, that diagonal.

    Args:
        k: which diagonal, 0 by default.

    Raises:
        ValueError: of another rank than 1 or 2.

    Example:
        >>> ops.diag([1, 2])
        <Tensor i32[2,2] [[1 0]
         [0 2]]>
    """
    x = as_tensor(x)
    if len(x.shape) == 2:
        return diagonal(x, k)
    if len(x.shape) != 1:
        raise ValueError(f"diag: expected a vector or a matrix, received shape {tuple(x.shape)}")
    size = x.shape[0] + abs(k)
    rows = pad(x, (max(-k, 0), max(k, 0)))
    return where(eye(size, k=k, dtype="bool"), expand_dims(rows, 1), as_tensor(0, x.dtype))


@op
def diagflat(x, k=0):
    """A matrix with the flattened x on its k-th diagonal.

    Args:
        k: which diagonal, 0 by default.

    Example:
        >>> ops.diagflat([[1], [2]])
        <Tensor i32[2,2] [[1 0]
         [0 2]]>
    """
    return diag(ravel(x), k)
