"""tf.linalg."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.arrays import eye
from kgraph.tensorflow.base.maths import einsum, global_norm, matmul, tensordot
from kgraph.tensorflow.base.reductions import norm
from kgraph.tensorflow.base.signatures import functions_of
from kgraph.tensorflow.math import l2_normalize

_TABLE = """
    cholesky(input)
    cross(a, b)
    det(input)
    eigh(tensor)
    pinv(a, rcond=None)
"""
_functions = functions_of(_TABLE, __name__)
globals().update(_functions)
__all__ = [*_functions, "adjoint", "band_part", "cholesky_solve", "diag", "diag_part", "einsum", "eigvalsh", "expm",
           "matrix_rank", "tensor_diag", "tensor_diag_part", "eye", "global_norm",
           "inv", "l2_normalize", "logdet", "lstsq", "matmul", "matrix_transpose", "matvec", "norm", "normalize", "qr",
           "set_diag", "slogdet", "solve", "svd", "tensordot", "trace", "triangular_solve"]


def band_part(input, num_lower, num_upper, name=None):
    """The matrix with what lies more than that many places below or above its diagonal set to 0; -1: nothing is."""
    x = ops.convert_to_tensor(input)
    rows, columns = x.shape[-2:]
    apart = ops.expand_dims(ops.arange(rows), 1) - ops.arange(columns)
    keep = ops.ones_like(apart, "bool")
    keep = keep if num_lower < 0 else ops.logical_and(keep, apart <= num_lower)
    keep = keep if num_upper < 0 else ops.logical_and(keep, -apart <= num_upper)
    return ops.where(keep, x, ops.zeros_like(x))


def diag(diagonal, name="diag"):
    """Matrices with these diagonals."""
    x = ops.convert_to_tensor(diagonal)
    return ops.expand_dims(x, -1) * ops.eye(x.shape[-1], dtype=x.dtype)


def diag_part(input, name="diag_part"):
    """The diagonals of matrices."""
    return ops.diagonal(input, axis1=-2, axis2=-1)


def set_diag(input, diagonal, name="set_diag"):
    """Matrices with their diagonals replaced."""
    x = ops.convert_to_tensor(input)
    rows, columns = x.shape[-2:]
    n = min(rows, columns)
    on = ops.expand_dims(ops.arange(rows), 1) == ops.arange(columns)
    wide = ops.pad(diag(diagonal), [*[(0, 0)] * (len(x.shape) - 2), (0, rows - n), (0, columns - n)])
    return ops.where(on, wide, x)


def adjoint(matrix, name=None):
    """Matrices with rows and columns exchanged, and conjugate."""
    return ops.conj(ops.swapaxes(matrix, -2, -1))


def cholesky_solve(chol, rhs, name=None):
    """x for which (chol cholᵀ) x = rhs."""
    below = triangular_solve(chol, rhs)
    return triangular_solve(ops.swapaxes(chol, -2, -1), below, lower=False)


def expm(input, name=None):
    """The exponential of square matrices: a Taylor polynomial of a small part of them, squared again and again."""
    dtype = ops.convert_to_tensor(input).dtype
    x = ops.cast(input, "float64")   # squaring doubles what was rounded
    norms = np.abs(np.asarray(x)).sum(-1).max(initial=0)
    squarings = max(0, int(np.ceil(np.log2(norms))) + 3) if norms > 0 else 0
    x = x / 2.0 ** squarings
    term = found = ops.broadcast_to(ops.eye(x.shape[-1], dtype=x.dtype), x.shape)
    for i in range(1, 13):
        term = ops.matmul(term, x) / float(i)
        found = found + term
    for _ in range(squarings):
        found = ops.matmul(found, found)
    return ops.cast(found, dtype)


def matrix_rank(a, tol=None, validate_args=False, name=None):
    """How many singular values are above tol (by default what rounding can make)."""
    array = np.asarray(a)
    values = np.linalg.svd(array, compute_uv=False)
    if tol is None:
        tol = np.finfo(array.dtype).eps * max(array.shape[-2:]) * values.max(-1, keepdims=True)
    return Tensor(np.asarray((values > tol).sum(-1), "int32"))


def tensor_diag(diagonal, name=None):
    """[..., ...]: the elements of a tensor where both halves of the places are equal, and 0 elsewhere."""
    x = ops.convert_to_tensor(diagonal)
    return ops.reshape(diag(ops.reshape(x, (-1,))), (*x.shape, *x.shape))


def tensor_diag_part(input, name=None):
    """What tensor_diag was given."""
    x = ops.convert_to_tensor(input)
    half = x.shape[:len(x.shape) // 2]
    size = int(np.prod(half))
    return ops.reshape(ops.diagonal(ops.reshape(x, (size, size))), half)


def eigvalsh(tensor, name=None):
    """The eigenvalues of symmetric matrices, ascending."""
    return ops.eigh(tensor)[0]


def inv(input, adjoint=False, name=None):
    """The inverses of matrices; adjoint: of their transposes."""
    return ops.inv(matrix_transpose(input) if adjoint else input)


def logdet(matrix, name=None):
    """The logarithm of the determinant."""
    return ops.logdet(matrix)


def slogdet(input, name=None):
    """(sign, logarithm of the absolute value) of the determinant."""
    return ops.slogdet(input)


def lstsq(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
    """x with the least |matrix x - rhs|² + l2_regularizer |x|²."""
    if not l2_regularizer:
        return ops.lstsq(matrix, rhs)
    a = ops.convert_to_tensor(matrix)
    at = matrix_transpose(a)
    return ops.solve(ops.matmul(at, a) + l2_regularizer * ops.eye(a.shape[-1], dtype=a.dtype), ops.matmul(at, rhs))


def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """a with its last two axes exchanged."""
    return ops.swapaxes(ops.conj(a) if conjugate else a, -1, -2)


def matvec(a, b, transpose_a=False, name=None):
    """The product of matrices and vectors."""
    return ops.squeeze(matmul(a, ops.expand_dims(b, -1), transpose_a=transpose_a), -1)


def normalize(tensor, ord="euclidean", axis=None, name=None):
    """(tensor divided by its norm, the norm)."""
    size = norm(tensor, ord, axis, keepdims=True)
    return ops.divide(tensor, size), size


def qr(input, full_matrices=False, name=None):
    """(q, r) with input = q r."""
    return ops.qr(input, "complete" if full_matrices else "reduced")


def solve(matrix, rhs, adjoint=False, name=None):
    """x with matrix x = rhs; adjoint: of the transpose."""
    return ops.solve(matrix_transpose(matrix) if adjoint else matrix, rhs)


def triangular_solve(matrix, rhs, lower=True, adjoint=False, name=None):
    """x with matrix x = rhs for a triangular matrix; adjoint: of the transpose."""
    return ops.solve_triangular(matrix_transpose(matrix) if adjoint else matrix, rhs, lower != adjoint)


def svd(tensor, full_matrices=False, compute_uv=True, name=None):
    """(s, u, v) with tensor = u diag(s) v^T, in TensorFlow's order; or s alone."""
    if not compute_uv:
        return ops.svd(tensor, full_matrices, False)
    u, s, vt = ops.svd(tensor, full_matrices)
    return s, u, matrix_transpose(vt)


def trace(x, name=None):
    """The sums of the diagonals of matrices."""
    return ops.sum(diag_part(x), -1)


def __getattr__(name):
    raise missing(__name__, name, __all__)
