"""Every operation class that Keras's files can name, as an ONNX file: ONNX Runtime gives what the model gives."""
import re

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import TESTS, check, load

from kgraph.onnx.to_onnx import REFUSED

classes = load(TESTS / "saving" / "test_op_classes.py")
# What has no form in ONNX, and the primitive that is named then.
LEFT_OUT = {
    **dict.fromkeys(("bincount(n)", "beam_search", "nextafter(", ".nonzero(", "polar(", "segment_max(x, ls)",
                     "segment_sum(x, ls)", "unique(", "view(", "view_as_real("), "host"),
    **dict.fromkeys((".inv(", "cholesky_inverse(", "solve(", "solve_triangular("), "solve"),
    **dict.fromkeys(("lstsq(", "matrix_rank(", "pinv(", "svd("), "svd"),
    ".cholesky(": "cholesky", ".logdet(": "cholesky", "eigh(": "eigh", "lu_factor(": "lu", "qr(": "qr",
    "slogdet(": "qr", "elastic_transform(": "random_bits",
}


@pytest.mark.parametrize("use", classes.KNOWN)
def test_operation(use, tmp_path):
    model = classes.model_of(use)
    left_out = [LEFT_OUT[part] for part in LEFT_OUT if part in use]
    if left_out:
        reason = re.escape(f"{left_out[0]!r}: {REFUSED[left_out[0]]}")
        with pytest.raises(ValueError, match=f"expected operations that ONNX has, received the primitive {reason}"):
            model.export(tmp_path / "m.onnx")
        return
    arrays = [np.asarray(x, t.dtype) for x, t in zip(classes.inputs_of(use), model.inputs)]
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, arrays, rtol=1e-4)
