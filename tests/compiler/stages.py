"""Programs after some of the passes, for the tests of single passes."""
from kgraph.compiler.ir import TensorType
from kgraph.compiler.pipeline import PASSES, run_passes
from kgraph.compiler.trace import Trace


def traced(f, *shapes):
    """The Program of f(*values of these shapes, float32) -> a list of values."""
    with Trace("stage") as trace:
        return trace.finish(f(*[trace.add_input(TensorType(s, "float32")) for s in shapes]))


def fused(f, *shapes):
    """The same after all passes up to fusion."""
    return run_passes(traced(f, *shapes), PASSES[:[name for name, _ in PASSES].index("fuse") + 1])


def bodies(program):
    """The primitives of each fused op, without moves."""
    return [[o.prim.name for o in op.params["body"].ops if o.prim.kind != "move"] for op in program.ops
            if "body" in op.params]


def equal_meaning(before, after, rng):
    """Asserts that two programs over inputs of the same shapes give the same numbers."""
    import numpy as np

    from kgraph.compiler.interp import interpret
    arrays = [rng.normal(size=v.shape).astype(v.dtype) for v in before.inputs]
    results = []
    for program in (before, after):
        found = interpret(program, dict(zip(program.inputs, arrays)))
        results.append([found[v] for v in program.outputs])
    for x, y in zip(*results, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)
