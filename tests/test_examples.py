"""Every example runs, from its own file, in a process of its own."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kgraph.__main__ import main
from kgraph.programs.notebook import cells

EXAMPLES = Path(__file__).parents[1] / "examples"


ACCURACY = {  # the least that each must reach on what it was not trained on
    "digits.py": 0.97, "distributed.py": 0.93, "headline.py": 0.8, "hyperparameters.py": 0.95, "siamese_lstm.py": 0.9,
    "text_classifier.py": 0.95, "transformer.py": 0.9, "visual_question_answering.py": 0.9}


def run(*command, folder=None):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=500, cwd=folder,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def accuracy(output) -> float:
    """The last one that an example printed."""
    return float(re.findall(r"accuracy ([\d.]+)", output)[-1])


def test_every_example_is_tested():
    assert {p.name for p in EXAMPLES.glob("*.py")} == {*ACCURACY, "generation.py", "looking_inside.py"}


@pytest.mark.parametrize("notebook", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda p: p.stem)
def test_notebooks_are_kept_as_they_ran(notebook):
    """.ci/run runs them; here is looked whether all of them is Python, ran without an error, and shows something."""
    book = json.loads(notebook.read_text(encoding="utf-8"))
    code = [c for c in book["cells"] if c["cell_type"] == "code"]
    for source in cells(str(notebook)):
        compile(source, notebook.name, "exec")
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    outputs = [o for c in code for o in c["outputs"]]
    assert outputs and not [o for o in outputs if o["output_type"] == "error"]


@pytest.mark.parametrize("example", [e for e in ACCURACY if e != "digits.py"])
def test_example_learns(example, tmp_path):
    assert accuracy(run(str(EXAMPLES / example), folder=tmp_path)) >= ACCURACY[example]


def test_digits():
    """The main job: it learns, shows a kernel and the time of each, and eager training gives the same losses."""
    output = run(str(EXAMPLES / "digits.py"))
    assert "\r" not in output
    assert accuracy(output) >= ACCURACY["digits.py"]
    assert float(re.search(r"largest relative difference (\S+)", output)[1]) < 1e-5
    assert "def kg_" in output and "GFLOP/s" in output and "Total params: 17,226" in output


def test_demo_command_is_the_main_job(monkeypatch):
    called = []
    monkeypatch.setattr("kgraph.demo.main", lambda: called.append("main"))
    assert main(["demo"]) == 0 and called == ["main"]


def test_looking_inside(tmp_path):
    """Every stage of the model is shown: layers, program before and after the passes, kernels, times, a picture."""
    output = run(str(EXAMPLES / "looking_inside.py"), folder=tmp_path)
    before, after = output.split("--- predict")[1:3]
    assert "inputs -> hidden\nhidden -> kind" in output
    assert "softmax(%8" in before and "fused(" not in before
    assert "softmax" not in after and after.count("= fused(") == 3
    assert "def kg_" in output and "4192*B FLOP" in output and "GFLOP/s" in output
    assert (tmp_path / "looking_inside.svg").read_text().count("<rect") == 3


def test_generation(monkeypatch):
    """What was learnt by heart is written down again; a token's logits beside kept keys are those of the whole text."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import generation
    assert run(str(EXAMPLES / "generation.py")).endswith("as in the text\n")
    monkeypatch.setattr(generation, "LENGTH", 5)
    model = generation.Writer(1, 8, 2, 11)
    tokens = np.array([[3, 7, 10, 0, 7]], "int32")
    likeliest, step = np.argmax(model(tokens), -1)[0], model.writer()
    assert [int(step(tokens[:, i:i + 1], np.int32(i))[0, 0]) for i in range(5)] == likeliest.tolist()


def test_bench_command(tmp_path):
    output = run("-m", "kgraph", "bench", "--quick", "--only", "add", "--json", str(tmp_path / "found.json"))
    assert "add" in output and "import kgraph:" in output and (tmp_path / "found.json").exists()


def test_importing_kgraph_loads_little():
    code = ("import sys, kgraph; print([m for m in ('numba', 'llvmlite', 'h5py', 'yaml', 'networkx', 'rich', 'numpy') "
            "if m in sys.modules])")
    assert run("-c", code).strip() == "[]"


@pytest.mark.parametrize("code", ["kgraph.Variable(2.0) * 3", "kgraph.function(lambda x: x * 3)(np.float32(2))",
                                  "kgraph.random.SeedGenerator(1).next() + 1", "kgraph.Input((3,)) * 2"])
def test_operators_are_there_whatever_is_used_first(code):
    run("-c", f"import numpy as np, kgraph; {code}")


def test_loading_and_predicting_need_no_jit_libraries(tmp_path):
    """With a warm kernel cache, a file is loaded and used without numba, llvmlite, h5py, yaml, networkx or rich."""
    code = f"""
import sys, numpy as np, kgraph
from kgraph import layers
x = kgraph.Input((4,))
if {{first}}:
    kgraph.Model(x, layers.Dense(2)(x)).save({str(tmp_path / "m.keras")!r})
kgraph.models.load_model({str(tmp_path / "m.keras")!r}).predict(np.ones((3, 4), "float32"), verbose=0)
print([m for m in ('numba', 'llvmlite', 'h5py', 'yaml', 'networkx', 'rich') if m in sys.modules])
"""
    run("-c", code.format(first=True))
    assert run("-c", code.format(first=False)).strip() == "[]"
