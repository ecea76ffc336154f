"""The state of a model as values: in a tree by name, and as arguments of a loss."""
from __future__ import annotations

import numpy as np

from kgraph.naming import nearest
from kgraph.stateless import StatelessScope, check_values, values_of

__all__ = ["StateTree"]


class StateTree:
    """Methods of models that Keras 3 has for training loops written as functions of the state."""

    @property
    def metrics_variables(self) -> list:
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def _state_groups(self) -> dict:
        optimizer = [] if self.optimizer is None else self.optimizer.variables
        return {"trainable_variables": self.trainable_variables,
                "non_trainable_variables": self.non_trainable_variables,
                "optimizer_variables": optimizer, "metrics_variables": self.metrics_variables}

    def get_state_tree(self, value_format="backend_tensor") -> dict:
        """{"trainable_variables": {"dense": {"kernel": value ...}}, "non_trainable_variables": ...,
        "optimizer_variables": ..., "metrics_variables": ...}: dicts by the parts of the variables' paths.

        Args:
            value_format: "backend_tensor" or "numpy_array"; ValueError for another
        """
        if value_format not in ("backend_tensor", "numpy_array"):
            raise ValueError("get_state_tree: value_format: expected 'backend_tensor' or 'numpy_array', received "
                             f"{value_format!r}")
        found = {}
        for group, variables in self._state_groups().items():
            found[group] = {}
            for v in variables:
                *folders, name = v.path.split("/")
                inner = found[group]
                for folder in folders:
                    inner = inner.setdefault(folder, {})
                inner[name] = v.numpy() if value_format == "numpy_array" else v.value
        return found

    def set_state_tree(self, state_tree: dict):
        """Assign values in the form of get_state_tree(); what is not named stays.

        Raises ValueError for a name or a shape that the model does not have; then nothing is changed.
        """
        groups, pairs = self._state_groups(), []
        for group, inner in state_tree.items():
            if group not in groups:
                raise ValueError(f"set_state_tree: expected {', '.join(groups)}, received {group!r}."
                                 f"{nearest(group, groups)}")
            known = {v.path: v for v in groups[group]}
            for path, value in _leaves(inner):
                if path not in known:
                    raise ValueError(f"set_state_tree: model {self.name!r} has no variable {path!r} among its {group}."
                                     f"{nearest(path, known)}")
                known[path]._check_shape(np.shape(value))
                pairs.append((known[path], value))
        for variable, value in pairs:
            variable.assign(value)

    def stateless_compute_loss(self, trainable_variables, non_trainable_variables, metrics_variables, x=None, y=None,
                               y_pred=None, sample_weight=None, training=True) -> tuple:
        """compute_loss() as a function of the state: (loss, (values of the trainable variables, of the others, of the
        metrics' state) after it). Raises ValueError for another number of values. Nothing is changed."""
        where = f"model {self.name!r}: stateless_compute_loss"
        given = {"trainable_variables": trainable_variables, "non_trainable_variables": non_trainable_variables,
                 "metrics_variables": metrics_variables}
        pairs = [p for name, values in given.items() for p in check_values(where, name, values, getattr(self, name))]
        with StatelessScope(pairs):
            loss = self.compute_loss(x, y, y_pred, sample_weight, training)
            return loss, tuple(values_of(getattr(self, name)) for name in given)


def _leaves(tree, path=""):
    """(path, value) pairs of nested dicts."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value
