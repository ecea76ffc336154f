"""Arguments of Keras 1, Keras 2 and tf.keras. The numbers are those of tf.keras 2."""
import copy

import numpy as np
import pytest

import kgraph
from kgraph import Input, Model, Sequential, backend, layers, metrics, ops, optimizers

X, Y = np.arange(24, dtype="float32").reshape(8, 3) / 24, np.ones((8, 2), "float32")


def batches(x=X, y=Y, size=8):
    while True:
        for i in range(0, len(x), size):
            yield x[i:i + size], y[i:i + size]


def model(extra=lambda m, x, y: None, **kwargs):
    x = Input((3,))
    y = layers.Dense(2, kernel_initializer="ones")(x)
    m = Model(x, y)
    extra(m, x, y)
    m.compile(optimizers.SGD(0.1), "mse", **kwargs)
    return m


@pytest.mark.parametrize("old,new", [
    ({"samples_per_epoch": 8, "nb_epoch": 2}, {"steps_per_epoch": 3, "epochs": 2}),
    ({"samples_per_epoch": 7, "max_q_size": 3, "nb_worker": 1, "pickle_safe": False}, {"steps_per_epoch": 3}),
    ({"samples_per_epoch": 1}, {"steps_per_epoch": 1})])
def test_fit_generator_counts_samples(old, new):
    with pytest.warns(FutureWarning, match="samples_per_epoch= of Keras 1 is now steps_per_epoch="):
        found = model().fit_generator(batches(size=3), verbose=0, **old).history
    with pytest.warns(FutureWarning, match=r"fit_generator\(\) is now fit"):
        assert found == model().fit_generator(batches(size=3), verbose=0, **new).history


def test_validation_counts_samples():
    with pytest.warns(FutureWarning, match="nb_val_samples= of Keras 1 is now validation_steps="):
        found = model().fit_generator(batches(), 1, 1, 0, validation_data=batches(size=3), nb_val_samples=8).history
    assert found["val_loss"] == pytest.approx(model().fit(X, Y, verbose=0, validation_data=(X, Y)).history["val_loss"])
    m = model()
    with pytest.warns(FutureWarning, match="val_samples= of Keras 1 is now steps="):
        assert m.evaluate_generator(batches(size=5), val_samples=8) == pytest.approx(m.evaluate(X, Y, verbose=0))
    with pytest.warns(FutureWarning):
        assert m.predict_generator(batches(size=4), val_samples=6).shape == (8, 2)


def test_keras1_counts_samples_by_place():
    kgraph.config.set_keras_version("1")
    try:
        with pytest.warns(FutureWarning):
            found = model().fit_generator(batches(size=3), 8, 1, 0).history
    finally:
        kgraph.config.set_keras_version("3")
    assert found == model().fit(batches(size=3), steps_per_epoch=3, verbose=0).history


@pytest.mark.parametrize("make,text", [
    (lambda: layers.BatchNormalization(mode=0, axis=1), "BatchNormalization: mode= has no effect"),
    (lambda: layers.BatchNormalization(fused=True), "fused= has no effect"),
    (lambda: layers.LSTM(4, consume_less="gpu"), "LSTM: consume_less= has no effect.*leave it out"),
    (lambda: layers.SeparableConv2D(2, 3, kernel_initializer="ones", kernel_regularizer="l2"),
     "write depthwise_regularizer= and pointwise_regularizer="),
    (lambda: model(experimental_run_tf_function=False), "experimental_run_tf_function= has no effect"),
    (lambda: model(experimental_steps_per_execution=2), "is now steps_per_execution=")])
def test_words_without_effect(make, text):
    with pytest.warns(FutureWarning, match=text):
        made = make()
    if isinstance(made, layers.SeparableConv2D):    # as in tf.keras 2: no penalty, and kernels drawn at random
        made.build((None, 5, 5, 2))
        assert made.losses == [] and np.std(made.get_weights()[0]) > 0.05
    if isinstance(made, Model):
        made.fit(X, Y, verbose=0)
        assert made.steps_per_execution in (2, "auto")


def test_what_would_have_had_an_effect_is_refused():
    with pytest.raises(ValueError, match="BatchNormalization: mode: expected 0, received 1"):
        layers.BatchNormalization(mode=1)
    with pytest.raises(TypeError, match="compile: unknown argument 'experimental_run'"):
        model(experimental_run=1)
    with pytest.raises(TypeError, match="Dense: unknown argument 'fused'"):
        layers.Dense(1, fused=True)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("layer,shape", [
    (lambda: layers.LSTM(input_dim=2, output_dim=5, return_sequences=True), (None, None, 2)),
    (lambda: layers.GRU(5, input_dim=2, input_length=4), (None, 4, 2)),
    (lambda: layers.Conv1D(5, 2, input_dim=3), (None, None, 3)),
    (lambda: layers.Dense(5, input_dim=3), (None, 3))])
def test_input_dim_of_a_sequence(layer, shape):
    m = Sequential([layer()])
    assert m.input_shape == shape and m.output_shape[-1] == 5


def test_causal_attention():
    layer, q = layers.Attention(causal=True), np.arange(12, dtype="float32").reshape(1, 4, 3) / 12
    wanted = [[0.0, 0.0833333358, 0.1666666716], [0.1405441314, 0.2238774647, 0.3072108030],
              [0.3206830621, 0.4040163755, 0.4873497486], [0.5514886379, 0.6348219514, 0.7181553245]]
    np.testing.assert_allclose(layer([q, q])[0], wanted, rtol=1e-6)
    again = layers.Attention.from_config(layer.get_config())
    np.testing.assert_array_equal(again([q, q]), layer([q, q]))
    assert "causal" not in layers.Attention().get_config()


