"""Traced programs that passes and kernels are tested on. Each case: a function of arrays, example arrays by a
generator, and which of their sizes are symbolic."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.autodiff import backward
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import TensorType
from kgraph.compiler.trace import current_trace
from kgraph.function import build
from kgraph.variable import Variable, flatten

B, T = dim("B"), dim("T")


def gradients(f, *arrays):
    """The value of a scalar function and its gradients, inside a trace."""
    value = f(*arrays)
    trace = current_trace()
    one = ops.ones_like(value)
    return [value, *backward(trace.ops, [value], [one], arrays)]


def relu(x):
    return ops.maximum(x, 0.0)


def dense(x, w, b):
    return ops.add(ops.matmul(x, w), b)


def softmax(x):
    e = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return e / ops.sum(e, axis=-1, keepdims=True)


def mlp(x, w1, b1, w2, b2, y):
    def loss(w1, b1, w2, b2):
        p = softmax(dense(relu(dense(x, w1, b1)), w2, b2))
        return ops.mean(-ops.sum(y * ops.log(p + 1e-7), axis=-1))
    return gradients(loss, w1, b1, w2, b2)


def layer_norm(x, g, b):
    def f(x, g, b):
        mean = ops.mean(x, axis=-1, keepdims=True)
        centred = x - mean
        variance = ops.mean(centred * centred, axis=-1, keepdims=True)
        return ops.sum(ops.tanh(centred * ops.rsqrt(variance + 1e-3) * g + b))
    return gradients(f, x, g, b)


def batch_norm(x, g, b):
    def f(x, g, b):
        mean = ops.mean(x, axis=(0, 1, 2))
        centred = x - mean
        variance = ops.mean(centred * centred, axis=(0, 1, 2))
        return ops.sum(relu(centred * ops.rsqrt(variance + 1e-3) * g + b))
    return gradients(f, x, g, b)


def attention(q, k, v):
    def f(q, k, v):
        scores = softmax(ops.einsum("bthd,bshd->bhts", q, k))
        return ops.sum(ops.einsum("bhts,bshd->bthd", scores, v) ** 2)
    return gradients(f, q, k, v)


def moves(x, y):
    a = ops.concatenate([x, y], axis=1)
    b = ops.transpose(a) * 2.0
    c = ops.reshape(ops.pad(a, ((0, 0), (1, 2))), (-1,))
    d = ops.flip(a, axis=1)[:, 1::2]
    return b, c, d, ops.concatenate([c, ops.reshape(y, (-1,))], axis=0), a


def embedding(table, rows, w):
    def f(table, w):
        return ops.sum(ops.mean(ops.take(table, rows, axis=0), axis=1) * w)
    return gradients(f, table, w)


def extremes(x):
    return ops.argmax(x, axis=-1), ops.argmin(x, axis=0), ops.max(x, axis=(0, 1)), ops.cumsum(x, axis=0)


def tied_rows(x):
    """A reduction whose result is read along the other axis: it may not share a kernel with its reader."""
    total = ops.sum(x, axis=1)
    return x * total, ops.sum(x * ops.expand_dims(total, 1), axis=0)


def scalars(x):
    """Chains of scalars before and after loops."""
    scale = ops.sqrt(ops.mean(x * x) + 1.0)
    return x / scale, scale * 3.0, ops.sum(x / scale, axis=0)


def views_as_results(x):
    flat = ops.reshape(x, (-1,))
    return flat, flat, x, ops.reshape(flat[:6], (2, 3))


_F = "float32"
CASES = {  # name: (function, shapes or (shape, dtype, high), symbolic sizes by position: {size: Dim})
    "mlp": (mlp, [(37, 7), (7, 16), (16,), (16, 5), (5,), (37, 5)], {37: B}),
    "layer_norm": (layer_norm, [(3, 11, 13), (13,), (13,)], {3: B, 11: T}),
    "batch_norm": (batch_norm, [(5, 3, 6, 16), (16,), (16,)], {5: B}),
    "attention": (attention, [(2, 7, 3, 4)] * 3, {2: B, 7: T}),
    "moves": (moves, [(3, 4), (3, 5)], {3: B}),
    "embedding": (embedding, [(9, 6), ((5, 3), "int32", 9), (6,)], {5: B}),
    "extremes": (extremes, [(7, 10)], {7: B}),
    "tied_rows": (tied_rows, [(6, 6)], {}),
    "scalars": (scalars, [(37, 3)], {37: B}),
    "views_as_results": (views_as_results, [(4, 3)], {}),
}


def arrays_of(name, seed=0):
    rng = np.random.default_rng(seed)
    found = []
    for spec in CASES[name][1]:
        if len(spec) == 3 and isinstance(spec[1], str):
            found.append(rng.integers(0, spec[2], spec[0]).astype(spec[1]))
        else:
            found.append(rng.normal(size=spec).astype(_F))
    return found


def compiled_case(name):
    f, _, symbolic = CASES[name]
    types = [TensorType(tuple(symbolic.get(s, s) for s in a.shape), a.dtype.name) for a in arrays_of(name)]
    return build(name, f, types)


class StatefulCase:
    """One step of Adam over two variables in one home, with a counter, an average and a state that copies another."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.w = Variable(rng.normal(size=(7, 5)).astype(_F), name="w")
        self.b = Variable(np.zeros(5, _F), name="b")
        self.home = flatten([self.w, self.b], "weights")
        self.m = Variable(np.zeros(self.home.shape, _F), trainable=False, name="m")
        self.v = Variable(np.zeros(self.home.shape, _F), trainable=False, name="v")
        self.count = Variable(np.asarray(0, "int32"), trainable=False, name="count")
        self.average = Variable(np.zeros(5, _F), trainable=False, name="average")
        self.last = Variable(np.zeros(5, _F), trainable=False, name="last")

    def step(self, x, y):
        w, b = self.w.value, self.b.value
        loss, gw, gb = gradients(lambda w, b: ops.mean((dense(x, w, b) - y) ** 2), w, b)
        g = ops.concatenate([ops.reshape(gw, (-1,)), ops.reshape(gb, (-1,))], axis=0)
        t = ops.cast(self.count.value + 1, _F)
        m, v = 0.9 * self.m.value + 0.1 * g, 0.999 * self.v.value + 0.001 * g * g
        rate = 0.1 * ops.sqrt(1 - ops.power(0.999, t)) / (1 - ops.power(0.9, t))
        self.home.assign(self.home.value - rate * m / (ops.sqrt(v) + 1e-7))
        self.m.assign(m)
        self.v.assign(v)
        self.last.assign(self.average.value)
        self.average.assign(self.average.value * 0.5 + ops.mean(x, axis=0)[:5])
        self.count.assign(self.count.value + 1)
        return loss

    def variables(self):
        return [self.home, self.m, self.v, self.count, self.average, self.last]

    def compiled(self):
        return build("stateful", self.step, [TensorType((B, 7), _F), TensorType((B, 5), _F)])


def interpreted(compiled, program, arrays) -> list:
    """The outputs and updates of a program of that compiled function, by the interpreter."""
    values = dict(zip(compiled._inputs, arrays))
    values.update((v, x.buffer) for v, x in zip(compiled._states, compiled.variables))
    values.update((v, t.numpy()) for v, t in compiled._captured)
    found = interpret(program, values, compiled.extents(arrays))
    return [found[v] for v in program.outputs] + [found[v] for _, v in program.updates]
