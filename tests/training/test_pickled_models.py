"""A pickled model predicts the same bits, whatever was made of its weights for the kernels, and whoever looks on."""
import pickle

import numpy as np
import pytest

import kgraph
from kgraph import callbacks, layers

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(11, 6, 3)).astype("float32"), RNG.integers(0, 3, 11)


class Pickles(callbacks.Callback):
    """Pickles the model amid training, and keeps what both say."""

    def on_epoch_end(self, epoch, logs=None):
        twin = pickle.loads(pickle.dumps(self.model))
        self.found = self.model.predict_on_batch(X), twin.predict_on_batch(X)


@pytest.fixture(scope="module")
def model():
    kgraph.utils.set_random_seed(1)
    made = kgraph.Sequential([kgraph.Input((6, 3)), layers.Conv1D(4, 3), layers.BatchNormalization(), layers.Flatten(),
                              layers.Dropout(0.3), layers.Dense(3, activation="softmax")])
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_before_amid_and_after_fit(model, protocol):
    first = model.predict(X, verbose=0)
    before, seen = pickle.dumps(model, protocol), Pickles()
    model.fit(X, Y, epochs=2, batch_size=4, verbose=0,
              callbacks=[seen, callbacks.EarlyStopping("loss"), callbacks.ReduceLROnPlateau("loss")])
    np.testing.assert_array_equal(*seen.found)
    last, result = model.predict(X, verbose=0), model.evaluate(X, Y, verbose=0)
    assert not np.array_equal(first, last)
    np.testing.assert_array_equal(pickle.loads(before).predict(X, verbose=0), first)
    twin = pickle.loads(pickle.dumps(model, protocol))
    np.testing.assert_array_equal(twin.predict(X, verbose=0), last)
    np.testing.assert_array_equal(twin.predict_on_batch(X[:1]), model.predict_on_batch(X[:1]))
    assert twin.evaluate(X, Y, verbose=0) == result
    twin.set_weights([w * 0 for w in twin.get_weights()])      # neither hears of the other
    np.testing.assert_array_equal(model.predict(X, verbose=0), last)
    assert not np.array_equal(twin.predict(X, verbose=0), last)


def test_training_goes_on_the_same(model):
    twin = pickle.loads(pickle.dumps(model))
    found = [m.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0).history for m in (model, twin)]
    assert found[0] == found[1]
    for a, b in zip(model.get_weights(), twin.get_weights()):
        np.testing.assert_array_equal(a, b)
