"""Damaged model files, and a reader of them that watches itself. Run it for as many as you like:

    python tests/saving/damage.py FOLDER SEED COUNT      the healthy files are those in FOLDER

prints a JSON line for each file that is read in too much time or memory, raises what is not documented, opens other
files, or changes a model half.
"""
import copy
import io
import json
import random
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np

SECONDS, MEGABYTES = 2, 256
NASTY = [None, -1, 0, 1, 1 << 16, 30_000_000, 10**9, 1 << 40, 1 << 63, -(1 << 31), 0.5, 1e308, float("nan"), "",
         "keras", "\x1b[2J", "x" * 20_000, [], {}, True, [[None]], [1] * 40, "../../x",
         {"class_name": "Dense", "config": {}},
         {"class_name": "__lambda__", "config": {"code": "eA==", "defaults": None, "closure": None}}]
WATCHED = ("open", "exec", "compile", "import", "subprocess.Popen", "socket.connect", "os.system", "marshal.loads",
           "pickle.find_class", "os.remove", "os.rename", "os.mkdir", "urllib.Request")


# ------------------------------------------------------------------ damage
def flip(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 2, 8, 40])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def cut(data, rng):
    return data[:rng.randrange(len(data))]


def smear(data, rng):
    data, start = bytearray(data), rng.randrange(len(data))
    data[start:start + rng.randrange(1, 200)] = bytes([rng.choice([0, 255])]) * rng.randrange(1, 200)
    return bytes(data)


