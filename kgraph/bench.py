"""Measure this machine: time of a training step, of a prediction, of an import: `python -m kgraph bench`."""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import numpy as np

import kgraph
from kgraph import layers

__all__ = ["MEASUREMENTS", "main"]


def dense_model(inputs, widths, outputs):
    """A stack of Dense layers with Adam and a cross-entropy."""
    x = h = kgraph.Input((inputs,))
    for width in widths:
        h = layers.Dense(width, activation="relu")(h)
    model = kgraph.Model(x, layers.Dense(outputs, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


MODELS = {"tiny": ((10, (32,), 2), 32), "mlp": ((784, (256, 128), 10), 128)}   # shape of the model, batch


def seconds(f, least=0.3) -> float:
    """The median time of a call, over at least that many seconds."""
    f()
    times, end = [], time.perf_counter() + least
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def measure_models() -> dict:
    """Microseconds of a train_on_batch, of a predict_on_batch of one sample, and of a predict of one batch."""
    found = {}
    for name, (shape, batch) in MODELS.items():
        model, rng = dense_model(*shape), np.random.default_rng(0)
        x, y = rng.random((batch, shape[0]), "float32"), rng.integers(0, shape[2], batch)
        calls = {"train step": lambda m=model, x=x, y=y: m.train_on_batch(x, y),
                 "predict one": lambda m=model, x=x: m.predict_on_batch(x[:1]),
                 f"predict {batch}": lambda m=model, x=x: m.predict(x, verbose=0)}
        found.update({f"{name}: {what} (us)": 1e6 * seconds(call) for what, call in calls.items()})
    return found


def measure_import() -> dict:
    """Milliseconds of `import kgraph` in a new process."""
    code = "import time; t = time.perf_counter(); import kgraph; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return {"import (ms)": 1e3 * float(run.stdout)}


MEASUREMENTS = {"models": measure_models, "import": measure_import}   # name -> a function that gives {what: number}


def main(arguments=None):
    """Run the measurements named (all by default), print a table, write JSON where --json says."""
    parser = argparse.ArgumentParser(prog="kgraph bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--json", metavar="FILE")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(MEASUREMENTS)
    if unknown:
        raise ValueError(f"expected names of {', '.join(MEASUREMENTS)}, received {', '.join(sorted(unknown))}")
    found = {}
    for name in chosen.names or MEASUREMENTS:
        found.update(MEASUREMENTS[name]())
    for what, number in found.items():
        print(f"{what:32} {number:10.2f}")
    if chosen.json:
        with open(chosen.json, "w") as f:
            json.dump(found, f, indent=1)
