"""format="web": the model as WebAssembly, a small JavaScript module, and a page that runs without a network."""
from __future__ import annotations

import base64
import html
import importlib.resources
import json
import math
import shutil
import tempfile
from pathlib import Path

from kgraph.export import c_source, steps, targets
from kgraph.export.c import Options, emit, new_folder
from kgraph.export.manifest import write_manifest

__all__ = ["export_web"]

_WEIGHTS = '''    .section .rodata.{name}_weights,"",@
    .p2align 6
    .globl {name}_weights
    .hidden {name}_weights
{name}_weights:
    .incbin "weights.bin"
    .size {name}_weights, {size}
'''
_ARRAYS = ("float32", "float64", "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
_FUNCTIONS = ("create", "destroy", "run", "shape", "reset", "reset_metrics", "state", "message")


def export_web(model, path, input_signature=None, name=None, classes=None, image=None, pixels=(0.0, 1.0),
               which="predict", data=None):
    """Write a folder with a page of the model.

    path      a new folder, or one that was exported before, which is replaced
    input_signature   the inputs; see kgraph.export.signature.signature_of
    name      of files and functions; default: the folder's name
    classes   names of the classes, for the bars of the page
    image     (height, width) or (height, width, channels) of the first input, where its shape does not say that it is
              one: the page has a canvas to draw on then. False: a form all the same
    pixels    what black and white are for the model
    which     "train": also the training step of a compiled model, with its optimizer; default: "predict".
              The page has a button that trains then
    data      (x, y) of a batch, where inputs and losses do not say what the training step takes

    In the folder: NAME.wasm and NAME-scalar.wasm, for browsers without vector instructions; NAME.js, an ES module, with
    its types NAME.d.ts; index.html, which holds all of it and opens as a file. Needs the package ziglang.

    Raises ValueError for a model that cannot leave Python, FileExistsError for a folder with other things in it,
    RuntimeError without ziglang.
    """
    folder = targets.folder_of(path)
    name = c_source.identifier(name or folder.resolve().stem)
    exported = steps.steps_of(model, which, input_signature, data, tables=True)
    front = exported["predict"].front
    for step in exported.values():
        _refuse_narrow(model, step.compiled)
    with steps.metrics_reset(model, exported) as metrics, new_folder(folder) as new:
        entries = []
        for target in targets.web_targets():
            file = f"{name}{target.name.removeprefix('wasm32')}.wasm"
            made = _module(exported, metrics, target, name, model.name, new / file)
            entries.append({"file": file, "processor": target.name, "family": target.family, "features": []})
        (new / "weights.bin").write_bytes(made.weights())
        write_manifest(new, made, name, model, entries, classes, front)
        (new / "weights.bin").unlink()
        _write_page(new, name, model.name, made, front, image, pixels)


def _refuse_narrow(model, compiled):
    """JavaScript has no arrays of 16-bit floats in all browsers."""
    for v in (*compiled._inputs, *compiled.traced.outputs):
        if v.dtype not in _ARRAYS:
            raise ValueError(f"export: expected inputs and outputs of model {model.name!r} among {', '.join(_ARRAYS)} "
                             f"for a page, received {v.dtype}: end with a layer of dtype float32")


def _module(exported, metrics, target, name: str, about: str, to: Path):
    """A module for one target."""
    tools = targets.toolchain(target)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = emit(exported, metrics, target, folder, name, about, Options(threads=False))
        (folder / "weights.S").write_text(_WEIGHTS.format(name=name, size=made.nbytes))
        kernels = sorted(str(f.relative_to(folder)) for f in (folder / "kernels").glob("*.o"))
        shown = [*(f"{name}_{f}" for f in _FUNCTIONS), "malloc", "free"]
        tools.run(tools.cc, "-mexec-model=reactor", "-O2", "-std=c11", "-fvisibility=hidden", f"{name}.c", "weights.S",
                  *kernels, "-o", "made.wasm", "-Wl,-s", *(f"-Wl,--export={f}" for f in shown), "-lm", cwd=folder)
        shutil.copyfile(folder / "made.wasm", to)
    return made


def _write_page(folder: Path, name: str, title: str, made, front, image, pixels):
    """NAME.js, NAME.d.ts and index.html beside the modules."""
    signature = json.loads((folder / "signature.json").read_text())
    kept = {k: signature[k] for k in ("name", "sizes", "programs", "weights", "classes") if k in signature}
    if front is not None:
        (folder / "tables.json").unlink()
        kept["tables"] = front.found
    parts = importlib.resources.files("kgraph.export")
    files = (["hashes.js", "tables.js"] if front is not None else []) + ["page.js"]
    texts = [f"const signature = {json.dumps(kept)};\n", *(parts.joinpath(file).read_text() for file in files)]
    module = "\n".join(texts)
    (folder / f"{name}.js").write_text("// Made by kgraph.\n" + module)
    (folder / f"{name}.d.ts").write_text(parts.joinpath("page.d.ts").read_text().replace("NAME", name))
    image = None if front is not None else _image_shape(made.routines[0].inputs[0], image)
    page = {"image": image, "low": float(pixels[0]), "high": float(pixels[1])}
    text = parts.joinpath("page.html").read_text()
    in_html = module.replace("</", "<\\/").replace("<!--", "<\\!--")
    inside = {"TITLE": html.escape(title), "MODULE": in_html, "PAGE": json.dumps(page),
              "SIMD_BASE64": _base64(folder / f"{name}.wasm"),
              "SCALAR_BASE64": _base64(folder / f"{name}-scalar.wasm")}
    for mark, contents in inside.items():
        text = text.replace(mark, contents)
    (folder / "index.html").write_text(text)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _image_shape(array, image) -> list | None:
    """[height, width, channels] of an input that is an image, as it is said or as its shape looks."""
    row = [n for n in array.shape[1:] if isinstance(n, int)]
    if image:
        found = [*map(int, image), *([1] if len(image) == 2 else [])]
        if len(found) != 3 or found[2] not in (1, 3) or math.prod(found) != math.prod(row):
            raise ValueError(f"export: expected image= as (height, width) or (height, width, 1 or 3) with "
                             f"{math.prod(row)} numbers, as the input {array.name!r} has, received {image!r}")
        return found
    looks = image is None and len(row) == len(array.shape) - 1 == 3 and row[2] in (1, 3) and min(row[:2]) > 4
    return row if looks else None
