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
