"""Uses of the preprocessing layers, whose answers by Keras lie in tests/data/preprocessing.npz.

    KERAS_BACKEND=tensorflow python tests/oracle/preprocessing.py    with Keras 3.15.1 and TensorFlow (no dependencies)
"""
from __future__ import annotations

import numpy as np

TEXTS = np.array(["The quick brown fox; jumped, over it's LAZY dog!", "a fox is a Fox\tÉtude  naïve", "dog dog cat's",
                  "", "the the the of 1234567 supercalifragilistic-" + "expialidocious-" * 8])
WORDS = np.array([["a", "b", "zz"], ["c", "a", "b"]])
HASHED = np.array([["x" * n + str(n) for n in range(70)], ["ab" * n for n in range(30, 100)]])
NUMBERS = np.random.default_rng(0).normal(size=(300, 3)).astype("float32")
IMAGES = np.random.default_rng(1).normal(3, 2, size=(20, 4, 3)).astype("float32")


def text_vectorization(L):
    for kw in ({}, {"max_tokens": 8}, {"ngrams": 2}, {"ngrams": (2, 3)}, {"output_sequence_length": 4}, {"split": None},
               {"output_mode": "multi_hot"}, {"output_mode": "count"}, {"output_mode": "tf_idf"}, {"standardize": None},
               {"standardize": "lower"}, {"standardize": "strip_punctuation", "split": "character"},
               {"output_mode": "tf_idf", "max_tokens": 40, "pad_to_max_tokens": True}):
        layer = L.TextVectorization(**kw)
        layer.adapt(TEXTS[:3])
        yield f"{kw} vocabulary", np.array(layer.get_vocabulary())
        yield f"{kw}", layer(TEXTS)
        yield f"{kw} column", layer(TEXTS[:, None])


def string_lookup(L):
    for kw in ({}, {"mask_token": "b"}, {"num_oov_indices": 3}, {"num_oov_indices": 3, "salt": 7},
               {"output_mode": "one_hot"}, {"output_mode": "multi_hot", "mask_token": "c"}, {"output_mode": "count"},
               {"output_mode": "count", "max_tokens": 7, "pad_to_max_tokens": True}):
        layer = L.StringLookup(vocabulary=["a", "d"] if "mask_token" in kw else ["a", "b", "c"], **kw)
        yield f"{kw} vocabulary", np.array([str(t) for t in layer.get_vocabulary()])
        yield f"{kw}", layer(WORDS)
        yield f"{kw} column", layer(WORDS[:, :1])
    yield "inverted", L.StringLookup(vocabulary=["a", "b", "c"], invert=True)(np.array([[0, 1, 2], [3, 4, 9]]))
    yield "weights", L.StringLookup(vocabulary=["a", "b"], output_mode="tf_idf", idf_weights=[0.5, 0.25])(WORDS)
    layer = L.StringLookup(output_mode="tf_idf")
    layer.adapt(WORDS)
    yield "tf_idf", layer(WORDS)


def integer_lookup(L):
    for kw in ({}, {"mask_token": 42}, {"num_oov_indices": 3}, {"num_oov_indices": 3, "oov_method": "farmhash"},
               {"output_mode": "multi_hot"}, {"max_tokens": 3}, {"output_mode": "one_hot"}):
        layer = L.IntegerLookup(**kw)
        layer.adapt(np.array([[12, 12, 12], [42, 36, 42], [7, 7, 12]]))
        yield f"{kw} vocabulary", np.array([int(v) for v in layer.get_vocabulary()])
        yield f"{kw}", layer(np.array([[12, 1138, 42], [42, 1000, 36]]))
    yield "inverted", L.IntegerLookup(vocabulary=[5, 6], invert=True)(np.array([0, 1, 2, 7]))


def hashing(L):
    for kw in ({}, {"salt": 133}, {"salt": [1, 2]}, {"mask_value": "x2"}):
        yield f"{kw}", L.Hashing(num_bins=1000, **kw)(HASHED)
    for mode in ("one_hot", "count", "multi_hot"):
        layer = L.Hashing(num_bins=6, output_mode=mode)
        yield mode, layer(np.array([[1, -2, 3], [1000, 3, 10**12]]))
        yield f"{mode} column", layer(np.array([["a"], ["b"]]))
    first, second = np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102])
    yield "crossing", L.HashedCrossing(num_bins=5)((first, second))
    yield "crossing one_hot", L.HashedCrossing(num_bins=5, output_mode="one_hot")((first, second))
    yield "crossing columns", L.HashedCrossing(num_bins=500)((first[:2, None], -second[:2, None]))


def discretization(L):
    for kw in ({"num_bins": 4}, {"num_bins": 7, "epsilon": 0.1}):
        layer = L.Discretization(**kw)
        layer.adapt(NUMBERS)
        yield f"{kw}", layer(NUMBERS)
        yield f"{kw} boundaries", np.array(layer.bin_boundaries)
        layer.adapt([NUMBERS[:100], NUMBERS[100:]])
        yield f"{kw} batches", np.array(layer.bin_boundaries)
    for mode in ("int", "one_hot", "multi_hot", "count"):
        layer = L.Discretization(bin_boundaries=[-1.0, 0.0, 1.0], output_mode=mode)
        yield mode, layer(NUMBERS[:9])
        yield f"{mode} column", layer(NUMBERS[:9, :1])


def category_encoding(L):
    for mode in ("multi_hot", "one_hot", "count"):
        layer = L.CategoryEncoding(num_tokens=5, output_mode=mode)
        for i, x in enumerate((np.array([[0, 1, 1], [2, 4, 0]]), np.array([3, 2]), np.array([[3], [2]]))):
            yield f"{mode} {i}", layer(x)
    weights = np.array([[0.5, 1, 2], [3, 4, 5.0]])
    yield "weights", layer(np.array([[0, 1, 1], [2, 4, 0]]), count_weights=weights)


def normalization(L):
    for kw in ({}, {"axis": None}, {"axis": (1, 2)}, {"invert": True}, {"axis": 1}):
        one, many = L.Normalization(**kw), L.Normalization(**kw)
        one.adapt(IMAGES)
        many.adapt([IMAGES[:5], IMAGES[5:]])
        yield f"{kw}", one(IMAGES)
        yield f"{kw} batches", many(IMAGES)


GROUPS = (text_vectorization, string_lookup, integer_lookup, hashing, discretization, category_encoding, normalization)


def answers(group, L) -> dict:
    """{name: array} of a group's cases, by the layers of a library."""
    return {f"{group.__name__} {name}": _plain(y) for name, y in group(L)}


def _plain(y) -> np.ndarray:
    y = np.asarray(y)
    if y.dtype.kind == "O":
        return np.array([v.decode() for v in y.flat]).reshape(y.shape)
    return y


if __name__ == "__main__":
    from pathlib import Path

    import keras
    found = {name: y for group in GROUPS for name, y in answers(group, keras.layers).items()}
    np.savez_compressed(Path(__file__).parents[1] / "data" / "preprocessing.npz", **found)
    print(f"{len(found)} answers of Keras {keras.__version__}")
