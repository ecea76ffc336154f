"""Looking for the op that made the first value that is not finite."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.interp import interpret
from kgraph.compiler.loopnest.dtypes import kind_of
from kgraph.graph import places

__all__ = ["first_bad_op"]


def first_bad_op(model):
    """Run the remembered step again, op by op; the first op whose result is not finite though its inputs are."""
    if model.fit_run is None or model.fit_run.last_step is None:
        return None
    compiled, arrays, extents, before, names = model.fit_run.last_step
    for name, array in [*zip(names, arrays), *((v.path, a) for v, a in zip(compiled.variables, before))]:
        if not _finite(array):
            return f"{name} has values that are not finite before the step"
    values = dict(zip(compiled._inputs, arrays))
    values.update(zip(compiled._states, before))
    values.update((v, t.numpy()) for v, t in compiled._captured)
    with np.errstate(all="ignore"):
        values = interpret(compiled.traced, values, extents)
    for op in compiled.traced.ops:
        if all(_finite(values[v]) for v in op.inputs) and not all(_finite(values[v]) for v in op.outputs):
            place = places.of_scope(graph, op.scope) if (graph := getattr(model, "_graph", None)) is not None else ""
            return f"{op.prim.name} in {op.scope or 'the step'}" + (f", called at {place}" if place else "")
    return None


def _finite(array) -> bool:
    array = np.asarray(array)
    return kind_of(array.dtype) != "f" or bool(np.isfinite(array).all())
