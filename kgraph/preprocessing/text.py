"""Texts as integers. New code uses the layer TextVectorization."""
from __future__ import annotations

import collections
import hashlib
import json

import numpy as np

from kgraph.utils.folder_datasets import text_dataset_from_directory

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_dataset_from_directory", "text_to_word_sequence",
           "tokenizer_from_json"]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "tfidf", "freq")


def text_to_word_sequence(text, filters=FILTERS, lower=True, split=" "):
    """The words of a text: `filters` are characters to drop, `split` is what stands between words."""
    text = text.lower() if lower else text
    return [word for word in text.translate({ord(c): split for c in filters}).split(split) if word]


def one_hot(text, n, filters=FILTERS, lower=True, split=" "):
    """The words of a text as integers in [1, n), by Python's hash: other numbers in another process."""
    return hashing_trick(text, n, hash, filters, lower, split)


def hashing_trick(text, n, hash_function=None, filters=FILTERS, lower=True, split=" "):
    """The words of a text as integers in [1, n).

    hash_function  None: Python's hash; "md5": the same numbers in every process; or a function of a word
    """
    if hash_function is None:
        hash_function = hash
    elif hash_function == "md5":
        hash_function = lambda word: int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)
    elif not callable(hash_function):
        raise ValueError(f"hashing_trick: expected hash_function None, 'md5' or a function, received {hash_function!r}")
    return [hash_function(word) % (n - 1) + 1 for word in text_to_word_sequence(text, filters, lower, split)]


class Tokenizer:
    """Words as integers, from 1 on by falling frequency; 0 is kept for padding.

    num_words   only the num_words - 1 most frequent words get through; None: all
    filters, lower, split   see text_to_word_sequence
    char_level  every character is a token
    oov_token   a token that stands for words that are not known; without it they are left out
    analyzer    a function that cuts a text into tokens
    """

    def __init__(self, num_words=None, filters=FILTERS, lower=True, split=" ", char_level=False, oov_token=None,
                 analyzer=None, **kwargs):
        document_count = kwargs.pop("document_count", 0)
        num_words = kwargs.pop("nb_words", num_words)   # its name in Keras 1
        if kwargs:
            raise TypeError(f"Tokenizer: unknown arguments {sorted(kwargs)}")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.document_count = document_count
        self.word_counts = collections.OrderedDict()
        self.word_docs, self.index_docs = collections.defaultdict(int), collections.defaultdict(int)
        self.word_index, self.index_word = {}, {}

    def _tokens(self, text) -> list:
        if self.char_level or isinstance(text, list):
            return [t.lower() for t in text] if self.lower else list(text)
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts):
        """Count the words of texts (or lists of tokens) and number them."""
        for text in texts:
            self.document_count += 1
            tokens = self._tokens(text)
            for token in tokens:
                self.word_counts[token] = self.word_counts.get(token, 0) + 1
            for token in set(tokens):
                self.word_docs[token] += 1
        words = sorted(self.word_counts, key=self.word_counts.get, reverse=True)
        words = words if self.oov_token is None else [self.oov_token, *words]
        self.word_index = {word: i for i, word in enumerate(dict.fromkeys(words), 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences):
        """Count in how many lists of integers each one is, for sequences_to_matrix with "tfidf"."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for i in set(sequence):
                self.index_docs[i] += 1

    def texts_to_sequences(self, texts) -> list:
        """A list of integers for each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts):
        """texts_to_sequences one by one."""
        unknown = self.word_index.get(self.oov_token)
        most = self.num_words or len(self.word_index) + 1
        for text in texts:
            found = [self.word_index.get(token) for token in self._tokens(text)]
            found = [i if i is not None and i < most else unknown for i in found]
            yield [i for i in found if i is not None]

    def sequences_to_texts(self, sequences) -> list:
        """The words of lists of integers, with spaces between them."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences):
        """sequences_to_texts one by one."""
        most = self.num_words or len(self.word_index) + 1
        for sequence in sequences:
            words = [self.index_word.get(i) if i < most else None for i in map(int, sequence)]
            words = [self.oov_token if word is None else word for word in words]
            yield " ".join(word for word in words if word is not None)

    def texts_to_matrix(self, texts, mode="binary"):
        """sequences_to_matrix of texts."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """A row of num_words numbers for each list of integers: "binary", "count", "freq" or "tfidf"."""
        if mode not in MODES:
            raise ValueError(f"Tokenizer: expected mode among {', '.join(MODES)}, received {mode!r}")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: expected fit_on_texts or fit_on_sequences before mode='tfidf'")
        if not self.num_words and not self.word_index:
            raise ValueError("Tokenizer: expected num_words, or fit_on_texts before; received neither")
        width = self.num_words or len(self.word_index) + 1
        result = np.zeros((len(sequences), width))
        for row, sequence in zip(result, sequences):
            places, counts = np.unique(np.array([i for i in sequence if i < width], "int64"), return_counts=True)
            row[places] = self._weights(places, counts, mode, len(sequence))
        return result

    def _weights(self, places, counts, mode, length):
        if mode == "binary":
            return 1
        if mode == "count":
            return counts
        if mode == "freq":
            return counts / length
        seen = np.array([self.index_docs.get(i, 0) for i in places.tolist()])
        return (1 + np.log(counts)) * np.log(1 + self.document_count / (1 + seen))

    def get_config(self) -> dict:
        """Settings and counts; tables as JSON texts, as Keras has them."""
        tables = {name: json.dumps(getattr(self, name)) for name in
                  ("word_counts", "word_docs", "index_docs", "index_word", "word_index")}
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        return {**{name: getattr(self, name) for name in names}, **tables}

    def to_json(self, **kwargs) -> str:
        """The tokenizer as JSON, which tokenizer_from_json reads."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(text) -> Tokenizer:
    """The Tokenizer whose to_json() a text is, of Keras or kgraph."""
    config = json.loads(text)["config"]
    tables = {name: json.loads(config.pop(name)) for name in
              ("word_counts", "word_docs", "index_docs", "index_word", "word_index")}
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts = collections.OrderedDict(tables["word_counts"])
    tokenizer.word_docs.update(tables["word_docs"])
    tokenizer.index_docs.update({int(i): n for i, n in tables["index_docs"].items()})
    tokenizer.index_word = {int(i): word for i, word in tables["index_word"].items()}
    tokenizer.word_index = tables["word_index"]
    return tokenizer


def __dir__():
    return sorted(__all__)
