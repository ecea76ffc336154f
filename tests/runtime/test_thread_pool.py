"""Threads: the same results on any number of them, no deadlock, fork, exit, settings."""
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from plans import kernel, plan, pointwise, value

import kgraph.runtime.thread_pool as team
from kgraph.compiler.plan import STATUS
from kgraph.runtime import locks
from kgraph.runtime.executable import Executable

BIG = 10**9


@pytest.fixture(autouse=True)
def restore():
    before = team.get_num_threads()
    yield
    team.set_num_threads(before)


def mixed(n=1000, count=12):
    """Kernels for all threads and for one in turn, each reading what the one before wrote."""
    values = [value((n,)) for _ in range(count + 1)]
    steps = []
    for k in range(count):
        source, target = values[k], values[k + 1]
        text = ("x = pf32(args, 0)\ny = pf32(args, 1)\nn = word(args, 2)\nfor i in range(lo, hi):\n"
                "    y[i] = x[n - 1 - i] + f32(1)")
        steps.append(kernel(text, (source, target, n), n, grain=16, work=BIG if k % 4 < 2 else 1))
    return Executable(plan(steps, values[:1], values[-1:], slots=values[1:-1]))


@pytest.mark.parametrize("threads", [1, 2, 3, 5, 16])
def test_results_do_not_depend_on_threads(threads):
    run, x = mixed(), np.arange(1000, dtype="float32")
    team.set_num_threads(threads)
    for _ in range(30):
        assert (run.run([x])[0] == x + 12).all()
    assert (run.run([x], steps=50)[0] == x + 12).all()


@pytest.mark.parametrize("seed", range(8))
def test_any_table_on_any_number_of_threads(seed):
    """Kernels of all extents and grains, in chunks or whole, often enough that threads come late, help and sleep."""
    rng = np.random.default_rng(seed)
    n, count = int(rng.choice([1, 3, 37, 64, 997, 5000])), int(rng.integers(1, 14))
    values = [value((n,)) for _ in range(count + 1)]
    text = ("x = pf32(args, 0)\ny = pf32(args, 1)\nn = word(args, 2)\nfor i in range(lo, hi):\n"
            "    y[i] = x[n - 1 - i] * f32(0.5) + f32(i)")
    steps = [kernel(text, (a, b, n), n, grain=int(rng.choice([1, 7, 64])), work=int(rng.choice([1, 10**5, 10**7])))
             for a, b in zip(values, values[1:])]
    x, y = rng.random(n, "float32"), np.arange(n, dtype="float32")
    want = x
    for _ in range(count):
        want = want[::-1] * np.float32(0.5) + y
    for threads in (1, 2, 3, 5):
        team.set_num_threads(threads)
        run = Executable(plan(steps, values[:1], values[-1:], slots=values[1:-1]))
        for repeats in (1, 50, 2):
            np.testing.assert_array_equal(run.run([x], steps=repeats)[0], want)


def test_all_threads_leave_after_a_report():
    x, y, z = value((64,)), value((64,)), value((64,))
    text = "y = pf32(args, 0)\nfor i in range(lo, hi):\n    y[i] = f32(checked(word(args, 1), 1, i, 60))"
    bad = kernel(text, (y, STATUS), 64, work=BIG)
    steps = [pointwise("x0", [x], z, work=BIG), bad, pointwise("x0", [y], z, work=BIG)]
    run = Executable(plan(steps, [x], [z], slots=[y], checks=(("rows", 60),)))
    team.set_num_threads(4)
    for _ in range(20):
        with pytest.raises(IndexError, match=r"rows: index 6[0-3] is outside \[0, 60\)"):
            run.run([np.zeros(64, "float32")], steps=3)


def test_one_caller_has_the_team_and_others_run_alone():
    team.set_num_threads(3)
    run, wrong = mixed(), []

    def work(k):
        x = np.full(1000, k, "float32")
        for _ in range(40):
            if not (run.run([x])[0] == k + 12).all():
                wrong.append(k)
    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_makes_its_own_team():
    team.set_num_threads(2)
    run, x = mixed(), np.arange(1000, dtype="float32")
    run.run([x])
    child = os.fork()
    if child == 0:
        right = (run.run([x])[0] == x + 12).all() and (mixed(500).run([x[:500]])[0] == x[:500] + 12).all()
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (run.run([x])[0] == x + 12).all()


