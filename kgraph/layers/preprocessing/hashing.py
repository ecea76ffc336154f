"""Categories by hash: no vocabulary, and collisions."""
from __future__ import annotations

import functools

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.config import floatx
from kgraph.layers.preprocessing.encoding import check_dense, check_output_mode, encode, encoded_shape
from kgraph.layers.preprocessing.fingerprints import cat64, fingerprint64, keyed_hash
from kgraph.layers.preprocessing.host import HostLayer

__all__ = ["HashedCrossing", "Hashing", "as_salt", "buckets_of"]

_CROSSING_SEED = 0xDECAFCAFFE


def as_salt(layer, salt):
    """A salt as a list of two integers, or None."""
    if salt is None:
        return None
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return [int(s) for s in salt]
    if isinstance(salt, (int, np.integer)) and not isinstance(salt, bool):
        return [int(salt)] * 2
    raise ValueError(f"layer {layer.name!r}: expected salt to be an integer or two, received {salt!r}")


def buckets_of(values, count: int, salt=None) -> np.ndarray:
    """The bucket in [0, count) of each text or integer (integers as their decimal text)."""
    values = values if values.dtype.kind in "OU" else values.astype("int64")
    hashed = fingerprint64 if salt is None else functools.partial(keyed_hash, key=salt)
    found = [hashed(str(v).encode()) % count for v in values.flat]
    return np.array(found, "int64").reshape(values.shape)


class Hashing(HostLayer):
    """Texts and integers as bins, by a hash: FarmHash64, or SipHash-2-4 with a salt.

    num_bins     how many bins
    mask_value   goes to bin 0, which nothing else then does
    salt         an integer or two: another hash function for each
    output_mode  "int", "one_hot", "multi_hot" or "count"
    """

    def __init__(self, num_bins, mask_value=None, salt=None, output_mode="int", sparse=False, **kwargs):
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else floatx()
        super().__init__(**kwargs)
        if not hasattr(num_bins, "__index__") or num_bins < 1:
            raise ValueError(f"layer {self.name!r}: expected num_bins of at least 1, received {num_bins!r}")
        check_dense(self, sparse=sparse)
        self.num_bins, self.mask_value, self.salt = int(num_bins), mask_value, as_salt(self, salt)
        self.output_mode = check_output_mode(self, output_mode, ("int", "one_hot", "multi_hot", "count"))
        if self.output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise ValueError(f"layer {self.name!r}: expected dtype int32 or int64 with output_mode='int', received "
                             f"{self.dtype}")

    def _compute(self, values):
        masked = self.mask_value is not None and self.num_bins > 1
        bins = buckets_of(values, self.num_bins - masked, self.salt)
        if masked:
            bins = np.where(values == self.mask_value, 0, bins + 1)
        return encode(bins, self.output_mode, self.num_bins, self.dtype).__array__()

    def _output_type(self, values):
        shape = values.shape if self.output_mode == "int" else encoded_shape(values.shape, self.output_mode,
                                                                             self.num_bins)
        return TensorType(shape, self.dtype)

    def get_config(self):
        return {**super().get_config(), "sparse": False,
                **self.settings("num_bins", "salt", "mask_value", "output_mode")}


class HashedCrossing(HostLayer):
    """Two or more categories together as one of num_bins bins; the inputs have shape (batch,) or (batch, 1).

    output_mode  "int" or "one_hot"
    """

    _dtype_by_name = True

    def __init__(self, num_bins, output_mode="int", sparse=False, **kwargs):
        if kwargs.get("dtype") is None and output_mode == "int":
            kwargs["dtype"] = "int64"
        super().__init__(**kwargs)
        if not hasattr(num_bins, "__index__") or num_bins < 1:
            raise ValueError(f"layer {self.name!r}: expected num_bins of at least 1, received {num_bins!r}")
        check_dense(self, sparse=sparse)
        self.num_bins = int(num_bins)
        self.output_mode = check_output_mode(self, output_mode, ("int", "one_hot"))

    def _gather(self, inputs):
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ValueError(f"layer {self.name!r}: expected a list of at least two inputs, received {inputs!r}")
        return [super(HashedCrossing, self)._gather(x) for x in inputs]

    def _compute(self, *features):
        shape = features[0].shape
        if any(f.shape != shape for f in features) or len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ValueError(f"layer {self.name!r}: expected inputs of one shape, (batch,) or (batch, 1), received "
                             f"{' and '.join(str(f.shape) for f in features)}")
        found = [functools.reduce(cat64, map(_number, row), _CROSSING_SEED) % self.num_bins
                 for row in zip(*(f.flat for f in features))]
        bins = np.array(found, "int64").reshape(shape)
        return encode(bins, self.output_mode, self.num_bins, self.dtype).__array__()

    def _output_type(self, *features):
        shape = features[0].shape
        return TensorType(shape if self.output_mode == "int" else encoded_shape(shape, "one_hot", self.num_bins),
                          self.dtype)

    def get_config(self):
        config = {**super().get_config(), "sparse": False, **self.settings("num_bins", "output_mode")}
        return {name: value for name, value in config.items() if name != "trainable"}


def _number(value) -> int:
    return fingerprint64(value.encode()) if isinstance(value, str) else int(value) & (1 << 64) - 1