def test_nadam_with_its_own_schedule():
    with pytest.warns(FutureWarning, match="schedule_decay= is applied as in Keras 2"):
        optimizer = optimizers.Nadam(0.1, schedule_decay=0.01)
    v = kgraph.Variable([1.0, 2.0])
    for g in ([0.1, 0.2], [0.3, -0.1], [0.2, 0.2]):
        optimizer.apply([np.array(g, "float32")], [v])
    np.testing.assert_allclose(v, [0.7252633572, 1.8582446575], rtol=1e-5)
    assert optimizer.get_config()["schedule_decay"] == 0.01 and "schedule_decay" not in optimizers.Nadam().get_config()


class Reports(layers.Layer):
    def call(self, x):
        self.add_metric(backend.sum(x), name="s", aggregation="mean")
        return x * 2


@pytest.mark.parametrize("eager", [False, True])
def test_metrics_of_tensors(eager):
    def extra(m, x, y):
        m.add_metric(backend.mean(y), name="q", aggregation="mean")
        with pytest.warns(FutureWarning, match="inputs= has no effect"):
            m.add_loss(backend.mean(y), inputs=[x])
    m = model(extra, run_eagerly=eager)
    copied = copy.deepcopy(m)
    found = m.fit(batches(), steps_per_epoch=2, verbose=0).history
    assert found == {"loss": [pytest.approx(2.1545615196)], "q": [pytest.approx(1.3404866457)]}
    assert m.metrics_names == ["loss", "q"]
    copied.compile(optimizers.SGD(0.1), "mse", run_eagerly=eager)
    assert copied.fit(batches(), steps_per_epoch=2, verbose=0).history == found
    m = Sequential([Input((3,)), Reports(), layers.Dense(2, kernel_initializer="ones")])
    m.compile(optimizers.SGD(0.1), "mse", run_eagerly=eager)
    found = m.fit(batches(), steps_per_epoch=2, verbose=0).history
    assert found == {"loss": [pytest.approx(4.3956828117)], "s": [pytest.approx(11.5)]}
    assert m.evaluate(X, Y, return_dict=True, verbose=0)["s"] == pytest.approx(11.5)


def test_a_metric_object_is_reported_once():
    class Endpoint(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seen = metrics.Mean(name="seen")

        def call(self, x):
            self.add_metric(self.seen(ops.mean(x)), name="another")
            return x
    m = Sequential([Input((3,)), Endpoint(), layers.Dense(2)])
    m.compile("sgd", "mse")
    assert list(m.fit(X, Y, verbose=0).history) == ["loss", "seen"]
    m.layers[0].add_metric(metrics.Sum(), name="total")
    assert "total" in [x.name for x in m.metrics]


def test_add_metric_refuses():
    with pytest.raises(ValueError, match="expected a name for a tensor's mean"):
        Reports().add_metric(1.0)
    with pytest.raises(ValueError, match="expected aggregation 'mean', received 'max'"):
        Reports().add_metric(1.0, "a", "max")


@pytest.mark.parametrize("name", ["a.tf", "a", "a.ckpt", "a.ckpt-3", "weights.01-0.25"])
def test_names_of_checkpoints(tmp_path, name):
    m, other = model(), model()
    m.set_weights([w + 1 for w in m.get_weights()])
    with pytest.warns(FutureWarning, match=f"save_weights: {name} is not written as a TensorFlow checkpoint"):
        m.save_weights(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    other.load_weights(str(tmp_path / name))
    for a, b in zip(m.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_checkpoints_of_training(tmp_path):
    m = model()
    path = tmp_path / "training" / "cp-{epoch:04d}.ckpt"
    with pytest.warns(FutureWarning, match="cp-0002.ckpt is not written as a TensorFlow checkpoint"):
        m.fit(X, Y, epochs=2, verbose=0, callbacks=[kgraph.callbacks.ModelCheckpoint(path, save_weights_only=True)])
    assert sorted(p.name for p in path.parent.iterdir()) == ["cp-0001.ckpt", "cp-0002.ckpt"]
    other = model()
    other.load_weights(path.parent / "cp-0002.ckpt")
    assert other.evaluate(X, Y, verbose=0) == pytest.approx(m.evaluate(X, Y, verbose=0))
    for name in ("a.npz", "a.keras", "a.txt"):
        with pytest.raises(ValueError, match="expected a file name that ends in .weights.h5"):
            m.save_weights(tmp_path / name)
    with pytest.raises(ValueError, match="ModelCheckpoint: filepath"):
        kgraph.callbacks.ModelCheckpoint(path)


def test_a_layer_that_names_its_weights():
    class Affine(layers.Layer):     # as written for Keras 1
        def build(self, input_shape):
            self.W = backend.variable(np.ones((input_shape[1], 2), "float32"))
            self.fixed = backend.variable(np.zeros(2, "float32"))
            self.trainable_weights = [self.W]
            self.non_trainable_weights = [backend.variable(np.zeros(3, "float32"))]
            super().build(input_shape)

        def call(self, x):
            return backend.dot(x, self.W) + self.fixed
    m = Sequential([Input((3,)), Affine()])
    m.compile(optimizers.SGD(0.1), "mse")
    layer = m.layers[0]
    assert layer.trainable_weights == [layer.W] and [v.shape for v in layer.non_trainable_weights] == [(2,), (3,)]
    m.fit(X, Y, verbose=0)
    assert np.all(layer.W.numpy() != 1) and np.all(layer.fixed.numpy() == 0)
    with pytest.raises(ValueError, match="expected Variables .*, received 1"):
        layer.trainable_weights = [1]
    layer.trainable = False
    assert layer.trainable_weights == []
    layer.trainable = True
    assert layer.trainable_weights == [layer.W]
