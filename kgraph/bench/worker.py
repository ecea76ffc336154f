"""A process that measures one contender: `python worker.py CONTENDER WORKLOAD`, run as a file, by any interpreter.

It reads one line for each measurement (train, predict or sample; of a deep model the name of a loop; or serve and a
number of threads), and answers with a line of JSON: the seconds of a batch, a sample or a turn of the loop; what
clients of a server see. The first line, which comes unasked, says what the start took. All else that libraries print
goes to standard error.
"""
from __future__ import annotations

import importlib
import json
import os
import re
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

BATCHED = ("train", "predict", "fit_step")   # what is measured by batches of a workload, the rest by calls
SAMPLES = 1000  # at most, that one measurement goes through
SECONDS = 0.5   # that one measurement should take


class Model:
    """A workload in a module that speaks Keras's API: kgraph, or Keras on one of its backends."""

    trains = True

    def __init__(self, contender: str, workload: Any):
        self.keras: Any = importlib.import_module("kgraph" if contender.startswith("kgraph") else "keras")
        self.workload: Any = workload
        if contender == "kgraph bfloat16":
            self.keras.mixed_precision.set_global_policy("mixed_bfloat16")
        self.model: Any = workload.build(self.keras)
        self.x: Any
        self.y: Any
        self.x, self.y = workload.data(workload.batches)
        eagerly = {"run_eagerly": True} if contender == "kgraph eager" else {}
        losses = workload.loss if workload.outputs == 1 else [workload.loss] * workload.outputs
        self.model.compile("adam", losses, **eagerly)

    def rows(self, n: int) -> Any:
        """The first n rows, as the model takes them."""
        x = [a[:n] for a in self.x]
        return x if len(x) > 1 else x[0]

    def targets(self, n: int) -> Any:
        return [y[:n] for y in self.y] if isinstance(self.y, list) else self.y[:n]

    def train(self, batches: int) -> None:
        n = batches * self.workload.batch
        self.model.fit(self.rows(n), self.targets(n), batch_size=self.workload.batch, verbose=0)

    def predict(self, batches: int) -> None:
        n = batches * self.workload.batch
        self.model.predict(self.rows(n), batch_size=self.workload.batch, verbose=0)

    def sample(self, times: int) -> None:
        x = self.rows(1)
        for _ in range(times):
            self.model.predict_on_batch(x)


class Quantized(Model):
    """A kgraph model in int8: static where samples can show how far numbers reach, the rest as inputs come. It only
    predicts."""

    trains = False
    SAMPLES = 8   # that it is calibrated by

    def __init__(self, contender: str, workload: Any):
        super().__init__(contender, workload)
        x = self.rows(min(self.SAMPLES, workload.batch))
        self.model = self.keras.quantize(self.model, x, batch_size=self.SAMPLES)
        self.model.quantize("int8")


class Exported(Model):
    """A Keras model on PyTorch, exported to ONNX and run by ONNX Runtime. It only predicts."""

    trains = False

    def __init__(self, contender: str, workload: Any):
        super().__init__(contender, workload)
        self.model.predict_on_batch(self.rows(2))
        runtime = importlib.import_module("onnxruntime")
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "model.onnx"))
            self.model.export(path, format="onnx", verbose=False)
            self.session: Any = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.names: list[str] = [i.name for i in self.session.get_inputs()]

    def _run(self, start, stop):
        self.session.run(None, {name: a[start:stop] for name, a in zip(self.names, self.x)})

    def predict(self, batches: int) -> None:
        size = self.workload.batch
        for start in range(0, batches * size, size):
            self._run(start, start + size)

    def sample(self, times: int) -> None:
        for _ in range(times):
            self._run(0, 1)


def timed(f: Any, *args: Any) -> float:
    """Seconds of a call."""
    start = time.perf_counter()
    f(*args)
    return time.perf_counter() - start


class Stopwatch:
    """Measures the calls f(units). Before the first time with many units they run once: that may compile."""

    def __init__(self):
        self.warm: set[str] = set()

    def __call__(self, f: Any, most: int) -> float:
        """Seconds of a unit, over as many as fit into SECONDS."""
        once = timed(f, 1)
        units = max(1, min(most, int(SECONDS / once)))
        if units == 1:
            return once
        if f.__name__ not in self.warm:
            self.warm.add(f.__name__)
            f(units)
        return timed(f, units) / units


def serve(model, threads, seconds=SECONDS) -> dict:
    """So many threads ask for one sample after another: requests a second, and the median and the 99th percentile of
    the seconds that a request takes."""
    taken, ready = [], threading.Barrier(threads)

    def client():
        ready.wait()
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            model.sample(1)
            taken.append(time.perf_counter() - start)

    clients = [threading.Thread(target=client) for _ in range(threads)]
    begun = time.perf_counter()
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    whole = time.perf_counter() - begun
    taken.sort()
    return {"rate": len(taken) / whole, "p50": taken[len(taken) // 2], "p99": taken[len(taken) * 99 // 100]}


def peak_mb() -> float:
    """The most memory that this process held, in 2**20 bytes. What getrusage says counts the parent's too on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main():
    start = time.perf_counter()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    workloads = importlib.import_module("workloads")  # from this file's folder, which nothing else should see
    loops = importlib.import_module("loops")
    del sys.path[0]
    contender, workload = sys.argv[1], {**workloads.WORKLOADS, **workloads.BIG, **workloads.DEEP}[sys.argv[2]]
    kind = {"onnxruntime": Exported, "kgraph int8": Quantized}.get(contender, Model)
    model = kind(contender, workload)
    (model.train if model.trains else model.predict)(1)
    print(json.dumps({"cold_s": time.perf_counter() - start, "trains": model.trains}), file=answers)
    model.predict(1)
    model.sample(1)
    measured = loops.Loops(contender, model) if sys.argv[2] in workloads.DEEP else model
    measure = Stopwatch()
    for line in sys.stdin:
        what, *threads = line.split()
        if threads:
            print(json.dumps(serve(model, int(*threads))), file=answers)
            continue
        seconds = measure(getattr(measured, what), workload.batches if what in BATCHED else SAMPLES)
        print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}), file=answers)


if __name__ == "__main__":
    main()
