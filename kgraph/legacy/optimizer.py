"""Arguments and methods of optimizers that Keras 1, Keras 2 and tf.keras had and Keras 3 has not."""
from __future__ import annotations

import warnings

from kgraph import doors, tree
from kgraph.gradient import GradientTape
from kgraph.legacy.defaults import older_than

__all__ = ["Keras2Optimizer"]


class Keras2Optimizer:
    """minimize of tf.keras 2, get_updates of Keras 1 and 2; lr= and decay=."""

    _old_settings = ()   # arguments of Keras 2 that are attributes of the class where they are not given

    def __new__(cls, *args, **kwargs):
        return object.__new__(doors.old_optimizers.rule_of_version(cls) if older_than(2, 11) else cls)

    def _take_old_arguments(self, kwargs, learning_rate):
        """Take Keras 2's arguments out of kwargs, with one warning each; the learning rate that is meant."""
        self.decay = kwargs.pop("decay", None) or 0.0
        if self.decay:
            warnings.warn("decay= is applied as in Keras 2; the modern spelling is learning_rate="
                          "kgraph.optimizers.schedules.InverseTimeDecay(...)", FutureWarning, stacklevel=4)
        if "lr" in kwargs:
            learning_rate = kwargs.pop("lr")
            warnings.warn("lr= is now learning_rate=", FutureWarning, stacklevel=4)
        for name in (n for n in self._old_settings if n in kwargs):
            setattr(self, name, float(kwargs.pop(name)))
            warnings.warn(f"{name}= is applied as in Keras 2; Keras 3 has none", FutureWarning, stacklevel=4)
        return learning_rate

    def minimize(self, loss, var_list, tape=None, grad_loss=None, name=None):
        """One step that makes a loss smaller, as tf.keras 2 has it; gives the number of updates.

        grad_loss weights of the loss's elements
        name      accepted
        Raises ValueError for a tensor without a tape.

        Args:
            loss: a function without arguments that computes it, or a tensor that ``tape`` recorded
            var_list: Variables, or a function that gives them
        """
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape, grad_loss))

    def compute_gradients(self, loss, var_list, tape=None, grad_loss=None) -> list:
        """(gradient, Variable) pairs; arguments as for minimize."""
        if callable(loss) and not hasattr(loss, "dtype"):
            with tape or GradientTape() as tape:
                loss = loss()
        elif tape is None:
            raise ValueError(f"{self.name}: minimize: expected a function that computes the loss, or a tensor and the "
                             "tape that recorded it, received a tensor and tape=None")
        variables = tree.flatten(var_list() if callable(var_list) else var_list)
        return list(zip(tape.gradient(loss, variables, output_gradients=grad_loss), variables))

    def get_gradients(self, loss, params) -> list:
        """The gradients of a KTensor, as KTensors, clipped as this optimizer clips: for K.function."""
        return doors.graphs.gradients_for(self, loss, tree.flatten(params))

    def get_updates(self, *args, **kwargs) -> list:
        """get_updates(loss, params), of Keras 1 get_updates(params, constraints, loss): pairs of a Variable (of params
        and of the optimizer's state) and its new value as a KTensor, for K.function(inputs, outputs, updates)."""
        old = bool(args) and tree.is_nested(args[0])
        names = ("params", "constraints", "loss") if old else ("loss", "params", "constraints")
        given = {**dict(zip(names, args)), **kwargs}
        unknown = sorted({*given} - {*names}) or [n for n in ("loss", "params") if n not in given]
        if unknown or len(args) > 3:
            raise TypeError(f"{self.name}: get_updates: expected loss and params, received {sorted(given)}")
        return doors.graphs.updates_for(self, given["loss"], tree.flatten(given["params"]))
