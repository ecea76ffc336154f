"""Object files: written once, checked, loaded without Numba, and never trusted too far."""
import ast
import json
import os
import shutil
import subprocess
import sys
import warnings

import pytest

from kgraph.codegen import functions, object_cache

SOURCE = """
def {name}(args, lo, hi, scratch):
    x = pf32(args, 0)
    for i in range(lo, hi):
        x[i] = x[i] * f32({c})
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty cache, and a process that has warned of nothing and knows no kernel."""
    monkeypatch.setenv("KGRAPH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(object_cache, "_warned", False)
    monkeypatch.setattr(functions, "_addresses", {})
    monkeypatch.setattr(functions, "records", [])
    return tmp_path / "kernels"


def need(c=2):
    functions.address(functions.Function("scale", SOURCE.format(name="scale", c=c), reason="a test"))
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
    def keys():
        object_cache._versions.cache_clear()
        object_cache.target.machine.cache_clear()
        return object_cache.key("f", "source")
    base = keys()
    assert base == keys() and base != object_cache.key("f", "source ")
    try:
        with monkeypatch.context() as m:
            m.setenv("NUMBA_CPU_NAME", "haswell")
            other = keys()
    finally:
        assert keys() == base
    assert other != base


FILES = sorted(str(f.relative_to(object_cache._PACKAGE)) for room in object_cache._ROOMS
               for f in (object_cache._PACKAGE / room).glob("*.py") if f.name != "__init__.py")


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
    for room in object_cache._ROOMS:
        shutil.copytree(object_cache._PACKAGE / room, copy / room)
    monkeypatch.setattr(object_cache, "_PACKAGE", copy)

    def key():
        object_cache._versions.cache_clear()
        return object_cache.key("f", "source")
    try:
        base, keys = key(), set()
        for name in FILES:
            before = (copy / name).read_text()
            (copy / name).write_text(with_another_constant(before))
            assert ast.dump(ast.parse((copy / name).read_text())) != ast.dump(ast.parse(before))
            keys.add(key())
            (copy / name).write_text(before)
        assert base == key() and base not in keys and len(keys) == len(FILES) > 12
        (copy / "kernels" / "new.py").write_text("")
        assert key() != base
    finally:
        object_cache._versions.cache_clear()


@pytest.mark.parametrize("name", FILES)
def test_what_makes_code_imports_nothing_else_that_does(name):
    """Locks and messages make no code; nor does what elements and the interpreter ask for beside the language."""
    used = {node.module for node in ast.walk(ast.parse((object_cache._PACKAGE / name).read_text()))
            if isinstance(node, ast.ImportFrom) and node.module.startswith("kgraph")}
    rooms = tuple(f"kgraph.{room.replace('/', '.')}" for room in object_cache._ROOMS)
    assert {m for m in used if not m.startswith(rooms)} <= {
        "kgraph.runtime", "kgraph.naming", "kgraph.compiler.dims", "kgraph.compiler.ir",
        *(f"kgraph.compiler.prims.{m}" for m in ("erf", "random") if name.endswith("meaning.py"))}


@pytest.mark.parametrize("variable, text, wanted", [
    ("NUMBA_CPU_NAME", "haswel", "expected a processor that LLVM knows, received 'haswel'. Did you mean 'haswell'?"),
    ("NUMBA_CPU_NAME", "no such", "expected a processor that LLVM knows, received 'no such'."),
    ("NUMBA_CPU_FEATURES", "+avx22", "expected a feature that LLVM knows, received 'avx22'. Did you mean 'avx2'?")])
def test_unknown_processors_are_an_error(variable, text, wanted, monkeypatch, capfd):
    monkeypatch.setenv(variable, text)
    object_cache.target.machine.cache_clear()
    try:
        with pytest.raises(ValueError) as caught:
            object_cache.target.machine()
    finally:
        object_cache.target.machine.cache_clear()
    assert str(caught.value) == f"{variable}: {wanted}" and capfd.readouterr().err == ""


LOADER = """
import json, sys
import numpy as np
sys.path.insert(0, {folder!r})
import everything
print(json.dumps(everything.run()))
"""


def run_script(script, **environment):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("cpu", ["", "haswell", "nehalem"])
def test_everything_loads_without_numba(cpu, folder):
    """All functions and routines: compiled in one process, loaded in another that never imports Numba."""
    environment = {"KGRAPH_CACHE_DIR": str(folder.parent), **({"NUMBA_CPU_NAME": cpu} if cpu else {})}
    script = LOADER.format(folder=os.path.dirname(__file__))
    first, second = run_script(script, **environment), run_script(script, **environment)
    assert first["numba"] and not second["numba"]
    assert set(first["how"]) == {"compiled"} and set(second["how"]) == {"loaded"}
    assert first["results"] == second["results"]
