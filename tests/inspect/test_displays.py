"""What a notebook shows: well-formed HTML and SVG that holds the numbers and escapes every name."""
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import kgraph
from kgraph import inspect, layers, ops


def texts(markup) -> str:
    """The text of markup, which has to be well-formed."""
    return " ".join(ElementTree.fromstring(f"<div>{markup}</div>").itertext())


@pytest.fixture(scope="module")
def model():
    m = kgraph.Sequential([kgraph.Input((3,)), layers.Dense(2, name="<i>a & b")], name="small")
    m.compile("sgd", "mse", metrics=["mae"])
    m.fit(np.ones((4, 3)), np.ones((4, 2)), epochs=3, validation_data=(np.ones((4, 3)), np.zeros((4, 2))), verbose=0)
    return m


@pytest.mark.parametrize("values, shown", [
    (np.arange(6.0).reshape(2, 3), ["0", "5"]), (np.zeros((0, 3)), ["[]"]), (np.float32(2.5), ["2.5"]),
    (np.arange(400).reshape(2, 20, 10), ["90", "30 rows more"]), (np.arange(20), ["11", "…"]),
    (np.array([True, False]), ["True"]), (np.array([np.nan, np.inf]), ["nan", "inf"])])
def test_tensors_and_variables(values, shown):
    for x, title in ((ops.convert_to_tensor(values), "Tensor"), (kgraph.Variable(values, name="v<w"), "Variable v<w")):
        found = texts(x._repr_html_())
        assert title in found and all(s in found for s in shown)


def test_models(model):
    found = texts(model._repr_html_())
    assert 'Model: "small"' in found and found.count("<i>a & b") == 2 and "(None, 2)" in found
    assert "Sequential" in texts(kgraph.Sequential([layers.Dense(2)])._repr_html_())


def test_histories(model):
    picture = ElementTree.fromstring(model.history._repr_svg_())
    lines = [e for e in picture.iter() if e.tag.endswith("polyline")]
    assert len(lines) == 4 and all(len(e.get("points").split()) == 3 for e in lines)
    assert {"loss", "val_loss", "mae", "val_mae"} <= set(" ".join(picture.itertext()).replace(":", " ").split()) | {
        t for e in picture.iter() for t in [e.text] if t}
    broken = kgraph.callbacks.History()
    broken.history["loss"] = [np.nan, 1.0, np.inf, 2.0]
    assert ElementTree.fromstring(broken._repr_svg_()) is not None
    assert ElementTree.fromstring(kgraph.callbacks.History()._repr_svg_()) is not None


def test_programs_kernels_and_profiles(model):
    text = inspect.program(model, "train")
    assert texts(text._repr_html_()).replace(" ", "") == text.replace(" ", "") and "<span" in text._repr_html_()
    assert f"def {inspect.kernels(model)[0].name}" in texts(inspect.kernels(model)[0]._repr_html_()).replace("  ", " ")
    assert "GFLOP/s" in texts(kgraph.profile(model)._repr_html_())
