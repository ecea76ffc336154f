"""What a plan reads that is made of weights alone: made when a weight was written, kept until the next time."""
from __future__ import annotations

import dataclasses
import weakref

import numpy as np

from kgraph import variable
from kgraph.compiler.dims import evaluate
from kgraph.runtime.locks import compiling
from kgraph.runtime.memory import aligned

__all__ = ["Preparation", "preparation"]

_made: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # what is made, of which variables -> Preparation


def preparation(plan, states, constants, executable) -> Preparation:
    """The Preparation of a plan: one for all programs that make the same of the same variables.

    executable: what makes an Executable of these three
    """
    if any(plan.buffer(v).kind == "constant" for v in plan.program.inputs):
        return Preparation(executable(plan, states, constants))
    read = [states[plan.buffer(v).index] for v in plan.program.inputs]
    key = str(dataclasses.replace(plan.program, name="prepared")), tuple(map(id, read))
    found = _made.get(key)
    if found is None:
        found = _made[key] = Preparation(executable(plan, states, constants))
    return found


class Preparation:
    """The results of an Executable without inputs, of the present values of its variables.

    arrays  the results, in memory that stays where it is
    """

    def __init__(self, executable):
        self.executable, plan = executable, executable.plan
        self.arrays = [aligned(evaluate(v.type.nbytes, {})).view(v.dtype).reshape(v.shape)
                       for v in plan.program.outputs]
        read = [plan.buffer(v) for v in plan.program.inputs]
        states = [executable.states[b.index] for b in read if b.kind == "state"]
        self._weights = [s for s in states if hasattr(s, "last_written")]
        self._checked = self._made_of = None
        self._sound = True

    def refresh(self) -> bool:
        """Make the results anew if a variable was written since. Returns whether all are numbers: weights with an
        infinite scale in them make NaN of sums that are infinite."""
        now = variable.last_write
        if self._checked != now:
            if self._present() != self._made_of:  # asked without the lock, which a compilation may hold for seconds
                self._make()
            self._checked = now
        return self._sound

    def _present(self) -> list:
        return [s.last_written for s in self._weights]

    def _make(self):
        with compiling:
            present = self._present()
            if present != self._made_of:
                self.executable.run([], {}, self.arrays)
                self.executable.release()
                self._sound = all(np.isfinite(a).all() for a in self.arrays if a.dtype.kind == "f")
                self._made_of = present
