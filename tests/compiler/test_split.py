"""split: what processes compute, put together, is what the whole batch gives. Threads stand for processes."""
import threading

import numpy as np
import pytest

import kgraph
from kgraph import layers, ops
from kgraph.compiler.autodiff import backward
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import TensorType, verify
from kgraph.compiler.prims import collective
from kgraph.compiler.split import EACH, Crosses, split
from kgraph.compiler.trace import bind, current_trace, name_scope
from kgraph.distribution.tables import Tables
from kgraph.function import build
from kgraph.ops.attention import attend

B = dim("B")
COUNTS = (3, 0, 1, 4)  # rows of each process
X = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
W = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")


class Ranks:
    """Runs a function once for each process, in threads that meet in `exchange`."""

    overlap = False

    def __init__(self, count):
        self.here, self.given = threading.Barrier(count), [None] * count
        self.mine, self.calls, self.tables = threading.local(), 0, Tables(self)

    def exchange(self, arrays, how, results):
        self.given[self.mine.rank] = [np.array(a) for a in arrays]
        self.here.wait(30)
        join = {"sum": sum, "max": lambda xs: np.max(list(xs), 0), "min": lambda xs: np.min(list(xs), 0)}
        for result, h, *xs in zip(results, how, *self.given):
            result[...] = join[h](xs)
        self.calls += self.mine.rank == 0
        self.here.wait(30)

    @property
    def rank(self):
        return self.mine.rank

    @property
    def size(self):
        return len(self.given)

    @property
    def others(self):
        return [i for i in range(self.size) if i != self.rank]

    def exchange_some(self, why, send, receive):
        self.given[self.rank] = {i: np.array(a) for i, a in send.items()}
        self.here.wait(30)
        for i, target in receive.items():
            target[...] = self.given[i][self.rank]
        self.here.wait(30)

    def gather_array(self, why, array):
        found = [np.empty_like(array) if i != self.rank else array for i in range(self.size)]
        self.exchange_some(why, dict.fromkeys(self.others, array), {i: found[i] for i in self.others})
        return found

    def run(self, f):
        results = [None] * len(self.given)

        def one(rank):
            self.mine.rank = rank
            results[rank] = f(rank)
        threads = [threading.Thread(target=one, args=(rank,)) for rank in range(len(self.given))]
        [t.start() for t in threads]
        [t.join() for t in threads]
        return results


def parts_of(f, monkeypatch, x=X):
    """(what f gives for the whole batch, what the processes give, how often they exchanged something)."""
    types = (TensorType((B, *x.shape[1:]), x.dtype.name),)
    whole, shared = build("whole", f, types), build("shared", f, types, split)
    verify(shared.traced)
    ranks, starts = Ranks(len(COUNTS)), np.cumsum((0, *COUNTS))
    monkeypatch.setattr(collective.link, "world", ranks)

    def one(rank):
        program = shared.traced
        values = {shared._inputs[0]: x[starts[rank]:starts[rank + 1]]}
        values |= {v: t.numpy() for v, t in shared._captured} | {v: s.numpy() for v, s in
                                                                   zip(shared._states, shared.variables)}
        extents = {"B": COUNTS[rank], "B_first": int(starts[rank]), "B_all": len(x)}
        with np.errstate(all="ignore"):
            found = interpret(program, values, extents)
        return [found[v] for v in program.outputs], [found[new] for _, new in program.updates]
    results = ranks.run(one)
    return whole(x), [outputs for outputs, _ in results], [updates for _, updates in results], ranks.calls


