"""Vocabularies: texts or integers as positions in a list of known ones, and back."""
from __future__ import annotations

import collections
import itertools
import os
import pathlib

import numpy as np

from kgraph import dtype_policies
from kgraph.compiler.ir import TensorType
from kgraph.config import floatx
from kgraph.layers.preprocessing.encoding import check_dense, check_output_mode, encode, encoded_shape
from kgraph.layers.preprocessing.hashing import as_salt
from kgraph.layers.preprocessing.host import HostLayer, as_data, batches_of
from kgraph.layers.preprocessing.tables import Lookup
from kgraph.serialization import in_safe_mode

__all__ = ["IndexLookup", "IntegerLookup", "StringLookup"]

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(HostLayer):
    """What StringLookup and IntegerLookup share.

    The vocabulary begins with the mask token (if there is one, and output_mode is "int"), then come num_oov_indices
    places for what is not in it, then the tokens by falling frequency.

    Args:
        max_tokens: the largest size of the vocabulary, these places included
        num_oov_indices: 1: all unknown tokens share a place; more: a hash chooses; 0: an unknown token is a ValueError
        mask_token: goes to place 0, and is left out of counts
        oov_token: what an unknown position becomes when the layer is inverted
        vocabulary: the tokens, or the path of a file with one a line: in place of adapt()
        idf_weights: with a vocabulary and output_mode="tf_idf": a weight for each token
        invert: positions to tokens
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf" (counts times log(1 + texts / (1 + texts with
            the token)))
        pad_to_max_tokens: codes have max_tokens places, also for a smaller vocabulary
        oov_method: how several places for unknown integers are chosen: "floormod" or "farmhash".
        vocabulary_dtype: of the tokens, "int64" or "int32".
    """

    token_dtype = "string"

    def __init__(self, max_tokens=None, num_oov_indices=1, mask_token=None, oov_token=None, vocabulary=None,
                 idf_weights=None, invert=False, output_mode="int", pad_to_max_tokens=False, sparse=False, salt=None,
                 oov_method="floormod", **kwargs):
        for name in ("dtype", "has_input_vocabulary"):
            kwargs.pop(name, None)
        self._declared_size = kwargs.pop("vocabulary_size", None)  # of a vocabulary that comes after the config
        super().__init__(dtype=self.token_dtype, **kwargs)
        self.vocabulary_dtype = self.token_dtype
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token, self.invert = mask_token, oov_token, invert
        self.output_mode = check_output_mode(self, output_mode, _MODES)
        self.pad_to_max_tokens, self.salt, self.oov_method = pad_to_max_tokens, as_salt(self, salt), oov_method
        check_dense(self, sparse=sparse)
        self._check_settings(idf_weights)
        self.reset_state()
        self._tokens, self._idf, self._table = None, None, None
        self.input_vocabulary, self.input_idf_weights = vocabulary, idf_weights
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_settings(self, idf_weights):
        problems = (
            (self.max_tokens is not None and self.max_tokens <= 1, "max_tokens above 1", self.max_tokens),
            (self.num_oov_indices < 0, "num_oov_indices of at least 0", self.num_oov_indices),
            (self.pad_to_max_tokens and self.max_tokens is None, "max_tokens with pad_to_max_tokens", None),
            (self.invert and self.output_mode != "int", "output_mode='int' with invert", self.output_mode),
            (idf_weights is not None and self.output_mode != "tf_idf", "idf_weights with output_mode='tf_idf' only",
             self.output_mode),
            (self.oov_method not in ("floormod", "farmhash"), "oov_method 'floormod' or 'farmhash'", self.oov_method))
        for wrong, expected, received in problems:
            if wrong:
                raise ValueError(f"layer {self.name!r}: expected {expected}, received {received!r}")

    # ------------------------------------------------------------------ the vocabulary
    def adapt(self, data, batch_size=None, steps=None):
        """Make the vocabulary from data: one array or list of tokens, or batches of them (at most `steps`)."""
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch[:, None] if batch.ndim == 1 else batch)
        self.finalize_state()

    def reset_state(self):
        """Forget what update_state has counted."""
        self._counts, self._documents, self._seen = collections.Counter(), collections.Counter(), 0

    def update_state(self, data):
        """Count the tokens of a batch: an array, or a list of lists of tokens; each row is a text of its own."""
        rows = data.tolist() if isinstance(data, np.ndarray) and data.ndim > 1 else [data] if isinstance(
            data, np.ndarray) else data
        for row in rows:
            row = np.ravel(row).tolist()
            self.count(row, [len(row)])

    def count(self, tokens: list, counts):
        """Count the tokens of texts, of which each has as many as `counts` says."""
        self._counts.update(tokens)
        if self.output_mode == "tf_idf":
            rest = iter(tokens)
            for count in counts:
                self._documents.update(set(itertools.islice(rest, count)))
        self._seen += len(counts)

    def finalize_state(self):
        """The vocabulary of what was counted: by falling frequency, then by falling order."""
        for token in (self.mask_token, self.oov_token):
            self._counts.pop(token, None)
        if not self._counts:
            return
        tokens = sorted(self._counts.items(), key=lambda item: (item[1], item[0]), reverse=True)
        limit = None if not self.max_tokens else self.max_tokens - self._first_token
        tokens = [token for token, _ in tokens[:limit]]
        idf = None
        if self.output_mode == "tf_idf":
            found = np.array([self._documents[token] for token in tokens])
            idf = self._padded_idf(np.log(1 + self._seen / (1 + found)))
        self._take(tokens, idf)
        self.reset_state()

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Replace the vocabulary; see the class. Raises ValueError for tokens that repeat or are reserved."""
        if isinstance(vocabulary, (str, os.PathLike)):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = [self._as_token(line) for line in file.read().splitlines()]
        tokens = [self._as_token(t) for t in as_data(vocabulary).tolist()]
        if not tokens:
            raise ValueError(f"layer {self.name!r}: expected a vocabulary with tokens, received an empty one")
        special = [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices
        complete = tokens[:len(special)] == special and bool(special)
        tokens = tokens[len(special):] if complete else tokens
        self._check_tokens(tokens, special)
        idf = self._given_idf(idf_weights, tokens, complete)
        self._take(tokens, idf)

    def _check_tokens(self, tokens, special):
        repeated = [t for t, n in collections.Counter(tokens).items() if n > 1]
        if repeated:
            raise ValueError(f"layer {self.name!r}: expected each token once in the vocabulary, received "
                             f"{repeated[:5]} more than once")
        for token in (self.mask_token, *((self.oov_token,) if self.invert else ())):
            if token is not None and token in tokens:
                raise ValueError(f"layer {self.name!r}: expected the reserved tokens {special} at the beginning of the "
                                 f"vocabulary or not at all, received {token!r} elsewhere")
        size = self._first_token + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(f"layer {self.name!r}: expected a vocabulary of at most max_tokens={self.max_tokens}, "
                             f"received {size}")

    def _given_idf(self, weights, tokens, complete):
        if (weights is None) != (self.output_mode != "tf_idf"):
            raise ValueError(f"layer {self.name!r}: expected idf_weights with a vocabulary for output_mode='tf_idf', "
                             f"and only then, received output_mode={self.output_mode!r}, idf_weights={weights!r}")
        if weights is None:
            return None
        weights = np.asarray(weights, floatx())
        expected = len(tokens) + (self._first_token if complete else 0)
        if weights.shape != (expected,):
            raise ValueError(f"layer {self.name!r}: expected {expected} idf_weights, received shape {weights.shape}")
        return weights if complete else self._padded_idf(weights)

    def _padded_idf(self, weights):
        """Unknown tokens weigh what known ones weigh on average."""
        return np.concatenate([np.full(self._first_token, weights.mean()), weights]).astype(floatx())

    def _take(self, tokens, idf):
        self._tokens, self._idf = tokens, idf
        mask = None if self.mask_token is None else (self.mask_token, 0 if self.output_mode == "int" else -1)
        texts = self.token_dtype == "string"
        self._table = Lookup(self.name, tokens, self._first_token, mask, (self._first_oov, self.num_oov_indices),
                             self.salt, not texts and self.oov_method == "floormod", texts)

    @property
    def _first_oov(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _first_token(self) -> int:
        return self._first_oov + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens=True) -> list:
        """The tokens by position; with the mask and the places of unknown tokens, or without."""
        special = [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices
        tokens = list(self._tokens or ())
        return special + tokens if include_special_tokens and tokens else tokens

    def vocabulary_size(self) -> int:
        """The number of tokens, with the mask and the places of unknown tokens."""
        if self._tokens is None and self._declared_size is not None:
            return self._declared_size
        return self._first_token + len(self._tokens or ())

    def _as_token(self, value):
        return str(value)

    # ------------------------------------------------------------------ calling
    def _require_vocabulary(self, name=None, declared=False):
        """Raise ValueError before there is one; name: of the layer to speak of. declared: or at least its size."""
        if self._tokens is None:
            if declared and self._declared_size is not None:
                return
            raise ValueError(f"layer {(name or self.name)!r}: expected a vocabulary, or adapt(data) before the layer "
                             "is used; received neither")

    @property
    def _depth(self) -> int:
        return self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()

    def _compute(self, values):
        self._require_vocabulary()
        if self.invert:
            return self._inverted(np.asarray(values))
        places = self._table(values)
        return places if self.output_mode == "int" else self.finish(places).__array__()

    def table(self):
        self._require_vocabulary()
        if self.invert:
            raise ValueError(f"layer {self.name!r} ({type(self).__name__}): expected invert=False, received True: it "
                             "makes texts of integers")
        return self._table

    def finish(self, places):
        if self.output_mode == "int":
            return places
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return self._weighted(encode(places, mode, self._depth, floatx()))

    def _weighted(self, codes):
        """Counts times the weights of the tokens, for tf_idf."""
        if self.output_mode != "tf_idf":
            return codes
        return codes * np.pad(self._idf, (0, codes.shape[-1] - len(self._idf)))

    def _inverted(self, places):
        tokens = np.array(self.get_vocabulary(), dtype=object)
        inside = (places >= 0) & (places < len(tokens))
        found = tokens[np.where(inside, places, 0).astype("int64")]
        return np.where(inside, found, self.oov_token).astype("int64" if self.token_dtype == "int64" else str)

    def _output_type(self, values):
        if self.output_mode == "int":
            return TensorType(values.shape, self.token_dtype if self.invert else "int64")
        if not self.pad_to_max_tokens:
            self._require_vocabulary(declared=True)
        return TensorType(encoded_shape(values.shape, self.output_mode, self._depth), floatx())

    @property
    def input_dtype(self) -> str:
        return "int64" if self.invert else self.token_dtype

    # ------------------------------------------------------------------ configs and files
    def _known_size(self):
        """The size of the vocabulary, or None where there is none yet."""
        return None if self._tokens is None and self._declared_size is None else self.vocabulary_size()

    def get_config(self):
        config = {**super().get_config(), "sparse": False, "vocabulary_size": self._known_size(), **self.settings(
            "invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode", "pad_to_max_tokens",
            "oov_method", "salt")}
        config.update(vocabulary_config(self))
        return {**config, "dtype": dtype_policies.serialize(dtype_policies.get(None))}

    @classmethod
    def from_config(cls, config):
        refuse_file(cls, config)
        return cls(**{name: value for name, value in config.items() if name != "vocabulary_dtype"})

    def save_assets(self, dir_path):
        """Write the vocabulary into a folder, a token a line, as Keras keeps it beside the config.

        Args:
            dir_path: an existing folder; the file there is called vocabulary.txt
        """
        tokens = self.get_vocabulary(include_special_tokens=False)
        text = "".join(f"{token}\n" for token in tokens)
        pathlib.Path(dir_path, "vocabulary.txt").write_text(text, encoding="utf-8")

    def load_assets(self, files: dict):
        """Take the vocabulary from the text files that Keras keeps beside the config: {name: text}."""
        if self._tokens is None and "vocabulary.txt" in files:
            tokens = [self._as_token(line) for line in files["vocabulary.txt"].rstrip("\n").split("\n")]
            idf = None if self.output_mode != "tf_idf" else self._idf[:len(tokens)]
            self.set_vocabulary(tokens, idf)

    def save_own_variables(self, store):
        if self._idf is not None:
            store["idf_weights"] = self._idf

    def load_own_variables(self, store):
        if "idf_weights" in store:
            self._idf = np.asarray(store["idf_weights"])


def vocabulary_config(lookup) -> dict:
    """The vocabulary of a lookup as its config holds it."""
    idf = None if lookup._idf is None else lookup._idf[lookup._first_token:].tolist()
    return {"vocabulary": None if lookup._tokens is None else list(lookup._tokens), "idf_weights": idf}


def refuse_file(cls, config):
    """A config must not make a layer read a file."""
    if isinstance(config.get("vocabulary"), str) and in_safe_mode():
        raise ValueError(f"{cls.__name__}: the config names a vocabulary file, {config['vocabulary']!r}, which is not "
                         "read in safe mode: pass safe_mode=False if you trust where it comes from")


class StringLookup(IndexLookup):
    """Texts as positions in a vocabulary, which is given or found by adapt().

    It begins with the mask token (if there is one, and output_mode is "int"), then come num_oov_indices places for what
    is not in it, then the tokens by falling frequency.

    Example:
        >>> layers.StringLookup(vocabulary=["a", "b"])(np.array(["b", "z"]))
        <Tensor i64[2] [2 0]>
    """

    def __init__(self, max_tokens=None, num_oov_indices=1, mask_token=None, oov_token="[UNK]", vocabulary=None,
                 idf_weights=None, invert=False, output_mode="int", pad_to_max_tokens=False, sparse=False,
                 encoding="utf-8", name=None, salt=None, **kwargs):
        self.encoding = encoding
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
                         output_mode, pad_to_max_tokens, sparse, salt, name=name, **kwargs)

    def get_config(self):
        return {**super().get_config(), "encoding": self.encoding}


class IntegerLookup(IndexLookup):
    """Integers as positions in a vocabulary, which is given or found by adapt().

    It begins with the mask token (if there is one, and output_mode is "int"), then come num_oov_indices places for what
    is not in it, then the tokens by falling frequency.

    Example:
        >>> layers.IntegerLookup(vocabulary=[10, 20])(np.array([20, 99]))
        <Tensor i64[2] [2 0]>
    """

    token_dtype = "int64"

    def __init__(self, max_tokens=None, num_oov_indices=1, mask_token=None, oov_token=-1, vocabulary=None,
                 vocabulary_dtype="int64", idf_weights=None, invert=False, output_mode="int", sparse=False,
                 pad_to_max_tokens=False, oov_method="floormod", salt=None, name=None, **kwargs):
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
                         output_mode, pad_to_max_tokens, sparse, salt, oov_method, name=name, **kwargs)

    def _as_token(self, value):
        return int(value)

    def get_config(self):
        return {**super().get_config(), "vocabulary_dtype": "int64"}
