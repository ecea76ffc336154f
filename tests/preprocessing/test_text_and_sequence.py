"""Tokenizer, windows of series, pairs of words: the values of Keras 2."""
import numpy as np
import pytest

from kgraph.preprocessing import sequence, text
from kgraph.utils.np_utils import to_categorical

TEXTS = ["The cat sat on the mat.", "The dog sat on the log!", "Dogs & cats, living together"]


def fitted(**kwargs):
    tokenizer = text.Tokenizer(**kwargs)
    tokenizer.fit_on_texts(TEXTS)
    return tokenizer


def test_words_are_numbered_by_frequency():
    tokenizer = fitted()
    assert [tokenizer.word_index[w] for w in ("the", "sat", "on", "cat", "together")] == [1, 2, 3, 4, 11]
    found = tokenizer.texts_to_sequences([*TEXTS, "the unknown cat"])
    assert found == [[1, 4, 2, 3, 1, 5], [1, 6, 2, 3, 1, 7], [8, 9, 10, 11], [1, 4]]
    assert tokenizer.document_count == 3 and tokenizer.word_docs["the"] == 2
    assert tokenizer.sequences_to_texts([[1, 4]]) == ["the cat"]


@pytest.mark.parametrize("kwargs,expected", [
    ({"num_words": 3}, [1, 2]), ({"oov_token": "<u>"}, [2, 5, 3, 1]),
    ({"oov_token": "<u>", "num_words": 3}, [2, 1, 1, 1]),
])
def test_rare_and_unknown_words(kwargs, expected):
    assert fitted(**kwargs).texts_to_sequences(["the cat sat nowhere"]) == [expected]


@pytest.mark.parametrize("mode,expected", [
    ("binary", [0, 1, 1, 0, 0]), ("count", [0, 2, 1, 0, 0]), ("freq", [0, 2 / 3, 1 / 3, 0, 0]),
    ("tfidf", [0, (1 + np.log(2)) * np.log(1 + 3 / 3), np.log(1 + 3 / 3), 0, 0]),
])
def test_matrices(mode, expected):
    found = fitted(num_words=5).texts_to_matrix(["the the sat"], mode)
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_json():
    tokenizer = fitted(oov_token="<u>")
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert again.texts_to_sequences(TEXTS) == tokenizer.texts_to_sequences(TEXTS)
    assert again.get_config() == tokenizer.get_config()


def test_characters_and_hashes():
    characters = fitted(char_level=True)
    assert characters.word_index[" "] == 1
    assert characters.sequences_to_texts(characters.texts_to_sequences(["The"])) == ["t h e"]
    found = text.hashing_trick("The cat, the mat", 50, "md5")
    assert found[0] == found[2] and all(1 <= i < 50 for i in found)
    assert len(text.one_hot("a b c", 10)) == 3
    with pytest.raises(ValueError, match="hash_function"):
        text.hashing_trick("a", 3, "sha")
    with pytest.raises(ValueError, match="mode among"):
        fitted().texts_to_matrix(TEXTS, "tf")


def test_windows_of_a_series():
    x, y = np.arange(40).reshape(20, 2), np.arange(20)
    windows = sequence.TimeseriesGenerator(x, y, length=5, sampling_rate=2, stride=2, batch_size=3)
    assert len(windows) == 3
    samples, targets = windows[0]
    np.testing.assert_array_equal(targets, [5, 7, 9])
    np.testing.assert_array_equal(samples[1], x[2:7:2])
    reverse = sequence.TimeseriesGenerator(x, y, 3, start_index=2, end_index=14, reverse=True, batch_size=4)
    np.testing.assert_array_equal(reverse[2][0][-1], x[[13, 12, 11]])
    with pytest.raises(ValueError, match="of one length"):
        sequence.TimeseriesGenerator(x, y[:3], 2)


def test_pairs_of_words():
    pairs, labels = sequence.skipgrams([1, 2, 0, 3], 10, window_size=1, negative_samples=2, shuffle=False, seed=1)
    assert pairs[:2] == [[1, 2], [2, 1]] and labels == [1, 1, 0, 0, 0, 0]
    assert all(1 <= word < 10 for _, word in pairs[2:])
    table = sequence.make_sampling_table(1000)
    assert table.shape == (1000,) and (np.diff(table[1:]) > 0).all() and 0.003 < table[1] < 0.0032


def test_old_names():
    assert sequence.pad_sequences([[1], [2, 3]]).tolist() == [[0, 1], [2, 3]]
    assert to_categorical([1], 2).tolist() == [[0, 1]]
