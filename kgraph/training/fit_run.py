"""What one fit and its callbacks exchange."""
from __future__ import annotations

from dataclasses import dataclass, field

from kgraph.callbacks.callback_list import CallbackList

__all__ = ["FitRun"]


@dataclass(eq=False)
class FitRun:
    """A fit that runs: ``model.fit_run`` meanwhile, so that callbacks can ask it and change how it goes on.

    Args:
        source: of the batches; seed: of their order
        callbacks: all of them
        first_epoch, first_batch: where it begins; a callback that restores a state sets them in on_train_begin
        keep_steps: whether to remember what each step starts from, as last_step
        said_nan: whether a loss that is NaN was reported
    """

    model: object
    source: object
    callbacks: CallbackList
    seed: int
    first_epoch: int
    first_batch: int = 0
    keep_steps: bool = False
    last_step: tuple | None = None
    said_nan: bool = False
    _begun: list = field(default_factory=list)
    _ready: list = field(default_factory=list)

    def when_begun(self, function):
        """Have a function called when on_train_begin of all callbacks has been called."""
        self._begun.append(function)

    def when_ready(self, function):
        """Have a function called once all variables of training exist: now, or when the first batch has come."""
        if self.model.is_ready_to_train:
            function()
        else:
            self._ready.append(function)

    def begin(self):
        """All callbacks have begun."""
        for function in self._begun:
            function()
        self.source.seed = self.seed

    def become_ready(self):
        """All variables exist."""
        while self._ready:
            self._ready.pop(0)()
