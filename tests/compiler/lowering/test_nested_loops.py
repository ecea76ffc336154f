"""Loops inside loops, compiled: what comes out, and its gradients, is what eager steps give, for any sizes."""
import numpy as np
import pytest

import kgraph
from kgraph import layers, ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build

N, T = dim("N"), dim("T")
SIZES = [(5, 4), (1, 1), (3, 0), (0, 2)]


def inner(a, row, step=lambda a, b: ops.tanh(a * 0.5 + b), **how):
    return ops.scan(lambda a, b: (step(a, b), a * b), a, row, **how)


def scans(x, w):
    def step(c, row):
        h, ys = inner(c, row, lambda a, b: ops.tanh(ops.matmul(a[None], w)[0] + b))
        return h, ops.sum(ys, axis=0)
    return ops.scan(step, ops.ones((3,)), x)


def backwards(x, w):
    return ops.scan(lambda c, row: (inner(c, row, reverse=True)[0], c), ops.ones((3,)), x, reverse=True)


def three(x, w):
    last = lambda a, v: ops.scan(lambda a, b: (a * 0.5 + b, a), a, v)[0]
    middle = lambda a, m: ops.scan(lambda a, v: (a + last(ops.sum(a) * 0.1, v) * w[0], a), a, m)[0]
    return ops.scan(lambda a, m: (middle(a, m), a), ops.zeros((3,)), x)


def no_xs(x, w):
    """Steps with constants only: products of one of them are summed for its gradient."""
    return ops.scan(lambda c, row: (ops.fori_loop(0, 3, lambda i, v: ops.tanh(ops.matmul(v, w) + row[:1]), c), c),
                    ops.zeros((4, 3)), x)


def maps(x, w):
    y = ops.map(lambda m: ops.map(lambda v: ops.tanh(v) * w[0], m), x)
    return ops.sum(y, axis=(0, 1)), y


def sorts(x, w):
    return ops.scan(lambda c, row: (inner(c, row, lambda a, b: ops.sort(a + b) + ops.cumsum(a))[0], c),
                    ops.zeros((3,)), x)


def whiles(x, w):
    """A loop that depends on the data, in a scan in a scan."""
    def step(a, b):
        v = ops.while_loop(lambda v: v < ops.stop_gradient(ops.abs(b[0])) * 4, lambda v: v + 1.0, ops.zeros(()))
        return a * 0.5 + ops.stop_gradient(v) + b, a
    return ops.scan(lambda c, row: (ops.scan(step, c, row)[0], c), ops.zeros((3,)), x)


def in_a_while(x, w):
    i, c = ops.while_loop(lambda i, c: i < 3, lambda i, c: (i + 1, ops.scan(lambda c, r: inner(c, r), c, x)[0]),
                          (ops.zeros((), "int32"), ops.zeros((3,))))
    return c, c * ops.cast(i, "float32")


def arrays(n, t):
    rng = np.random.default_rng(n + t)
    return rng.normal(size=(n, t, 3)).astype("float32"), 0.4 * rng.normal(size=(3, 3)).astype("float32")


TYPES = [TensorType((N, T, 3), "float32"), TensorType((3, 3), "float32")]


@pytest.mark.parametrize("f", [scans, backwards, three, maps, sorts, whiles, in_a_while], ids=lambda f: f.__name__)
def test_loops_in_loops(f):
    def values(x, w):
        if f is in_a_while:  # no gradient goes through it
            return f(x, w)
        loss = lambda x, w: (lambda c, y: (ops.sum(ops.sin(c)) + ops.sum(y * 1.3), (c, y)))(*f(x, w))
        (value, results), grads = kgraph.value_and_grad(loss, argnums=(0, 1), has_aux=True)(x, w)
        return [value, *results, *(g for g in grads if g is not None)]

    compiled = build(f.__name__, values, TYPES)
    for size in SIZES:
        x, w = arrays(*size)
        for got, expected in zip(compiled(x, w), values(ops.convert_to_tensor(x), ops.convert_to_tensor(w))):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_steps_without_xs_that_read_a_constant():
    x, w = np.ones((2, 4, 3), "float32"), arrays(1, 1)[1]
    grad = kgraph.value_and_grad(lambda x, w: ops.sum(no_xs(x, w)[0]), argnums=(0, 1))
    compiled = build("no_xs", lambda x, w: grad(x, w)[1], [TensorType((N, 4, 3), "float32"), TYPES[1]])
    for got, expected in zip(compiled(x, w), grad(ops.convert_to_tensor(x), ops.convert_to_tensor(w))[1]):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_variables_and_random_numbers_of_inner_steps():
    def run(wrap):
        count, seed = kgraph.Variable(0.0), kgraph.random.SeedGenerator(3)

        def step(a, b):
            count.assign_add(1.0)
            return a + b * kgraph.random.uniform((3,), seed=seed), a
        f = lambda x: ops.scan(lambda c, row: (ops.scan(step, c, row)[0], c), ops.zeros((3,)), x)[0]
        return np.asarray(wrap(f)(ops.convert_to_tensor(arrays(5, 4)[0]))), float(count)

    (got, n), (expected, m) = run(kgraph.function), run(lambda f: f)
    assert n == m == 20
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_second_derivatives_through_loops_in_loops():
    x = arrays(3, 2)[0]
    loss = lambda v: ops.sum(ops.scan(lambda c, row: (inner(c, row, lambda a, b: ops.tanh(a * v + b))[0], c),
                                      ops.zeros((3,)), x)[0])
    squared = lambda v: ops.sum(kgraph.value_and_grad(loss)(v)[1] ** 2)
    f = lambda v: kgraph.value_and_grad(squared)(v)[1]
    v = np.float32([0.5, 0.3, -0.7])
    got, expected = kgraph.function(f)(v), f(ops.convert_to_tensor(v))
    np.testing.assert_allclose(got, expected, rtol=1e-3)
    step = 1e-2 * np.float32([1, -1, 2])
    slope = (float(squared(v + step)) - float(squared(v - step))) / 2
    np.testing.assert_allclose(np.dot(got, step), slope, rtol=2e-2)


def test_a_cell_with_a_loop_trains():
    class Settling(layers.Layer):
        state_size = 4

        def build(self, input_shape):
            self.k = self.add_weight((input_shape[-1], 4))
            self.q = self.add_weight((4, 4), "orthogonal")

        def call(self, x, states):
            step = lambda i, h: ops.tanh(ops.matmul(h, self.q) + ops.matmul(x, self.k))
            h = ops.fori_loop(0, 3, step, states[0])
            return h, [h]

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 6, 3)).astype("float32"), rng.normal(size=(32, 1)).astype("float32")
    losses = []
    for eagerly in (False, True):
        kgraph.utils.set_random_seed(0)
        model = kgraph.Sequential([kgraph.Input((None, 3)), layers.Masking(), layers.RNN(Settling()), layers.Dense(1)])
        model.compile(kgraph.optimizers.SGD(0.1), "mse", run_eagerly=eagerly)
        losses.append(model.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-4)
