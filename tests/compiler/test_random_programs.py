"""Random programs: the emitted sources, run as plain Python, against the interpreter."""
import numpy as np
import pytest
from test_passes import run

from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build

B = dim("B")
UNARY = [ops.tanh, ops.sigmoid, ops.relu, ops.abs, ops.square, lambda x: x * 0.5 + 1.0, lambda x: ops.softmax(x, -1),
         lambda x: -x, lambda x: ops.cast(x > 0.0, "float32")]
BINARY = [ops.add, ops.subtract, ops.multiply, ops.maximum, lambda a, b: ops.where(a > b, a, b * 2.0)]
MOVES = [ops.transpose, lambda a: ops.reshape(a, (-1,)), lambda a: a[:, ::2], lambda a: ops.flip(a, 1),
         lambda a: ops.concatenate([a, a * 3.0], axis=1), lambda a: ops.concatenate([a, a], axis=0),
         lambda a: ops.pad(a, ((1, 0), (0, 2)))]


def random_function(seed):
    """A function of three inputs that applies some twenty random operations and returns several of the results."""
    def f(x, y, w):
        rng = np.random.default_rng(seed)
        pool = [x, y, w, ops.matmul(x, w)]
        pick = lambda: pool[rng.integers(len(pool))]
        for _ in range(rng.integers(8, 22)):
            kind, a = rng.integers(7), pick()
            if kind <= 1:
                pool.append(UNARY[rng.integers(len(UNARY))](a) if a.ndim else ops.tanh(a))
            elif kind <= 3:
                b = pick()
                if _broadcast(a.shape, b.shape):
                    pool.append(BINARY[rng.integers(len(BINARY))](a, b))
            elif kind == 4 and a.ndim:
                axis = tuple(sorted(rng.choice(a.ndim, rng.integers(1, a.ndim + 1), replace=False).tolist()))
                reduce = (ops.sum, ops.max, ops.mean)[rng.integers(3)]
                pool.append(reduce(a, axis=axis, keepdims=bool(rng.integers(2))))
            elif kind == 5 and a.ndim == 2:
                pool.append(MOVES[rng.integers(len(MOVES))](a))
            elif kind == 6 and a.ndim == 2 and isinstance(a.shape[1], int):
                pool.append(ops.matmul(a, ops.transpose(a)))
        results = [pool[i] for i in sorted(set(rng.integers(4, len(pool), 4).tolist()))] if len(pool) > 4 else pool[3:]
        return [ops.tanh(v * 0.1) if rng.integers(2) else v for v in results]
    return f


def _broadcast(a, b):
    return all(m == n or m == 1 or n == 1 for m, n in zip(reversed(a), reversed(b)))


@pytest.mark.parametrize("seed", range(40))
def test_random_program(seed, monkeypatch):
    monkeypatch.setenv("KGRAPH_EMIT", "python")
    types = [TensorType(s, "float32") for s in ((B, 5), (B, 1), (5, 3))]
    compiled = build(f"random_{seed}", random_function(seed), types)
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=s).astype("float32") for s in ((4, 5), (4, 1), (5, 3))]
    for got, want in zip(compiled.run(arrays), run(compiled, compiled.traced, arrays)):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)
