"""Layers that make one tensor of several, and functions that do the same."""
from __future__ import annotations

import functools

from kgraph import ops
from kgraph.graph import get_mask, set_mask
from kgraph.layers.base import Layer, is_shape

__all__ = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Merge", "Minimum", "Multiply", "Subtract", "add",
           "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]


class Merge(Layer):
    """The base of elementwise merges of a list of tensors, broadcast against each other.

    Tensors of lower rank get axes of size 1 after the batch axis. The output counts where any input does, provided
    that all inputs have masks.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        if input_shape is None or is_shape(input_shape) or len(input_shape) < 1:
            raise ValueError(f"layer {self.name!r}: expected a list of inputs, received shape {input_shape}")
        self._check_shapes(input_shape)

    def _check_batch(self, shapes):
        if len({shape[0] for shape in shapes if shape} - {None}) > 1:
            raise ValueError(f"layer {self.name!r}: expected inputs of one batch size, received shapes {shapes}")

    def _check_shapes(self, shapes):
        self._check_batch(shapes)
        rank = max(map(len, shapes))
        aligned = [(*s[:1], *(1,) * (rank - len(s)), *s[1:]) for s in shapes]
        for sizes in list(zip(*aligned))[1:]:
            if len({n for n in sizes if n not in (1, None)}) > 1:
                raise ValueError(f"layer {self.name!r}: expected shapes that broadcast, received {shapes}")

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"layer {self.name!r}: expected a list of inputs, received {inputs!r}")
        rank = max(x.ndim for x in inputs)
        return self._merge([_with_rank(x, rank) for x in inputs])

    def _merge(self, inputs):
        raise NotImplementedError(f"{type(self).__name__} has no _merge()")

    def compute_mask(self, inputs, mask=None):
        if mask is None or any(m is None for m in mask):
            return None
        merged = mask[0]
        for m in mask[1:]:
            merged = ops.logical_or(merged, m)
        return merged


def _with_rank(x, rank):
    mask = get_mask(x)
    if x.ndim < rank:
        x = ops.reshape(x, (*x.shape[:1], *(1,) * (rank - x.ndim), *x.shape[1:]))
        set_mask(x, mask)
    return x


class Add(Merge):
    """The sum of the inputs.

    Example:
        >>> layers.Add()([np.float32([[1, 2]]), np.float32([[10, 20]])])
        <Tensor f32[1,2] [[11. 22.]]>
    """

    def _merge(self, inputs):
        return sum(inputs[1:], inputs[0])


class Subtract(Merge):
    """The first input minus the second.

    Example:
        >>> layers.Subtract()([np.float32([[5, 5]]), np.float32([[1, 2]])])
        <Tensor f32[1,2] [[4. 3.]]>
    """

    def build(self, input_shape):
        """Make the variables.

        Raises:
            ValueError: another number of inputs than two.
        """
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"layer {self.name!r}: expected 2 inputs, received {len(input_shape)}")

    def _merge(self, inputs):
        return inputs[0] - inputs[1]


class Multiply(Merge):
    """The product of the inputs. Where only some inputs count, the others are left out of the product.

    Example:
        >>> layers.Multiply()([np.float32([[1, 2]]), np.float32([[10, 20]])])
        <Tensor f32[1,2] [[10. 40.]]>
    """

    def _merge(self, inputs):
        masks = [_element_mask(x) for x in inputs]
        product = None
        for x, mask in zip(inputs, masks):
            x = x if mask is None else ops.where(mask, x, ops.ones_like(x))
            product = x if product is None else product * x
        if any(mask is None for mask in masks):
            return product
        return ops.where(functools.reduce(ops.logical_or, masks), product, ops.zeros_like(product))


class Average(Merge):
    """The mean of the inputs.

    Example:
        >>> layers.Average()([np.float32([[1, 2]]), np.float32([[3, 6]])])
        <Tensor f32[1,2] [[2. 4.]]>
    """

    def _merge(self, inputs):
        return sum(inputs[1:], inputs[0]) / len(inputs)


class _Extreme(Merge):
    """Elements that do not count take no part, where all inputs have masks."""

    def _merge(self, inputs):
        output, counts = inputs[0], _element_mask(inputs[0])
        for x in inputs[1:]:
            mask = _element_mask(x)
            x = x if mask is None else ops.where(mask, x, output)
            output = output if counts is None else ops.where(counts, output, x)
            counts = None if mask is None or counts is None else ops.logical_or(counts, mask)
            output = self._pick(output, x)
        return output


def _element_mask(x):
    mask = get_mask(x)
    if mask is None:
        return None
    return ops.broadcast_to(ops.expand_dims(mask, -1) if mask.ndim < x.ndim else mask, x.shape)


class Maximum(_Extreme):
    """The largest of the inputs, element by element.

    Example:
        >>> layers.Maximum()([np.float32([[1, 9]]), np.float32([[3, 6]])])
        <Tensor f32[1,2] [[3. 9.]]>
    """

    _pick = staticmethod(ops.maximum)


class Minimum(_Extreme):
    """The smallest of the inputs, element by element.

    Example:
        >>> layers.Minimum()([np.float32([[1, 9]]), np.float32([[3, 6]])])
        <Tensor f32[1,2] [[1. 6.]]>
    """

    _pick = staticmethod(ops.minimum)


class Concatenate(Merge):
    """The inputs one after the other along `axis`; their other sizes must agree.

    Args:
        axis: along which, the last by default.

    Example:
        >>> layers.Concatenate()([np.float32([[1, 2]]), np.float32([[3]])])
        <Tensor f32[1,3] [[1. 2. 3.]]>
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def _check_shapes(self, shapes):
        ranks = {len(s) for s in shapes}
        rest = [[n for axis, n in enumerate(s) if axis != self.axis % len(s)] for s in shapes]
        if len(ranks) > 1 or any(len(set(sizes) - {None}) > 1 for sizes in zip(*rest)):
            raise ValueError(
                f"layer {self.name!r}: expected shapes that agree but for axis {self.axis}, received {shapes}"
            )

    def call(self, inputs):
        """The computation.

        Raises:
            ValueError: sizes that do not agree.
        """
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"layer {self.name!r}: expected a list of inputs, received {inputs!r}")
        return self._merge(list(inputs))

    def _merge(self, inputs):
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs, mask=None):
        if mask is None or all(m is None for m in mask):
            return None
        full = []
        for x, m in zip(inputs, mask):
            if m is None:
                m = ops.ones_like(x, dtype="bool")
            elif m.ndim < x.ndim:
                m = ops.broadcast_to(ops.expand_dims(m, -1), x.shape)
            full.append(m)
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1)

    def get_config(self):
        return {**super().get_config(), **self.settings("axis")}


