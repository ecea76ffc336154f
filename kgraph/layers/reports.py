"""What a layer tells the model that holds it, besides its outputs: losses and metrics."""
from __future__ import annotations

from kgraph import tree
from kgraph.compiler.ir import Value
from kgraph.compiler.trace import current_trace
from kgraph.layers.state import Reading
from kgraph.metrics.metric import Metric
from kgraph.naming import warn_at_user
from kgraph.variable import scopes

__all__ = ["Reports"]


class Reports:
    """add_loss, and what has been added."""

    def add_loss(self, loss, inputs=None):
        """Add scalar tensors computed in call(), or functions without arguments, to the loss that is minimized.

        Args:
            inputs: of Keras 1 and 2, where a loss had to say what it depends on: without effect
        """
        if inputs is not None:
            warn_at_user("add_loss: inputs= has no effect: leave it out", FutureWarning)
        losses = [x for x in tree.flatten(loss) if x is not None]
        self._losses += losses
        for scope in scopes.open:
            scope.note_losses(losses)

    metrics = Reading(lambda self: self._remember("metrics", self._find_metrics))   # of this layer and those below it

    def _find_metrics(self) -> list:
        return list({id(m): m for layer in self._all_layers() for m in layer._held(Metric)}.values())

    @property
    def metrics_variables(self) -> list:
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def _add_activity_losses(self, outputs):
        if self.activity_regularizer is None:
            return
        from kgraph import ops
        for x in tree.flatten(outputs):
            loss = self.activity_regularizer(x)
            rows = ops.maximum(ops.cast(ops.shape(x)[0], loss.dtype), 1) if x.ndim else 1
            self.add_loss(loss / rows)

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
