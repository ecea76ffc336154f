"""Samples of text for what is learned from them: rows of tokens."""
from __future__ import annotations

import math

import numpy as np

from kgraph import ops

__all__ = ["windows"]


def windows(config) -> np.ndarray:
    """The samples of a SampledConfig, int32 [num_samples, 1, sequence_length]: pieces of all that its dataset holds,
    one after the other, that begin at equal distances. Where there are too few tokens, they are taken again.

    Raises TypeError for a dataset that is no iterable of texts or arrays, ValueError for one that is empty.
    """
    where, dataset = f"{type(config).__name__}: ", config.dataset
    if not hasattr(dataset, "__iter__") or isinstance(dataset, (str, bytes)):
        raise TypeError(f"{where}expected dataset to be an iterable of texts or of arrays of tokens, received "
                        f"{dataset!r}")
    tokens = [np.ravel(ops.convert_to_numpy(_tokens(x, config.tokenizer))).astype("int32") for x in dataset]
    tokens = np.concatenate(tokens) if tokens else np.empty(0, "int32")
    if not len(tokens):
        raise ValueError(f"{where}expected a dataset with tokens, received one without")
    count, length = config.num_samples, config.sequence_length
    tokens = np.tile(tokens, math.ceil(count * length / len(tokens)) if len(tokens) < count * length else 1)
    starts = np.arange(count) * max(1, (len(tokens) - length + 1) // count) % (len(tokens) - length + 1)
    return tokens[starts[:, None, None] + np.arange(length)]


def _tokens(x, tokenizer):
    return getattr(tokenizer, "tokenize", tokenizer)(x) if isinstance(x, str) else x
