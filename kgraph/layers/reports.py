"""What a layer tells the model that holds it, besides its outputs: losses and metrics."""
from __future__ import annotations

from kgraph import tree
from kgraph.compiler.ir import Value
from kgraph.compiler.trace import current_trace, suspend_recording
from kgraph.metrics.metric import Mean, Metric, metric_of
from kgraph.naming import warn_at_user

__all__ = ["Reports"]


class Reports:
    """add_loss, add_metric, and what has been added."""

    def add_loss(self, loss, inputs=None):
        """Add scalar tensors computed in call(), or functions without arguments, to the loss that is minimized.

        inputs  of Keras 1 and 2, where a loss had to say what it depends on: without effect
        """
        if inputs is not None:
            warn_at_user("add_loss: inputs= has no effect: leave it out", FutureWarning)
        self._losses += [x for x in tree.flatten(loss) if x is not None]

    def add_metric(self, value, name=None, aggregation=None):
        """tf.keras 2: report the mean of a tensor that call() computed, or a Metric, among the metrics of the model.

        value        a tensor; a Metric, or what calling one gave
        name         of a tensor's mean, needed there
        aggregation  None or "mean"
        Raises ValueError for a tensor without a name, and for another aggregation.
        """
        metric = value if isinstance(value, Metric) else metric_of(value)
        if metric is not None:
            metric.name = name or metric.name if metric is value else metric.name
        else:
            metric = self._mean_of_name(name, aggregation)
            metric.update_state(value)
        self.__dict__.setdefault("_reported", {})[metric.name] = metric

    def _mean_of_name(self, name, aggregation):
        if name is None:
            raise ValueError(f"layer {self.name!r}: add_metric: expected a name for a tensor's mean, received none")
        if aggregation not in (None, "mean"):
            raise ValueError(f"layer {self.name!r}: add_metric: expected aggregation 'mean', received {aggregation!r}; "
                             "another Metric can be kept in an attribute and called in call()")
        known = self.__dict__.get("_reported", {}).get(name)
        if known is None:
            with suspend_recording():
                known = Mean(name=name)
        return known

    def _add_activity_losses(self, outputs):
        if self.activity_regularizer is None:
            return
        from kgraph import ops
        for x in tree.flatten(outputs):
            loss = self.activity_regularizer(x)
            self.add_loss(loss / ops.cast(ops.shape(x)[0], loss.dtype) if x.ndim else loss)

    def _clear_losses(self):
        for layer in self._all_layers():
            layer._losses = [x for x in layer._losses if callable(x)]

    @property
    def losses(self) -> list:
        """Scalars to add to the loss: those of the last call (add_loss, activity regularizers), then the regularizers
        of the trainable variables."""
        found = [x for layer in self._all_layers() for x in layer._losses if _is_alive(x)]
        found = [x() if callable(x) else x for x in found]
        return found + [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]


def _is_alive(loss) -> bool:
    """Whether a loss can still be used: a Value only while the trace that made it records."""
    if not isinstance(loss, Value):
        return True
    trace = current_trace()
    while trace is not None:
        if loss in trace._known:
            return True
        trace = trace.parent
    return False
