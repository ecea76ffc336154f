"""The native routines of convolutions in plain Python, for KGRAPH_EMIT=python: the same sources, with tiles in
NumPy."""
from __future__ import annotations

import functools

import numpy as np

from kgraph.runtime import windows
from kgraph.runtime.nests import LEVELS

__all__ = ["handle", "routine"]


def handle(name: str) -> int:
    """What stands for the address of a routine."""
    return list(windows.ROUTINES).index(name)


def routine(number: int, namespace: dict):
    """The routine with that handle, as a Python function. ``namespace``: the kernel language in Python."""
    return _compiled(list(windows.ROUTINES)[int(number)], id(namespace), lambda: namespace)


@functools.cache
def _compiled(name, _, namespace):
    names = dict(namespace())
    names.update({f"nest_{n.vectors}": functools.partial(_nest, n) for n in windows.nests(name)})
    names.update(min=min, max=max)
    exec(compile(windows.source(name), f"<{name}>", "exec"), names)
    return names[name]


def _nest(nest, rows, levels, a, a_m, b, c, c_m, columns, accumulate):
    """kgraph.runtime.nests in NumPy."""
    dtype, item = np.dtype(nest.dtype), nest.itemsize
    words = _strided(levels, (LEVELS, 3), (24, 8), np.dtype(np.int64))
    counts = [int(n) for n in words[:, 0]]
    wide = min(columns, nest.lanes * nest.vectors)
    a_steps = [item * int(s) for s in (a_m, *words[:, 1])]
    out = _strided(c, (rows, wide), (item * c_m, item), dtype)
    if nest.term == "product":
        left = _strided(a, (rows, *counts), a_steps, dtype)[..., None]
    else:
        left = _strided(a, (rows, *counts, wide), (*a_steps, item), dtype)
    if nest.term in ("product", "pairs"):
        left = left * _strided(b, (*counts, wide), (*(item * int(s) for s in words[:, 2]), item), dtype)
    found = (np.max if nest.term == "maximum" else np.sum)(left, axis=tuple(range(1, 1 + LEVELS)))
    out[...] = out + found if accumulate else found


def _strided(address, shape, strides, dtype):
    """The memory at an address as an array; strides in bytes, of any sign."""
    from kgraph.runtime.twin import _view
    lowest = address + sum((n - 1) * min(s, 0) for n, s in zip(shape, strides))
    view = _view(lowest, shape, [abs(s) for s in strides], dtype)
    return view[tuple(slice(None, None, -1 if s < 0 else 1) for s in strides)]
