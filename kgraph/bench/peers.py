"""Whole models, each contender in a process of its own, all of them alive and measured in turn.

Absolute times drift with the machine; what holds are the ratios of one run.
"""
from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kgraph.bench.loops import LOOPS

__all__ = ["BFLOAT16", "Contender", "INT8", "LoopRow", "ModelRow", "OWN", "ServeRow", "find_peers", "measure_loops",
           "measure_serving", "measure_workload"]

HERE = Path(__file__).parent
NEEDED = {  # the modules that a peer is made of
    "tensorflow": ("keras", "tensorflow"), "jax": ("keras", "jax"), "torch": ("keras", "torch"),
    "onnxruntime": ("keras", "torch", "onnx", "onnxscript", "onnxruntime")}
CLIENTS = (1, 4, 16)  # threads that ask a server at once
MEASURED = ("train", "predict", "sample")
PATIENCE = 10.0  # seconds of rounds after which a contender has been measured enough


@dataclass(frozen=True)
class Contender:
    """What is measured: a name that kgraph.bench.worker knows, and the interpreter that has it."""

    name: str
    python: str = sys.executable

    @property
    def environment(self) -> dict:
        backend = "torch" if self.name == "onnxruntime" else self.name
        given = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if self.name.startswith("kgraph"):
            given["PYTHONPATH"] = os.pathsep.join(p for p in (str(HERE.parents[1]), given.get("PYTHONPATH")) if p)
        return given


OWN = (Contender("kgraph"), Contender("kgraph eager"))
BFLOAT16, INT8 = Contender("kgraph bfloat16"), Contender("kgraph int8")


@dataclass(frozen=True)
class ModelRow:
    """One workload by one contender: medians, in seconds of a batch or a sample; None where it cannot.

    cold_s   from the start of the process's imports to the end of the first batch
    peak_mb  most memory that the process held, in 2**20 bytes, data included
    error    what a process that failed said last
    busy     whether another process kept a processor busy meanwhile
    """

    workload: str
    contender: str
    cold_s: float | None = None
    train: float | None = None
    predict: float | None = None
    sample: float | None = None
    peak_mb: float | None = None
    error: str = ""
    busy: bool = False


@dataclass(frozen=True)
class ServeRow:
    """One workload by one contender, asked for single samples by so many threads at once: requests a second, and the
    seconds that half of them and 99 of 100 took no longer than. None where the contender failed, by ``error``."""

    workload: str
    contender: str
    threads: int
    rate: float | None = None
    p50: float | None = None
    p99: float | None = None
    error: str = ""


@dataclass(frozen=True)
class LoopRow:
    """One deep model by one contender: for each of LOOPS the seconds of a turn. Empty where the contender failed, by
    ``error``."""

    workload: str
    contender: str
    times: dict
    error: str = ""


def find_peers(given=()) -> list:
    """The peers of this interpreter, and those given as NAME=PATH of another one, which count first.

    Raises ValueError for another form, an unknown name, or an interpreter that lacks what the peer is made of.
    """
    found = {}
    for text in given:
        name, _, path = text.partition("=")
        name = {"tf": "tensorflow", "pytorch": "torch", "ort": "onnxruntime"}.get(name, name)
        if name not in NEEDED or not path:
            raise ValueError(f"--peer-python: expected NAME=PATH with a NAME of {', '.join(NEEDED)}, received {text!r}")
        if missing := _missing(name, path):
            raise ValueError(f"--peer-python: {path} has no {', '.join(missing)}, which {name} needs")
        found[name] = Contender(name, path)
    for name in NEEDED:
        if name not in found and not _missing(name, sys.executable):
            found[name] = Contender(name)
    return list(found.values())


def _missing(name, python) -> list:
    code = f"import importlib.util as u; print(*[m for m in {NEEDED[name]!r} if u.find_spec(m) is None])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60)
    except OSError as e:
        raise ValueError(f"--peer-python: cannot run {python}: {e.strerror}") from e
    return done.stdout.split() if done.returncode == 0 else list(NEEDED[name])


class _Worker:
    """A process of kgraph.bench.worker. One that fails says why in its row, and is asked no more."""

    def __init__(self, contender, workload):
        self.row = ModelRow(workload, contender.name)
        self.busy_row = replace(self.row, busy=True)
        self.times = {(what, busy): [] for what in MEASURED for busy in (False, True)}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [contender.python, str(HERE / "worker.py"), contender.name, workload], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, text=True, env=contender.environment)
        started = self._answer()
        self.row = replace(self.row, cold_s=started.get("cold_s"))
        self.able = MEASURED if started.get("trains") else MEASURED[1:]

    def measure(self, what, busy=False):
        """One more time of it, while that takes no longer than PATIENCE in all."""
        times = self.times[what, busy]
        if what not in self.able or self.row.error or sum(times) >= PATIENCE:
            return
        if answer := self.ask(what):
            times.append(answer["seconds"])
            found = {"peak_mb": answer["peak_mb"], what: float(np.median(times))}
            if busy:
                self.busy_row = replace(self.busy_row, **found)
            else:
                self.row = replace(self.row, **found)

    def ask(self, what) -> dict:
        """What the process answers; {} where it failed."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        """The next line; of a process that has ended, its last words go into the row."""
        if line := self.process.stdout.readline():
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        self.row = replace(self.row, error=(self.errors.read().strip() or "no answer").splitlines()[-1])
        return {}

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def measure_workload(name, contenders, rounds, busy=False) -> list:
    """A ModelRow for each contender. In each round everyone is measured once, and with ``busy`` once more while another
    process keeps one processor busy, for a second row."""
    with contextlib.ExitStack() as stack:
        workers = []
        for contender in contenders:
            workers.append(_Worker(contender, name))
            stack.callback(workers[-1].close)
        for what in [what for what in MEASURED for _ in range(rounds)]:
            for worker in workers:
                worker.measure(what)
            if busy:
                with _busy_process():
                    for worker in workers:
                        worker.measure(what, busy=True)
        return [row for worker in workers for row in ((worker.row, worker.busy_row) if busy else (worker.row,))]


def measure_serving(name, contenders, rounds) -> list:
    """A ServeRow for each contender and number of CLIENTS."""
    asked = _asked(name, contenders, [f"serve {n}" for n in CLIENTS], rounds)
    return [ServeRow(name, row.contender, n, error=row.error,
                     **{k: float(np.median([a[k] for a in found])) for k in (found[0] if found else ())})
            for row, answers in asked for n, found in zip(CLIENTS, answers)]


def measure_loops(name, contenders, rounds) -> list:
    """A LoopRow for each contender."""
    return [LoopRow(name, row.contender, {loop: float(np.median([a["seconds"] for a in found]))
                                          for loop, found in zip(LOOPS, answers) if found}, row.error)
            for row, answers in _asked(name, contenders, LOOPS, rounds)]


def _asked(name, contenders, questions, rounds) -> list:
    """For each contender its row, and for each question the answers of all rounds, in each of which everyone is asked
    once."""
    with contextlib.ExitStack() as stack:
        workers = []
        for contender in contenders:
            workers.append(_Worker(contender, name))
            stack.callback(workers[-1].close)
        answers = {worker: [[] for _ in questions] for worker in workers}
        for _ in range(rounds):
            for k, question in enumerate(questions):
                for worker, found in answers.items():
                    if not worker.row.error and (answer := worker.ask(question)):
                        found[k].append(answer)
        return [(worker.row, found) for worker, found in answers.items()]


@contextlib.contextmanager
def _busy_process():
    """Another process that keeps one processor busy."""
    process = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()  # it has begun
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
