"""Each primitive means in ONNX Runtime what it means in NumPy, with opset 17 and with 24."""
import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import equal, file_of, session

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.trace import Trace, bind
from kgraph.onnx.to_onnx import RULES


def write(path, prim, arrays, params, opset):
    """A file with one primitive, of inputs of those arrays."""
    with Trace("one") as trace:
        inputs = [trace.add_input(TensorType(a.shape, a.dtype.name)) for a in arrays]
        results = bind(prim, *inputs, **params)
        program = trace.finish(results if isinstance(results, tuple) else (results,))
    file_of(program, path, opset, inputs)


def run(path, arrays):
    """By ONNX Runtime; where it has no kernel for a dtype, by the reference that comes with onnx."""
    import onnx.reference
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel
    feed = {f"x{i}": np.asarray(a) for i, a in enumerate(arrays)}
    try:
        return session(path).run(None, feed)
    except NoKernel:
        return onnx.reference.ReferenceEvaluator(str(path)).run(None, feed)


SINCE = {"bitwise_and": 18, "bitwise_or": 18, "bitwise_xor": 18, "scatter_max": 18, "scatter_min": 18,
         "scatter_last": 18, "e4m3": 19, "e5m2": 19}
EMPTY = {"scan"}  # ONNX Runtime runs no Scan of no steps


@pytest.mark.parametrize("opset", [17, 24])
@pytest.mark.parametrize("name", RULES)
def test_primitive(name, opset, tmp_path):
    prim = PRIMITIVES[name]
    if opset < SINCE.get(name, 0):
        with pytest.raises(ValueError, match=f"expected opset={SINCE[name]} or more for the primitive '{name}', "
                                             f"received {opset}"):
            write(tmp_path / "one.onnx", prim, *prim.examples(np.random.default_rng(0))[0], opset)
        return
    for arrays, params in prim.examples(np.random.default_rng(0)):
        if name in EMPTY and params.get("length") == 0 or params.get("rate"):  # dropout draws
            continue
        if prim.kind == "window":  # for which neither has all float64 kernels
            arrays = [a.astype("float32") if a.dtype.kind == "f" else a for a in arrays]
        write(tmp_path / "one.onnx", prim, arrays, params, opset)
        found = run(tmp_path / "one.onnx", arrays)
        want = prim.reference(*arrays, **params)
        for got, w in zip(found, want if isinstance(want, tuple) else (want,), strict=True):
            equal(np.asarray(got), np.asarray(w))
