"""`python -m kgraph bench --distributed`: how long a step takes on 2 to 1,024 processes, from what is measured here.

Measured here: the step of a model on one process with its share of rows, the bytes that it exchanges, and how long two
processes take for messages of several sizes, of which latency and bandwidth follow (or they are given, for another
network). Reckoned, for n processes with the same rows each:

    exchange(n) = 2 (n - 1) latency + 2 (n - 1) / n * bytes / bandwidth
    step(n)     = compute + exchange(n)                                     one after the other, as it is today
    step(n)     = max(compute, forward + exchange(n))                       with all of the exchange under the backward

since each process sends a part of the gradient to every other, adds up its own part, and sends that to every other.
Assumed: processes compute equally fast and start together; each has a processor, and a link to the network, of its own;
a message to one does not slow another down; backward takes two thirds of the step.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table

__all__ = ["PROCESSES", "bench", "exchange_seconds", "fit_line", "step_seconds"]

PROCESSES = tuple(2**k for k in range(1, 11))
MODELS = ("mlp", "resnet20", "transformer")
SIZES = (1 << 10, 1 << 14, 1 << 18, 1 << 20, 1 << 22)  # bytes
BACKWARD = 2 / 3


def exchange_seconds(processes, nbytes, latency, bandwidth) -> float:
    """Of one exchange; see above. latency in seconds, bandwidth in bytes a second."""
    return 2 * (processes - 1) * latency + 2 * (processes - 1) / processes * nbytes / bandwidth


def step_seconds(compute, exchange, overlap) -> float:
    """Of a step; overlap: whether the exchange runs beside the backward pass."""
    return max(compute, compute * (1 - BACKWARD) + exchange) if overlap else compute + exchange


def fit_line(sizes, seconds) -> tuple:
    """(latency in seconds, bandwidth in bytes a second) of messages that took so long: the line of least relative
    errors."""
    weights = 1 / np.asarray(seconds)
    rows = np.stack([weights, weights * np.asarray(sizes, "float64")], 1)
    (latency, slope), *_ = np.linalg.lstsq(rows, weights * seconds, rcond=None)
    return max(float(latency), 1e-9), 1 / max(float(slope), 1e-15)


def bench(latency=None, bandwidth=None, console=None):
    """Measure, reckon and print. latency (microseconds) and bandwidth (gigabytes a second): of a network; measured
    between two processes of this machine where they are not given.

    Raises ValueError, saying what to install, where they have to be measured and there is no mpiexec.
    """
    console = console or Console(highlight=False)
    if latency is None or bandwidth is None:
        measured = _messages()
        latency = measured[0] if latency is None else latency * 1e-6
        bandwidth = measured[1] if bandwidth is None else bandwidth * 1e9
    else:
        latency, bandwidth = latency * 1e-6, bandwidth * 1e9
    console.print(f"messages: latency {1e6 * latency:.1f} us, bandwidth {bandwidth / 1e9:.2f} GB/s")
    for name in MODELS:
        console.print(table(name, *_step(name), latency, bandwidth))


def table(name, compute, nbytes, rows, latency, bandwidth) -> Table:
    """What is reckoned for one model."""
    made = Table(title=f"{name}: {rows} rows a process, {1e3 * compute:.2f} ms, {nbytes / 1e6:.2f} MB exchanged")
    for column in ("processes", "exchange ms", "step ms", "efficiency", "overlapped ms", "efficiency"):
        made.add_column(column, justify="right")
    wins = None
    for n in PROCESSES:
        exchange = exchange_seconds(n, nbytes, latency, bandwidth)
        apart, beside = (step_seconds(compute, exchange, overlap) for overlap in (False, True))
        wins = n if wins is None and exchange > compute else wins
        made.add_row(str(n), f"{1e3 * exchange:.2f}", f"{1e3 * apart:.2f}", f"{compute / apart:.0%}",
                     f"{1e3 * beside:.2f}", f"{compute / beside:.0%}")
    made.caption = f"communication wins from {wins} processes on" if wins else "computing takes longer up to 1,024"
    return made


def _step(name) -> tuple:
    """(seconds of a step on one process, bytes of its gradients, rows) of a workload."""
    import kgraph
    from kgraph.bench.workloads import WORKLOADS
    work = WORKLOADS[name]
    model = work.build(kgraph)
    model.compile("adam", work.loss)
    batches = max(4, work.batches // 4)
    x, y = work.data(batches)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        model.fit(x, y, batch_size=work.batch, verbose=0)
        seconds.append((time.perf_counter() - start) / batches)
    return min(seconds[1:]), sum(v.size * 4 for v in model.trainable_variables), work.batch


def _messages() -> tuple:
    """(latency, bandwidth) between two processes, which this file is run by as a program."""
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
    if mpiexec is None:
        raise ValueError("bench --distributed: expected mpiexec, to measure messages: pip install 'kgraph[mpi]', or "
                         "give --latency and --bandwidth")
    done = subprocess.run([mpiexec, "-n", "2", sys.executable, "-m", "kgraph.bench.distributed"], capture_output=True,
                          text=True, timeout=300)
    if done.returncode:
        raise ValueError(f"bench --distributed: messages could not be measured: {done.stderr[-500:]}")
    return fit_line(SIZES, json.loads(done.stdout))


def _measure_messages(repeats=30):
    """Print the seconds of messages both ways of each size, by process 0."""
    from kgraph.distribution.start import world
    here, seconds = world(), []
    for size in SIZES:
        given, taken = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        times = [_timed(here, given, taken) for _ in range(repeats)]
        seconds.append(float(np.median(times)))
    if here.rank == 0:
        print(json.dumps(seconds))


def _timed(here, given, taken) -> float:
    start = time.perf_counter()
    here.swap(given, taken)
    return time.perf_counter() - start


if __name__ == "__main__":
    _measure_messages()