ROWS = {  # a row for each row of the batch
    "product": lambda x: x @ W, "transposed": lambda x: ops.transpose(ops.transpose(x) * 2), "softmax": ops.softmax,
    "reshaped": lambda x: ops.reshape(ops.reshape(x, (-1, 5, 1)) + ops.ones((5, 2)), (-1, 10)),
    "flat": lambda x: ops.reshape(ops.reshape(x, (-1,)) * 3, (-1, 5)),
    "less its mean": lambda x: x - ops.mean(x, 0), "by the largest": lambda x: x / ops.max(ops.abs(x)),
    "smallest": lambda x: x - ops.min(x, axis=0, keepdims=True), "sorted": lambda x: ops.sort(x, -1),
    "numbered": lambda x: x + ops.cast(ops.arange(ops.shape(x)[0]), "float32")[:, None],
    "noise": lambda x: x + kgraph.random.normal(ops.shape(x), seed=3),
    "noise transposed": lambda x: ops.transpose(kgraph.random.uniform((5, ops.shape(x)[0]), seed=3)) + x,
    "looked up": lambda x: ops.take(ops.convert_to_tensor(W), ops.cast(ops.abs(x[:, 0]), "int32"), axis=0),
    "where": lambda x: ops.where(x > ops.mean(x), x, ops.zeros_like(x)),
    "joined": lambda x: ops.concatenate([x, x * 2], 1)[:, 3:7], "padded": lambda x: ops.pad(x, ((0, 0), (1, 2))),
    "standard": lambda x: (x - ops.mean(x, 0)) / ops.std(x, 0),
    "along time": lambda x: ops.cumsum(x, 1), "best": lambda x: ops.one_hot(ops.argmax(x, -1), 5),
}

def attention(x):
    key = ops.convert_to_tensor(np.array([3, 4], "uint32"))
    x = ops.reshape(x, (-1, 5, 1, 1))
    return attend(x, x, x, causal=True, fused=True, rate=0.3, seed=key)[:, :, 0, 0]


ROWS["attention"] = attention
ROWS["gradient of attention"] = lambda x: backward(current_trace().ops, [attention(x)], [x * x], [x])[0]
SAME = {  # the same on every process
    "sum": lambda x: ops.sum(x), "mean": lambda x: ops.mean(x, 0), "variance": lambda x: ops.var(x, 0),
    "gram": lambda x: ops.transpose(x) @ x, "rows": lambda x: ops.cast(ops.shape(x)[0], "float32"),
    "norm": lambda x: ops.sqrt(ops.sum(ops.square(ops.sum(x, 0)))), "any": lambda x: ops.any(x > 2),
    "histogram": lambda x: ops.sum(ops.one_hot(ops.cast(ops.abs(x[:, 0]), "int32"), 4), 0),
    "segments": lambda x: ops.segment_sum(x, ops.cast(ops.abs(x[:, 0]), "int32"), 4),
    "two": lambda x: ops.mean(x) + ops.sum(x, 0) / ops.cast(ops.size(x), "float32"),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name, monkeypatch):
    whole, parts, _, _ = parts_of(ROWS[name], monkeypatch)
    assert [p[0].shape[0] for p in parts] == list(COUNTS)
    np.testing.assert_allclose(np.concatenate([p[0] for p in parts]), whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SAME)
def test_same(name, monkeypatch):
    whole, parts, _, _ = parts_of(SAME[name], monkeypatch)
    for (part,) in parts:
        np.testing.assert_array_equal(part, parts[0][0])
    np.testing.assert_allclose(parts[0][0], whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("f", [
    lambda x: x @ ops.transpose(x), lambda x: ops.flip(x, 0), lambda x: ops.cumsum(x, 0), lambda x: ops.sort(x, 0),
    lambda x: x[1:], lambda x: ops.argmax(x, 0), lambda x: ops.prod(x, 0), lambda x: ops.concatenate([x, x], 0)],
    ids=["all pairs", "flip", "running sum", "sort", "shift", "argmax", "product", "twice"])
def test_rows_that_meet_are_named(f):
    with pytest.raises(Crosses, match=r"\w+ \(.*\)"):
        build("crossing", f, (TensorType((B, 5), "float32"),), split)


def test_a_step_of_training_exchanges_once(monkeypatch):
    """Gradients of all weights, loss and metrics, with a regularizer and two layers."""
    first, second = layers.Dense(4, activation="relu"), layers.Dense(1, kernel_regularizer="l2")
    model = kgraph.Sequential([kgraph.Input((5,)), first, layers.Dropout(0.2), second])
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(X, X[:, :1])

    def step(x):
        return model.train_step((x, x[:, :1]))
    whole, parts, _, calls = parts_of(step, monkeypatch)
    assert calls == 1
    for name, value in zip(whole, parts[0]):
        np.testing.assert_allclose(value, whole[name], rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"renorm": True}], ids=str)
