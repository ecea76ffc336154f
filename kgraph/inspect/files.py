"""What is in a model file, told without building the model: layers, arrays, parameters, versions, sizes."""
from __future__ import annotations

import math
import os
import re
import zipfile

from kgraph.naming import printable
from kgraph.saving.archive import Archive
from kgraph.saving.hdf5 import is_hdf5, open_file
from kgraph.saving.text import read_json, read_yaml
from kgraph.utils.files import check_regular

__all__ = ["describe_file", "format_description"]

MAX_WIDTH = 60    # of the column of names; longer ones push the rest of their line

def describe_file(path) -> dict:
    """What is in a file, as plain data.

    {"file", "bytes", "format", "keras_version", "model": {"class_name", "name", "layers": [{"name", "class_name",
    "config"}]}, "arrays": [{"path", "shape", "dtype", "parameters"}], "parameters", "state" (numbers of the optimizer's
    state), "compile"}; what a file does not hold is None. Raises ValueError for a damaged file and for other files,
    FileNotFoundError when there is none.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path!r}")
    check_regular(path)
    if zipfile.is_zipfile(path):
        found = _archive(path)
    elif is_hdf5(path):
        with open_file(path) as root:
            found = _hdf5(root)
    else:
        found = _text(path)
    arrays = found["arrays"]
    is_state = lambda a: a["path"].split("/")[0] in ("optimizer", "optimizer_weights")
    return {"file": path, "bytes": os.path.getsize(path), **found,
            "parameters": sum(a["parameters"] for a in arrays if not is_state(a)),
            "state": sum(a["parameters"] for a in arrays if is_state(a))}


def _archive(path) -> dict:
    with Archive(path) as archive:
        config = _read_dict(archive.read("config.json"), path)
        metadata = _read_dict(archive.read("metadata.json"), path) if "metadata.json" in archive.names() else {}
        arrays = []
        if "model.weights.h5" in archive.names():
            with archive.open_seekable("model.weights.h5") as member, open_file(member, path) as root:
                arrays = _arrays(root)
        return {"format": "Keras 3 archive", "keras_version": metadata.get("keras_version"), "model": _model(config),
                "compile": config.get("compile_config"), "arrays": arrays, "members": archive.names()}


def _read_dict(text, where) -> dict:
    config = read_json(text, where)
    if not isinstance(config, dict):
        raise ValueError(f"{where}: expected a JSON object, received {str(config)[:100]!r}")
    return config


def _hdf5(root) -> dict:
    text, training = root.text("model_config"), root.text("training_config")
    layered = root.name_list("layer_names") or text is not None
    return {"format": "HDF5 model" if text else "HDF5 weights, layout of Keras 2" if layered else
            "HDF5 weights, layout of Keras 3", "keras_version": root.attribute("keras_version"),
            "model": _model(_read_dict(text, root.file_name)) if text else None,
            "compile": read_json(training, root.file_name) if training else None, "arrays": _arrays(root)}


def _text(path) -> dict:
    if os.path.getsize(path) > 64 << 20:
        raise ValueError(f"{path}: expected a model file, received something else")
    with open(path, "rb") as f:
        data = f.read()
    try:
        config = read_json(data, path) if data.lstrip()[:1] == b"{" else read_yaml(data.decode("utf-8"), path)
    except UnicodeDecodeError as e:
        raise ValueError(f"{path}: expected a .keras archive, HDF5, JSON or YAML, received something else") from e
    if not isinstance(config, dict) or "config" not in config:
        raise ValueError(f"{path}: expected the configuration of a model, received something else")
    return {"format": "architecture", "keras_version": config.get("keras_version"), "model": _model(config),
            "compile": config.get("compile_config"), "arrays": []}


def _model(config) -> dict:
    inner = config.get("config") if isinstance(config, dict) else None
    layers = inner if isinstance(inner, list) else inner.get("layers", []) if isinstance(inner, dict) else []
    if not isinstance(inner, dict | list) or not isinstance(layers, list):
        raise ValueError(f"expected the configuration of a model, received {str(config)[:100]}")
    described = []
    for layer in layers:
        own = layer.get("config") if isinstance(layer, dict) else None
        if isinstance(own, dict):
            nested = _model(layer)["layers"] if isinstance(own.get("layers"), list) else None
            described.append({"name": own.get("name"), "class_name": layer.get("class_name"), "layers": nested,
                              "config": {k: v for k, v in own.items() if isinstance(v, str | int | float | bool)}})
    return {"class_name": config.get("class_name"), "name": inner.get("name") if isinstance(inner, dict) else None,
            "layers": described}


def _arrays(root) -> list:
    return [{"path": a.path, "shape": a.shape, "dtype": str(a.dtype or "text"), "parameters": math.prod(a.shape)}
            for a in sorted(root.arrays(), key=lambda a: _natural(a.path))]


def _natural(path) -> list:
    """Sorts vars/2 before vars/10."""
    return [(len(number := part.lstrip("0")), number) if part.isdecimal() else (-1, part)
            for part in re.split(r"([0-9]+)", path)]


def format_description(found: dict) -> str:
    """The description as text for people. What a terminal would obey rather than show is written as an escape."""
    version = found["keras_version"] or "(not said)"
    lines = [f"{found['file']}: {found['format']}, {_size(found['bytes'])}, Keras {version}"]
    if found["model"]:
        lines += ["", f"{found['model']['class_name']} {found['model']['name'] or ''}".rstrip()]
        lines += _layer_lines(found["model"]["layers"], 1)
    if found["arrays"]:
        width = min(MAX_WIDTH, max(len(a["path"]) for a in found["arrays"]))
        lines += ["", f"{'array':{width}}  {'shape':20}  {'dtype':8}  numbers"]
        lines += [f"{a['path']:{width}}  {str(a['shape']):20}  {a['dtype']:8}  {a['parameters']:,}"
                  for a in found["arrays"]]
    state = f", optimizer state {found['state']:,}" if found["state"] else ""
    lines += ["", f"parameters {found['parameters']:,}{state}"]
    compile = found["compile"]
    if isinstance(compile, dict):
        optimizer = compile.get("optimizer_config") or compile.get("optimizer") or {}
        name = optimizer.get("class_name") if isinstance(optimizer, dict) else optimizer
        lines.append(f"compiled with optimizer {name}, loss {_short(compile.get('loss'))}, metrics "
                     f"{_short(compile.get('metrics'))}")
    return "\n".join(map(printable, lines))


def _layer_lines(layers, level) -> list:
    lines = []
    for layer in layers:
        shown = ", ".join(f"{k}={v}" for k, v in layer["config"].items()
                          if k in ("units", "filters", "activation", "rate", "input_dim", "output_dim", "padding"))
        lines.append(f"{'  ' * level}{layer['name']} ({layer['class_name']})  {shown}".rstrip())
        lines += _layer_lines(layer["layers"] or [], level + 1)
    return lines


def _short(x) -> str:
    return str(x.get("class_name", x)) if isinstance(x, dict) else str(x)


def _size(count) -> str:
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:.4g} {unit}"
        count /= 1000
    return f"{count:.4g} GB"
