"""kgraph.ops.linalg: functions of matrices, over the last two axes. But for norm they need concrete values: a compiled
graph refuses them by name.

Args:
    x: matrices on the last two axes; of a batch of them, each.
    a: matrices on the last two axes.
    b: vectors, or columns.
    upper, lower: which triangle: by default the lower one of Cholesky's, the upper one of solve_triangular.
    rcond, tol: singular values below this share of the largest count as 0; None: as NumPy has it.
"""
from __future__ import annotations

import math

from kgraph.compiler.loopnest.dtypes import limits
from kgraph.compiler.prims import linalg as prims
from kgraph.compiler.trace import bind
from kgraph.ops.contract import matmul
from kgraph.ops.core import as_tensor, axes_of, axis_of, broadcast_shapes, cast_to, expand_to, floating, op, promote
from kgraph.ops.derivatives import jvp
from kgraph.ops.diagonals import diagonal, eye, tril, triu
from kgraph.ops.elementwise import (
    abs,
    divide,
    greater,
    log,
    maximum,
    multiply,
    not_equal,
    rsqrt,
    sign,
    sqrt,
    square,
    where,
)
from kgraph.ops.joining import concatenate, cut
from kgraph.ops.reduce import max, min, prod, sum
from kgraph.ops.shape import expand_dims, moveaxis, reshape, squeeze, swapaxes

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

    Example:
        >>> ops.cholesky([[4.0, 2.0], [2.0, 2.0]])
        <Tensor f32[2,2] [[2. 0.]
         [1. 1.]]>
    """
    factor = checked(prims.cholesky_p, floating(x))
    return swapaxes(factor, -1, -2) if upper else factor


@op
def cholesky_inverse(x, upper=False):
    """The inverse of the matrix whose Cholesky factor x is; of x only that triangle is looked at.

    Example:
        >>> ops.cholesky_inverse([[2.0, 0.0], [1.0, 1.0]])
        <Tensor f32[2,2] [[ 0.5 -0.5]
         [-0.5  1. ]]>
    """
    x = triu(floating(x)) if upper else tril(floating(x))
    flipped = swapaxes(x, -1, -2)
    return inv(matmul(flipped, x) if upper else matmul(x, flipped))


@op
def det(x):
    """The determinant.

    Example:
        >>> ops.det([[1.0, 2.0], [3.0, 4.0]])
        <Tensor f32[] -2.>
    """
    return checked(prims.det_p, floating(x))


@op
def slogdet(x):
    """(sign, log of the absolute value) of the determinant, from the triangle of a QR decomposition.

    Example:
        >>> ops.slogdet([[1.0, 2.0], [3.0, 4.0]])
        (<Tensor f32[] -1.>, <Tensor f32[] 0.6931>)
    """
    x = floating(x)
    q, r = checked(prims.qr_p, x)
    pivots = diagonal(r, 0, -2, -1)
    return multiply(sign(det(q)), prod(sign(pivots), -1)), sum(log(abs(pivots)), -1)


@op
def logdet(x):
    """The logarithm of the determinant of symmetric positive definite matrices.

    Example:
        >>> ops.logdet([[2.0, 0.0], [0.0, 3.0]])
        <Tensor f32[] 1.7918>
    """
    return multiply(sum(log(diagonal(cholesky(x), 0, -2, -1)), -1), 2.0)


@op
def solve(a, b):
    """x with a x = b; b holds a vector for each matrix, or columns.

    Example:
        >>> ops.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0])
        <Tensor f32[2] [1.  0.5]>
    """
    a, b = promote(a, b, least=float)
    vector = len(b.shape) == len(a.shape) - 1
    b = expand_dims(b, -1) if vector else b
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2], what="solve")
    x = checked(prims.solve_p, expand_to(a, (*batch, *a.shape[-2:])), expand_to(b, (*batch, *b.shape[-2:])))
    return squeeze(x, -1) if vector else x


@op
def solve_triangular(a, b, lower=False):
    """x with a x = b, where only one triangle of a is looked at.

    Example:
        >>> ops.solve_triangular([[2.0, 1.0], [0.0, 4.0]], [3.0, 4.0])
        <Tensor f32[2] [1. 1.]>
    """
    return solve(tril(a) if lower else triu(a), b)


@op
def inv(x):
    """The inverse. Raises numpy.linalg.LinAlgError for singular matrices.

    Example:
        >>> ops.inv([[2.0, 0.0], [0.0, 4.0]])
        <Tensor f32[2,2] [[0.5  0.  ]
         [0.   0.25]]>
    """
    x = floating(x)
    n = x.shape[-1]
    return solve(x, expand_to(eye(n, dtype=x.dtype), (*x.shape[:-2], n, n)))


@op
def eigh(x):
    """(eigenvalues in rising order, eigenvectors as columns) of symmetric matrices.

    Example:
        >>> ops.eigh([[2.0, 0.0], [0.0, 1.0]])[0]
        <Tensor f32[2] [1. 2.]>
    """
    return checked(prims.eigh_p, floating(x))


@op
def eig(x):
    """(eigenvalues, eigenvectors as columns) of square matrices, both complex. No gradient flows through.

    Example:
        >>> ops.eig([[0.0, 1.0], [-1.0, 0.0]])[0]
        <Tensor complex64[2] [0.+1.j 0.-1.j]>
    """
    return checked(prims.eig_p, floating(x))


@op
def lu_factor(x):
    """(lu, p) with x[..., p, :] = L U: L below the diagonal of lu, with ones on its own, U from there on.

    Example:
        >>> ops.lu_factor([[4.0, 3.0], [2.0, 3.0]])
        (<Tensor f32[2,2] [[4.  3. ]
         [0.5 1.5]]>, <Tensor i32[2] [0 1]>)
    """
    return checked(prims.lu_p, floating(x))


@op
def qr(x, mode="reduced"):
    """(q, r) with orthonormal columns q and an upper triangle r. mode: "reduced" or "complete".

    Args:
        mode: "reduced" (the default) or "complete".

    Raises:
        ValueError: another mode.

    Example:
        >>> [part.shape for part in ops.qr(ops.ones((4, 2)))]
        [(4, 2), (2, 2)]
    """
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
    """(u, s, v^T) with x = u diag(s) v^T and s falling; or s alone. No gradient flows through.

    Args:
        full_matrices: square u and v. True by default.
        compute_uv: u and v too. True by default.

    Example:
        >>> ops.svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False)
        <Tensor f32[2] [4. 3.]>
    """
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
    relative = float(limits(x.dtype).eps) * size if relative is None else relative
    return multiply(max(s, -1, True), relative)


@op
def pinv(x, rcond=None):
    """The pseudo-inverse of Moore and Penrose.

    Example:
        >>> ops.pinv([[2.0, 0.0], [0.0, 0.0]])
        <Tensor f32[2,2] [[0.5 0. ]
         [0.  0. ]]>
    """
    x = floating(x)
    u, s, v = svd(x, full_matrices=False)
    keep = greater(s, _tolerance(x, s, rcond))
    inverse = where(keep, divide(1.0, where(keep, s, 1)), 0)
    return matmul(swapaxes(v, -1, -2), multiply(expand_dims(inverse, -1), swapaxes(u, -1, -2)))


@op
def lstsq(a, b, rcond=None):
    """The x that makes the squares of a x - b least, and of these the smallest.

    Example:
        >>> ops.lstsq([[1.0], [1.0]], [1.0, 3.0])
        <Tensor f32[1] [2.]>
    """
    a, b = promote(a, b, least=float)
    return matmul(pinv(a, rcond), b)


@op
def matrix_rank(x, tol=None):
    """How many singular values are above a tolerance (int32).

    Example:
        >>> ops.matrix_rank([[1.0, 2.0], [2.0, 4.0]])
        <Tensor i32[] 1>
    """
    x = floating(x)
    s = svd(x, compute_uv=False)
    least = _tolerance(x, s, None) if tol is None else as_tensor(tol, x.dtype)
    return sum(cast_to(greater(s, least), "int32"), -1)


@op
def norm(x, ord=None, axis=None, keepdims=False):
    """The norm of vectors (one axis) or matrices (two): None is the Euclidean (Frobenius) one.

    Vectors: any number, inf, -inf, 0. Matrices: "fro", 1, -1, inf, -inf; by singular values, whose gradient is not
    known, 2 (the largest), -2 (the least), "nuc" (their sum).

    Args:
        ord: which norm; None: the Euclidean one of vectors, that of Frobenius of matrices.
        axis: one axis (vectors) or two (matrices); None: all elements.

    Raises:
        ValueError: more axes than two.

    Example:
        >>> ops.norm([3.0, 4.0]), ops.norm([3.0, 4.0], ord=1)
        (<Tensor f32[] 5.>, <Tensor f32[] 7.>)
    """
    x = floating(x)
    if axis is None and ord is None:
        return sqrt(sum(square(x), None, keepdims))
    axes = axes_of(axis, len(x.shape), "norm")
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: expected one axis or two, received {axis}")
    return _matrix_norm(x, ord, axis if isinstance(axis, (tuple, list)) else axes, keepdims)


def _vector_norm(x, ord, axis, keepdims):
    if isinstance(ord, str):
        raise ValueError(f"norm: expected ord to be a number or None for vectors, received {ord!r}")
    if ord is None or ord == 2:
        return sqrt(sum(square(x), axis, keepdims))
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(abs(x), axis, keepdims)
    if ord == 0:
        return sum(cast_to(not_equal(x, 0), x.dtype), axis, keepdims)
    return sum(abs(x) ** ord, axis, keepdims) ** (1 / ord)


def _matrix_norm(x, ord, axes, keepdims):
    if ord in (None, "fro"):
        return sqrt(sum(square(x), axes, keepdims))
    if ord not in (1, -1, 2, -2, "nuc", math.inf, -math.inf):
        raise ValueError("norm: expected ord None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf for matrices, received "
                         f"{ord!r}")
    rows, columns = (axis_of(a, len(x.shape)) for a in axes)
    if ord in (2, -2, "nuc"):
        s = svd(moveaxis(x, (rows, columns), (-2, -1)), compute_uv=False)
        result = {2: max, -2: min, "nuc": sum}[ord](s, -1)
        return expand_dims(result, tuple(sorted((rows, columns)))) if keepdims else result
    inner, outer = (rows, columns) if ord in (1, -1) else (columns, rows)
    result = (max if ord > 0 else min)(sum(abs(x), inner, True), outer, True)
    kept = axes_of(tuple(axes), len(x.shape))
    return result if keepdims else reshape(result, tuple(n for i, n in enumerate(x.shape) if i not in kept))


@op
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm along an axis, where that is larger than epsilon.

    Args:
        order: of the norm, 2 by default.
        epsilon: the least norm that is divided by; None: kgraph.config.epsilon().

    Example:
        >>> ops.normalize([3.0, 4.0])
        <Tensor f32[2] [0.6 0.8]>
    """
    from kgraph.config import epsilon as default_epsilon
    x = floating(x)
    least = default_epsilon() if epsilon is None else epsilon
    if order == 2:
        return multiply(x, rsqrt(maximum(sum(square(x), axis, True), least * least)))
    return divide(x, maximum(norm(x, order, axis, True), least))


def __dir__():
    return sorted(__all__)
