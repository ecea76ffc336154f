"""kgraph.ops.linalg: functions of matrices, over the last two axes. But for norm they need concrete values: a compiled
graph refuses them by name."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.prims import linalg as prims
from kgraph.compiler.trace import bind
from kgraph.ops.contract import matmul
from kgraph.ops.core import as_tensor, broadcast_shapes, cast_to, expand_to, floating, op, promote
from kgraph.ops.create import eye, tril, triu
from kgraph.ops.derivatives import jvp
from kgraph.ops.elementwise import abs, divide, greater, log, multiply, sign, where
from kgraph.ops.reduce import max, norm, prod, sum
from kgraph.ops.shape import concatenate, cut, diagonal, expand_dims, squeeze, swapaxes

__all__ = ["cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "logdet", "lstsq",
           "lu_factor", "matrix_rank", "norm", "pinv", "qr",
           "slogdet", "solve", "solve_triangular", "svd"]


def checked(prim, *xs):
    """bind, after a check of the types, which NumPy would refuse in its own words."""
    prim.infer(*[x.type for x in xs])
    return bind(prim, *xs)


@op
def cholesky(x, upper=False):
    """The lower triangle l with l l^T = x, or the upper one, of symmetric positive definite matrices.

    Raises numpy.linalg.LinAlgError for others.
    """
    factor = checked(prims.cholesky_p, floating(x))
    return swapaxes(factor, -1, -2) if upper else factor


@op
def cholesky_inverse(x, upper=False):
    """The inverse of the matrix whose Cholesky factor x is; of x only that triangle is looked at."""
    x = triu(floating(x)) if upper else tril(floating(x))
    flipped = swapaxes(x, -1, -2)
    return inv(matmul(flipped, x) if upper else matmul(x, flipped))


@op
def det(x):
    """The determinant."""
    return checked(prims.det_p, floating(x))


@op
def slogdet(x):
    """(sign, log of the absolute value) of the determinant, from the triangle of a QR decomposition."""
    x = floating(x)
    q, r = checked(prims.qr_p, x)
    pivots = diagonal(r, 0, -2, -1)
    return multiply(sign(det(q)), prod(sign(pivots), -1)), sum(log(abs(pivots)), -1)


@op
def logdet(x):
    """The logarithm of the determinant of symmetric positive definite matrices."""
    return multiply(sum(log(diagonal(cholesky(x), 0, -2, -1)), -1), 2.0)


@op
def solve(a, b):
    """x with a x = b; b holds a vector for each matrix, or columns."""
    a, b = promote(a, b, least=float)
    vector = len(b.shape) == len(a.shape) - 1
    b = expand_dims(b, -1) if vector else b
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2], what="solve")
    x = checked(prims.solve_p, expand_to(a, (*batch, *a.shape[-2:])), expand_to(b, (*batch, *b.shape[-2:])))
    return squeeze(x, -1) if vector else x


@op
def solve_triangular(a, b, lower=False):
    """x with a x = b, where only one triangle of a is looked at."""
    return solve(tril(a) if lower else triu(a), b)


@op
def inv(x):
    """The inverse. Raises numpy.linalg.LinAlgError for singular matrices."""
    x = floating(x)
    n = x.shape[-1]
    return solve(x, expand_to(eye(n, dtype=x.dtype), (*x.shape[:-2], n, n)))


@op
def eigh(x):
    """(eigenvalues in rising order, eigenvectors as columns) of symmetric matrices."""
    return checked(prims.eigh_p, floating(x))


@op
def eig(x):
    """(eigenvalues, eigenvectors as columns) of square matrices, both complex. No gradient flows through."""
    return checked(prims.eig_p, floating(x))


@op
def lu_factor(x):
    """(lu, p) with x[..., p, :] = L U: L below the diagonal of lu, with ones on its own, U from there on."""
    return checked(prims.lu_p, floating(x))


@op
def qr(x, mode="reduced"):
    """(q, r) with orthonormal columns q and an upper triangle r. mode: "reduced" or "complete"."""
    x = floating(x)
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: expected mode 'reduced' or 'complete', received {mode!r}")
    rows, columns = x.shape[-2:]
    if mode == "reduced" or rows <= columns:
        return checked(prims.qr_p, x)
    extra = expand_to(eye(rows, dtype=x.dtype), (*x.shape[:-2], rows, rows))
    q, r = checked(prims.qr_p, concatenate([x, extra], -1))
    return q, cut(r, len(r.shape) - 1, 0, columns)


@op
def svd(x, full_matrices=True, compute_uv=True):
    """(u, s, v^T) with x = u diag(s) v^T and s falling; or s alone. No gradient flows through."""
    x = floating(x)
    u, s, v = checked(prims.svd_p, x)
    if not compute_uv:
        return s
    if full_matrices:
        return u, s, v
    k = s.shape[-1]
    return cut(u, len(u.shape) - 1, 0, k), s, cut(v, len(v.shape) - 2, 0, k)


def _tolerance(x, s, relative):
    """Below it a singular value counts as 0: the largest times eps times the larger size, unless told."""
    rows, columns = x.shape[-2:]
    size = rows if rows > columns else columns
    relative = float(np.finfo(x.dtype).eps) * size if relative is None else relative
    return multiply(max(s, -1, True), relative)


@op
def pinv(x, rcond=None):
    """The pseudo-inverse of Moore and Penrose."""
    x = floating(x)
    u, s, v = svd(x, full_matrices=False)
    keep = greater(s, _tolerance(x, s, rcond))
    inverse = where(keep, divide(1.0, where(keep, s, 1)), 0)
    return matmul(swapaxes(v, -1, -2), multiply(expand_dims(inverse, -1), swapaxes(u, -1, -2)))


@op
def lstsq(a, b, rcond=None):
    """The x that makes the squares of a x - b least, and of these the smallest."""
    a, b = promote(a, b, least=float)
    return matmul(pinv(a, rcond), b)


@op
def matrix_rank(x, tol=None):
    """How many singular values are above a tolerance (int32)."""
    x = floating(x)
    s = svd(x, compute_uv=False)
    least = _tolerance(x, s, None) if tol is None else as_tensor(tol, x.dtype)
    return sum(cast_to(greater(s, least), "int32"), -1)
