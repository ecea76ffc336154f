"""Models of real Keras and of the examples as bundles and C libraries, here and on other machines. They take minutes to
compile: only where the tools of export are."""
import importlib.util
import runpy
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from emulated import alone, predicts_the_same_elsewhere, predicts_the_same_in_node
from saving.golden_models import ARCHIVE, Golden

import kgraph
from kgraph import tree

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None or not shutil.which("cc"),
                                reason="there is no Zig, or no C compiler")
with tarfile.open(ARCHIVE) as tar:
    FILES = sorted(n for n in tar.getnames()
                   if n.endswith((".keras", ".h5")) and not n.endswith((".weights.h5", "_w.h5")))

EXAMPLES = ("distributed", "headline", "siamese_lstm", "transformer", "visual_question_answering")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("golden")
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(made, filter="data")
    return made


def leaves_unchanged(model, x, tmp_path):
    wanted = tree.flatten(model.predict(x, verbose=0))
    for format in ("bundle", "c"):
        model.export(tmp_path / format, format=format)
        found = kgraph.load_bundle(tmp_path / format, threads=2).predict(x)
        for a, b in zip(tree.flatten(found), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def elsewhere(model, x, target, tmp_path):
    if target == "node":
        predicts_the_same_in_node(model, alone(x), tmp_path)
    else:
        predicts_the_same_elsewhere(model, x, target, tmp_path)


@pytest.mark.parametrize("file", FILES)
def test_a_golden_model_predicts_the_same(file, folder, tmp_path):
    path = folder / file
    golden = Golden(path.parent, path.name.partition(".")[0])
    leaves_unchanged(kgraph.models.load_model(path, compile=False), golden.x(), tmp_path)


@pytest.mark.parametrize("target", ["aarch64", "riscv64", "node"])
@pytest.mark.parametrize("file", [f for f in FILES if f.endswith(".keras")])
def test_a_golden_model_predicts_the_same_elsewhere(file, target, folder, tmp_path):
    path = folder / file
    model = kgraph.models.load_model(path, compile=False)
    x = tree.flatten(Golden(path.parent, path.name.partition(".")[0]).x())
    elsewhere(model, [v[:3] for v in x], target, tmp_path)


def example(name):
    """Its model, and inputs with 0 to 4 at every place, which is right for pixels and for words."""
    model = runpy.run_path(str(Path(__file__).parents[2] / "examples" / f"{name}.py"))["build_model"]()
    rng = np.random.default_rng(1)
    return model, [rng.integers(0, 5, (3, *(n or 1 for n in t.shape[1:]))).astype(t.dtype) for t in model.inputs]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_predicts_the_same(name, tmp_path):
    model, x = example(name)
    leaves_unchanged(model, alone(x), tmp_path)


@pytest.mark.parametrize("target", ["aarch64", "riscv64", "node"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_predicts_the_same_elsewhere(name, target, tmp_path):
    elsewhere(*example(name), target, tmp_path)
