"""Data, callbacks, files and faults of several processes."""
import os
import pickle
import re
import select
import signal
import socket
import sys

import numpy as np
import pytest
from mpi import HERE, needs_mpi, run, start_processes

import kgraph
from kgraph.distribution import start

pytestmark = needs_mpi
SAME_AS_ALONE = ("dataset_of_batches", "dataset_with_workers", "generator", "iterable_of_seven", "file",
                 "data_of_its_own")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("behaviours")
    run(3, HERE / "behaviours.py", folder)
    return folder


@pytest.fixture(scope="module")
def found(folder):
    """What each check found: name -> a dict for each process."""
    everybody = pickle.loads((folder / "results.pickle").read_bytes())
    return {name: [mine[name] for mine in everybody] for name in everybody[0]}


@pytest.mark.parametrize("name", SAME_AS_ALONE)
def test_trains_as_alone(name, found):
    first, *others = found[name]
    np.testing.assert_allclose(first["weights"], first["alone"], rtol=1e-5, atol=1e-6)
    for other in others:
        np.testing.assert_array_equal(other["weights"], first["weights"])


def test_each_reads_its_part(found):
    assert [mine["asked"] for mine in found["dataset_of_batches"]] == [2 * list(range(i, 14, 3)) for i in range(3)]
    shuffled = [mine["asked"] for mine in found["dataset_shuffled"]]
    assert sorted(sum(shuffled, [])) == list(range(14)) and shuffled[0] != list(range(0, 14, 3))
    rows = [mine["read"] for mine in found["file"]]
    assert sorted(sum(rows, [])) == list(range(84)) and max(map(len, rows)) < 31


def test_predictions_come_in_order(found):
    for mine in found["predictions_in_order"]:
        assert mine["arrays"].shape == (84, 3)
        for name in ("generator", "dataset"):
            np.testing.assert_allclose(mine[name], mine["arrays"], rtol=1e-5, atol=1e-6)


def test_all_begin_with_the_weights_of_the_first(found):
    first, *others = found["random_start"]
    for other in others:
        assert (other["before"] != first["before"]).any()
        np.testing.assert_array_equal(other["after"], first["after"])


def test_the_same_bits_again(found):
    for mine in found["again"]:
        for name in ("weights", "tables"):
            np.testing.assert_array_equal(mine[name][0], mine[name][1])
            np.testing.assert_array_equal(mine[name][0], found["again"][0][name][0])


def test_who_wants_to_stop_stops_all(found):
    for mine in found["stopping"]:
        assert mine["epoch"] == (2, 2, 6) and mine["batch"] == (1, 1, 2) and mine["early"] == 2
        assert mine["rate"] == found["stopping"][0]["rate"] == pytest.approx(1e-3 * 0.1**3)


def test_the_first_writes(found):
    for mine in found["files"]:
        assert mine["written"] == ["0backup", "0checkpoint.keras", "0log.csv", "0model.keras", "0model.weights.h5"]


def test_weights_that_differ_are_named(found):
    for mine in found["weights_that_differ"]:
        assert "bias differs between process 0 and process 2" in mine["error"]


def test_tables_are_shared_by_rows(found):
    with_seed = kgraph.initializers.RandomUniform(seed=None)
    assert with_seed.by_rows and not kgraph.initializers.Orthogonal(seed=1).by_rows
    for name in ("drawn", "orthogonal", "function"):
        whole = found["tables"][0][name][0]
        for mine in found["tables"]:
            np.testing.assert_array_equal(mine[name][0], whole)
        np.testing.assert_array_equal(np.concatenate([mine[name][1] for mine in found["tables"]]), whole)
    assert [mine["drawn"][1].shape for mine in found["tables"]] == [(5, 4), (5, 4), (3, 4)]
    assert [mine["slots"] for mine in found["tables"]] == [2 * [(5, 4)], 2 * [(5, 4)], 2 * [(3, 4)]]
    for mine in found["tables"]:
        np.testing.assert_array_equal(mine["trained"], found["tables"][0]["trained"])
        np.testing.assert_array_equal(mine["copy"], mine["trained"])
        np.testing.assert_array_equal(mine["deep copy"].ravel(), mine["trained"][:52])
        assert "items" in mine["outside"] and "is outside [0, 13)" in mine["outside"]
        assert "no distribution is in force" in mine["alone"]


def test_another_number_of_processes_goes_on(found, folder):
    assert found["interrupted"][0]["file"] == ["training.npz"]
    run(None, HERE / "behaviours.py", folder, "go on")
    (alone,) = pickle.loads((folder / "results.pickle").read_bytes())
    assert any("written by 3 processes" in text for text in alone["said"])
    np.testing.assert_allclose(alone["weights"], alone["alone"], rtol=1e-5, atol=1e-6)


FAULTY = """
import os, signal, sys, time
import numpy as np
import kgraph
from kgraph.distribution import DataParallel, distribution, set_distribution
from kgraph.training import processes
set_distribution(DataParallel())
class Fault(kgraph.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1 and distribution().data_shard_id == 1:
            if sys.argv[1] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if sys.argv[1] == "raise":
                raise RuntimeError("no space left")
            time.sleep(3600)
        elif epoch == 1:
            processes.together.world.limit = 2 if sys.argv[1] == "hang" else 300   # from here on nothing takes long
x = np.ones((8, 4), "float32")
model = kgraph.Sequential([kgraph.Input((4,)), kgraph.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[Fault()])
print("went on")
"""


