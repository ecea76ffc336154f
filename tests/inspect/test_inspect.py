import importlib.util
import json
import re
import subprocess
import sys
import xml.etree.ElementTree

import h5py
import networkx
import numpy as np
import pytest

import kgraph
from kgraph import inspect, layers
from kgraph.__main__ import main
from kgraph.inspect import describe_file
from kgraph.inspect.files import _natural


@pytest.fixture
def model():
    x = kgraph.Input((4,), name="x")
    inner_in = kgraph.Input((3,), name="inner_in")
    inner = kgraph.Model(inner_in, layers.Dense(3, activation="relu", name="inner_dense")(inner_in), name="inner")
    h = layers.Dense(3, name="hidden")(x)
    both = layers.Add(name="add")([inner(h), inner(inner(h))])
    m = kgraph.Model(x, [layers.Dense(2, name="a")(both), layers.Dense(1, name="b")(h)], name="two")
    m.compile("sgd", "mse")
    return m


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.random((6, 4), "float32"), [rng.random((6, 2), "float32"), rng.random((6, 1), "float32")]


def test_graph_of_layers(model):
    graph = inspect.to_networkx(model)
    assert set(graph.nodes) == {"x", "hidden", "inner", "add", "a", "b"}
    assert graph.nodes["hidden"] == {"class_name": "Dense", "shape": (None, 3), "dtype": "float32", "params": 15,
                                     "trainable": True, "activation": graph.nodes["hidden"]["activation"],
                                     "place": graph.nodes["hidden"]["place"], "within": ()}
    assert "test_inspect.py:" in graph.nodes["hidden"]["place"]
    assert set(graph.edges) >= {("x", "hidden"), ("hidden", "inner"), ("inner", "add"), ("add", "a"), ("hidden", "b")}
    assert graph["inner"]["add"]["tensors"] == 2


def test_nested_models_expanded():
    x = kgraph.Input((4,), name="x")
    inner_in = kgraph.Input((4,), name="inner_in")
    inner = kgraph.Model(inner_in, layers.Dense(3, name="d")(inner_in), name="inner")
    graph = inspect.to_networkx(kgraph.Model(x, layers.Dense(2, name="out")(inner(x))), expand_nested=True)
    assert list(networkx.topological_sort(graph)) == ["x", "inner/inner_in", "inner/d", "out"]


def test_graph_of_ops(model):
    graph = inspect.to_networkx(model, level="op")
    assert networkx.is_directed_acyclic_graph(graph)
    assert any("hidden" in attributes["layer"] for _, attributes in graph.nodes(data=True))


def test_subclassed_models_show_what_they_hold():
    class Own(kgraph.Model):
        def __init__(self):
            super().__init__(name="own")
            self.first, self.rest = layers.Dense(2, name="first"), [layers.Dense(1, name="last")]

        def call(self, x):
            return self.rest[0](self.first(x))
    own = Own()
    own(np.ones((1, 3), "float32"))
    assert set(inspect.to_networkx(own).edges) == {("own", "own/first"), ("own", "own/last")}


def test_graph_as_text(model):
    graph = inspect.to_networkx(model)
    dot = inspect.to_dot(graph)
    assert dot.startswith('digraph "two" {') and '"hidden" -> "inner";' in dot and "(None, 3)" in dot
    found = json.loads(inspect.to_json(graph))
    assert {n["id"] for n in found["nodes"]} == set(graph.nodes) and len(found["edges"]) == graph.number_of_edges()
    assert inspect.to_json(model) == inspect.to_json(graph) and inspect.to_dot(model) == dot


@pytest.mark.parametrize("level", ["layer", "op"])
@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_picture(model, level, rankdir):
    if level == "layer":
        x = kgraph.Input((4,))
        model = kgraph.Model(x, layers.Add()([layers.Dense(4, name="<odd> & name")(x), x]))
    graph = inspect.to_networkx(model, level=level)
    root = xml.etree.ElementTree.fromstring(inspect.to_svg(graph, rankdir))
    boxes = [e for e in root.iter() if e.tag.endswith("rect")]
    assert len(boxes) == graph.number_of_nodes()
    spans = [[float(b.get(k)) for k in ("x", "y", "width", "height")] for b in boxes]
    for i, (x, y, w, h) in enumerate(spans):
        assert 0 <= x and x + w <= float(root.get("width")) and 0 <= y and y + h <= float(root.get("height"))
        for a, b, c, d in spans[:i]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y, "boxes overlap"


@pytest.mark.parametrize("name, start", [("m.svg", "<svg"), ("m.dot", "digraph"), ("m.json", "{")])
def test_plot_model(tmp_path, model, name, start):
    picture = kgraph.utils.plot_model(model, tmp_path / name, show_shapes=True)
    assert (tmp_path / name).read_text().startswith(start) and picture._repr_svg_().startswith("<svg")
    assert kgraph.utils.model_to_dot(model).startswith("digraph")


@pytest.mark.parametrize("name", ["m.jpg", "m.png"])
def test_plot_model_writes_svg_where_it_has_no_pixels(tmp_path, model, monkeypatch, name):
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)    # as without Pillow
    with pytest.warns(UserWarning, match="writes SVG"):
        kgraph.utils.plot_model(model, tmp_path / name)
    assert (tmp_path / "m.svg").exists() and not (tmp_path / name).exists()


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_plot_model_writes_pixels(tmp_path, model, rankdir):
    image = pytest.importorskip("PIL.Image")
    sizes = {}
    for dpi in (96, 192):
        picture = kgraph.utils.plot_model(model, tmp_path / "m.png", rankdir=rankdir, dpi=dpi)
        with image.open(tmp_path / "m.png") as opened:
            sizes[dpi] = opened.size
            assert {(255, 255, 255), (0xee, 0xee, 0xff), (0, 0, 0)} <= {c for _, c in opened.getcolors(1 << 16)}
    width, height = (int(n) for n in re.findall(r'(?:width|height)="(\d+)"', picture)[:2])
    assert all(abs(a - b) <= 1 for a, b in zip(sizes[96], (width, height)))
    assert all(abs(a - 2 * b) <= 2 for a, b in zip(sizes[192], sizes[96]))


