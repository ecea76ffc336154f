"""Sizes that are known only when the graph runs: read off the inputs' shapes, and computed from them."""
from __future__ import annotations

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.dims import Dim

__all__ = ["Sizes"]


class Sizes:
    """Tensors int64[1] for sizes, in the outermost graph. ``places``: name of a size -> (name of an input, axis)."""

    def __init__(self, graph):
        self.graph = graph
        self.places: dict = {}
        self._known: dict = {}

    def note(self, name: str, shape):
        """Of an input: which sizes can be read off its shape."""
        for axis, size in enumerate(shape):
            if isinstance(size, Dim) and size == dims.dim(str(size)):
                self.places.setdefault(str(size), (name, axis))

    def vector(self, sizes: tuple) -> str:
        """A tensor int64[n] of them."""
        parts, run = [], []
        for size in (*sizes, None):
            if isinstance(size, Dim) or size is None:
                if run or size is None and not parts:
                    parts.append(self._constant(run))
                run = []
                parts += [] if size is None else [self.one(size)]
            else:
                run.append(int(size))
        with self.graph.at("sizes"):
            return parts[0] if len(parts) == 1 else self.graph.node("Concat", *parts, axis=0)

    def one(self, size) -> str:
        """A tensor int64[1]."""
        if not isinstance(size, Dim):
            return self._constant([size])
        if size not in self._known:
            with self.graph.at("sizes"):
                self._known[size] = self._sum(size)
        return self._known[size]

    def _constant(self, numbers) -> str:
        return self.graph.constant(np.asarray(numbers, "int64"))

    def _sum(self, size) -> str:
        total = None
        for monomial, factor in size.terms.items():
            term = None if factor == 1 and monomial else self._constant([factor])
            for atom in monomial:
                value = self._atom(atom)
                term = value if term is None else self.graph.node("Mul", term, value)
            total = term if total is None else self.graph.node("Add", total, term)
        return total

    def _atom(self, atom) -> str:
        node = self.graph.node
        if isinstance(atom, str):
            name, axis = self.places[atom]
            return node("Shape", name, start=axis, end=axis + 1)
        kind, a, b = atom[0], self.one(atom[1]), self.one(atom[2])
        if kind == "max":
            return node("Max", a, b)
        rest = node("Mod", a, b)  # has the sign of b, so that what is left divides without a rest
        return rest if kind == "%" else node("Div", node("Sub", a, rest), b)
