"""The measuring command: what it writes, not how fast anything is."""
import json
import sys
import xml.etree.ElementTree

import numpy as np
import pytest

import kgraph
from kgraph.__main__ import main
from kgraph.bench import _names
from kgraph.bench.chart import Bar, Panel, bar_chart
from kgraph.bench.kernels import CASES
from kgraph.bench.loops import LOOPS
from kgraph.bench.peers import Contender, ModelRow, find_peers, measure_loops, measure_serving, measure_workload
from kgraph.bench.report import model_table, time_text
from kgraph.bench.workloads import BIG, DEEP, WORKLOADS
from kgraph.compiler.ir import TensorType
from kgraph.function import build


def test_command(tmp_path, capsys):
    files = {kind: tmp_path / f"found.{kind}" for kind in ("json", "svg")}
    assert main(["bench", "--quick", "--only", "sum_rows", "--only", "tiny", "--int8", "--json", str(files["json"]),
                 "--svg", str(files["svg"])]) == 0
    printed = capsys.readouterr().out
    assert "GFLOP/s" in printed and "sum_rows" in printed and "kgraph eager" in printed
    found = json.loads(files["json"].read_text())
    kernel, = found["kernels"]
    assert kernel["name"] == "sum_rows" and kernel["size"] == "32x100"
    assert kernel["gflops"] == pytest.approx(32 * 100 / kernel["seconds"] / 1e9, rel=0.1)
    names = ["kgraph", "kgraph eager", "kgraph int8"]
    assert [(r["workload"], r["contender"]) for r in found["models"]] == [("tiny", name) for name in names]
    assert all(r[what] > 0 and not r["error"] for r in found["models"]
               for what in ("predict", "sample", "cold_s", "peak_mb"))
    assert [bool(r["train"]) for r in found["models"]] == [True, True, False]
    assert found["machine"]["kgraph"] == kgraph.__version__ and found["machine"]["bandwidth"] > 0
    drawn = list(xml.etree.ElementTree.parse(files["svg"]).getroot().iter())
    assert {"sum_rows 32x100", "tiny", "kgraph eager"} <= {e.text for e in drawn if e.tag.endswith("text")}


