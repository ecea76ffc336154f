"""Texts as lists of word numbers: what the IMDB and Reuters data sets have in common."""
from __future__ import annotations

import numpy as np

__all__ = ["encode", "ragged"]


def encode(parts, num_words, skip_top, maxlen, start_char, oov_char, index_from):
    """parts, pairs of (texts, labels), with words renumbered and rare ones replaced, as Keras does it.

    Words move up by index_from and each text begins with start_char (if not None); texts of maxlen words or more are
    left out; words not in [skip_top, num_words) become oov_char, or are left out where that is None. num_words is the
    largest number met, if not given. Raises ValueError when a part has no text left.
    """
    head = [] if start_char is None else [start_char]
    parts = [([head + [w + index_from for w in text] for text in texts], np.asarray(labels)) for texts, labels in parts]
    if maxlen:
        parts = [_shorter(texts, labels, maxlen) for texts, labels in parts]
    num_words = num_words or max(max(text, default=0) for texts, _ in parts for text in texts)
    return [([_limit(text, skip_top, num_words, oov_char) for text in texts], labels) for texts, labels in parts]


def _shorter(texts, labels, maxlen):
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        raise ValueError(f"expected some text of fewer than maxlen={maxlen} words, received none: increase maxlen")
    return [texts[i] for i in kept], labels[kept]


def _limit(text, low, high, oov_char):
    if oov_char is None:
        return [w for w in text if low <= w < high]
    return [w if low <= w < high else oov_char for w in text]


def ragged(texts):
    """An array whose elements are the lists."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array
