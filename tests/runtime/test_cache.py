"""Object files: written once, checked, loaded without Numba, and never trusted too far."""
import ast
import json
import os
import shutil
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest

from kgraph.__main__ import main
from kgraph.codegen import functions, keys, linker, object_cache, target
from kgraph.compiler.loopnest.builder import Builder
from kgraph.compiler.loopnest.nodes import call
from kgraph.runtime import routines


def _scale(name, c):
    """A kernel that multiplies by c."""
    w = Builder()
    args, lo, hi, _ = w.given
    x = w.buffer("x", "float32", call("word", args, 0), 0)
    with w.loop("i", lo, hi) as i:
        w.store(x[i], x[i] * call("f32", c))
    return functions.of_nest(name, w.nest(), "a test")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty cache, and a process that has warned of nothing and knows no kernel."""
    monkeypatch.setenv("KGRAPH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(object_cache, "_warned", False)
    monkeypatch.setattr(functions, "_addresses", {})
    monkeypatch.setattr(functions, "_code", {})
    monkeypatch.setattr(functions, "records", [])
    return tmp_path / "kernels"


def need(c=2):
    functions.address(_scale("scale", c))
    return functions.records[-1]


def again(c=2):
    functions._addresses.clear()
    return need(c)


def test_compiled_once_then_loaded(folder):
    first = need()
    assert (first.name, first.reason, first.how) == ("scale", "a test", "compiled") and first.seconds > 0
    need()
    assert len(functions.records) == 1, "known in this process"
    assert again().how == "loaded" and again(3).how == "compiled"
    info = object_cache.info()
    assert info["folder"] == str(folder) and info["files"] == 2 and info["bytes"] > 500
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert object_cache.clear() == 2 and object_cache.info()["files"] == 0


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_compiled_again(folder, damage):
    need()
    path, = folder.glob("*.o")
    contents = path.read_bytes()
    path.write_bytes(contents[:-1] + bytes([contents[-1] ^ 1]) if damage is None else damage)
    with pytest.warns(RuntimeWarning, match="damaged file") as caught:
        assert again().how == "compiled"
    assert len(caught) == 1 and again().how == "loaded"
    path.write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert again().how == "compiled", "one warning in a process"


def test_a_folder_that_others_can_write_is_not_trusted(folder):
    need()
    folder.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="expected a folder that only user"):
        assert again().how == "compiled"


def test_without_a_folder_kernels_stay_in_memory(folder, monkeypatch):
    folder.write_text("a file where the folder should be")
    with pytest.warns(RuntimeWarning, match="kept in memory only|cannot be read"):
        assert need().how == "compiled"
    assert object_cache.info()["files"] == 0


def test_the_key_holds_what_the_code_depends_on(monkeypatch):
    def made():
        keys._versions.cache_clear()
        target._own_machine.cache_clear()
        return keys.key("f", "source")
    base = made()
    assert base == made() and base != keys.key("f", "source ")
    try:
        with monkeypatch.context() as m:
            m.setenv("NUMBA_CPU_NAME", "haswell")
            other = made()
    finally:
        assert made() == base
    assert other != base


FILES = sorted(str(f.relative_to(keys._PACKAGE)) for room in keys._ROOMS
               for f in (keys._PACKAGE / room).glob("*.py") if f.name != "__init__.py")


def with_another_constant(source: str) -> str:
    """The source with its first number one larger, else with its first text one letter longer."""
    constants = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and n.lineno == n.end_lineno]
    number = next((n for n in constants if type(n.value) is int), None) or next(
        n for n in constants if isinstance(n.value, str))
    new = repr(number.value + 1 if type(number.value) is int else number.value + "x")
    lines = source.splitlines(keepends=True)
    line = lines[number.lineno - 1].encode()
    lines[number.lineno - 1] = (line[:number.col_offset] + new.encode() + line[number.end_col_offset:]).decode()
    return "".join(lines)


def test_a_constant_in_any_file_that_makes_code_makes_another_key(tmp_path, monkeypatch):
    """An upgrade of kgraph never loads code that the version before made in another way."""
    copy = tmp_path / "kgraph"
    for room in keys._ROOMS:
        shutil.copytree(keys._PACKAGE / room, copy / room)
    monkeypatch.setattr(keys, "_PACKAGE", copy)

    def key():
        keys._versions.cache_clear()
        return keys.key("f", "source")
    try:
        base, found = key(), set()
        for name in FILES:
            before = (copy / name).read_text()
            (copy / name).write_text(with_another_constant(before))
            assert ast.dump(ast.parse((copy / name).read_text())) != ast.dump(ast.parse(before))
            found.add(key())
            (copy / name).write_text(before)
        assert base == key() and base not in found and len(found) == len(FILES) > 12
        (copy / "kernels" / "new.py").write_text("")
        assert key() != base
    finally:
        keys._versions.cache_clear()


@pytest.mark.parametrize("name", FILES)
def test_what_makes_code_imports_nothing_else_that_does(name):
    """Locks and messages make no code; nor does what elements and the interpreter ask for beside the language."""
    used = {node.module for node in ast.walk(ast.parse((keys._PACKAGE / name).read_text()))
            if isinstance(node, ast.ImportFrom) and node.module.startswith("kgraph")}
    rooms = tuple(f"kgraph.{room.replace('/', '.')}" for room in keys._ROOMS)
    assert {m for m in used if not m.startswith(rooms)} <= {
        "kgraph.runtime", "kgraph.log", "kgraph.naming", "kgraph.compiler.dims", "kgraph.compiler.ir",
        *(f"kgraph.compiler.prims.{m}" for m in ("erf", "random") if name.endswith("meaning.py"))}


@pytest.mark.parametrize("variable, text, wanted", [
    ("NUMBA_CPU_NAME", "haswel", "expected a processor that LLVM knows, received 'haswel'. Did you mean 'haswell'?"),
    ("NUMBA_CPU_NAME", "no such", "expected a processor that LLVM knows, received 'no such'."),
    ("NUMBA_CPU_FEATURES", "+avx22", "expected a feature that LLVM knows, received 'avx22'. Did you mean 'avx2'?")])
def test_unknown_processors_are_an_error(variable, text, wanted, monkeypatch, capfd):
    monkeypatch.setenv(variable, text)
    target._own_machine.cache_clear()
    try:
        with pytest.raises(ValueError) as caught:
            target.machine()
    finally:
        target._own_machine.cache_clear()
    assert str(caught.value) == f"{variable}: {wanted}" and capfd.readouterr().err == ""


LOADER = """
import json, sys
import numpy as np
sys.path[:0] = {folders!r}
import everything
print(json.dumps(everything.run()))
"""


def run_script(script, **environment):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=500,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("cpu", ["", "haswell", "nehalem"])
def test_everything_loads_without_numba_and_llvmlite(cpu, folder):
    """All functions and routines: compiled in one process, loaded in another that never imports Numba or llvmlite."""
    environment = {"KGRAPH_CACHE_DIR": str(folder.parent), **({"NUMBA_CPU_NAME": cpu} if cpu else {})}
    script = LOADER.format(folders=[*map(str, Path(__file__).parents[:2])])
    first, second = run_script(script, **environment), run_script(script, **environment)
    assert first["imported"] == ["numba", "llvmlite"] and not second["imported"]
    assert set(first["how"]) == {"compiled"} and set(second["how"]) == {"loaded"}
    assert first["results"] == second["results"]


def test_the_oldest_files_leave_a_cache_that_is_too_large(folder, monkeypatch):
    monkeypatch.setenv("KGRAPH_CACHE_BYTES", "2500")
    for i in range(4):
        object_cache.write(f"kernel{i}", bytes(1000 - 48))  # with the mark and the digest
        os.utime(folder / f"kernel{i}.o", (i, i))
    monkeypatch.setattr(object_cache, "_pruned", False)
    object_cache.write("new", b"")
    assert sorted(f.stem for f in folder.glob("*.o")) == ["kernel2", "kernel3", "new"]


def test_a_size_of_the_cache_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("KGRAPH_CACHE_BYTES", "1 GB")
    with pytest.raises(ValueError, match="expected KGRAPH_CACHE_BYTES to be a number of bytes, received '1 GB'"):
        object_cache.most_bytes()


def test_built_ahead(folder, monkeypatch, capsys):
    """Of small routines, so that the test is fast: what is there afterwards is all that a process then needs."""
    monkeypatch.setattr(routines, "MODULES", (types.SimpleNamespace(
        ROUTINES=("scale_f32", "scale_f64", "plan"), function=lambda name: _scale(name, 2)),))
    monkeypatch.setattr(routines, "_routine", lambda name, machine: routines.module_of(name).function(name))
    assert main(["cache", "build"]) == 0
    count = len(routines.of_calls()) + 2
    assert capsys.readouterr().out.splitlines()[0] == f"{count} native routines are in the cache"
    assert object_cache.info()["files"] == count
    functions.prepare([routines.routine("scale_f32"), *routines.of_calls()])
    assert object_cache.info()["files"] == count
    assert main(["cache", "build", "--dtypes", "float23"]) == 1
    assert "received 'float23' Did you mean 'float32'" in capsys.readouterr().err


WITHOUT = """
import json, sys, warnings
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numba", "llvmlite"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
if {missing}:
    import importlib.util
    found = importlib.util.find_spec
    importlib.util.find_spec = lambda name: None if name in ("numba", "llvmlite") else found(name)
    sys.meta_path.insert(0, Missing())
