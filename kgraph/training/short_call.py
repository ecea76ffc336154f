"""The short way of a call: what it did in full once is kept, and done again on arrays like those before."""
from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ShortCall", "is_plain"]


def _arrays_in(x: Any) -> list[Any] | None:
    """What x has inside, if it is an array or a list, tuple or dict."""
    kind = type(x)
    if kind is np.ndarray:
        return [x]
    if kind is list or kind is tuple:
        return list(x)
    return [x[k] for k in sorted(x)] if kind is dict else None


def is_plain(x: Any, leaves: list[Any]) -> bool:
    """Whether x is an array, or a list, tuple or dict of arrays, and these are the leaves, in order."""
    given = _arrays_in(x)
    return bool(given) and len(given) == len(leaves) and all(a is b for a, b in zip(given, leaves))


class ShortCall:
    """Calls of one program, for which what was given needed no change.

    Args:
        x: what was given
        arrays: those in it
        owner: the Programs of the program
    """

    def __init__(self, program: Any, x: Any, arrays: list[Any], owner: Any):
        compiled = program.compiled
        self.owner: Any = owner
        self._kind, self._keys, self._count = type(x), set(x) if type(x) is dict else None, len(arrays)
        self._extents, self._pack = compiled.extents(arrays), program.pack
        self._run = None if compiled.executable is None else compiled.executable.run

    def __call__(self, x: Any) -> Any:
        """The outputs, or None where x is not like that before, or has to be converted."""
        if type(x) is not self._kind or self._keys is not None and x.keys() != self._keys or self._run is None:
            return None
        arrays = _arrays_in(x)
        if len(arrays) != self._count or type(arrays[0]) is not np.ndarray or not arrays[0].ndim:
            return None
        results = self._run(arrays, {**self._extents, "B": len(arrays[0])}, exact=True)
        return None if results is None else self._pack(results)