PATIENCE = 40  # seconds after which something hangs


def at_once(*works):
    """Run functions in threads of their own, and see all of them end."""
    failed = []

    def guarded(work):
        try:
            work()
        except BaseException as error:
            failed.append(error)
            raise
    threads = [threading.Thread(target=guarded, args=(w,), daemon=True) for w in works]
    for t in threads:
        t.start()
    for t in threads:
        t.join(PATIENCE)
    assert not any(t.is_alive() for t in threads) and not failed


def test_the_number_of_threads_changes_while_others_run():
    run = mixed()

    def work(k):
        x = np.full(1000, k, "float32")
        for _ in range(150):
            assert (run.run([x])[0] == k + 12).all()

    def change():
        for k in range(150):
            team.set_num_threads(1 + k % 4)
            run.run([np.zeros(1000, "float32")])
    at_once(*(lambda k=k: work(k) for k in range(4)), change)


def child_ends_well(work) -> bool:
    """Whether a forked child gets through ``work`` in time."""
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forks_while_others_compile_run_and_change_the_team(tmp_path, monkeypatch):
    monkeypatch.setenv("KGRAPH_CACHE_DIR", str(tmp_path))
    run, x, rest = mixed(), np.arange(1000, dtype="float32"), []

    def compiled(number):
        a, b = value((8,)), value((8,))
        made = Executable(plan([pointwise(f"x0 + f32({number})", [a], b)], [a], [b]))
        assert (made.run([np.zeros(8, "float32")])[0] == number).all()

    def compile_much():
        while not rest:
            compiled(next(numbers))

    def run_much():
        while not rest:
            team.set_num_threads(2 + next(numbers) % 2)
            assert (run.run([x])[0] == x + 12).all()

    def in_child():
        compiled(1_000_000)
        team.set_num_threads(2)
        assert (run.run([x])[0] == x + 12).all()

    def fork_much():
        try:
            for _ in range(12):
                assert child_ends_well(in_child)
        finally:
            rest.append(True)
    numbers = itertools.count()
    at_once(compile_much, run_much, fork_much)


def test_what_is_made_once_is_made_once():
    made = []

    class Owner:
        @locks.once
        def value(self):
            made.append(self)
            return None
    owner, other = Owner(), Owner()
    at_once(*[lambda: owner.value] * 8)
    assert made == [owner] and owner.value is None and other.value is None and made == [owner, other]
    assert Owner.value.__name__ == "value"


def test_no_property_has_a_lock_of_its_own():
    """A fork would not know of it."""
    package = pathlib.Path(locks.__file__).parents[1]
    assert not [f for f in package.rglob("*.py") if "@functools.cached_property" in f.read_text()]


SCRIPT = """
import sys
sys.path[:0] = {folders!r}
import numpy as np
from test_thread_pool import mixed, team
team.set_num_threads(2)
print(mixed().run([np.zeros(1000, "float32")])[0].sum())
"""


def test_the_interpreter_exits_cleanly():
    script = SCRIPT.format(folders=[*map(str, pathlib.Path(__file__).parents[:2])])
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=500)
        assert (done.returncode, done.stdout, done.stderr) == (0, "12000.0\n", "")


@pytest.mark.parametrize("bad", [0, -1, "many", None])
def test_bad_numbers_of_threads(bad):
    with pytest.raises(ValueError, match="set_num_threads: expected a whole number of threads from 1, received"):
        team.set_num_threads(bad)


def test_the_environment_names_a_number(monkeypatch):
    monkeypatch.setattr(team, "_threads", None)
    monkeypatch.setenv("KGRAPH_NUM_THREADS", "7")
    assert team.get_num_threads() == 7
    monkeypatch.setattr(team, "_threads", None)
    monkeypatch.setenv("KGRAPH_NUM_THREADS", "x")
    with pytest.raises(ValueError, match="KGRAPH_NUM_THREADS: expected a whole number of threads from 1, received 'x'"):
        team.get_num_threads()


@pytest.mark.parametrize("files,quota", [
    ({"cpu.max": "150000 100000\n"}, 1.5), ({"cpu.max": "max 100000\n"}, None), ({}, None),
    ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4.0),
    ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None)])
def test_cgroup_quota(files, quota, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert team._cgroup_quota(tmp_path) == quota
