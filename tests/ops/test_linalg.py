"""kgraph.ops.linalg against NumPy; the gradients are tested with the primitives."""
import numpy as np
import pytest

from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.trace import Trace

RNG = np.random.default_rng(0)
GENERAL = (RNG.normal(size=(2, 4, 4)) + 2 * np.eye(4)).astype("float32")
POSITIVE = (GENERAL @ GENERAL.swapaxes(1, 2)).astype("float32")
TALL, RIGHT = RNG.normal(size=(5, 3)).astype("float32"), RNG.normal(size=(2, 4, 3)).astype("float32")
SIGN, LOG = np.linalg.slogdet(GENERAL)

CASES = {
    "cholesky": (lambda: ops.cholesky(POSITIVE), np.linalg.cholesky(POSITIVE)),
    "cholesky_upper": (lambda: ops.cholesky(POSITIVE, upper=True), np.linalg.cholesky(POSITIVE).swapaxes(1, 2)),
    "cholesky_inverse": (lambda: ops.cholesky_inverse(ops.cholesky(POSITIVE)), np.linalg.inv(POSITIVE)),
    "cholesky_inverse_upper": (lambda: ops.cholesky_inverse(ops.cholesky(POSITIVE, True), True),
                               np.linalg.inv(POSITIVE)),
    "det": (lambda: ops.det(GENERAL), np.linalg.det(GENERAL)),
    "inv": (lambda: ops.inv(GENERAL), np.linalg.inv(GENERAL)),
    "sign": (lambda: ops.slogdet(GENERAL)[0], SIGN), "slogdet": (lambda: ops.slogdet(GENERAL)[1], LOG),
    "logdet": (lambda: ops.logdet(POSITIVE), np.linalg.slogdet(POSITIVE)[1]),
    "solve": (lambda: ops.solve(GENERAL, RIGHT), np.linalg.solve(GENERAL, RIGHT)),
    "solve_vector": (lambda: ops.solve(GENERAL[0], RIGHT[0, :, 0]), np.linalg.solve(GENERAL[0], RIGHT[0, :, 0])),
    "triangular": (lambda: ops.solve_triangular(GENERAL, RIGHT), np.linalg.solve(np.triu(GENERAL), RIGHT)),
    "triangular_lower": (lambda: ops.solve_triangular(GENERAL, RIGHT, True), np.linalg.solve(np.tril(GENERAL), RIGHT)),
    "eigh": (lambda: ops.eigh(POSITIVE)[0], np.linalg.eigvalsh(POSITIVE)),
    "qr": (lambda: ops.matmul(*ops.qr(TALL)), TALL),
    "qr_complete": (lambda: ops.matmul(*ops.qr(TALL, "complete")), TALL),
    "qr_orthonormal": (lambda: ops.transpose(ops.qr(TALL, "complete")[0]) @ ops.qr(TALL, "complete")[0], np.eye(5)),
    "svd": (lambda: (lambda u, s, v: u * s @ v)(*ops.svd(TALL, full_matrices=False)), TALL),
    "svd_values": (lambda: ops.svd(TALL, compute_uv=False), np.linalg.svd(TALL, compute_uv=False)),
    "pinv": (lambda: ops.pinv(TALL), np.linalg.pinv(TALL)),
    "lstsq": (lambda: ops.lstsq(TALL, TALL[:, :1]), np.array([[1], [0], [0]])),
    "matrix_rank": (lambda: ops.matrix_rank(np.ones((3, 3), "float32")), 1)}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    use, expected = CASES[name]
    result = use()
    assert result.dtype in ("float32", "int32") and result.shape == np.shape(expected)
    np.testing.assert_allclose(result.numpy(), expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("use,error,message", [
    (lambda: ops.inv(np.ones((2, 3))), ValueError, "square matrices"),
    (lambda: ops.solve(np.eye(3), np.ones((2, 2))), ValueError, "as many rows"),
    (lambda: ops.qr(TALL, "r"), ValueError, "received 'r'"),
    (lambda: ops.cholesky(-np.eye(2)), np.linalg.LinAlgError, "positive definite"),
    (lambda: ops.inv(np.zeros((2, 2))), np.linalg.LinAlgError, "Singular")])
def test_bad_matrices_are_named(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_shapes_in_a_graph():
    with Trace("f") as trace:
        x = trace.add_input(TensorType((dim("B"), 5, 3), "float32"))
        assert [v.shape[1:] for v in ops.svd(x, full_matrices=False)] == [(5, 3), (3,), (3, 3)]
        assert ops.det(ops.swapaxes(x, 1, 2) @ x).shape == (dim("B"),)