def test_batch_normalization_by_process(options, monkeypatch):
    """Gradients of what each process normalizes by its own rows add up; moving statistics are the mean."""
    monkeypatch.setattr(collective.link, "world", Ranks(1))
    layer = layers.BatchNormalization(**options)
    layer.build((None, 5))
    counts = [0, 3, 3, 4, 8]

    def f(x):
        with kgraph.GradientTape() as tape:
            loss = ops.sum(ops.square(layer(x, training=True)) * x)
        return tape.gradient(loss, [layer.gamma, layer.beta])

    def alone(x):
        values = [v.numpy() for v in layer.variables]
        found = build("alone", f, (TensorType((B, 5), "float32"),))(x)
        mean = layer.moving_mean.numpy()
        [v.assign(value) for v, value in zip(layer.variables, values)]
        return [*found, mean]
    pieces = [(len(X[a:b]), alone(X[a:b])) for a, b in zip(counts, counts[1:]) if b > a]
    _, parts, updates, calls = parts_of(f, monkeypatch)
    for gradient in range(2):
        np.testing.assert_allclose(parts[0][gradient], sum(p[gradient] for _, p in pieces), rtol=1e-4, atol=1e-4)
    mean = sum(n / 8 * p[2] for n, p in pieces)
    assert any(np.allclose(new, mean, rtol=1e-5, atol=1e-6) for new in updates[0]) and calls == 1


