"""Other ways to call an optimizer: minimize of tf.keras 2, get_updates of Keras 1 and 2, stateless_apply of Keras 3."""
from __future__ import annotations

import contextlib

from kgraph import doors, tree
from kgraph.compiler.trace import current_trace, suspend_recording
from kgraph.gradient import GradientTape
from kgraph.stateless import StatelessScope, check_values, values_of

__all__ = ["OtherCalls"]


class OtherCalls:
    """What is made of ``apply`` and ``apply_gradients``."""

    def minimize(self, loss, var_list, tape=None, grad_loss=None, name=None):
        """One step that makes a loss smaller, as tf.keras 2 has it; gives the number of updates.

        loss      a function without arguments that computes it, or a tensor that ``tape`` recorded
        var_list  Variables, or a function that gives them
        grad_loss weights of the loss's elements
        name      accepted
        Raises ValueError for a tensor without a tape.
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

    def stateless_apply(self, optimizer_variables, grads, trainable_variables) -> tuple:
        """One step as a function of the state: (values of the trainable variables, values of ``variables``) after it.

        optimizer_variables   one value for each of ``variables``
        grads, trainable_variables   one for each of the variables that the optimizer was built with
        Raises ValueError for another number of values, and for an optimizer that is not built. Nothing is changed.
        """
        if not self.built:
            raise ValueError(f"{self.name}: expected an optimizer that is built, for stateless_apply; call "
                             "optimizer.build(trainable_variables) before")
        own, where = self.trainable_variables, f"{self.name}: stateless_apply"
        pairs = [*check_values(where, "trainable_variables", trainable_variables, own),
                 *check_values(where, "optimizer_variables", optimizer_variables, self.variables)]
        with suspend_recording() if current_trace() is None else contextlib.nullcontext(), StatelessScope(pairs):
            self.apply(grads, own)
            return values_of(own), values_of(self.variables)
