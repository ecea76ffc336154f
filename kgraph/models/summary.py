"""The table that model.summary() prints."""
from __future__ import annotations

import re
import shutil

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from kgraph import doors, tree
from kgraph.graph import KTensor, get_mask
from kgraph.layers.base import Layer, map_shapes
from kgraph.models.model import Model
from kgraph.models.sequential import Sequential
from kgraph.naming import printable

__all__ = ["print_summary"]


def print_summary(model, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False,
                  layer_range=None, show_masks=False, kernels=False):
    """Print the layers of a model, and how many parameters there are.

    Raises ValueError for kernels of a model whose inputs are not known yet: run a batch through predict first.

    Args:
        line_length: characters a line, by default what the terminal has, up to 88 (20 more with connections, 26 more
            with kernels)
        positions: where columns end, as shares of the line
        print_fn: called with each line, instead of printing
        expand_nested: show the layers of models that are layers
        layer_range: (first, last) layer by name or regular expression
        show_masks: a column that says whether the layer's output carries a mask
        kernels: a column that names the kernels of predict that serve the layer, as kgraph.inspect.kernels does
    """
    columns = _columns(model, show_trainable, show_masks, kernels)
    table = _table(columns, line_length, positions)
    for layer in _in_range(model, layer_range):
        for one, prefix in _rows(layer, 0, expand_nested):
            table.add_row(*(Text(printable(fill(one, prefix), keep="\n")) for _, _, fill in columns))
    plain = {"force_terminal": False, "force_jupyter": False, "color_system": None} if print_fn else {}
    console = Console(highlight=False, width=max(table.width or 0, 80), **plain)
    with console.capture() if print_fn else _nothing() as capture:
        console.print(Text(f"Model: \"{printable(model.name)}\"", "bold"))
        console.print(table)
        for name, variables in _totals(model):
            console.print(Text.assemble((f" {name}: ", "bold"), f"{_count(variables):,} ({_memory(variables)})"))
    if print_fn:
        for line in capture.get().rstrip("\n").split("\n"):
            print_fn(line)


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


# ------------------------------------------------------------------ columns
def _columns(model, show_trainable, show_masks, kernels) -> list:
    """(heading, alignment, (layer, prefix) -> text) for each column."""
    columns = [("Layer (type)", "left", _name), ("Output Shape", "left", lambda x, _: _output_shape(x)),
               ("Param #", "right", lambda x, _: _parameters(x))]
    if model.is_functional and not _is_chain(model):
        own = set(model._graph.nodes)
        columns.append(("Connected to", "left", lambda x, _: _connections(x, own)))
    if show_masks:
        columns.append(("Mask", "center", lambda x, _: _masks(x)))
    if show_trainable:
        columns.append(("Trainable", "center", lambda x, _: _trains(x)))
    if kernels:
        found = doors.programs.kernels(model, "predict")
        columns.append(("Kernels", "left", lambda x, _: _kernels(x, found)))
    return columns


def _table(columns, line_length, positions) -> Table:
    connected = any(heading == "Connected to" for heading, _, _ in columns)
    shares = {"Layer (type)": 30, "Output Shape": 26, "Param #": 18, "Connected to": 26} if connected else {
        "Layer (type)": 45, "Output Shape": 35, "Param #": 20}
    shares["Kernels"] = 30
    weights = [shares.get(heading, 15) for heading, _, _ in columns]
    if positions is not None:
        weights = [b - a for a, b in zip([0, *positions], positions)]
    most = (108 if connected else 88) + 26 * any(heading == "Kernels" for heading, _, _ in columns)
    length = line_length or min(most, shutil.get_terminal_size().columns - 4)
    widths = [max(int(weight * length / sum(weights)), 4) for weight in weights]
    heads = [
        Column(heading, justify=align, width=width, overflow="fold")
        for (heading, align, _), width in zip(columns, widths)
    ]
    return Table(*heads, width=max(length, sum(widths)), show_lines=True, box=box.HEAVY_HEAD)


def _name(layer, prefix):
    kind = layer._keras_identity()[1] if hasattr(layer, "_keras_identity") else type(layer).__name__
    return f"{prefix}{printable(layer.name)} ({kind})"


