"""The native routines of convolutions in plain Python, for KGRAPH_EMIT=python: the same sources, with tiles in
NumPy."""
from __future__ import annotations

import functools

import numpy as np

from kgraph.kernels import conv, winograd
from kgraph.kernels.conv_tile import LEVELS

__all__ = ["ROUTINES", "handle", "routine"]

ROUTINES = {name: module for module in (conv, winograd) for name in module.ROUTINES}


def handle(name: str) -> int:
    """What stands for the address of a routine."""
    return list(ROUTINES).index(name)


def routine(number: int, namespace: dict):
    """The routine with that handle, as a Python function. ``namespace``: the kernel language in Python."""
    return _compiled(list(ROUTINES)[int(number)], id(namespace), lambda: namespace)


@functools.cache
def _compiled(name, _, namespace):
    names = dict(namespace())
    module = ROUTINES[name]
    dtype = np.dtype("float64" if name.endswith("64") else "float32")
    names.update({f"nest_{n.vectors}": functools.partial(_nest, n) for n in module.nests(name)})
    names.update({f"transform_{what}": functools.partial(_transform, np.array(matrix, dtype), what)
                  for what, matrix in winograd.TRANSFORMS.items()})
    names.update(min=min, max=max)
    exec(compile(module.source(name), f"<{name}>", "exec"), names)
    return names[name]


def _nest(nest, rows, levels, a, a_m, b, c, c_m, columns, accumulate):
    """kgraph.kernels.conv_tile in NumPy."""
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


def _transform(matrix, what, source, s_row, s_column, r0, r1, c0, c1, target, t_row, t_column, rows, columns, count):
    """A transform of kgraph.kernels.winograd in NumPy."""
    made, size = matrix.shape
    square, item = np.zeros((size, size, count), matrix.dtype), matrix.itemsize
    for i in range(max(0, r0), min(size, r1)):
        for j in range(max(0, c0), min(size, c1)):
            square[i, j] = _strided(source + item * (i * s_row + j * s_column), (count,), (item,), matrix.dtype)
    results = np.einsum("ik,jl,klc->ijc", matrix, matrix, square)
    for i in range(min(made, rows)):
        for j in range(min(made, columns)):
            place = _strided(target + item * (i * t_row + j * t_column), (count,), (item,), matrix.dtype)
            place[...] = results[i, j]
    return int(what == "outputs" and not np.isfinite(results).all())


def _strided(address, shape, strides, dtype):
    """The memory at an address as an array; strides in bytes, of any sign."""
    from kgraph.kernels.twin import _view
    lowest = address + sum((n - 1) * min(s, 0) for n, s in zip(shape, strides))
    view = _view(lowest, shape, [abs(s) for s in strides], dtype)
    return view[tuple(slice(None, None, -1 if s < 0 else 1) for s in strides)]
