"""Texts and integers as numbers, by tables and hashes: what the text layers do, as data and functions of NumPy alone.

Each step is a dataclass whose fields are plain data, so that it can be written to a file. Exported models carry a copy
of this module and of `fingerprints` (see kgraph.export.front), so neither imports anything else of kgraph.
"""
from __future__ import annotations

import functools
import itertools
import string
from dataclasses import asdict, dataclass

import numpy as np

from .fingerprints import cat64, fingerprint64, keyed_hash

__all__ = ["Cross", "Hash", "Lookup", "Tables", "Text", "as_array", "as_dict", "standards", "tokens_of"]

_CROSSING_SEED = 0xDECAFCAFFE
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_STRIP = dict.fromkeys(map(ord, string.punctuation))
standards = {"lower": _LOWER, "strip_punctuation": _STRIP, "lower_and_strip_punctuation": _LOWER | _STRIP}

_TEXTS = 512                        # that are cut into words at once
_END = "\0"                         # between them
_BLANK = np.isin(np.arange(256), list(b" \t\n\v\f\r" + _END.encode()))


def as_array(x) -> np.ndarray:
    """x as an array of numbers or of str; bytes are UTF-8. Text is kept as objects: a long one costs its own size."""
    array = x.to_numpy() if hasattr(x, "to_numpy") else x if isinstance(x, np.ndarray) else np.array(x, dtype=object)
    if array.dtype.kind == "S":
        array = array.astype(object)
    if array.dtype.kind != "O":
        return array
    first = array.flat[0] if array.size else ""
    if not isinstance(first, (str, bytes)):
        return np.array(array.tolist())
    flat = [t.decode("utf-8") if isinstance(t, bytes) else str(t) for t in array.flat]
    return np.array(flat, dtype=object).reshape(array.shape)


# ---------------------------------------------------------------------------------------------------- the steps


@dataclass
class Lookup:
    """Tokens as places: the i-th of `tokens` has place first + i.

    name     of the layer, for messages
    mask     (token, its place) or None
    unknown  (first place, how many) of those for tokens that are not known; several are chosen by a hash,
    by_rest  or, of integers, by the rest of a division
    texts    whether tokens are texts
    """

    name: str
    tokens: list
    first: int
    mask: tuple | None = None
    unknown: tuple = (0, 1)
    salt: list | None = None
    by_rest: bool = False
    texts: bool = True

    def __post_init__(self):
        self.index = {token: i for i, token in enumerate(self.tokens, self.first)}
        if self.mask is not None:
            self.index[self.mask[0]] = self.mask[1]

    def places(self, tokens: list) -> np.ndarray:
        """The place of each token."""
        unknown = self.unknown[0] if self.unknown[1] == 1 else None
        found = map(self.index.get, tokens, itertools.repeat(unknown))
        if unknown is None:
            found = (self._unknown(token) if place is None else place for token, place in zip(tokens, found))
        return np.fromiter(found, "int64", len(tokens))

    def _unknown(self, token) -> int:
        start, count = self.unknown
        if count == 0:
            raise ValueError(f"layer {self.name!r}: expected tokens of the vocabulary, since num_oov_indices=0, "
                             f"received {token!r}")
        if self.by_rest:
            return token % count + start
        return _bucket(token, count, self.salt) + start

    def __call__(self, values) -> np.ndarray:
        if self.texts and values.dtype.kind not in "OU":
            raise ValueError(f"layer {self.name!r}: expected texts, received an array of {values.dtype}")
        return self.places(values.ravel().tolist()).reshape(values.shape)


@dataclass
class Text:
    """Texts as rows of the places of their tokens.

    standardize, split, widths   see `tokens_of`
    lookup   of a token's place
    length   of a row; None: the longest of the batch
    padding  what rows end with
    """

    name: str
    lookup: Lookup
    standardize: object = None
    split: object = None
    widths: list | None = None
    length: int | None = None
    padding: int = 0

    def __post_init__(self):
        if isinstance(self.lookup, dict):
            self.lookup = Lookup(**self.lookup)

    def places(self, texts) -> tuple:
        """(the places of all texts' tokens, how many each text has)"""
        if texts.dtype.kind not in "OU":
            raise ValueError(f"layer {self.name!r}: expected texts, received an array of {texts.dtype}")
        found = [(self.lookup.places(tokens), counts) for tokens, counts in tokens_of(
            np.atleast_1d(texts), self.standardize, self.split, self.widths, self.name)]
        return tuple(map(np.concatenate, zip(*found))) if found else (np.zeros(0, "int64"),) * 2

    def __call__(self, texts) -> np.ndarray:
        (places, counts), length = self.places(texts), self.length
        if length is None:
            length = int(counts.max(initial=int(self.padding < 0)))
        column = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        result = np.full((len(counts), length), self.padding, "int64")
        result[np.arange(length) < counts[:, None]] = places[column < length]
        if self.split is None and texts.ndim == 1 and length == 1 and self.padding == 0:
            return result[:, 0]  # a text is a token then
        return result.reshape(*texts.shape[:1], length)


