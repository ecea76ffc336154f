"""Every example runs, from its own file, in a process of its own."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(*command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("example", sorted(p.name for p in EXAMPLES.glob("*.py")))
def test_example_runs(example):
    assert run(str(EXAMPLES / example))


def test_digits():
    """The main job: it learns, shows a kernel and the time of each, and eager training gives the same losses."""
    output = run("-m", "kgraph", "demo")
    assert "\r" not in output
    assert float(re.search(r"test accuracy ([\d.]+)", output)[1]) >= 0.97
    assert float(re.search(r"largest relative difference (\S+)", output)[1]) < 1e-5
    assert "def kg_" in output and "GFLOP/s" in output and "Total params: 17,226" in output


def test_bench_command(tmp_path):
    output = run("-m", "kgraph", "bench", "import", "--json", str(tmp_path / "found.json"))
    assert "import (ms)" in output and (tmp_path / "found.json").exists()


def test_importing_kgraph_loads_little():
    code = ("import sys, kgraph; print([m for m in ('numba', 'llvmlite', 'h5py', 'yaml', 'networkx', 'rich', 'numpy') "
            "if m in sys.modules])")
    assert run("-c", code).strip() == "[]"


def test_loading_and_predicting_need_no_jit_libraries(tmp_path):
    """With a warm kernel cache, a file is loaded and used without numba, h5py, yaml, networkx or rich."""
    code = f"""
import sys, numpy as np, kgraph
from kgraph import layers
x = kgraph.Input((4,))
if {{first}}:
    kgraph.Model(x, layers.Dense(2)(x)).save({str(tmp_path / "m.keras")!r})
kgraph.models.load_model({str(tmp_path / "m.keras")!r}).predict(np.ones((3, 4), "float32"), verbose=0)
print([m for m in ('numba', 'h5py', 'yaml', 'networkx', 'rich') if m in sys.modules])
"""
    run("-c", code.format(first=True))
    assert run("-c", code.format(first=False)).strip() == "[]"
