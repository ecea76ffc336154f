"""What Keras's loops call for a batch, and the methods that make it, for subclasses that override those."""
from __future__ import annotations

import functools
import itertools

from kgraph.training.predict import predict_one
from kgraph.training.steps import Steps

__all__ = ["StepFunctions"]


class StepFunctions:
    """``train_function``, ``test_function`` and ``predict_function``: each takes an iterator over batches, does one
    step on the next, and gives its logs (the outputs, in predict).

    fit, evaluate and predict call them only where a subclass overrides the method that makes them; else they run many
    batches in one native call. Example:

        class Noisy(kgraph.Model):
            def make_train_function(self, force=False):
                super().make_train_function(force)
                step = self.train_function
                self.train_function = lambda batches: {**step(batches), "seen": 1.0}
    """

    train_function = test_function = predict_function = None

    def make_train_function(self, force=False):
        """Set ``train_function``, and return it. force: make it again where there is one, as Keras has it."""
        return self._make("train", force)

    def make_test_function(self, force=False):
        """Set ``test_function``, and return it."""
        return self._make("test", force)

    def make_predict_function(self, force=False):
        """Set ``predict_function``, and return it."""
        return self._make("predict", force)

    def _make(self, mode, force):
        name = f"{mode}_function"
        if force or getattr(self, name) is None:
            setattr(self, name, functools.partial(_next_step, self, mode))
        return getattr(self, name)

    def _calls(self, mode, batches, skip=0):
        """Functions that do one step each, by what the subclass made; None where it makes nothing of its own."""
        name = f"make_{mode}_function"
        if getattr(type(self), name) is getattr(StepFunctions, name):
            return None
        function = getattr(self, name)() or getattr(self, f"{mode}_function")
        return _one_by_one(function, itertools.islice(batches(), skip, None))


def _one_by_one(function, batches):
    for data in batches:
        yield lambda data=data: function(itertools.chain([data], batches))


def _next_step(model, mode, batches):
    data = next(batches)
    return predict_one(model, data) if mode == "predict" else Steps(model, mode).batch(data)
