"""fit, evaluate, predict: the same in both modes, over all forms of data, and with few calls."""
import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import kgraph as K
from kgraph import callbacks, layers, losses, metrics, ops


def rows(n=50, seed=0):
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, 4)).astype("float32")
    return x, (x @ g.normal(size=(4, 3))).argmax(-1).astype("int32")


X, Y = rows()


def model(eager=False, **kwargs):
    K.set_random_seed(3)
    inputs = K.Input((4,), name="features")
    hidden = layers.Dropout(0.2)(layers.Dense(5, activation="tanh")(inputs))
    m = K.Model(inputs, layers.Dense(3, activation="softmax", name="scores")(hidden))
    kwargs = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **kwargs}
    m.compile(run_eagerly=eager, **kwargs)
    return m


def results(m, **kwargs):
    history = m.fit(X, Y, batch_size=16, epochs=4, verbose=0, **kwargs).history
    return history, m.get_weights(), m.evaluate(X, Y, verbose=0), m.predict(X, verbose=0)


def assert_close(a, b):
    (h, w, e, p), (h2, w2, e2, p2) = a, b
    assert list(h) == list(h2)
    for name in h:
        np.testing.assert_allclose(h[name], h2[name], rtol=1e-5, atol=1e-6)
    for first, second in zip([*w, e, p], [*w2, e2, p2]):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kwargs", [{}, {"shuffle": False}, {"shuffle": "batch"}, {"validation_split": 0.3},
                                    {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
                                    {"sample_weight": np.linspace(0, 1, 50)}])
def test_graph_and_eager_agree(kwargs):
    assert_close(results(model(), **kwargs), results(model(eager=True), **kwargs))


def test_two_runs_with_one_seed_are_equal():
    (h, w, e, p), (h2, w2, e2, p2) = results(model()), results(model())
    assert h == h2 and e == e2 and np.array_equal(p, p2)
    assert all(np.array_equal(a, b) for a, b in zip(w, w2))


