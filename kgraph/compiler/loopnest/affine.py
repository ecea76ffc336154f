"""Sizes as a share of a batch needs them: five words (c0, c1, a, b, d) for c0 + c1 * ((a * rows + b) // d)."""
from __future__ import annotations

from kgraph.compiler.dims import Dim, Size, names

__all__ = ["NotAffine", "affine"]


class NotAffine(ValueError):
    """A size that depends on the number of rows in another way."""


def affine(size: Size, rows: Dim | None) -> tuple:
    """The five words, in which ``rows`` does not occur. Raises NotAffine.

    >>> R = Dim.named("R")
    >>> affine(4 * R + 2, R), affine((R + 7) // 8 * 3, R)
    ((2, 4, 1, 0, 1), (0, 3, 1, 7, 8))
    """
    if rows is None or not rows.names() & names(size):
        return size, 0, 1, 0, 1
    (name,) = rows.names()
    c0, c1, inner = 0, 0, None
    for monomial, factor in size.terms.items():
        mine = [atom for atom in monomial if atom == name or not isinstance(atom, str) and name in names(atom[1:])]
        others = tuple(atom for atom in monomial if atom not in mine)
        rest = Dim({others: factor}) if others else factor
        if not mine:
            c0 = c0 + rest
            continue
        if len(mine) > 1 or inner not in (None, mine[0]):
            raise NotAffine(f"{size} in {rows}")
        inner = mine[0]
        c1 = c1 + rest
    return c0, c1, *_share(inner, name, size, rows)


def _share(atom, name: str, size, rows) -> tuple:
    """(a, b, d) of the atom rows, or (a * rows + b) // d."""
    if atom == name:
        return 1, 0, 1
    kind, x, d = atom
    if kind != "//" or name in names(d):
        raise NotAffine(f"{size} in {rows}")
    b, a, *plain = affine(x, rows)
    if plain != [1, 0, 1]:
        raise NotAffine(f"{size} in {rows}")
    return a, b, d