import numpy as np
import kgraph
from kgraph.codegen import functions
x = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
kgraph.utils.set_random_seed(1)
model = kgraph.Sequential([kgraph.Input((6,)), kgraph.layers.Dense({units}, activation="tanh"), kgraph.layers.Dense(1)])
model.compile("sgd", "mse")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(x, x[:, :1], verbose=0)
    y = model.predict(x, verbose=0)
print(json.dumps({{"how": sorted({{r.how for r in functions.records}}), "said": [str(w.message) for w in caught],
                  "y": y.ravel().tolist()}}))
"""


def test_a_process_without_numba_runs_what_is_kept_and_the_rest_with_numpy(folder):
    """The packages are not even installed there."""
    environment = {"KGRAPH_CACHE_DIR": str(folder.parent)}
    first, second, other = (run_script(WITHOUT.format(missing=missing, units=units), **environment)
                            for missing, units in ((False, 4), (True, 4), (True, 70)))
    assert first["how"] == ["compiled"] and second["how"] == ["loaded"] and not second["said"]
    assert first["y"] == second["y"]
    assert any("is not installed, and not all code of" in text for text in other["said"]) and len(other["y"]) == 20


def test_what_is_no_object_for_this_processor_is_left_to_llvm(folder):
    need()
    path, = folder.glob("*.o")
    data = path.read_bytes()[len(object_cache._MAGIC) + 32:]
    name = functions.records[-1].name
    with pytest.raises(ValueError, match="with the function another"):
        linker.link(data, "another")
    for damaged in (b"", b"nonsense", data[:18] + b"\xb7" + data[19:]):
        assert linker.link(damaged, name) is None
