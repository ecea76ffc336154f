"""Matrix decompositions and systems, over the last two axes. They run where values are concrete (LAPACK by NumPy); no
kernel is emitted for them, which a compiled graph says with the primitive's name.

Gradients: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008); for Cholesky I. Murray, "Differentiation of the Cholesky decomposition" (2016).
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.rules import FLOATS, add, apply, check_dtype, constant, div, mul, neg, require, spread, where


def _square(name):
    def infer(x, *others):
        check_dtype(name, x, FLOATS)
        require(x.ndim >= 2 and x.shape[-1] == x.shape[-2],
                lambda: f"{name}: expected square matrices, received {x}")
        return x
    return infer


def _matmul(a, b):
    batch = tuple(range(len(a.shape) - 2))
    m, k, n = len(batch), len(batch) + 1, len(batch) + 2
    return apply("contract", a, b, a_axes=(*batch, m, k), b_axes=(*batch, k, n), out_axes=(*batch, m, n))


def _transposed(x):
    rank = len(x.shape)
    return apply("transpose", x, perm=(*range(rank - 2), rank - 1, rank - 2))


def _solve(a, b):
    return apply("solve", a, b)


def _eye(x):
    """Identity matrices of the shape of x."""
    return where(_compared(x, "equal"), constant(1, x), 0)


def _compared(x, comparison):
    """Bools of the shape of x: row number against column number."""
    n, m = x.shape[-2:]
    wide = lambda size, axis: apply("broadcast", apply("iota", size=size, dtype="int32"), shape=x.shape,
                                    axes=(len(x.shape) + axis,))
    return apply(comparison, wide(n, -2), wide(m, -1))


def _symmetric_from_lower(x):
    """The symmetric matrix with the lower triangle of x."""
    low = where(_compared(x, "greater"), x, 0)
    return add(add(low, _transposed(low)), where(_compared(x, "equal"), x, 0))


def _on_diagonal(v, like):
    """Diagonal matrices of vectors."""
    last = len(like.shape) - 1
    return where(_compared(like, "equal"), spread(v, (last,), like.shape), 0)


def _cholesky_vjp(ct, out, x):
    inner = _matmul(_transposed(out), ct)
    half = where(_compared(inner, "greater"), inner, where(_compared(inner, "equal"), mul(inner, 0.5), 0))
    back = _transposed(_solve(_transposed(out), _transposed(_solve(_transposed(out), half))))
    return (mul(add(back, _transposed(back)), 0.5),)


def _positive(rng, *shape, dtype="float64"):
    a = rng.normal(size=shape)
    return (a @ a.swapaxes(-1, -2) + np.eye(shape[-1])).astype(dtype)


def _general(rng, *shape, dtype="float64"):
    return (rng.normal(size=shape) + 2 * np.eye(*shape[-2:])).astype(dtype)


cholesky_p = Primitive(
    "cholesky", "linalg", _square("cholesky"), lambda x: np.linalg.cholesky((x + x.swapaxes(-1, -2)) / 2),
    _cholesky_vjp,
    "linalg", lambda rng: [([_positive(rng, 3, 3)], {}), ([_positive(rng, 2, 4, 4, dtype="float32")], {}),
                           ([np.zeros((0, 3, 3), "float32")], {})])


def _solve_infer(a, b):
    _square("solve")(a)
    require(b.ndim == a.ndim and b.shape[:-1] == a.shape[:-1] and a.dtype == b.dtype,
            lambda: f"solve: expected as many rows and one dtype, received {a} and {b}")
    return b


def _solve_vjp(ct, out, a, b):
    to_b = _solve(_transposed(a), ct)
    return neg(_matmul(to_b, _transposed(out))), to_b


solve_p = Primitive(
    "solve", "linalg", _solve_infer, np.linalg.solve, _solve_vjp, "linalg",
    lambda rng: [([_general(rng, 3, 3), rng.normal(size=(3, 2))], {}),
                 ([_general(rng, 2, 4, 4, dtype="float32"), rng.normal(size=(2, 4, 1)).astype("float32")], {}),
                 ([np.zeros((0, 3, 3)), np.zeros((0, 3, 1))], {})])


def _det_vjp(ct, out, x):
    last = (len(x.shape) - 2, len(x.shape) - 1)
    return (mul(spread(mul(ct, out), last, x.shape), _transposed(_solve(x, _eye(x)))),)


det_p = Primitive(
    "det", "linalg", lambda x: TensorType(_square("det")(x).shape[:-2], x.dtype), np.linalg.det, _det_vjp, "linalg",
    lambda rng: [([_general(rng, 3, 3)], {}), ([_general(rng, 2, 4, 4, dtype="float32")], {})])


def _eigh_vjp(cts, outs, x):
    (to_values, to_vectors), (values, vectors) = cts, outs
    last = len(x.shape) - 1
    gaps = add(spread(values, (last - 1,), x.shape), neg(spread(values, (last,), x.shape)))
    same = _compared(x, "equal")
    inner = div(where(same, 0, _matmul(_transposed(vectors), to_vectors)), where(same, 1, gaps))
    inner = add(inner, _on_diagonal(to_values, x))
    back = _matmul(_matmul(vectors, inner), _transposed(vectors))
    return (mul(add(back, _transposed(back)), 0.5),)


def _eigh(x):
    values, vectors = np.linalg.eigh((x + x.swapaxes(-1, -2)) / 2)
    return values, vectors


eigh_p = Primitive(
    "eigh", "linalg", lambda x: (TensorType(_square("eigh")(x).shape[:-1], x.dtype), x), _eigh, _eigh_vjp, "linalg",
    lambda rng: [([_positive(rng, 3, 3)], {}), ([_positive(rng, 2, 4, 4, dtype="float32")], {})])


def _lu_infer(x):
    check_dtype("lu", x, FLOATS)
    require(x.ndim >= 2 and all(isinstance(n, int) for n in x.shape[-2:]),
            lambda: f"lu: expected matrices of a known size, received {x}")
    return x, TensorType(x.shape[:-1], "int32")


def _lu(x):
    """Both triangles in one matrix, the unit diagonal of the lower one left out; and the order of the rows."""
    lu = np.array(x)
    *batch, m, n = lu.shape
    lu = lu.reshape(-1, m, n)
    order = np.broadcast_to(np.arange(m), lu.shape[:2]).copy()
    each = np.arange(len(lu))
    for k in range(min(m, n)):
        pivot = k + np.abs(lu[:, k:, k]).argmax(1)
        for rows in (lu, order):
            rows[each, k], rows[each, pivot] = rows[each, pivot].copy(), rows[each, k].copy()
        with np.errstate(all="ignore"):
            lu[:, k + 1:, k] /= lu[:, k, None, k]
        lu[:, k + 1:, k + 1:] -= lu[:, k + 1:, None, k] * lu[:, k, None, k + 1:]
    return lu.reshape(x.shape), order.astype("int32").reshape(*batch, m)


def _lu_vjp(cts, outs, x):
    (ct, _), (lu, order) = cts, outs
    require(x.shape[-1] == x.shape[-2], lambda: f"lu: expected square matrices for a gradient, received shape "
                                                f"{tuple(x.shape)}")
    below, same = _compared(x, "greater"), _compared(x, "equal")
    low = add(where(below, lu, 0), _eye(x))
    up = where(below, 0, lu)
    to_low, to_up = where(below, ct, 0), where(below, 0, ct)
    inner = add(where(below, _matmul(_transposed(low), to_low), 0),
                where(apply("logical_or", _transposed(below), same), _matmul(to_up, _transposed(up)), 0))
    right = _transposed(_solve(up, _transposed(inner)))           # inner U^-T
    result = _solve(_transposed(low), right)                      # L^-T inner U^-T
    back = apply("argsort", order, axis=order.ndim - 1)
    wide = apply("broadcast", apply("cast", back, dtype="int32"), shape=x.shape, axes=tuple(range(order.ndim)))
    return (apply("take_along", result, wide, axis=len(x.shape) - 2),)


lu_p = Primitive(
    "lu", "linalg", _lu_infer, _lu, _lu_vjp, "linalg",
    lambda rng: [([_general(rng, 3, 3)], {}), ([_general(rng, 2, 4, 4, dtype="float32")], {})])

def _eig(x):
    values, vectors = np.linalg.eig(x)
    kind = "complex128" if x.dtype == "float64" else "complex64"
    return values.astype(kind), vectors.astype(kind)


def _eig_infer(x):
    kind = "complex128" if x.dtype == "float64" else "complex64"
    return TensorType(_square("eig")(x).shape[:-1], kind), TensorType(x.shape, kind)


eig_p = Primitive("eig", "linalg", _eig_infer, _eig, NOT_DIFFERENTIABLE, "linalg",
                  lambda rng: [([_general(rng, 3, 3)], {}), ([_general(rng, 2, 4, 4, dtype="float32")], {})])


def _qr_infer(x):
    check_dtype("qr", x, FLOATS)
    require(x.ndim >= 2 and all(isinstance(n, int) for n in x.shape[-2:]),
            lambda: f"qr: expected matrices of a known size, received {x}")
    *batch, m, n = x.shape
    return TensorType((*batch, m, min(m, n)), x.dtype), TensorType((*batch, min(m, n), n), x.dtype)


def _qr_vjp(cts, outs, x):
    (to_q, to_r), (q, r) = cts, outs
    require(x.shape[-2] >= x.shape[-1], lambda: f"qr: expected at least as many rows as columns for a gradient, "
                                                f"received shape {tuple(x.shape)}")
    inner = add(_matmul(r, _transposed(to_r)), neg(_matmul(_transposed(to_q), q)))
    total = add(to_q, _matmul(q, _symmetric_from_lower(inner)))
    return (_transposed(_solve(r, _transposed(total))),)


qr_p = Primitive(
    "qr", "linalg", _qr_infer, lambda x: tuple(np.linalg.qr(x)), _qr_vjp, "linalg",
    lambda rng: [([_general(rng, 4, 3)], {}), ([_general(rng, 2, 3, 3, dtype="float32")], {})])


def _svd_infer(x):
    check_dtype("svd", x, FLOATS)
    require(x.ndim >= 2 and all(isinstance(n, int) for n in x.shape[-2:]),
            lambda: f"svd: expected matrices of a known size, received {x}")
    *batch, m, n = x.shape
    return (TensorType((*batch, m, m), x.dtype), TensorType((*batch, min(m, n)), x.dtype),
            TensorType((*batch, n, n), x.dtype))


# The full singular value decomposition (u, s, v transposed).
svd_p = Primitive("svd", "linalg", _svd_infer, lambda x: tuple(np.linalg.svd(x)), NOT_DIFFERENTIABLE, "linalg",
                  lambda rng: [([_general(rng, 4, 3)], {}), ([_general(rng, 2, 2, 3, dtype="float32")], {})])
