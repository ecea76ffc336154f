"""format="bundle": a folder that is a Python package of NumPy and ctypes alone, with code for several processors."""
from __future__ import annotations

import importlib.resources
import shutil
import tempfile
from pathlib import Path

from kgraph.export import c_source, steps, targets
from kgraph.export.c import Options, build_library, emit, library_entry, new_folder
from kgraph.export.front import modules
from kgraph.export.loader import Bundle
from kgraph.export.manifest import write_manifest

__all__ = ["export_bundle", "load_bundle"]


def export_bundle(model, path, input_signature=None, cpu=None, classes=None, threads=True, which="predict",
                  data=None):
    """Write a folder that predicts where Python and NumPy are.

    ``import NAME; NAME.predict(x)`` loads it where the folder is on the path, `kgraph.load_bundle(path)` here; see
    kgraph.export.loader, of which it has a copy.

    Raises ValueError for a processor that does not exist and a model that cannot leave Python, FileExistsError for a
    folder with other things in it, RuntimeError without a C compiler for a target.

    Args:
        path: a new folder, or one that was exported before, which is replaced. Its name is that of a Python package
        input_signature: the inputs; see kgraph.export.signature.signature_of
        cpu: processors to make code for, a list or names with commas between: "haswell,x86-64-v4,neoverse-n1"; the best
            that fits is taken when it is loaded. Default: "host"
        classes: names of the classes, which travel along
        threads: False: code that never makes threads
        which: "train": also the training step of a compiled model, with its optimizer; default: "predict"
        data: (x, y) of a batch, where inputs and losses do not say what the training step takes
    """
    folder = targets.folder_of(path)
    names = [targets.HOST] if cpu is None else cpu.split(",") if isinstance(cpu, str) else [str(name) for name in cpu]
    if not names:
        raise ValueError("export: expected cpu as names of processors, received none")
    chosen = {name.strip(): targets.resolve(name.strip()) for name in names}
    tools = {name: targets.toolchain(target) for name, target in chosen.items()}
    best_first = sorted(chosen, key=lambda n: (-chosen[n].machine.bytes, -len(chosen[n].features)))
    own = c_source.identifier(folder.resolve().stem)
    exported = steps.steps_of(model, which, input_signature, data, tables=True)
    front = exported["predict"].front
    with steps.metrics_reset(model, exported) as metrics, new_folder(folder) as new:
        (new / "lib").mkdir()
        libraries = []
        for name in best_first:
            file = f"lib/{own}-{chosen[name].machine.cpu}.so"
            with tempfile.TemporaryDirectory() as scratch:
                made = emit(exported, metrics, chosen[name], Path(scratch), own, model.name, Options(bool(threads)))
                build_library(Path(scratch), own, tools[name], Options(bool(threads)), weights_inside=False)
                shutil.copyfile(Path(scratch, f"lib/lib{own}.so"), new / file)
            libraries.append(library_entry(file, chosen[name]))
        (new / "weights.bin").write_bytes(made.weights())
        (new / "__init__.py").write_bytes(importlib.resources.files("kgraph.export").joinpath("loader.py").read_bytes())
        for file, contents in (modules() if front is not None else {}).items():
            (new / file).write_bytes(contents)
        write_manifest(new, made, own, model, libraries, classes, front)


def load_bundle(path, threads: int | None = None) -> Bundle:
    """A folder that `model.export(path, format="bundle")` or format="c" wrote, with ``predict``. Nothing of the folder
    is run but the library, whose digest is checked before; see kgraph.export.loader.Bundle.

    Args:
        path: of the bundle.
        threads: how many; None: as many as kgraph.get_num_threads() says.
    """
    return Bundle(path, threads)
