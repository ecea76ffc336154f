"""Symbolic extents: integer polynomials over named sizes, such as ``B``, ``4*B`` or ``(T-3)//2+1``.

A shape is a tuple of ``int`` and `Dim`. Arithmetic on dims folds: a result without names is a plain ``int``, so
constant shapes never meet this module. Two dims are equal when their canonical polynomials are equal. Sizes are
taken to be at least zero, which is all that the few order questions below rely on.
"""
from __future__ import annotations

import functools
import math
from numbers import Integral
from typing import NamedTuple

__all__ = ["LINE", "Dim", "Size", "SizeRule", "dim", "evaluate", "in_lines", "names", "nominal", "size_of",
           "substitute"]

NOMINAL = 32
LINE = 64  # bytes of a line of the cache: memory of its own begins at a multiple of it


class Dim:
    """A polynomial: ``terms`` maps a monomial (a sorted tuple of atoms) to its integer coefficient.

    An atom is a name, or a tuple ``("//", a, b)``, ``("%", a, b)`` or ``("max", a, b)`` over dims and ints that
    did not simplify.

    >>> B = Dim.named("B")
    >>> 2 * B + B, (B + 1) * 4 - 4
    (3*B, 4*B)
    >>> ((B - 3) // 2 + 1).evaluate({"B": 10})
    4
    """

    __slots__ = ("terms", "_hash")

    def __init__(self, terms):
        self.terms = terms
        self._hash = hash(frozenset(terms.items()))

    @staticmethod
    def named(name: str) -> Dim:
        return Dim({(name,): 1})

    def __add__(self, other):
        if type(other) is int and not other:
            return self
        if not isinstance(other, (Integral, Dim)):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, factor in _terms(other).items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return _fold(terms)

    __radd__ = __add__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + other * -1 if isinstance(other, (Integral, Dim)) else NotImplemented

    def __rsub__(self, other):
        return other + self * -1

    def __mul__(self, other):
        if type(other) is int:  # most often by far
            return self if other == 1 else Dim({m: f * other for m, f in self.terms.items()}) if other else 0
        if not isinstance(other, (Integral, Dim)):
            return NotImplemented
        terms = {}
        for m, f in self.terms.items():
            for n, g in _terms(other).items():
                monomial = tuple(sorted(m + n, key=str)) if m and n else m or n
                terms[monomial] = terms.get(monomial, 0) + f * g
        return _fold(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other):
        exact = _exact_quotient(self, other)
        return exact if exact is not None else _opaque("//", self, other)

    def __rfloordiv__(self, other):
        return _opaque("//", other, self) if other else 0

    def __mod__(self, other):
        return 0 if _exact_quotient(self, other) is not None else _opaque("%", self, other)

    def __rmod__(self, other):
        return _opaque("%", other, self) if other else 0

    def __eq__(self, other):
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self):
        return self._hash

    def __bool__(self):
        raise TypeError(f"the size {self} is symbolic: it has no truth value while a graph is recorded")

    def _no_order(self, other):
        raise TypeError(f"the size {self} is symbolic and cannot be compared with {other} while a graph is recorded")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order

    def __index__(self):
        raise TypeError(f"the size {self} is symbolic: an integer is not known while a graph is recorded")

    def evaluate(self, extents: dict) -> int:
        """The integer this stands for, given a value for each name. Raises KeyError for a name without one."""
        total = 0
        for monomial, factor in self.terms.items():
            for atom in monomial:
                factor *= _evaluate_atom(atom, extents)
            total += factor
        return total

    def names(self) -> set:
        """The names in it."""
        found = set()
        for monomial in self.terms:
            for atom in monomial:
                found |= {atom} if isinstance(atom, str) else names(atom[1:])
        return found

    def __repr__(self):
        parts = []
        texts = [(-len(m), "*".join(map(_atom_text, m)), f) for m, f in self.terms.items()]
        for _, text, factor in sorted(texts):
            if not text:
                text = str(abs(factor))
            elif abs(factor) != 1:
                text = f"{abs(factor)}*{text}"
            parts.append(("-" if factor < 0 else "+" if parts else "") + text)
        return "".join(parts)

    def __reduce__(self):
        return Dim, (self.terms,)


Size = int | Dim


def dim(name: str) -> Dim:
    """The size of that name."""
    return Dim.named(name)