def test_beside_a_busy_process(tmp_path, capsys):
    file = tmp_path / "found.json"
    assert main(["bench", "--quick", "--busy", "--only", "tiny", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())["models"]
    assert [(r["contender"], r["busy"]) for r in rows] == [
        (name, busy) for name in ("kgraph", "kgraph eager") for busy in (False, True)]
    assert all(r[what] > 0 for r in rows for what in ("train", "predict", "sample"))
    assert capsys.readouterr().out.count("beside a busy process") == 2


def test_busy_rows_are_compared_with_their_own():
    rows = [ModelRow("m", name, None, 1e-3 * t, busy=busy)
            for name, busy, t in (("kgraph", False, 1), ("kgraph", True, 1.5), ("jax", False, 2), ("jax", True, 5))]
    cells = list(model_table(rows).columns[1].cells)
    assert cells == ["1 ms", "1.5 ms (1.50)", "2 ms (2.00)", "5 ms (2.50)"]


@pytest.mark.parametrize("name, params", [("resnet50", 25_610_152), ("mobilenet_v2", 3_538_984)])
def test_big_ones_are_what_they_are_called(name, params):
    """The counts that Keras's own models have; ResNet50's there has biases behind its convolutions too: 26,560 more."""
    assert BIG[name].build(kgraph).count_params() == params


def test_serving(tmp_path, capsys):
    file = tmp_path / "found.json"
    assert main(["bench", "--serve", "--quick", "--only", "tiny", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())["serving"]
    assert [(r["workload"], r["contender"], r["threads"]) for r in rows] == [("tiny", "kgraph", n) for n in (1, 4, 16)]
    assert all(r["rate"] > 0 and 0 < r["p50"] <= r["p99"] for r in rows)
    assert "requests/s" in capsys.readouterr().out


def test_loops(tmp_path, capsys):
    file = tmp_path / "found.json"
    assert main(["bench", "--loops", "--quick", "--only", "layers_2", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    row, = found["loops"]
    assert (row["workload"], row["contender"]) == ("layers_2", "kgraph") and not found["models"] and not row["error"]
    assert list(row["times"]) == list(LOOPS) and min(row["times"].values()) > 0
    printed = capsys.readouterr().out
    assert all(title in printed for title in LOOPS.values())


def test_names():
    assert _names(["conv1x1*_grad", "tiny"]) == ["conv1x1_data_grad", "conv1x1_weight_grad", "tiny"]
    with pytest.raises(ValueError, match="received 'softmx' Did you mean 'softmax'"):
        _names(["softmx"])


def test_command_line_errors(capsys):
    assert main(["bench", "--only", "nothing"]) == 1 and "received 'nothing'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["demo", "--quick"])


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    """Each computation can be traced at all its sizes; a gradient has the shape of what it is of."""
    case = CASES[name]
    for size in case.sizes:
        types = [TensorType(shape, "float32") for shape in case.shapes(*size)]
        result, = build(name, case.f, types).traced.outputs
        if name.endswith("_grad"):
            assert result.shape == types[1 if name.endswith(("weight_grad", "right_grad")) else 0].shape


SMALLER = {"bert_base": (1, 24, 2), "gpt2_small": (1, 24, 2), "lstm_lm": (8,)}   # blocks, width, heads; width


@pytest.mark.parametrize("name", [*WORKLOADS, *BIG, *DEEP])
def test_workload(name):
    workload = {**WORKLOADS, **BIG, **DEEP}[name]
    model, (x, y) = workload.build(kgraph, *SMALLER.get(name, ())), workload.data(2)
    rows, targets = 2 * workload.batch, y if isinstance(y, list) else [y]
    assert [a.shape[1:] for a in x] == [t.shape[1:] for t in model.inputs] and {len(a) for a in x} == {rows}
    assert [a.dtype for a in x] == [t.dtype for t in model.inputs]
    assert len(model.outputs) == len(targets) and all(t.shape == (rows, *workload.target) for t in targets)
    assert 0 <= np.min(targets) and np.max(targets) < workload.classes and workload.batches >= 4


def test_contender_that_fails():
    row, = measure_workload("nothing", [Contender("kgraph")], 1)
    assert row.train is None and "KeyError: 'nothing'" in row.error
    rows = measure_serving("nothing", [Contender("kgraph")], 1)
    assert [r.rate for r in rows] == [None] * 3 and "KeyError: 'nothing'" in rows[0].error
    row, = measure_loops("nothing", [Contender("kgraph")], 1)
    assert not row.times and "KeyError: 'nothing'" in row.error


@pytest.mark.parametrize("given, message", [
    ("jax", "expected NAME=PATH"), ("mxnet=python", "NAME of tensorflow, jax, torch, onnxruntime"),
    ("jax=/nowhere/python", "cannot run /nowhere/python"), ("tf=/bin/false", "has no keras, tensorflow")])
def test_peers_that_are_not_there(given, message):
    with pytest.raises(ValueError, match=message):
        find_peers([given])


def test_peers_found(monkeypatch):
    monkeypatch.setattr("kgraph.bench.peers._missing", lambda name, python: ["x"] if name == "jax" else [])
    found = find_peers(["ort=/usr/bin/other"])
    assert [(p.name, p.python) for p in found] == [
        ("onnxruntime", "/usr/bin/other"), ("tensorflow", sys.executable), ("torch", sys.executable)]
    assert found[0].environment["KERAS_BACKEND"] == "torch"


def test_bar_chart():
    groups = [("a <1>", [Bar("x", 0.5, "half"), Bar("y", 4.0, "too long")])]
    root = xml.etree.ElementTree.fromstring(bar_chart("t", [Panel("p", groups, most=2.0, line=1.0)]))
    texts = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert texts == ["t", "x", "y", "p", "a <1>", "half", "too long"]
    widths = [float(e.get("width")) for e in root.iter() if e.tag.endswith("rect") and e.get("fill")[0] == "#"]
    assert widths[2] == pytest.approx(widths[3] / 4), "a quarter of the longest bar"
    assert all(float(e.get("x", 0)) + float(e.get("width")) <= float(root.get("width")) for e in root.iter()
               if e.tag.endswith("rect"))


@pytest.mark.parametrize("seconds, text", [
    (None, "-"), (2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.5e-6, "4.5 us"), (3e-8, "30 ns"), (1234.0, "1234 s")])
def test_time_text(seconds, text):
    assert time_text(seconds) == text
