"""What a model that begins with text does before its compiled part, as tables that an exported model carries."""
from __future__ import annotations

import importlib.resources
from dataclasses import dataclass

from kgraph.compiler.dims import Dim
from kgraph.layers.preprocessing.host import HostLayer
from kgraph.layers.preprocessing.tables import as_dict

__all__ = ["Front", "front_of", "modules"]


@dataclass(frozen=True)
class Front:
    """names, types: of what the tables give; finish: for each, what makes an entry of the compiled part of it; found:
    the tables, as kgraph.layers.preprocessing.tables.Tables takes them."""

    names: list
    types: list
    finish: list
    found: dict


def front_of(model) -> Front:
    """The Front of a model that has one. Raises ValueError, with the name of the layer, where tables cannot do it."""
    own = model._front.own
    places, steps = {x: i for i, x in enumerate(own.inputs)}, []
    for node in own.nodes:
        if node.is_input:
            continue
        layer = node.operation
        if not isinstance(layer, HostLayer):
            raise ValueError(f"model {model.name!r}: expected text layers alone where text comes in, received layer "
                             f"{layer.name!r} ({type(layer).__name__}), which runs in Python there")
        _refuse_codes(layer, node.inputs)
        steps.append({**as_dict(layer.table()), "reads": [places[x] for x in node.inputs]})
        places[node.outputs[0]] = len(own.inputs) + len(steps) - 1
    entries = model._front.entries
    made = [None if x.node.is_input else x.node for x in entries]
    return Front(
        [x.node.operation.name for x in entries],
        [x.type if node is None else node.operation.table_type(*[i.type for i in node.inputs])
         for x, node in zip(entries, made)],
        [(lambda x: x) if node is None else node.operation.finish for node in made],
        {"inputs": [{"name": x.operation.name, "dtype": x.dtype, "shape": [
            str(n) if isinstance(n, Dim) else n for n in x.type.shape]} for x in own.inputs],
         "steps": steps, "entries": [places[x] for x in entries]})


def _refuse_codes(layer, inputs):
    for x in inputs:
        before = x.node.operation
        if not x.node.is_input and getattr(before, "output_mode", "int") != "int":
            raise ValueError(f"layer {layer.name!r} ({type(layer).__name__}): expected the integers of layer "
                             f"{before.name!r} (output_mode='int'), received its codes")


def modules() -> dict:
    """{name: contents} of the Python modules that tables need."""
    folder = importlib.resources.files("kgraph.layers.preprocessing")
    return {name: folder.joinpath(name).read_bytes() for name in ("tables.py", "fingerprints.py")}
