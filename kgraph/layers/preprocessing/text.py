"""TextVectorization: texts as arrays of integers."""
from __future__ import annotations

import numpy as np

from kgraph import dtype_policies
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.config import floatx
from kgraph.layers.preprocessing.encoding import check_dense, check_output_mode
from kgraph.layers.preprocessing.host import HostLayer, batches_of
from kgraph.layers.preprocessing.lookup import _MODES, StringLookup, refuse_file, vocabulary_config
from kgraph.layers.preprocessing.tables import Text, standards, tokens_of
from kgraph.naming import nearest
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["TextVectorization"]


class TextVectorization(HostLayer):
    """Texts [batch] or [batch, 1] as token numbers [batch, length], or as codes of the whole vocabulary.

    The vocabulary comes from `vocabulary` or adapt(texts); used before, the layer raises ValueError.

    Args:
        max_tokens: the largest size of the vocabulary, with "" (padding, 0) and "[UNK]" (unknown, 1)
        standardize: "lower_and_strip_punctuation" (of ASCII), "lower", "strip_punctuation", None, or a function of an
            array of texts
        split: "whitespace", "character", None, or a function of an array of texts: lists of tokens
        ngrams: n: also pairs ... n tokens in a row; a tuple: runs of these lengths only
        output_mode: "int", "multi_hot", "count" or "tf_idf"
        output_sequence_length: with "int": texts are cut or filled up to it; None: to the longest of the batch
        pad_to_max_tokens, vocabulary, idf_weights: see StringLookup

    Example:
        >>> layers.TextVectorization(vocabulary=["cat", "dog"])(["The dog", "a cat"])
        <Tensor i64[2,2] [[1 3]
         [1 2]]>
    """

    def __init__(self, max_tokens=None, standardize="lower_and_strip_punctuation", split="whitespace", ngrams=None,
                 output_mode="int", output_sequence_length=None, pad_to_max_tokens=False, vocabulary=None,
                 idf_weights=None, sparse=False, ragged=False, encoding="utf-8", name=None, **kwargs):
        for old in ("dtype", "has_input_vocabulary"):
            kwargs.pop(old, None)
        size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, dtype="string", **kwargs)
        check_dense(self, sparse=sparse, ragged=ragged)
        self._standardize = self._known("standardize", standardize, tuple(standards))
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
        for tokens, counts in tokens_of(np.asarray(data, dtype=object), self._standardize, self._split, self._widths,
                                        self.name):
            self._lookup_layer.count(tokens, counts)

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
    def table(self):
        if callable(self._standardize) or callable(self._split):
            raise ValueError(f"layer {self.name!r} (TextVectorization): expected standardize and split by name, "
                             "received a function, which runs in Python")
        return self._step()

    def _step(self) -> Text:
        self._lookup_layer._require_vocabulary(self.name)
        widths = None if self._widths is None else list(self._widths)
        return Text(self.name, self._lookup_layer.table(), self._standardize, self._split, widths,
                    self.output_sequence_length, 0 if self.output_mode == "int" else -1)

    def table_type(self, texts) -> TensorType:
        length = self.output_sequence_length
        length = dim(f"{self.name}_length") if length is None else length
        return TensorType((*texts.shape[:1], length), "int64")

    def finish(self, places):
        return self._lookup_layer.finish(places)

    def _compute(self, texts):
        step = self._step()
        return step(texts) if self.output_mode == "int" else self._codes(*step.places(texts), texts.shape[:1])

    def _codes(self, places, counts, shape) -> np.ndarray:
        """As `finish` makes them, without a code for each token: memory for the vocabulary, not for the texts."""
        lookup = self._lookup_layer
        result = np.zeros((len(counts), lookup._depth), floatx())
        row, known = np.repeat(np.arange(len(counts)), counts), places >= 0
        np.add.at(result, (row[known], places[known]), 1)
        codes = lookup._weighted(np.minimum(result, 1) if self.output_mode == "multi_hot" else result)
        return codes.reshape(*shape, codes.shape[-1])

    def _output_type(self, texts):
        if self.output_mode == "int":
            return self.table_type(texts)
        if not self._lookup_layer.pad_to_max_tokens:
            self._lookup_layer._require_vocabulary(self.name, declared=True)
        return TensorType((*texts.shape[:1], self._lookup_layer._depth), floatx())

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

    def save_assets(self, dir_path):
        """Write the vocabulary into a folder, a token a line, as Keras keeps it beside the config.

        Args:
            dir_path: an existing folder
        """
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, files: dict):
        """Take the vocabulary from the text files that Keras keeps beside the config: {name: text}."""
        self._lookup_layer.load_assets(files)

    def save_own_variables(self, store):
        """Keras keeps the weights of tf_idf here, and once more with the lookup."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store):
        self._lookup_layer.load_own_variables(store)
