"""signature.json: what an exported model takes and gives, for people and for kgraph.export.loader."""
from __future__ import annotations

import hashlib
import json
import pathlib

from kgraph.compiler.dims import Dim
from kgraph.export.loader import digest_of
from kgraph.export.relocatable import Relocatable

__all__ = ["write_manifest"]


def write_manifest(folder: pathlib.Path, made: Relocatable, name: str, model, libraries: list, classes=None,
                   front=None):
    """signature.json of an exported folder. Sizes are integers, or texts such as ``B`` and ``2*B+1``.

    front      kgraph.export.front.Front of a model that begins with text: its tables are written to tables.json
    libraries  of [{file, processor, family, features}], the best first
    classes    names of the classes, or None
    """
    files = ["weights.bin", *(library["file"] for library in libraries)]
    if front is not None:
        (folder / "tables.json").write_text(json.dumps(front.found))
        files.append("tables.json")
    found = {
        "kgraph_export": 1,
        "name": name,
        "model": model.name,
        "sizes": made.dims,
        "programs": [_program(r, model) for r in made.routines],
        "weights": [{"name": r.path, "offset": r.offset, "bytes": r.contents.nbytes, "shape": list(r.contents.shape),
                     "dtype": r.contents.dtype.name, "mutable": r.mutable} for r in made.regions],
        "variables": [{"name": v.path, "weight": place[0], "offset": place[1], "shape": list(v.shape), "dtype": v.dtype}
                      for v in model.weights if (place := made.place_of(v))],
        "libraries": libraries,
        "files": {file: _digest(folder / file) for file in files},
    }
    if classes is not None:
        found["classes"] = list(map(str, classes))
    (folder / "signature.json").write_text(json.dumps({**found, "digest": digest_of(found)}, indent=1))


def _program(routine, model) -> dict:
    found = {"name": routine.name, "inputs": list(map(_array, routine.inputs)),
             "outputs": list(map(_array, routine.outputs)), "checks": [scope for scope, _ in routine.checks]}
    if routine.logs:
        found["logs"] = list(routine.logs)
    outputs = model._outputs if model.is_functional and routine.name == "predict" else None
    if isinstance(outputs, dict) and len(outputs) == len(routine.outputs):
        found["output_keys"] = list(outputs)  # the outputs themselves are in the order of sorted keys
    return found


def _array(a) -> dict:
    return {"name": a.name, "dtype": a.dtype, "shape": [str(n) if isinstance(n, Dim) else int(n) for n in a.shape]}


def _digest(path: pathlib.Path) -> dict:
    contents = path.read_bytes()
    return {"bytes": len(contents), "sha256": hashlib.sha256(contents).hexdigest()}
