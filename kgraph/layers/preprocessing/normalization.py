"""Normalization: data with mean 0 and variance 1."""
from __future__ import annotations

import warnings

import numpy as np

from kgraph import ops
from kgraph.compiler.trace import current_trace
from kgraph.config import epsilon
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.host import batches_of

__all__ = ["Normalization"]


class Normalization(Layer):
    """(inputs - mean) / sqrt(variance), with the mean and variance of the data that adapt() saw.

    Used before adapt() it changes nothing, as in Keras, and warns.

    Args:
        axis: the axes that keep a mean of their own: -1 one for each feature, None one for all
        mean, variance: in place of adapt(): numbers, or arrays that fit the axes
        invert: the other way: inputs * sqrt(variance) + mean

    Raises:
        ValueError: only one of mean and variance, or of other shapes than the axes ask for.

    Example:
        >>> layers.Normalization(mean=1.0, variance=4.0)(np.float32([[3.0, 5.0]]))
        <Tensor f32[1,2] [[1. 2.]]>
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None) or np.shape(mean) != np.shape(variance):
            raise ValueError(f"layer {self.name!r}: expected mean and variance of one shape, or neither, received "
                             f"mean={mean!r}, variance={variance!r}")
        if np.ndim(mean) > len(self.axis):
            raise ValueError(f"layer {self.name!r}: expected a mean of rank {len(self.axis)} at most, for axis="
                             f"{self.axis}, received shape {np.shape(mean)}")
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True

    def build(self, input_shape):
        """Make the variables.

        Raises:
            ValueError: an axis whose size is not known.
        """
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(f"layer {self.name!r}: expected axes in [{-rank}, {rank}), received axis={self.axis}")
        self._kept = tuple(sorted(a % rank for a in self.axis))
        self._wide = tuple(input_shape[a] if a in self._kept else 1 for a in range(rank))
        self._rank = rank
        if None in self._wide:
            raise ValueError(f"layer {self.name!r}: expected known sizes on axis={self.axis}, received shape "
                             f"{tuple(input_shape)}")
        if self.input_mean is None:
            shape = tuple(input_shape[a] for a in self._kept)
            self.adapt_mean = self.add_weight(shape=shape, initializer="zeros", name="mean", trainable=False)
            self.adapt_variance = self.add_weight(shape=shape, initializer="ones", name="variance", trainable=False)
            self.count = self.add_weight(shape=(), initializer="zeros", dtype="int32", name="count", trainable=False)
            self.finalize_state()

    def adapt(self, data, steps=None):
        """Take the mean and variance of data: an array, or batches of it (a list of arrays, a generator, a PyDataset).

        Raises ValueError for data without a batch, and for batches that do not fit each other.
        """
        if self.input_mean is not None:
            raise ValueError(f"layer {self.name!r}: expected no adapt() with mean and variance given, received both")
        rows, mean, variance = 0, None, None
        for x in batches_of(data, steps):
            x = np.asarray(x, self.variable_dtype)
            if not self.built:
                self.build((None, *x.shape[1:]))
            if x.ndim != self._rank or any(x.shape[a] != self._wide[a] for a in self._kept):
                raise ValueError(f"layer {self.name!r}: expected data of rank {self._rank} and sizes {self._wide} on "
                                 f"axis={self.axis}, received shape {x.shape}")
            mean, variance, rows = _merged(x, tuple(set(range(x.ndim)) - set(self._kept)), mean, variance, rows)
        if not rows:
            raise ValueError(f"layer {self.name!r}: expected data for adapt(), received none")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)
        self.count.assign(min(rows, 2**31 - 1))
        self.finalize_state()

    def finalize_state(self):
        """Called when build(), adapt() or load_own_variables() have set mean and variance: for subclasses."""

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self.finalize_state()

    @property
    def mean(self):
        """The mean, in a shape that fits the inputs."""
        return self._fit(self.adapt_mean if self.input_mean is None else self.input_mean)

    @property
    def variance(self):
        """The variance, in a shape that fits the inputs."""
        return self._fit(self.adapt_variance if self.input_mean is None else self.input_variance)

    def _fit(self, value):
        value = ops.cast(ops.convert_to_tensor(value), self.compute_dtype)
        if len(value.shape) == len(self._kept):
            sizes = iter(value.shape)
            return ops.reshape(value, tuple(next(sizes) if a in self._kept else 1 for a in range(self._rank)))
        own = self._kept[len(self._kept) - len(value.shape):]
        return ops.reshape(value, tuple(self._wide[a] if a in own else 1 for a in range(self._rank)))

    def call(self, inputs):
        self._warn_before_adapt()
        inputs = ops.cast(ops.convert_to_tensor(inputs), self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), epsilon())
        return inputs * deviation + self.mean if self.invert else (inputs - self.mean) / deviation

    def _warn_before_adapt(self):
        """The first values of the variables mean that nobody has set them."""
        trace = current_trace()
        if self.input_mean is not None or (trace is not None and trace.name == "infer"):
            return
        untouched = not self.count.numpy() and not self.adapt_mean.numpy().any()
        if untouched and (self.adapt_variance.numpy() == 1).all():
            warnings.warn(f"layer {self.name!r}: expected adapt(data), or mean and variance, before the layer is "
                          "used; received neither: its outputs are its inputs", stacklevel=2)

    def get_config(self):
        plain = lambda x: None if x is None else np.asarray(x).tolist()
        return {**super().get_config(), "axis": list(self.axis), "invert": self.invert,
                "mean": plain(self.input_mean), "variance": plain(self.input_variance)}


def _merged(x, axes, mean, variance, rows):
    """(mean, variance, number of values) with one more batch: Chan et al., "Updating formulae" (1979)."""
    count = int(np.prod([x.shape[a] for a in axes])) if axes else 1
    if not rows:
        return x.mean(axes, dtype="float64"), x.var(axes, dtype="float64"), count
    share = count / (rows + count)
    own = x.mean(axes, dtype="float64")
    new = mean * (1 - share) + own * share
    variance = (variance + (mean - new) ** 2) * (1 - share) + (x.var(axes, dtype="float64") + (own - new) ** 2) * share
    return new, variance, rows + count
