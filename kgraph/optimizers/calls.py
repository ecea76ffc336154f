"""An optimizer as a function of its state."""
from __future__ import annotations

import contextlib

from kgraph.compiler.trace import current_trace, suspend_recording
from kgraph.stateless import StatelessScope, check_values, values_of

__all__ = ["StatelessApply"]


class StatelessApply:
    """stateless_apply, made of ``apply``."""

    def stateless_apply(self, optimizer_variables, grads, trainable_variables) -> tuple:
        """One step as a function of the state: (values of the trainable variables, values of ``variables``) after it.

        Raises ValueError for another number of values, and for an optimizer that is not built. Nothing is changed.

        Args:
            optimizer_variables: one value for each of ``variables``
            grads, trainable_variables: one for each of the variables that the optimizer was built with
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