def maximum(a: Size, b: Size) -> Size:
    """The larger of two sizes; an unevaluated maximum when that is not known."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    if a == b:
        return a
    difference = _terms(a - b)
    if all(isinstance(atom, str) for monomial in difference for atom in monomial):  # names are at least zero
        if all(f > 0 for f in difference.values()):
            return a
        if all(f < 0 for f in difference.values()):
            return b
    return _opaque("max", a, b)


class SizeRule(NamedTuple):
    """What sizes have to fulfil that are not known yet: ``a == b`` or ``a <= b``, for the sake of ``what``,
    asked for in ``scope``."""

    a: Size
    sign: str
    b: Size
    what: str
    scope: str = ""

    def check(self, extents: dict, name: str):
        """Raise ValueError where the rule does not hold for these extents."""
        a, b = evaluate(self.a, extents), evaluate(self.b, extents)
        if not (a == b if self.sign == "==" else a <= b):
            error = ValueError(f"{name}: {self.what}: expected {self.a} {self.sign} {self.b}, received {a} and {b} for "
                               f"{', '.join(f'{k} = {v}' for k, v in extents.items())}")
            error.scope = self.scope
            raise error


def evaluate(x, extents: dict):
    """Every Dim inside nested tuples, lists, dicts and slices replaced by its integer."""
    if isinstance(x, Dim):
        return x.evaluate(extents)
    return x if type(x) is int else _rebuild(x, lambda y: evaluate(y, extents))


@functools.cache
def nominal(size: Size) -> int:
    """The number that a size counts as where that decides about speed or order only: names stand for NOMINAL."""
    return evaluate(size, dict.fromkeys(names(size), NOMINAL))


def substitute(x, dims: dict):
    """Every name inside replaced by ``dims[name]`` (an int or a Dim), where given."""
    if isinstance(x, Dim):
        total = 0
        for monomial, factor in x.terms.items():
            term = factor
            for atom in monomial:
                if isinstance(atom, str):
                    value = dims.get(atom, Dim.named(atom))
                else:
                    value = _apply(atom[0], substitute(atom[1], dims), substitute(atom[2], dims))
                term = term * value
            total = total + term
        return total
    return x if type(x) is int else _rebuild(x, lambda y: substitute(y, dims))


def names(x) -> set:
    """The names of all dims inside nested tuples and lists."""
    if isinstance(x, Dim):
        return x.names()
    return set().union(*map(names, x)) if isinstance(x, (tuple, list)) else set()


def in_lines(nbytes: Size) -> Size:
    """The bytes of whole lines of the cache."""
    return (nbytes + (LINE - 1)) // LINE * LINE


def size_of(shape) -> Size:
    """The number of elements of a shape."""
    return math.prod(shape, start=1)


def _rebuild(x, f):
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(f, x))
    if isinstance(x, (tuple, list)):
        return type(x)(map(f, x))
    if isinstance(x, dict):
        return {k: f(v) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(f(x.start), f(x.stop), f(x.step))
    return x


def _terms(x) -> dict:
    return x.terms if isinstance(x, Dim) else {(): int(x)}


def _fold(terms: dict) -> Size:
    terms = {m: f for m, f in terms.items() if f}
    if not terms:
        return 0
    if len(terms) == 1 and () in terms:
        return terms[()]
    return Dim(terms)


def _opaque(kind, a, b) -> Dim:
    return Dim({((kind, a, b),): 1})


def _apply(kind, a, b):
    return {"//": lambda: a // b, "%": lambda: a % b, "max": lambda: maximum(a, b)}[kind]()


def _evaluate_atom(atom, extents):
    if isinstance(atom, str):
        return extents[atom]
    return _apply(atom[0], evaluate(atom[1], extents), evaluate(atom[2], extents))


def _atom_text(atom):
    if isinstance(atom, str):
        return atom
    if atom[0] == "max":
        return f"max({atom[1]},{atom[2]})"
    a, b = (f"({x})" if isinstance(x, Dim) and len(x.terms) > 1 else str(x) for x in atom[1:])
    return f"({a}{atom[0]}{b})"


def _exact_quotient(a, b):
    """a / b when b divides a as a polynomial, else None."""
    order = lambda monomial: (len(monomial), *map(str, monomial))
    divisor = _terms(b)
    lead = max(divisor, key=order)
    rest, found = a, 0
    while isinstance(rest, Dim) or rest:
        terms = _terms(rest)
        first = max(terms, key=order)
        monomial = _without(first, lead)
        if monomial is None or terms[first] % divisor[lead]:
            return None
        part = _fold({monomial: terms[first] // divisor[lead]})
        rest, found = rest - part * b, found + part
    return found


def _without(monomial, part):
    """The atoms of a monomial without those of part; None where not all of these are there."""
    rest = list(monomial)
    for atom in part:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)
