"""Pulling elements: `Pull` asks an op's primitive for one element of its result, which asks for those it needs in turn.

The Writer of lowering makes expressions so; `Probe` is the same walk without them: it collects which elements are read,
which is how fusion rules and the merging of loop axes see through broadcasts, transposes and slices.
"""
from __future__ import annotations

from kgraph.compiler.dims import Size
from kgraph.compiler.ir import Op, Value
from kgraph.compiler.loopnest.index import ORIGIN, Axis, Index, Layout
from kgraph.compiler.loopnest.nodes import Expression, Name

__all__ = ["Probe", "Pull", "squeeze"]


def squeeze(shape) -> tuple:
    """The shape without its axes of extent 1: what loops have to walk."""
    return tuple(s for s in shape if not (isinstance(s, int) and s == 1))


class Pull:
    """What `lower` rules see: ``e`` in ``lower(e, op, index)``. Subclasses say what an element is."""

    def __init__(self, producers: dict):
        self.producers = producers  # Value -> the Op inside the kernel that makes it
        self.op: Op | None = None

    def read(self, k: int, index) -> Expression:
        """Input k's element at a multi-index (Index, Axis or size for each axis)."""
        return self.element(self.op.inputs[k], self._own_index(self.op.inputs[k], index))

    def _own_index(self, value: Value, index) -> tuple:
        """Positions on axes of extent 1 are always 0, so equal elements have equal keys."""
        return tuple(ORIGIN if isinstance(s, int) and s == 1 else Index.of(i)
                     for s, i in zip(value.shape, index, strict=True))

    def lowered(self, op: Op, index) -> Expression:
        """An element of the op's result, by its own rule."""
        saved, self.op = self.op, op
        try:
            return op.prim.lower(self, op, index)
        finally:
            self.op = saved


class Probe(Pull):
    """Collects ``reads``: (value, index) of every leaf element that an element depends on."""

    def __init__(self, producers: dict):
        super().__init__(producers)
        self.reads: list = []
        self.positions: list = []  # indices that appear in the text apart from loads
        self.branches = False      # whether an element comes from one of several places
        self._symbols: dict = {}
        self._seen: set = set()

    def element(self, value: Value, index) -> Expression:
        key = (value, tuple(i.key() for i in index))
        if key not in self._seen:
            self._seen.add(key)
            if value in self.producers:
                self.lowered(self.producers[value], index)
            else:
                self.reads.append((value, index))
        return Name(f"x{hash(key)}", value.dtype)

    def checked(self, x: Expression, extent: Size) -> Index:
        if str(x) not in self._symbols:
            self._symbols[str(x)] = Axis(None)
        return Index({self._symbols[str(x)]: 1})

    clamp = checked

    def choose(self, test: Expression, value, otherwise) -> Expression:
        self.branches = True
        otherwise()
        return value()

    def constant(self, value, dtype: str) -> Expression:
        return Name("c", dtype)

    def size(self, size: Size) -> Expression:
        return Name("n", "int64")

    def at(self, index) -> Expression:
        self.positions.append(Index.of(index))
        return Name("i", "int64")

    def accesses(self, layout: Layout) -> list:
        """Every position that the text will have, for merge_axes."""
        return [layout.position(value, index) for value, index in self.reads] + self.positions
