"""Sequences: windows of series, pairs of words."""
from __future__ import annotations

import json
import random

import numpy as np

from kgraph.training.data import PyDataset
from kgraph.utils.sequences import pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]


class TimeseriesGenerator(PyDataset):
    """Batches (samples, targets) of a series: the steps before each target.

    data, targets  of one length; axis 0 is time. Sample i is data[i - length:i:sampling_rate], its target targets[i]
    length         how far a sample reaches back, in steps
    sampling_rate  every so many steps are taken; stride: every so many samples
    start_index, end_index   the part of the data to use (end_index included)
    shuffle        samples in random order; reverse: the steps of each sample backwards
    """

    def __init__(self, data, targets, length, sampling_rate=1, stride=1, start_index=0, end_index=None, shuffle=False,
                 reverse=False, batch_size=128):
        super().__init__()
        if len(data) != len(targets):
            raise ValueError("TimeseriesGenerator: expected data and targets of one length, received "
                             f"{len(data)} and {len(targets)}")
        self.data, self.targets, self.length = np.asarray(data), np.asarray(targets), length
        self.sampling_rate, self.stride, self.batch_size = sampling_rate, stride, batch_size
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse = shuffle, reverse
        if self.start_index > self.end_index:
            raise ValueError(f"TimeseriesGenerator: expected more than {length} steps between start_index and "
                             f"end_index, received {start_index} and {self.end_index}")

    def __len__(self):
        return -(-(self.end_index - self.start_index + 1) // (self.batch_size * self.stride))

    def __getitem__(self, index):
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            rows = np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)
        samples = np.array([self.data[row - self.length:row:self.sampling_rate] for row in rows])
        return (samples[:, ::-1] if self.reverse else samples), self.targets[rows]

    def get_config(self) -> dict:
        """The arguments, with the data as JSON."""
        names = ("length", "sampling_rate", "stride", "end_index", "shuffle", "reverse", "batch_size")
        return {"data": json.dumps(self.data.tolist()), "targets": json.dumps(self.targets.tolist()),
                "start_index": self.start_index - self.length, **{name: getattr(self, name) for name in names}}


def make_sampling_table(size, sampling_factor=1e-5):
    """The probability of keeping word i, for words numbered by frequency as Zipf's law has it.

    Mikolov et al., "Distributed representations of words and phrases" (2013), section 2.3.
    """
    rank = np.arange(size)
    rank[0] = 1
    inverse = rank * (np.log(rank) + np.euler_gamma) + 0.5 - 1.0 / (12.0 * rank)
    share = sampling_factor * inverse
    return np.minimum(1.0, share / np.sqrt(share))


def skipgrams(sequence, vocabulary_size, window_size=4, negative_samples=1.0, shuffle=True, categorical=False,
              sampling_table=None, seed=None):
    """(pairs of words, labels): words that stand within window_size of each other get 1, random pairs 0.

    negative_samples  how many random pairs for each true one
    categorical       labels [0, 1] and [1, 0] in place of 1 and 0
    sampling_table    the probability of keeping each word, see make_sampling_table
    Word 0 is padding, and left out.
    """
    rng = random.Random(seed) if seed is not None else random
    kept = [word and (sampling_table is None or sampling_table[word] >= rng.random()) for word in sequence]
    yes, no = ([0, 1], [1, 0]) if categorical else (1, 0)
    pairs = [[sequence[i], sequence[j]] for i in range(len(sequence)) if kept[i]
             for j in range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
             if j != i and sequence[j]]
    labels = [yes] * len(pairs)
    count = int(len(pairs) * negative_samples)
    words = [pair[0] for pair in pairs]
    rng.shuffle(words)
    pairs += [[words[i % len(words)], rng.randint(1, vocabulary_size - 1)] for i in range(count)]
    labels += [no] * count
    if shuffle:
        order = list(range(len(pairs)))
        rng.shuffle(order)
        pairs, labels = [pairs[i] for i in order], [labels[i] for i in order]
    return pairs, labels


def __dir__():
    return sorted(__all__)
