"""Programs of random operations: a recipe is grown while it is traced, and can be replayed on arrays.

A step is (name, seed, places): the operation of OPERATIONS, what it draws its parameters with, and which values it
reads. The same recipe so gives the same program whatever the sizes.
"""
import numpy as np

import kgraph
from kgraph import ops

UNARY = [ops.tanh, ops.sigmoid, ops.relu, ops.abs, ops.square, ops.negative, ops.sin, ops.softplus, ops.silu, ops.gelu,
         ops.erf, ops.floor, ops.round, ops.sign, ops.relu6, ops.elu, lambda a: a * 0.5 + 1.0, lambda a: 1.0 - a,
         lambda a: ops.exp(ops.tanh(a)), lambda a: ops.log1p(ops.abs(a)), lambda a: ops.sqrt(ops.abs(a) + 0.1),
         lambda a: ops.rsqrt(ops.square(a) + 0.5), lambda a: ops.clip(a, -0.5, 0.7), lambda a: ops.maximum(a, 0.1),
         lambda a: ops.nan_to_num(a), lambda a: ops.leaky_relu(a), ops.log_sigmoid, ops.arctan, ops.isfinite]
BINARY = [ops.add, ops.subtract, ops.multiply, ops.maximum, ops.minimum, ops.logaddexp, ops.arctan2,
          lambda a, b: a / (1.0 + ops.abs(b)), lambda a, b: ops.where(a > b, a, b * 2.0), lambda a, b: a <= b,
          lambda a, b: ops.square(a - b), lambda a, b: ops.power(ops.abs(a) + 0.2, ops.tanh(b)),
          lambda a, b: ops.where(ops.logical_and(a > 0, b < 0.5), a * b, 0.3)]
REDUCE = [ops.sum, ops.mean, ops.max, ops.min, ops.var, ops.logsumexp, ops.prod, ops.any, ops.all,
          lambda a, axis, keepdims: ops.std(a, axis, keepdims) if keepdims else ops.count_nonzero(a, axis),
          lambda a, axis, keepdims: ops.sqrt(0.1 + ops.sum(ops.square(a), axis=axis, keepdims=keepdims))]
ALONG = [ops.softmax, ops.log_softmax, ops.cumsum, ops.cumprod, ops.sort, ops.flip, ops.argsort, ops.argmax, ops.argmin,
         lambda a, axis: ops.median(a, axis=axis, keepdims=True), lambda a, axis: ops.roll(a, 1, axis),
         lambda a, axis: ops.concatenate([a, a * 3.0], axis), lambda a, axis: ops.concatenate([a, -a], axis),
         lambda a, axis: ops.stack([a, a + 1.0], axis), lambda a, axis: ops.expand_dims(a, axis),
         lambda a, axis: ops.repeat(a, 2, axis), lambda a, axis: ops.take_along_axis(a, ops.argsort(-a, axis), axis),
         lambda a, axis: ops.take_along_axis(a, ops.argmax(a, axis=axis, keepdims=True), axis),
         lambda a, axis: ops.take(a, ops.cast(ops.cumsum(ops.ones_like(a[:1]), 0) - 1, "int32"), axis),
         lambda a, axis: ops.take(a, [0, -1, 0], axis), lambda a, axis: ops.diff(a, axis=axis),
         lambda a, axis: ops.max(a, axis=axis, keepdims=True) - a, lambda a, axis: ops.one_hot(ops.argmin(a, axis), 3),
         lambda a, axis: ops.top_k(ops.moveaxis(a, axis, -1), 1)[0]]
MOVES = [ops.transpose, lambda a: ops.reshape(a, (-1,)), lambda a: ops.reshape(a, (-1, 1)), lambda a: a[..., ::2],
         lambda a: a[1:], lambda a: a[..., -2:], lambda a: a[::-1], lambda a: a[..., :1], lambda a: a[..., None, :],
         lambda a: ops.pad(a, ((1, 0),) * a.ndim), lambda a: ops.pad(a, ((0, 2),) * a.ndim, constant_values=0.5),
         lambda a: ops.swapaxes(a, 0, -1), lambda a: ops.tile(a, 2), lambda a: ops.triu(a),
         lambda a: ops.squeeze(a[:, None], 1),
         lambda a: ops.broadcast_to(a, (2, *ops.shape(a)))]
