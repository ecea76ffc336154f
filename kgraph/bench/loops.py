"""Loops of the user's own, as kgraph.bench.worker measures them: what a call costs beside a step of fit."""
from __future__ import annotations

import importlib
from typing import Any

__all__ = ["LOOPS", "Loops"]

LOOPS = {  # methods of Loops, and what tables call them
    "fit_step": "fit, a step", "train_on_batch": "train_on_batch", "call": "model(x)",
    "predict_on_batch": "predict_on_batch", "fit_batch": "fit, a call of one batch", "own_step": "a step of one's own",
    "own_step_fitted": "a step of one's own after fit with another optimizer", "gan": "a GAN, both steps"}


class Loops:
    """Each method runs one loop so many times, over the first batch of a worker's model."""

    def __init__(self, contender: str, model: Any):
        self.model: Any = model.model
        self.fit_step: Any = model.train
        workload, keras = model.workload, model.keras
        self.batch: Any = model.rows(workload.batch), model.targets(workload.batch)
        self.size: int = workload.batch
        fresh, fitted = workload.build(keras), workload.build(keras)
        fitted.compile("sgd", workload.loss)
        fitted.fit(*self.batch, batch_size=self.size, verbose=0)
        own_step = {"kgraph": _kgraph_step, "tensorflow": _tensorflow_step, "jax": _jax_step, "torch": _torch_step}
        self._fresh, self._fitted = (
            own_step[contender](m, keras.losses.BinaryCrossentropy(), keras.optimizers.Adam()) for m in (fresh, fitted))
        self._gan = _gan(keras, workload)
        for name in LOOPS:   # what compiles at the second call too is no part of a turn
            getattr(self, name)(1)
            getattr(self, name)(1)

    def train_on_batch(self, times: int) -> None:
        for _ in range(times):
            self.model.train_on_batch(*self.batch)

    def call(self, times: int) -> None:
        for _ in range(times):
            self.model(self.batch[0])

    def predict_on_batch(self, times: int) -> None:
        for _ in range(times):
            self.model.predict_on_batch(self.batch[0])

    def fit_batch(self, times: int) -> None:
        for _ in range(times):
            self.model.fit(*self.batch, batch_size=self.size, verbose=0)

    def own_step(self, times: int) -> None:
        for _ in range(times):
            self._fresh(*self.batch)

    def own_step_fitted(self, times: int) -> None:
        for _ in range(times):
            self._fitted(*self.batch)

    def gan(self, times: int) -> None:
        for _ in range(times):
            self._gan(*self.batch)


def _gan(keras, workload):
    """A step of the discriminator, the workload's model, and one of a generator before it, which does not train it."""
    (shape, _), = workload.inputs
    critic, noise = workload.build(keras), keras.Input(shape)
    critic.compile("adam", workload.loss)
    critic.trainable = False
    both = keras.Model(noise, critic(keras.layers.Dense(*shape)(noise)))
    both.compile("adam", workload.loss)

    def step(x, y):
        critic.trainable = True
        critic.train_on_batch(x, y)
        critic.trainable = False
        both.train_on_batch(x, y)
    return step


# ------------------------------------------------------------------ steps of the user's own, on each backend
def _taped_step(module, function, model, loss, optimizer):
    @function
    def step(x, y):
        with module.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return value
    return step


def _kgraph_step(*parts):
    kgraph = importlib.import_module("kgraph")
    return _taped_step(kgraph, kgraph.function, *parts)


def _tensorflow_step(*parts):
    tf = importlib.import_module("tensorflow")
    return _taped_step(tf, tf.function, *parts)


def _jax_step(model, loss, optimizer):
    jax = importlib.import_module("jax")
    optimizer.build(model.trainable_variables)

    def value_of(trained, rest, x, y):
        predicted, rest = model.stateless_call(trained, rest, x, training=True)
        return loss(y, predicted), rest

    @jax.jit
    def update(trained, rest, slots, x, y):
        (value, rest), gradients = jax.value_and_grad(value_of, has_aux=True)(trained, rest, x, y)
        trained, slots = optimizer.stateless_apply(slots, gradients, trained)
        return value, (trained, rest, slots)

    state = [[v.value for v in vs]
             for vs in (model.trainable_variables, model.non_trainable_variables, optimizer.variables)]

    def step(x, y):
        value, state[:] = update(*state, x, y)
        return value
    return step


def _torch_step(model, loss, optimizer):
    torch = importlib.import_module("torch")
    weights = model.trainable_variables

    def step(x, y):
        value = loss(torch.from_numpy(y), model(x, training=True))
        model.zero_grad()
        value.backward()
        with torch.no_grad():
            optimizer.apply([w.value.grad for w in weights], weights)
        return value
    return step
