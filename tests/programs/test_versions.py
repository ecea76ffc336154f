"""Defaults of older Keras: what `kgraph run --as` and set_keras_version follow."""
import numpy as np
import pytest

import kgraph
from kgraph import layers, optimizers
from kgraph.legacy.activations import hard_sigmoid_keras2


@pytest.fixture(autouse=True)
def back():
    yield
    kgraph.config.set_keras_version("3.15")


@pytest.mark.parametrize("given, full", [("2.15", "2.15.0"), ("2", "2.15.0"), ("2.3", "2.3.1"), ("1.2", "1.2.0"),
                                         ("3", "3.15.1"), ("3.4.1", "3.4.1")])
def test_versions(given, full):
    kgraph.config.set_keras_version(given)
    assert kgraph.config.keras_version() == full


RATES = {"Adagrad": (0.001, 0.01), "Adadelta": (0.001, 1.0), "Adamax": (0.001, 0.002), "Nadam": (0.001, 0.002),
         "SGD": (0.01, 0.01), "Adam": (0.001, 0.001), "RMSprop": (0.001, 0.001)}


@pytest.mark.parametrize("name", RATES)
def test_rates(name):
    for version, rate in zip(("3.15", "2.15", "2.3"), (RATES[name][0], *RATES[name])):
        kgraph.config.set_keras_version(version)
        assert float(getattr(optimizers, name)().learning_rate) == np.float32(rate)
        assert float(getattr(optimizers, name)(0.5).learning_rate) == 0.5


def test_adagrad_begins_at_zero_and_clipnorm_is_global_before_2_4():
    kgraph.config.set_keras_version("2.3")
    adagrad = optimizers.Adagrad(clipnorm=1.0)
    assert adagrad.initial_accumulator_value == 0.0
    assert (adagrad.clipnorm, adagrad.global_clipnorm) == (None, 1.0)
    assert optimizers.SGD(0.1, 0.0, False, None, 2.0).global_clipnorm == 2.0
    kgraph.config.set_keras_version("2.15")
    assert optimizers.SGD(clipnorm=1.0).clipnorm == 1.0


SMALL = np.float32([1e-5, 1.0])
RULES = {  # the first step of the weight along SMALL, without the rate: before 2.11, and today
    "Adagrad": (lambda g, e: g / (np.sqrt(g * g) + e), lambda g, e: g / np.sqrt(g * g + e)),
    "RMSprop": (lambda g, e: g / (np.sqrt(0.1 * g * g) + e), lambda g, e: g / np.sqrt(0.1 * g * g + e))}


@pytest.mark.parametrize("version", ["1.2", "2.1.2", "2.1.3", "2.10", "2.11", "3.15"])
@pytest.mark.parametrize("name", RULES)
def test_epsilon_was_outside_the_root_before_2_11(name, version):
    kgraph.config.set_keras_version(version)
    given = {"initial_accumulator_value": 0.0} if name == "Adagrad" else {}
    optimizer, w = getattr(optimizers, name)(0.5, **given), kgraph.Variable(np.zeros(2, "float32"))
    optimizer.apply([SMALL], [w])
    numbers = tuple(int(n) for n in version.split("."))
    assert optimizer.epsilon == (1e-8 if numbers < (2, 1, 3) else 1e-7)
    rule = RULES[name][numbers >= (2, 11)]
    np.testing.assert_allclose(w, -0.5 * rule(SMALL.astype("float64"), optimizer.epsilon), rtol=1e-5)
    assert isinstance(optimizer, getattr(optimizers, name))
    assert type(optimizers.deserialize(optimizers.serialize(optimizer))) is type(optimizer)


def test_old_rules_have_old_names_and_settings_and_leave_own_classes_alone():
    class Own(optimizers.Adagrad):
        pass
    kgraph.config.set_keras_version("2.3")
    assert type(Own()) is Own and float(Own().learning_rate) == np.float32(0.01)
    assert optimizers.Nadam().schedule_decay == 0.004 and optimizers.Nadam(name="n").name == "n_keras2"
    assert type(optimizers.get("rmsprop")) is type(optimizers.RMSprop())