class Dot(Merge):
    """The product of two tensors, sample by sample, summed over one axis of each.

    Args:
        axes: an axis of both, or (axis of the first, axis of the second); not the batch axis
        normalize: divide both by their norms along these axes first: the result is then a cosine

    Raises:
        TypeError: axes is neither an int nor two.

    Example:
        >>> layers.Dot(1)([np.float32([[1, 2]]), np.float32([[3, 4]])])
        <Tensor f32[1,1] [[11.]]>
    """

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axes, int) and not (isinstance(axes, (list, tuple)) and len(axes) == 2
                                              and all(isinstance(a, int) for a in axes)):
            raise TypeError(f"layer {self.name!r}: expected axes to be an int or two, received axes={axes!r}")
        self.axes = axes
        self.normalize = normalize

    def _axes(self, ranks):
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return tuple(a % rank for a, rank in zip(axes, ranks))

    def _check_shapes(self, shapes):
        if len(shapes) != 2 or min(map(len, shapes)) < 2:
            raise ValueError(f"layer {self.name!r}: expected 2 inputs of rank 2 or more, received shapes {shapes}")
        self._check_batch(shapes)
        first, second = self._axes([len(s) for s in shapes])
        sizes = {shapes[0][first], shapes[1][second]} - {None}
        if not first or not second or len(sizes) > 1:
            raise ValueError(f"layer {self.name!r}: expected axes of equal size, not 0, received axes {self.axes} of "
                             f"shapes {shapes}")

    def call(self, inputs):
        x, y = inputs
        first, second = self._axes((x.ndim, y.ndim))
        if self.normalize:
            x, y = _normalized(x, first), _normalized(y, second)
        return batch_dot(x, y, first, second)

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self):
        return {**super().get_config(), **self.settings("axes", "normalize")}


def _normalized(x, axis):
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def batch_dot(x, y, x_axis, y_axis):
    """The sum over x's axis x_axis and y's y_axis: [batch, x's other axes, y's other axes], at least of rank 2."""
    letters = iter("bcdefghijklmnopqrstuvwxyz")
    batch, summed = "a", next(letters)
    x_labels = [batch, *(summed if axis == x_axis else next(letters) for axis in range(1, x.ndim))]
    y_labels = [batch, *(summed if axis == y_axis else next(letters) for axis in range(1, y.ndim))]
    out = [batch, *(c for c in x_labels[1:] + y_labels[1:] if c != summed)]
    product = ops.einsum(f"{''.join(x_labels)},{''.join(y_labels)}->{''.join(out)}", x, y)
    return ops.expand_dims(product, 1) if len(out) == 1 else product


def add(inputs, **kwargs):
    """The sum of a list of tensors.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.add([np.float32([[1, 2]]), np.float32([[10, 20]])])
        <Tensor f32[1,2] [[11. 22.]]>
    """
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """The first of two tensors minus the second.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.subtract([np.float32([[5, 5]]), np.float32([[1, 2]])])
        <Tensor f32[1,2] [[4. 3.]]>
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """The product of a list of tensors.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.multiply([np.float32([[1, 2]]), np.float32([[10, 20]])])
        <Tensor f32[1,2] [[10. 40.]]>
    """
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """The mean of a list of tensors.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.average([np.float32([[1, 2]]), np.float32([[3, 6]])])
        <Tensor f32[1,2] [[2. 4.]]>
    """
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """The largest of a list of tensors, element by element.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.maximum([np.float32([[1, 9]]), np.float32([[3, 6]])])
        <Tensor f32[1,2] [[3. 9.]]>
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """The smallest of a list of tensors, element by element.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.minimum([np.float32([[1, 9]]), np.float32([[3, 6]])])
        <Tensor f32[1,2] [[1. 6.]]>
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """A list of tensors one after the other along an axis.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.concatenate([np.float32([[1, 2]]), np.float32([[3]])])
        <Tensor f32[1,3] [[1. 2. 3.]]>
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, normalize=False, **kwargs):
    """The product of two tensors, sample by sample, summed over one axis of each.

    Args:
        axes, normalize: as for Dot.

    Returns:
        A tensor, a KTensor where one of the inputs is one.

    Example:
        >>> layers.dot([np.float32([[1, 2]]), np.float32([[3, 4]])], axes=1)
        <Tensor f32[1,1] [[11.]]>
    """
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
