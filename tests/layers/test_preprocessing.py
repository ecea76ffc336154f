"""Preprocessing layers: Keras's answers, configs, and what is refused."""
import sys
from pathlib import Path

import numpy as np
import pytest
from check_layer import check_layer

from kgraph import Input, Model, layers, saving

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))
from preprocessing import GROUPS, answers

TEXTS = ["good movie", "bad film", "great good film", "awful bad bad movie"]


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.__name__)
def test_as_keras(group):
    with np.load(Path(__file__).parents[1] / "data" / "preprocessing.npz") as file:
        expected = {name: file[name] for name in file if name.startswith(group.__name__)}
    found = answers(group, layers)
    assert found.keys() == expected.keys()
    for name, y in expected.items():
        assert found[name].shape == y.shape, name
        if y.dtype.kind == "U":
            np.testing.assert_array_equal(found[name], y, name)
        else:
            np.testing.assert_allclose(found[name], y, 1e-5, 1e-5, err_msg=name)


NUMERIC = [
    (layers.Normalization, {"mean": 1.5, "variance": 4.0}, (3,), None),
    (layers.Normalization, {"axis": (1, 2), "mean": [1.0, 2.0], "variance": [0.5, 2.0], "invert": True}, (3, 2), None),
    (layers.Discretization, {"bin_boundaries": [-0.5, 0.0, 0.8]}, (4,), None),
    (layers.Discretization, {"bin_boundaries": [0.0], "output_mode": "count"}, (4,), None),
    (layers.CategoryEncoding, {"num_tokens": 5}, (4,), 5),
    (layers.CategoryEncoding, {"num_tokens": 5, "output_mode": "one_hot"}, (1,), 5),
]


@pytest.mark.parametrize("cls,kwargs,shape,high", NUMERIC)
def test_numeric_layers(cls, kwargs, shape, high):
    check_layer(cls, kwargs, shape, high=high, gradient=cls is layers.Normalization,
                float64=cls is layers.Normalization)


HOST = [
    layers.TextVectorization(vocabulary=["good", "bad"], ngrams=(1, 2), output_sequence_length=3),
    layers.TextVectorization(vocabulary=["good", "bad"], output_mode="tf_idf", idf_weights=[0.5, 0.25]),
    layers.StringLookup(vocabulary=["good movie"], num_oov_indices=2, mask_token="bad film", salt=3),
    layers.StringLookup(vocabulary=["good movie"], output_mode="one_hot", max_tokens=9, pad_to_max_tokens=True),
    layers.Hashing(7, salt=[1, 2]), layers.Hashing(7, mask_value="bad film", output_mode="multi_hot"),
]


@pytest.mark.parametrize("layer", HOST, ids=lambda layer: type(layer).__name__)
def test_layers_on_text_round_trip_and_know_their_shapes(layer):
    texts = np.array(TEXTS)[:, None]
    again = layers.deserialize(layers.serialize(layer))
    np.testing.assert_array_equal(again(texts), layer(texts))
    assert again.get_config() == layer.get_config()
    symbolic = layer(Input((1,), dtype="string"))
    assert symbolic.dtype == layer(texts).dtype
    assert symbolic.shape[1:] == layer(texts).shape[1:]
    np.testing.assert_array_equal(layer([t.encode() for t in TEXTS]), layer(TEXTS))


def test_a_layer_of_integers_in_a_graph():
    inputs = Input((2,), dtype="int64")
    model = Model(inputs, layers.IntegerLookup(vocabulary=[5, 9], output_mode="count")(inputs))
    np.testing.assert_array_equal(model.predict(np.array([[5, 9], [7, 5]]), verbose=0), [[0, 1, 1], [1, 1, 0]])


def test_functions_as_standardize_and_split():
    layer = layers.TextVectorization(standardize=lambda t: np.char.upper(t), split=lambda t: [x.split("-") for x in t],
                                     vocabulary=["A", "B"])
    np.testing.assert_array_equal(layer(["a-b", "b-c-a"]), [[2, 3, 0], [3, 1, 2]])


