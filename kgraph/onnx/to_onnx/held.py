"""`Held`: where a value of a program is, in a graph that is being written.

ONNX repeats sizes of 1 by itself as NumPy does, and a convolution wants its channels first. So what only repeats or
permutes is not written at once: a value is held as a tensor that has some of its axes, in some order, and is brought
into the form that an operator asks for when one asks.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Held", "common_form", "identity", "is_one"]


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor of a graph, or an array that is known when exporting, that stands for a value.

    sizes  for each axis of the value how long it is held: 1 where it is repeated
    order  for each axis of the tensor the axis of the value; axes of the value that are not there have size 1
    name   of the tensor; for an array the name that it is to get
    array  the array, or None
    graph  the graph that the tensor is of
    """

    sizes: tuple
    order: tuple
    name: str
    array: np.ndarray | None = None
    graph: object = None

    @property
    def rank(self) -> int:
        return len(self.sizes)

    @property
    def full_order(self) -> tuple:
        """The order of its axes, if it has them all; else that of the value."""
        return self.order if len(self.order) == self.rank else identity(self.rank)

    def relabelled(self, axes, rank) -> Held:
        """Its axis i as axis axes[i] of a value of another rank, whose other axes have size 1."""
        sizes = [1] * rank
        for axis, size in zip(axes, self.sizes):
            sizes[axis] = size
        return replace(self, sizes=tuple(sizes), order=tuple(axes[a] for a in self.order))

    def without(self, axes) -> Held:
        """Without axes of size 1 that the tensor does not have."""
        kept = [a for a in range(self.rank) if a not in axes]
        return replace(self, sizes=tuple(self.sizes[a] for a in kept), order=tuple(map(kept.index, self.order)))

    def steps(self, order) -> tuple:
        """(permutation, axes to insert) that bring the tensor into an order; axes before its first one are left out."""
        places = [order.index(a) for a in self.order]
        perm = tuple(sorted(range(len(places)), key=places.__getitem__))
        first = min(places, default=len(order))
        return perm, tuple(i - first for i in range(first, len(order)) if i not in places)

    def aligned(self, order) -> np.ndarray:
        """The array in an order."""
        perm, missing = self.steps(order)
        return np.expand_dims(self.array.transpose(perm), missing)

    def is_part_of(self, shape, order) -> bool:
        """Whether in that order the tensor has fewer axes than a value of that shape, or is repeated along one."""
        first = min(map(order.index, self.order), default=len(order))
        return first > 0 or any(is_one(n) and not is_one(m) for n, m in zip(self.sizes, shape))


def identity(rank) -> tuple:
    return tuple(range(rank))


def is_one(size) -> bool:
    return isinstance(size, int) and size == 1


def common_form(helds) -> tuple:
    """(order, sizes, order of the axes that the result has) in which values of one shape meet."""
    rank = helds[0].rank
    given = sorted((h for h in helds if len(h.order) == rank), key=lambda h: h.array is not None)
    order = given[0].order if given else identity(rank)
    sizes = tuple(next((n for n in axis if not is_one(n)), 1) for axis in zip(*(h.sizes for h in helds)))
    return order, sizes, order[min((order.index(a) for h in helds for a in h.order), default=rank):]
