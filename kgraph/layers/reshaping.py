"""Layers that move elements and compute nothing."""
from __future__ import annotations

import math

from kgraph import config, ops
from kgraph.graph import shape_with_none
from kgraph.layers.base import Layer
from kgraph.layers.input_spec import InputSpec

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """[batch, ...] to [batch, size]. With data_format channels_first, channels are moved to the end before.

    Raises:
        ValueError: another data_format.

    Example:
        >>> layers.Flatten()(np.ones((2, 3, 4), "float32")).shape
        (2, 12)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format or config.image_data_format()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(f"layer {self.name!r}: expected data_format channels_last or channels_first, "
                             f"received {data_format!r}")
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        rank = inputs.ndim
        if self.data_format == "channels_first" and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def get_config(self):
        return {**super().get_config(), **self.settings("data_format")}


class Reshape(Layer):
    """[batch, ...] to [batch, *target_shape]; one size may be -1 (or None): what remains.

    Args:
        target_shape: without the batch axis; one size may be -1.

    Raises:
        ValueError: more than one -1.

    Example:
        >>> layers.Reshape((2, -1))(np.ones((5, 6), "float32")).shape
        (5, 2, 3)
    """

    _has_no_state = True

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if sum(size in (-1, None) for size in self.target_shape) > 1:
            raise ValueError(
                f"layer {self.name!r}: expected at most one -1 in target_shape, received {self.target_shape}"
            )

    def call(self, inputs):
        """The computation.

        Raises:
            ValueError: the sizes do not fit.
        """
        size = math.prod(inputs.shape[1:])
        known = math.prod(n for n in self.target_shape if n not in (-1, None))
        open_ended = any(n in (-1, None) for n in self.target_shape)
        if isinstance(size, int) and (size % known if open_ended else size != known):
            raise ValueError(f"layer {self.name!r}: expected an input of a size that fits target_shape="
                             f"{self.target_shape}, received shape {shape_with_none(inputs.shape)}")
        shape = tuple(size // known if n in (-1, None) else n for n in self.target_shape)
        return ops.reshape(inputs, (inputs.shape[0], *shape))

    def get_config(self):
        return {**super().get_config(), **self.settings("target_shape")}


class Permute(Layer):
    """The axes after the batch axis in another order: dims counts them from 1.

    Args:
        dims: the old axis for each new one, from 1.

    Raises:
        ValueError: dims does not have each axis once.

    Example:
        >>> layers.Permute((2, 1))(np.ones((5, 2, 3), "float32")).shape
        (5, 3, 2)
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"layer {self.name!r}: expected dims to be a permutation of 1 to {len(self.dims)}, "
                             f"received {self.dims}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self):
        return {**super().get_config(), **self.settings("dims")}


class RepeatVector(Layer):
    """[batch, features] to [batch, n, features].

    Args:
        n: how often.

    Raises:
        TypeError: n is no int.
        ValueError: n is below 1.

    Example:
        >>> layers.RepeatVector(3)(np.ones((5, 2), "float32")).shape
        (5, 3, 2)
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(n, "__index__"):
            raise TypeError(f"layer {self.name!r}: expected n to be an int, received n={n!r}")
        if n < 1:
            raise ValueError(f"layer {self.name!r}: expected n to be an int above 0, received n={n!r}")
        self.n = int(n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (inputs.shape[0], self.n, inputs.shape[1]))

    def get_config(self):
        return {**super().get_config(), **self.settings("n")}