class Numbers(K.utils.PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.ends = 0

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return X[i * 16:i * 16 + 16], Y[i * 16:i * 16 + 16]

    def on_epoch_end(self):
        self.ends += 1


class Series:
    """What kgraph uses of a pandas Series or DataFrame."""

    def __init__(self, values):
        self.values = values
        self.shape = values.shape
        self.dtype = values.dtype

    def to_numpy(self):
        return self.values


def slices(forever=False):
    while True:
        for i in range(0, 50, 16):
            yield X[i:i + 16], Y[i:i + 16]
        if not forever:
            return


class Loader:
    """A loader as PyTorch's: a length, and lists of batches each time it is iterated over."""

    def __len__(self):
        return 4

    def __iter__(self):
        return ([x, y] for x, y in slices())


SOURCES = {
    "float64": lambda: {"x": X.astype("float64"), "y": Y}, "lists": lambda: {"x": X.tolist(), "y": Y.tolist()},
    "dict": lambda: {"x": {"features": X}, "y": {"scores": Y}}, "list of one": lambda: {"x": [X], "y": [Y]},
    "frames": lambda: {"x": Series(X), "y": Series(Y)},
    "tensor": lambda: {"x": ops.convert_to_tensor(X), "y": ops.convert_to_tensor(Y)},
    "generator": lambda: {"x": slices(True), "steps_per_epoch": 4}, "loader": lambda: {"x": Loader()},
    "dataset": lambda: {"x": Numbers()}, "threads": lambda: {"x": Numbers(workers=3, max_queue_size=2)},
    "not contiguous": lambda: {"x": np.asfortranarray(X), "y": Y},
}


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_sources_of_data(kind):
    given = SOURCES[kind]()
    batch = {} if "y" not in given else {"batch_size": 16}
    m = model()
    m.fit(**given, **batch, epochs=3, shuffle=False, verbose=0)
    expected = model()
    expected.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(m.get_weights(), expected.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_dataset_in_processes():
    data = Numbers(workers=2, use_multiprocessing=True)
    m, expected = model(), model()
    m.fit(data, epochs=2, shuffle=False, verbose=0)
    expected.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    assert data.ends == 2
    for a, b in zip(m.get_weights(), expected.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_files(tmp_path):
    import h5py
    with h5py.File(tmp_path / "data.h5", "w") as f:
        f["x"], f["y"] = X, Y
    m = model()
    with h5py.File(tmp_path / "data.h5") as f:
        m.fit(f["x"], f["y"], batch_size=16, epochs=2, shuffle="batch", verbose=0)
        predicted = m.predict(f["x"], verbose=0)
    expected = model()
    expected.fit(X, Y, batch_size=16, epochs=2, shuffle="batch", verbose=0)
    np.testing.assert_allclose(predicted, expected.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def test_validation_forms():
    weights = np.linspace(0.1, 1, 50).astype("float32")
    found = []
    for data, kwargs in [((X, Y), {}), ((X, Y, np.ones(50)), {}), (Loader(), {}),
                         (slices(True), {"validation_steps": 4}), (Numbers(), {})]:
        found.append(model().fit(X, Y, epochs=2, verbose=0, validation_data=data, validation_batch_size=16,
                                 **kwargs).history["val_loss"])
    for values in found[1:]:
        np.testing.assert_allclose(values, found[0], rtol=1e-5, atol=1e-6)
    weighted = model().fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y, weights)).history["val_loss"]
    assert not np.allclose(weighted, found[0])


@pytest.mark.parametrize("frequency, epochs", [(1, [0, 1, 2, 3]), (2, [1, 3]), ([1, 4], [0, 3])])
def test_validation_freq(frequency, epochs):
    class Seen(callbacks.Callback):
        validated = []

        def on_epoch_end(self, epoch, logs=None):
            if "val_loss" in logs:
                self.validated.append(epoch)

    seen = Seen()
    seen.validated = []
    model().fit(X, Y, epochs=4, verbose=0, validation_data=(X, Y), validation_freq=frequency, callbacks=[seen])
    assert seen.validated == epochs


def test_validation_split_takes_the_last_part():
    class Data(callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.counted = 0

    m = model(metrics=[])
    m.fit(X, Y, validation_split=0.2, epochs=1, verbose=0, callbacks=[Data()])
    m2 = model(metrics=[])
    m2.fit(X[:40], Y[:40], validation_data=(X[40:], Y[40:]), epochs=1, verbose=0)
    np.testing.assert_allclose(m.history.history["val_loss"], m2.history.history["val_loss"], rtol=1e-6, atol=1e-6)


def test_batches_and_calls():
    class Count(callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.batches = []

        def on_train_batch_end(self, batch, logs=None):
            self.batches.append(batch)
            assert set(logs) == {"loss", "accuracy"}

    count = Count()
    m = model()
    m.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[count])
    assert count.batches == list(range(7)) * 2
    count.batches = []
    m.steps_per_execution = 3
    m.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=[count])
    assert count.batches == [2, 5, 6]


def test_steps_per_epoch_and_initial_epoch():
    m = model()
    m.fit(X, Y, batch_size=8, steps_per_epoch=2, epochs=5, initial_epoch=3, verbose=0)
    assert m.history.epoch == [3, 4] and int(np.asarray(m.optimizer.iterations)) == 4


def test_stop_training():
    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    m = model()
    m.fit(X, Y, epochs=9, verbose=0, callbacks=[Stop()])
    assert m.history.epoch == [0, 1]


def test_evaluate_forms():
    m = model()
    values = m.evaluate(X, Y, verbose=0)
    assert m.metrics_names == ["loss", "accuracy"]
    assert m.evaluate(X, Y, verbose=0, return_dict=True) == dict(zip(m.metrics_names, values))
    np.testing.assert_allclose(m.evaluate(slices(), verbose=0), values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(m.evaluate(slices(True), steps=4, verbose=0), values, rtol=1e-5, atol=1e-6)
    ids = m.predict(X, verbose=0).argmax(-1)
    assert values[1] == pytest.approx((ids == Y).mean())


def test_predict_forms():
    m = model()
    whole = m.predict(X, verbose=0)
    np.testing.assert_allclose(m.predict(slices(), verbose=0), whole, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(m.predict(X, batch_size=7, verbose=0), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(m.predict_on_batch(X), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(m.predict_on_batch(X[:1]), whole[:1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(m.predict_on_batch(X[:3]), whole[:3], rtol=1e-5, atol=1e-6)
    assert m.predict(X, batch_size=16, steps=2, verbose=0).shape == (32, 3)
    seen = []
    hook = callbacks.LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append(logs["outputs"][0].shape))
    m.predict(X, batch_size=16, verbose=0, callbacks=[hook])
    assert len(seen) == 4


def test_predict_follows_the_weights():
    m = model()
    m.predict_on_batch(X)
    m.set_weights([w * 0 for w in m.get_weights()])
    np.testing.assert_allclose(m.predict_on_batch(X), np.full((50, 3), 1 / 3), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(m.predict(X, verbose=0), np.full((50, 3), 1 / 3), rtol=1e-6, atol=1e-6)


def two(eager):
    K.set_random_seed(1)
    a, b = K.Input((4,), name="a"), K.Input((2,), name="b")
    h = layers.Concatenate()([a, b])
    out = {"first": layers.Dense(3, activation="softmax", name="first")(h), "second": layers.Dense(1, name="second")(h)}
    m = K.Model({"a": a, "b": b}, out)
    m.compile("sgd", {"first": "sparse_categorical_crossentropy", "second": "mse"}, metrics={"second": ["mae"]},
              loss_weights={"first": 1.0, "second": 0.5}, weighted_metrics={"first": ["accuracy"]}, run_eagerly=eager)
    return m


def test_dicts_in_and_out():
    data = {"a": X, "b": X[:, :2]}, {"first": Y, "second": X[:, :1]}
    weights = {"first": np.linspace(0, 1, 50), "second": np.linspace(1, 2, 50)}
    histories = []
    for eager in (False, True):
        m = two(eager)
        histories.append(m.fit(*data, sample_weight=weights, epochs=3, shuffle=False, verbose=0).history)
        predicted = m.predict(data[0], verbose=0)
        assert {k: v.shape for k, v in predicted.items()} == {"first": (50, 3), "second": (50, 1)}
    assert set(histories[0]) == {"loss", "first_loss", "second_loss", "first_accuracy", "second_mae"}
    for name in histories[0]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-5, atol=1e-6)


def test_on_batch():
    m = model(metrics=["accuracy", "sparse_top_k_categorical_accuracy"])
    assert len(m.train_on_batch(X, Y)) == 3
    first = m.test_on_batch(X, Y, return_dict=True)
    again = m.test_on_batch(X, Y, return_dict=True)
    assert first == again and set(first) == {"loss", "accuracy", "sparse_top_k_categorical_accuracy"}
    alone = model(metrics=None)
    assert isinstance(alone.train_on_batch(X, Y, class_weight={0: 1.0, 1: 1.0, 2: 2.0}), float)


class Subclassed(K.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(5, activation="tanh")
        self.out = layers.Dense(3)
        self.size = metrics.Mean(name="size")

    def call(self, inputs, training=None):
        h = self.hidden(inputs)
        self.add_loss(0.01 * ops.sum(ops.square(h)))
        self.size.update_state(ops.abs(h))
        return self.out(h)


def test_subclassed_with_own_loss_and_metric():
    histories = []
    for eager in (False, True):
        K.set_random_seed(5)
        m = Subclassed()
        m.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["acc"], run_eagerly=eager)
        histories.append(m.fit(X, Y, epochs=3, verbose=0).history)
        assert m.predict(X, verbose=0).shape == (50, 3)
    assert set(histories[0]) == {"loss", "acc", "size"}
    for name in histories[0]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-5, atol=1e-6)


class OwnStep(K.Model):
    def train_step(self, data):
        x, y = data
        with K.GradientTape() as tape:
            loss = ops.mean(ops.square(self(x, training=True) - y))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss, "twice": loss * 2}


@pytest.mark.parametrize("eager", (False, True))
def test_own_train_step(eager):
    inputs = K.Input((4,))
    m = OwnStep(inputs, layers.Dense(1, kernel_initializer="zeros")(inputs))
    m.compile("sgd", run_eagerly=eager)
    history = m.fit(X, X[:, :1], batch_size=50, epochs=20, verbose=0).history
    assert history["twice"][0] == pytest.approx(2 * history["loss"][0]) and history["loss"][-1] < history["loss"][0]


class OwnLoss(K.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(y - y_pred))


def test_own_compute_loss():
    inputs = K.Input((4,))
    m = OwnLoss(inputs, layers.Dense(1, kernel_initializer="zeros")(inputs))
    m.compile("sgd")
    assert m.evaluate(X, X[:, :1], verbose=0) == pytest.approx(np.abs(X[:, 0]).mean(), rel=1e-5)


def test_frozen_layers_stay():
    m = model()
    m.layers[1].trainable = False
    m.compile("sgd", "sparse_categorical_crossentropy")
    before = m.get_weights()
    m.fit(X, Y, verbose=0)
    after = m.get_weights()
    assert np.array_equal(before[0], after[0]) and not np.array_equal(before[2], after[2])


def moved(m, step):
    """Which weights a step changes."""
    before = m.get_weights()
    step()
    return [not np.array_equal(a, b) for a, b in zip(before, m.get_weights())]


@pytest.mark.parametrize("eager", (False, True))
@pytest.mark.parametrize("trained_before", (False, True))
def test_trainable_is_what_it_was_at_compile(eager, trained_before):
    m = model(eager)
    step = lambda: m.fit(X, Y, verbose=0)
    if trained_before:
        step()
    m.layers[1].trainable = False
    with pytest.warns(UserWarning, match="trainable of dense.* changed after compile"):
        assert moved(m, step) == [True] * 4
    assert not m.layers[1].trainable and not m.layers[1].kernel.trainable and len(m.trainable_weights) == 2
    m.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
    assert moved(m, step) == [False, False, True, True]
    m.layers[1].trainable = True
    with pytest.warns(UserWarning, match="trainable of"):
        assert moved(m, step) == [False, False, True, True]
    m.layers[3].kernel.trainable = False  # a variable alone
    m.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
    m.layers[3].kernel.trainable = True
    with pytest.warns(UserWarning, match="trainable of .*kernel changed"):
        assert moved(m, step) == [True, True, False, True]


@pytest.mark.parametrize("eager", (False, True))
@pytest.mark.parametrize("built", (False, True))
@pytest.mark.parametrize("trained_before", (False, True))
def test_gan(eager, built, trained_before):
    """The discriminator is compiled, frozen, and judges in the combined model: batch normalisation too."""
    K.set_random_seed(4)
    first = [K.Input((4,))] if built else []
    judge = K.Sequential([*first, layers.Dense(8), layers.BatchNormalization(), layers.Dense(1, activation="sigmoid")])
    judge.compile("adam", "binary_crossentropy", run_eagerly=eager)
    real = lambda: judge.train_on_batch(X, np.ones((50, 1)))
    if trained_before:
        real()
    judge.trainable = False
    noise = K.Input((2,))
    generator = K.Sequential([K.Input((2,)), layers.Dense(4)])
    both = K.Model(noise, judge(generator(noise)))
    both.compile("adam", "binary_crossentropy", run_eagerly=eager)
    made = lambda: both.train_on_batch(X[:, :2], np.ones((50, 1)))
    for _ in range(3):
        assert moved(judge, real) == [True] * 8
        assert moved(judge, made) == [False] * 8
        assert moved(generator, made) == [True] * 2
    assert judge.trainable_weights == []
    judge.compile("adam", "binary_crossentropy", run_eagerly=eager)
    assert moved(judge, real) == [False] * 8


@pytest.mark.parametrize("eager", (False, True))
def test_regularizers_of_what_was_trainable_at_compile(eager):
    inputs = K.Input((4,))
    m = K.Model(inputs, layers.Dense(1, kernel_regularizer=K.regularizers.L2(0.5), kernel_initializer="ones")(inputs))
    m.compile("sgd", "mse", run_eagerly=eager)
    zeros = np.zeros((4, 4), "float32"), np.zeros((4, 1), "float32")
    for frozen, loss in ((False, 2.0), (True, 2.0)):
        m.trainable = not frozen
        assert m.evaluate(*zeros, verbose=0) == pytest.approx(loss)
    m.compile("sgd", "mse", run_eagerly=eager)
    assert m.evaluate(*zeros, verbose=0) == pytest.approx(0.0)


class Numbered(K.utils.PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.ends = 0

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return np.ones((2, 1), "float32"), np.float32([[2 * i], [2 * i + 1]])

    def on_epoch_end(self):
        self.ends += 1


NUMBERED = {
    "arrays": lambda: ((np.ones((8, 1)), np.arange(8.0)[:, None]), {"batch_size": 2}),
    "dataset": lambda: ((Numbered(),), {}), "workers": lambda: ((Numbered(workers=2, max_queue_size=2),), {}),
}


@pytest.mark.parametrize("eager", (False, True))
@pytest.mark.parametrize("kind", sorted(NUMBERED))
@pytest.mark.parametrize("steps, losses, short", [
    (1, [0.5, 2.5, 4.5, 6.5, 0.5], False), (2, [1.5, 5.5, 1.5, 5.5, 1.5], False),
    (3, [2.5, 6.5, 2.5, 6.5, 2.5], True), (4, [3.5] * 5, False), (9, [3.5] * 5, True)])
def test_epochs_of_some_steps_go_on_through_the_data(eager, kind, steps, losses, short):
    """The numbers of Keras 3.15.1."""
    m = K.Sequential([K.Input((1,)), layers.Dense(1, kernel_initializer="zeros", use_bias=False)])
    m.compile(K.optimizers.SGD(0.0), "mae", run_eagerly=eager)
    for first in (0, 3):  # the first epoch of a fit begins with the data, whatever its number
        args, kwargs = NUMBERED[kind]()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = m.fit(*args, **kwargs, steps_per_epoch=steps, epochs=first + 5, initial_epoch=first, shuffle=False,
                          verbose=0)
        np.testing.assert_allclose(found.history["loss"], losses, rtol=1e-6)
        assert len([w for w in said if "the data ended early" in str(w.message)]) == short
        assert found.params["steps"] == steps


def test_shuffled_epochs_of_some_steps_see_every_row():
    seen = []

    class Watch(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(round(logs["label"]))

    m = K.Sequential([K.Input((1,)), layers.Dense(1)])
    m.compile(K.optimizers.SGD(0.0), lambda y, p: ops.sum(y, axis=-1) + 0 * ops.sum(p, axis=-1),
              metrics=[metrics.MeanMetricWrapper(lambda y, p: y[:, 0], name="label")])
    Watch.on_train_batch_begin = lambda self, batch, logs=None: self.model.reset_metrics()
    m.fit(np.ones((12, 1)), np.arange(12.0)[:, None], batch_size=1, steps_per_epoch=4, epochs=6, verbose=0,
          callbacks=[Watch()])
    assert sorted(seen[:12]) == sorted(seen[12:]) == list(range(12)) and seen[:12] != seen[12:]


@pytest.mark.parametrize("eager", (False, True))
def test_classes_along_the_first_axis(eager):
    x, y = np.linspace(0, 1, 480).reshape(8, 5, 6, 2).astype("float32"), (np.arange(240) % 7).reshape(8, 5, 6)
    found = []
    for axis, order in ((-1, (1, 2, 3)), (1, (3, 1, 2))):
        K.set_random_seed(1)
        inputs = K.Input((5, 6, 2))
        scores = layers.Permute(order)(layers.Dense(7)(inputs))
        m = K.Model(inputs, layers.Softmax(axis=axis)(scores))
        m.compile("sgd", losses.SparseCategoricalCrossentropy(axis=axis), run_eagerly=eager)
        found.append(m.fit(x, y, epochs=3, batch_size=3, verbose=0).history["loss"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


class SeesData(K.Model):
    """Keeps what its steps are given, by its structure."""

    def step(self, data):
        self.seen = tuple(type(d).__name__ for d in data) if isinstance(data, tuple) else type(data).__name__
        return {"loss": ops.zeros(())}

    train_step = test_step = step

    def predict_step(self, data):
        self.step(data)
        return ops.zeros((4, 1))


ROWS = np.zeros((4, 2), "float32")
DATA = {  # what train_step gets in Keras 3.15.1, for an array and for what generators give
    "an array": (lambda: ROWS, "Tensor"), "a dict": (lambda: {"a": ROWS}, "dict"),
    "a list": (lambda: [ROWS, ROWS], ("list",)),
    "arrays": (lambda: iter([ROWS]), "Tensor"), "tuples of x": (lambda: iter([(ROWS,)]), ("Tensor",)),
    "pairs": (lambda: iter([(ROWS, ROWS)]), ("Tensor", "Tensor")),
    "no targets": (lambda: iter([(ROWS, None)]), ("Tensor", "NoneType")),
    "four": (lambda: iter([(ROWS, ROWS, ROWS, {"b": ROWS})]), ("Tensor", "Tensor", "Tensor", "dict")),
    "dicts": (lambda: iter([{"a": ROWS}]), "dict"),
}


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("kind", sorted(DATA))
def test_what_steps_are_given(kind, method):
    make, expected = DATA[kind]
    for eager in (True, False):
        m = SeesData()
        m.compile("sgd", run_eagerly=eager)
        getattr(m, method)(make(), verbose=0)
        wanted = expected if eager else str(expected).replace("Tensor", "Value")
        assert (m.seen if eager else str(m.seen)) == wanted


def test_class_weight_may_name_classes_that_no_label_has():
    found = []
    for weights in ({0: 1.0, 1: 2.0, 2: 0.5}, {0: 1.0, 1: 2.0, 2: 0.5, 7: 3.0, -1: 9.0}):
        m = model()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found.append(m.fit(X, Y, class_weight=weights, verbose=0).history["loss"])
        assert any("names class -1, 7" in str(w.message) for w in said) == (len(weights) > 3)
    assert found[0] == found[1]
    m = model()  # the data may lack a class that the output has
    m.fit(X[Y < 2], Y[Y < 2], class_weight={0: 1.0, 1: 2.0, 2: 0.5}, verbose=0)


def test_learning_rate_that_is_a_function():
    asked = []

    def rate():
        asked.append(1)
        return 0.1 if len(asked) > 10 else 0.0

    m = model(optimizer=K.optimizers.SGD(rate))
    before = m.get_weights()
    m.fit(X, Y, batch_size=25, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, m.get_weights()))
    m.fit(X, Y, batch_size=25, epochs=4, verbose=0)
    assert not np.array_equal(before[0], m.get_weights()[0])


def test_loss_of_each_time_step_with_weights():
    g = np.random.default_rng(0)
    x, y = g.normal(size=(20, 6, 3)).astype("float32"), g.normal(size=(20, 6, 2)).astype("float32")
    w = g.random((20, 6)).astype("float32")
    values = []
    for eager in (True, False):
        K.set_random_seed(2)
        inputs = K.Input((None, 3))
        m = K.Model(inputs, layers.Dense(2)(inputs))
        m.compile("sgd", "mse", run_eagerly=eager)
        values.append(m.evaluate(x, y, sample_weight=w, verbose=0))
        p = m.predict(x, verbose=0)
        assert values[-1] == pytest.approx((np.square(y - p).mean(-1) * w).mean(), rel=1e-5)
        m.fit(x, y, sample_weight=w, verbose=0)
        m.fit(x[:, :4], y[:, :4], sample_weight=w[:, :4], verbose=0)


def test_keras_2_names():
    m = model()
    with pytest.warns(FutureWarning, match="fit_generator"):
        m.fit_generator(slices(True), steps_per_epoch=4, epochs=1, verbose=0)
    with pytest.warns(FutureWarning, match="nb_epoch"):
        m.fit(X, Y, nb_epoch=2, verbose=0)
    assert m.history.epoch == [0, 1] and m.history.history["acc"] == m.history.history["accuracy"]
    with pytest.warns(FutureWarning, match="predict_classes"):
        assert np.array_equal(m.predict_classes(X), m.predict(X, verbose=0).argmax(-1))
    with pytest.warns(FutureWarning, match="predict_proba"):
        assert m.predict_proba(X).shape == (50, 3)
    with pytest.warns(FutureWarning, match="evaluate_generator"):
        assert len(m.evaluate_generator(slices(True), steps=4)) == 2
    with pytest.warns(FutureWarning, match="predict_generator"):
        assert m.predict_generator(Numbers()).shape == (50, 3)


def test_targets_may_have_a_length_of_their_own():
    """Labels for CTC are shorter than what the model says of them."""
    m = K.Sequential([K.Input((None, 3)), layers.Dense(4)])
    m.compile("sgd", K.losses.CTC())
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    m.fit(x, np.int32([[1, 2]] * 4), verbose=0)
    m.fit(x, np.int32([[1, 2, 3]] * 4), verbose=0)
    assert len(m._programs["train"].made) == 1
    m.compile("sgd", lambda y, p: (y - p[:, :1]) ** 2, metrics=["mse"])
    assert np.isfinite(m.evaluate(x, np.ones((4, 1, 4), "float32"), verbose=0)).all()


def test_other_lengths_make_no_new_program():
    inputs = K.Input((None, 3))
    m = K.Model(inputs, layers.Dense(2)(inputs))
    m.compile("sgd", "mse")
    for length in (4, 6, 5):
        m.fit(np.ones((8, length, 3), "float32"), np.ones((8, length, 2), "float32"), verbose=0)
        assert m.predict(np.ones((8, length, 3), "float32"), verbose=0).shape == (8, length, 2)
        m.predict_on_batch(np.ones((3, length, 3), "float32"))
    assert len(m._programs["train"].made) == 1 and len(m._programs["predict"].made) == 1
    with pytest.raises(ValueError, match=r"y: expected size 4 .* received shape \(8, 5, 2\)"):
        m.fit(np.ones((8, 4, 3), "float32"), np.ones((8, 5, 2), "float32"), verbose=0)


def test_copies_train_on():
    m = model()
    m.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    copies = [copy.deepcopy(m), pickle.loads(pickle.dumps(m))]
    m.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    for other in copies:
        other.fit(X, Y, epochs=2, verbose=0, shuffle=False)
        for a, b in zip(m.get_weights(), other.get_weights()):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(m.evaluate(X, Y, verbose=0), other.evaluate(X, Y, verbose=0), rtol=1e-6, atol=1e-6)


def test_threads_predict_with_one_model():
    m = model()
    parts = [X[i:i + 5] for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda x: [m.predict_on_batch(x) for _ in range(20)][-1], parts))
    for x, values in zip(parts, found):
        np.testing.assert_allclose(values, m.predict(x, verbose=0), rtol=1e-6, atol=1e-6)


def test_attributes():
    m = model()
    assert not m.stateful and m.state_updates == [] and m.sample_weights == [] and m.run_eagerly is False
    assert m.input_names == ["features"] and m.output_names == ["scores"]


class KerasGuide(K.Model):
    """train_step and test_step as Keras's guide writes them."""

    def train_step(self, data):
        x, y = data
        with K.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return self.track(loss, y, y_pred)

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        return self.track(self.compute_loss(y=y, y_pred=y_pred), y, y_pred)

    def track(self, loss, y, y_pred):
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


@pytest.mark.parametrize("eager", [False, True])
def test_steps_of_the_guide(eager):
    histories = []
    for cls in (KerasGuide, K.Model):
        K.set_random_seed(3)
        inputs = K.Input((4,))
        m = cls(inputs, layers.Dense(3, activation="softmax")(inputs))
        m.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager)
        histories.append(m.fit(X, Y, batch_size=25, epochs=3, verbose=0, validation_data=(X, Y)).history)
    assert set(histories[0]) == set(histories[1])
    for name in histories[0]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("eager", [False, True])
def test_on_batch_reports_that_batch_alone(eager):
    m = model(eager)
    losses = [m.test_on_batch(X[:10], Y[:10])[0], m.test_on_batch(X[10:40], Y[10:40])[0]]
    np.testing.assert_allclose(losses, [m.evaluate(X[s], Y[s], verbose=0)[0] for s in (slice(10), slice(10, 40))],
                               rtol=1e-6)
    m.reset_metrics()
    for rows in (slice(10), slice(10, 40)):
        joined = m.test_on_batch(X[rows], Y[rows], reset_metrics=False)
    np.testing.assert_allclose(joined, m.evaluate(X[:40], Y[:40], verbose=0), rtol=1e-6)


def test_steps_without_a_batch_size_spread_all_rows():
    m = model()
    assert m.predict(X, steps=3, verbose=0).shape == (50, 3)
    np.testing.assert_allclose(m.evaluate(X, Y, steps=1, verbose=0), m.evaluate(X, Y, verbose=0), rtol=1e-6)
    m.fit(X, Y, steps_per_epoch=7, verbose=0)
    assert m.history.params["steps"] == 7 and int(m.optimizer.iterations) == 7
    m.fit(X, Y, batch_size=20, steps_per_epoch=2, verbose=0)
    assert int(m.optimizer.iterations) == 9
    assert f"{m.optimizer.learning_rate:.3f}" == f"{float(m.optimizer.learning_rate):.3f}" == "0.001"


class Autoencoder(K.Model):
    def train_step(self, data):
        x, y, _ = K.utils.unpack_x_y_sample_weight(data)
        assert y is None
        return super().train_step(K.utils.pack_x_y_sample_weight(x, x))


def test_own_train_step_may_do_without_targets():
    inputs = K.Input((4,))
    own, plain = Autoencoder(inputs, layers.Dense(4)(inputs)), K.Model(inputs, layers.Dense(4)(inputs))
    plain.set_weights(own.get_weights())
    for m in (own, plain):
        m.compile("sgd", "mse")
    found = own.fit(X, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(found, plain.fit(X, X, epochs=2, shuffle=False, verbose=0).history["loss"], rtol=1e-6)


def test_losses_and_metrics_nested_as_the_outputs():
    inputs = K.Input((4,))
    a, b, c = (layers.Dense(1, name=n)(inputs) for n in "abc")
    losses = []
    y = np.split(X, 4, axis=1)
    for outputs, targets, loss, wanted in (
            ([a, [b, c]], [y[0], [y[1], y[2]]], ["mse", ["mae", "huber"]], [["mae"], [["mae", "mse"], []]]),
            ([a, b, c], y[:3], ["mse", "mae", "huber"], [["mae"], ["mae", "mse"], []])):
        m = K.Model(inputs, outputs)
        m.compile("sgd", loss, metrics=wanted)
        logs = m.evaluate(X, targets, verbose=0, return_dict=True)
        assert {"a_mae", "b_mae", "b_mse"} < set(logs)
        losses.append([logs[n] for n in ("loss", "a_mae", "b_mae", "b_mse")])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


def like(structure, items):
    """items at the leaves of a structure, in the order in which it is written."""
    if isinstance(structure, dict):
        return {k: like(v, items) for k, v in structure.items()}
    if isinstance(structure, list):
        return [like(v, items) for v in structure]
    return next(items)


NESTED = {  # structure -> names of the losses in the logs of Keras 3.15.1
    "lists": (["a", ["b", "c"]], ["a", "1/b", "1/c"]),
    "dict of lists": ({"x": ["a", "b"], "y": "c"}, ["x/a", "x/b", "y"]),
    "list of a dict": (["a", {"y": "b", "x": "c"}], ["a", "1/y", "1/x"]),
    "dict of a dict": ({"p": {"x": "a", "y": "b"}, "q": "c"}, ["p/x", "p/y", "q"]),
}


@pytest.mark.parametrize("eager", (False, True))
@pytest.mark.parametrize("case", sorted(NESTED))
def test_everything_nested_as_the_outputs(case, eager):
    """The numbers of Keras 3.15.1."""
    structure, names = NESTED[case]
    x = np.linspace(-1, 1, 32).reshape(8, 4).astype("float32")
    inputs = K.Input((4,))
    made = {n: layers.Dense(1, kernel_initializer=K.initializers.Constant(0.1 * (i + 1)), name=n)(inputs)
            for i, n in enumerate("abc")}
    nested = lambda *items: like(structure, iter(items))
    y = nested(*(np.abs(x[:, i:i + 1]) for i in range(3)))
    weights = nested(*(np.linspace(0.5, 2, 8).astype("float32") * (i + 1) for i in range(3)))
    m = K.Model(inputs, nested(*made.values()))
    m.compile(K.optimizers.SGD(0.1), nested("mse", "mae", "mean_squared_logarithmic_error"), run_eagerly=eager,
              loss_weights=nested(1.0, 2.0, 0.5), metrics=nested(["mae"], ["mse", "mae"], "mae"),
              weighted_metrics=nested(["mae"], [], ["mse"]))
    logs = m.evaluate(x, y, verbose=0, return_dict=True)
    expected = {"loss": 1.5361, f"{names[0]}_loss": 0.4549, f"{names[1]}_loss": 0.5177, f"{names[2]}_loss": 0.0914,
                "a_mae": 0.521, "b_mae": 0.5177, "b_mse": 0.6011, "c_mae": 0.5887, "a_weighted_mae": 0.521,
                "c_mse": 0.8142}
    assert set(logs) == set(expected)
    np.testing.assert_allclose([logs[n] for n in expected], list(expected.values()), atol=6e-5)
    logs = m.fit(x, y, sample_weight=weights, verbose=0, batch_size=8).history
    np.testing.assert_allclose([logs[n][0] for n in ("a_mae", "a_weighted_mae")], [0.521, 0.3953], atol=6e-5)


class Adversarial(K.Model):
    """No call() and two optimizers, as the GAN of Keras's examples has them."""

    def __init__(self, generator, judge):
        super().__init__()
        self.generator, self.judge = generator, judge
        self.seeds = K.random.SeedGenerator(1)

    def compile(self, **kwargs):
        super().compile(**kwargs)
        self.optimizers = K.optimizers.Adam(0.01), K.optimizers.SGD(0.1, momentum=0.5)
        self.judge_loss, self.generator_loss = K.metrics.Mean(name="judge"), K.metrics.Mean(name="generator")

    @property
    def metrics(self):
        return [self.judge_loss, self.generator_loss]

    def train_step(self, data):
        real = data
        error = K.losses.BinaryCrossentropy(from_logits=True)
        noise = K.random.normal((K.ops.shape(real)[0], 2), seed=self.seeds)
        for part, optimizer, metric in zip((self.judge, self.generator), self.optimizers, self.metrics):
            with K.GradientTape() as tape:
                made = self.judge(self.generator(noise))
                loss = error(K.ops.ones_like(made), made)
                if part is self.judge:
                    loss = error(K.ops.zeros_like(made), made) + error(K.ops.ones_like(made), self.judge(real))
            weights = part.trainable_weights
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
            metric.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


class TwoOptimizers(K.Model):
    """One tape, and an optimizer for each part: the second gradient is asked for after the first update."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(3), layers.Dense(2)
        self.optimizers_of_parts = [K.optimizers.SGD(0.1), K.optimizers.Adam(0.1)]

    def call(self, x):
        return self.second(self.first(x))

    def train_step(self, data):
        with K.GradientTape(persistent=True) as tape:
            y = self(data, training=True)
            losses = ops.mean(ops.square(y)), ops.mean(ops.square(y - 1))
        for part, optimizer, loss in zip((self.first, self.second), self.optimizers_of_parts, losses):
            weights = part.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": losses[0]}


def test_a_tape_outlives_the_update_of_other_weights():
    found = []
    for eager in (False, True):
        K.set_random_seed(2)
        m = TwoOptimizers()
        m.compile("sgd", run_eagerly=eager)
        m.fit(X, epochs=3, verbose=0, shuffle=False)
        found.append(m.get_weights())
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("built", [True, False])
def test_model_without_call(built):
    histories = []
    for eager in (False, True):
        K.set_random_seed(2)
        first = [[K.Input((2,))], [K.Input((4,))]] if built else [[], []]
        m = Adversarial(K.Sequential([*first[0], layers.Dense(4)]), K.Sequential([*first[1], layers.Dense(1)]))
        m.compile(run_eagerly=eager)
        before = m.judge(X[:5]).numpy() if built else None
        histories.append(m.fit(X, epochs=3, batch_size=25, shuffle=False, verbose=0).history)
        assert list(histories[-1]) == ["judge", "generator"]
        assert [int(o.iterations) for o in m.optimizers] == [6, 6]
        assert before is None or np.abs(m.judge(X[:5]).numpy() - before).max() > 1e-3
    for name in histories[0]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-5)


class OldStep(K.Model):
    """A train_step as tf.keras 2 had it."""

    def train_step(self, data):
        x, y = data
        with K.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights))
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_train_step_of_tf_keras_2():
    inputs = K.Input((4,))
    old, new = (c(inputs, layers.Dense(2, kernel_regularizer="l2")(inputs)) for c in (OldStep, K.Model))
    new.set_weights(old.get_weights())
    for m in (old, new):
        m.compile("sgd", "mse", metrics=["mae"])
    with pytest.warns(FutureWarning, match="compute_loss"):
        found = old.fit(X, X[:, :2], epochs=2, shuffle=False, verbose=0).history
    wanted = new.fit(X, X[:, :2], epochs=2, shuffle=False, verbose=0).history
    for name in ("loss", "mae"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6)


class CallsItsOwnWay(K.Model):
    """Takes a part of what fit is given."""

    def __init__(self):
        super().__init__()
        self.inner = K.Sequential([K.Input((4,)), layers.Dense(1)])

    def call(self, x):
        return self.inner(x)

    def train_step(self, data):
        x, y = data
        return super().train_step((x["picture"], y))


def test_own_train_step_may_call_with_other_inputs():
    m = CallsItsOwnWay()
    m.compile("sgd", "mse", metrics=["mae"])
    plain = K.Sequential([K.Input((4,)), layers.Dense(1)])
    plain.set_weights(m.inner.get_weights())
    plain.compile("sgd", "mse", metrics=["mae"])
    found = m.fit({"picture": X, "text": X[:, :2]}, X[:, :1], epochs=2, shuffle=False, verbose=0).history
    wanted = plain.fit(X, X[:, :1], epochs=2, shuffle=False, verbose=0).history
    for name in ("loss", "mae"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6)
    with pytest.raises(ValueError, match="received picture, text"):
        m.evaluate({"picture": X, "text": X}, X[:, :1], verbose=0)
