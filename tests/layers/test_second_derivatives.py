"""Gradients of gradients through every layer and activation: a gradient penalty and a Hessian times a vector, compiled
against eager."""
import os

import numpy as np
import pytest
import test_layers_basic
import test_layers_normalization
import test_layers_windows
import test_rnn
from check_layer import Case

from kgraph import activations, layers, ops, tree
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build
from kgraph.gradient import GradientTape

NIGHTLY = os.environ.get("KGRAPH_NIGHTLY") == "1"
ACTIVATIONS = ("celu elu exponential gelu glu hard_shrink hard_sigmoid hard_tanh leaky_relu linear log_sigmoid "
               "log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
               "sparse_sigmoid squareplus swish tanh tanh_shrink").split()
LAYERS = [(getattr(layers, c[0]) if isinstance(c[0], str) else c[0], c[1], c[2], {})
          for c in (*test_layers_basic.ONE, *test_layers_basic.MERGES, *test_layers_windows.CASES,
                    *test_layers_normalization.CASES, *test_rnn.CHECKED, *test_rnn.CONV_LSTMS)]
LAYERS += [(getattr(layers, name), kwargs, [(3, 4), (5, 4)], {})
           for name, kwargs in test_layers_normalization.ATTENTION]


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    """The text of the kernels is what is tested, but for the nightly run."""
    if not NIGHTLY:
        monkeypatch.setenv("KGRAPH_EMIT", "python")


def second_derivatives(f, weights):
    """Of inputs and as many directions: gradients of the squared norm of the gradient, and the Hessian times the
    directions."""
    def function(*args):
        xs, directions = args[:len(args) // 2], args[len(args) // 2:]
        with GradientTape(persistent=True) as outer:
            outer.watch(xs)
            with GradientTape() as inner:
                inner.watch(xs)
                total = sum(ops.sum(y * ops.cos(y)) for y in tree.flatten(f(*xs)))
            first = inner.gradient(total, xs)
            penalty = sum(ops.sum(ops.square(g)) for g in first if g is not None)
            product = sum(ops.sum(g * d) for g, d in zip(first, directions) if g is not None)
        found = [*first, *outer.gradient(penalty, [*xs, *weights]), *outer.gradient(product, xs)]
        return [ops.zeros(()) if g is None else g for g in found]
    return function


def check(f, arrays, types, weights=(), states=()):
    function = second_derivatives(f, weights)
    compiled = build("second", function, types * 2)
    rng = np.random.default_rng(0)
    given = [*arrays, *(rng.normal(size=a.shape).astype(a.dtype) for a in arrays)]
    start = [v.numpy() for v in states]
    results = compiled(*given)
    for v, array in zip(states, start):
        v.assign(array)
    for got, want in zip(results, function(*map(ops.convert_to_tensor, given)), strict=True):
        want = want.numpy()
        scale = max(1.0, np.abs(want[np.isfinite(want)]).max(initial=0))
        np.testing.assert_allclose(got / scale, want / scale, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    f = getattr(activations, name)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    check(f, [x], [TensorType((dim("B"), 4), "float32")])


@pytest.mark.parametrize("cls,kwargs,shapes,call", LAYERS if NIGHTLY else LAYERS[::8],
                         ids=lambda x: x.__name__ if isinstance(x, type) else "")
def test_layer(cls, kwargs, shapes, call):
    case = Case(cls, kwargs, shapes, None, call)
    layer = case.layer()
    model = case.model(layer)
    run = lambda *xs: model(list(xs), training=True)
    check(run, case.arrays(), [TensorType((dim("B"), *s), "float32") for s in case.shapes],
          model.trainable_weights, model.variables)
