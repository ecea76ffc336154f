"""What build() assigns lasts, however the layer is met: on data, on an Input, in a Sequential, inside another layer."""
import numpy as np
import pytest

from kgraph import (
    GradientTape,
    Input,
    Model,
    Sequential,
    function,
    initializers,
    layers,
    metrics,
    ops,
    optimizers,
    random,
)

L = layers
ONES = np.ones(3, "float32")


class Assigns(L.Layer):
    def build(self, input_shape):
        self.w = self.add_weight((3,), "zeros")
        self.w.assign(ONES)
        self.w.assign_add(ONES)

    def call(self, x):
        return x * self.w


class AssignsMore(Assigns):
    def build(self, input_shape):
        super().build(input_shape)
        self.w.assign(self.w * 2.0)
        self.v = self.add_weight((), "ones")
        self.set_weights([self.w.numpy() + 1, np.float32(5)])

    def call(self, x):
        return super().call(x) + self.v


class SetsParts(L.Layer):
    """Layers and a model that it builds itself."""

    def build(self, input_shape):
        self.dense = L.Dense(3)
        self.dense.build(input_shape)
        self.dense.set_weights([np.eye(3), np.full(3, 2.0)])
        self.norm = L.BatchNormalization()
        self.norm.build((None, 3))
        self.norm.moving_mean.assign(ONES)
        self.net = Sequential([L.Dense(3, use_bias=False)])
        self.net.build((None, 3))
        self.net.layers[0].kernel.assign(5 * np.eye(3))

    def call(self, x):
        return self.net(self.norm(self.dense(x)))


class Outer(L.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


class OuterModel(Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, x):
        return self.inner(x)


def functional(layer):
    i = Input((3,))
    return Model(i, layer(i))


WAYS = {
    "data": lambda layer: (layer(ONES[None]), layer)[1],
    "functional": functional,
    "sequential": lambda layer: Sequential([Input((3,)), layer]),
    "inside a layer": lambda layer: functional(Outer(layer)),
    "inside a model": OuterModel,
}
BN = 1 / np.sqrt(1 + 1e-3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls, expected", [(Assigns, 2 * ONES), (AssignsMore, 10 * ONES), (SetsParts, 10 * BN * ONES)])
def test_what_build_assigns_lasts(cls, expected, way):
    f = WAYS[way](cls())
    np.testing.assert_allclose(np.asarray(f(ONES[None]))[0], expected, rtol=1e-6)
    if isinstance(f, Model):
        np.testing.assert_allclose(f.predict(ONES[None], verbose=0)[0], expected, rtol=1e-6)


def test_what_build_assigns_is_where_training_starts():
    model = OuterModel(AssignsMore())
    model.compile("sgd", "mse")
    assert model.fit(ONES[None], 10 * ONES[None], verbose=0).history["loss"] == [0.0]


def test_a_metric_made_in_build():
    class Counts(L.Layer):
        def build(self, input_shape):
            self.seen = metrics.Mean(name="seen")
            self.seen.update_state([3.0, 5.0])
            self.start = float(self.seen.result())
            self.seen.reset_state()

        def call(self, x):
            self.seen.update_state(x)
            return x

    layer = Counts()
    model = functional(layer)
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 3)), np.ones((4, 3)), epochs=2, verbose=0).history
    assert layer.start == 4 and history["seen"] == [1.0, 1.0] and model.weights == []


def test_random_numbers_of_build():
    """Two draws of one generator differ, and the generator goes on in call()."""
    class Draws(L.Layer):
        def build(self, input_shape):
            self.generator = random.SeedGenerator(7)
            self.w = self.add_weight((2,), "zeros")
            self.w.assign(random.uniform((2,), seed=self.generator) - random.uniform((2,), seed=self.generator))

        def call(self, x):
            return x + random.uniform((), seed=self.generator)

    first, second = Draws(), Draws()
    functional(first), second(ONES[None])
    assert np.all(first.w.numpy() != 0)
    np.testing.assert_array_equal(first.w.numpy(), second.w.numpy())


def test_call_is_not_build():
    """What call() assigns on an Input is undone: nothing has been computed yet."""
    class Counter(L.Layer):
        def build(self, input_shape):
            self.n = self.add_weight((), "zeros", trainable=False)

        def call(self, x):
            self.n.assign_add(1.0)
            return x + self.n

    layer = Counter()
    model = functional(layer)
    assert float(layer.n) == 0
    model.predict(ONES[None], verbose=0)
    assert float(layer.n) == 1


TABLE = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize("weights", [[TABLE], (TABLE,), TABLE])
def test_weights_of_an_embedding(weights):
    layer = L.Embedding(4, 2, weights=weights, mask_zero=True, trainable=False)
    np.testing.assert_array_equal(layer.get_weights()[0], TABLE)
    model = Sequential([Input((3,)), layer, L.LSTM(2), L.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
    np.testing.assert_array_equal(layer.get_weights()[0], TABLE)


def test_weights_of_a_wrong_shape():
    with pytest.raises(ValueError, match=r"expected \(4, 2\), received \(2, 4\)"):
        L.Embedding(4, 2, weights=[TABLE.reshape(2, 4)])
    layer = L.Dense(2, weights=[np.ones((4, 2))])
    with pytest.raises(ValueError, match="expected 2 weights, received 1"):
        layer(np.ones((1, 4)))


def test_an_initializer_that_computes():
    """Initial values are computed at once, also with ops, while a graph is recorded."""
    eye = lambda shape, dtype=None: ops.eye(shape[0], dtype=dtype) * 2
    layer = L.Dense(3, kernel_initializer=eye, bias_initializer=initializers.Constant(1.0))
    np.testing.assert_array_equal(functional(layer)(ONES[None])[0], 3 * ONES)


def test_what_an_optimizer_assigns_while_it_is_built():
    """Averages that begin with the weights: the same from steps in a compiled function as from eager ones."""
    class Averaged(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.slow = [self.add_variable_from_reference(v, "slow") for v in variables]
            for slow, v in zip(self.slow, variables):
                slow.assign(v)

        def update_step(self, gradient, variable, learning_rate):
            slow = self.slow[self._get_variable_index(variable)]
            self.assign_sub(variable, learning_rate * gradient)
            self.assign(slow, slow * 0.5 + variable * 0.5)

    found = []
    for wrap in (lambda f: f, function):
        model = Sequential([Input((3,)), L.Dense(1, kernel_initializer="ones")])
        optimizer = Averaged(0.01)

        def step(x, model=model, optimizer=optimizer):
            with GradientTape() as tape:
                loss = ops.mean(model(x) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        run = wrap(step)
        for _ in range(2):
            run(ops.convert_to_tensor(ONES[None]))
        found.append([optimizer.slow[0].numpy(), model.get_weights()[0]])
    np.testing.assert_allclose(*found, rtol=1e-5)
