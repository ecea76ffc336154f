"""ONNX's own tests as cases for load_onnx: models, inputs and what they have to give."""
import functools
import pathlib
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

KINDS = ("simple", "pytorch-converted", "pytorch-operator")


@functools.cache
def node_cases():
    """name -> TestCase of the tests of single operators."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases
        return {case.name: case for case in collect_testcases(None)}


def model_cases():
    """name -> folder with model.onnx and test_data_set_*, of the small models that the package ships."""
    root = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
    return {folder.name: folder for kind in KINDS for folder in sorted((root / kind).iterdir())}


def data_sets(case):
    """(model as bytes, [(inputs, outputs)]) of a case of either kind."""
    if not isinstance(case, pathlib.Path):
        return case.model.SerializeToString(), [tuple(map(_arrays, pair)) for pair in case.data_sets]
    sets = [tuple([_read(p) for p in sorted(folder.glob(f"{kind}_*.pb"), key=_number)] for kind in ("input", "output"))
            for folder in sorted(case.glob("test_data_set_*"))]
    return (case / "model.onnx").read_bytes(), sets


def _arrays(values):
    return [numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v for v in values]


def _number(path):
    return int(path.stem.rpartition("_")[2])


def _read(path):
    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


def opset(case):
    model = onnx.load(case / "model.onnx") if isinstance(case, pathlib.Path) else case.model
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)


def differences(found, expected, rtol=1e-3, atol=1e-6):
    """What of the outputs is not as expected, as text; empty where all is."""
    found = found if isinstance(found, (list, tuple)) else [found]
    if len(found) != len(expected):
        return f"{len(found)} outputs for {len(expected)}"
    for k, (a, b) in enumerate(zip(found, expected)):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {k}: {a.dtype}{a.shape} for {b.dtype}{b.shape}"
        if a.dtype.kind == "V" or "float8" in a.dtype.name:
            a, b, rtol, atol = a.astype("float32"), b.astype("float32"), max(rtol, 1e-2), max(atol, 1e-2)
        if not np.allclose(a, b, rtol, 1e-3 if b.dtype == "float16" else atol, equal_nan=True):
            return f"output {k}: values differ by {np.max(np.abs(a.astype('f8') - b.astype('f8')))}"
    return ""
