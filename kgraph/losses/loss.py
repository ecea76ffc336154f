"""The base class of losses, and the one place where values, sample weights and masks become a number."""
from __future__ import annotations

from kgraph import ops, tree
from kgraph.config import floatx
from kgraph.graph import get_mask
from kgraph.naming import auto_name

__all__ = ["Loss", "LossFunctionWrapper", "WrapsFunction", "apply_mask", "reduce_weighted_values", "same_rank",
           "standardize_reduction", "targets"]

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """A number to make small. Subclasses define ``call(y_true, y_pred)``, one value a sample (or a sample and step).

    Raises ValueError for another reduction.

    Args:
        name: default: the class's name in snake case
        reduction: sum_over_batch_size or mean: sum of the weighted values over their number (a mask leaves values out
            of that number); mean_with_sample_weight: over the sum of the weights; sum; none or None: the values
        dtype: what y_true, y_pred and weights are converted to; default ``floatx()``

    Example:
        >>> class Cubes(kgraph.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)
        >>> Cubes()(np.float32([[1]]), np.float32([[3]]))
        <Tensor f32[] 8.>
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self.dtype = getattr(dtype, "compute_dtype", dtype) or floatx()

    def __call__(self, y_true, y_pred, sample_weight=None):
        masks = [get_mask(p) for p in tree.flatten(y_pred)]
        y_pred = tree.map_structure(lambda x: ops.convert_to_tensor(x, dtype=self.dtype), y_pred)
        y_true = tree.map_structure(lambda x: ops.convert_to_tensor(x, dtype=self.dtype), y_true)
        values = self.call(y_true, y_pred)
        mask = _both(masks[0] if len(masks) == 1 else None, get_mask(values))
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true, y_pred):
        """One value for each sample (or sample and step): y_true and y_pred without their last axis.

        Returns:
            One value for each sample (and step), a tensor.
        """
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def get_config(self):
        """The settings, as plain data.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Returns:
            A Loss.
        """
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


class WrapsFunction:
    """What losses and metrics made of a function share: the function's keywords are attributes and part of the config,
    and so is the function itself, except in subclasses, which stand for one."""

    def _wrap(self, fn, kwargs):
        self.fn = self._fn = fn
        self._fn_kwargs = kwargs

    def __getattr__(self, name):
        kwargs = self.__dict__.get("_fn_kwargs", {})
        if name in kwargs:
            return kwargs[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self):
        if WrapsFunction not in type(self).__bases__:
            return {**super().get_config(), **self._fn_kwargs}
        from kgraph.serialization import serialize_keras_object
        return {**super().get_config(), "fn": serialize_keras_object(self.fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get("fn"), (dict, str)):
            from kgraph.serialization import deserialize_keras_object
            config = {**config, "fn": deserialize_keras_object(config["fn"])}
        return cls(**config)


class LossFunctionWrapper(WrapsFunction, Loss):
    """A Loss made of a function ``fn(y_true, y_pred, **kwargs)``.

    Args:
        fn: a function (y_true, y_pred, ...) of one value for each sample; its keywords may be given too.

    Example:
        >>> losses.LossFunctionWrapper(losses.mean_squared_error)([[1.0]], [[3.0]])
        <Tensor f32[] 4.>
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self._wrap(fn, kwargs)

    def call(self, y_true, y_pred):
        ids = getattr(self.fn, "targets", None) == "ids"  # these have one axis less on purpose
        if not tree.is_nested(y_true) and not tree.is_nested(y_pred) and not ids:
            y_true, y_pred = same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)


def targets(kind, within=None):
    """A decorator that says what y_true of a loss function is, for checks before training.

    Args:
        kind: "same": of y_pred's shape; "alike": that too, but a size of 1 is repeated; "ids": class ids
        within: the range of its values, where it has one
    """
    def mark(fn):
        fn.targets, fn.within = kind, within
        return fn
    return mark


def standardize_reduction(reduction):
    """The reduction itself; Keras 2's "auto" is sum_over_batch_size. Raises ValueError for one that is not known."""
    if reduction == "auto":
        return "sum_over_batch_size"
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction: expected one of {', '.join(map(str, REDUCTIONS))}, received {reduction!r}")
    return reduction


def same_rank(a, b, expand=True):
    """a and b with a last axis of size one added or removed where their ranks differ by exactly one.

    expand: a vector against a matrix of one column becomes a column (otherwise the column becomes a vector).
    """
    a_rank, b_rank = len(a.shape), len(b.shape)
    if a_rank == b_rank + 1 and a.shape[-1] == 1:
        return (a, ops.expand_dims(b, -1)) if b_rank == 1 and expand else (ops.squeeze(a, -1), b)
    if b_rank == a_rank + 1 and b.shape[-1] == 1:
        return (ops.expand_dims(a, -1), b) if a_rank == 1 and expand else (a, ops.squeeze(b, -1))
    return a, b


def apply_mask(sample_weight, mask, dtype, reduction):
    """sample_weight with a mask in it (either may be None).

    For the mean-like reductions the values that are kept weigh total/kept, so that the sum over all values divided by
    their whole number is the mean over those kept.
    """
    if mask is None:
        return sample_weight
    weight = ops.cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        weight = weight * ops.divide_no_nan(ops.cast(1.0, dtype), ops.mean(weight))
    if sample_weight is None:
        return weight
    weight, sample_weight = same_rank(weight, ops.cast(sample_weight, dtype))
    return _broadcast_trailing(sample_weight, weight) * weight


def reduce_weighted_values(values, sample_weight=None, mask=None, reduction="sum_over_batch_size", dtype=None):
    """values * weights, reduced. Shapes: weights are values' shape, or its leading axes, or one column."""
    values = ops.convert_to_tensor(values, dtype=dtype)
    dtype = values.dtype
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    weight = apply_mask(sample_weight, mask, dtype, reduction)
    if weight is not None:
        values, weight = same_rank(values, weight)
        _check_weight(weight, values)
        values = values * _broadcast_trailing(weight, values)
    if reduction in (None, "none") or len(values.shape) == 0:
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(weight))
    return ops.mean(values)


def _check_weight(weight, values):
    fits = all(a == b or 1 in (a, b) or not isinstance(a, int) or not isinstance(b, int)
               for a, b in zip(weight.shape, values.shape))
    if values.shape and (len(weight.shape) > len(values.shape) or not fits):
        raise ValueError(f"sample_weight: expected the shape of the losses, {tuple(values.shape)}, or its first axes, "
                         f"received {tuple(weight.shape)}")


def _broadcast_trailing(weight, values):
    """A weight of fewer axes stands for the leading ones (one per sample, whatever a sample is)."""
    missing = len(values.shape) - len(weight.shape)
    if missing > 0 and 0 < len(weight.shape):
        return ops.reshape(weight, (*ops.shape(weight), *(1,) * missing))
    return weight


def _both(a, b):
    if a is None or b is None:
        return b if a is None else a
    return ops.logical_and(a, b)
