"""Functions of functions, and draws: custom gradients, derivatives forwards, vectorize, scans, distributions."""
import numpy as np
import pytest

import kgraph
from kgraph import ops, random


def both(f, *args):
    eager, compiled = f(*args), kgraph.function(f)(*args)
    for a, b in zip(kgraph.tree.flatten(eager), kgraph.tree.flatten(compiled)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    return eager


@ops.custom_gradient
def reversed_gradient(x):
    return x, lambda upstream: -3.0 * upstream


@ops.custom_gradient
def log1pexp(x):
    e = ops.exp(x)

    def grad(*args, upstream=None):
        return (args[0] if upstream is None else upstream) * (1.0 - 1.0 / (1.0 + e))

    return ops.log(1.0 + e), grad


def test_custom_gradients():
    x = np.float32([1, 2])
    value, grad = both(kgraph.value_and_grad(lambda x: ops.sum(reversed_gradient(x) * x)), x)
    np.testing.assert_allclose(value, 5)
    np.testing.assert_allclose(grad, x - 3 * x)
    _, grad = both(kgraph.value_and_grad(lambda x: ops.sum(log1pexp(x))), np.float32([0, 100]))
    assert np.asarray(grad)[0] == pytest.approx(0.5)


def test_a_custom_gradient_inside_a_loop():
    def total(x):
        return ops.sum(ops.scan(lambda c, v: (c + reversed_gradient(v), c), ops.zeros(()), x)[0])
    _, grad = both(kgraph.value_and_grad(total), np.float32([1, 2, 3]))
    np.testing.assert_allclose(grad, [-3, -3, -3])


def test_derivatives_forwards():
    value, slope = both(lambda x, t: ops.jvp(ops.sin, (x,), (t,)), np.float32(0.1), np.float32(0.2))
    np.testing.assert_allclose([value, slope], [np.sin(0.1), np.cos(0.1) * 0.2], rtol=1e-6)
    a, b, t = np.float32([[1, 2], [3, 4]]), np.float32([1, 2]), np.float32([1, 0])
    found = ops.jvp(lambda a, b: (ops.matmul(a, b * b), 5), (a, b), (np.zeros_like(a), t), has_aux=True)
    np.testing.assert_allclose(found[1], a @ (2 * b * t))
    assert found[2] == 5


def test_vectorize():
    double = ops.vectorize(lambda a, b: a * 2 + b)
    x, y = np.float32([[1, 2], [3, 4]]), np.float32([10, 20])
    np.testing.assert_allclose(double(x, y), x * 2 + y)
    product = ops.vectorize(lambda m, v: ops.matmul(m, v), signature="(m,n),(n)->(m)")
    m = np.arange(12, dtype="float32").reshape(2, 3, 2)
    np.testing.assert_allclose(product(m, y), m @ y)
    np.testing.assert_allclose(ops.vectorize(lambda a, k: a * k, excluded={1})(y, 3), y * 3)


@pytest.mark.parametrize("n", [1, 2, 3, 37])
def test_associative_scan(n):
    x = np.arange(1, n + 1, dtype="float32")
    np.testing.assert_allclose(both(lambda x: ops.associative_scan(ops.add, x), x), np.cumsum(x))
    pairs = ops.associative_scan(lambda a, b: [a[0] + b[0], a[1] * b[1]], [x, x / 10], reverse=True)
    np.testing.assert_allclose(pairs[1], np.cumprod(x[::-1] / 10)[::-1], rtol=1e-5)


def test_numbers_of_numpy():
    np.testing.assert_allclose(ops.kaiser(9, 5.0), np.kaiser(9, 5.0), atol=1e-6)
    np.testing.assert_allclose(ops.i0(np.float64([0, 1, 9, 50])), np.i0([0.0, 1, 9, 50]), rtol=1e-13)
    values, vectors = ops.eig(np.float32([[0, 1], [-1, 0]]))
    assert sorted(np.imag(values)) == [-1, 1] and vectors.dtype == "complex64"
    z = ops.view_as_complex(np.float32([[1, 2], [3, 4]]))
    np.testing.assert_allclose(ops.view_as_real(z * z), [[-3, 4], [-7, 24]])
    np.testing.assert_allclose([ops.real(z), ops.imag(z), ops.absolute(ops.real(z))], [[1, 3], [2, 4], [1, 3]])


def test_alias_modules():
    assert ops.numpy.add is ops.add and ops.nn.conv is ops.conv and ops.linalg.lu_factor is ops.lu_factor
    with pytest.raises(AttributeError, match="Did you mean"):
        _ = ops.numpy.ad


@pytest.mark.parametrize("draw,mean,variance", [
    (lambda n: random.gamma((n,), 2.5, seed=1), 2.5, 2.5), (lambda n: random.gamma((n,), 0.3, seed=2), 0.3, 0.3),
    (lambda n: random.beta((n,), 2.0, 3.0, seed=3), 0.4, 0.04),
    (lambda n: random.binomial((n,), 10, 0.3, seed=4), 3.0, 2.1),
    (lambda n: random.binomial((n,), 1000, 0.2, seed=5), 200.0, 160.0)])
def test_distributions(draw, mean, variance):
    x = np.asarray(draw(20000), "float64")
    assert abs(x.mean() - mean) < 5 * (variance / 20000) ** 0.5
    assert x.var() == pytest.approx(variance, rel=0.08)