def test_boxes_say_what_is_asked_for(model):
    inner = kgraph.Sequential([kgraph.Input((2,)), layers.Dense(1, activation="relu", trainable=False)])
    text = kgraph.utils.plot_model(inner, None, show_layer_activations=True, show_trainable=True)
    assert "activation: relu" in text and "not trainable" in text
    assert "activation:" in kgraph.utils.model_to_dot(inner, show_layer_activations=True)


def test_programs_and_kernels(model, data):
    with pytest.raises(ValueError, match="no train step yet"):
        inspect.program(kgraph.Sequential([layers.Dense(1)]), "train")
    assert "hidden" in inspect.program(model, "predict")
    before, after = inspect.program(model, "train", after=False, x=data[0], y=data[1]), inspect.program(model, "train")
    assert before.startswith("train(") and "two/" not in before and before != after
    kernels = inspect.kernels(model, "train")
    assert kernels and all(k.source.startswith("def ") and k.name in k.source for k in kernels)
    assert any("hidden" in layer for k in kernels for layer in k.layers)
    with pytest.raises(ValueError, match="one of train, test, predict"):
        inspect.program(model, "fit")


def test_compiles(model, data):
    model.train_on_batch(*data)
    assert all(r.how in ("compiled", "loaded") and r.seconds >= 0 and r.name for r in inspect.compiles())


# ------------------------------------------------------------------ files and the command line
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5", "m.json", "m.yaml"])
def test_describe_file(tmp_path, model, name):
    path = tmp_path / name
    if name.endswith(("json", "yaml")):
        path.write_text(model.to_json() if name == "m.json" else model.to_yaml())
    else:
        (model.save_weights if "weights" in name else model.save)(path)
    found = describe_file(path)
    if "weights" not in name:
        assert [e["name"] for e in found["model"]["layers"]] == [e.name for e in model.layers]
    if not name.endswith(("json", "yaml")):
        assert found["parameters"] == model.count_params()
    assert main(["inspect", str(path)]) == 0


def test_inspect_builds_nothing(tmp_path, model, monkeypatch, capsys):
    model.save(tmp_path / "m.keras")
    monkeypatch.setattr(layers.Layer, "__init__", lambda *a, **k: pytest.fail("a layer was made"))
    assert main(["inspect", "--json", str(tmp_path / "m.keras")]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["name"] == "two"


def test_command_line_errors(tmp_path, capsys):
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    assert main(["inspect", str(tmp_path / "x")]) == 1 and main(["inspect", str(tmp_path / "gone")]) == 1
    assert "expected a .keras archive" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path)]) == 1 and "received a folder" in capsys.readouterr().err


def test_one_object_of_many_names_is_told_once(tmp_path):
    """Thirty groups, each twice in the one before: a billion ways to the last one."""
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        groups = [file.create_group(f"g{i:02}") for i in range(30)]
        for outer, inner in zip(groups, groups[1:]):
            outer["a"] = outer["b"] = inner
        groups[-1]["self"], groups[-1]["x"] = file, np.zeros(3)
    assert [a["shape"] for a in describe_file(tmp_path / "m.weights.h5")["arrays"]] == [(3,)]


def test_cache_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KGRAPH_CACHE_DIR", str(tmp_path))
    (tmp_path / "kernels").mkdir(mode=0o700)
    (tmp_path / "kernels" / "a.o").write_bytes(b"x")
    assert main(["cache", "info"]) == 0 and "1 files" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0 and "deleted 1 files" in capsys.readouterr().out


def test_paths_are_sorted_by_their_numbers():
    assert sorted(["vars/10", "vars/2", "layers/a/vars/0", "vars/" + "9" * 30, "10", "2"], key=_natural) == [
        "2", "10", "layers/a/vars/0", "vars/2", "vars/10", "vars/" + "9" * 30]


def test_the_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"kgraph {kgraph.__version__}\n"


def test_a_reader_that_goes_away(tmp_path):
    """kgraph inspect FILE | head"""
    path = tmp_path / "m.keras"
    many = [layers.Dense(3, name="layer" * 1000 + str(i)) for i in range(30)]
    kgraph.Sequential([kgraph.Input((3,)), *many]).save(path)
    process = subprocess.Popen([sys.executable, "-m", "kgraph", "inspect", str(path)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 0


@pytest.mark.parametrize("loss, outputs", [
    ("sparse_categorical_crossentropy", "one"), ("categorical_crossentropy", "one"),
    (kgraph.losses.SparseCategoricalCrossentropy(), "one"),
    ({"a": "sparse_categorical_crossentropy", "b": "mse"}, "dict"),
    (["mse", "sparse_categorical_crossentropy"], "list")])
def test_right_after_compile(loss, outputs):
    x = kgraph.Input((None, 4))
    a, b = layers.Dense(3, activation="softmax", name="a")(x), layers.Dense(3, activation="softmax", name="b")(x)
    m = kgraph.Model(x, {"one": a, "dict": {"a": a, "b": b}, "list": [a, b]}[outputs])
    m.compile("adam", loss)
    assert "adam" in inspect.program(m) and "fused(" not in inspect.program(m, "train", after=False)
    assert len(inspect.kernels(m, "test")) > 0 and len(inspect.profile(m).rows) > 0
