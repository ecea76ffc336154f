"""IMDB: 50,000 film reviews, good or bad, as lists of word numbers (A. Maas and others, 2011)."""
import json

import numpy as np

from kgraph.datasets.source import fetch, load_arrays
from kgraph.datasets.words import encode, ragged

__all__ = ["get_word_index", "load_data"]

DIGEST = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
INDEX_DIGEST = "bfafd718b763782e994055a2d397834f"


def load_data(path="imdb.npz", num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2,
              index_from=3):
    """((x_train, y_train), (x_test, y_test)): x arrays of lists of word numbers (the most frequent word is
    1 + index_from), y 0 or 1; 25,000 and 25,000. See kgraph.datasets.words.encode for the arguments.

    Raises OSError when the file has to be downloaded and cannot be.
    """
    arrays = load_arrays(fetch(path, DIGEST, origin_name="imdb.npz"))
    rng = np.random.RandomState(seed)
    parts = []
    for part in ("train", "test"):
        order = np.arange(len(arrays[f"x_{part}"]))
        rng.shuffle(order)
        parts.append((arrays[f"x_{part}"][order], arrays[f"y_{part}"][order]))
    train, test = encode(parts, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    return (ragged(train[0]), train[1]), (ragged(test[0]), test[1])


def get_word_index(path="imdb_word_index.json") -> dict:
    """word -> its number, before index_from is added."""
    with open(fetch(path, INDEX_DIGEST, origin_name="imdb_word_index.json"), encoding="utf-8") as f:
        return json.load(f)


def __dir__():
    return sorted(__all__)