def _output_shape(layer):
    if layer._nodes:
        shapes = [x.shape for x in layer._nodes[-1].outputs]
    elif getattr(layer, "is_functional", False):
        shapes = [x.shape for x in layer.outputs]
    elif layer.built and len(layer._build_shapes or ()) == 1:
        given = next(iter(layer._build_shapes.values()))
        shapes = [x.shape for x in tree.flatten(layer.compute_output_spec(map_shapes(_of_any_batch, given)))]
    else:
        return "?"
    return ", ".join("(" + ", ".join(map(str, shape)) + ")" for shape in shapes)


def _of_any_batch(shape):
    return KTensor((None, *shape[1:]))


def _parameters(layer):
    if not isinstance(layer, Layer):
        return "0"
    return f"{_count(layer.weights):,}" + ("" if layer.built else " (unbuilt)")


def _connections(layer, own):
    places = [f"{printable(x.operation.name)}[{x.node.index}][{x.index}]" for node in layer._nodes if node in own
              for x in node.inputs]
    return ", ".join(places) or "-"


def _masks(layer):
    return "yes" if any(get_mask(x) is not None for node in layer._nodes for x in node.outputs) else "-"


def _trains(layer):
    if not isinstance(layer, Layer) or not layer.weights:
        return "-"
    return "Y" if layer.trainable else "N"


def _kernels(layer, found):
    """Names of the kernels that serve the layer, or one of those inside it.

    Kernels say in which scopes their ops were traced: the path of the layer, or, where a functional model was built for
    itself and is now part of another one, its name.
    """
    inside = [one for one, _ in _rows(layer, 0, True)]
    for scopes in ({getattr(one, "path", None) for one in inside}, {one.name for one in inside}):
        served = [k.name for k in found if any(_is_within(scope, scopes) for scope in k.layers)]
        if served:
            return "\n".join(dict.fromkeys(served))
    return "-"


def _is_within(scope, scopes) -> bool:
    """Whether the scope is one of them, or inside one."""
    parts = scope.split("/")
    return any("/".join(parts[:n]) in scopes for n in range(1, len(parts) + 1))


# ------------------------------------------------------------------ rows
def _rows(layer, level, expand_nested):
    """(layer, prefix) of a layer and, when nested models are shown, of those inside."""
    yield layer, "   " * level + "└ " if level else ""
    if expand_nested and isinstance(layer, Model):
        for inner in layer.layers:
            yield from _rows(inner, level + 1, True)


def _is_chain(model) -> bool:
    """Whether each call follows the one before: then a column of connections says nothing."""
    nodes = model._graph.nodes
    return isinstance(model, Sequential) or (
        all(len(node.inputs) <= 1 for node in nodes) and len(model.inputs) == 1
        and len({node.operation for node in nodes}) == len(nodes)
        and all(after.inputs[0].node is before for before, after in zip(nodes, nodes[1:])))


def _in_range(model, layer_range) -> list:
    layers = model.layers if isinstance(model, Sequential) else model.operations
    if layer_range is None:
        return layers
    if len(layer_range) != 2:
        raise ValueError(f"summary: expected layer_range to be two names, received {layer_range!r}")
    found = [[i for i, layer in enumerate(layers) if re.fullmatch(name, layer.name)] for name in layer_range]
    for name, places in zip(layer_range, found):
        if not places:
            raise ValueError(f"summary: expected layer_range to name layers of the model, received {name!r}")
    first, last = sorted((found[0][0], found[1][-1]))
    return layers[first:last + 1]


# ------------------------------------------------------------------ totals
def _totals(model):
    optimizer = getattr(model, "optimizer", None)
    slots = list(optimizer.variables) if optimizer is not None and getattr(optimizer, "built", False) else []
    yield "Total params", [*model.weights, *slots]
    yield "Trainable params", model.trainable_weights
    yield "Non-trainable params", model.non_trainable_weights
    if slots:
        yield "Optimizer params", slots


def _count(variables) -> int:
    return sum(v.size for v in variables)


def _memory(variables) -> str:
    size = float(sum(v.size * v.type.itemsize for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"