@pytest.mark.parametrize("fault, said", [
    ("kill", r"process (1|1 or 0|0 or 1) of 2 on {host} \(pid "),  # both, where mpiexec ended the other at once
    ("raise", "process 1 of 2 on {host} ended by RuntimeError: no space"),
    ("hang", "process 0 on {host} waited 2 s for process 1 on {host}")])
def test_who_fails_ends_all(fault, said, tmp_path):
    program = tmp_path / "faulty.py"
    program.write_text(FAULTY)
    text = run(2, program, fault, status=None)
    assert re.search(said.format(host=re.escape(socket.gethostname())), text) and "went on" not in text, text


def test_killed_at_ten_moments_and_started_again_ends_with_the_same_bits(tmp_path):
    """Each run goes on from the last backup, and is told by whom it was ended."""
    random = np.random.default_rng(5)
    kills = [(int(random.integers(2)), int(random.integers(1, 25))) for _ in range(10)]  # of some 150 exchanges
    found = {}
    for name, moments in {"through": [(0, 0)], "again": [*kills, (0, 0)]}.items():
        folder = tmp_path / name
        folder.mkdir()
        for rank, moment in moments:
            assert not (folder / "done.npz").exists()
            text = run(2, HERE / "killed.py", folder, rank, moment, status=None if moment else 0)
            named = re.search(rf"process ([\d or]+) of 2 on {socket.gethostname()} \(pid [\d or]+\) was killed", text)
            assert not moment or str(rank) in named[1].split(" or "), text
        found[name] = dict(np.load(folder / "done.npz"))
    for key, value in found["through"].items():
        np.testing.assert_array_equal(found["again"][key], value, err_msg=key)


def test_ctrl_c_ends_all(tmp_path):
    """SIGINT, as a terminal sends it, once all have begun."""
    program = tmp_path / "interrupted.py"
    program.write_text("""
import os, time
import kgraph
kgraph.distribution.set_distribution(kgraph.distribution.DataParallel())
class Tell(kgraph.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            open(f"{os.path.dirname(__file__)}/{os.getpid()}.pid", "x").close()   # lines of two processes may mix
            print("begun", flush=True)
import numpy as np
x = np.ones((8, 4), "float32")
model = kgraph.Sequential([kgraph.Input((4,)), kgraph.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x[:, :1], epochs=100_000_000, verbose=0, callbacks=[Tell()])
print("went on")
""")
    begun = start_processes(2, program)
    while len(found := list(tmp_path.glob("*.pid"))) < 2:
        assert begun.stdout.readline()
    alive = [os.pidfd_open(int(p.stem)) for p in found]
    begun.send_signal(signal.SIGINT)
    rest = begun.communicate(timeout=500)[0]
    assert begun.returncode and "went on" not in rest and "ended by KeyboardInterrupt" in rest
    for process in alive:
        assert select.select([process], [], [], 300)[0], "a process goes on"


@pytest.mark.parametrize("processes, wire", [(2, "float32"), (3, "bfloat16"), (4, "float32")])
def test_sums(processes, wire):
    assert "as they should be" in run(processes, HERE / "sums.py", KGRAPH_MPI_WIRE=wire)


def test_overlap_gives_the_same_bits(tmp_path):
    program = tmp_path / "wide.py"
    program.write_text("""
import zlib
import numpy as np
import kgraph
from kgraph import layers
kgraph.distribution.set_distribution(kgraph.distribution.DataParallel())
kgraph.utils.set_random_seed(3)
x = np.random.default_rng(0).normal(size=(70, 140)).astype("float32")
model = kgraph.Sequential([kgraph.Input((140,)), layers.Dense(150, activation="relu"), layers.Dense(130),
                           layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x, x[:, :1], batch_size=20, epochs=3, verbose=0)
kernels = next(iter(model._programs["train"].made.values())).compiled.plan.kernels
begun = sum(k.op.prim.name == "collective_begin" for k in kernels)
if kgraph.distribution.distribution().data_shard_id == 0:
    print(zlib.crc32(np.concatenate([w.ravel() for w in model.get_weights()])), begun)
""")
    apart, beside = (run(2, program, KGRAPH_MPI_OVERLAP=on).split()[-2:] for on in "01")
    assert apart[0] == beside[0] and (apart[1], beside[1]) == ("0", "2")


def test_the_example_learns():
    text = run(2, HERE.parents[1] / "examples" / "distributed.py")
    assert "2 processes of 1 threads" in text and float(text.split("accuracy ")[-1].split(",")[0]) > 0.93


def test_run_distributes_a_program_as_it_stands(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
import keras, numpy as np, sys
x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
loss = model.fit(x, x[:, :1], epochs=2, verbose=0).history["loss"][-1]
print(f"loss {loss:.5f} of {keras.distribution.get_device_count()}", flush=True)
if sys.argv[1:]:
    if keras.distribution.distribution().data_shard_id == 0:
        raise ValueError("enough")
    model.fit(x, x[:, :1], verbose=0)
""")
    shared = run(2, "-m", "kgraph", "run", "--distribute", program)
    alone = run(None, "-m", "kgraph", "run", "--distribute", program)
    line = alone.strip().replace("of 1", "of 2")
    assert "".join(shared.split("\n")) == line * 2  # of two processes, whose ends of lines may come late
    text = run(2, "-m", "kgraph", "run", "--distribute", program, "fail", status=None)
    assert "ValueError: enough" in text and "waited" not in text


def test_without_mpi4py_says_what_to_install(monkeypatch):
    monkeypatch.setattr(start, "_world", [])
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"pip install 'kgraph\[mpi\]'"):
        kgraph.distribution.DataParallel()
