"""Integers as codes: one-hot, multi-hot, counts. And numbers as the bins they fall into."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.config import floatx
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.host import batches_of
from kgraph.naming import nearest

__all__ = ["CategoryEncoding", "Discretization", "check_output_mode", "encode", "encoded_shape"]

_OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def check_output_mode(layer, mode, allowed) -> str:
    """The output mode under its modern name. Raises ValueError for one that the layer has not."""
    mode = _OLD_MODES.get(mode, mode)
    if mode not in allowed:
        raise ValueError(f"layer {layer.name!r}: expected output_mode among {', '.join(allowed)}, received {mode!r}."
                         f"{nearest(mode, allowed)}")
    return mode


def check_dense(layer, **settings):
    """Keep settings that ask for other tensors than dense ones. Raises ValueError for one that is True."""
    for name, value in settings.items():
        setattr(layer, name, False)
        if value:
            raise ValueError(f"layer {layer.name!r}: expected {name}=False, received True: tensors are dense")


def encode(x, mode, depth, dtype, weights=None):
    """Integers as codes of `depth` classes; those outside [0, depth) are left out.

    one_hot drops a last axis of size 1; multi_hot and count sum up the axis of the samples' elements.
    """
    if mode == "int":
        return ops.cast(x, dtype)
    if not x.shape:
        x = ops.expand_dims(x, -1)
    if mode == "one_hot":
        return ops.one_hot(ops.squeeze(x, -1) if len(x.shape) > 1 and x.shape[-1] == 1 else x, depth, dtype=dtype)
    axis = 1 if len(x.shape) > 1 else 0
    codes = ops.one_hot(x, depth, dtype=dtype)
    if mode == "multi_hot":
        return ops.max(codes, axis=axis)
    if weights is not None:
        codes = codes * ops.expand_dims(ops.cast(weights, dtype), -1)
    return ops.sum(codes, axis=axis)


def encoded_shape(shape, mode, depth) -> tuple:
    """The shape that encode gives for integers of a shape."""
    shape = tuple(shape) or (1,)
    if mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*((shape[0], *shape[2:]) if len(shape) > 1 else ()), depth)


class CategoryEncoding(Layer):
    """Class numbers in [0, num_tokens) as codes.

    Called with count_weights, of the shape of the inputs, "count" sums these up. Integers outside are left out.

    Args:
        output_mode: "multi_hot" (a 1 for each class that a sample has), "one_hot" (a code for each element) or "count"
        num_tokens: how many classes there are.

    Raises:
        ValueError: num_tokens is missing or below 1; another output_mode.

    Example:
        >>> layers.CategoryEncoding(4)(np.int32([[0, 2]]))
        <Tensor f32[1,4] [[1. 0. 1. 0.]]>
    """

    def __init__(self, num_tokens=None, output_mode="multi_hot", sparse=False, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(num_tokens, "__index__") or num_tokens < 1:
            raise ValueError(f"layer {self.name!r}: expected num_tokens of at least 1, received {num_tokens!r}; "
                             "IntegerLookup finds out the tokens itself")
        check_dense(self, sparse=sparse)
        self.num_tokens = int(num_tokens)
        self.output_mode = check_output_mode(self, output_mode, ("multi_hot", "one_hot", "count"))

    @property
    def input_dtype(self) -> str:
        return "int32"

    def call(self, inputs, count_weights=None):
        """The computation.

        Raises:
            ValueError: count_weights with another output_mode than "count".
        """
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(f"layer {self.name!r}: expected count_weights with output_mode='count' only, received "
                             f"output_mode={self.output_mode!r}")
        inputs = ops.cast(ops.convert_to_tensor(inputs), "int32")
        return encode(inputs, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def get_config(self):
        return {**super().get_config(), **self.settings("num_tokens", "output_mode")}


class Discretization(Layer):
    """The number of the bin into which each element falls; bin i holds values from boundary i-1 up to boundary i.

    Args:
        bin_boundaries: rising numbers between the bins; or num_bins, and adapt() finds them.
        num_bins: how many bins adapt() makes.
        output_mode: "int", "one_hot", "multi_hot" or "count"
        epsilon: how exact the quantiles of adapt() are, 0.01.

    Raises:
        ValueError: both or neither of bin_boundaries and num_bins; another output_mode.

    Example:
        >>> layers.Discretization([0.0, 1.0])(np.float32([[-1.0, 0.5, 3.0]]))
        <Tensor i32[1,3] [[0 1 2]]>
    """

    _dtype_by_name = True

    def __init__(self, bin_boundaries=None, num_bins=None, epsilon=0.01, output_mode="int", sparse=False, dtype=None,
                 name=None, **kwargs):
        super().__init__(dtype=dtype, name=name, **kwargs)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(f"layer {self.name!r}: expected one of bin_boundaries and num_bins, received "
                             f"bin_boundaries={bin_boundaries!r}, num_bins={num_bins!r}")
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"layer {self.name!r}: expected num_bins of at least 0, received {num_bins!r}")
        check_dense(self, sparse=sparse)
        self.num_bins, self.epsilon = num_bins, epsilon
        self.bin_boundaries = None if bin_boundaries is None else [float(b) for b in bin_boundaries]
        self.output_mode = check_output_mode(self, output_mode, ("int", "one_hot", "multi_hot", "count"))
        self._summary = np.zeros((2, 0), "float32")

    def adapt(self, data, steps=None):
        """Find the boundaries from data: an array, or batches of it (at most `steps`).

        Raises:
            ValueError: the boundaries were given.
        """
        if self.num_bins is None:
            raise ValueError(f"layer {self.name!r}: expected num_bins in place of bin_boundaries for adapt(), received "
                             f"bin_boundaries={self.bin_boundaries}")
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Take one more batch into account."""
        found = np.concatenate([_summary(np.asarray(data, "float32"), self.epsilon), self._summary], axis=1)
        self._summary = _compressed(found[:, np.argsort(found[0])], self.epsilon)

    def finalize_state(self):
        """Boundaries from what update_state has seen."""
        if self.num_bins is not None:
            self.bin_boundaries = _compressed(self._summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def reset_state(self):
        """Forget what update_state has seen."""
        self._summary = np.zeros((2, 0), "float32")

    def call(self, inputs):
        """The computation.

        Raises:
            ValueError: adapt() has not been called.
        """
        if self.bin_boundaries is None:
            raise ValueError(f"layer {self.name!r}: expected bin_boundaries, or adapt(data) before the layer is used; "
                             "received neither")
        boundaries = np.array(self.bin_boundaries, self.compute_dtype)
        bins = ops.digitize(ops.cast(ops.convert_to_tensor(inputs), self.compute_dtype), boundaries)
        return encode(bins, self.output_mode, len(self.bin_boundaries) + 1, self.output_dtype)

    @property
    def output_dtype(self) -> str:
        """Of what a call gives."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    @property
    def input_dtype(self) -> str:
        return floatx()

    def get_config(self):
        config = {**super().get_config(), **self.settings("bin_boundaries", "num_bins", "epsilon", "output_mode"),
                  "sparse": False}
        return {name: value for name, value in config.items() if name != "trainable"}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        boundaries = config.pop("bin_boundaries", None) if config.get("num_bins") is not None else None
        layer = cls(**config)
        layer.bin_boundaries = boundaries or layer.bin_boundaries
        return layer


def _summary(values, epsilon) -> np.ndarray:
    """Every k-th of the sorted values and how many it stands for, 1 / epsilon of them: rows (value, weight)."""
    values = np.sort(values, axis=None)
    step = max(values.size * epsilon, 1)
    kept = values[int(step - 1)::int(step)]
    return np.stack([kept, np.full_like(kept, step)])


def _compressed(summary, epsilon) -> np.ndarray:
    """The summary interpolated at shares of epsilon of the whole weight, where it is finer than that."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = summary[1].cumsum()
    values = np.interp(shares, weights / weights[-1], summary[0])
    weights = np.interp(shares, weights / weights[-1], weights)
    return np.stack([values, np.diff(weights, prepend=0)]).astype("float32")
