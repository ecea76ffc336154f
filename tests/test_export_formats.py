"""`Model.export` and `python -m kgraph export`: which formats there are, and what is said where there is none."""
import importlib.util

import pytest

import kgraph
from kgraph import layers
from kgraph.__main__ import main
from kgraph.export import FORMATS, REFUSED, command


@pytest.fixture
def model():
    return kgraph.Sequential([kgraph.Input((4,)), layers.Dense(2)])


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_its_function_and_suffixes_of_its_own(name):
    assert callable(FORMATS[name].load())
    for other in set(FORMATS) - {name}:
        assert not set(FORMATS[name].suffixes) & set(FORMATS[other].suffixes)


@pytest.mark.parametrize("arguments, says", [
    (("m", "onx"), "format among .*onnx.*received 'onx'. Did you mean 'onnx'"),
    (("m.onx",), r"ends in one of .onnx.*received 'm.onx'. Did you mean '.onnx'"),
    (("m",), "expected format="),
    *(((f"m.{name}", name), f"received {name!r}: .* Use format=\"onnx\"") for name in REFUSED)])
def test_a_format_that_is_not_there(model, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=says):
        model.export(*arguments)
    assert not list(tmp_path.iterdir())


def test_an_option_that_is_not_there(model, tmp_path):
    with pytest.raises(TypeError, match="format 'onnx': unknown argument 'opsett'.*Did you mean 'opset'"):
        model.export(tmp_path / "m.onnx", opsett=20)


def test_options_as_words():
    words = "--opset 19 --rate=0.5 --cpu haswell --cpu neoverse-n1 --static-memory --no-threads --name 3.keras".split()
    assert command.read_options(words) == {"opset": 19, "rate": 0.5, "cpu": ["haswell", "neoverse-n1"],
                                           "static_memory": True, "threads": False, "name": "3.keras"}
    with pytest.raises(ValueError, match="expected options as --name value, received 'opset'"):
        command.read_options(["opset", "19"])


def test_the_command_says_what_is_wrong(model, tmp_path, capsys):
    model.save(tmp_path / "m.keras")
    assert main(["export", str(tmp_path / "m.keras"), str(tmp_path / "m.onnx"), "--opsett", "20"]) == 1
    assert "Did you mean 'opset'" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "none.keras"), str(tmp_path / "m.onnx")]) == 1
    assert "none.keras" in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("onnx") is not None, reason="onnx is installed")
def test_without_the_package(model, tmp_path):
    with pytest.raises(ImportError, match=r"pip install .*kgraph\[onnx\]"):
        model.export(tmp_path / "m.onnx")
