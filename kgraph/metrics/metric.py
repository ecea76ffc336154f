"""The base class of metrics, and the running sum and mean that most of them are."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.ir import TensorLike
from kgraph.config import floatx
from kgraph.graph import get_mask
from kgraph.graph.tensor import Attached
from kgraph.legacy.defaults import older_than
from kgraph.losses.loss import WrapsFunction, apply_mask, same_rank
from kgraph.metrics.running_total import RunningTotal
from kgraph.naming import auto_name, check_keywords
from kgraph.stateless import StatelessScope, check_values, values_of
from kgraph.variable import Variable, zeros

__all__ = ["Mean", "MeanMetricWrapper", "Metric", "Sum", "metric_of"]


_givers = Attached()   # results of calls -> the Metric


def metric_of(x):
    """The Metric whose call gave a tensor, or None."""
    return _givers.get(x)


class _Holder:
    """Lists for what a metric holds, also where a subclass calls super().__init__ last."""

    def __new__(cls, *args, **kwargs):
        metric = super().__new__(cls)
        object.__setattr__(metric, "_own_variables", [])
        object.__setattr__(metric, "_own_metrics", [])
        return metric


class Metric(_Holder):
    """Something measured over many batches. Subclasses define ``update_state`` and ``result``.

    State lives in Variables made with `add_variable`, so the same code runs eagerly and compiled into the step.

    Args:
        dtype: of the state; None: kgraph.config.floatx().
        name: in the logs; by default the class's name in snake case.

    Example:
        >>> class Largest(kgraph.Metric):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.value = self.add_variable((), "zeros", name="value")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(ops.maximum(self.value, ops.max(ops.abs(y_true - y_pred))))
        ...     def result(self):
        ...         return self.value
        >>> float(Largest()(np.float32([1, 2]), np.float32([1, 5])))
        3.0
    """

    stateful = True
    _direction = None  # "up" where larger is better, "down" where smaller is: for callbacks that watch it

    def __init__(self, dtype=None, name=None):
        self.name = name or auto_name(type(self).__name__)
        self.dtype = _dtype_name(dtype)

    def __setattr__(self, name, value):
        if isinstance(value, Metric) and value not in self._own_metrics:
            self._own_metrics.append(value)
        super().__setattr__(name, value)

    def add_variable(self, shape, initializer=None, dtype=None, aggregation="sum", name=None):
        """A Variable of this metric, zeros unless an initializer says otherwise; `reset_state` sets it to zeros. What
        `assign_add` adds to one of reals is not lost, however large it has grown.

        aggregation is accepted for Keras's sake.

        Returns:
            A Variable.
        """
        dtype = _dtype_name(dtype or self.dtype)
        name = name or f"variable_{len(self._own_variables)}"
        if initializer is None or initializer == "zeros":
            value = zeros
        else:
            from kgraph import initializers
            value = initializers.get(initializer)
        kind = RunningTotal if dtype.startswith(("float", "bfloat")) else Variable
        variable = kind(value, shape=tuple(shape), dtype=dtype, trainable=False, name=name,
                        path=f"{self.name.replace('/', '>')}/{name}")
        self._own_variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None, **kwargs):
        """`add_variable` under Keras's older name, which also took the name first.

        Returns:
            A Variable.
        """
        check_keywords(f"{type(self).__name__}.add_weight", kwargs, ("aggregation", "trainable", "synchronization"))
        if isinstance(shape, str):
            shape, name = (), shape
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list:
        """The state of this metric and of those inside it."""
        return [*self._own_variables, *(v for m in self._own_metrics for v in m.variables)]

    weights = variables

    def reset_state(self):
        """Forget everything seen so far."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    reset_states = reset_state

    def update_state(self, *args, **kwargs):
        """Take in a batch."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(y_true, y_pred, sample_weight=None)")

    def result(self):
        """What has been measured so far.

        Returns:
            A tensor.
        """
        raise NotImplementedError(f"{type(self).__name__} must define result()")

    def __call__(self, *args, **kwargs):
        self.update_state(*args, **kwargs)
        result = self.result()
        if isinstance(result, TensorLike):
            _givers.set(result, self)
        return result

    def stateless_update_state(self, metric_variables, *args, **kwargs) -> list:
        """The values of `variables` after update_state(*args, **kwargs), from values before it; nothing is changed."""
        with self._with_values(metric_variables):
            self.update_state(*args, **kwargs)
            return values_of(self.variables)

    def stateless_result(self, metric_variables):
        """What result() gives for these values of `variables`.

        Returns:
            A tensor.
        """
        with self._with_values(metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list:
        """The values of `variables` after reset_state()."""
        with StatelessScope():
            self.reset_state()
            return values_of(self.variables)

    def _with_values(self, values):
        return StatelessScope(check_values(f"metric {self.name!r}", "metric_variables", values, self.variables))

    def get_config(self):
        """The settings, as plain data.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Returns:
            A Metric.
        """
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


class Sum(Metric):
    """The weighted sum of all values.

    Example:
        >>> metrics.Sum()([1.0, 2.0, 3.0])
        <Tensor f32[] 6.>
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), name="total")

    def update_state(self, values, sample_weight=None):
        values, _ = per_sample(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self):
        return ops.cast(self.total, self.dtype)


