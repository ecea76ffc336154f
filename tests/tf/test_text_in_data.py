"""Layers of text and categories inside Dataset.map, with the values that Keras 3.15.1 gives."""
import numpy as np
import pytest

import kgraph.tensorflow as tf
from kgraph import layers
from kgraph.utils import FeatureSpace

RAW = {"a": ["x", "y", "x", "z", "q"], "b": ["k", "l", "k", "m", "m"], "n": [3, 4, 3, 5, 6], "h": [10, 20, 30, 20, 10]}
CODES = {"a": [0, 2, 0, 1], "a_X_b": [10, 0, 10, 6], "b": [1, 4, 1, 5], "h": [2, 1, 3, 1], "n": [1, 4, 1, 3],
         "n_X_h": [3, 4, 1, 3]}
SIZES = {"a": 4, "b": 7, "h": 5, "n": 5, "a_X_b": 11, "n_X_h": 9}
WORDS = ["the cat sat", "A dog, ran!", "the dog sat on the mat", "", "zebra é"]


def space(mode, output):
    found = FeatureSpace(
        {"a": FeatureSpace.string_categorical(num_oov_indices=0, output_mode=mode),
         "b": FeatureSpace.string_hashed(7, mode), "h": FeatureSpace.integer_hashed(5, mode),
         "n": FeatureSpace.integer_categorical(output_mode=mode)}, output_mode=output,
        crosses=[FeatureSpace.cross(("a", "b"), 11, mode), FeatureSpace.cross(("n", "h"), 9, mode)])
    found.adapt(tf.data.Dataset.from_tensor_slices(RAW).batch(2))
    return found


def test_a_feature_space_in_map():
    data, numbers, hot = tf.data.Dataset.from_tensor_slices(RAW), space("int", "dict"), space("one_hot", "concat")
    batch = data.batch(4).map(numbers).as_numpy_iterator().__next__()
    assert {name: x.tolist() for name, x in batch.items()} == {name: [[i] for i in x] for name, x in CODES.items()}
    row = next(data.map(numbers).as_numpy_iterator())
    assert {name: x.tolist() for name, x in row.items()} == {name: x[:1] for name, x in CODES.items()}
    expected = np.concatenate([np.eye(n)[CODES[name]] for name, n in SIZES.items()], 1)
    np.testing.assert_array_equal(next(data.batch(4).map(hot).as_numpy_iterator()), expected)
    np.testing.assert_array_equal(next(data.map(hot, tf.data.AUTOTUNE).batch(4).as_numpy_iterator()), expected)


def test_a_cross_of_three_in_map():
    found = FeatureSpace({"a": "string_hashed", "b": "string_hashed", "n": "integer_hashed"},
                         crosses=[("a", "b", "n")], crossing_dim=6)
    data = tf.data.Dataset.from_tensor_slices({name: RAW[name] for name in found.features})
    whole = next(data.batch(5).map(found).as_numpy_iterator())
    assert whole.shape == (5, 3 * 32 + 6) and whole[:, 96:].sum(1).tolist() == [1] * 5
    np.testing.assert_array_equal(next(data.map(found).as_numpy_iterator()), whole[0])


VECTORS = layers.TextVectorization(vocabulary=["the", "cat", "dog"], output_sequence_length=4)
IN_MAP = [   # a layer, data, a batch of two, one element
    (layers.StringLookup(vocabulary=["cat", "dog"]), ["cat", "cow", "dog"], [1, 0], 1),
    (layers.StringLookup(vocabulary=["cat"], output_mode="one_hot"), ["cat", "cow"], [[0, 1], [1, 0]], [[0, 1]]),
    (layers.IntegerLookup(vocabulary=[3, 9], output_mode="multi_hot"), [3, 5], [1, 1, 0], [0, 1, 0]),
    (layers.Hashing(5), ["cat", "dog"], [1, 2], 1), (layers.Hashing(5, salt=3), [3, 5], [1, 4], 1),
    (layers.Discretization([0., 3.]), [.1, 2.5, 3.], [1, 1], 1),
    (layers.CategoryEncoding(3, "one_hot"), [2, 0], [[0, 0, 1], [1, 0, 0]], [[0, 0, 1]]),
    (VECTORS, WORDS, [[2, 3, 1, 0], [1, 4, 1, 0]], [2, 3, 1, 0]),
    (lambda x: VECTORS(x)[..., 1:], WORDS, [[3, 1, 0], [4, 1, 0]], [3, 1, 0]),
]


@pytest.mark.parametrize("f, data, batch, one", IN_MAP)
def test_layers_in_map(f, data, batch, one):
    data = tf.data.Dataset.from_tensor_slices(np.array(data))
    assert next(data.batch(2).map(f, num_parallel_calls=2).prefetch(1).as_numpy_iterator()).tolist() == batch
    assert next(data.map(f).as_numpy_iterator()).tolist() == one


def test_functions_of_tf_strings_standardize_and_split():
    def standardize(x):
        return tf.strings.regex_replace(tf.strings.lower(x), "[!,]", "")

    layer = layers.TextVectorization(max_tokens=10, standardize=standardize, output_sequence_length=3)
    layer.adapt(tf.data.Dataset.from_tensor_slices(WORDS).batch(2))
    assert layer.get_vocabulary() == ["", "[UNK]", "the", "sat", "dog", "é", "zebra", "ran", "on", "mat"]
    assert layer(WORDS[1:3]).numpy().tolist() == [[1, 4, 7], [2, 4, 3]]
    parts = layers.TextVectorization(split=lambda x: [tf.strings.split(t, "o") for t in x], standardize="lower",
                                     vocabulary=["d", "g", "c", "w"])
    assert parts(["Dog", "cow", "do"]).numpy().tolist() == [[2, 3], [4, 5], [2, 0]]


def test_texts_are_read_as_tensors_of_text():
    inverse = layers.StringLookup(vocabulary=["a", "b"], invert=True)
    texts = inverse(tf.constant([1, 0, 2]))
    assert texts.tolist() == ["a", "[UNK]", "b"] and texts.numpy().tolist() == [b"a", b"[UNK]", b"b"]
    assert texts[0] == "a" and texts[0].numpy() == b"a" and [t.numpy() for t in texts][2] == b"b"
    assert inverse(2).numpy() == b"b" and " ".join(texts) == "a [UNK] b" and texts[1:].numpy().tolist()[1] == b"b"
    assert tf.strings.reduce_join(texts, separator=" ").numpy() == b"a [UNK] b"
    assert tf.gather(["a", "b"], [1, 0]).numpy().tolist() == [b"b", b"a"]


def test_functions_of_data_sets_mean_what_names_meant():
    sets = []
    for i in range(2):
        sets.append(tf.data.Dataset.range(2).map(lambda x: x + 10 * i).filter(lambda x: x != 10 * i))  # noqa: B023
    assert [int(x) for s in sets for x in s] == [1, 11]
    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return x
    assert len(list(tf.data.Dataset.range(3).map(counted))) == calls == 3


def test_columns_of_frames_keep_their_dtypes():
    class Column:
        def __init__(self, values):
            self.to_numpy = lambda: values
    data = tf.data.Dataset.from_tensor_slices({"a": Column(np.arange(2)), "b": Column(np.array(["x", "y"], object))})
    assert {k: s.dtype.name for k, s in data.element_spec.items()} == {"a": "int64", "b": "string"}
