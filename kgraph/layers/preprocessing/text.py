"""TextVectorization: texts as arrays of integers."""
from __future__ import annotations

import string

import numpy as np

from kgraph import dtype_policies
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.config import floatx
from kgraph.layers.preprocessing.encoding import check_dense, check_output_mode
from kgraph.layers.preprocessing.host import HostLayer, batches_of
from kgraph.layers.preprocessing.lookup import _MODES, StringLookup, refuse_file, vocabulary_config
from kgraph.naming import nearest
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["TextVectorization"]

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_STRIP = dict.fromkeys(map(ord, string.punctuation))
_STANDARDIZE = {"lower": _LOWER, "strip_punctuation": _STRIP, "lower_and_strip_punctuation": _LOWER | _STRIP}


class TextVectorization(HostLayer):
    """Texts [batch] or [batch, 1] as token numbers [batch, length], or as codes of the whole vocabulary.

    max_tokens              the largest size of the vocabulary, with "" (padding, 0) and "[UNK]" (unknown, 1)
    standardize             "lower_and_strip_punctuation" (of ASCII), "lower", "strip_punctuation", None, or a function
                            of an array of texts
    split                   "whitespace", "character", None, or a function of an array of texts: lists of tokens
    ngrams                  n: also pairs ... n tokens in a row; a tuple: runs of these lengths only
    output_mode             "int", "multi_hot", "count" or "tf_idf"
    output_sequence_length  with "int": texts are cut or filled up to it; None: to the longest of the batch
    pad_to_max_tokens, vocabulary, idf_weights   see StringLookup
    The vocabulary comes from `vocabulary` or adapt(texts); used before, the layer raises ValueError.
    """

    def __init__(self, max_tokens=None, standardize="lower_and_strip_punctuation", split="whitespace", ngrams=None,
                 output_mode="int", output_sequence_length=None, pad_to_max_tokens=False, vocabulary=None,
                 idf_weights=None, sparse=False, ragged=False, encoding="utf-8", name=None, **kwargs):
        for old in ("dtype", "has_input_vocabulary"):
            kwargs.pop(old, None)
        size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, dtype="string", **kwargs)
        check_dense(self, sparse=sparse, ragged=ragged)
        self._standardize = self._known("standardize", standardize, tuple(_STANDARDIZE))
        self._split = self._known("split", split, ("whitespace", "character"))
        self.output_mode = check_output_mode(self, output_mode, _MODES)
        if ngrams is not None and not all(isinstance(n, int) for n in np.atleast_1d(ngrams).tolist()):
            raise ValueError(f"layer {self.name!r}: expected ngrams to be an int or a tuple of ints, received "
                             f"{ngrams!r}")
        self._ngrams = ngrams
        self._widths = range(1, ngrams + 1) if isinstance(ngrams, int) else ngrams
        if output_sequence_length is not None and self.output_mode != "int":
            raise ValueError(f"layer {self.name!r}: expected output_sequence_length with output_mode='int' only, "
                             f"received output_mode={output_mode!r}")
        self.output_sequence_length, self.encoding = output_sequence_length, encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            pad_to_max_tokens=pad_to_max_tokens, output_mode=self.output_mode, encoding=encoding,
            vocabulary_size=size)

    def _known(self, name, value, known):
        if value is not None and not callable(value) and value not in known:
            raise ValueError(f"layer {self.name!r}: expected {name} among {', '.join(known)}, None or a function, "
                             f"received {value!r}.{nearest(value, known)}")
        return value

    # ------------------------------------------------------------------ the vocabulary
    def adapt(self, data, batch_size=None, steps=None):
        """Make the vocabulary from texts: a list or array of them, or batches (at most `steps`)."""
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Count the tokens of a batch of texts."""
        self._lookup_layer.update_state(self._tokenized(np.asarray(data, dtype=object)))

    def finalize_state(self):
        """The vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self):
        """Forget what was counted."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens=True) -> list:
        """The tokens by number; see StringLookup."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Replace the vocabulary; see StringLookup."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def vocabulary_size(self) -> int:
        """The number of tokens, padding and unknown included."""
        return self._lookup_layer.vocabulary_size()

    # ------------------------------------------------------------------ calling
    def _tokenized(self, texts) -> list:
        """A list of tokens, and of runs of them, for each text."""
        if callable(self._standardize):
            texts = np.asarray(self._standardize(texts.astype(str)), dtype=object)
        if self._split is None:
            return [self._with_runs(self._standardized(row)) for row in texts.reshape(len(texts), -1).tolist()]
        if texts.ndim > 1:
            if texts.shape[-1] != 1:
                raise ValueError(f"layer {self.name!r}: expected texts of shape (batch,) or (batch, 1), received "
                                 f"{texts.shape}")
            texts = texts[..., 0]
        texts = self._standardized(texts.ravel().tolist())
        if callable(self._split):
            rows = [list(map(str, row)) for row in self._split(np.array(texts, dtype=str))]
        else:
            rows = [_words(text) if self._split == "whitespace" else list(text) for text in texts]
        return [self._with_runs(row) for row in rows]

    def _standardized(self, texts) -> list:
        table = _STANDARDIZE.get(self._standardize) if isinstance(self._standardize, str) else None
        return texts if table is None else [text.translate(table) for text in texts]

    def _compute(self, texts):
        self._lookup_layer._require_vocabulary(self.name)
        if texts.dtype.kind not in "OU":
            raise ValueError(f"layer {self.name!r}: expected texts, received an array of {texts.dtype}")
        shape = texts.shape[:1] if texts.ndim else ()
        rows = [self._lookup_layer.places(row) for row in self._tokenized(np.atleast_1d(texts))]
        result = self._padded(rows) if self.output_mode == "int" else self._codes(rows)
        if self._split is None and texts.ndim == 1 and result.shape[1:] == (1,) and self.output_mode == "int":
            return result[:, 0]  # a text is a token then
        return result.reshape(*shape, result.shape[-1])

    def _with_runs(self, tokens) -> list:
        if self._ngrams is None:
            return tokens
        return [" ".join(tokens[i:i + n]) for n in self._widths for i in range(len(tokens) - n + 1)]

    def _padded(self, rows) -> np.ndarray:
        length = self.output_sequence_length
        length = max(map(len, rows), default=0) if length is None else length
        result = np.zeros((len(rows), length), "int64")
        for i, row in enumerate(rows):
            result[i, :len(row)] = row[:length]
        return result

    def _codes(self, rows) -> np.ndarray:
        lookup = self._lookup_layer
        result = np.zeros((len(rows), lookup._depth), floatx())
        for i, row in enumerate(rows):
            places = np.array(row, "int64")
            np.add.at(result[i], places[places >= 0], 1)
        return lookup._weighted(np.minimum(result, 1) if self.output_mode == "multi_hot" else result)

    def _output_type(self, texts):
        if self.output_mode != "int":
            if not self._lookup_layer.pad_to_max_tokens:
                self._lookup_layer._require_vocabulary(self.name, declared=True)
            return TensorType((*texts.shape[:1], self._lookup_layer._depth), floatx())
        length = self.output_sequence_length
        return TensorType((*texts.shape[:1], dim(f"{self.name}_length") if length is None else length), "int64")

    @property
    def input_dtype(self) -> str:
        return "string"

    # ------------------------------------------------------------------ configs and files
    def get_config(self):
        lookup = self._lookup_layer
        return {**super().get_config(), "dtype": dtype_policies.serialize(dtype_policies.get(None)),
                "max_tokens": lookup.max_tokens, "standardize": serialize_keras_object(self._standardize),
                "split": serialize_keras_object(self._split), "ngrams": self._ngrams, "output_mode": self.output_mode,
                "output_sequence_length": self.output_sequence_length, "pad_to_max_tokens": lookup.pad_to_max_tokens,
                "sparse": False, "ragged": False, "encoding": self.encoding, "vocabulary_size": self.vocabulary_size(),
                **vocabulary_config(lookup)}

    @classmethod
    def from_config(cls, config):
        refuse_file(cls, config)
        config = dict(config)
        for name in ("standardize", "split"):
            config[name] = deserialize_keras_object(config.get(name))
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return cls(**config)

    def load_assets(self, files: dict):
        """Take the vocabulary from the text files that Keras keeps beside the config: {name: text}."""
        self._lookup_layer.load_assets(files)

    def save_own_variables(self, store):
        """Keras keeps the weights of tf_idf here, and once more with the lookup."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store):
        self._lookup_layer.load_own_variables(store)


def _words(text: str) -> list:
    """The words between ASCII white space."""
    return text.split() if text.isascii() else [word.decode() for word in text.encode().split()]
