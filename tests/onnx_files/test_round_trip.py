"""Layers written as ONNX files and read again give what they gave: a third of the lines of check_layer."""
import sys
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import tree
from kgraph.compiler.trace import Tensor

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
sys.path.append(str(Path(__file__).parents[1] / "onnx_out"))
LINES = dict(list(pytest.importorskip("exported").layer_lines())[::3])


@pytest.mark.parametrize("name", LINES)
def test_layer(name, tmp_path):
    case = LINES[name]
    model = case.model(case.layer())
    model.export(tmp_path / "layer.onnx")
    again, arrays = kgraph.load_onnx(tmp_path / "layer.onnx"), case.arrays(3)
    expected = tree.flatten(model(tree.pack_sequence_as(model._inputs, list(map(Tensor, arrays))), training=False))
    found = again(list(arrays) if len(arrays) > 1 else arrays[0])
    for a, b in zip(found if isinstance(found, (list, tuple)) else [found], map(np.asarray, expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype.name)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b, dtype="float64").max(initial=1))
