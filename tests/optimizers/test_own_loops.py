"""Optimizers in loops of the user's own: one kernel updates all weights, whoever laid them side by side."""
import numpy as np
import pytest

import kgraph
from kgraph import GradientTape, Input, Sequential, layers, ops, optimizers

X = np.linspace(-1, 1, 21, dtype="float32").reshape(7, 3)


def model_of(seed):
    kgraph.utils.set_random_seed(seed)
    return Sequential([Input((3,)), *(layers.Dense(n, "tanh") for n in (5, 5, 5, 1))])


def step_of(model, optimizer, variables):
    def step(x):
        with GradientTape() as tape:
            loss = ops.mean(model(x) ** 2)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss
    return step


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("part", [slice(None), slice(2, 6), slice(0, None, 3)])
@pytest.mark.parametrize("make", [lambda: optimizers.Adam(0.1, epsilon=0.01), lambda: optimizers.SGD(0.1)])
def test_a_compiled_step_is_the_eager_step(fitted, part, make):
    results, kernels = [], []
    for compiled in (False, True):
        model = model_of(1)
        if fitted:
            model.compile(optimizers.Adam(epsilon=0.01), "mse")
            model.fit(X, X[:, :1], verbose=0, shuffle=False)
        variables = model.trainable_variables[part]
        step = step_of(model, make(), variables)
        other = step_of(model, optimizers.Adam(0.1, epsilon=0.01), model.trainable_variables[4:])
        if compiled:
            step, other = kgraph.function(step), kgraph.function(other)
        losses = [float(f(X)) for _ in range(3) for f in (step, other)]
        results.append((losses, model.get_weights()))
        kernels += [len(next(iter(step.traced.values())).plan.kernels)] if compiled else []
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    for a, b in zip(results[0][1], results[1][1]):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    if part == slice(None):
        assert kernels[0] <= 20  # 12 products and bias sums, what joins them, and the update


def test_the_trace_is_made_again_once():
    model, seen = model_of(2), []
    optimizer = optimizers.Adam()
    plain = step_of(model, optimizer, model.trainable_variables)
    step = kgraph.function(lambda x: (seen.append(x.shape), plain(x))[1])
    step(X)
    step(X)
    assert len(seen) == 2 and int(optimizer.iterations) == 2
    step(X[:2])
    assert len(seen) == 3
