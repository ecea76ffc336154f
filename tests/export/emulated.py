"""Exports for other machines, run by emulators: C libraries by QEMU, WebAssembly by node."""
import importlib.util
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from kgraph import tree

ZIG = importlib.util.find_spec("ziglang") is not None
QEMU = {"aarch64": "qemu-aarch64", "neoverse-n1": "qemu-aarch64", "riscv64": "qemu-riscv64"}
MUSL = {"aarch64": "aarch64-linux-musl", "neoverse-n1": "aarch64-linux-musl", "riscv64": "riscv64-linux-musl"}

NODE = """
import fs from "fs";
import {load} from "./net.mjs";
const {x, sizes} = JSON.parse(fs.readFileSync("x.json")), found = [];
for (const file of ["net.wasm", "net-scalar.wasm"]) {
  const model = await load(fs.readFileSync(file));
  model.predict(x, sizes);
  found.push(model.predict(x, sizes).map(y => [y.shape, Array.from(y, Number)]));
}
let message = "";
const model = await load(fs.readFileSync("net.wasm"));
try { model.predict(x.map(a => a.slice(1)), sizes); } catch (e) { message = e.message; }
console.log(JSON.stringify({found, message}));
"""


def run_example(path, command, *inputs):
    """What main.c prints for each sample of the inputs."""
    rows = (" ".join(repr(float(v)) for x in inputs for v in x[i].ravel()) for i in range(len(inputs[0])))
    said = subprocess.run(command, input=" ".join(rows), capture_output=True, text=True, check=True, cwd=path).stdout
    return [np.array(line.split(), "float64") for line in said.splitlines()]


def predicts_the_same_elsewhere(model, inputs, target, tmp_path):
    """As this machine, one sample after the other."""
    if not (ZIG and shutil.which(QEMU[target])):
        pytest.skip("there is no Zig, or no emulator")
    model.export(tmp_path / "net", format="c", target=target)
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", MUSL[target], "-static", "-O2"]
    subprocess.run([*zig, "main.c", "-I.", "lib/libnet.a", "-o", "main", "-lm", "-lpthread"], check=True,
                   cwd=tmp_path / "net")
    said = run_example(tmp_path / "net", [QEMU[target], "./main"], *inputs)
    wanted = tree.flatten(model.predict(alone(inputs), verbose=0))
    for i, line in enumerate(said):
        np.testing.assert_allclose(line, wanted[i % len(wanted)][i // len(wanted)].ravel(), rtol=2e-5, atol=2e-6)
    assert len(said) == len(inputs[0]) * len(wanted)


def predicts_the_same_in_node(model, x, tmp_path):
    """As this machine, with and without SIMD; a wrong count of numbers is refused."""
    if not (ZIG and shutil.which("node")):
        pytest.skip("there is no Zig, or no node")
    folder, leaves = tmp_path / "net", tree.flatten(x)
    model.export(folder, format="web")
    (folder / "net.mjs").write_text((folder / "net.js").read_text())
    (folder / "t.mjs").write_text(NODE)
    names = [n for n in json.loads((folder / "signature.json").read_text())["sizes"] if n != "B"]
    lengths = [a.shape[1] for a, t in zip(leaves, model.inputs) if tuple(t.shape[1:2]) == (None,)]
    sizes = dict(zip(names, lengths)) | ({"batch": len(leaves[0])} if names else {})
    (folder / "x.json").write_text(json.dumps({"x": [a.ravel().tolist() for a in leaves], "sizes": sizes}))
    said = json.loads(subprocess.run(["node", "t.mjs"], cwd=folder, capture_output=True, text=True, check=True).stdout)
    wanted = tree.flatten(model.predict(x, verbose=0))
    for found in said["found"]:
        assert len(found) == len(wanted)
        for (shape, values), y in zip(found, wanted):
            assert shape == list(y.shape)
            np.testing.assert_allclose(np.array(values), y.ravel(), rtol=2e-5, atol=2e-6)
    assert re.search("expected a multiple of|expected .* numbers", said["message"])


def alone(x: list):
    """What predict takes."""
    return x if len(x) > 1 else x[0]
