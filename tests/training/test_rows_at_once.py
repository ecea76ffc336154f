"""predict runs a batch in parts where these fit into a cache and the whole does not."""
import numpy as np
import pytest

import kgraph
from kgraph import layers, ops
from kgraph.runtime import rows_at_once
from kgraph.training import predict


@pytest.fixture
def parts(monkeypatch):
    """How many samples at a time, for each batch of a predict; with a cache of so few bytes that they matter."""
    found = []

    def seen(plan, extents):
        found.append(rows_at_once.rows_at_once(plan, extents))
        return found[-1]
    monkeypatch.setattr(rows_at_once, "CACHED", 10_000)
    monkeypatch.setattr(predict, "rows_at_once", seen)
    return found


def images(count):
    return np.random.default_rng(4).normal(size=(count, 20, 20, 3)).astype("float32")


def model_of(middle=None):
    inputs = kgraph.Input((20, 20, 3))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, activation="relu")(inputs))
    x = layers.DepthwiseConv2D(3)(x if middle is None else middle(x))
    return kgraph.Model(inputs, [x, layers.Dense(4)(layers.GlobalAveragePooling2D()(x))])


def test_results_are_those_of_whole_batches(parts):
    model, x = model_of(), images(25)
    found = model.predict(x, batch_size=10, verbose=0)
    assert parts[0] < 10, "the batch runs in parts"
    for got, want in zip(found, model.predict_on_batch(x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_callbacks_see_batches(parts):
    seen = []

    class Watch(kgraph.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append([len(v) for v in logs["outputs"]])
    model_of().predict(images(25), batch_size=10, verbose=0, callbacks=[Watch()])
    assert seen == [[10, 10], [10, 10], [5, 5]]


def test_what_looks_at_the_whole_batch_gets_it(parts):
    model, x = model_of(layers.Lambda(lambda v: v - ops.mean(v, axis=0, keepdims=True))), images(10)
    found = model.predict(x, batch_size=10, verbose=0)
    assert parts[0] < 10, "the plan alone would let it run in parts"
    for got, want in zip(found, model.predict_on_batch(x), strict=True):
        np.testing.assert_array_equal(got, want)


def test_weights_that_are_more_than_the_batch_are_read_once(parts):
    inputs = kgraph.Input((100,))
    model = kgraph.Model(inputs, layers.Dense(10)(layers.Dense(3000, activation="relu")(inputs)))
    model.predict(np.ones((16, 100), "float32"), batch_size=16, verbose=0)
    assert parts == [16]


def test_loops_over_steps_run_for_all(parts):
    inputs = kgraph.Input((30, 4))
    model = kgraph.Model(inputs, layers.LSTM(8)(layers.Conv1D(64, 3)(inputs)))
    model.predict(np.ones((64, 30, 4), "float32"), batch_size=64, verbose=0)
    assert parts == [64]
