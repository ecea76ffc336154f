"""Measure this machine: single kernels, whole models graph against eager, other libraries: `python -m kgraph bench`."""
from __future__ import annotations

import argparse
import fnmatch
import json
import platform
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console

import kgraph
from kgraph.bench import distributed
from kgraph.bench.kernels import CASES, measure_case
from kgraph.bench.peers import BFLOAT16, INT8, OWN, find_peers, measure_loops, measure_serving, measure_workload
from kgraph.bench.report import as_data, as_svg, kernel_table, loop_table, model_table, serve_table
from kgraph.bench.workloads import BIG, DEEP, WORKLOADS
from kgraph.naming import nearest
from kgraph.runtime.profile import limits

__all__ = ["main"]

KNOWN = (*CASES, *WORKLOADS, *BIG, *DEEP)
WIDTH = 110   # characters of a table where the output is no terminal
SERVED = ("tiny", "mlp", "resnet20", "transformer")   # that --serve measures, where --only names none
QUICK_MODELS = ("tiny", "mlp", "resnet20")   # that --quick measures, where --only names none


def main(arguments=None):
    """Measure what --only names (all by default), print tables, write JSON and SVG where asked to."""
    chosen = _parser().parse_args(arguments)
    if chosen.distributed:
        return distributed.bench(chosen.latency, chosen.bandwidth)
    names = _names(chosen.only or _default(chosen))
    peers = find_peers(chosen.peer_python) if chosen.peers or chosen.peer_python else []
    machine, console = _machine(), Console(highlight=False)
    console.width = console.width if console.is_terminal else WIDTH
    kernels = _kernels([n for n in names if n in CASES], chosen.quick, console)
    models = [n for n in names if n not in CASES]
    training = [OWN[0], *(p for p in peers if p.name != "onnxruntime")]
    loops = _measured(measure_loops, loop_table, [n for n in models if n in DEEP], training, chosen, console)
    models, serving = [n for n in models if n not in DEEP], []
    if chosen.serve:
        serving = _measured(measure_serving, serve_table, models, [OWN[0], *peers], chosen, console)
    own = [*OWN, *([BFLOAT16] if chosen.bfloat16 else []), *([INT8] if chosen.int8 else [])]
    models = [] if chosen.serve else _models(models, [*own, *peers], chosen, console)
    console.print(f"import kgraph: {1e3 * machine['import_s']:.0f} ms")
    if chosen.json:
        found = as_data(machine, kernels=kernels, models=models, serving=serving, loops=loops)
        Path(chosen.json).write_text(json.dumps(found, indent=1), encoding="utf-8")
    if chosen.svg:
        Path(chosen.svg).write_text(as_svg(limits(), kernels, models), encoding="utf-8")


def _parser():
    parser = argparse.ArgumentParser(prog="kgraph bench", description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", default=[],
                        help=f"a kernel or a model, or a pattern of them; of {', '.join(KNOWN)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, few repeats")
    parser.add_argument("--busy", action="store_true",
                        help="measure models also beside a process that keeps one processor busy")
    parser.add_argument("--big", action="store_true", help=f"the large models: {', '.join(BIG)}")
    parser.add_argument("--bfloat16", action="store_true", help="also the models by the policy mixed_bfloat16")
    parser.add_argument("--int8", action="store_true", help="also the models in int8, which only predict")
    parser.add_argument("--serve", action="store_true", help="requests a second and their times where several threads "
                        f"ask one model for single samples; of {', '.join(SERVED)} unless --only names others")
    parser.add_argument("--loops", action="store_true", help="what a call of train_on_batch, of a step of one's own and"
                        f" their kin costs where layers are small: {', '.join(DEEP)}")
    parser.add_argument("--peers", action="store_true",
                        help="also Keras on TensorFlow, JAX and PyTorch, and ONNX Runtime, as far as they are here")
    parser.add_argument("--peer-python", metavar="NAME=PATH", action="append", default=[],
                        help="the interpreter that has a peer: tensorflow, jax, torch or onnxruntime")
    parser.add_argument("--distributed", action="store_true",
                        help="instead, how long steps would take on up to 1,024 processes (kgraph.bench.distributed)")
    parser.add_argument("--latency", type=float, metavar="US", help="of the network that --distributed reckons with")
    parser.add_argument("--bandwidth", type=float, metavar="GB/S", help="of that network")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    parser.add_argument("--svg", metavar="FILE", help="write a bar chart")
    return parser


def _default(chosen) -> list:
    """What is measured where --only names nothing."""
    if chosen.serve:
        return list(SERVED)
    if chosen.big or chosen.loops:
        return [*(BIG if chosen.big else ()), *(DEEP if chosen.loops else ())]
    return [*CASES, *(QUICK_MODELS if chosen.quick else WORKLOADS)]


def _names(patterns) -> list:
    """The kernels and models that the patterns name. Raises ValueError for one that names none."""
    for pattern in patterns:
        if not fnmatch.filter(KNOWN, pattern):
            raise ValueError(f"--only: expected the name of a kernel or a model, received {pattern!r}"
                             f"{nearest(pattern, KNOWN)}")
    return [n for n in KNOWN if any(fnmatch.fnmatchcase(n, p) for p in patterns)]


def _machine() -> dict:
    """Versions, and the limits as they are now, before anything else is measured."""
    code = "import time; t = time.perf_counter(); import kgraph; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60,
                         env=OWN[0].environment)
    return {**asdict(limits()), "processor": platform.processor() or platform.machine(), "system": platform.platform(),
            "python": platform.python_version(), "numpy": np.__version__, "kgraph": kgraph.__version__,
            "import_s": float(run.stdout)}


def _kernels(names, quick, console) -> list:
    rows = []
    with console.status("") as status:
        for name in names:
            for size in CASES[name].sizes[:1 if quick else None]:
                status.update(f"{name} {size}")
                rows.append(measure_case(name, size, 0.02 if quick else 0.3))
    if rows:
        console.print(kernel_table(rows, limits()))
    return rows


def _models(names, contenders, chosen, console) -> list:
    rows = []
    with console.status("") as status:
        for name in names:
            status.update(f"{name}: {', '.join(c.name for c in contenders)}")
            found = measure_workload(name, contenders, 1 if chosen.quick else 5, chosen.busy)
            console.print(model_table(found))
            rows += found
    return rows


def _measured(measure, table, names, contenders, chosen, console) -> list:
    """The rows of serving or of loops."""
    rows = []
    with console.status("") as status:
        for name in names:
            status.update(f"{name}: {', '.join(c.name for c in contenders)}")
            found = measure(name, contenders, 1 if chosen.quick else 3)
            console.print(table(found))
            rows += found
    return rows
