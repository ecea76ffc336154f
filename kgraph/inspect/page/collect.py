"""What the report shows, as plain data."""
from __future__ import annotations

import numpy as np

from kgraph.codegen import frontend, target
from kgraph.compiler import dims
from kgraph.compiler.passes.schedule import Views
from kgraph.compiler.pipeline import PASSES, run_passes
from kgraph.inspect.graphs import label_lines, to_networkx
from kgraph.inspect.layout import layout
from kgraph.inspect.pictures import CHARACTER, LINE, PADDING, edge_path
from kgraph.inspect.profiling import profile
from kgraph.inspect.programs import compiled_step, made_up
from kgraph.naming import printable
from kgraph.runtime.profile import machine
from kgraph.training.compiled_step import leaves_of
from kgraph.training.data import as_data

__all__ = ["contents"]

PROFILED = 5   # runs of each kernel
ASPECT = 1.0   # width by height of the graph, of which the page shows a part


def contents(model, which, x, y, assembly) -> dict:
    """Everything on the page; see the functions below."""
    if x is None:
        x, y = made_up(model, which, rows=32)
    step = compiled_step(model, which, x, y)
    profiled = profile(model, x, y if which != "predict" else None, which, repeats=PROFILED)
    extents = step.extents(list(map(np.asarray, leaves_of(as_data(x, y if which != "predict" else None)))))
    graphs = [_graph(model, False), _graph(model, True)]
    known = {n["id"] for g in graphs for n in g["nodes"]}
    limits = profiled.limits
    return {"model": printable(model.name), "step": which, "processor": machine().cpu, "threads": limits.threads,
            "limits": {"flops": limits.float32, "bytes": limits.bandwidth}, "extents": extents, "graphs": graphs,
            "stages": _stages(step.traced), "kernels": _kernels(step, profiled, known),
            "texts": _texts(step.plan.kernels, assembly), "memory": _memory(step.plan, extents),
            "history": _history(model)}


def _graph(model, opened) -> dict:
    """Boxes and edges of the layers, laid out; opened: with the layers of nested models in place of these."""
    graph = to_networkx(model, expand_nested=opened)
    texts = {n: label_lines(a, n) for n, a in graph.nodes(data=True)}
    sizes = {n: (max(map(len, t)) * CHARACTER + 2 * PADDING, len(t) * LINE + PADDING) for n, t in texts.items()}
    centres, routes = layout(graph, sizes, aspect=ASPECT)
    nodes = [{"id": n, "lines": texts[n], "x": round(centres[n][0], 1), "y": round(centres[n][1], 1),
              "w": round(sizes[n][0], 1), "h": sizes[n][1], "about": _about(a)} for n, a in graph.nodes(data=True)]
    return {"nodes": nodes, "edges": [{"from": a, "to": b, "d": edge_path(p)} for (a, b), p in routes.items()]}


def _about(attributes) -> dict:
    return {"class": attributes["class_name"], "shape": str(attributes["shape"]), "dtype": str(attributes["dtype"]),
            "parameters": attributes["params"], "trainable": attributes["trainable"],
            "place": attributes.get("place", "")}


def _stages(program) -> list:
    """The program as traced and after each pass that changed it: {"name", "lines"}."""
    stages = [{"name": "traced", "lines": _lines(program)}]
    for name, run in PASSES:
        program = run_passes(program, [(name, run)])
        lines = _lines(program)
        if lines != stages[-1]["lines"]:
            stages.append({"name": name, "lines": lines})
    return stages


def _lines(program) -> list:
    return [printable(line) for line in str(program).splitlines()]


def _kernels(step, profiled, known) -> list:
    """Each kernel in order: its time and rates, the layers it serves, and the line of its op in the last stage."""
    lines = str(step.program).splitlines()
    ops = [i for i, line in enumerate(lines) if line[:3].strip() and line.startswith("  %")]
    places = [at for at, op in zip(ops, step.program.ops) if not op.prim.view]
    return [{"name": row.name, "scopes": list(row.scopes), "line": at, "seconds": row.seconds, "flops": row.flops,
             "bytes": row.bytes, "share": row.share, "layers": sorted({_layer(s, known) for s in row.scopes} - {""})}
            for row, at in zip(profiled.rows, places)]


def _layer(scope, known) -> str:
    """The layer whose scope it is: the longest beginning of the path that is one."""
    parts = scope.split("/")
    return next((p for n in range(len(parts), 0, -1) if (p := "/".join(parts[:n])) in known), "")


def _texts(kernels, assembly) -> dict:
    """name -> loop nest, source and assembly of each kernel."""
    return {k.name: {"nest": str(k.nest), "source": k.source, "assembly": _assembly(k) if assembly else ""}
            for k in {k.name: k for k in kernels}.values()}


def _assembly(kernel) -> str:
    text = target.assembly(frontend.kernel_ir(kernel.nest, kernel.name))
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith((".", "#")))


def _memory(plan, extents) -> dict:
    """Values in the plan's own memory: where they lie, and from which op to which."""
    slots = [int(n) for n in dims.evaluate(plan.slots, extents)]
    starts = np.cumsum([0, *slots]).tolist()
    views, first, last = Views(plan.program.ops), {}, {}
    ops = [op for op in plan.program.ops if not op.prim.view]
    for i, op in enumerate(ops):
        for v in op.outputs:
            first.setdefault(v, (i, op.scope))
        for v in op.inputs:
            last[views.root(v)[0]] = i
    for v in plan.program.outputs:
        last[views.root(v)[0]] = len(ops)
    found = [{"at": starts[b.index] + int(dims.evaluate(b.offset, extents)), "from": at, "to": last.get(v, at),
              "bytes": int(dims.evaluate(v.type.nbytes, extents)), "type": str(v.type), "scope": scope}
             for v, (at, scope) in first.items() if (b := plan.buffer(v)).kind == "slot"]
    return {"bytes": starts[-1], "naive": int(dims.evaluate(plan.naive_bytes, extents)), "steps": len(ops) + 1,
            "values": found}


def _history(model) -> dict:
    history = getattr(model.history, "history", None) or {}
    return {name: [float(v) for v in values] for name, values in history.items()
            if all(np.ndim(v) == 0 for v in values)}
