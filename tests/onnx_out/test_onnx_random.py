"""Random programs as ONNX files: ONNX Runtime gives what NumPy gives, at sizes from 1 to 37."""
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import TESTS, file_of, load, session  # noqa: E402
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel  # noqa: E402

from kgraph.compiler.dims import dim  # noqa: E402
from kgraph.compiler.ir import TensorType  # noqa: E402
from kgraph.compiler.trace import Trace  # noqa: E402
from kgraph.ops import convert_to_tensor  # noqa: E402

programs = load(TESTS / "compiler" / "lowering" / "test_random_programs.py")
STEPS = 12


def fits(rules, extents) -> bool:
    """Whether the program takes these sizes; those without elements ONNX leaves open in places."""
    try:
        for rule in rules:
            rule.check(extents, "random")
    except ValueError:
        return False
    return 0 not in extents.values()


@pytest.mark.parametrize("seed", range(120))
def test_random_program(seed, tmp_path):
    shapes = ((dim("B"), dim("N")), (dim("N"),), (dim("B"), 3))
    with Trace("random") as trace:
        inputs = [trace.add_input(TensorType(s, "float32")) for s in shapes]
        recipe = programs.grow(seed, inputs, STEPS)
        program = trace.finish(programs.replay(recipe, inputs))
    extents = [e for e in ({"B": b, "N": n} for b, n in programs.EXTENTS) if fits(trace.size_rules, e)]
    if not extents:
        pytest.skip("no sizes fit")
    constants = [(v, t.numpy()) for v, t in trace.captured]
    file_of(program, tmp_path / "m.onnx", (17, 21, 24)[seed % 3], inputs, constants)
    try:
        running = session(tmp_path / "m.onnx")
    except NoKernel:
        pytest.skip("ONNX Runtime has no kernel for a dtype of it")
    rng = np.random.default_rng(seed)
    for e in rng.permutation(extents)[:2]:
        arrays = [rng.normal(size=s).astype("float32") for s in ((e["B"], e["N"]), (e["N"],), (e["B"], 3))]
        found = running.run(None, {f"x{i}": a for i, a in enumerate(arrays)})
        check(recipe, found, arrays)


def check(recipe, found, arrays):
    """As far as the program tells: where the last bits of its steps decide, the reference moves too."""
    def reference(noise):
        return [np.asarray(x) for x in programs.replay(recipe, [convert_to_tensor(a) for a in arrays], noise)]

    want, moved = reference(None), None
    for place, (got, w) in enumerate(zip(found, want, strict=True)):
        assert (got.dtype, got.shape) == (w.dtype, w.shape)
        with np.errstate(all="ignore"):
            if programs.agree(got, w, 0.0).all():
                continue
            moved = moved or [reference(np.random.default_rng(i)) for i in range(8)]
            spread = np.max([np.abs(m[place] - 1.0 * w) for m in moved], 0)
            assert programs.agree(got, w, 30 * np.nan_to_num(spread, nan=np.inf)).all(), (place, got, w)
