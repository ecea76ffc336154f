"""What make_train_function and its kin make is called, where a subclass overrides them; else it gives the same."""
import copy

import numpy as np
import pytest

from kgraph import Input, Model, layers

X = np.arange(14, dtype="float32").reshape(7, 2) / 7
Y = X.sum(1, keepdims=True)


def model_of(cls=Model, eager=False):
    i = Input((2,))
    model = cls(i, layers.Dense(1, kernel_initializer="ones")(i))
    model.compile("sgd", "mse", run_eagerly=eager)
    return model


class Wrapped(Model):
    def make_train_function(self, force=False):
        super().make_train_function(force)
        step = self.train_function
        self.train_function = lambda batches: {**step(batches), "twice": 2.0}

    def make_test_function(self, force=False):
        return lambda batches: {"rows": len(next(batches)[0])}

    def make_predict_function(self, force=False):
        super().make_predict_function(force)
        step = self.predict_function
        return lambda batches: step(batches) + 1


@pytest.mark.parametrize("eager", [False, True])
def test_functions_of_a_subclass_are_called(eager):
    plain, wrapped = model_of(eager=eager), model_of(Wrapped, eager)
    fit = {"batch_size": 3, "epochs": 2, "shuffle": False, "verbose": 0}
    expected, found = plain.fit(X, Y, **fit).history, wrapped.fit(X, Y, **fit).history
    assert found["twice"] == [2.0, 2.0]
    np.testing.assert_array_equal(found["loss"], expected["loss"])
    assert wrapped.evaluate(X, Y, batch_size=4, verbose=0, return_dict=True)["rows"] == 3
    np.testing.assert_array_equal(wrapped.predict(X, batch_size=3, verbose=0), plain.predict(X, verbose=0) + 1)


def test_the_functions_that_are_made_by_default():
    model, other = model_of(), model_of()
    batches = iter([(X[:3], Y[:3]), (X[3:], Y[3:])])
    step = model.make_train_function()
    assert model.train_function is step and model.make_train_function() is step
    assert [step(batches)["loss"] for _ in range(2)] == [
        other.train_on_batch(x, y, return_dict=True, reset_metrics=n == 0)["loss"]
        for n, (x, y) in enumerate([(X[:3], Y[:3]), (X[3:], Y[3:])])]
    np.testing.assert_array_equal(model.make_predict_function()(iter([(X,)])), model.predict(X, verbose=0))
    copy.deepcopy(model)


def test_a_function_may_take_several_batches():
    class Pairs(Model):
        def make_test_function(self, force=False):
            return lambda batches: {"rows": sum(len(x) for x, _ in (next(batches), next(batches)))}

    assert model_of(Pairs).evaluate(X[:6], Y[:6], batch_size=2, verbose=0, steps=2, return_dict=True)["rows"] == 4
