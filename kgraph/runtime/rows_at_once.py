"""How many samples of a batch to run at a time: what one kernel writes shall still be in a cache when the next reads
it."""
from __future__ import annotations

from kgraph.compiler.dims import evaluate
from kgraph.compiler.plan import Plan
from kgraph.compiler.prims.loop import scan_p, while_p

__all__ = ["rows_at_once"]

LOOPS = scan_p, while_p
CACHED = 1 << 24  # bytes of an arena that stay in a last-level cache, beside what is read once and what others do


def rows_at_once(plan: Plan, extents: dict[str, int]) -> int:
    """Of a batch of B samples, if none of the results depends on another sample: all of them; or parts of about one
    size that fit into the cache, where these move more than the weights, which each part reads again. Loops over steps
    take about as long for a part as for all."""
    rows = extents["B"]
    at = lambda n: {**extents, "B": n}
    arena = sum(evaluate(list(plan.slots), extents))
    if arena <= CACHED:
        return rows
    most = max(1, rows * CACHED // arena)
    moved, weights = (sum(evaluate([k.bytes for k in plan.kernels], at(n))) for n in (most, 0))
    if moved < 2 * weights or any(k.op is not None and k.op.prim in LOOPS for k in plan.kernels):
        return rows
    return -(-rows // -(-rows // most))
