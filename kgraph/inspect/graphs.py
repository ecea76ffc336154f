"""A model as a graph: for networkx, as DOT text, as JSON text."""
from __future__ import annotations

import json

from kgraph import tree
from kgraph.graph import KTensor, places
from kgraph.inspect.programs import compiled_step
from kgraph.layers.base import Layer
from kgraph.naming import printable

__all__ = ["to_dot", "to_json", "to_networkx"]


def to_networkx(model, level="layer", which="predict", expand_nested=False):
    """The model as a networkx.DiGraph.

    An edge's `tensors` counts the tensors that go that way.

    Args:
        level: "layer": a node for each layer or operation, named as it is, with class_name, shape, dtype, params,
            trainable, place, the lines of the program where it was called, and within, the names of the models around
            it; "op": a node for each op of the program
            that is compiled, with prim, type and layer
        which: at op level, the step: train, test or predict
        expand_nested: at layer level, the layers of models inside the model in place of these

    Returns:
        A networkx.DiGraph.

    Raises:
        ValueError: another level, or a model without a graph.
    """
    import networkx
    if level not in ("layer", "op"):
        raise ValueError(f"to_networkx: expected level 'layer' or 'op', received {level!r}")
    graph = networkx.DiGraph(name=model.name)
    if level == "op":
        _add_ops(graph, compiled_step(model, which).program)
    elif getattr(model, "is_functional", False):
        _add_layers(graph, model, "", expand_nested)
    else:
        _add_contents(graph, model, "")
    return graph


def _add_edge(graph, a, b):
    if graph.has_edge(a, b):
        graph[a][b]["tensors"] += 1
    else:
        graph.add_edge(a, b, tensors=1)


def _describe(operation, outputs) -> dict:
    shapes = [x.shape for x in outputs]
    is_layer = isinstance(operation, Layer)
    return {"class_name": type(operation).__name__, "shape": shapes[0] if len(shapes) == 1 else shapes,
            "dtype": outputs[0].dtype if outputs else "", "params": operation.count_params() if is_layer else 0,
            "trainable": bool(operation.trainable) if is_layer else False,
            "activation": _name_of(getattr(operation, "activation", None))}


def _name_of(activation) -> str:
    return getattr(activation, "name", None) or getattr(activation, "__name__", "") if activation is not None else ""


def _add_layers(graph, model, prefix, expand, within=()):
    """The nodes of a functional model; returns the names of those that give its outputs."""
    ends = {}    # operation -> the node that gives its results
    for node in model._graph.nodes:
        operation, name = node.operation, prefix + node.operation.name
        if expand and getattr(operation, "is_functional", False):
            if operation not in ends:
                ends[operation] = _add_layers(graph, operation, f"{name}/", expand, (*within, operation.name))
            sources, targets = _sources(node, ends), [f"{name}/{x.operation.name}" for x in operation.inputs]
            for i, source in enumerate(sources):
                _add_edge(graph, source, targets[min(i, len(targets) - 1)])
            continue
        called = [*graph.nodes[name]["place"].split(", ")] if name in graph else []
        place = ", ".join(dict.fromkeys([*called, places.text(node.place)]))
        outputs = [x for x in node.outputs if isinstance(x, KTensor)]
        graph.add_node(name, place=place, within=within, **_describe(operation, outputs))
        ends[operation] = [name]
        for source in _sources(node, ends):
            _add_edge(graph, source, name)
    return [ends[x.operation][min(x.index, len(ends[x.operation]) - 1)] for x in model.outputs]


def _sources(node, ends) -> list:
    tensors = [x for x in tree.flatten((node.args, node.kwargs)) if isinstance(x, KTensor)]
    return [ends[x.operation][min(x.index, len(ends[x.operation]) - 1)] for x in tensors if x.operation in ends]


def _add_contents(graph, layer, prefix):
    """A subclassed model has no graph of tensors: edges say which layer holds which."""
    name = prefix + layer.name
    graph.add_node(name, class_name=type(layer).__name__, shape=None, dtype="", trainable=bool(layer.trainable),
                   params=layer.count_params() if layer.built else 0)
    for child in layer._sublayers():
        _add_contents(graph, child, f"{name}/")
        _add_edge(graph, name, f"{name}/{child.name}")


def _add_ops(graph, program):
    made = {}
    for i, value in enumerate(program.inputs):
        made[value] = value.name or f"input_{i}"
        graph.add_node(made[value], prim="input", type=str(value.type), layer="")
    for i, op in enumerate(program.ops):
        name = f"{i}: {op.prim.name}"
        graph.add_node(name, prim=op.prim.name, type=", ".join(str(v.type) for v in op.outputs), layer=op.scope)
        for value in op.inputs:
            _add_edge(graph, made[value], name)
        made.update(dict.fromkeys(op.outputs, name))


def label_lines(attributes, name, show_shapes=True, show_dtype=False, show_layer_names=True,
                show_trainable=False, show_layer_activations=False) -> list:
    """What is written into the box of a node: without line breaks and what only readers of text obey."""
    kind = attributes.get("class_name") or attributes.get("prim")
    lines = [f"{name.rpartition('/')[2]} ({kind})" if show_layer_names and "class_name" in attributes else kind]
    shape = attributes.get("type") if "prim" in attributes else attributes.get("shape")
    if show_shapes and shape is not None:
        lines.append(str(shape))
    if show_dtype and attributes.get("dtype"):
        lines.append(attributes["dtype"])
    if show_layer_activations and attributes.get("activation"):
        lines.append(f"activation: {attributes['activation']}")
    if show_trainable and attributes.get("params"):
        lines.append("trainable" if attributes["trainable"] else "not trainable")
    return list(map(printable, lines))


def to_dot(graph, rankdir="TB", **labels) -> str:
    """The graph (of to_networkx), or a model's layers, as DOT text, for graphviz and its relatives. labels: see
    label_lines."""
    graph = _as_graph(graph)
    escape = lambda text: printable(text, keep="\n").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    quote = lambda text: f'"{escape(text)}"'
    lines = [f"digraph {quote(graph.name)} {{", f"  rankdir={rankdir};", "  node [shape=box];"]
    lines += [f"  {quote(n)} [label={quote(chr(10).join(label_lines(a, n, **labels)))}];"
              for n, a in graph.nodes(data=True)]
    lines += [f"  {quote(a)} -> {quote(b)};" for a, b in graph.edges]
    return "\n".join([*lines, "}"])


def to_json(graph) -> str:
    """The graph (of to_networkx), or a model's layers, as JSON text: {"name", "nodes": [{"id", ...}], "edges":
    [{"source", "target", "tensors"}]}."""
    graph = _as_graph(graph)
    return json.dumps({"name": graph.name, "nodes": [{"id": n, **a} for n, a in graph.nodes(data=True)],
                       "edges": [{"source": a, "target": b, **d} for a, b, d in graph.edges(data=True)]}, indent=1)


def _as_graph(x):
    return x if hasattr(x, "adj") else to_networkx(x)