def redirect(data, rng):
    """In an HDF5 file: another number where a structure keeps an address, a size or a count."""
    marks = [i for mark in (b"TREE", b"SNOD", b"HEAP", b"GCOL", b"OHDR", b"\x01\x00", b"\x89HDF")
             for i in range(len(data)) if data[i:i + len(mark)] == mark and i % 8 == 0]
    if not marks:
        return flip(data, rng)
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 3])):
        at, size = rng.choice(marks) + rng.randrange(0, 200), rng.choice([1, 2, 4, 8, 8])
        value = rng.choice([rng.choice(marks), 0, 1, 7, 1 << 16, len(data), (1 << 64) - 1, rng.randrange(1 << 32)])
        data[at:at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(data)


def change_json(text, rng):
    """Other numbers, names, types and structure in a configuration."""
    value = json.loads(text)
    for _ in range(rng.choice([1, 1, 1, 3])):
        places = [(container, key) for container in _containers(value) for key in _keys(container)]
        if not places:
            break
        container, key = rng.choice(places)
        rng.choice([_replace, _replace, _replace, _move, _repeat, _nest, _other_class, _delete])(
            container, key, places, rng)
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return text


def _containers(x):
    stack = [x]
    while stack:
        x = stack.pop()
        if isinstance(x, dict | list):
            yield x
            stack += x.values() if isinstance(x, dict) else x


def _keys(container):
    return list(container) if isinstance(container, dict) else range(len(container))


def _replace(container, key, places, rng):
    container[key] = copy.deepcopy(rng.choice(NASTY))


def _move(container, key, places, rng):
    other, name = rng.choice(places)
    container[key] = copy.deepcopy(other[name])


def _repeat(container, key, places, rng):
    if isinstance(container[key], list):
        container[key] = container[key] * rng.choice([2, 50])


def _nest(container, key, places, rng):
    """What makes a layer, in the place of its own parts; or the value in many lists."""
    value = container[key]
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        for _ in range(rng.choice([1, 4, 12])):
            inner = copy.deepcopy(value)
            if not inner["config"]:
                return
            inner["config"][rng.choice(list(inner["config"]))] = value
            value = inner
    else:
        for _ in range(rng.choice([1, 60, 200])):
            value = [value]
    container[key] = value


def _other_class(container, key, places, rng):
    named = [c for c, k in places if k == "class_name"]
    if named:
        rng.choice(named)["class_name"] = rng.choice(known_classes())


def _delete(container, key, places, rng):
    del container[key]


def known_classes():
    import importlib

    from kgraph.serialization.objects import MODULES
    return [name for module in MODULES.values() for name in importlib.import_module(module).OBJECTS]


def damage(source, rng) -> bytes:
    """A damaged copy of a model file."""
    data = source.read_bytes()
    if source.suffix == ".json":
        return change_json(data, rng).encode()
    if source.suffix == ".keras" and rng.random() < 0.8:
        return _damage_archive(data, rng)
    if source.suffix == ".h5" and rng.random() < 0.4:
        return _damage_config(data, rng)
    return rng.choice([flip, cut, smear, redirect])(data, rng)


def _damage_archive(data, rng):
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        members = {n: z.read(n) for n in z.namelist()}
    name = rng.choice([n for n in members for _ in range(4 if n == "config.json" else 1)])
    changes = [change_json] * 6 + [flip, cut] if name.endswith("json") else [flip, cut, smear, redirect, redirect]
    members[name] = rng.choice(changes)(members[name], rng)
    if rng.random() < 0.05:
        del members[rng.choice(list(members))]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as z:
        for n, content in members.items():
            z.writestr(n, content)
    return buffer.getvalue()


def _damage_config(data, rng):
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        names = [n for n in ("model_config", "model_config", "training_config") if n in file.attrs]
        if not names:
            return redirect(data, rng)
        name = rng.choice(names)
        text = file.attrs[name]
        changed = change_json(text, rng)
        if len(changed) < 60_000:
            file.attrs[name] = changed
    return buffer.getvalue()


# ------------------------------------------------------------------ reading
class Reader:
    """Reads damaged files in every way, and watches time, memory, files and what is raised."""

    def __init__(self, healthy):
        import resource
        import warnings

        from kgraph.models import load_model
        from kgraph.naming import printable
        warnings.simplefilter("ignore")
        self.models, self.events = {}, []
        for path in healthy:      # so that all modules are imported
            if path.suffix != ".json":
                self.models[path.name] = load_model(path)
        known_classes()
        printable("\x1b")
        self.scratch = tempfile.gettempdir()      # archives that were packed again are unpacked into a nameless file
        self.peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.base = self.peak()
        sys.addaudithook(lambda name, arguments: self.events.append((name, str(arguments[:1])[:200]))
                         if name in WATCHED and arguments[0] != self.scratch else None)

    def read(self, path, source) -> tuple:
        """(what went wrong or None, whether any reader took it)."""
        import time

        from kgraph.inspect.files import describe_file, format_description
        from kgraph.models import load_model, model_from_json
        text = lambda path: model_from_json(path.read_text())
        readers = [text] if path.suffix == ".json" else [load_model]
        readers.append(lambda path: format_description(describe_file(path)))
        model = self.models.get(source)
        if model is not None:
            readers.append(model.load_weights)
        taken = False
        for number, read in enumerate(readers):
            self.events.clear()
            start, before = time.process_time(), model and [v.numpy() for v in model.variables]
            try:
                read(path)
                taken = True
                if number == 1:
                    continue
            except ValueError as e:
                if not str(e):
                    return "an error without words", taken
                if before and not all(np.array_equal(a, v.numpy()) for a, v in zip(before, model.variables)):
                    return "weights half changed", taken
            except Exception as e:  # noqa: BLE001
                return f"{type(e).__name__}: {str(e)[:300]}", taken
            seconds, grown = time.process_time() - start, self.peak() - self.base
            seen = [e for e in self.events if not (e[0] == "open" and str(path) in e[1])]
            if seconds > SECONDS or grown > MEGABYTES or seen:
                return f"reader {number}: {seconds:.1f} s, {grown:.0f} MB, {seen[:3]}", taken
            if number == 2:
                for v, value in zip(model.variables, before):
                    v.assign(value)
        return None, taken


def run(folder, seed, count, report=print) -> int:
    """Read `count` damaged copies of the files in a folder. Reports what went wrong; returns how many were refused."""
    sources = sorted(p for p in Path(folder).rglob("*") if p.suffix in (".keras", ".h5", ".json"))
    reader, refused = Reader(sources), 0
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(seed, seed + count):
            rng = random.Random(number)
            source = rng.choice(sources)
            path = Path(scratch, f"damaged{source.suffix}")
            path.write_bytes(damage(source, rng))
            wrong, taken = reader.read(path, source.name)
            refused += not taken
            if wrong:
                report(json.dumps([number, source.name, wrong]), flush=True)
                reader.base = reader.peak()
    return refused


if __name__ == "__main__":
    print(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), "refused", flush=True)