class Mean(Metric):
    """The weighted mean of all values; 0 before the first.

    Example:
        >>> mean = metrics.Mean()
        >>> mean.update_state([1.0, 2.0])
        >>> mean.update_state([6.0])
        >>> mean.result()
        <Tensor f32[] 3.>
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), name="total")
        self.count = self.add_variable((), name="count")

    def update_state(self, values, sample_weight=None):
        values, weight = per_sample(values, sample_weight, ops.mean, self.dtype)
        self.total.assign_add(ops.sum(values))
        if weight is not None:
            count = ops.sum(weight)
        else:
            count = ops.cast(ops.shape(values)[0] if len(values.shape) else 1, self.dtype)
        self.count.assign_add(count)

    def result(self):
        return ops.divide_no_nan(ops.cast(self.total, self.dtype), ops.cast(self.count, self.dtype))


class MeanMetricWrapper(WrapsFunction, Mean):
    """The mean of a function ``fn(y_true, y_pred, **kwargs)`` of one value a sample, masks and weights included.

    Args:
        fn: a function (y_true, y_pred, ...) of one value for each sample; its keywords may be given too.

    Example:
        >>> metrics.MeanMetricWrapper(losses.mean_squared_error)([[1.0]], [[3.0]])
        <Tensor f32[] 4.>
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._wrap(fn, kwargs)
        module = getattr(fn, "__module__", None) or ""
        self._direction = {"kgraph.losses": "down", "kgraph.metrics": "up"}.get(".".join(module.split(".")[:2]))

    def update_state(self, y_true, y_pred, sample_weight=None):
        mask = get_mask(y_pred)
        if older_than(3, 0):   # a row of labels met a column of predictions as a column, in functions of one's own too
            y_true, y_pred = same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, sample_weight=apply_mask(sample_weight, mask, self.dtype, "sum"))


def per_sample(values, sample_weight, reduce, dtype):
    """(values times weights, weights), both of shape (batch,): the axes beyond are reduced with `reduce`.

    A mask on the values counts as a weight when there are weights (an ignored class, say).
    """
    mask = get_mask(values)
    values = ops.cast(values, dtype)
    if sample_weight is not None:
        weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
        if mask is not None:
            weight = apply_mask(weight, mask, dtype, "sum")
        if not values.shape:   # one number for all that is weighed, of a function of the program's own
            values = ops.broadcast_to(values, ops.shape(weight))
        values, sample_weight = same_rank(values, weight)
        rank = len(sample_weight.shape)
        if len(values.shape) > rank:
            values = reduce(values, axis=tuple(range(rank, len(values.shape))))
        sample_weight = ops.broadcast_to(sample_weight, ops.shape(values))
        values = values * sample_weight
        if rank > 1:
            sample_weight = reduce(sample_weight, axis=tuple(range(1, rank)))
    if len(values.shape) > 1:
        values = reduce(values, axis=tuple(range(1, len(values.shape))))
    return values, sample_weight


def _dtype_name(dtype):
    dtype = getattr(dtype, "compute_dtype", dtype) or floatx()
    return {"int": "int32", "float": "float32"}.get(dtype, dtype if isinstance(dtype, str) else np.dtype(dtype).name)
