import numpy as np
import pytest

from kgraph import utils


@pytest.mark.parametrize("x, classes, expected", [
    ([0, 2], None, [[1, 0, 0], [0, 0, 1]]),
    ([[1], [0]], 2, [[0, 1], [1, 0]]),
    ([[0, 1]], 2, [[[1, 0], [0, 1]]]),
    (np.array([1.0]), 3, [[0, 1, 0]]),
])
def test_to_categorical(x, classes, expected):
    np.testing.assert_array_equal(utils.to_categorical(x, classes), expected)


@pytest.mark.parametrize("x", [[3], [-1]])
def test_to_categorical_outside(x):
    with pytest.raises(ValueError, match=rf"expected classes in \[0, 3\), received {x[0]}"):
        utils.to_categorical(x, 3)


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(utils.normalize(x), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(utils.normalize(x, axis=0, order=1), [[1, 1], [0, 0]])


@pytest.mark.parametrize("arguments, expected", [
    ({}, [[0, 0, 1], [2, 3, 4]]),
    ({"padding": "post", "value": 9}, [[1, 9, 9], [2, 3, 4]]),
    ({"maxlen": 2}, [[0, 1], [3, 4]]),
    ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3]]),
    ({"maxlen": 0}, np.zeros((2, 0))),
])
def test_pad_sequences(arguments, expected):
    padded = utils.pad_sequences([[1], [2, 3, 4]], **arguments)
    np.testing.assert_array_equal(padded, expected)
    assert padded.dtype == np.int32


def test_pad_sequences_of_vectors():
    padded = utils.pad_sequences([[], [[1, 2]], [[3, 4], [5, 6]]], dtype="float32")
    assert padded.shape == (3, 2, 2)
    np.testing.assert_array_equal(padded[1], [[0, 0], [1, 2]])


@pytest.mark.parametrize("arguments, message", [
    ({"sequences": [1, 2]}, "list of sequences, received 1"),
    ({"sequences": [[1]], "padding": "left"}, "padding to be 'pre' or 'post', received 'left'"),
    ({"sequences": [[[1, 2]], [[1, 2, 3]]]}, r"items of shape \(2,\).*position 1"),
])
def test_pad_sequences_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.pad_sequences(**arguments)


@pytest.mark.parametrize("sizes, counts", [
    ({"left_size": 0.8}, (8, 2)), ({"right_size": 3}, (7, 3)), ({"left_size": 2, "right_size": 0.5}, (2, 5)),
])
def test_split_dataset(sizes, counts):
    x = np.arange(10)
    (left_x, left_y), (right_x, right_y) = utils.split_dataset((x, -x), **sizes)
    assert (len(left_x), len(right_x)) == counts
    np.testing.assert_array_equal(np.r_[left_x, right_x], x[:sum(counts)])
    np.testing.assert_array_equal(left_y, -left_x)


def test_split_dataset_shuffled():
    left, right = utils.split_dataset({"x": np.arange(20)}, left_size=15, shuffle=True, seed=1)
    assert sorted(np.r_[left["x"], right["x"]]) == list(range(20))
    assert list(left["x"]) != list(range(15))


@pytest.mark.parametrize("sizes", [{}, {"left_size": 1.5}, {"left_size": 11}, {"left_size": 8, "right_size": 8},
                                   {"left_size": 0.01}])
def test_split_dataset_refuses(sizes):
    with pytest.raises(ValueError, match="split_dataset"):
        utils.split_dataset(np.arange(10), **sizes)
