"""The native routines that kernels call by name, each from its room of kgraph.kernels, and the functions that walk a
step: what `python -m kgraph cache build` compiles ahead."""
from __future__ import annotations

import functools

from kgraph.codegen import functions
from kgraph.codegen.target import machine
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.kernels import arrays, conv, depthwise, dots, gemm, matrices, walk, winograd
from kgraph.naming import nearest

__all__ = ["build", "module_of", "of_calls", "routine"]

MODULES = gemm, dots, conv, depthwise, winograd


def module_of(name: str):
    """The module that has a native routine: its ROUTINES, function(name) and scratch()."""
    for module in (matrices, *MODULES) if matrices.is_faster(name) else MODULES:
        if name in module.ROUTINES:
            return module
    raise KeyError(f"there is no native routine {name}")


def routine(name: str) -> functions.Function:
    """A native routine, for the machine that this thread compiles for."""
    return _routine(name, machine())


@functools.cache
def _routine(name: str, for_machine) -> functions.Function:
    return module_of(name).function(name)


def of_calls() -> list:
    """The functions that every call of a step needs."""
    return [module.function(name) for module in (walk, arrays) for name in module.ROUTINES]


def build(dtypes=("float32",)) -> int:
    """Compile the functions that walk a step and the routines of some dtypes into the cache, as far as they are not
    there: the first model that uses them starts faster by so much. Returns how many functions that are.

    dtypes  names of types that products are computed in: float32, float64, bfloat16, float16, int8

    Raises ValueError for another name.
    """
    known = [*gemm.ROUTINES.values(), *dots.ROUTINES.values()]
    if unknown := [t for t in dtypes if t not in known]:
        raise ValueError(f"expected dtypes of {', '.join(known)}, received {unknown[0]!r}{nearest(unknown[0], known)}")
    left_out = tuple(f"_{short_name(t)}" for t in known if t not in dtypes)
    wanted = [*of_calls(), *(routine(n) for module in MODULES for n in module.ROUTINES if not n.endswith(left_out))]
    functions.prepare(wanted)
    return len(wanted)