PRODUCTS = [ops.matmul, ops.dot, lambda a, b: ops.matmul(a, ops.transpose(b)), ops.outer,
            lambda a, b: ops.matmul(ops.transpose(a), b), lambda a, b: ops.tensordot(a, b, 1),
            lambda a, b: ops.einsum("ij,kj->ik", a, b)]
CASTS = [lambda a: ops.cast(ops.round(ops.clip(a, -20, 20) * 3.0), "int32"), lambda a: ops.cast(a > 0.1, "float32"),
         lambda a: ops.cast(ops.clip(a, -9, 9), "int8"), lambda a: ops.cast(a, "float64"),
         lambda a: ops.cast(a, "float32"), lambda a: ops.cast(a, "bool")]

# how many values each reads, how often it is drawn, what it does with them
OPERATIONS = {
    "unary": (1, 4, lambda rng, a: draw(rng, UNARY)(a)),
    "binary": (2, 5, lambda rng, a, b: draw(rng, BINARY)(a, b)),
    "reduce": (1, 3, lambda rng, a: reduced(rng, a)),
    "along": (1, 4, lambda rng, a: draw(rng, ALONG)(a, axis=int(rng.integers(-a.ndim, a.ndim)))),
    "move": (1, 3, lambda rng, a: draw(rng, MOVES)(a)),
    "product": (2, 1, lambda rng, a, b: draw(rng, PRODUCTS)(a, b)),
    "cast": (1, 1, lambda rng, a: draw(rng, CASTS)(a)),
}
NAMES = [name for name, (_, often, _) in OPERATIONS.items() for _ in range(often)]


def draw(rng, choices):
    return choices[rng.integers(len(choices))]


def reduced(rng, a):
    axis = tuple(sorted(rng.choice(a.ndim, rng.integers(1, a.ndim + 1), replace=False).tolist()))
    return draw(rng, REDUCE)(a, axis=axis if len(axis) < a.ndim else None, keepdims=bool(rng.integers(2)))


def grow(seed, values, most) -> tuple:
    """The recipe of a program of up to ``most`` steps, and the places of its results. Steps whose operands do not fit
    are left out."""
    rng, pool, steps = np.random.default_rng(seed), list(values), []
    for number in range(rng.integers(most // 2, most)):
        name = draw(rng, NAMES)
        # half of the operands are the latest value, so that chains become long
        places = [len(pool) - 1 if rng.integers(2) else int(rng.integers(len(pool)))
                  for _ in range(OPERATIONS[name][0])]
        step = name, (seed, number), places
        try:
            made = apply(step, pool)
        except (ValueError, TypeError, IndexError, ZeroDivisionError):
            continue
        if made.ndim <= 3:
            pool.append(made)
            steps.append(step)
    inside = range(len(values), len(pool))
    results = sorted({len(pool) - 1, *(draw(rng, inside) for _ in range(2) if len(inside))})
    return needed(steps, len(values), results), results


def needed(steps, first, results) -> list:
    """The steps with None for each that no result needs."""
    wanted = set(results)
    for place in range(first + len(steps) - 1, first - 1, -1):
        if place in wanted:
            wanted.update(steps[place - first][2])
    return [step if first + i in wanted else None for i, step in enumerate(steps)]


def apply(step, pool):
    name, seed, places = step
    return OPERATIONS[name][2](np.random.default_rng(seed), *[pool[i] for i in places])


def replay(recipe, values, noise=None) -> list:
    """The results. With ``noise``, a generator, what each step gives is moved by its last bits."""
    steps, results = recipe
    pool = list(values)
    for step in steps:
        pool.append(None if step is None else apply(step, pool))
        if noise is not None and step is not None and str(pool[-1].dtype).startswith("float"):
            bits = 4 * np.finfo(str(pool[-1].dtype)).eps
            pool[-1] = pool[-1] * (1 + bits * noise.uniform(-1, 1, pool[-1].shape)).astype(str(pool[-1].dtype))
    return [pool[i] for i in results]


def with_gradients(f):
    """A function that gives f's results, and gradients of a sum of them."""
    def g(*xs):
        with kgraph.GradientTape() as tape:
            tape.watch(xs)
            results = f(*xs)
            loss = sum(ops.sum(ops.tanh(ops.cast(r, "float32") * 0.3)) for r in results)
        gradients = tape.gradient(loss, xs)
        return [*results, *(ops.zeros_like(x) if d is None else d for x, d in zip(xs, gradients))]
    return g
