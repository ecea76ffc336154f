"""Methods of layers that Keras 1, Keras 2 and tf.keras had and Keras 3 has not."""
from __future__ import annotations

from kgraph.compiler.trace import suspend_recording
from kgraph.metrics.metric import Mean, Metric, metric_of
from kgraph.variable import Variable

__all__ = ["Keras2Layer"]


class Keras2Layer:
    """add_metric, and weights that build() hands over in lists."""

    def add_metric(self, value, name=None, aggregation=None):
        """tf.keras 2: report the mean of a tensor that call() computed, or a Metric, among the metrics of the model.

        Raises ValueError for a tensor without a name, and for another aggregation.

        Args:
            value: a tensor; a Metric, or what calling one gave
            name: of a tensor's mean, needed there
            aggregation: None or "mean"
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

    def _say_what_trains(self, variables):
        """layer.trainable_weights = ..., by which build() said which of the layer's own variables training changes."""
        self._take_variables(variables)
        for v in self._own_variables():
            v.trainable = any(v is w for w in variables)

    def _say_what_stays(self, variables):
        """layer.non_trainable_weights = ..."""
        self._take_variables(variables)
        for v in variables:
            v.trainable = False

    def _take_variables(self, variables):
        wrong = [v for v in variables if not isinstance(v, Variable)]
        if wrong:
            raise ValueError(f"layer {self.name!r}: expected Variables (K.variable, add_weight), received {wrong[0]!r}")
        own = self._own_variables()
        self._add_own([v for v in variables if not any(v is w for w in own)])
