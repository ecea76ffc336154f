"""Updates of the rows of a table that a batch reads: bit for bit those of the whole table, without a gradient of it."""
import re

import numpy as np
import pytest

import kgraph
from kgraph import inspect, layers, optimizers
from kgraph.optimizers import rows

SIZE, COLUMNS = 16_411, 16   # of a table that is large


def _model(optimizer, eager=False, twice=False):
    kgraph.utils.set_random_seed(3)
    ids = kgraph.Input((5,), dtype="int32")
    table = layers.Embedding(SIZE, COLUMNS)
    read = table(ids) + table(ids + 1) if twice else table(ids)
    model = kgraph.Model(ids, layers.Dense(1)(layers.Flatten()(read)))
    model.compile(optimizer, "mse", run_eagerly=eager)
    return model


def _table(model):
    return next(layer for layer in model.layers if isinstance(layer, layers.Embedding)).embeddings.numpy()


def _data(rng):
    """Some rows once, one often, most never; the last batch is short."""
    ids = rng.integers(0, SIZE - 1, (37, 5))
    ids[:, 0] = 7
    ids[:, 1] = rng.integers(0, 3, 37)
    return ids.astype("int32"), rng.normal(size=(37, 1)).astype("float32")


def _trained(optimizer, **how):
    model = _model(optimizer, **how)
    x, y = _data(np.random.default_rng(5))
    before = _table(model)
    model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0)
    return model, before, x


RULES = {"sgd": lambda: optimizers.SGD(0.5), "adagrad": lambda: optimizers.Adagrad(0.5),
         "clipped": lambda: optimizers.SGD(0.5, clipvalue=0.01)}


@pytest.mark.parametrize("rule", RULES)
def test_as_the_whole_table_to_the_bit(rule, monkeypatch):
    model, before, x = _trained(RULES[rule]())
    eager, _, _ = _trained(RULES[rule](), eager=True)
    monkeypatch.setattr(rows, "LARGE", 1 << 40)
    whole, _, _ = _trained(RULES[rule]())
    for a, b, c in zip(model.get_weights(), eager.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    after, read = _table(model), np.unique(x)
    np.testing.assert_array_equal(np.delete(after, read, 0), np.delete(before, read, 0))
    assert (after[read] != before[read]).any(axis=1).all()


def _primitives(model):
    return set(re.findall(r"= (\w+)\(", inspect.program(model, "train")))


@pytest.mark.parametrize("optimizer,read", [
    (optimizers.SGD, True), (optimizers.Adagrad, True), (lambda: optimizers.SGD(momentum=0.9), False),
    (lambda: optimizers.SGD(weight_decay=0.1), False), (lambda: optimizers.SGD(clipnorm=1.0), False),
    (optimizers.Adam, False), (type("Own", (optimizers.SGD,), {
        "update_step": lambda self, g, v, r: self.assign(v, v.value * 0.5 - g)}), False)])
def test_only_rules_that_leave_the_rest_alone(optimizer, read):
    model, _, _ = _trained(optimizer())
    assert ({"sum_rows", "put_rows"} <= _primitives(model)) == read
    assert ("scatter_add" in _primitives(model)) != read


def test_a_table_read_twice_has_a_whole_gradient():
    model, _, _ = _trained(optimizers.SGD(0.5), twice=True)
    eager, _, _ = _trained(optimizers.SGD(0.5), twice=True, eager=True)
    assert "scatter_add" in _primitives(model)
    np.testing.assert_allclose(_table(model), _table(eager), 1e-4, 1e-6)