@pytest.mark.parametrize("version, reset_after, activation", [("3.15", True, "sigmoid"), ("2.15", True, "sigmoid"),
                                                              ("2.3", False, "sigmoid"), ("2.2", False, "old")])
def test_gru(version, reset_after, activation):
    kgraph.config.set_keras_version(version)
    for made in (layers.GRU(3), layers.GRU(3).cell, layers.GRUCell(3)):
        assert made.reset_after is reset_after
        assert (made.recurrent_activation is hard_sigmoid_keras2) is (activation == "old")
    assert layers.GRU(3, reset_after=True).reset_after is True


def test_conv_lstm_and_hard_sigmoid_before_3():
    x = np.linspace(-4, 4, 9, dtype="float32")
    assert np.allclose(kgraph.activations.get("hard_sigmoid")(x), np.clip(x / 6 + 0.5, 0, 1))
    kgraph.config.set_keras_version("2.15")
    assert np.allclose(kgraph.activations.get("hard_sigmoid")(x), np.clip(0.2 * x + 0.5, 0, 1))
    assert layers.ConvLSTM2D(2, 3).cell.recurrent_activation is hard_sigmoid_keras2
    assert layers.Dense(2, activation="hard_sigmoid").activation is hard_sigmoid_keras2


def test_a_misspelt_argument_is_named_as_ever():
    kgraph.config.set_keras_version("2.3")
    with pytest.raises(TypeError, match="Did you mean 'reset_after'"):
        layers.GRU(3, reset_aftr=False)


def test_old_names_of_logs_in_callbacks(tmp_path):
    seen = []

    class Watch(kgraph.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(logs.get("acc") == logs["accuracy"])

        def on_epoch_end(self, epoch, logs=None):
            seen.append((logs.get("val_acc") == logs["val_accuracy"], logs.get("accu")))

    model = kgraph.Sequential([kgraph.Input((2,)), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"], run_eagerly=True)   # metrics come third
    best = kgraph.callbacks.ModelCheckpoint(f"{tmp_path}/{{epoch}}-{{val_acc:.1f}}.keras", "val_acc",
                                            save_best_only=True)
    x, y = np.ones((4, 2)), np.zeros(4)
    model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y), callbacks=[Watch(), best])
    assert seen == [True, (True, None)] * 2
    assert [p.name for p in tmp_path.iterdir()] == [f"1-{best.best:.1f}.keras"]


def test_tokenizer_of_keras_1():
    assert kgraph.preprocessing.text.Tokenizer(nb_words=3).num_words == 3


def test_image_layout_and_regularizers_of_keras_1():
    from kgraph.regularizers import activity_l2, l1l2
    kgraph.backend.set_image_dim_ordering("th")
    assert kgraph.config.image_data_format() == "channels_first" and kgraph.backend.image_dim_ordering() == "th"
    with pytest.raises(ValueError, match="expected 'tf' or 'th', received 'channels_last'"):
        kgraph.backend.set_image_dim_ordering("channels_last")
    assert float(activity_l2(0.5)(np.ones(4, "float32"))) == 2.0
    assert (float(l1l2().l1), float(l1l2(l2=1.0).l2)) == (pytest.approx(0.01), 1.0)


def test_copies_know_cells_of_ones_own():
    class Cell(layers.SimpleRNNCell):
        pass

    both = layers.Bidirectional(layers.RNN([Cell(3), Cell(2)]))
    copy = kgraph.models.clone_model(kgraph.Sequential([kgraph.Input((4, 2)), both])).layers[0]
    assert all(isinstance(c, Cell) for way in (copy.forward_layer, copy.backward_layer) for c in way.cell.cells)
