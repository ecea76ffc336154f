"""Categories by hash: no vocabulary, and collisions."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.config import floatx
from kgraph.layers.preprocessing.encoding import check_dense, check_output_mode, encode, encoded_shape
from kgraph.layers.preprocessing.host import HostLayer
from kgraph.layers.preprocessing.tables import Cross, Hash

__all__ = ["HashedCrossing", "Hashing", "as_salt"]


def as_salt(layer, salt):
    """A salt as a list of two integers, or None."""
    if salt is None:
        return None
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return [int(s) for s in salt]
    if isinstance(salt, (int, np.integer)) and not isinstance(salt, bool):
        return [int(salt)] * 2
    raise ValueError(f"layer {layer.name!r}: expected salt to be an integer or two, received {salt!r}")


class Hashing(HostLayer):
    """Texts and integers as bins, by a hash: FarmHash64, or SipHash-2-4 with a salt.

    Args:
        num_bins: how many bins, the mask's included.
        mask_value: goes to bin 0, which nothing else then does
        salt: an integer or two: another hash function for each
        output_mode: "int", "one_hot", "multi_hot" or "count"

    Raises:
        ValueError: num_bins is below 1; a dtype that cannot be; another output_mode.

    Example:
        >>> layers.Hashing(8)(np.array([["a", "b"]])).shape
        (1, 2)
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

    @property
    def strong_hash(self) -> bool:
        """Whether a salt makes SipHash of it."""
        return self.salt is not None

    def table(self):
        return Hash(self.name, self.num_bins, self.mask_value, self.salt)

    def finish(self, bins):
        return encode(bins, self.output_mode, self.num_bins, self.dtype)

    def _compute(self, values):
        return self.finish(self.table()(values)).__array__()

    def _output_type(self, values):
        shape = values.shape if self.output_mode == "int" else encoded_shape(values.shape, self.output_mode,
                                                                             self.num_bins)
        return TensorType(shape, self.dtype)

    def get_config(self):
        return {**super().get_config(), "sparse": False,
                **self.settings("num_bins", "salt", "mask_value", "output_mode")}


class HashedCrossing(HostLayer):
    """Two or more categories together as one of num_bins bins; the inputs have shape (batch,) or (batch, 1).

    Args:
        output_mode: "int" or "one_hot"
        num_bins: how many.

    Raises:
        ValueError: num_bins is below 1; another output_mode.

    Example:
        >>> layers.HashedCrossing(8)((np.array(["a", "b"]), np.array([1, 2]))).shape
        (2,)
    """

    _dtype_by_name = True

    def __init__(self, num_bins, output_mode="int", sparse=False, name=None, dtype=None, **kwargs):
        if dtype is None and output_mode == "int":
            dtype = "int64"
        super().__init__(name=name, dtype=dtype, **kwargs)
        if not hasattr(num_bins, "__index__") or num_bins < 1:
            raise ValueError(f"layer {self.name!r}: expected num_bins of at least 1, received {num_bins!r}")
        check_dense(self, sparse=sparse)
        self.num_bins = int(num_bins)
        self.output_mode = check_output_mode(self, output_mode, ("int", "one_hot"))

    def _gather(self, inputs):
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ValueError(f"layer {self.name!r}: expected a list of at least two inputs, received {inputs!r}")
        return [super(HashedCrossing, self)._gather(x) for x in inputs]

    def table(self):
        return Cross(self.name, self.num_bins)

    def finish(self, bins):
        return encode(bins, self.output_mode, self.num_bins, self.dtype)

    def _compute(self, *features):
        return self.finish(self.table()(*features)).__array__()

    def _output_type(self, *features):
        shape = features[0].shape
        return TensorType(shape if self.output_mode == "int" else encoded_shape(shape, "one_hot", self.num_bins),
                          self.dtype)

    def get_config(self):
        config = {**super().get_config(), "sparse": False, **self.settings("num_bins", "output_mode")}
        return {name: value for name, value in config.items() if name != "trainable"}
