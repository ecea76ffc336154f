"""tf.lookup: tables from keys to values, on the host."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.arrays import convert_to_tensor
from kgraph.tensorflow.base.dtypes import as_dtype
from kgraph.tensorflow.base.texts import StringTensor
from kgraph.tensorflow.strings import to_hash_bucket_fast

__all__ = ["KeyValueTensorInitializer", "StaticHashTable", "StaticVocabularyTable"]


def _array(x):
    x = convert_to_tensor(x)
    return x.numpy_array() if isinstance(x, StringTensor) else x.numpy()


class KeyValueTensorInitializer:
    """Keys and their values, one for one."""

    def __init__(self, keys, values, key_dtype=None, value_dtype=None, name=None):
        self.keys, self.values = convert_to_tensor(keys, key_dtype), convert_to_tensor(values, value_dtype)
        self.key_dtype, self.value_dtype = as_dtype(self.keys.dtype), as_dtype(self.values.dtype)
        if tuple(self.keys.shape) != tuple(self.values.shape):
            raise ValueError(f"KeyValueTensorInitializer: expected as many values as keys, received {self.keys.shape} "
                             f"keys and {self.values.shape} values")


class StaticHashTable:
    """A table; what it does not hold has default_value."""

    def __init__(self, initializer, default_value, name=None, experimental_is_anonymous=False):
        self.key_dtype, self.value_dtype = initializer.key_dtype, initializer.value_dtype
        self._table = dict(zip(_array(initializer.keys).tolist(), _array(initializer.values).tolist()))
        self._default = None if default_value is None else _array(default_value).item()

    def lookup(self, keys, name=None):
        """The values of keys, in their shape."""
        array = _array(keys)
        out = np.empty(array.shape, object)
        for i in np.ndindex(array.shape):
            key = array[i] if isinstance(array[i], bytes) else array[i].item()
            out[i] = self._table[key] if key in self._table else self._missing(key)
        return StringTensor(out) if self.value_dtype == "string" else Tensor(out.astype(self.value_dtype.name))

    __getitem__ = lookup

    def _missing(self, key):
        return self._default

    def size(self, name=None):
        """The number of keys."""
        return convert_to_tensor(len(self._table), "int64")


class StaticVocabularyTable(StaticHashTable):
    """A table to int64 numbers; keys that it does not hold are spread over num_oov_buckets numbers behind them."""

    def __init__(self, initializer, num_oov_buckets, lookup_key_dtype=None, name=None, experimental_is_anonymous=False):
        if initializer.value_dtype != "int64":
            raise TypeError(f"StaticVocabularyTable: expected values of int64, received {initializer.value_dtype}")
        super().__init__(initializer, 0)
        self._buckets = int(num_oov_buckets)

    def _missing(self, key):
        text = key if isinstance(key, bytes) else str(key).encode()
        return len(self._table) + int(to_hash_bucket_fast(text, self._buckets).numpy())

    def size(self, name=None):
        """The number of keys and buckets."""
        return convert_to_tensor(len(self._table) + self._buckets, "int64")


def __getattr__(name):
    raise missing(__name__, name, __all__)
