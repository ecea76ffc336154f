"""What was found by searching through layers, kept until something changes that such a search depends on.

One number grows with every assignment of a layer, variable or container to an attribute of a layer, and of a flag to a
variable; another with every flag of what trains, of layers too; a third with every assignment, of plain values too.
Containers in attributes are changed in place without a word, so they are looked at again.
"""
from __future__ import annotations

import itertools
import operator

__all__ = ["PLAIN", "Remembered", "assignments", "changed", "flags", "remember", "version"]

PLAIN = (type(None), bool, int, float, str, bytes)  # values of attributes that no search depends on


class _Count:
    value = 0
    flags = 0
    assignments = 0


def changed(searches=True, flags=False):
    """Tell that something was assigned, whether searches depend on it, and whether it is a flag of what trains."""
    _Count.value += searches
    _Count.flags += flags
    _Count.assignments += 1


def version() -> int:
    return _Count.value


def flags() -> tuple:
    """Changes when something begins or ceases to train, or searches find something else."""
    return _Count.value, _Count.flags


def assignments() -> int:
    return _Count.assignments


class Remembered:
    """Results of searches through what one object holds, by name."""

    def __init__(self, containers):
        self.version = _Count.value
        self.containers = [(c, list(_contents(c))) for c in containers]
        self.results = {}

    def holds(self) -> bool:
        """Whether the results are still true."""
        return self.version == _Count.value and all(itertools.starmap(_is_as_then, self.containers))


def remember(owner, name, find, containers):
    """The result of ``find()``, of `owner` under that name: found anew only where something changed.

    Args:
        containers: a function that gives the lists and dicts which the search goes through
    """
    known = owner.__dict__.get("_remembered")
    if known is None or not known.holds():
        known = owner.__dict__["_remembered"] = Remembered(containers())
    if name not in known.results:
        known.results[name] = find()
    return known.results[name]


def _contents(container):
    return container.values() if isinstance(container, dict) else container


def _is_as_then(container, then) -> bool:
    return len(container) == len(then) and all(map(operator.is_, _contents(container), then))
