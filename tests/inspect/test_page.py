"""The report: what it holds fits together; opened in a browser, a layer that is chosen is chosen everywhere."""
import base64
import gzip
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import kgraph
from kgraph import inspect, layers
from kgraph.__main__ import main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """(path, text, data) of the report of a small trained model with a model inside."""
    i = kgraph.Input((6, 6, 2), name="image")
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="<conv>")(i)
    h = layers.Add(name="sum")([a, layers.Conv2D(4, 1, name="short")(i)])
    inner = kgraph.Sequential([kgraph.Input((6, 6, 4)), layers.Flatten(), layers.Dense(5, name="dense")], name="head")
    m = kgraph.Model(i, layers.Dense(3, activation="softmax", name="out")(inner(h)), name="small & neat")
    m.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.ones((8, 6, 6, 2), "float32"), np.arange(8) % 3
    m.fit(x, y, epochs=3, verbose=0)
    path = tmp_path_factory.mktemp("page") / "report.html"
    text = inspect.report(m, path, x, y)
    packed = re.search(r'id="data">(.*?)</script>', text).group(1)
    return path, text, json.loads(gzip.decompress(base64.b64decode(packed)))


def test_it_is_one_page_of_its_own(page):
    path, text, _ = page
    assert path.read_text() == text and "<title>small &amp; neat - kgraph report</title>" in text
    assert re.findall(r"https?://[^\"']*", text) == ["http://www.w3.org/2000/svg"] and len(text) < 2e6
    assert "<iframe" in text._repr_html_() and "<script>" not in text._repr_html_()


def test_parts_belong_together(page):
    *_, data = page
    closed, opened = ({n["id"] for n in g["nodes"]} for g in data["graphs"])
    assert closed == {"image", "<conv>", "sum", "short", "head", "out"} and "head/dense" in opened
    last = data["stages"][-1]["lines"]
    for kernel in data["kernels"]:
        assert set(kernel["layers"]) <= closed | opened and kernel["seconds"] >= 0
        assert " = " in last[kernel["line"]] and all(s in last[kernel["line"]] for s in kernel["scopes"])
        texts = data["texts"][kernel["name"]]
        assert texts["source"].startswith(f"def {kernel['name']}(") and "(args, lo, hi, scratch)" in texts["nest"]
        assert "ret" in texts["assembly"]
    assert any(k["layers"] == ["<conv>"] or "<conv>" in k["layers"] for k in data["kernels"])
    assert data["stages"][0]["name"] == "traced" and data["stages"][-1]["name"] == "schedule"
    memory = data["memory"]
    assert all(0 <= v["at"] and v["at"] + v["bytes"] <= memory["bytes"] and v["from"] <= v["to"] < memory["steps"]
               for v in memory["values"]) and 0 < memory["bytes"] <= memory["naive"]
    assert len(data["history"]["loss"]) == 3


def test_a_model_that_was_never_compiled():
    m = kgraph.Sequential([kgraph.Input((3,)), layers.Dense(2)])
    assert '<html lang="en">' in inspect.report(m, None, assembly=False)


def test_the_command(tmp_path, capsys):
    path = tmp_path / "m.keras"
    kgraph.Sequential([kgraph.Input((3,)), layers.Dense(2)]).save(path)
    assert main(["report", str(path)]) == 0 and capsys.readouterr().out == f"wrote {tmp_path / 'm.html'}\n"
    assert "<title>sequential" in (tmp_path / "m.html").read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("tab", ["Time", "Layer", "Passes", "Memory", "Training"])
def test_in_a_browser(page, tab, tmp_path):
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--enable-logging=stderr", "--disable-background-networking", "--disable-component-update",
             "--disable-sync")
    done = subprocess.run([CHROMIUM, *flags, f"--user-data-dir={tmp_path}", "--virtual-time-budget=8000", "--dump-dom",
                           f"file://{page[0]}#{tab}/%3Cconv%3E"], capture_output=True, text=True, timeout=500)
    dom = done.stdout
    assert 'data-ready="yes"' in dom and "Uncaught" not in done.stderr
    assert re.findall('class="node on" role="button" aria-label="([^:]*)', dom) == ["&lt;conv&gt;"]
    assert re.findall('aria-selected="true"[^>]*>([^<]*)', dom) == [tab]
    shown = {"Time": '<tr data-on="" class="on">', "Layer": 'class="row on"', "Passes": 'class="row on"',
             "Memory": 'class="value', "Training": "<polyline"}
    assert shown[tab] in dom and bool(re.search(r"takes most: \d", dom)) == (tab == "Time")
