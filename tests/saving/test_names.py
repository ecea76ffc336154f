"""Names are data: whatever is in them, they are kept, and shown without being obeyed."""
import json
import xml.dom.minidom

import numpy as np
import pytest

import kgraph
from kgraph import inspect, layers
from kgraph.__main__ import main
from kgraph.inspect.files import describe_file, format_description
from kgraph.models import load_model
from kgraph.naming import printable

NAMES = ["a\x1b]0;evil\x07\x1b[2J", "[red]bold", "a[0][1]", "c:smile:", "back\\", "<&>\"'", "h\u202ei", "l\nm\r",
         "\x9b31m", "tab\t", "é\u0301", "no\u00a0break", "p:0", "q>r", " ", "vars", "x" * 20_000]


def model_with(name):
    x = kgraph.Input((4,))
    y = layers.Dense(3, name=name)(x)
    return kgraph.Model(x, layers.Add()([y, layers.Dense(3)(x)]), name=name)


def is_harmless(text):
    return all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_survive_and_are_shown(tmp_path, name, capsys):
    model = model_with(name)
    for file in ("m.keras", "m.h5"):
        model.save(tmp_path / file)
        assert load_model(tmp_path / file).get_layer(name).name == name
        assert is_harmless(format_description(describe_file(tmp_path / file)))
        assert main(["inspect", str(tmp_path / file), "--json"]) == 0
        assert is_harmless(capsys.readouterr().out)
    for file in ("m.weights.h5", "w.h5"):
        model.save_weights(tmp_path / file)
        model.load_weights(tmp_path / file)
    found = []
    model.summary(print_fn=found.append, line_length=200)
    assert is_harmless("\n".join(found))
    if len(name) < 40:
        assert any(f"{printable(name)} (Dense)" in line for line in found)
    graph = inspect.to_networkx(model)
    xml.dom.minidom.parseString(inspect.to_svg(graph))
    assert is_harmless(inspect.to_dot(graph))
    assert {node["id"] for node in json.loads(inspect.to_json(graph))["nodes"]} >= {name}


@pytest.mark.parametrize("name, files", [
    ("a\0b", ["m.keras", "m.h5", "m.weights.h5"]), ("\ud800", ["m.keras", "m.h5", "m.weights.h5"]),
    ("..", ["m.h5"]), (".", ["m.h5"]), ("x" * 70_000, ["m.h5"]),
])
def test_names_that_a_format_cannot_hold(tmp_path, name, files):
    model = model_with(name)
    for file in files:
        with pytest.raises(ValueError, match="expected a name of"):
            (model.save_weights if "weights" in file else model.save)(tmp_path / file)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["m.weights.h5", "w.h5"])
def test_names_in_errors(tmp_path, file):
    model_with("a\x1b[2J").save_weights(tmp_path / file)
    x = kgraph.Input((4,))
    with pytest.raises(ValueError, match="expected shape") as e:
        kgraph.Model(x, layers.Add()([layers.Dense(5, name="a\x1b[2J")(x), layers.Dense(5)(x)])).load_weights(
            tmp_path / file)
    assert is_harmless(str(e.value)) and "a\\x1b[2J" in str(e.value)


def test_names_in_the_progress_bar(capsys):
    x = kgraph.Input((2,))
    model = kgraph.Model(x, {"a\x1b[2J": layers.Dense(1)(x), "b": layers.Dense(1)(x)})
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2), "f4"), {"a\x1b[2J": np.ones((4, 1)), "b": np.ones((4, 1))}, verbose=2)
    assert is_harmless(capsys.readouterr().out)


@pytest.mark.parametrize("text, shown", [("é日本", "é日本"), ("\x1b[0m\u2028", "\\x1b[0m\\u2028"),
                                         ("\ud800", "\\ud800"), (5, "5")])
def test_printable(text, shown):
    assert printable(text) == shown
