"""Models that begin with text: what takes it runs first, outside the compiled part."""
import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

from kgraph import Input, Model, Sequential, layers, models

TEXTS = ["good movie", "bad film", "great good film", "awful bad bad movie"] * 8
LABELS = np.array([1, 0, 1, 0] * 8, "float32")


def classifier():
    vectorize = layers.TextVectorization(max_tokens=20, output_sequence_length=5)
    vectorize.adapt(TEXTS)
    model = Sequential([vectorize, layers.Embedding(20, 8, mask_zero=True), layers.GlobalAveragePooling1D(),
                        layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def two_inputs():
    text, number = Input((1,), dtype="string", name="text"), Input((2,), name="number")
    x = layers.Embedding(4, 3)(layers.TextVectorization(vocabulary=["good", "bad"])(text))
    output = layers.Dense(1)(layers.Concatenate()([layers.GlobalMaxPooling1D()(x), number]))
    model = Model([text, number], output)
    model.compile("sgd", "mse")
    return model


def test_sequential_learns_from_texts():
    model = classifier()
    history = model.fit(TEXTS, LABELS, epochs=60, verbose=0, validation_split=0.25)
    assert history.history["accuracy"][-1] == 1.0 and history.history["val_accuracy"][-1] == 1.0
    loss, accuracy = model.evaluate(np.array(TEXTS)[:, None], LABELS, verbose=0)
    assert accuracy == 1.0 and loss < 0.7
    p = model.predict(["good film", "bad bad"], verbose=0)
    assert p[0] > p[1]
    np.testing.assert_allclose(model(np.array([["good film"], ["bad bad"]])), p, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(["bad bad"]), p[1:], rtol=1e-6, atol=1e-6)


def test_eager_steps_equal_compiled_ones():
    one = classifier()
    one.build((None,))
    other = copy.deepcopy(one)
    other.run_eagerly = True
    for _ in range(3):
        a, b = (m.train_on_batch(TEXTS[:4], LABELS[:4]) for m in (one, other))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_texts_beside_numbers_in_arrays_generators_and_dicts():
    model, other = two_inputs(), two_inputs()
    other.set_weights(model.get_weights())
    x = [np.array(TEXTS)[:, None], np.arange(64, dtype="float32").reshape(32, 2) / 64]

    def batches():
        while True:
            for i in range(0, 32, 8):
                yield {"text": x[0][i:i + 8], "number": x[1][i:i + 8]}, LABELS[i:i + 8]
    first = model.fit(x, LABELS, batch_size=8, epochs=2, shuffle=False, verbose=0, validation_data=(x, LABELS))
    second = other.fit(batches(), steps_per_epoch=4, epochs=2, verbose=0, validation_data=(x, LABELS))
    np.testing.assert_allclose(first.history["loss"], second.history["loss"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first.history["val_loss"], second.history["val_loss"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict({"text": x[0], "number": x[1]}, verbose=0),
                               model.predict(x, verbose=0))


@pytest.mark.parametrize("make", [classifier, two_inputs])
def test_copies_and_files(make, tmp_path):
    model = make()
    x = TEXTS[:3] if make is classifier else [np.array(TEXTS[:3]), np.ones((3, 2), "float32")]
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), models.load_model(tmp_path / "model.keras")):
        np.testing.assert_allclose(other.predict(x, verbose=0), expected, rtol=1e-6, atol=1e-6)
        other.train_on_batch(x, LABELS[:3])


def test_a_model_of_texts_as_a_layer():
    inner = classifier()
    outer = Sequential([inner, layers.Dense(2)])
    assert outer.predict(TEXTS[:2], verbose=0).shape == (2, 2)
    outer.compile("sgd", "mse")
    with pytest.raises(ValueError, match="takes text and has weights to train"):
        outer.fit(TEXTS, np.ones((32, 2)), verbose=0)
    inner.trainable = False
    outer.compile("sgd", "mse")
    outer.fit(TEXTS, np.ones((32, 2)), verbose=0)


def test_text_where_numbers_are_expected():
    model = Sequential([Input((1,)), layers.Dense(1)])
    with pytest.raises((TypeError, ValueError), match="numbers|dtype|tensor"):
        model.predict(np.array([["a"], ["b"]]), verbose=0)


def test_no_vocabulary_yet():
    model = Sequential([layers.TextVectorization(name="mine"), layers.Embedding(3, 2)])
    with pytest.raises(ValueError, match="layer 'mine': expected a vocabulary, or adapt"):
        model.predict(TEXTS, verbose=0)


def test_a_file_of_keras_with_vocabularies_beside_it():
    folder = Path(__file__).parents[1] / "data"
    model = models.load_model(folder / "text.keras")
    with np.load(folder / "text.npz") as expected:
        y = model.predict([expected["text"], expected["number"], expected["text"][:, 0]], verbose=0)
        np.testing.assert_allclose(y, expected["y"], rtol=1e-4, atol=1e-5)