def test_words_of_many_texts_are_those_of_each():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("aB,. \t\n\x0bé\u2003"), rng.integers(0, 12))) for _ in range(600)]
    texts[100:103] = ["", "a\x1cb a", " . "]
    for some in (texts, [*texts, "a\0b a"]):
        split = [[w.decode() for w in t.translate(str.maketrans("B", "b", ",.")).encode().split()] for t in some]
        known = sorted({w for row in split for w in row} - {"a"})
        layer = layers.TextVectorization(vocabulary=known)
        found = layer(some).numpy()
        expected = np.zeros((len(some), max(map(len, split))), int)
        for row, words in zip(expected, split):
            row[:len(words)] = [known.index(w) + 2 if w in known else 1 for w in words]
        np.testing.assert_array_equal(found, expected)
        layer.adapt(some)
        assert sorted(layer.get_vocabulary()[2:]) == sorted({*known, "a"})


def test_normalization_counts_batches_of_any_size():
    x = np.random.default_rng(0).normal(5, 3, (100, 4)).astype("float32")
    layer = layers.Normalization()
    layer.adapt(batch for batch in np.split(x, [3, 50, 51]))
    y = layer(x).numpy()
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-5, atol=1e-6)
    assert [w.name for w in layer.weights] == ["mean", "variance", "count"]


def test_adapt_after_the_model_was_made():
    layer = layers.Normalization()
    inputs = Input((2,))
    model = Model(inputs, layer(inputs))
    with pytest.warns(UserWarning, match="'normalization.*' ?: expected adapt"):
        np.testing.assert_array_equal(model.predict(np.array([[2.0, 3.0]]), verbose=0), [[2.0, 3.0]])
    layer.adapt(np.array([[0.0, 1.0], [2.0, 5.0]]))
    np.testing.assert_allclose(model.predict(np.array([[2.0, 3.0]]), verbose=0), [[1.0, 0.0]])


BEFORE_ADAPT = [
    (layers.Discretization, {"num_bins": 3}, np.ones((2, 3))),
    (layers.StringLookup, {}, np.array(TEXTS)), (layers.IntegerLookup, {}, np.array([1, 2])),
    (layers.TextVectorization, {}, np.array(TEXTS)),
]


@pytest.mark.parametrize("cls,kwargs,x", BEFORE_ADAPT)
def test_a_layer_used_before_adapt(cls, kwargs, x):
    layer = cls(**kwargs, name="mine")
    with pytest.raises(ValueError, match="layer 'mine': expected .*adapt.* before the layer is used"):
        layer(x)


REFUSED = [
    (lambda: layers.Discretization(), "one of bin_boundaries and num_bins"),
    (lambda: layers.Discretization(num_bins=3, output_mode="onehot"), "Did you mean 'one_hot'"),
    (lambda: layers.CategoryEncoding(), "num_tokens of at least 1"),
    (lambda: layers.Normalization(mean=1.0), "mean and variance of one shape"),
    (lambda: layers.Normalization(axis=5).build((None, 3)), r"axes in \[-2, 2\)"),
    (lambda: layers.StringLookup(vocabulary=["a", "a"]), "each token once"),
    (lambda: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2), "at most max_tokens=2"),
    (lambda: layers.StringLookup(vocabulary=["a"], mask_token="b", num_oov_indices=0)(["zz"]), "received 'zz'"),
    (lambda: layers.StringLookup(vocabulary=["a"])(np.arange(3)), "expected texts"),
    (lambda: layers.TextVectorization(split="words"), "expected split among"),
    (lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3), "output_sequence_length"),
    (lambda: layers.TextVectorization(ragged=True), "ragged=False"),
    (lambda: layers.Hashing(0), "num_bins of at least 1"),
    (lambda: layers.HashedCrossing(3)(np.arange(3)), "a list of at least two inputs"),
]


@pytest.mark.parametrize("use,message", REFUSED)
def test_refused(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_a_config_does_not_read_files(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("good\nbad\n")
    layer = layers.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "good", "bad"]
    config = layers.serialize(layer)
    config["config"]["vocabulary"] = str(path)
    with pytest.raises(ValueError, match="safe mode"):
        layers.deserialize(config)
    loaded = saving.deserialize_keras_object(config, safe_mode=False)
    assert loaded.get_vocabulary() == layer.get_vocabulary()