def test_what_each_process_has_of_its_own(monkeypatch):
    """Inside EACH a mean is that of the rows here; a variable gets the mean over all, a sum of products stays a sum."""
    moving = kgraph.Variable(np.zeros(5, "float32"), trainable=False)

    def f(x):
        with name_scope(EACH):
            mean = ops.mean(x, 0)
            moving.assign(mean)
            total = ops.sum(x * 2, 0)
            return x - mean, total * mean * 0 + total
    _, parts, updates, calls = parts_of(f, monkeypatch)
    starts = np.cumsum((0, *COUNTS))
    for (rows, _), (new,), a, b in zip(parts, updates, starts, starts[1:]):
        if b > a:
            np.testing.assert_allclose(rows, X[a:b] - X[a:b].mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(new, X.mean(0), rtol=1e-5, atol=1e-6)
    assert calls == 1


def test_large_gradients_travel_while_others_are_computed(monkeypatch):
    """The last layer's first, and with the same sums."""
    monkeypatch.setattr("kgraph.compiler.split.LARGE", 12)

    def made():
        kgraph.utils.set_random_seed(1)
        model = kgraph.Sequential([kgraph.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(3),
                                   layers.Dense(1)])
        model.compile("adam", "mse")
        model.train_on_batch(X, X[:, :1])
        return lambda x: model.train_step((x, x[:, :1]))

    _, together, updates, calls = parts_of(made(), monkeypatch)
    monkeypatch.setattr(Ranks, "overlap", True)
    _, apart, others, more = parts_of(made(), monkeypatch)
    assert (calls, more) == (1, 3)
    for a, b in zip([*together[0], *updates[0]], [*apart[0], *others[0]]):
        np.testing.assert_array_equal(a, b)
    plan = build("apart", made(), (TensorType((B, 5), "float32"),), split).plan
    begun = [k.op.inputs[0].shape for k in plan.kernels if k.op.prim.name == "collective_begin"]
    names = [k.op.prim.name for k in plan.kernels]
    assert begun == [(12,), (20,)]
    assert "fused" in names[names.index("collective_begin"):len(names) - names[::-1].index("collective_begin")]


TABLE = np.random.default_rng(2).normal(size=(7, 3)).astype("float32")  # two rows on each of four processes
LOOKED_UP = np.array([[0, 6], [3, 3], [6, 1], [2, 0], [5, 6], [6, 6], [1, 4], [3, 0]], "int32")


def trained_table(t, i):
    """One step of a loss with a regularizer, with the norm of its gradient in it."""
    rows = ops.take(t, i, axis=0)
    loss = ops.mean(ops.square(rows)) + 0.1 * ops.sum(ops.square(t)) + ops.mean(ops.take(t, i[:, 0], axis=0))
    (g,) = backward(current_trace().ops, [loss], [ops.convert_to_tensor(np.float32(1))], [t])
    return t - 0.5 * g / ops.sqrt(ops.sum(ops.square(g)))


OF_TABLES = {  # what is done with a table -> collectives that put all of it together
    "looked up": (lambda t, i: ops.sum(ops.take(t, i, axis=0), (0, 1)), 0),
    "trained": (trained_table, 0), "scaled": (lambda t, i: ops.exp(t) * 2 + ops.cast(ops.sum(i), "float32"), 0),
    "sums": (lambda t, i: ops.sum(ops.exp(t)) + ops.sum(t, 0), 0), "row sums": (lambda t, i: ops.softmax(t, -1), 0),
    "by a vector": (lambda t, i: t * ops.convert_to_tensor(np.arange(7, dtype="float32"))[:, None], 0),
    "by computed ones": (lambda t, i: t * ops.exp(ops.ones((7, 3)) * ops.cast(ops.max(i), "float32")), 0),
    "reshaped": (lambda t, i: ops.reshape(ops.reshape(t, (7, 3, 1)) + ops.ones((7, 3, 2)), (7, 6)), 0),
    "largest": (lambda t, i: ops.max(t, 0), 1), "turned": (lambda t, i: ops.transpose(t) @ t, 1),
    "running sums": (lambda t, i: ops.cumsum(t, 0), 1), "some rows": (lambda t, i: t[2:5], 1),
}


@pytest.mark.parametrize("name", OF_TABLES)
def test_tables(name, monkeypatch):
    """Of which each process holds some rows: what comes of them, and what is assigned to them."""
    f, wholes = OF_TABLES[name]
    indices = TensorType((B, 2), "int32")
    whole = build("whole", f, (TensorType((7, 3), "float32"), indices))(TABLE, LOOKED_UP)
    ranks, starts = Ranks(4), np.cumsum((0, *COUNTS))
    monkeypatch.setattr(collective.link, "world", ranks)
    made = []

    def one(rank):
        def g(held, i):
            result = f(bind(collective.gather_rows_p, held, size=7), i)
            is_table = result.shape == (7, 3)
            return result, bind(collective.own_rows_p, result, rows=2, start=2 * rank) if is_table else None
        shared = build("shared", g, (TensorType((2, 3), "float32"), indices), split)
        program = verify(shared.traced)
        made.append(sum(op.prim.name == "gather_rows" and op.outputs[0] not in program.outputs for op in program.ops))
        held = np.concatenate([TABLE, np.full((1, 3), np.nan, "float32")])[2 * rank:2 * rank + 2]
        extents = {"B": COUNTS[rank], "B_first": int(starts[rank]), "B_all": 8}
        with np.errstate(all="ignore"):
            values = dict(zip(shared._inputs, (held, LOOKED_UP[starts[rank]:starts[rank + 1]])))
            found = interpret(program, values | {v: t.numpy() for v, t in shared._captured}, extents)
        return [found[v] for v in program.outputs]
    for rank, (result, *held) in enumerate(ranks.run(one)):
        np.testing.assert_allclose(result, whole, rtol=1e-5, atol=1e-6)
        for rows in held:
            np.testing.assert_array_equal(rows[:2 - (rank == 3)], result[2 * rank:2 * rank + 2])
    assert max(made) == wholes
