"""Reuters: 11,228 news telegrams in 46 topics, as lists of word numbers (Reuters-21578)."""
import json

import numpy as np

from kgraph.datasets.source import fetch, load_arrays
from kgraph.datasets.words import encode, ragged

__all__ = ["get_label_names", "get_word_index", "load_data"]

DIGEST = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
INDEX_DIGEST = "4d44cc38712099c9e383dc6e5f11a921"
TOPICS = ("cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton "
          "carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock "
          "retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead")


def load_data(path="reuters.npz", num_words=None, skip_top=0, maxlen=None, test_split=0.2, seed=113, start_char=1,
              oov_char=2, index_from=3):
    """((x_train, y_train), (x_test, y_test)): x arrays of lists of word numbers, y the topic (see get_label_names).

    test_split: the share of the telegrams that is for testing. See kgraph.datasets.words.encode for the other
    arguments. Raises OSError when the file has to be downloaded and cannot be.
    """
    arrays = load_arrays(fetch(path, DIGEST, origin_name="reuters.npz"))
    order = np.arange(len(arrays["x"]))
    np.random.RandomState(seed).shuffle(order)
    parts = [(arrays["x"][order], arrays["y"][order])]
    (texts, labels), = encode(parts, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    cut = int(len(texts) * (1 - test_split))
    return (ragged(texts[:cut]), labels[:cut]), (ragged(texts[cut:]), labels[cut:])


def get_word_index(path="reuters_word_index.json") -> dict:
    """word -> its number, before index_from is added."""
    with open(fetch(path, INDEX_DIGEST, origin_name="reuters_word_index.json"), encoding="utf-8") as f:
        return json.load(f)


def get_label_names() -> tuple:
    """The 46 topics in the order of their numbers."""
    return tuple(TOPICS.split())


def __dir__():
    return sorted(__all__)
