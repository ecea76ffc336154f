"""Randomly damaged files: each ends soon, in little memory, in an error or a model, and touches nothing else."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT, PARTS = 500, 4
SOURCES = ("keras3/shared.keras", "keras3/lstm.keras", "keras3/operators.keras", "keras3/multi_io.keras",
           "keras3/conv.h5", "legacy/nested.h5", "legacy/gru.h5")


@pytest.fixture(scope="module")
def healthy(golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("healthy")
    for name in SOURCES:
        (folder / name.replace("/", "_")).write_bytes((golden / name).read_bytes())
    text = json.loads((golden / "keras3/transformer.json").read_text())["architecture"]
    (folder / "transformer.json").write_text(text if isinstance(text, str) else json.dumps(text))
    return folder


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_files(healthy, part):
    count = COUNT // PARTS
    arguments = [sys.executable, Path(__file__).with_name("damage.py"), healthy, str(part * count), str(count)]
    run = subprocess.run(arguments,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
                         capture_output=True, text=True, timeout=500)
    assert run.returncode == 0, run.stderr[-2000:]
    *wrong, last = run.stdout.splitlines()
    assert not [json.loads(line) for line in wrong]
    assert int(last.split()[0]) > count // 4, "most files should be refused"
