"""Index expressions: where in a tensor an element is read, as an affine form of loop axes.

An `Axis` is one axis of a kernel's iteration domain. `Index` is ``constant + sum(coefficient * axis)`` with sizes as
coefficients, or opaque. `merge_axes` decides which neighbouring axes can run as one loop: those that every access of
the kernel walks together.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from kgraph.compiler.dims import Size, dim

__all__ = ["ORIGIN", "Axis", "Index", "Layout", "linear", "merge_axes", "row_major"]


class Axis:
    """A loop axis: its size and, once a nest is written, its variable (a Name).

    ``extent`` is the size by which kernels know it: a name, where the axis has one and its size is a number. So kernels
    for other numbers have the same text, and two axes that happen to be equally long are not taken for one.
    """

    __slots__ = ("size", "extent", "variable")

    def __init__(self, size: Size, name: str | None = None):
        self.size = size
        self.extent = dim(name) if name is not None and isinstance(size, int) and size > 1 else size
        self.variable = None


class Index:
    """constant + sum of coefficient * axis; or what is no such form, Opaque."""

    __slots__ = ("terms", "constant", "_key")
    is_affine = True

    def __init__(self, terms=(), constant: Size = 0):
        self.terms = {a: c for a, c in dict(terms).items() if not _is_zero(c)}
        self.constant = constant
        self._key = None

    @staticmethod
    def of(x) -> Index:
        """An axis, a size or an Index as an Index. The only position on an axis of extent 1 is 0."""
        if isinstance(x, Index):
            return x
        if isinstance(x, Axis):
            return Index({x: 1})
        return Index(constant=x)

    @property
    def is_zero(self) -> bool:
        return self.is_affine and not self.terms and _is_zero(self.constant)

    def __add__(self, other):
        other = Index.of(other)
        if not (self.is_affine and other.is_affine):
            return other if self.is_zero else self if other.is_zero else Opaque("+", self, other)
        terms = dict(self.terms)
        for axis, c in other.terms.items():
            terms[axis] = terms.get(axis, 0) + c
        return Index(terms, self.constant + other.constant)

    __radd__ = __add__

    def __mul__(self, size: Size):
        if isinstance(size, int) and size == 1:
            return self
        if not self.is_affine:
            return self if self.is_zero else Opaque("*", self, Index.of(size))
        return Index({a: c * size for a, c in self.terms.items()}, self.constant * size)

    __rmul__ = __mul__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + Index.of(other) * -1

    def __rsub__(self, other):
        return Index.of(other) + self * -1

    def __floordiv__(self, size: Size):
        return self if size == 1 else Opaque("//", self, Index.of(size))

    def __mod__(self, size: Size):
        return Index() if size == 1 else Opaque("%", self, Index.of(size))

    def key(self):
        """Hashable identity: equal keys are the same position."""
        if self._key is None:
            self._key = frozenset(self.terms.items()), self.constant
        return self._key


ORIGIN = Index()


class Opaque(Index):
    """An index that is no affine form: an operator on two others."""

    __slots__ = ("sign", "a", "b")
    is_affine = False

    def __init__(self, sign, a: Index, b: Index):
        super().__init__()
        self.sign, self.a, self.b = sign, a, b

    def key(self):
        return (self.sign, self.a.key(), self.b.key())


def row_major(shape) -> tuple:
    """The strides of a contiguous tensor, in elements."""
    strides, stride = [], 1
    for extent in reversed(shape):
        strides.append(stride)
        stride = stride * extent
    return tuple(reversed(strides))


def _extent_at(position, size: Size) -> Size:
    """The extent of a tensor's axis that is walked by ``position``: that of the loop axis, if it walks all of it."""
    index = Index.of(position)
    if index.is_affine and len(index.terms) == 1 and _is_zero(index.constant):
        (axis, factor), = index.terms.items()
        if isinstance(factor, int) and factor == 1 and axis.size == size:
            return axis.extent
    return size


def _named_strides(index, shape, strides) -> list:
    """Strides in terms of the loop axes' extents, as far as an axis spans exactly the axes inside of it."""
    named = list(strides)
    for k in range(len(shape) - 2, -1, -1):
        if strides[k] == strides[k + 1] * shape[k + 1]:
            named[k] = named[k + 1] * _extent_at(index[k + 1], shape[k + 1])
    return named


def linear(index, shape, strides=None) -> Index:
    """The position of a multi-index in a tensor of that shape, contiguous unless strides are given."""
    total = Index()
    strides = _named_strides(index, shape, strides or row_major(shape))
    for position, extent, stride in zip(index, shape, strides, strict=True):
        if extent != 1:
            total = total + Index.of(position) * stride
    return total


@dataclass(frozen=True)
class Layout:
    """How the values of a kernel lie in memory.

    same     value -> state whose buffer it lies in: they share one pointer, so that no two claim not to alias
    strides  value -> strides in elements, for values that are parts of a larger tensor; all others are contiguous
    """

    same: dict = field(default_factory=dict)
    strides: dict = field(default_factory=dict)

    def position(self, value, index) -> Index:
        return linear(index, value.shape, self.strides.get(value))


def merge_axes(axes, accesses, barriers=()) -> list:
    """Group neighbouring axes that every access walks as one: a list of lists of axes.

    accesses  the Index of every load and store
    barriers  axes that may not be merged with the one before them
    """
    groups = [[axes[0]]] if axes else []
    for before, axis in zip(axes, axes[1:]):
        together = axis not in barriers and all(_walks_together(x, before, axis) for x in accesses)
        if together:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    return groups


def _walks_together(index: Index, outer: Axis, inner: Axis) -> bool:
    if isinstance(index, Opaque):
        return not (_uses(index, outer) or _uses(index, inner))
    return index.terms.get(outer, 0) == index.terms.get(inner, 0) * inner.extent


def _uses(index: Index, axis: Axis) -> bool:
    if isinstance(index, Opaque):
        return _uses(index.a, axis) or _uses(index.b, axis)
    return axis in index.terms


def _is_zero(size) -> bool:
    return isinstance(size, int) and size == 0
