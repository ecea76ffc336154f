"""One value, one computation: whatever a kernel computes again has the same bits.

So a maximum is equal to the element that it is, wherever the gradient asks for it; and what is made by arithmetic,
roots and choices alone has the bits that NumPy gives it.
"""
import os

import numpy as np
import pytest

import kgraph
from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build

SIZES = (1, 2, 3, 37, 301)
EXACT = [ops.add, ops.subtract, ops.multiply, ops.divide, ops.maximum, ops.minimum,
         lambda a, b: a * b + a, lambda a, b: a - b * 0.3, lambda a, b: ops.where(a > b, a, -b),
         lambda a, b: ops.sqrt(ops.abs(a)) * b, lambda a, b: ops.square(a) - ops.square(b),
         lambda a, b: ops.cast(ops.floor(a), "int32") + ops.sign(b), lambda a, b: ops.clip(a * b, -0.7, 0.7),
         lambda a, b: (a + b) - a, lambda a, b: a * 1.7 * b * 3.1]


@pytest.fixture(autouse=True)
def threads():
    before = kgraph.get_num_threads()
    yield
    kgraph.set_num_threads(before)


def exact_function(seed):
    def f(x, y, z):
        rng = np.random.default_rng(seed)
        pool = [x, y, z]
        for _ in range(14):
            a, b = (pool[i] for i in rng.integers(0, len(pool), 2))
            pool.append(EXACT[rng.integers(len(EXACT))](a, b))
        return [pool[-1], pool[-2], ops.max(pool[-3], axis=1), pool[-3] == ops.max(pool[-3], axis=1, keepdims=True)]
    return f


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(4))
def test_arithmetic_has_the_bits_of_numpy(seed, dtype):
    f = exact_function(seed)
    compiled = build(f"exact_{seed}", f, [TensorType((dim("B"), dim("N")), dtype)] * 3)
    rng = np.random.default_rng(seed)
    for number, size in enumerate(SIZES):
        kgraph.set_num_threads(1 + number % 3)
        arrays = [rng.normal(size=(5, size)).astype(dtype) for _ in range(3)]
        arrays[0][:, ::7] = -0.0
        for got, want in zip(compiled.run(arrays), compiled.interpret(arrays, {"B": 5, "N": size})):
            same = (got == want) & (np.signbit(got) == np.signbit(want)) | (got != got) & (want != want)
            assert got.dtype == want.dtype and same.all(), (size, got, want)


# What compares a value with something made of it, as functions of a matrix along its rows.
TIES = {
    "max": lambda x: ops.max(x, axis=-1), "min": lambda x: ops.min(x, axis=-1),
    "amax_all": lambda x: ops.max(x) + ops.min(x, axis=0), "logsumexp": lambda x: ops.logsumexp(x, axis=-1),
    "softmax": ops.softmax, "log_softmax": ops.log_softmax, "ptp": lambda x: ops.sqrt(ops.max(x, -1) - ops.min(x, -1)),
    "sort": lambda x: ops.sort(x, axis=-1) * ops.cumsum(ops.ones_like(x), axis=-1),
    "top_k": lambda x: ops.top_k(x, 1)[0], "median": lambda x: ops.median(x, axis=-1),
    "quantile": lambda x: ops.quantile(x, 0.3, axis=-1), "clip": lambda x: ops.clip(x, -0.4, 0.4), "relu": ops.relu,
    "root_of_distance": lambda x: ops.sqrt(ops.max(x, axis=-1, keepdims=True) - x),
    "argmax": lambda x: ops.take_along_axis(x, ops.argmax(x, axis=-1, keepdims=True), axis=-1),
    "maximum": lambda x: ops.maximum(x, x[:, ::-1]), "hardtanh": lambda x: ops.hard_sigmoid(x) + ops.relu6(x),
    "leaky": lambda x: ops.leaky_relu(x) * ops.elu(x), "norm_inf": lambda x: ops.norm(x, np.inf, axis=-1),
    "median_of_distance": lambda x: ops.median(ops.abs(x - ops.median(x, axis=-1, keepdims=True)), axis=-1),
}
INSIDE = [lambda x, y: x * y + x, lambda x, y: ops.log_softmax(x) - y * y, lambda x, y: ops.tanh(x) * y - x * 0.3,
          lambda x, y: x - ops.mean(x, axis=-1, keepdims=True) * y, lambda x, y: ops.softmax(x * y) + y,
          lambda x, y: ops.square(x - y) * 0.7 - x, lambda x, y: x / (1.5 + ops.abs(y)) + y * 0.1,
          lambda x, y: x * ops.rsqrt(ops.var(x, axis=-1, keepdims=True) + 0.01) + y]


GROUPS = [sorted(TIES)[i::5] for i in range(5)]
SEEDS = 20 if os.environ.get("KGRAPH_NIGHTLY") == "1" else 1


def row_gradients(names, seed):
    """Values of the functions of those names, each of the same random expression of rows, and the gradients."""
    def f(x, y):
        rng = np.random.default_rng(seed)
        with kgraph.GradientTape() as tape:
            tape.watch([x, y])
            a, b = x, y
            for _ in range(rng.integers(1, 4)):
                a, b = INSIDE[rng.integers(len(INSIDE))](a, b), a
            results = [TIES[name](a) for name in names]
            loss = sum(ops.sum(ops.tanh(r)) for r in results)
        return [*results, *tape.gradient(loss, [x, y])]
    return f


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_gradients_at_the_place_of_an_extreme(names, seed):
    f = row_gradients(names, seed)
    compiled = build("ties", f, [TensorType((dim("B"), dim("N")), "float32")] * 2)
    rng = np.random.default_rng(seed)
    for number, shape in enumerate([(2, 1), (3, 3), (1, 37), (37, 5), (40, 301)]):
        kgraph.set_num_threads(1 + number)
        arrays = [rng.normal(size=shape).astype("float32") for _ in range(2)]
        for got, want in zip(compiled(*arrays), f(*map(ops.convert_to_tensor, arrays))):
            np.testing.assert_allclose(got, want.numpy(), rtol=2e-3, atol=2e-4, err_msg=str(shape))
