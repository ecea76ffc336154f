"""`Routine`: what writes the loop nest of a native routine, around its register tiles."""
from __future__ import annotations

from kgraph.codegen import functions
from kgraph.compiler.loopnest.builder import Builder
from kgraph.compiler.loopnest.nodes import LoopNest

__all__ = ["Routine"]


class Routine:
    """A routine for the machine that this thread compiles for. Subclasses say what it does in ``write``, by statements
    of the builder ``w``; the routine's parameters, int64 all, are attributes.

    tiles  the Tiles that it calls
    """

    def __init__(self, name: str, parameters: str, tiles=()):
        self.name, self.w = name, Builder(parameters.split(), tiles)
        for given in self.w.given:
            setattr(self, given.name, given)

    def write(self):
        raise NotImplementedError

    def nest(self) -> LoopNest:
        self.write()
        return self.w.nest(self.name)

    @classmethod
    def function(cls, name: str, reason: str) -> functions.Function:
        """The routine as a function; its nest is written where it has to be compiled."""
        return functions.native(name, lambda name: cls(name).nest(), reason)