@dataclass
class Hash:
    """Texts and integers as one of so many bins, by a hash; `mask` alone is in bin 0, where there is one."""

    name: str
    bins: int
    mask: object = None
    salt: list | None = None

    def __call__(self, values) -> np.ndarray:
        masked = self.mask is not None and self.bins > 1
        values = values if values.dtype.kind in "OU" else values.astype("int64")
        found = [_bucket(v, self.bins - masked, self.salt) for v in values.flat]
        bins = np.array(found, "int64").reshape(values.shape)
        return np.where(values == self.mask, 0, bins + 1) if masked else bins


@dataclass
class Cross:
    """Several categories together as one of so many bins."""

    name: str
    bins: int

    def __call__(self, *features) -> np.ndarray:
        shape = features[0].shape
        if any(f.shape != shape for f in features) or len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ValueError(f"layer {self.name!r}: expected inputs of one shape, (batch,) or (batch, 1), received "
                             f"{' and '.join(str(f.shape) for f in features)}")
        found = [functools.reduce(cat64, map(_number, row), _CROSSING_SEED) % self.bins
                 for row in zip(*(f.flat for f in features))]
        return np.array(found, "int64").reshape(shape)


def _bucket(value, count: int, salt) -> int:
    data = str(value).encode()
    return (fingerprint64(data) if salt is None else keyed_hash(data, salt)) % count


def _number(value) -> int:
    return fingerprint64(value.encode()) if isinstance(value, str) else int(value) & (1 << 64) - 1


# ---------------------------------------------------------------------------------------------------- texts as tokens


def tokens_of(texts, standardize, split, widths, name):
    """Yields lists of tokens, and of runs of them, of some texts, with an array of how many each text has.

    standardize  a name among `standards`, None, or a function of an array of texts
    split        "whitespace", "character", None (each row of texts is one of tokens), or a function
    widths       of the runs of tokens that are tokens, too; None: tokens alone
    name         of the layer, for messages
    """
    if callable(standardize):
        texts = as_array(standardize(texts.astype(str)))
    if split is None:
        yield _joined((_standardized(row, standardize) for row in texts.reshape(len(texts), -1).tolist()), widths)
        return
    if texts.ndim > 1:
        if texts.shape[-1] != 1:
            raise ValueError(f"layer {name!r}: expected texts of shape (batch,) or (batch, 1), received {texts.shape}")
        texts = texts[..., 0]
    texts = texts.ravel().tolist()
    if callable(split):
        rows = split(np.array(_standardized(texts, standardize), dtype=str))
        yield _joined((map(str, as_array(row).tolist()) for row in rows), widths)
        return
    for start in range(0, len(texts), _TEXTS):
        some = _standardized(texts[start:start + _TEXTS], standardize)
        yield _joined(map(list, some), widths) if split == "character" else _in_words(some, widths)


def _standardized(texts, how) -> list:
    """Texts as a standard has them. Python changes one long text in a fraction of the time that many take."""
    table = standards.get(how) if isinstance(how, str) else None
    if table is None:
        return texts
    changed = _END.join(texts).translate(table).split(_END)
    return changed if len(changed) == len(texts) else [text.translate(table) for text in texts]


def _in_words(texts, widths) -> tuple:
    """The words of texts, and how many each has: as many as begin in it."""
    joined = _END.join(texts)
    data = np.frombuffer(joined.encode(), "u1")
    ends = np.flatnonzero(data == ord(_END))
    if widths is not None or len(ends) != len(texts) - 1:
        return _joined(map(_words, texts), widths)
    blank = np.append(True, _BLANK[data])
    begins = np.flatnonzero(blank[:-1] & ~blank[1:])
    return _words(joined.replace(_END, " ")), np.diff(np.searchsorted(begins, ends), prepend=0, append=len(begins))


def _words(text: str) -> list:
    """The words between ASCII white space; str.split() takes more for it."""
    if text.isascii() and not any(map(text.__contains__, "\x1c\x1d\x1e\x1f")):
        return text.split()
    return [word.decode() for word in text.encode().split()]


def _joined(rows, widths) -> tuple:
    """The tokens of rows, with their runs, in one list, and how many each row has."""
    rows = [_with_runs(list(row), widths) for row in rows]
    return list(itertools.chain.from_iterable(rows)), np.array([len(row) for row in rows], "int64")


def _with_runs(tokens, widths) -> list:
    if widths is None:
        return tokens
    return [" ".join(tokens[i:i + n]) for n in widths for i in range(len(tokens) - n + 1)]


# ---------------------------------------------------------------------------------------------------- several steps

_KINDS = {kind.__name__: kind for kind in (Lookup, Text, Hash, Cross)}


def as_dict(step) -> dict:
    """A step as data."""
    return {"kind": type(step).__name__, "settings": asdict(step)}


class Tables:
    """Steps as `as_dict` has them, from the inputs of a model to what its compiled part takes.

    found  {inputs: [{name, dtype, shape}], steps: [{kind, settings, reads}], entries}: reads and entries are numbers,
           first of the inputs, then of the steps
    """

    def __init__(self, found: dict):
        self.inputs, self.entries = found["inputs"], found["entries"]
        self.steps = [(_KINDS[step["kind"]](**step["settings"]), step["reads"]) for step in found["steps"]]

    def __call__(self, arrays) -> list:
        values = list(arrays)
        for step, reads in self.steps:
            values.append(step(*[values[i] for i in reads]))
        return [values[i] for i in self.entries]
