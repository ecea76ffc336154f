"""500 randomly damaged files: each ends soon, in little memory, in an error or a model, and touches nothing else."""
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

COUNT, PARTS = 500, 4
SECONDS, MEGABYTES = 2, 256


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


def change_json(text, rng):
    """Another number, name, type or structure somewhere in a config."""
    value = json.loads(text)
    places = []

    def collect(x):
        for key, child in x.items() if isinstance(x, dict) else enumerate(x):
            places.append((x, key))
            if isinstance(child, dict | list):
                collect(child)
    collect(value)
    for _ in range(rng.choice([1, 1, 3])):
        container, key = rng.choice(places)
        container[key] = rng.choice([None, -1, 0, 1 << 40, 1e308, "", "keras", [], {}, True, [[None]], "../../x",
                                     {"class_name": "Dense", "config": {}}, rng.choice(places)[1]])
    return json.dumps(value)


def damage(source, target, rng):
    """A damaged copy of a model file."""
    if source.suffix == ".keras" and rng.random() < 0.7:
        with zipfile.ZipFile(source) as z:
            members = {n: z.read(n) for n in z.namelist()}
        name = rng.choice(list(members))
        changes = [change_json] * 3 + [flip, cut] if name.endswith("json") else [flip, cut, smear]
        members[name] = rng.choice(changes)(members[name], rng)
        if rng.random() < 0.1:
            del members[rng.choice(list(members))]
        with zipfile.ZipFile(target, "w") as z:
            for n, data in members.items():
                z.writestr(n, data)
    else:
        target.write_bytes(rng.choice([flip, cut, smear])(source.read_bytes(), rng))


def load_all(folder, files):
    """Runs in a process of its own: prints a JSON line for each file."""
    import resource
    import time
    import warnings

    from kgraph.models import load_model
    warnings.simplefilter("ignore")
    for file in sorted(Path(folder, "healthy").iterdir()):
        load_model(file)   # so that all modules are imported
    events = []
    watched = ("open", "exec", "compile", "import", "subprocess.Popen", "socket.connect", "os.system", "marshal.loads",
               "pickle.find_class", "os.remove", "os.rename", "os.mkdir", "urllib.Request")
    sys.addaudithook(lambda name, arguments: events.append((name, str(arguments[:1]))) if name in watched else None)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for file in files:
        events.clear()
        start = time.perf_counter()
        try:
            load_model(file)
            result = "loaded"
        except ValueError as e:
            result = "refused" if str(e) else "an error without words"
        seen = [e for e in events if not (e[0] == "open" and file in e[1])]
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024
        print(json.dumps([file, result, time.perf_counter() - start, grown, seen]), flush=True)


@pytest.fixture(scope="module")
def damaged(golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    sources = [golden / name for name in ("keras3/shared.keras", "keras3/lstm.keras", "keras3/operators.keras",
                                          "keras3/conv.h5", "legacy/nested.h5", "legacy/gru.h5")]
    (folder / "healthy").mkdir()
    for source in sources:
        (folder / "healthy" / f"{source.parent.name}_{source.name}").write_bytes(source.read_bytes())
    rng = random.Random(0)
    for i in range(COUNT):
        source = rng.choice(sources)
        damage(source, folder / f"{i:03d}{source.suffix}", rng)
    return folder


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_files(damaged, part):
    files = sorted(str(p) for p in damaged.iterdir() if p.is_file())[part::PARTS]
    run = subprocess.run([sys.executable, __file__, str(damaged), *files], capture_output=True, text=True, timeout=300,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
    assert run.returncode == 0, run.stderr[-2000:]
    results = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(results) == len(files)
    for file, result, seconds, megabytes, events in results:
        assert result in ("loaded", "refused"), (file, result)
        assert seconds < SECONDS and megabytes < MEGABYTES, (file, seconds, megabytes)
        assert not events, (file, events)
    assert sum(result == "refused" for _, result, *_ in results) > len(results) // 3


if __name__ == "__main__":
    load_all(sys.argv[1], sys.argv[2:])
