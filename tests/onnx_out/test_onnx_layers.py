"""Every line of check_layer as an ONNX file: ONNX Runtime gives what the layer gives, for a full and a short batch."""
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import check, layer_lines

LINES = dict(layer_lines())
# layer -> what the error says
REFUSED = {}


@pytest.mark.parametrize("name", LINES)
def test_layer(name, tmp_path):
    case = LINES[name]
    model = case.model(case.layer())
    path = tmp_path / "layer.onnx"
    if case.cls.__name__ in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[case.cls.__name__]):
            model.export(path)
        assert not list(tmp_path.iterdir())
        return
    model.export(path)
    check(path, model, case.arrays(4), case.arrays(3))
